#include "admin.h"

#include <gitlatch/reason.h>

#include "admin_events.h"
#include "admin_page.h"
#include "connect.h"
#include "loop.h"
#include "mem.h"
#include "metrics.h"
#include "service.h"
#include "text.h"

// A kubelet, a scraper and some people.
#define CONNECTIONS_MAX 32
#define TIMEOUT_MS      10000
// How often it is looked whether a probe that waits may be answered.
#define PROBE_LOOK_MS 10

struct admin {
    struct admin_options options;
    struct service *service;
    struct admin_events *events; // NULL: `metrics_alone`
};

static void answer_text(struct service_call *call, int status, struct bytes type, struct bytes body)
{
    struct answer answer = {.status = status, .content_type = type, .body = body};

    service_answer(call, &answer, false);
}

static void answer_plain(struct service_call *call, int status, struct bytes body)
{
    answer_text(call, status, BYTES("text/plain; charset=utf-8"), body);
}

// A page in a browser must not reach us under a name of its own choice (DNS rebinding). An address is no such name: a
// kubelet and a scraper ask by the pod's, or the Service's.
static bool is_own_host(const struct admin *admin, struct service_call *call)
{
    struct host_name host;
    struct address address;
    uint16_t port;

    if (!host_name_parse_authority(service_call_field(call, FIELD_HOST), 80, &host, &port))
        return false;
    if (address_parse(host_name_bytes(&host), port, &address) ||
        bytes_equal(host_name_bytes(&host), BYTES("localhost")))
        return true;
    return admin->options.is_own_name && admin->options.is_own_name(admin->options.arg, &host);
}

static void answer_metrics(struct service_call *call, struct metrics *metrics, bool repository_labels)
{
    struct text text = {0};

    metrics_write(metrics, &text, repository_labels);
    answer_text(call, 200, BYTES("text/plain; version=0.0.4; charset=utf-8"), text_bytes(&text));
    text_free(&text);
}

static void answer_status(struct admin *admin, struct service_call *call)
{
    struct text text = {0};

    admin->options.status(admin->options.arg, &text);
    answer_text(call, 200, BYTES("application/json; charset=utf-8"), text_bytes(&text));
    text_free(&text);
}

// The reason codes with their meaning and remedy.
static void answer_reasons(struct service_call *call)
{
    struct text text = {0};

    for (enum reason reason = REASON_NONE + 1; reason < REASON_COUNT; reason++) {
        const struct reason_row *row = reason_row(reason);

        text_append(&text, reason == REASON_NONE + 1 ? "{" : ",");
        text_append_json_string(&text, bytes_of_string(row->code));
        text_append(&text, ":{\"meaning\":");
        text_append_json_string(&text, bytes_of_string(row->meaning));
        text_append(&text, ",\"remedy\":");
        text_append_json_string(&text, bytes_of_string(row->remedy));
        text_append_char(&text, '}');
    }
    text_append(&text, "}\n");
    answer_text(call, 200, BYTES("application/json; charset=utf-8"), text_bytes(&text));
    text_free(&text);
}

static void answer_page(struct service_call *call)
{
    struct answer answer = {
        .status = 200,
        .content_type = BYTES("text/html; charset=utf-8"),
        .content_security_policy = admin_page_policy(),
        .body = admin_page(),
    };

    service_answer(call, &answer, false);
}

static void answer_events(struct admin *admin, struct service_call *call)
{
    if (service_call_method(call) == METHOD_HEAD)
        answer_text(call, 200, BYTES("text/event-stream"), BYTES(""));
    else if (!admin_events_take(admin->events, call))
        answer_plain(call, 503, BYTES("too many pages are open\n"));
}

static bool answer_health(struct service_call *call, struct bytes path, bool ready)
{
    if (bytes_equal(path, BYTES("/healthz")))
        answer_plain(call, 200, BYTES("ok\n"));
    else if (bytes_equal(path, BYTES("/readyz")) && ready)
        answer_plain(call, 200, BYTES("ready\n"));
    else if (bytes_equal(path, BYTES("/readyz")))
        answer_plain(call, 503, BYTES("not ready\n"));
    else
        return false;
    return true;
}

bool admin_answer_probe(struct service_call *call, struct metrics *metrics, bool ready)
{
    enum head_method method = service_call_method(call);
    struct bytes path = service_call_target(call)->path;

    if (method != METHOD_GET && method != METHOD_HEAD)
        return false;
    if (!bytes_equal(path, BYTES("/metrics")))
        return answer_health(call, path, ready);
    answer_metrics(call, metrics, false);
    return true;
}

// A probe that waits until it has settled: a kubelet that hears 503 asks again a second later.

struct held_probe {
    struct admin *admin;
    struct service_call *call;
    struct timer look;
};

static void on_probe_gone(void *arg)
{
    struct held_probe *probe = arg;

    timer_stop(&probe->look);
    mem_free(probe);
}

static void on_probe_look(void *arg)
{
    struct held_probe *probe = arg;
    struct admin *admin = probe->admin;
    struct service_call *call = probe->call;

    if (!admin->options.is_settled(admin->options.arg)) {
        timer_start(&probe->look, PROBE_LOOK_MS);
        return;
    }
    service_call_watch(call, NULL, NULL);
    on_probe_gone(probe);
    answer_health(call, BYTES("/readyz"), admin->options.is_ready(admin->options.arg));
}

static bool hold_probe(struct admin *admin, struct service_call *call, struct bytes path)
{
    const struct admin_options *options = &admin->options;
    struct held_probe *probe;

    if (!bytes_equal(path, BYTES("/readyz")) || !options->is_settled || options->is_settled(options->arg) ||
        !options->is_ready(options->arg))
        return false;
    probe = mem_alloc_zero(1, sizeof(*probe));
    *probe = (struct held_probe){.admin = admin, .call = call};
    timer_init(&probe->look, options->loop, on_probe_look, probe);
    timer_start(&probe->look, PROBE_LOOK_MS);
    service_call_watch(call, on_probe_gone, probe);
    return true;
}

static void answer_admin(struct admin *admin, struct service_call *call, struct bytes path)
{
    if (hold_probe(admin, call, path) || answer_health(call, path, admin->options.is_ready(admin->options.arg)))
        return;
    if (bytes_equal(path, BYTES("/metrics")))
        answer_metrics(call, admin->options.metrics, true);
    else if (bytes_equal(path, BYTES("/status")))
        answer_status(admin, call);
    else if (bytes_equal(path, BYTES("/")))
        answer_page(call);
    else if (bytes_equal(path, BYTES("/reasons")))
        answer_reasons(call);
    else if (bytes_equal(path, BYTES("/events")))
        answer_events(admin, call);
    else
        answer_plain(call, 404, BYTES("there are /healthz /readyz /metrics /status /events /reasons and /\n"));
}

// For a scraper, under whatever name it knows us: no names of repositories are shown.
static void answer_scraper(struct admin *admin, struct service_call *call, struct bytes path)
{
    if (bytes_equal(path, BYTES("/metrics")))
        answer_metrics(call, admin->options.metrics, false);
    else
        answer_plain(call, 404, BYTES("there is /metrics\n"));
}

static void on_call(void *arg, struct service_call *call)
{
    struct admin *admin = arg;
    enum head_method method = service_call_method(call);
    struct bytes path = service_call_target(call)->path;

    if (method != METHOD_GET && method != METHOD_HEAD) {
        answer_plain(call, 405, BYTES("only GET and HEAD\n"));
    } else if (admin->options.metrics_alone) {
        answer_scraper(admin, call, path);
    } else if (!is_own_host(admin, call) || service_call_field(call, FIELD_ORIGIN).size > 0) {
        answer_plain(call, 421, BYTES("ask under the admin address itself, or a name of `gateway_hosts`\n"));
    } else {
        answer_admin(admin, call, path);
    }
}

struct admin *admin_new(const struct admin_options *options, struct error *ret_error)
{
    struct admin *admin = mem_alloc_zero(1, sizeof(*admin));
    struct service_options service = {
        .loop = options->loop,
        .address = options->address,
        .connections = CONNECTIONS_MAX,
        .timeout_ms = TIMEOUT_MS,
        .handler = on_call,
        .arg = admin,
    };

    admin->options = *options;
    admin->service = service_new(&service, ret_error);
    if (!admin->service) {
        mem_free(admin);
        return NULL;
    }
    if (!options->metrics_alone)
        admin->events = admin_events_new(options->loop, options->advise, options->arg);
    return admin;
}

void admin_free(struct admin *admin)
{
    if (!admin)
        return;
    service_free(admin->service);
    admin_events_free(admin->events);
    mem_free(admin);
}
