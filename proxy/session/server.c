#include "server.h"

#include <unistd.h>

#include "budget.h"
#include "granted_rules.h"
#include "identity.h"
#include "listener.h"
#include "log.h"
#include "mem.h"
#include "metrics.h"
#include "distrust.h"
#include "password_guesses.h"
#include "proxy_password.h"
#include "restart.h"
#include "rules_answer.h"
#include "secret.h"
#include "server_drain.h"
#include "server_state.h"
#include "session.h"
#include "session_start.h"
#include "text.h"
#include "workspace_identity.h"
#include "workspace_signing.h"

// At a round trip of 50 ms the connection to the API, an installation and a mint take 250 ms.
#define SETTLE_MS 500

static bool is_gateway_host(void *arg, const struct host_name *host, uint16_t port)
{
    const struct server *server = arg;
    const struct text_list *names = &server->context.runtime->config->gateway_hosts;
    struct address address;

    for (size_t i = 0; i < names->count; i++)
        if (bytes_equal(bytes_of_string(names->items[i]), host_name_bytes(host)))
            return true;
    for (size_t i = 0; i < server->listener_count; i++) {
        const struct address *own = &server->listeners[i].address;

        if (address_port(own) != port)
            continue;
        if (bytes_equal(host_name_bytes(host), BYTES("localhost")) && address_kind(own) == ADDRESS_LOOPBACK)
            return true;
        if (!address_parse(host_name_bytes(host), port, &address))
            continue;
        if (address_same_host(own, &address) ||
            (address_kind(own) == ADDRESS_UNSPECIFIED && connect_is_own_address(&address)))
            return true;
    }
    return false;
}

static bool admit_session(void *arg, const struct address *peer)
{
    struct server *server = arg;
    struct share_member *victim;
    bool admitted = client_shares_admit(&server->shares, peer, &victim);

    if (victim)
        session_close((struct session *)victim, REASON_NONE);
    return admitted;
}

static void add_session(void *arg, struct session *session, const struct address *peer)
{
    struct server *server = arg;

    session->next = server->sessions;
    if (session->next)
        session->next->previous = session;
    server->sessions = session;
    client_shares_add(&server->shares, &session->share, peer);
    metrics_add(server->metrics, METRIC_CONNECTIONS, METRIC_LABELS("client"), 1);
}

static void remove_session(void *arg, struct session *session)
{
    struct server *server = arg;

    if (session->next)
        session->next->previous = session->previous;
    *(session->previous ? &session->previous->next : &server->sessions) = session->next;
    client_shares_remove(&server->shares, &session->share);
    metrics_add(server->metrics, METRIC_CONNECTIONS, METRIC_LABELS("client"), -1);
    server_drain_note_end(server);
}

static void note_request(void *arg)
{
    server_drain_note_request(arg);
}

static void on_accept(void *arg, int fd, const struct address *peer)
{
    const struct server_listener *listener = arg;

    session_start(&listener->settings, fd, peer);
}

static void on_mint(void *arg, const struct token_mint_event *event)
{
    const struct server *server = arg;

    audit_mint(event, clock_wall(loop_clock(server->loop)));
}

static struct runtime *make_runtime(struct server *server, struct config *config, struct error *ret_error)
{
    struct runtime_options options = {
        .loop = server->loop,
        .metrics = server->metrics,
        .spawner = server->spawner,
        .config = config,
        .on_mint = on_mint,
        .on_mint_arg = server,
        .serves = true,
    };

    return runtime_new(&options, ret_error);
}

// Who can reach the proxy may sign; under `run`, whose proxy has a password, that is its caller.
#define AGENT_MODE         0666
#define AGENT_MODE_PRIVATE 0600

static void on_signing_key(void *arg, const char *public_key)
{
    struct server *server = arg;
    struct error error;

    identity_set_signing_key(server->identity, public_key);
    if (server->published && !identity_publish(server->identity, server->proxy_url, &error))
        log_error("signing", "the new key is not published: %s", error.text);
}

static bool make_signing(struct server *server, const struct config *config, bool private, struct error *ret_error)
{
    const struct workspace_signing_options options = {
        .loop = server->loop,
        .metrics = server->metrics,
        .spawner = server->spawner,
        .config = &config->signing,
        .on_key = on_signing_key,
        .arg = server,
    };
    char *key;

    if (!config_signing_present(&config->signing))
        return true;
    server->signing = workspace_signing_new(&options, ret_error);
    if (!server->signing)
        return false;
    key = workspace_signing_key(server->signing);
    on_signing_key(server, key);
    mem_free(key);
    return workspace_signing_listen(server->signing, identity_directory(server->identity),
                                    private ? AGENT_MODE_PRIVATE : AGENT_MODE, ret_error);
}

static bool listen_on(struct server *server, const struct config_listener *config, const char *password,
                      struct error *ret_error)
{
    struct server_listener *listener = &server->listeners[server->listener_count];

    listener->settings.context = &server->context;
    listener->settings.mode = config->mode;
    if (password)
        listener->settings.password = secret_new(bytes_of_string(password));
    else if (config->password_file &&
             !(listener->settings.password = proxy_password_read(config->password_file, ret_error)))
        return error_prefix(ret_error, "listen: password_file");
    listener->listener = listener_new(server->loop, &config->address.address,
                                      server->context.runtime->config->reuse_port, on_accept, listener, ret_error);
    if (!listener->listener) {
        secret_unref(listener->settings.password);
        return error_prefix(ret_error, "listen");
    }
    listener->address = *listener_address(listener->listener);
    listener->settings.loopback = address_kind(&listener->address) == ADDRESS_LOOPBACK;
    server->listener_count++;
    return true;
}

// The address as a workspace dials it: the unspecified one is reached as loopback.
static char *make_proxy_url(const struct server *server, const char *password)
{
    char text[ADDRESS_TEXT_SIZE];
    struct address address = {0};

    for (size_t i = 0; i < server->listener_count && address.length == 0; i++)
        if (server->listeners[i].settings.mode == LISTENER_PROXY)
            address = server->listeners[i].address;
    if (address.length == 0)
        address = server->listeners[0].address;
    if (address_kind(&address) == ADDRESS_UNSPECIFIED) {
        uint16_t port = address_port(&address);
        bool v6 = address.any.sa_family == AF_INET6;

        if (!address_parse(v6 ? BYTES("::1") : BYTES("127.0.0.1"), port, &address))
            abort();
    }
    address_format(&address, text);
    return password ? mem_format("http://gitlatch:%s@%s", password, text) : mem_format("http://%s", text);
}

static void collect(struct metrics *metrics, void *arg)
{
    const struct server *server = arg;

    metrics_set(metrics, METRIC_CERTIFICATE_EXPIRATION, METRIC_LABELS("ca"),
                (double)(identity_ca_expiry(server->identity).ms / SECOND_MS));
    metrics_set(metrics, METRIC_CERTIFICATE_EXPIRATION, METRIC_LABELS("leaf"),
                (double)(identity_leaf_expiry(server->identity).ms / SECOND_MS));
    metrics_set(metrics, METRIC_LOOP_LAG, METRIC_NO_LABELS, (double)loop_lag_ms(server->loop) / SECOND_MS);
    metrics_set(metrics, METRIC_AUDIT_DROPPED, METRIC_NO_LABELS, (double)log_audit_dropped());
}

static bool publish_rules(const struct server *server, const struct runtime *runtime, struct error *ret_error)
{
    struct text rules = {0};

    rules_answer_text(runtime, &rules);
    bool published = identity_publish_rules(server->identity, text_bytes(&rules), ret_error);
    text_free(&rules);
    return published;
}

struct server *server_new(const struct server_options *options, struct error *ret_error)
{
    struct server *server = mem_alloc_zero(1, sizeof(*server));
    struct config *config = options->config;

    server->loop = options->loop;
    server->metrics = options->metrics;
    server->spawner = options->spawner;
    server->started = clock_wall(loop_clock(options->loop));
    server->settled_at.ms = loop_now(options->loop).ms + SETTLE_MS;
    server->listeners = mem_alloc_zero(config->listener_count, sizeof(*server->listeners));
    server_drain_init(server);
    server->context = (struct session_context){
        .loop = options->loop,
        .metrics = options->metrics,
        .admit = admit_session,
        .add = add_session,
        .remove = remove_session,
        .note_request = note_request,
        .is_gateway_host = is_gateway_host,
        .arg = server,
    };
    request_ids_init(&server->context.ids);
    client_shares_init(&server->shares, CLIENT_SHARES_REFUSE, config->limits.connections, config->limits.per_client);
    server->context.shares = &server->shares;
    server->context.guesses = password_guesses_new(server->loop);
    server->context.distrust = distrust_new(server->loop, server->metrics);
    budget_set(config->limits.memory);
    server->context.runtime = make_runtime(server, config, ret_error);
    if (!server->context.runtime || !(server->identity = workspace_identity_new(server->loop, config, ret_error)) ||
        !make_signing(server, config, options->password != NULL, ret_error))
        goto failed;
    for (size_t i = 0; i < config->listener_count; i++)
        if (!listen_on(server, &config->listeners[i], options->password, ret_error))
            goto failed;
    server->context.leaves = identity_leaves(server->identity);
    server->proxy_url = make_proxy_url(server, options->password);
    if (!identity_publish(server->identity, server->proxy_url, ret_error) ||
        !publish_rules(server, server->context.runtime, ret_error))
        goto failed;
    server->published = true;
    metrics_collect(server->metrics, collect, server);
    return server;

failed:
    server_free(server);
    return NULL;
}

void server_free(struct server *server)
{
    server->on_drained = NULL;
    while (server->sessions)
        session_close(server->sessions, REASON_DRAINING);
    for (size_t i = 0; i < server->listener_count; i++) {
        listener_free(server->listeners[i].listener);
        secret_unref(server->listeners[i].settings.password);
    }
    server_drain_clear(server);
    loop_turn(server->loop); // sessions and exchanges that were closed are freed from the loop
    workspace_signing_free(server->signing);
    password_guesses_free(server->context.guesses);
    distrust_free(server->context.distrust);
    runtime_unref(server->context.runtime);
    identity_free(server->identity);
    mem_free(server->listeners);
    mem_free(server->proxy_url);
    mem_free(server);
}

bool server_reload(struct server *server, struct config *config, struct error *ret_error)
{
    struct runtime *runtime;

    if (restart_is_needed(server->context.runtime->config, config, ret_error))
        return false;
    runtime = make_runtime(server, config, ret_error);
    if (!runtime || !publish_rules(server, runtime, ret_error)) {
        runtime_unref(runtime);
        return false;
    }
    token_service_adopt(runtime->tokens, server->context.runtime->tokens);
    granted_rules_adopt(runtime->granted, server->context.runtime->granted);
    runtime_unref(server->context.runtime);
    server->context.runtime = runtime;
    budget_set(config->limits.memory);
    client_shares_set(&server->shares, config->limits.connections, config->limits.per_client);
    return true;
}

const char *server_proxy_url(const struct server *server)
{
    return server->proxy_url;
}

void server_append_addresses(const struct server *server, struct text *text)
{
    char address[ADDRESS_TEXT_SIZE];

    for (size_t i = 0; i < server->listener_count; i++) {
        address_format(&server->listeners[i].address, address);
        text_format(text, "%s%s%s", i ? ", " : "", address,
                    server->listeners[i].settings.mode == LISTENER_TRANSPARENT ? " (transparent)" : "");
    }
}

const char *server_publish_directory(const struct server *server)
{
    return identity_directory(server->identity);
}

bool server_ready(const struct server *server)
{
    return server->published && !server->context.draining;
}

bool server_settled(const struct server *server)
{
    return loop_now(server->loop).ms >= server->settled_at.ms || runtime_is_settled(server->context.runtime);
}
