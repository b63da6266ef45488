#include "server_drain.h"

#include "exchange.h"
#include "listener.h"
#include "log.h"
#include "server_state.h"

// git asks again within milliseconds; what it computes before a push may take longer.
#define QUIET_MS (2 * SECOND_MS)

static bool server_drain_is_listening(const struct server *server)
{
    return server->listener_count > 0 && server->listeners[0].listener;
}

static bool may_be_followed(const struct server *server)
{
    for (const struct session *session = server->sessions; session; session = session->next)
        if (session->client.exchange && exchange_may_be_followed(session->client.exchange, QUIET_MS))
            return true;
    return false;
}

static void end_if_empty(struct server *server)
{
    if (!server_drain_is_listening(server) && !server->sessions)
        loop_defer(server->loop, &server->drained);
}

static void stop_listening(struct server *server)
{
    struct session *next;

    for (size_t i = 0; i < server->listener_count; i++) {
        listener_free(server->listeners[i].listener);
        server->listeners[i].listener = NULL;
    }
    for (struct session *session = server->sessions; session; session = next) {
        next = session->next;
        session_drain(session);
    }
}

static void on_server_drain_quiet(void *arg)
{
    struct server *server = arg;

    if (may_be_followed(server)) {
        timer_start(&server->quiet, QUIET_MS);
        return;
    }
    log_info("server", "listens no more: nobody has asked for anything for %lld s; %zu connections are left",
             (long long)(QUIET_MS / SECOND_MS), server->shares.count);
    stop_listening(server);
    end_if_empty(server);
}

static void on_drain_over(void *arg)
{
    struct server *server = arg;

    if (server->shares.count > 0)
        log_warn("server", "%zu connections are cut: `limits.drain` is over", server->shares.count);
    server->on_drained(server->on_drained_arg);
}

static void on_server_drain_drained(void *arg)
{
    struct server *server = arg;

    timer_stop(&server->drain);
    if (server->on_drained)
        server->on_drained(server->on_drained_arg);
}

void server_drain_init(struct server *server)
{
    timer_init(&server->drain, server->loop, on_drain_over, server);
    timer_init(&server->quiet, server->loop, on_server_drain_quiet, server);
    deferred_init(&server->drained, on_server_drain_drained, server);
}

void server_drain_clear(struct server *server)
{
    timer_stop(&server->drain);
    timer_stop(&server->quiet);
    deferred_cancel(&server->drained);
}

void server_drain_note_request(struct server *server)
{
    if (server->context.draining && server_drain_is_listening(server))
        timer_start(&server->quiet, QUIET_MS);
}

void server_drain_note_end(struct server *server)
{
    if (server->context.draining)
        end_if_empty(server);
}

void server_drain(struct server *server, server_drained_fn *done, void *arg)
{
    server->context.draining = true;
    server->on_drained = done;
    server->on_drained_arg = arg;
    timer_start(&server->drain, server->context.runtime->config->limits.drain_ms);
    timer_start(&server->quiet, QUIET_MS);
}
