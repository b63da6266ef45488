#include "dial.h"

#include <unistd.h>

#include "loop.h"
#include "mem.h"
#include "proxy_tunnel.h"
#include "secret.h"
#include "stream.h"
#include "tls_client.h"
#include "wire.h"

struct dial {
    const struct dialer *dialer;
    char *host;
    uint16_t port;
    struct tls_client *tls; // a reference; NULL: plain
    dial_done_fn *done;
    void *arg;
    struct connect *connecting; // NULL: connected
    struct stream *stream;      // NULL: not yet
    bool tunnel_open;           // the proxy has agreed, or there is none
    struct timer timeout;
};

// An entry of `no_proxy`: a host, ".suffix", "*", or a network such as 10.0.0.0/8, for literal addresses.
static bool exception_match(const char *pattern, struct bytes host)
{
    struct bytes suffix = bytes_of_string(pattern);
    struct address address;

    if (strchr(pattern, '/'))
        return address_parse(host, 0, &address) && address_in_network(&address, suffix);
    if (bytes_equal(suffix, BYTES("*")))
        return true;
    if (bytes_start_with(suffix, BYTES(".")))
        return bytes_end_with(host, suffix) || bytes_equal(host, bytes_skip(suffix, 1));
    return bytes_equal(host, suffix);
}

const struct dial_override *dial_override_find(const struct dialer *dialer, const char *host, uint16_t port)
{
    for (size_t i = 0; i < dialer->override_count; i++) {
        const struct dial_override *override = &dialer->overrides[i];

        if ((override->from_host[0] == '\0' || strcmp(override->from_host, host) == 0) &&
            (override->from_port == 0 || override->from_port == port))
            return override;
    }
    return NULL;
}

bool dial_goes_through_proxy(const struct dialer *dialer, const char *host, uint16_t port)
{
    if (!dialer->proxy_host || dial_override_find(dialer, host, port))
        return false;
    for (size_t i = 0; i < dialer->no_proxy_count; i++)
        if (exception_match(dialer->no_proxy[i], bytes_of_string(host)))
            return false;
    return true;
}

void dial_cancel(struct dial *dial)
{
    if (dial->connecting)
        connect_cancel(dial->connecting);
    stream_free(dial->stream);
    timer_stop(&dial->timeout);
    tls_client_unref(dial->tls);
    mem_free(dial->host);
    mem_free(dial);
}

static void succeed(struct dial *dial)
{
    struct stream *stream = dial->stream;
    dial_done_fn *done = dial->done;
    void *arg = dial->arg;

    dial->stream = NULL;
    stream_want_input(stream, false);
    dial_cancel(dial);
    done(arg, stream, NULL);
}

static void dial_fail(struct dial *dial, const struct verdict *verdict)
{
    struct verdict copy = *verdict;
    dial_done_fn *done = dial->done;
    void *arg = dial->arg;

    dial_cancel(dial);
    done(arg, NULL, &copy);
}

static void fail_with(struct dial *dial, enum reason reason, const char *what)
{
    struct verdict verdict;

    if (!dial->tunnel_open)
        verdict_set(&verdict, reason, "%s cannot be reached through the proxy %s (`upstream.proxy`): %s", dial->host,
                    dial->dialer->proxy_host, what);
    else
        verdict_set(&verdict, reason, "%s: %s", dial->host, what);
    dial_fail(dial, &verdict);
}

static void on_dial_timeout(void *arg)
{
    fail_with(arg, REASON_UPSTREAM_UNREACHABLE, "no connection within `limits.connect`");
}

static void ask_proxy(struct dial *dial);

static void on_tls_input(void *arg)
{
    struct dial *dial = arg;

    if (stream_end(dial->stream) == STREAM_OPEN)
        return; // early input of a server that speaks first: its owner's
    fail_with(dial, REASON_UPSTREAM_TLS, stream_failure(dial->stream));
}

static void on_tls_done(void *arg)
{
    struct dial *dial = arg;

    if (dial->tunnel_open)
        succeed(dial);
    else
        ask_proxy(dial);
}

static const struct stream_callbacks tls_callbacks = {.on_input = on_tls_input, .on_handshake = on_tls_done};

static void start_tls_or_succeed(struct dial *dial)
{
    dial->tunnel_open = true;
    if (!dial->tls) {
        succeed(dial);
        return;
    }
    // TLS servers wait for the ClientHello.
    if (stream_input(dial->stream).size > 0) {
        fail_with(dial, REASON_UPSTREAM_TLS, "bytes came before TLS");
        return;
    }
    stream_set_owner(dial->stream, &tls_callbacks, dial);
    stream_start_tls(dial->stream, tls_client_ssl(dial->tls, dial->host));
}

static void on_proxy_input(void *arg)
{
    struct dial *dial = arg;
    struct proxy_tunnel_answer answer;
    char reason[PROXY_TUNNEL_REASON_SIZE];

    switch (proxy_tunnel_read(stream_input(dial->stream), &answer)) {
    case PROXY_TUNNEL_MORE:
        if (stream_end(dial->stream) != STREAM_OPEN)
            fail_with(dial, REASON_UPSTREAM_UNREACHABLE, "it closed the connection");
        return;
    case PROXY_TUNNEL_OPEN:
        stream_consume(dial->stream, answer.size);
        start_tls_or_succeed(dial);
        return;
    case PROXY_TUNNEL_REFUSED:
        proxy_tunnel_reason(&answer, dial->dialer->proxy_authorization != NULL, reason);
        fail_with(dial, REASON_UPSTREAM_UNREACHABLE, reason);
        return;
    case PROXY_TUNNEL_BAD:
        fail_with(dial, REASON_UPSTREAM_UNREACHABLE, "its answer is not HTTP");
        return;
    }
}

static void on_proxy_output(void *arg)
{
}

static const struct stream_callbacks proxy_callbacks = {.on_input = on_proxy_input, .on_output = on_proxy_output};

static void ask_proxy(struct dial *dial)
{
    struct secret *authorization = dial->dialer->proxy_authorization;
    size_t room;
    char *at = stream_output_room(dial->stream, &room);
    struct wire wire = wire_of(at, room);

    proxy_tunnel_ask(&wire, dial->host, dial->port, authorization ? secret_bytes(authorization) : BYTES(""));
    stream_commit(dial->stream, wire.size, authorization != NULL);
    stream_set_owner(dial->stream, &proxy_callbacks, dial);
    stream_want_input(dial->stream, true);
    stream_flush(dial->stream);
}

static void on_connected(void *arg, int fd, const struct verdict *verdict)
{
    struct dial *dial = arg;

    dial->connecting = NULL;
    if (fd < 0) {
        if (dial->tunnel_open)
            dial_fail(dial, verdict);
        else
            fail_with(dial, verdict->reason, verdict->sentence);
        return;
    }
    dial->stream = stream_new(dial->dialer->loop, fd, &proxy_callbacks, dial);
    if (dial->tunnel_open) {
        start_tls_or_succeed(dial);
    } else if (dial->dialer->proxy_tls) {
        stream_set_owner(dial->stream, &tls_callbacks, dial);
        stream_start_tls(dial->stream, tls_client_ssl(dial->dialer->proxy_tls, dial->dialer->proxy_host));
    } else {
        ask_proxy(dial);
    }
}

struct dial *dial_start(const struct dialer *dialer, const struct dial_request *request, dial_done_fn *done, void *arg)
{
    struct dial *dial = mem_alloc_zero(1, sizeof(*dial));
    const struct dial_override *override = dial_override_find(dialer, request->host, request->port);
    struct connect_request to = {.host = request->host,
                                 .port = request->port,
                                 .absolute = request->absolute,
                                 .allowed = request->allowed,
                                 .allowed_arg = request->allowed_arg};

    dial->dialer = dialer;
    dial->host = mem_string(request->host);
    dial->port = request->port;
    dial->tls = request->tls ? tls_client_ref(request->tls) : NULL;
    dial->tunnel_open = !dial_goes_through_proxy(dialer, request->host, request->port);
    dial->done = done;
    dial->arg = arg;
    if (override) {
        to.host = override->to_host[0] ? override->to_host : to.host;
        to.port = override->to_port ? override->to_port : to.port;
        to.absolute = to.absolute && !override->to_host[0];
        to.allowed = NULL;
    } else if (!dial->tunnel_open) {
        to.host = dialer->proxy_host;
        to.port = dialer->proxy_port;
        to.absolute = false;
        to.allowed = NULL;
    }
    timer_init(&dial->timeout, dialer->loop, on_dial_timeout, dial);
    timer_start(&dial->timeout, dialer->timeout_ms);
    dial->connecting = connect_start(dialer->loop, dialer->resolver, &to, on_connected, dial);
    return dial;
}
