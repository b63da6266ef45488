#include "caller_identity.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bearer_file.h"
#include "child.h"
#include "loop.h"
#include "mem.h"
#include "secret.h"
#include "spawner.h"
#include "text.h"
#include "tls_client.h"

#define SYSTEM_ROOTS "/etc/ssl/certs/ca-certificates.crt"
// Less than this left, and another token is asked for: a call to the broker may take 25 s.
#define NEAR_END_MS (1 * MINUTE_MS)
// A token whose end cannot be read, or that never had so much left, is used for so long.
#define LEAST_USE_MS (20 * SECOND_MS)
#define ASK_MS       (10 * SECOND_MS)
#define FAILED_MS    (2 * SECOND_MS)
// A second after the year 9999 is no time.
#define SECONDS_MAX 253402300799

// Of a sidecar's token, and of a caller's that will hold what it is given.
#define AUDIENCE        "gitlatch"
#define AUDIENCE_HOLDER "gitlatch-credential"

#define ACTIONS_URL   "ACTIONS_ID_TOKEN_REQUEST_URL"
#define ACTIONS_TOKEN "ACTIONS_ID_TOKEN_REQUEST_TOKEN"

struct caller_identity {
    struct loop *loop;
    struct http_transport *transport;
    struct spawner *spawner;
    enum identity_kind kind;
    struct bearer_file bearer; // URL, roots; the token's file where it is in one
    char *name;

    char *certificate, *key; // NULL: none
    struct stat seen[2];     // of the two, when they were last read

    struct tls_client *web; // for GitHub Actions' endpoint
    char *endpoint;
    struct secret *endpoint_token;
    size_t command; // with the spawner

    struct secret *token; // that was given; NULL: none
    struct mono use_until;
    struct http_request *asking;
    struct child *child;
    struct flight flight;
    struct source_failure failure; // of the last time; reason REASON_NONE: none
    struct mono failed_at;
};

// What was given.

static void caller_identity_settle_waiters(struct caller_identity *identity)
{
    struct flight_waiter *waiter;

    while ((waiter = flight_take(&identity->flight)))
        flight_settle(identity->loop, waiter);
}

static void ask_failed(struct caller_identity *identity, const char *what, const char *problem)
{
    source_failure_set(&identity->failure, false, REASON_NO_CREDENTIAL, "no identity token for %s: %s: %s",
                       identity->bearer.url, what, problem);
    identity->failed_at = loop_now(identity->loop);
    caller_identity_settle_waiters(identity);
}

// The end that a JWT names, unverified: the broker verifies it. WALL_NEVER: none can be read.
static struct wall token_end(struct bytes token)
{
    struct bytes header, rest, payload, signature;
    struct wall end = WALL_NEVER;
    unsigned char *padded, *text;
    json_t *root;
    int size;

    bytes_cut(token, '.', &header, &rest);
    bytes_cut(rest, '.', &payload, &signature);
    if (payload.size == 0)
        return end;
    padded = mem_alloc(payload.size + 4);
    text = mem_alloc(payload.size + 4);
    memset(padded, '=', payload.size + 4);
    for (size_t i = 0; i < payload.size; i++)
        padded[i] = payload.data[i] == '-' ? '+' : payload.data[i] == '_' ? '/' : (unsigned char)payload.data[i];
    size = EVP_DecodeBlock(text, padded, (int)((payload.size + 3) / 4 * 4));
    size -= (int)((4 - payload.size % 4) % 4);
    root = size > 0 ? json_loadb((char *)text, (size_t)size, 0, NULL) : NULL;
    json_int_t exp = json_integer_value(json_object_get(root, "exp"));
    if (exp > 0 && exp < SECONDS_MAX)
        end.ms = exp * SECOND_MS;
    json_decref(root);
    mem_free(padded);
    mem_free(text);
    return end;
}

static void caller_identity_take_token(struct caller_identity *identity, struct bytes token)
{
    struct mono now = loop_now(identity->loop);
    struct wall end = token_end(token);
    int64_t left_ms = end.ms == WALL_NEVER.ms ? 0 : end.ms - clock_wall(loop_clock(identity->loop)).ms - NEAR_END_MS;

    secret_unref(identity->token);
    identity->token = secret_new_trimmed(token);
    identity->use_until.ms = now.ms + (left_ms > LEAST_USE_MS ? left_ms : LEAST_USE_MS);
    identity->failure.verdict.reason = REASON_NONE;
    caller_identity_settle_waiters(identity);
}

// GitHub Actions' endpoint.

static void on_endpoint(void *arg, const struct http_answer *answer)
{
    struct caller_identity *identity = arg;
    char problem[64];
    json_t *root, *value;

    identity->asking = NULL;
    if (answer->result != HTTP_ANSWERED) {
        ask_failed(identity, ACTIONS_URL, answer->problem);
        return;
    }
    root = json_loadb(answer->body.data ? answer->body.data : "", answer->body.size, JSON_REJECT_DUPLICATES, NULL);
    value = json_object_get(root, "value");
    if (answer->status == 200 && json_string_length(value) > 0) {
        caller_identity_take_token(identity, bytes_of(json_string_value(value), json_string_length(value)));
    } else {
        snprintf(problem, sizeof(problem), "it answered %d%s", answer->status,
                 answer->status == 200 ? " without a token" : "");
        ask_failed(identity, ACTIONS_URL, problem);
    }
    json_decref(root);
}

static void ask_endpoint(struct caller_identity *identity)
{
    static const char *const headers[] = {"Accept: application/json", NULL};
    const struct http_call call = {
        .method = "GET",
        .url = identity->endpoint,
        .headers = headers,
        .bearer = secret_bytes(identity->endpoint_token),
        .tls = identity->web,
        .timeout_ms = ASK_MS,
    };

    identity->asking = identity->transport->ask(identity->transport, &call, on_endpoint, identity);
}

// RFC 3986, 2.3: what needs no quoting.
static void append_quoted(struct text *text, const char *value)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (; *value; value++) {
        if (strchr(plain, *value))
            text_append_char(text, *value);
        else
            text_format(text, "%%%02X", (unsigned char)*value);
    }
}

static char *endpoint_url(const char *base, const char *audience)
{
    struct text url = {0};
    char *copy;

    text_format(&url, "%s%caudience=", base, strchr(base, '?') ? '&' : '?');
    append_quoted(&url, audience);
    copy = mem_wiping_strdup(text_string(&url));
    if (!copy)
        mem_exhausted();
    text_free(&url);
    return copy;
}

static bool take_endpoint(struct caller_identity *identity, const char *audience, struct error *ret_error)
{
    const char *url = getenv(ACTIONS_URL), *token = getenv(ACTIONS_TOKEN), *roots = getenv("SSL_CERT_FILE");

    if (!url || !*url || !token || !*token)
        return error_set(ret_error, "identity: " ACTIONS_URL " and " ACTIONS_TOKEN
                                    " are not set: give the job `permissions: {id-token: write}`");
    identity->endpoint = endpoint_url(url, audience);
    identity->endpoint_token = secret_new(bytes_of_string(token));
    if (!bytes_start_with(bytes_of_string(url), BYTES("https://")))
        return true;
    identity->web = tls_client_new(roots && *roots ? roots : SYSTEM_ROOTS, ret_error);
    return identity->web;
}

// A command.

static void on_printed(void *arg, struct secret *output, const struct error *error)
{
    struct caller_identity *identity = arg;

    identity->child = NULL;
    if (!output)
        ask_failed(identity, "identity.command", error->text);
    else
        caller_identity_take_token(identity, secret_bytes(output));
}

// The certificate.

static void look_at_files(const struct caller_identity *identity, struct stat ret_seen[2])
{
    memset(ret_seen, 0, 2 * sizeof(*ret_seen));
    if (stat(identity->certificate, &ret_seen[0]) != 0 || stat(identity->key, &ret_seen[1]) != 0)
        memset(ret_seen, 0, 2 * sizeof(*ret_seen));
}

static bool caller_identity_same_files(const struct stat a[2], const struct stat b[2])
{
    bool same = true;

    for (size_t i = 0; i < 2; i++)
        same = same && a[i].st_dev == b[i].st_dev && a[i].st_ino == b[i].st_ino && a[i].st_size == b[i].st_size &&
               a[i].st_mtim.tv_sec == b[i].st_mtim.tv_sec && a[i].st_mtim.tv_nsec == b[i].st_mtim.tv_nsec;
    return same;
}

// Reads the two again where they changed.
static bool refresh_certificate(struct caller_identity *identity, struct error *ret_error)
{
    struct stat seen[2];

    if (!identity->certificate)
        return true;
    look_at_files(identity, seen);
    if (caller_identity_same_files(seen, identity->seen))
        return true;
    if (!tls_client_set_certificate(identity->bearer.tls, identity->certificate, identity->key, ret_error))
        return false;
    memcpy(identity->seen, seen, sizeof(seen));
    return true;
}

// What is at hand.

static void caller_identity_ask_token(struct caller_identity *identity)
{
    if (identity->asking || identity->child)
        return;
    if (identity->kind == IDENTITY_GITHUB_ACTIONS)
        ask_endpoint(identity);
    else
        identity->child =
            child_run(identity->spawner, identity->command, bytes_of(NULL, 0), ASK_MS, on_printed, identity);
}

enum caller_identity_state caller_identity_look(struct caller_identity *identity, struct flight_waiter *waiter,
                                                struct source_failure *ret_failure)
{
    bool failing = identity->failure.verdict.reason != REASON_NONE;

    if (!caller_identity_can(identity, ret_failure))
        return CALLER_IDENTITY_FAILED;
    if (caller_identity_is_ready(identity))
        return CALLER_IDENTITY_READY;
    if (failing && loop_now(identity->loop).ms - identity->failed_at.ms < FAILED_MS) {
        *ret_failure = identity->failure;
        return CALLER_IDENTITY_FAILED;
    }
    caller_identity_ask_token(identity);
    flight_join(&identity->flight, waiter);
    return CALLER_IDENTITY_WAITS;
}

bool caller_identity_can(struct caller_identity *identity, struct source_failure *ret_failure)
{
    struct error error;

    if (!refresh_certificate(identity, &error))
        return source_failure_set(ret_failure, true, REASON_NO_CREDENTIAL, "%s", error.text);
    return identity->kind != IDENTITY_FILE || bearer_file_ready(&identity->bearer, ret_failure);
}

bool caller_identity_is_ready(struct caller_identity *identity)
{
    bool asked = identity->kind == IDENTITY_GITHUB_ACTIONS || identity->kind == IDENTITY_COMMAND;

    return !asked || (identity->token && loop_now(identity->loop).ms < identity->use_until.ms);
}

struct http_call caller_identity_call(const struct caller_identity *identity, const char *method, const char *url,
                                      struct bytes body)
{
    struct http_call call = bearer_file_call(&identity->bearer, method, url, body);

    if (identity->kind != IDENTITY_FILE)
        call.bearer = identity->token ? secret_bytes(identity->token) : bytes_of(NULL, 0);
    call.own_connection = identity->certificate;
    return call;
}

const char *caller_identity_url(const struct caller_identity *identity)
{
    return identity->bearer.url;
}

const char *caller_identity_name(const struct caller_identity *identity)
{
    return identity->name;
}

// The beginning and the end.

static bool take_kind(struct caller_identity *identity, const struct credential_options *options,
                      struct error *ret_error)
{
    const char *audience = options->audience ? options->audience : options->holds_token ? AUDIENCE_HOLDER : AUDIENCE;

    switch (identity->kind) {
    case IDENTITY_GITHUB_ACTIONS:
        return take_endpoint(identity, audience, ret_error);
    case IDENTITY_COMMAND:
        return spawner_find(identity->spawner, options->identity_command, &identity->command, ret_error);
    case IDENTITY_FILE:
    case IDENTITY_NONE:
        break;
    }
    if (identity->certificate && !identity->bearer.tls)
        return error_set(ret_error, "certificate: needs an https:// url");
    return refresh_certificate(identity, ret_error);
}

struct caller_identity *caller_identity_new(const struct source *base, const struct credential_options *options,
                                            struct error *ret_error)
{
    struct caller_identity *identity = mem_alloc_zero(1, sizeof(*identity));
    struct credential_options by_file = *options;

    identity->loop = base->loop;
    identity->transport = base->transport;
    identity->spawner = base->spawner;
    identity->kind = options->token_file ? IDENTITY_FILE : options->identity;
    if (options->identity == IDENTITY_FILE)
        by_file.token_file = options->identity_file;
    identity->certificate = mem_string(options->certificate);
    identity->key = mem_string(options->key);
    flight_init(&identity->flight);
    if (bearer_file_init(&identity->bearer, &by_file, ret_error) && take_kind(identity, options, ret_error)) {
        const char *shown = by_file.token_file ? by_file.token_file : options->certificate;

        identity->name = mem_format("%s %s", identity->bearer.url, shown ? shown : "identity");
        return identity;
    }
    caller_identity_free(identity);
    return NULL;
}

void caller_identity_free(struct caller_identity *identity)
{
    if (!identity)
        return;
    if (identity->asking)
        identity->transport->cancel(identity->transport, identity->asking);
    if (identity->child)
        child_cancel(identity->child);
    bearer_file_clear(&identity->bearer);
    tls_client_unref(identity->web);
    mem_free(identity->name);
    mem_free(identity->certificate);
    mem_free(identity->key);
    mem_wiping_free(identity->endpoint);
    secret_unref(identity->endpoint_token);
    secret_unref(identity->token);
    mem_free(identity);
}
