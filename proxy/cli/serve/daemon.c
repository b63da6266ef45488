#include "daemon.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <event2/event.h>

#include "admin.h"
#include "advice_log.h"
#include "audit.h"
#include "config_spawner.h"
#include "config_watch.h"
#include "inherited_socket.h"
#include "log.h"
#include "mem.h"
#include "loop.h"
#include "metrics.h"
#include "rule_advice.h"
#include "sandbox.h"
#include "sandbox_files.h"
#include "secret.h"
#include "service_manager.h"
#include "text.h"

// What is left in the log's ring when all else has ended: a sink that takes nothing for so long takes
// nothing.
#define LOG_STOP_MS (2 * SECOND_MS)

static const int signals[] = {SIGTERM, SIGINT, SIGHUP};

struct daemon {
    const struct daemon_options *options;
    struct config *config;
    struct spawner *spawner;
    struct loop *loop;
    struct metrics *metrics;
    void *instance;
    struct admin *admin, *scrape; // `admin`, `metrics`
    struct config_watch *watch;
    struct advice_log *advice;
    struct event *signals[GL_ARRAY_SIZE(signals)];
    struct event *lifeline;
    bool draining;
    struct wall configured;    // when the configuration in force was read
    struct wall reload_failed; // the last time; zero: none since `configured`
    struct error reload_error;
};

// The end.

static void on_drained(void *arg)
{
    struct daemon *daemon = arg;

    loop_stop(daemon->loop);
}

static void end(struct daemon *daemon)
{
    if (daemon->draining) {
        loop_stop(daemon->loop);
        return;
    }
    daemon->draining = true;
    service_manager_stopping();
    log_info(daemon->options->type->name, "draining: what is in flight may end");
    daemon->options->type->drain(daemon->instance, on_drained, daemon);
}

static void on_lifeline(evutil_socket_t socket, short events, void *arg)
{
    struct daemon *daemon = arg;

    // Nothing is ever sent on it: it is readable because it has ended.
    loop_stop(daemon->loop);
}

// The reload.

static struct log_options log_options_of(const struct config *config)
{
    return (struct log_options){.level = config->log_level, .format = config->log_format, .audit = config->audit};
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool take(struct daemon *daemon, struct config *config, struct error *ret_error)
{
    struct log_options log = log_options_of(config);
    struct log_options old_log = log_options_of(daemon->config);
    struct error ignored;

    if (!same_text(config->admin.text, daemon->config->admin.text) ||
        !same_text(config->metrics.text, daemon->config->metrics.text))
        return error_set(ret_error, "%s: `admin` or `metrics` has another address, which needs a restart",
                         config->path);
    if (!log_configure(&log, ret_error))
        return false;
    if (!daemon->options->type->reload(daemon->instance, config, ret_error)) {
        if (!log_configure(&old_log, &ignored))
            log_error("config", "%s", ignored.text);
        return false;
    }
    config_unref(daemon->config);
    daemon->config = config_ref(config);
    return true;
}

// For /status and the metric; `error` NULL: it was taken.
static void note_reload(struct daemon *daemon, const struct error *error)
{
    struct wall now = clock_wall(loop_clock(daemon->loop));

    metrics_set(daemon->metrics, METRIC_RELOAD_TIME, METRIC_LABELS(error ? "failed" : "ok"),
                (double)(now.ms / SECOND_MS));
    if (error) {
        daemon->reload_failed = now;
        daemon->reload_error = *error;
    } else {
        daemon->configured = now;
        daemon->reload_failed = (struct wall){0};
    }
}

static void reload(void *arg)
{
    struct daemon *daemon = arg;
    struct config *config = NULL;
    struct error error;
    bool ok;

    service_manager_reloading();
    ok = config_load(daemon->config->path, daemon->options->type->use, &config, &error) && take(daemon, config, &error);
    service_manager_reloaded();
    if (ok)
        log_info("config", "%s: read again, and in force", daemon->config->path);
    else
        log_error("config", "%s; the old configuration stays", error.text);
    note_reload(daemon, ok ? NULL : &error);
    metrics_add(daemon->metrics, METRIC_RELOADS, METRIC_LABELS(ok ? "ok" : "failed"), 1);
    config_unref(config);
}

static void on_signal(evutil_socket_t number, short events, void *arg)
{
    struct daemon *daemon = arg;

    if (number != SIGHUP) {
        end(daemon);
        return;
    }
    log_reopen();
    if (!daemon->options->reloads)
        return;
    if (daemon->watch)
        config_watch_look(daemon->watch);
    reload(daemon);
}

// The addresses of our own.

static bool is_own_name(void *arg, const struct host_name *host)
{
    const struct daemon *daemon = arg;
    const struct text_list *names = &daemon->config->gateway_hosts;

    for (size_t i = 0; i < names->count; i++) {
        if (bytes_equal(bytes_of_string(names->items[i]), host_name_bytes(host)))
            return true;
    }
    return false;
}

static bool is_ready(void *arg)
{
    const struct daemon *daemon = arg;

    return daemon->options->type->ready(daemon->instance);
}

static bool is_settled(void *arg)
{
    const struct daemon *daemon = arg;
    const struct daemon_type *type = daemon->options->type;

    return !type->settled || type->settled(daemon->instance);
}

// When it was read, and why a later one was not taken.
static void append_configuration(const struct daemon *daemon, struct text *text)
{
    char time[WALL_TEXT_SIZE];

    wall_format_rfc3339(daemon->configured, WALL_SECONDS, time);
    text_append(text, ",\"configuration\":{\"file\":");
    text_append_json_string(text, bytes_of_string(daemon->config->path ? daemon->config->path : ""));
    text_format(text, ",\"read\":\"%s\"", time);
    if (daemon->reload_failed.ms != 0) {
        wall_format_rfc3339(daemon->reload_failed, WALL_SECONDS, time);
        text_format(text, ",\"reload_failed\":\"%s\",\"reload_error\":", time);
        text_append_json_string(text, bytes_of_string(daemon->reload_error.text));
    }
    text_append_char(text, '}');
}

static void append_status(void *arg, struct text *text)
{
    const struct daemon *daemon = arg;

    text_append_char(text, '{');
    daemon->options->type->status(daemon->instance, text);
    append_configuration(daemon, text);
    text_append(text, "}\n");
}

static void advise(void *arg, struct bytes event, struct text *text)
{
    const struct daemon *daemon = arg;

    rule_advice_append(daemon->config, event, text);
}

static bool open_admin(struct daemon *daemon, const struct config_address *address, bool metrics_alone,
                       struct admin **ret_admin, struct error *ret_error)
{
    const struct admin_options options = {
        .loop = daemon->loop,
        .metrics = daemon->metrics,
        .address = address->address,
        .metrics_alone = metrics_alone,
        .is_own_name = is_own_name,
        .is_ready = is_ready,
        .is_settled = is_settled,
        .status = append_status,
        .advise = advise,
        .arg = daemon,
    };

    if (!address->off)
        *ret_admin = admin_new(&options, ret_error);
    return address->off || *ret_admin || error_prefix(ret_error, metrics_alone ? "metrics" : "admin");
}

// The start, in this order: what runs commands is forked while the process is still what it was; then it is
// closed to others before it reads a secret; and only then is anything read from the network.

// Two descriptors a connection: the soft limit of 1,024 would end at 500.
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static bool enter(struct daemon *daemon, struct error *ret_error)
{
    const struct audit_workspace workspace = {getenv("GITLATCH_NAMESPACE"), getenv("GITLATCH_POD"),
                                              getenv("GITLATCH_SERVICE_ACCOUNT")};
    struct log_options log = log_options_of(daemon->config);
    struct error error;

    if (daemon->options->supervised) {
        inherited_sockets_receive();
        service_manager_open();
    }
    daemon->spawner = config_spawner_new(daemon->config, ret_error);
    if (!daemon->spawner)
        return false;
    secret_protect_process();
    raise_descriptor_limit();
    signal(SIGPIPE, SIG_IGN);
    if (!log_init(&log, ret_error))
        return false;
    if (!sandbox_enter(&error))
        log_warn(daemon->options->type->name, "without a sandbox: %s", error.text);
    audit_set_workspace(&workspace);
    return true;
}

static void catch_signals(struct daemon *daemon)
{
    struct event_base *base = loop_event_base(daemon->loop);

    for (size_t i = 0; i < GL_ARRAY_SIZE(signals); i++) {
        daemon->signals[i] = evsignal_new(base, signals[i], on_signal, daemon);
        evsignal_add(daemon->signals[i], NULL);
    }
    if (daemon->options->lifeline >= 0) {
        daemon->lifeline = event_new(base, daemon->options->lifeline, EV_READ, on_lifeline, daemon);
        event_add(daemon->lifeline, NULL);
    }
}

// The audit file is opened anew after a rotation: its directory.
static char *audit_directory(const char *audit)
{
    const char *slash = strrchr(audit, '/');

    return slash ? mem_bytes_string(bytes_of(audit, (size_t)(slash - audit) + 1)) : mem_string(".");
}

static void restrict_files(const struct daemon *daemon)
{
    const struct config *config = daemon->config;
    bool file = strcmp(config->audit, "stdout") != 0 && strcmp(config->audit, "none") != 0;
    char *audit = file ? audit_directory(config->audit) : NULL;
    const char *const writable[] = {config->ca_publish, config->ca_state, audit, daemon->options->folder};
    struct error error;

    if (!sandbox_files_enter(writable, GL_ARRAY_SIZE(writable), &error))
        log_info(daemon->options->type->name, "without a sandbox for files: %s", error.text);
    mem_free(audit);
}

static bool start(struct daemon *daemon, struct error *ret_error)
{
    struct daemon_context context = {.config = daemon->config, .password = daemon->options->password};
    struct error error;

    if (!enter(daemon, ret_error))
        return false;
    daemon->loop = loop_new(clock_real());
    daemon->configured = clock_wall(clock_real());
    daemon->metrics = metrics_new();
    // There from the start, so that the first failure is an increase.
    metrics_add(daemon->metrics, METRIC_RELOADS, METRIC_LABELS("ok"), 0);
    metrics_add(daemon->metrics, METRIC_RELOADS, METRIC_LABELS("failed"), 0);
    metrics_set(daemon->metrics, METRIC_RELOAD_TIME, METRIC_LABELS("ok"), (double)(daemon->configured.ms / SECOND_MS));
    audit_start(daemon->loop);
    spawner_attach(daemon->spawner, daemon->loop);
    context.loop = daemon->loop;
    context.metrics = daemon->metrics;
    context.spawner = daemon->spawner;
    daemon->instance = daemon->options->type->new (&context, ret_error);
    if (!daemon->instance || !open_admin(daemon, &daemon->config->admin, false, &daemon->admin, ret_error) ||
        !open_admin(daemon, &daemon->config->metrics, true, &daemon->scrape, ret_error))
        return false;
    catch_signals(daemon);
    daemon->advice = advice_log_new(daemon->loop, &daemon->config);
    if (daemon->options->reloads) {
        daemon->watch = config_watch_new(daemon->loop, daemon->config->path, reload, daemon, &error);
        if (!daemon->watch)
            log_warn("config", "%s", error.text);
    }
    inherited_sockets_close();
    restrict_files(daemon);
    return true;
}

static void stop(struct daemon *daemon)
{
    config_watch_free(daemon->watch);
    advice_log_free(daemon->advice);
    for (size_t i = 0; i < GL_ARRAY_SIZE(signals); i++) {
        if (daemon->signals[i])
            event_free(daemon->signals[i]);
    }
    service_manager_close();
    if (daemon->lifeline)
        event_free(daemon->lifeline);
    admin_free(daemon->scrape);
    admin_free(daemon->admin);
    if (daemon->instance)
        daemon->options->type->free(daemon->instance);
    if (daemon->spawner)
        spawner_free(daemon->spawner);
    audit_stop();
    if (daemon->metrics)
        metrics_free(daemon->metrics);
    if (daemon->loop)
        loop_free(daemon->loop);
    config_unref(daemon->config);
    log_stop(LOG_STOP_MS);
}

bool daemon_run(const struct daemon_options *options, struct error *ret_error)
{
    struct daemon daemon = {.options = options, .config = config_ref(options->config)};
    bool ok = start(&daemon, ret_error);

    if (ok) {
        if (options->ready)
            options->ready(options->ready_arg, daemon.instance);
        service_manager_ready(daemon.loop);
        loop_run(daemon.loop);
    }
    stop(&daemon);
    return ok;
}
