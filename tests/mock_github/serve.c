#include "serve.h"

#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api_service.h"
#include "call.h"
#include "control_service.h"
#include "git_service.h"
#include "mock_setting.h"
#include "object_host.h"
#include "principal.h"
#include "web_service.h"

// OpenSSL's handshake is the deepest that a thread goes; ten thousand of them must fit an address space.
#define STACK_SIZE (256 * KIB)

typedef void serve_fn(struct mock_wire *wire);

struct listener {
    int fd;
    serve_fn *serve;
};

struct connection {
    int fd;
    serve_fn *serve;
};

static _Atomic uint64_t connection_count;
static _Atomic uint64_t open_count;
static _Atomic uint64_t failure_count;

static pthread_mutex_t certificate_lock = PTHREAD_MUTEX_INITIALIZER;
static enum mock_certificate certificate_in_use;
static char certificate_host[WIRE_NAME_SIZE];

void serve_use_certificate(enum mock_certificate certificate, const char *host)
{
    pthread_mutex_lock(&certificate_lock);
    certificate_in_use = certificate;
    snprintf(certificate_host, sizeof(certificate_host), "%s", host);
    pthread_mutex_unlock(&certificate_lock);
}

static enum mock_certificate certificate_for(const char *host)
{
    enum mock_certificate certificate;

    pthread_mutex_lock(&certificate_lock);
    certificate = !*certificate_host || strcmp(certificate_host, host) == 0 ? certificate_in_use : CERTIFICATE_GOOD;
    pthread_mutex_unlock(&certificate_lock);
    return certificate;
}

// The first name of a server_name extension (RFC 6066, section 3): list length, type, name length, name.
static void read_sni(struct mock_wire *wire, SSL *tls)
{
    const unsigned char *data;
    size_t size;
    size_t name_size;

    if (!SSL_client_hello_get0_ext(tls, TLSEXT_TYPE_server_name, &data, &size) || size < 5)
        return;
    name_size = (size_t)data[3] << 8 | data[4];
    if (name_size > size - 5 || name_size >= sizeof(wire->sni))
        return;
    for (size_t i = 0; i < name_size; i++)
        wire->sni[i] = (char)tolower(data[5 + i]);
}

// The list of an ALPN extension (RFC 7301), joined with commas.
static void read_alpn(struct mock_wire *wire, SSL *tls)
{
    const unsigned char *data;
    size_t size;
    size_t used = 0;

    if (!SSL_client_hello_get0_ext(tls, TLSEXT_TYPE_application_layer_protocol_negotiation, &data, &size))
        return;
    for (size_t at = 2; at < size && at + 1 + data[at] <= size; at += 1u + data[at]) {
        if (used + data[at] + 2u > sizeof(wire->alpn_offered))
            return;
        used += (size_t)snprintf(wire->alpn_offered + used, sizeof(wire->alpn_offered) - used, "%s%.*s",
                                 used ? "," : "", (int)data[at], (const char *)data + at + 1);
    }
}

static int on_client_hello(SSL *tls, int *alert, void *arg)
{
    struct mock_wire *wire = SSL_get_app_data(tls);
    enum mock_certificate certificate;

    read_sni(wire, tls);
    read_alpn(wire, tls);
    certificate = certificate_for(wire->sni);
    if (certificate != CERTIFICATE_GOOD) {
        SSL_set_SSL_CTX(tls, mock_ca_context(certificate));
        SSL_set_options(tls, SSL_OP_NO_TICKET);
    }
    return SSL_CLIENT_HELLO_SUCCESS;
}

// The name that the request is for; NULL: none of ours, or not the one of the handshake.
static const struct virtual_host *find_host(const struct call *call)
{
    const char *header = call_header(call, "Host");
    char *name = mock_text_copy(header ? header : "");
    char *port = strrchr(name, ':');
    const struct virtual_host *host;

    if (port)
        *port = '\0';
    for (char *at = name; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    host = strcmp(name, call->wire->sni) == 0 ? virtual_host_find(bytes_of_string(name)) : NULL;
    free(name);
    return host;
}

static void serve_enterprise(struct call *call)
{
    size_t prefix = 0;

    if (call_path_is(call, 0, "/api/v3/**") || call_path_is(call, 0, "/api/uploads/**"))
        prefix = 2;
    else if (call_path_is(call, 0, "/api/graphql"))
        prefix = 1;
    if (prefix > 0) {
        call_skip_segments(call, prefix);
        api_service_serve(call);
    } else if (!git_service_serve(call)) {
        web_service_serve(call);
    }
}

static void dispatch(struct call *call)
{
    if (call_header_count(call, "Authorization") > 1) {
        call_answer_text(call, 400, "Duplicate header: \"Authorization\"\n");
        return;
    }
    switch (call->host->kind) {
    case HOST_WEB:
        if (!git_service_serve(call))
            web_service_serve(call);
        break;
    case HOST_API:
    case HOST_UPLOADS:
        api_service_serve(call);
        break;
    case HOST_ENTERPRISE:
        serve_enterprise(call);
        break;
    case HOST_CODELOAD:
        web_service_serve_codeload(call);
        break;
    case HOST_RAW:
        web_service_serve_raw(call);
        break;
    case HOST_RELEASE_ASSETS:
        object_host_serve_asset(call);
        break;
    case HOST_OBJECTS:
        object_host_serve_lfs(call);
        break;
    case HOST_LFS:
        object_host_verify(call);
        break;
    case HOST_OTHER:
        web_service_echo(call);
        break;
    }
}

static void serve_call(struct call *call)
{
    static const struct virtual_host nowhere = {"", HOST_OTHER, "", "", ""};

    call->host = find_host(call);
    call->record = record_begin(call);
    principal_note(call);
    if (!call->host) {
        call->host = &nowhere;
        call_answer_text(call, 421, "SNI and Host must name the same host, and one of this mock's.\n");
    } else {
        call->fault = fault_match(call);
        if (!call->fault || !fault_play(call))
            dispatch(call);
    }
}

// Serves one request. False: it was the connection's last.
static bool serve_next(struct mock_wire *wire)
{
    struct call call;
    int status;
    const char *reason;
    bool more = false;

    switch (call_receive(&call, wire, &status, &reason)) {
    case CALL_ENDED:
        break;
    case CALL_MALFORMED:
        call.method = "";
        call_answer_text(&call, status, reason);
        break;
    case CALL_READ:
        serve_call(&call);
        more = call_drain(&call) && call.keep_alive && !wire->broken;
        record_end(call.record, &call);
        break;
    }
    call_free(&call);
    return more;
}

static void serve_connection(struct mock_wire *wire)
{
    while (serve_next(wire))
        ;
}

static void serve_tls(struct mock_wire *wire)
{
    wire->tls = SSL_new(mock_ca_context(CERTIFICATE_GOOD));
    SSL_set_app_data(wire->tls, wire);
    SSL_set_fd(wire->tls, wire->fd);
    if (SSL_accept(wire->tls) == 1) {
        serve_connection(wire);
    } else {
        atomic_fetch_add(&failure_count, 1);
        wire->broken = true;
    }
}

static void serve_plain(struct mock_wire *wire)
{
    struct call call;
    int status;
    const char *reason;
    bool more = true;

    while (more) {
        more = false;
        if (call_receive(&call, wire, &status, &reason) == CALL_READ) {
            control_service_serve(&call);
            more = call_drain(&call) && call.keep_alive && !wire->broken;
        }
        call_free(&call);
    }
}

static void *run_connection(void *arg)
{
    struct connection *connection = arg;
    struct timeval idle = {.tv_sec = (time_t)mock_setting_get(SETTING_IDLE_TIMEOUT)};
    struct mock_wire wire;
    int on = 1;

    setsockopt(connection->fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof(idle));
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    mock_wire_init(&wire, connection->fd, NULL, atomic_fetch_add(&connection_count, 1) + 1);
    atomic_fetch_add(&open_count, 1);
    connection->serve(&wire);
    if (wire.fd >= 0)
        mock_wire_close(&wire);
    atomic_fetch_sub(&open_count, 1);
    free(connection);
    return NULL;
}

static void start_thread(void *(*run)(void *), void *arg)
{
    pthread_attr_t attributes;
    pthread_t thread;
    int problem;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    problem = pthread_create(&thread, &attributes, run, arg);
    if (problem)
        errx(1, "cannot start a thread: %s", strerror(problem));
    pthread_attr_destroy(&attributes);
}

static void *run_listener(void *arg)
{
    struct listener *listener = arg;

    for (;;) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
        struct connection *connection;

        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE)
                usleep(10000);
            continue;
        }
        connection = mock_text_allocate(sizeof(*connection));
        *connection = (struct connection){fd, listener->serve};
        start_thread(run_connection, connection);
    }
    return NULL;
}

static void serve(int fd, serve_fn *serve_wire)
{
    struct listener *listener = mock_text_allocate(sizeof(*listener));

    *listener = (struct listener){fd, serve_wire};
    start_thread(run_listener, listener);
}

void serve_github(int listener)
{
    SSL_CTX_set_client_hello_cb(mock_ca_context(CERTIFICATE_GOOD), on_client_hello, NULL);
    serve(listener, serve_tls);
}

void serve_control(int listener)
{
    serve(listener, serve_plain);
}

static struct addrinfo *resolve(const char *address)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char *host = mock_text_copy(*address == '[' ? address + 1 : address);
    char *port = strrchr(host, ':');

    if (port) {
        *port++ = '\0';
        if (*address == '[')
            host[strcspn(host, "]")] = '\0';
    }
    if (!port || getaddrinfo(host, port, &hints, &found) != 0)
        errx(2, "%s: an address like 127.0.0.1:0 or [::1]:0 is wanted", address);
    free(host);
    return found;
}

int serve_listen(const char *address, int *ret_port)
{
    struct addrinfo *where = resolve(address);
    struct sockaddr_storage bound;
    socklen_t size = sizeof(bound);
    char port[16];
    int fd = socket(where->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1, off = 0;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (where->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)); // [::] takes IPv4 as well
    if (fd < 0 || bind(fd, where->ai_addr, where->ai_addrlen) != 0 || listen(fd, 1024) != 0)
        err(1, "%s", address);
    freeaddrinfo(where);
    getsockname(fd, (struct sockaddr *)&bound, &size);
    getnameinfo((struct sockaddr *)&bound, size, NULL, 0, port, sizeof(port), NI_NUMERICSERV);
    *ret_port = atoi(port);
    return fd;
}

struct serve_counts serve_count(void)
{
    return (struct serve_counts){connection_count, open_count, failure_count};
}
