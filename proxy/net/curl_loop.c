#include "curl_loop.h"

#include <event2/event.h>
#include <stdlib.h>

#include "loop.h"
#include "mem.h"

// Idle connections kept: GitHub's API, a broker or platform, the cluster's API, each once or twice.
#define CONNECTIONS_KEPT 8

// Debian's libcurl brings GnuTLS along, for LDAP and RTMP: it would set itself up and test itself when it is loaded, for
// nothing, and take a megabyte. Its documents name this function for that (GNUTLS_SKIP_GLOBAL_INIT); it is looked up by
// the dynamic loader.
__attribute__((visibility("default"))) int _gnutls_global_init_skip(void);

int _gnutls_global_init_skip(void)
{
    return 1;
}

struct curl_loop {
    struct loop *loop;
    CURLM *multi;
    struct timer timer; // curl's own timeouts
    curl_loop_done_fn *done;
    void *arg;
};

// One socket that curl waits on.
struct watched_socket {
    struct curl_loop *curl;
    struct event *event; // NULL: not yet
};

// A callback may start or remove others.
static void take_finished(struct curl_loop *curl)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(curl->multi, &left))) {
        if (message->msg == CURLMSG_DONE)
            curl->done(curl->arg, message->easy_handle, message->data.result);
    }
}

static void act(struct curl_loop *curl, curl_socket_t descriptor, int events)
{
    int running;

    curl_multi_socket_action(curl->multi, descriptor, events, &running);
    take_finished(curl);
}

static void on_curl_loop_timer(void *arg)
{
    act(arg, CURL_SOCKET_TIMEOUT, 0);
}

// Curl calls this from inside its own functions: the timer is set, and nothing is called back.
static int on_curl_timeout(CURLM *multi, long timeout_ms, void *arg)
{
    struct curl_loop *curl = arg;

    if (timeout_ms < 0)
        timer_stop(&curl->timer);
    else
        timer_start(&curl->timer, timeout_ms);
    return 0;
}

static void on_socket(evutil_socket_t descriptor, short what, void *arg)
{
    struct watched_socket *socket = arg;

    act(socket->curl, descriptor, (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

static void socket_free(struct watched_socket *socket)
{
    if (socket && socket->event)
        event_free(socket->event);
    mem_free(socket);
}

static int on_curl_socket(CURL *easy, curl_socket_t descriptor, int what, void *arg, void *of_socket)
{
    struct curl_loop *curl = arg;
    struct watched_socket *socket = of_socket;

    if (what == CURL_POLL_REMOVE) {
        curl_multi_assign(curl->multi, descriptor, NULL);
        socket_free(socket);
        return 0;
    }
    if (!socket) {
        socket = mem_alloc_zero(1, sizeof(*socket));
        socket->curl = curl;
        curl_multi_assign(curl->multi, descriptor, socket);
    }
    if (socket->event)
        event_free(socket->event);
    socket->event =
        event_new(loop_event_base(curl->loop), descriptor,
                  (short)(EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0)),
                  on_socket, socket);
    if (!socket->event || event_add(socket->event, NULL) != 0)
        abort(); // memory ran out
    return 0;
}

bool curl_loop_add(struct curl_loop *curl, CURL *easy)
{
    // Adding sets curl's timer to 0: the transfer begins when the loop turns.
    return curl_multi_add_handle(curl->multi, easy) == CURLM_OK;
}

void curl_loop_remove(struct curl_loop *curl, CURL *easy)
{
    curl_multi_remove_handle(curl->multi, easy);
}

struct curl_loop *curl_loop_new(struct loop *loop, curl_loop_done_fn *done, void *arg)
{
    struct curl_loop *curl;
    CURLM *multi;

    // Its counter makes every call but the first cheap; nothing is given back, since curl is used until the end.
    if (curl_global_init_mem(CURL_GLOBAL_ALL, mem_wiping_malloc, mem_wiping_free, mem_wiping_realloc, mem_wiping_strdup,
                             mem_wiping_calloc) != CURLE_OK ||
        !(multi = curl_multi_init()))
        return NULL;
    curl = mem_alloc_zero(1, sizeof(*curl));
    *curl = (struct curl_loop){.loop = loop, .multi = multi, .done = done, .arg = arg};
    timer_init(&curl->timer, loop, on_curl_loop_timer, curl);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, curl);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_curl_timeout);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, curl);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    return curl;
}

void curl_loop_free(struct curl_loop *curl)
{
    curl_multi_cleanup(curl->multi);
    timer_stop(&curl->timer);
    mem_free(curl);
}
