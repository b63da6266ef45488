#include "admin.h"

#include "admin_page.h"
#include "connect.h"
#include "mem.h"
#include "metrics.h"
#include "service.h"
#include "text.h"

// A kubelet, a scraper and some people.
#define CONNECTIONS_MAX 32
#define TIMEOUT_MS      10000

struct admin {
    struct admin_options options;
    struct service *service;
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

static void answer_admin(struct admin *admin, struct service_call *call, struct bytes path)
{
    if (answer_health(call, path, admin->options.is_ready(admin->options.arg)))
        return;
    if (bytes_equal(path, BYTES("/metrics")))
        answer_metrics(call, admin->options.metrics, true);
    else if (bytes_equal(path, BYTES("/status")))
        answer_status(admin, call);
    else if (bytes_equal(path, BYTES("/")))
        answer_text(call, 200, BYTES("text/html; charset=utf-8"), admin_page());
    else
        answer_plain(call, 404, BYTES("there are /healthz /readyz /metrics /status and /\n"));
}

// For a scraper, under whatever name it knows us: no names of repositories are told.
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
    return admin;
}

void admin_free(struct admin *admin)
{
    if (!admin)
        return;
    service_free(admin->service);
    mem_free(admin);
}
