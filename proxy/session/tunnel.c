#include "tunnel.h"

#include "answer.h"
#include "client_hello.h"
#include "head.h"
#include "loop.h"
#include "mem.h"
#include "record.h"
#include "request_id.h"
#include "stream.h"

struct tunnel {
    struct client *client;
    tunnel_refused_fn *refused;
    struct runtime *runtime; // a reference
    char id[REQUEST_ID_SIZE];
    struct host_name host;
    uint16_t port;
    struct mono started, moved;
    struct timer idle;
    struct dial *dial; // NULL: done
    struct stream *upstream;
    struct head *connect; // the request that is answered, whose bytes wait in the client's input; NULL: transparent
    bool hello_seen;      // the client's first bytes were judged
    bool answered;
    bool up_ended, down_ended;
    uint64_t bytes_up, bytes_down;
    struct verdict verdict;
    struct verdict would_deny; // not enforced: what would have been refused; else REASON_NONE
};

// Where a foreign account could push to over another protocol than ours.
static bool is_side_door(struct bytes host)
{
    return bytes_equal(host, BYTES("ssh.github.com")) || bytes_equal(host, BYTES("gist.github.com"));
}

static bool is_github_object_host(struct bytes host)
{
    return bytes_equal(host, BYTES("codeload.github.com")) || bytes_equal(host, BYTES("lfs.github.com")) ||
           bytes_equal(host, BYTES("github-cloud.s3.amazonaws.com")) ||
           bytes_end_with(host, BYTES(".githubusercontent.com"));
}

static bool list_match(const struct text_list *list, struct bytes host, bool exact)
{
    for (size_t i = 0; i < list->count; i++) {
        struct bytes item = bytes_of_string(list->items[i]);

        if (bytes_equal(item, host))
            return true;
        if (exact)
            continue;
        if (bytes_equal(item, bytes_of_string(OTHER_HOSTS_GITHUB_OBJECTS)) && is_github_object_host(host))
            return true;
        if (bytes_start_with(item, BYTES("*.")) && bytes_end_with(host, bytes_skip(item, 1)))
            return true;
    }
    return false;
}

static bool host_allowed(const struct config *config, struct bytes host, struct verdict *ret_verdict)
{
    const struct other_hosts *other = &config->other_hosts;

    if (is_side_door(host) && !list_match(&other->allow, host, true))
        return verdict_set(ret_verdict, REASON_HOST_DENIED,
                           "%.*s could carry a foreign account's push: `other_hosts` must allow it by its name",
                           (int)host.size, host.data);
    if (other->kind == OTHER_HOSTS_TUNNEL ||
        (other->kind == OTHER_HOSTS_ALLOW && list_match(&other->allow, host, false)))
        return true;
    return verdict_set(ret_verdict, REASON_HOST_DENIED, "`other_hosts` does not allow %.*s", (int)host.size, host.data);
}

static bool address_allowed(const struct config *config, const struct address *address, struct verdict *ret_verdict)
{
    char text[ADDRESS_TEXT_SIZE];

    address_format(address, text);
    switch (address_kind(address)) {
    case ADDRESS_PUBLIC:
    case ADDRESS_PRIVATE:
        break;
    case ADDRESS_LOOPBACK:
    case ADDRESS_LINK_LOCAL:
    case ADDRESS_UNSPECIFIED:
    case ADDRESS_METADATA:
    case ADDRESS_OTHER:
        return verdict_set(ret_verdict, REASON_ADDRESS_DENIED,
                           "%s is never reached through the proxy (loopback, link-local, metadata, reserved)", text);
    }
    if (connect_is_own_address(address))
        return verdict_set(ret_verdict, REASON_ADDRESS_DENIED, "%s is an address of the proxy itself", text);
    if (config->deny_private_addresses && address_kind(address) == ADDRESS_PRIVATE)
        return verdict_set(ret_verdict, REASON_PRIVATE_ADDRESS_DENIED, "%s is a private address", text);
    return true;
}

// What the configuration refuses is let through where it is not enforced; what is never safe is not.
static bool is_waived(const struct config *config, const struct verdict *verdict)
{
    return !config->enforce &&
           (verdict->reason == REASON_HOST_DENIED || verdict->reason == REASON_PRIVATE_ADDRESS_DENIED);
}

static bool is_localhost(struct bytes host)
{
    return bytes_equal(host, BYTES("localhost")) || bytes_end_with(host, BYTES(".localhost"));
}

bool tunnel_allowed(const struct runtime *runtime, const struct host_name *host, uint16_t port,
                    struct verdict *ret_verdict)
{
    struct bytes name = host_name_bytes(host);
    struct address literal;

    if (!host_allowed(runtime->config, name, ret_verdict) && !is_waived(runtime->config, ret_verdict))
        return false;
    if (is_localhost(name))
        return verdict_set(ret_verdict, REASON_ADDRESS_DENIED, "localhost is never reached through the proxy");
    // All other names are judged when they are dialled, by their addresses.
    return !address_parse(name, port, &literal) || address_allowed(runtime->config, &literal, ret_verdict) ||
           is_waived(runtime->config, ret_verdict);
}

// True: it is refused. False: that it would have been is recorded.
static bool refuse_or_note(struct tunnel *tunnel, const struct verdict *verdict)
{
    if (!is_waived(tunnel->runtime->config, verdict))
        return true;
    if (tunnel->would_deny.reason == REASON_NONE)
        tunnel->would_deny = *verdict;
    return false;
}

static bool on_address(void *arg, const struct address *address, struct verdict *ret_verdict)
{
    struct tunnel *tunnel = arg;

    return address_allowed(tunnel->runtime->config, address, ret_verdict) || !refuse_or_note(tunnel, ret_verdict);
}

static void record_end(const struct tunnel *tunnel)
{
    bool refused = tunnel->verdict.reason != REASON_NONE && !tunnel->answered;
    bool cut = tunnel->verdict.reason == REASON_SNI_INTERCEPTED || tunnel->verdict.reason == REASON_HOST_DENIED;
    bool denied = refused || cut || tunnel->would_deny.reason != REASON_NONE;
    struct record record = {
        .client = tunnel->client,
        .id = tunnel->id,
        .started = tunnel->started,
        .decision = denied ? DECISION_DENY : DECISION_ALLOW,
        .reason = tunnel->verdict.reason,
        .would_deny = tunnel->would_deny.reason,
        .status = tunnel->answered ? 200 : 0,
        .bytes_up = tunnel->bytes_up,
        .bytes_down = tunnel->bytes_down,
    };

    record_tunnel(&record, tunnel->host.text);
}

static void close_client(struct tunnel *tunnel, enum reason reason)
{
    tunnel->client->callbacks->close(tunnel->client->arg, reason);
}

static void free_tunnel(struct tunnel *tunnel)
{
    if (tunnel->dial)
        dial_cancel(tunnel->dial);
    stream_free(tunnel->upstream);
    timer_stop(&tunnel->idle);
    runtime_unref(tunnel->runtime);
    mem_free(tunnel->connect);
    mem_free(tunnel);
}

void tunnel_abort(struct tunnel *tunnel, enum reason reason)
{
    bool orderly = tunnel->up_ended && tunnel->down_ended;

    if (tunnel->answered && !orderly) {
        // A part of what one end sent must not look like the whole to the other.
        stream_abort(tunnel->client->stream);
        stream_abort(tunnel->upstream);
    }
    if (tunnel->verdict.reason == REASON_NONE && reason != REASON_NONE)
        verdict_set(&tunnel->verdict, reason, NULL);
    record_end(tunnel);
    free_tunnel(tunnel);
}

static void on_idle(void *arg)
{
    struct tunnel *tunnel = arg;
    int64_t limit_ms = tunnel->runtime->config->limits.tunnel_idle_ms;
    int64_t silent_ms = loop_now(tunnel->client->loop).ms - tunnel->moved.ms;

    if (silent_ms < limit_ms)
        timer_start(&tunnel->idle, limit_ms - silent_ms);
    else
        close_client(tunnel, REASON_CLIENT_TIMEOUT);
}

// What the hello says against the tunnel; REASON_NONE: nothing. False: more of it is to come.
static bool read_hello(const struct tunnel *tunnel, struct verdict *verdict)
{
    const struct stream *client = tunnel->client->stream;
    struct bytes input = stream_input(client);
    char name[SERVER_NAME_SIZE];
    struct host_name host;
    enum client_hello_result result = input.size > 0 ? client_hello_name(input, name) : CLIENT_HELLO_MORE;

    if (result == CLIENT_HELLO_MORE && stream_input_full(client))
        result = CLIENT_HELLO_BAD; // cut into more records than fit
    switch (result) {
    case CLIENT_HELLO_MORE:
        return false;
    case CLIENT_HELLO_BAD:
        verdict_set(verdict, REASON_SNI_INTERCEPTED, "the TLS inside the tunnel begins in a way that hides its host");
        return true;
    case CLIENT_HELLO_NAME:
        break;
    case CLIENT_HELLO_NONE:
    case CLIENT_HELLO_NOT:
        return true;
    }
    if (!host_name_parse(bytes_of_string(name), &host))
        return true;
    if (runtime_intercepts(tunnel->runtime, &host))
        verdict_set(verdict, REASON_SNI_INTERCEPTED, NULL);
    else if (is_side_door(host_name_bytes(&host)))
        host_allowed(tunnel->runtime->config, host_name_bytes(&host), verdict);
    return true;
}

enum hello_judgement {
    HELLO_PASSES,  // the client's first bytes do not ask for one of our hosts under a false name
    HELLO_MORE,    // more of them are awaited
    HELLO_REFUSED, // the connection was ended
};

static enum hello_judgement judge_hello(struct tunnel *tunnel)
{
    struct verdict verdict = {0};

    if (tunnel->hello_seen)
        return HELLO_PASSES;
    if (!read_hello(tunnel, &verdict))
        return HELLO_MORE;
    tunnel->hello_seen = true;
    if (verdict.reason == REASON_NONE || !refuse_or_note(tunnel, &verdict))
        return HELLO_PASSES;
    tunnel->verdict = verdict;
    close_client(tunnel, verdict.reason);
    return HELLO_REFUSED;
}

// Moves what there is from one end to the other; an orderly end of input becomes an end of output.
static void relay(struct tunnel *tunnel, struct stream *from, struct stream *to, uint64_t *bytes, bool *ended)
{
    size_t sent = stream_send(to, stream_input(from));

    stream_consume(from, sent);
    *bytes += sent;
    if (sent > 0)
        tunnel->moved = loop_now(tunnel->client->loop);
    if (stream_input(from).size > 0 || stream_end(from) != STREAM_CLOSED || *ended)
        return;
    *ended = true;
    stream_shutdown_output(to);
}

static void relay_both(struct tunnel *tunnel)
{
    struct stream *client = tunnel->client->stream;

    switch (judge_hello(tunnel)) {
    case HELLO_REFUSED:
        return; // the tunnel is gone
    case HELLO_PASSES:
        relay(tunnel, client, tunnel->upstream, &tunnel->bytes_up, &tunnel->up_ended);
        break;
    case HELLO_MORE:
        if (stream_end(client) == STREAM_OPEN)
            break;
        tunnel->hello_seen = true; // the hello will not become whole: it is passed on as it is
        relay(tunnel, client, tunnel->upstream, &tunnel->bytes_up, &tunnel->up_ended);
        break;
    }
    relay(tunnel, tunnel->upstream, client, &tunnel->bytes_down, &tunnel->down_ended);
    if (stream_end(client) == STREAM_FAILED || stream_end(tunnel->upstream) == STREAM_FAILED ||
        (tunnel->up_ended && tunnel->down_ended))
        close_client(tunnel, REASON_NONE);
}

static void on_move(void *arg)
{
    relay_both(arg);
}

static const struct stream_callbacks relay_callbacks = {.on_input = on_move, .on_output = on_move};

// The CONNECT is answered by who takes the client back, who records it, too.
static void refuse_connect(struct tunnel *tunnel, const struct verdict *verdict)
{
    struct client *client = tunnel->client;
    struct head *connect = tunnel->connect;
    struct verdict refusal = *verdict;
    tunnel_refused_fn *refused = tunnel->refused;

    tunnel->connect = NULL;
    free_tunnel(tunnel);
    refused(client->arg, connect, &refusal);
    mem_free(connect);
}

// The dial is done: from now on bytes go both ways.
static void begin_relay(struct tunnel *tunnel, struct stream *upstream)
{
    struct stream *client = tunnel->client->stream;

    tunnel->answered = true;
    stream_set_owner(client, &relay_callbacks, tunnel);
    stream_set_owner(upstream, &relay_callbacks, tunnel);
    stream_want_input(client, true);
    stream_want_input(upstream, true);
    timer_start(&tunnel->idle, tunnel->runtime->config->limits.tunnel_idle_ms);
    relay_both(tunnel);
}

static void on_dialed(void *arg, struct stream *stream, const struct verdict *verdict)
{
    struct tunnel *tunnel = arg;
    struct stream *client = tunnel->client->stream;

    tunnel->dial = NULL;
    if (verdict && tunnel->connect) {
        refuse_connect(tunnel, verdict);
        return;
    }
    if (verdict) {
        tunnel->verdict = *verdict;
        close_client(tunnel, verdict->reason);
        return;
    }
    tunnel->upstream = stream;
    if (tunnel->connect) {
        stream_consume(client, tunnel->connect->size);
        if (!stream_write(client, ANSWER_CONNECTED)) {
            close_client(tunnel, REASON_INTERNAL);
            return;
        }
        stream_flush(client);
    }
    begin_relay(tunnel, stream);
}

void tunnel_client_input(struct tunnel *tunnel)
{
    if (stream_end(tunnel->client->stream) != STREAM_OPEN)
        close_client(tunnel, REASON_CLIENT_GONE);
}

struct tunnel *tunnel_start(struct client *client, uint16_t port, const struct head *connect,
                            tunnel_refused_fn *refused)
{
    struct tunnel *tunnel = mem_alloc_zero(1, sizeof(*tunnel));
    struct dial_request request = {
        .host = tunnel->host.text, .port = port, .allowed = on_address, .allowed_arg = tunnel};

    tunnel->client = client;
    tunnel->refused = refused;
    tunnel->runtime = runtime_ref(client->runtime);
    request_ids_next(client->ids, tunnel->id);
    tunnel->host = client->host;
    tunnel->port = port;
    tunnel->started = tunnel->moved = loop_now(client->loop);
    if (connect) {
        tunnel->connect = mem_alloc(sizeof(*connect));
        *tunnel->connect = *connect;
    }
    // That it came here says the rest.
    host_allowed(client->runtime->config, host_name_bytes(&client->host), &tunnel->would_deny);
    timer_init(&tunnel->idle, client->loop, on_idle, tunnel);
    tunnel->dial = dial_start(&tunnel->runtime->egress.dialer, &request, on_dialed, tunnel);
    return tunnel;
}
