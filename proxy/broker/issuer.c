#include "issuer.h"

#include <jansson.h>
#include <string.h>

#include "id_token.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "secret.h"
#include "secret_file.h"
#include "tls_client.h"
#include "web_url.h"

// The contract's: for a key id that is not known the issuer is asked at most so often.
#define ASK_MIN_MS (1 * MINUTE_MS)
// A key that the issuer withdrew is good for so long, while its tokens come.
#define FRESH_MS (5 * MINUTE_MS)
// The contract's: so long the old keys are used while the issuer cannot be reached.
#define STALE_MS (1 * HOUR_MS)
// Of a failed first fetch, so that callers' retries find it soon without flooding it.
#define FAILED_MS (5 * SECOND_MS)
// One call; there are two with discovery, and a caller waits 25 s.
#define FETCH_TIMEOUT_MS (8 * SECOND_MS)

struct issuer {
    struct loop *loop;
    struct http_transport *transport;
    const struct config_issuer *config;
    struct tls_client *tls;  // NULL: the keys are in a file
    struct secret_file file; // path NULL: they are fetched
    struct http_request *fetching;
    struct flight flight; // who waits for the fetch
    struct key_set keys;
    bool asked;           // at least once
    struct mono asked_at; // when the last fetch began
    struct mono got_at;   // when the keys came
    struct error problem; // of the last fetch; "": none
};

// What came of a fetch.

static void issuer_settle_waiters(struct issuer *issuer)
{
    struct flight_waiter *waiter;

    while ((waiter = flight_take(&issuer->flight)))
        flight_settle(issuer->loop, waiter);
}

static void fetch_failed(struct issuer *issuer, const struct error *problem)
{
    if (!*issuer->problem.text)
        log_error("broker", "issuer %s: its keys cannot be had: %s", issuer->config->name, problem->text);
    issuer->problem = *problem;
    issuer_settle_waiters(issuer);
}

static bool take_keys(struct issuer *issuer, struct bytes body, struct error *ret_error)
{
    struct key_set keys = {0};

    if (!key_set_parse(body, &keys, ret_error))
        return false;
    key_set_clear(&issuer->keys);
    issuer->keys = keys;
    issuer->got_at = loop_now(issuer->loop);
    if (*issuer->problem.text)
        log_info("broker", "issuer %s: its keys are known again", issuer->config->name);
    issuer->problem.text[0] = '\0';
    return true;
}

// Whether the answer can be read; sets the error where not.
static bool is_answered(const struct http_answer *answer, const char *what, struct error *ret_error)
{
    if (answer->result != HTTP_ANSWERED)
        return error_set(ret_error, "%s: %s", what, answer->problem);
    if (answer->status >= 300 && answer->status < 400)
        return error_set(ret_error, "%s: it answered %d; a redirect is not followed", what, answer->status);
    return answer->status == 200 || error_set(ret_error, "%s: it answered %d", what, answer->status);
}

static void on_keys(void *arg, const struct http_answer *answer)
{
    struct issuer *issuer = arg;
    struct error problem;

    issuer->fetching = NULL;
    if (is_answered(answer, "the key set", &problem) && take_keys(issuer, answer->body, &problem))
        issuer_settle_waiters(issuer);
    else
        fetch_failed(issuer, &problem);
}

static void ask_url(struct issuer *issuer, const char *url, http_done_fn *done)
{
    static const char *const headers[] = {"Accept: application/json", NULL};
    const struct http_call call = {
        .method = "GET", .url = url, .headers = headers, .tls = issuer->tls, .timeout_ms = FETCH_TIMEOUT_MS};

    issuer->fetching = issuer->transport->ask(issuer->transport, &call, done, issuer);
}

// OpenID Connect Discovery 1.0, 4.3: the document must be that of the very issuer.
static bool read_discovery(const struct issuer *issuer, struct bytes body, char **ret_url, struct error *ret_error)
{
    static const enum web_url_kind tls = WEB_URL_TLS;
    json_t *root = json_loadb(body.data ? body.data : "", body.size, JSON_REJECT_DUPLICATES, NULL);
    const char *named = json_string_value(json_object_get(root, "issuer"));
    const char *url = json_string_value(json_object_get(root, "jwks_uri"));
    struct error problem;

    if (!named || strcmp(named, issuer->config->issuer) != 0)
        error_set(ret_error, "the discovery document is of issuer \"%.200s\", not of this one", named ? named : "");
    else if (!url)
        error_set(ret_error, "the discovery document names no `jwks_uri`");
    else if (!web_url_check(bytes_of_string(url), &tls, &problem))
        error_set(ret_error, "the discovery document's `jwks_uri` %s", problem.text);
    else
        *ret_url = mem_string(url);
    json_decref(root);
    return *ret_url;
}

static void on_discovery(void *arg, const struct http_answer *answer)
{
    struct issuer *issuer = arg;
    struct error problem;
    char *url = NULL;

    issuer->fetching = NULL;
    if (is_answered(answer, "the discovery document", &problem) && read_discovery(issuer, answer->body, &url, &problem))
        ask_url(issuer, url, on_keys);
    else
        fetch_failed(issuer, &problem);
    mem_free(url);
}

static void begin_fetch(struct issuer *issuer)
{
    struct bytes base = bytes_of_string(issuer->config->issuer);
    char *url;

    issuer->asked = true;
    issuer->asked_at = loop_now(issuer->loop);
    if (issuer->config->jwks) {
        ask_url(issuer, issuer->config->jwks, on_keys);
        return;
    }
    while (bytes_end_with(base, BYTES("/")))
        base.size--;
    url = mem_format("%.*s/.well-known/openid-configuration", (int)base.size, base.data);
    ask_url(issuer, url, on_discovery);
    mem_free(url);
}

// What is at hand.

static bool issuer_read_file(struct issuer *issuer, struct error *ret_error)
{
    bool changed = false;

    return secret_file_refresh(&issuer->file, &changed, ret_error) &&
           (!changed || take_keys(issuer, secret_bytes(issuer->file.secret), ret_error));
}

static void refresh_file(struct issuer *issuer)
{
    struct error problem;

    if (!issuer_read_file(issuer, &problem) && strcmp(problem.text, issuer->problem.text) != 0) {
        log_error("broker", "issuer %s: %s; the keys that were read before count", issuer->config->name, problem.text);
        issuer->problem = problem;
    }
}

static int64_t age_ms(const struct issuer *issuer)
{
    return loop_now(issuer->loop).ms - issuer->got_at.ms;
}

static bool may_ask(const struct issuer *issuer)
{
    int64_t pause_ms = issuer->keys.count > 0 ? ASK_MIN_MS : FAILED_MS;

    return !issuer->asked || loop_now(issuer->loop).ms - issuer->asked_at.ms >= pause_ms;
}

// Whether keys must be had before the token can be decided on.
static bool must_wait(struct issuer *issuer, const struct id_token *token)
{
    bool usable = issuer_keys(issuer)->count > 0, knows = usable && key_set_knows(&issuer->keys, token);

    if (!issuer->fetching && may_ask(issuer) && (!knows || age_ms(issuer) >= FRESH_MS))
        begin_fetch(issuer);
    return !knows && issuer->fetching;
}

bool issuer_is_ready(struct issuer *issuer, const struct id_token *token, struct flight_waiter *waiter)
{
    if (issuer->file.path) {
        refresh_file(issuer);
        return true;
    }
    if (!must_wait(issuer, token))
        return true;
    flight_join(&issuer->flight, waiter);
    return false;
}

const struct key_set *issuer_keys(const struct issuer *issuer)
{
    static const struct key_set none = {0};

    return issuer->file.path || age_ms(issuer) < STALE_MS ? &issuer->keys : &none;
}

const char *issuer_problem(const struct issuer *issuer)
{
    return issuer->problem.text;
}

const struct config_issuer *issuer_config(const struct issuer *issuer)
{
    return issuer->config;
}

struct issuer *issuer_new(struct loop *loop, struct http_transport *transport, const struct config_issuer *config,
                          struct error *ret_error)
{
    struct issuer *issuer = mem_alloc_zero(1, sizeof(*issuer));
    bool ok;

    *issuer = (struct issuer){.loop = loop, .transport = transport, .config = config};
    flight_init(&issuer->flight);
    if (config->jwks_file) {
        secret_file_init(&issuer->file, config->jwks_file);
        ok = issuer_read_file(issuer, ret_error) || error_prefix(ret_error, "jwks_file");
    } else {
        issuer->tls = tls_client_new(config->trust, ret_error);
        ok = issuer->tls || error_prefix(ret_error, "trust");
    }
    if (ok)
        return issuer;
    error_prefix(ret_error, "broker.issuers: %s", config->name);
    issuer_free(issuer);
    return NULL;
}

void issuer_free(struct issuer *issuer)
{
    if (!issuer)
        return;
    if (issuer->fetching)
        issuer->transport->cancel(issuer->transport, issuer->fetching);
    key_set_clear(&issuer->keys);
    secret_file_clear(&issuer->file);
    tls_client_unref(issuer->tls);
    mem_free(issuer);
}
