#include "serving.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <event2/event.h>

#include "admin.h"
#include "audit.h"
#include "config_spawner.h"
#include "config_watch.h"
#include "log.h"
#include "loop.h"
#include "metrics.h"
#include "sandbox.h"
#include "secret.h"

// What is left in the log's ring when all else has ended: a sink that takes nothing for so long takes
// nothing.
#define LOG_STOP_MS (2 * SECOND_MS)

static const int signals[] = {SIGTERM, SIGINT, SIGHUP};

struct serving {
    const struct serving_options *options;
    struct config *config;
    struct spawner *spawner;
    struct loop *loop;
    struct metrics *metrics;
    void *served;
    struct admin *admin, *scrape; // `admin`, `metrics`
    struct config_watch *watch;
    struct event *signals[GL_ARRAY_SIZE(signals)];
    struct event *lifeline;
    bool draining;
};

// The end.

static void on_drained(void *arg)
{
    struct serving *serving = arg;

    loop_stop(serving->loop);
}

static void end(struct serving *serving)
{
    if (serving->draining) {
        loop_stop(serving->loop);
        return;
    }
    serving->draining = true;
    log_info(serving->options->type->name, "draining: no new connections, what is in flight may end");
    serving->options->type->drain(serving->served, on_drained, serving);
}

static void on_lifeline(evutil_socket_t socket, short events, void *arg)
{
    struct serving *serving = arg;

    // Nothing is ever sent on it: it is readable because it has ended.
    loop_stop(serving->loop);
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

static bool take(struct serving *serving, struct config *config, struct error *ret_error)
{
    struct log_options log = log_options_of(config);
    struct log_options old_log = log_options_of(serving->config);
    struct error ignored;

    if (!same_text(config->admin.text, serving->config->admin.text) ||
        !same_text(config->metrics.text, serving->config->metrics.text))
        return error_set(ret_error, "%s: `admin` or `metrics` has another address, which needs a restart",
                         config->path);
    if (!log_configure(&log, ret_error))
        return false;
    if (!serving->options->type->reload(serving->served, config, ret_error)) {
        if (!log_configure(&old_log, &ignored))
            log_error("config", "%s", ignored.text);
        return false;
    }
    config_unref(serving->config);
    serving->config = config_ref(config);
    return true;
}

static void reload(void *arg)
{
    struct serving *serving = arg;
    struct config *config = NULL;
    struct error error;
    bool ok = config_load(serving->config->path, serving->options->type->use, &config, &error) &&
              take(serving, config, &error);

    if (ok)
        log_info("config", "%s: read again, and in force", serving->config->path);
    else
        log_error("config", "%s; the old configuration stays", error.text);
    metrics_add(serving->metrics, METRIC_RELOADS, METRIC_LABELS(ok ? "ok" : "failed"), 1);
    config_unref(config);
}

static void on_signal(evutil_socket_t number, short events, void *arg)
{
    struct serving *serving = arg;

    if (number != SIGHUP) {
        end(serving);
        return;
    }
    log_reopen();
    if (!serving->options->reloads)
        return;
    if (serving->watch)
        config_watch_look(serving->watch);
    reload(serving);
}

// The addresses of our own.

static bool is_own_name(void *arg, const struct host_name *host)
{
    const struct serving *serving = arg;
    const struct text_list *names = &serving->config->gateway_hosts;

    for (size_t i = 0; i < names->count; i++) {
        if (bytes_equal(bytes_of_string(names->items[i]), host_name_bytes(host)))
            return true;
    }
    return false;
}

static bool is_ready(void *arg)
{
    const struct serving *serving = arg;

    return serving->options->type->ready(serving->served);
}

static void append_status(void *arg, struct text *text)
{
    const struct serving *serving = arg;

    serving->options->type->status(serving->served, text);
}

static bool open_admin(struct serving *serving, const struct config_address *address, bool metrics_alone,
                       struct admin **ret_admin, struct error *ret_error)
{
    const struct admin_options options = {
        .loop = serving->loop,
        .metrics = serving->metrics,
        .address = address->address,
        .metrics_alone = metrics_alone,
        .is_own_name = is_own_name,
        .is_ready = is_ready,
        .status = append_status,
        .arg = serving,
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

static bool enter(struct serving *serving, struct error *ret_error)
{
    const struct audit_workspace workspace = {getenv("GITLATCH_NAMESPACE"), getenv("GITLATCH_POD"),
                                              getenv("GITLATCH_SERVICE_ACCOUNT")};
    struct log_options log = log_options_of(serving->config);
    struct error error;

    serving->spawner = config_spawner_new(serving->config, ret_error);
    if (!serving->spawner)
        return false;
    secret_protect_process();
    raise_descriptor_limit();
    signal(SIGPIPE, SIG_IGN);
    if (!log_init(&log, ret_error))
        return false;
    if (!sandbox_enter(&error))
        log_warn(serving->options->type->name, "without a sandbox: %s", error.text);
    audit_set_workspace(&workspace);
    return true;
}

static void catch_signals(struct serving *serving)
{
    struct event_base *base = loop_event_base(serving->loop);

    for (size_t i = 0; i < GL_ARRAY_SIZE(signals); i++) {
        serving->signals[i] = evsignal_new(base, signals[i], on_signal, serving);
        evsignal_add(serving->signals[i], NULL);
    }
    if (serving->options->lifeline >= 0) {
        serving->lifeline = event_new(base, serving->options->lifeline, EV_READ, on_lifeline, serving);
        event_add(serving->lifeline, NULL);
    }
}

static bool start(struct serving *serving, struct error *ret_error)
{
    struct serving_context context = {.config = serving->config, .password = serving->options->password};
    struct error error;

    if (!enter(serving, ret_error))
        return false;
    serving->loop = loop_new(clock_real());
    serving->metrics = metrics_new();
    // There from the start, so that the first failure is an increase.
    metrics_add(serving->metrics, METRIC_RELOADS, METRIC_LABELS("ok"), 0);
    metrics_add(serving->metrics, METRIC_RELOADS, METRIC_LABELS("failed"), 0);
    spawner_attach(serving->spawner, serving->loop);
    context.loop = serving->loop;
    context.metrics = serving->metrics;
    context.spawner = serving->spawner;
    serving->served = serving->options->type->new (&context, ret_error);
    if (!serving->served || !open_admin(serving, &serving->config->admin, false, &serving->admin, ret_error) ||
        !open_admin(serving, &serving->config->metrics, true, &serving->scrape, ret_error))
        return false;
    catch_signals(serving);
    if (serving->options->reloads) {
        serving->watch = config_watch_new(serving->loop, serving->config->path, reload, serving, &error);
        if (!serving->watch)
            log_warn("config", "%s", error.text);
    }
    return true;
}

static void stop(struct serving *serving)
{
    config_watch_free(serving->watch);
    for (size_t i = 0; i < GL_ARRAY_SIZE(signals); i++) {
        if (serving->signals[i])
            event_free(serving->signals[i]);
    }
    if (serving->lifeline)
        event_free(serving->lifeline);
    admin_free(serving->scrape);
    admin_free(serving->admin);
    if (serving->served)
        serving->options->type->free(serving->served);
    if (serving->spawner)
        spawner_free(serving->spawner);
    if (serving->metrics)
        metrics_free(serving->metrics);
    if (serving->loop)
        loop_free(serving->loop);
    config_unref(serving->config);
    log_stop(LOG_STOP_MS);
}

bool serving_run(const struct serving_options *options, struct error *ret_error)
{
    struct serving serving = {.options = options, .config = config_ref(options->config)};
    bool ok = start(&serving, ret_error);

    if (ok) {
        if (options->ready)
            options->ready(options->ready_arg, serving.served);
        loop_run(serving.loop);
    }
    stop(&serving);
    return ok;
}
