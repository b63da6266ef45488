#include "broker_call.h"

#include <openssl/ssl.h>
#include <string.h>

#include "audit.h"
#include "callers.h"
#include "client_certificate.h"
#include "loop.h"
#include "mem.h"
#include "metrics.h"
#include "rate_limiter.h"
#include "service.h"
#include "serving_certificate.h"
#include "text.h"

// A sentence that names one claim.
#define MESSAGE_MAX 400

static void free_call(struct broker_call *call)
{
    if (call->proving)
        callers_cancel(call->proving);
    if (call->asking)
        token_request_cancel(call->asking);
    caller_clear(&call->caller);
    mem_free(call->tenant);
    token_question_clear(&call->question);
    mem_free(call->scope);
    broker_runtime_unref(call->runtime);
    mem_free(call);
}

static void on_gone(void *arg)
{
    free_call(arg);
}

static void write_client(const struct service_call *http, char *client, size_t size)
{
    struct address address = *service_call_client(http);
    char text[ADDRESS_TEXT_SIZE];
    char *colon;

    address_format(&address, text);
    colon = strrchr(text, ':');
    snprintf(client, size, "%.*s", (int)(colon ? colon - text : (ptrdiff_t)strlen(text)), text);
}

struct broker_call *broker_call_new(struct broker_context *context, struct broker_runtime *runtime,
                                    struct service_call *http)
{
    struct broker_call *call = mem_alloc_zero(1, sizeof(*call));

    call->context = context;
    call->runtime = broker_runtime_ref(runtime);
    call->http = http;
    call->started = loop_now(context->loop);
    snprintf(call->id, sizeof(call->id), "%08x%08x", context->id_prefix, ++context->last_id);
    write_client(http, call->client, sizeof(call->client));
    service_call_watch(http, on_gone, call);
    return call;
}

struct bytes broker_call_bearer(const struct broker_call *call)
{
    struct bytes value = service_call_field(call->http, FIELD_AUTHORIZATION), scheme, token;

    // RFC 9110, 11.1: the scheme's case does not matter, spaces may follow it.
    if (!bytes_cut(value, ' ', &scheme, &token) || !bytes_equal_nocase(scheme, BYTES("bearer")))
        return bytes_of(NULL, 0);
    while (bytes_start_with(token, BYTES(" ")))
        token = bytes_skip(token, 1);
    return token;
}

bool broker_call_within_limit(struct broker_call *call, const char *name)
{
    struct verdict verdict;

    if (rate_limiter_take(call->context->limiter, name))
        return true;
    verdict_set(&verdict, REASON_CALLER_LIMIT, NULL);
    verdict.retry_after_s = rate_limiter_wait_s(call->context->limiter, name);
    broker_call_refuse(call, &verdict);
    return false;
}

static void on_proven(void *arg, const struct caller *caller, const struct verdict *verdict)
{
    struct broker_call *call = arg;
    char *name;

    call->proving = NULL;
    if (!caller) {
        broker_call_refuse(call, verdict);
        return;
    }
    caller_copy(caller, &call->caller);
    call->tenant = caller_tenant(caller);
    name = caller_key(caller);
    if (broker_call_within_limit(call, name))
        call->proven(call);
    mem_free(name);
}

// The names of the certificate that came with the connection, by what verifies it now. False: it is good no more, which is
// answered and ends the connection.
static bool read_certificate(struct broker_call *call, char ***ret_names)
{
    SSL *tls = service_call_tls(call->http);
    X509_STORE *roots;
    struct error error;

    if (!call->runtime->config->broker.clients_ca || !tls)
        return true;
    roots = SSL_CTX_get_cert_store(serving_certificate_clients_context(call->runtime->certificate));
    if (client_certificate_check(tls, roots, ret_names, &error) != CLIENT_CERTIFICATE_REFUSED)
        return true;
    service_call_close(call->http);
    broker_call_refuse_with(call, REASON_CALLER_UNPROVEN, 401, error.text);
    return false;
}

void broker_call_prove(struct broker_call *call, void (*proven)(struct broker_call *call))
{
    char **names = NULL;

    call->proven = proven;
    if (!call->runtime->callers) {
        broker_call_refuse_with(call, REASON_BROKER_DENIED, 403, "this broker grants nothing: it has no `grants`");
        return;
    }
    if (!read_certificate(call, &names))
        return;
    const struct callers_proof proof = {
        .token = broker_call_bearer(call),
        .certificate_names = names,
        .from = call->client,
    };
    call->proving = callers_prove(call->runtime->callers, &proof, on_proven, call);
    client_certificate_names_free(names);
}

static void on_token(void *arg, struct token *token, const struct verdict *verdict)
{
    struct broker_call *call = arg;

    call->asking = NULL;
    if (token)
        call->granted(call, token);
    else
        call->failed(call, verdict);
}

void broker_call_ask(struct broker_call *call, const struct scope *scope,
                     void (*granted)(struct broker_call *call, struct token *token),
                     void (*failed)(struct broker_call *call, const struct verdict *verdict))
{
    call->granted = granted;
    call->failed = failed;
    call->asking = token_service_ask(call->runtime->tokens, scope, on_token, call);
}

static void on_listing(void *arg, const struct token_listing *listing, const struct verdict *verdict)
{
    struct broker_call *call = arg;

    call->asking = NULL;
    if (listing)
        call->listed(call, listing);
    else
        call->failed(call, verdict);
}

void broker_call_list(struct broker_call *call,
                      void (*listed)(struct broker_call *call, const struct token_listing *listing),
                      void (*failed)(struct broker_call *call, const struct verdict *verdict))
{
    call->listed = listed;
    call->failed = failed;
    call->asking =
        token_service_list(call->runtime->tokens, &call->question.host->git, call->question.owner, on_listing, call);
}

// The end.

static bool is_denial(int status)
{
    return status == 400 || status == 401 || status == 403 || status == 404 || status == 405 || status == 429;
}

// Whoever is granted nothing may be anybody with an account at the issuer: it does not fill the table with its names.
static void count_caller(const struct broker_call *call, bool denied)
{
    const struct caller *caller = &call->caller;
    const char *issuer = caller->namespace ? "kubernetes" : caller->issuer ? caller->issuer : "certificate";
    char *subject = denied ? mem_string("") : caller_subject(caller);

    metrics_add(call->context->metrics, METRIC_BROKER_CALLS, METRIC_LABELS(issuer, subject, denied ? "deny" : "allow"),
                1);
    mem_free(subject);
}

static void count(const struct broker_call *call, enum reason reason, int status)
{
    struct metrics *metrics = call->context->metrics;
    double seconds = (double)(loop_now(call->context->loop).ms - call->started.ms) / SECOND_MS;
    char number[16];

    if (caller_is_proven(&call->caller))
        count_caller(call, is_denial(status));
    snprintf(number, sizeof(number), "%d", status);
    metrics_add(metrics, METRIC_REQUESTS, METRIC_LABELS("other", is_denial(status) ? "deny" : "allow", number), 1);
    metrics_observe(metrics, METRIC_REQUEST_DURATION, METRIC_LABELS("other"), seconds);
    if (reason != REASON_NONE)
        metrics_add(metrics, METRIC_DENIALS, METRIC_LABELS(reason_row(reason)->code), 1);
}

static void tell(const struct broker_call *call, enum reason reason, int status, struct token *token)
{
    const struct audit_workspace workspace = {
        .namespace = call->caller.namespace,
        .pod = call->caller.pod,
        .service_account = call->caller.service_account,
        .issuer = call->caller.issuer,
        .subject = call->caller.subject,
        .certificate = call->caller.certificate_names ? call->caller.certificate_names[0] : NULL,
    };
    const struct token_question *question = &call->question;
    struct audit_event event = {
        .event = "request",
        .id = call->id,
        .client = call->client,
        .mode = AUDIT_BROKER,
        .host = question->host ? question->host->web : NULL,
        .repository = question->count == 1 ? &question->names[0] : NULL,
        .operation = "other",
        .decision = is_denial(status) ? DECISION_DENY : DECISION_ALLOW,
        .reason = reason,
        .status = status,
        .duration_ms = loop_now(call->context->loop).ms - call->started.ms,
        .source = token ? source_id_name(token->source) : NULL,
        .scope = call->scope,
        .token = token ? token->fingerprint : NULL,
        .workspace = &workspace,
        .user_agent = service_call_field(call->http, FIELD_USER_AGENT),
    };

    audit_write(&event, clock_wall(loop_clock(call->context->loop)));
}

// What time it is: with a token by the clock of its issuer, so that who takes it knows how long it will live, whatever
// the clocks here and there say.
static struct wall date_of(const struct broker_call *call, struct token *token)
{
    const struct clock *clock = loop_clock(call->context->loop);
    int64_t left_ms = token ? token_left_ms(token, clock) : INT64_MAX;

    if (left_ms == INT64_MAX || token->expires_at.ms == WALL_NEVER.ms)
        return clock_wall(clock);
    return (struct wall){token->expires_at.ms - left_ms};
}

static void finish(struct broker_call *call, struct answer *answer, enum reason reason, struct token *token)
{
    struct service_call *http = call->http;
    char date[WALL_HTTP_SIZE];

    wall_format_http_date(date_of(call, token), date);
    answer->date = bytes_of_string(date);
    count(call, reason, answer->status);
    if (reason != REASON_NONE || !call->quiet)
        tell(call, reason, answer->status, token);
    service_call_watch(http, NULL, NULL);
    service_answer(http, answer, token != NULL);
    free_call(call);
}

void broker_call_answer(struct broker_call *call, struct bytes json, struct token *token)
{
    struct answer answer = {.status = 200, .content_type = BYTES("application/json"), .body = json};

    finish(call, &answer, REASON_NONE, token);
}

// A claim's value is its issuer's: no byte of it may end the field.
void broker_call_answer_with(struct broker_call *call, struct bytes json, struct bytes message)
{
    char printable[MESSAGE_MAX] = "";
    size_t size = message.size < sizeof(printable) ? message.size : sizeof(printable);
    struct answer answer = {.status = 200, .content_type = BYTES("application/json"), .body = json};

    for (size_t i = 0; i < size; i++)
        printable[i] = message.data[i] >= ' ' && message.data[i] <= '~' ? message.data[i] : '?';
    answer.message = bytes_of(printable, size);
    finish(call, &answer, REASON_NONE, NULL);
}

void broker_call_refuse(struct broker_call *call, const struct verdict *verdict)
{
    struct answer answer = {
        .status = verdict->reason == REASON_RENAMED ? 409 : verdict_status(verdict),
        .content_type = BYTES("application/json"),
        .retry_after_s = verdict->retry_after_s,
    };
    struct text body = {0};

    text_format(&body, "{\"error\":\"%s\",\"message\":", reason_row(verdict->reason)->code);
    text_append_json_string(&body, bytes_of_string(verdict->sentence));
    if (verdict->reason == REASON_RENAMED) {
        text_append(&body, ",\"repository\":");
        text_append_json_string(&body, bytes_of_string(verdict->location));
    }
    text_append(&body, "}\n");
    answer.body = text_bytes(&body);
    if (answer.status == 401)
        answer.www_authenticate = BYTES("Bearer");
    else if (answer.status == 503 && answer.retry_after_s == 0)
        answer.retry_after_s = 1;
    finish(call, &answer, verdict->reason, NULL);
    text_free(&body);
}

void broker_call_fail(struct broker_call *call, const struct verdict *verdict)
{
    struct verdict shown = *verdict;

    shown.status = verdict->reason == REASON_NO_CREDENTIAL ? 404 : 503;
    broker_call_refuse(call, &shown);
}

void broker_call_refuse_with(struct broker_call *call, enum reason reason, int status, const char *sentence)
{
    struct verdict verdict;

    verdict_set(&verdict, reason, "%s", sentence);
    verdict.status = status;
    broker_call_refuse(call, &verdict);
}
