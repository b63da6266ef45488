#include "http_socket.h"

#include <unistd.h>

// curl asks for a socket.
static curl_socket_t on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct http_socket *http_socket = arg;
    int fd = http_socket->fd;

    http_socket->fd = -1;
    http_socket->wanted = fd < 0;
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static int on_socket_options(void *arg, curl_socket_t fd, curlsocktype purpose)
{
    return CURL_SOCKOPT_ALREADY_CONNECTED;
}

static void on_socket_connected(void *arg, int fd, const struct verdict *verdict)
{
    struct http_socket *http_socket = arg;

    http_socket->connecting = NULL;
    timer_stop(&http_socket->timeout);
    http_socket->fd = fd;
    http_socket->done(http_socket->arg, fd >= 0, verdict);
}

static void on_socket_timeout(void *arg)
{
    struct http_socket *http_socket = arg;

    connect_cancel(http_socket->connecting);
    http_socket->connecting = NULL;
    http_socket->done(http_socket->arg, false, NULL);
}

void http_socket_init(struct http_socket *http_socket, struct loop *loop, struct resolver *resolver, CURL *easy,
                      http_socket_done_fn *done, void *arg)
{
    *http_socket = (struct http_socket){.loop = loop, .resolver = resolver, .done = done, .arg = arg, .fd = -1};
    timer_init(&http_socket->timeout, loop, on_socket_timeout, http_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, http_socket);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket_options);
}

void http_socket_clear(struct http_socket *http_socket)
{
    if (http_socket->connecting)
        connect_cancel(http_socket->connecting);
    http_socket->connecting = NULL;
    timer_stop(&http_socket->timeout);
    if (http_socket->fd >= 0)
        close(http_socket->fd);
    http_socket->fd = -1;
}

bool http_socket_is_wanted(struct http_socket *http_socket)
{
    bool wanted = http_socket->wanted;

    http_socket->wanted = false;
    return wanted;
}

void http_socket_connect(struct http_socket *http_socket, const struct connect_request *to, int64_t timeout_ms)
{
    http_socket->connecting =
        connect_start(http_socket->loop, http_socket->resolver, to, on_socket_connected, http_socket);
    timer_start(&http_socket->timeout, timeout_ms);
}
