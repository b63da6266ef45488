// A GitHub that answers a transport's calls in virtual time: Apps, installations, repositories, renames, rate limits, and
// failures on demand. As strict as GitHub about the JWT's times, by a clock of its own.
#ifndef GITLATCH_FAKE_GITHUB_H
#define GITLATCH_FAKE_GITHUB_H

#include <inttypes.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock_manual.h"
#include "cmocka_unit.h"
#include "http_transport.h"
#include "loop.h"
#include "mem.h"
#include "text.h"

#define FAKE_MAX 16

struct fake_installation {
    const char *owner; // as GitHub writes it
    uint64_t id;       // 0: not installed
    bool user;
    bool suspended;
    const char *permission; // one that is not granted; NULL: all are
};

struct fake_repository {
    uint64_t id;
    const char *owner, *name;
    const char *old; // "owner/name" that redirects here; NULL: none
    bool uncovered;  // the installation does not have it
};

// How a call whose URL holds `match` fails.
struct fake_fault {
    const char *match; // NULL: no fault
    unsigned count;    // of calls that fail still
    enum http_result result;
    int status;
    const char *body, *retry_after, *rate_limit_remaining, *rate_limit_reset;
};

struct fake_github;
// Another server behind the same transport; false: the call is GitHub's.
typedef bool fake_other_fn(struct fake_github *github, struct http_request *request, const struct http_call *call);

struct fake_github {
    struct http_transport transport; // first
    fake_other_fn *other;            // NULL: GitHub is alone
    struct loop *loop;
    struct clock_manual *manual;
    int64_t started_ms; // its wall clock where the monotonic one is 0
    int64_t ahead_ms;   // and what is added to it
    int64_t latency_ms;
    int64_t life_ms;          // of tokens
    unsigned app_permissions; // what the App has, given where a mint names none; 0: none may do so
    struct fake_installation installations[FAKE_MAX];
    struct fake_repository repositories[FAKE_MAX];
    size_t many;        // further repositories of installation 0, "many-0", …; ids from 100000
    bool wider;         // grants administration: write beside what is asked
    bool without_grant; // leaves out what it grants
    struct fake_fault fault;

    unsigned calls, mints, tokens, lists, pending;
    char last_url[512], last_body[8192];
    struct text log;                         // "GET /path\n" of each call
    unsigned char token_installation[65536]; // by the token's number: 1 + the index of its installation
    int64_t token_ends_ms[65536];            // by GitHub's clock
};

struct http_request {
    struct fake_github *github;
    struct timer timer;
    http_done_fn *done;
    void *arg;
    struct http_answer answer;
    char *body;
    char location[256], date[64];
};

static inline struct wall fake_github_now(const struct fake_github *github)
{
    return (struct wall){github->started_ms + github->manual->mono_now.ms + github->ahead_ms};
}

static inline void fake_request_free(struct http_request *request)
{
    timer_stop(&request->timer);
    request->github->pending--;
    mem_free(request->body);
    mem_free(request);
}

static inline void fake_deliver(void *arg)
{
    struct http_request *request = arg;

    request->answer.body = bytes_of_string(request->body);
    request->done(request->arg, &request->answer);
    fake_request_free(request);
}

static inline void fake_say(struct http_request *request, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static inline void fake_say(struct http_request *request, int status, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    mem_free(request->body);
    request->body = mem_format_list(format, list);
    va_end(list);
    request->answer.status = status;
}

static inline void fake_message(struct http_request *request, int status, const char *message)
{
    fake_say(request, status, "{\"message\":\"%s\",\"documentation_url\":\"https://docs.github.com/rest\"}", message);
}

static inline void fake_redirect(struct http_request *request, uint64_t id, const char *rest)
{
    snprintf(request->location, sizeof(request->location), "https://api.github.com/repositories/%" PRIu64 "%s", id,
             rest);
    request->answer.location = request->location;
    fake_message(request, 301, "Moved Permanently");
}

// The JWT's times by GitHub's clock; NULL: they are right.
static inline const char *fake_check_jwt(struct fake_github *github, struct bytes jwt)
{
    struct bytes header, rest, payload, signature;
    unsigned char padded[2048], decoded[2048];
    size_t size = 0;
    int64_t now = fake_github_now(github).ms / 1000;

    if (!bytes_cut(jwt, '.', &header, &rest) || !bytes_cut(rest, '.', &payload, &signature))
        return "A JSON web token could not be decoded";
    for (; size < payload.size; size++)
        padded[size] = (unsigned char)(payload.data[size] == '-'   ? '+'
                                       : payload.data[size] == '_' ? '/'
                                                                   : payload.data[size]);
    while (size % 4)
        padded[size++] = '=';
    int length = EVP_DecodeBlock(decoded, padded, (int)size);
    json_t *claims = json_loadb((const char *)decoded, (size_t)length - (size - payload.size), 0, NULL);
    if (!claims)
        return "A JSON web token could not be decoded";
    int64_t iat = json_integer_value(json_object_get(claims, "iat"));
    int64_t exp = json_integer_value(json_object_get(claims, "exp"));
    json_decref(claims);
    if (iat > now)
        return "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued";
    if (exp <= now)
        return "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the "
               "assertion expires";
    if (exp > now + 600)
        return "'Expiration time' claim ('exp') is too far in the future";
    return NULL;
}

static inline const struct fake_installation *fake_installation_of(const struct fake_github *github, const char *owner)
{
    for (size_t i = 0; i < FAKE_MAX; i++) {
        if (github->installations[i].id && strcasecmp(github->installations[i].owner, owner) == 0)
            return &github->installations[i];
    }
    return NULL;
}

static inline const struct fake_installation *fake_installation_by_id(const struct fake_github *github, uint64_t id)
{
    for (size_t i = 0; i < FAKE_MAX; i++) {
        if (github->installations[i].id == id)
            return &github->installations[i];
    }
    return NULL;
}

static inline void fake_installation(struct http_request *request, const struct fake_installation *installation)
{
    if (installation)
        fake_say(request, 200, "{\"id\":%" PRIu64 ",\"account\":{\"login\":\"%s\"}}", installation->id,
                 installation->owner);
    else
        fake_message(request, 404, "Not Found");
}

static inline const struct fake_repository *fake_repository_named(const struct fake_github *github, const char *owner,
                                                                  const char *name)
{
    for (size_t i = 0; i < FAKE_MAX; i++) {
        const struct fake_repository *repository = &github->repositories[i];
        if (repository->id && strcasecmp(repository->owner, owner) == 0 && strcasecmp(repository->name, name) == 0)
            return repository;
    }
    return NULL;
}

static inline const struct fake_repository *fake_repository_once(const struct fake_github *github, const char *owner,
                                                                 const char *name)
{
    char full[256];

    snprintf(full, sizeof(full), "%s/%s", owner, name);
    for (size_t i = 0; i < FAKE_MAX; i++) {
        const struct fake_repository *repository = &github->repositories[i];
        if (repository->id && repository->old && strcasecmp(repository->old, full) == 0)
            return repository;
    }
    return NULL;
}

static inline const struct fake_repository *fake_repository_by_id(const struct fake_github *github, uint64_t id)
{
    for (size_t i = 0; i < FAKE_MAX; i++) {
        if (github->repositories[i].id == id)
            return &github->repositories[i];
    }
    return NULL;
}

static inline void fake_append_repository(struct text *text, uint64_t id, const char *owner, const char *name)
{
    text_format(text, "%s{\"id\":%" PRIu64 ",\"name\":\"%s\",\"full_name\":\"%s/%s\"}",
                text->size && text->data[text->size - 1] == '}' ? "," : "", id, name, owner, name);
}

// Finds what a mint names; false: one is not covered.
static inline bool fake_find_named(const struct fake_github *github, const struct fake_installation *installation,
                                   const json_t *body, struct text *found)
{
    const json_t *names = json_object_get(body, "repositories"), *ids = json_object_get(body, "repository_ids");

    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        const struct fake_repository *repository = fake_repository_named(github, installation->owner, name);
        size_t number;
        if (sscanf(name, "many-%zu", &number) == 1 && number < github->many) {
            fake_append_repository(found, 100000 + number, installation->owner, name);
            continue;
        }
        if (!repository || repository->uncovered)
            return false;
        fake_append_repository(found, repository->id, repository->owner, repository->name);
    }
    for (size_t i = 0; i < json_array_size(ids); i++) {
        uint64_t id = (uint64_t)json_integer_value(json_array_get(ids, i));
        const struct fake_repository *repository = fake_repository_by_id(github, id);
        char many[32];
        if (id >= 100000) {
            snprintf(many, sizeof(many), "many-%" PRIu64, id - 100000);
            fake_append_repository(found, id, installation->owner, many);
        } else if (repository && !repository->uncovered) {
            fake_append_repository(found, id, repository->owner, repository->name);
        } else {
            return false;
        }
    }
    return true;
}

static inline void fake_mint(struct http_request *request, const struct fake_installation *installation,
                             const struct http_call *call)
{
    struct fake_github *github = request->github;
    json_t *body = json_loadb(call->body.data, call->body.size, 0, NULL);
    json_t *permissions = json_object_get(body, "permissions");
    struct text repositories = {0};
    char expires_at[WALL_TEXT_SIZE];

    // Absent, they would be all that the App has.
    assert_true(json_object_size(permissions) > 0 || (!permissions && github->app_permissions));
    for (unsigned i = 0; !permissions && i < github->app_permissions; i++) {
        char name[] = {'p', (char)('a' + i / 26), (char)('a' + i % 26), '\0'};
        if (!json_object_get(body, "permissions"))
            json_object_set_new(body, "permissions", json_object());
        json_object_set_new(json_object_get(body, "permissions"), name, json_string("write"));
    }
    permissions = json_object_get(body, "permissions");
    github->mints++;
    if (!installation) {
        fake_message(request, 404, "Not Found");
    } else if (installation->suspended) {
        fake_message(request, 403, "This installation has been suspended");
    } else if (installation->permission && json_object_get(permissions, installation->permission)) {
        fake_message(request, 422, "The permissions requested are not granted to this installation.");
    } else if (!fake_find_named(github, installation, body, &repositories)) {
        fake_message(request, 422,
                     "There is at least one repository that does not exist or is not accessible to the "
                     "parent installation.");
    } else {
        unsigned number = ++github->tokens % GL_ARRAY_SIZE(github->token_installation);
        github->token_installation[number] = (unsigned char)(1 + (installation - github->installations));
        if (github->wider)
            json_object_set_new(permissions, "administration", json_string("write"));
        json_object_set_new(permissions, "metadata", json_string("read"));
        char *granted = json_dumps(permissions, JSON_COMPACT);
        github->token_ends_ms[number] = fake_github_now(github).ms + github->life_ms;
        wall_format_rfc3339((struct wall){github->token_ends_ms[number]}, WALL_SECONDS, expires_at);
        if (github->without_grant)
            fake_say(request, 201, "{\"token\":\"ghs_%u\",\"expires_at\":\"%s\"}", number, expires_at);
        else if (repositories.size)
            fake_say(request, 201,
                     "{\"token\":\"ghs_%u\",\"expires_at\":\"%s\",\"permissions\":%s,\"repositories\":[%s]}", number,
                     expires_at, granted, text_string(&repositories));
        else
            fake_say(request, 201, "{\"token\":\"ghs_%u\",\"expires_at\":\"%s\",\"permissions\":%s}", number,
                     expires_at, granted);
        mem_wiping_free(granted);
    }
    text_free(&repositories);
    json_decref(body);
}

// Whose token this is; NULL: nobody's.
static inline const struct fake_installation *fake_bearer(const struct fake_github *github, struct bytes bearer)
{
    char text[64];
    unsigned number;

    snprintf(text, sizeof(text), "%.*s", (int)bearer.size, bearer.data);
    if (sscanf(text, "ghs_%u", &number) != 1 || number >= GL_ARRAY_SIZE(github->token_installation) ||
        !github->token_installation[number])
        return NULL;
    return &github->installations[github->token_installation[number] - 1];
}

static inline void fake_list(struct http_request *request, const struct fake_installation *installation, unsigned page)
{
    struct fake_github *github = request->github;
    struct text items = {0};
    size_t total = 0, at = 0, first = (page - 1) * (size_t)100;

    github->lists++;
    for (size_t i = 0; i < FAKE_MAX; i++) {
        const struct fake_repository *repository = &github->repositories[i];
        if (!repository->id || repository->uncovered || strcasecmp(repository->owner, installation->owner) != 0)
            continue;
        if (at++ >= first && at <= first + 100)
            fake_append_repository(&items, repository->id, repository->owner, repository->name);
        total++;
    }
    for (size_t i = 0; i < github->many && installation == &github->installations[0]; i++) {
        char name[32];
        snprintf(name, sizeof(name), "many-%zu", i);
        if (at++ >= first && at <= first + 100)
            fake_append_repository(&items, 100000 + i, installation->owner, name);
        total++;
    }
    fake_say(request, 200, "{\"total_count\":%zu,\"repositories\":[%s]}", total, text_string(&items));
    text_free(&items);
}

static inline void fake_repository_answer(struct http_request *request, const struct fake_repository *repository)
{
    if (repository && !repository->uncovered)
        fake_say(request, 200, "{\"id\":%" PRIu64 ",\"full_name\":\"%s/%s\"}", repository->id, repository->owner,
                 repository->name);
    else
        fake_message(request, 404, "Not Found");
}

// Calls that want the App's JWT; false: this is none.
static inline bool fake_app_call(struct http_request *request, const char *path, const struct http_call *call)
{
    struct fake_github *github = request->github;
    char owner[64], name[128], end[32] = "";
    uint64_t id;
    const char *wrong;

    bool installation = strstr(path, "/installation") && strncmp(path, "/installation/", 14) != 0;
    if (!installation)
        return false;
    if ((wrong = fake_check_jwt(github, call->bearer))) {
        fake_message(request, 401, wrong);
    } else if (sscanf(path, "/app/installations/%" SCNu64 "/%31s", &id, end) == 2 &&
               strcmp(end, "access_tokens") == 0) {
        fake_mint(request, fake_installation_by_id(github, id), call);
    } else if (sscanf(path, "/app/installations/%" SCNu64, &id) == 1) {
        fake_installation(request, fake_installation_by_id(github, id));
    } else if (strncmp(path, "/app/installations?", 19) == 0) {
        struct text all = {0};
        for (size_t i = 0; i < FAKE_MAX; i++) {
            if (github->installations[i].id)
                text_format(&all,
                            "%s{\"id\":%" PRIu64
                            ",\"account\":{\"login\":\"%s\"},\"permissions\":{\"contents\":\"write\"}}",
                            all.size ? "," : "", github->installations[i].id, github->installations[i].owner);
        }
        fake_say(request, 200, "[%s]", text_string(&all));
        text_free(&all);
    } else if (sscanf(path, "/repos/%63[^/]/%127[^/]/installation", owner, name) == 2) {
        const struct fake_repository *repository = fake_repository_named(github, owner, name);
        const struct fake_repository *once = fake_repository_once(github, owner, name);
        if (!repository && once)
            fake_redirect(request, once->id, "/installation");
        else
            fake_installation(request,
                              repository && !repository->uncovered ? fake_installation_of(github, owner) : NULL);
    } else if (sscanf(path, "/repositories/%" SCNu64 "/installation", &id) == 1) {
        const struct fake_repository *repository = fake_repository_by_id(github, id);
        fake_installation(request, repository ? fake_installation_of(github, repository->owner) : NULL);
    } else if (sscanf(path, "/orgs/%63[^/]/installation", owner) == 1 ||
               sscanf(path, "/users/%63[^/]/installation", owner) == 1) {
        const struct fake_installation *found = fake_installation_of(github, owner);
        fake_installation(request, found && found->user == (path[1] == 'u') ? found : NULL);
    } else {
        fake_message(request, 404, "Not Found");
    }
    return true;
}

static inline void fake_token_call(struct http_request *request, const char *path, const struct http_call *call)
{
    struct fake_github *github = request->github;
    const struct fake_installation *installation = fake_bearer(github, call->bearer);
    char owner[64], name[128];
    uint64_t id;
    unsigned page;

    if (!installation) {
        fake_message(request, 401, "Bad credentials");
    } else if (sscanf(path, "/installation/repositories?per_page=100&page=%u", &page) == 1) {
        fake_list(request, installation, page);
    } else if (sscanf(path, "/repos/%63[^/]/%127[^/?]", owner, name) == 2) {
        const struct fake_repository *repository = fake_repository_named(github, owner, name);
        const struct fake_repository *once = fake_repository_once(github, owner, name);
        if (!repository && once)
            fake_redirect(request, once->id, "");
        else
            fake_repository_answer(request, repository);
    } else if (sscanf(path, "/repositories/%" SCNu64, &id) == 1) {
        fake_repository_answer(request, fake_repository_by_id(github, id));
    } else if (strcmp(path, "/rate_limit") == 0) {
        request->answer.rate_limit_remaining = "4999";
        fake_say(request, 200, "{}");
    } else {
        fake_message(request, 404, "Not Found");
    }
}

static inline bool fake_fail(struct http_request *request, const char *url)
{
    struct fake_fault *fault = &request->github->fault;

    if (!fault->match || !fault->count || !strstr(url, fault->match))
        return false;
    fault->count--;
    request->answer.result = fault->result;
    request->answer.problem = fault->result == HTTP_ANSWERED ? NULL : "as told";
    request->answer.retry_after = fault->retry_after;
    request->answer.rate_limit_remaining = fault->rate_limit_remaining;
    request->answer.rate_limit_reset = fault->rate_limit_reset;
    if (fault->result == HTTP_ANSWERED)
        fake_say(request, fault->status, "%s", fault->body ? fault->body : "");
    return true;
}

static inline struct http_request *fake_ask(struct http_transport *transport, const struct http_call *call,
                                            http_done_fn *done, void *arg)
{
    struct fake_github *github = (struct fake_github *)transport;
    struct http_request *request = mem_alloc_zero(1, sizeof(*request));
    const char *path = strstr(call->url, "://");
    time_t seconds = fake_github_now(github).ms / 1000;
    struct tm tm;

    *request = (struct http_request){.github = github, .done = done, .arg = arg};
    github->calls++;
    github->pending++;
    path += 3 + strcspn(path + 3, "/");
    snprintf(github->last_url, sizeof(github->last_url), "%s", call->url);
    snprintf(github->last_body, sizeof(github->last_body), "%.*s", (int)call->body.size, call->body.data);
    text_format(&github->log, "%s %s\n", call->method, path);
    strftime(request->date, sizeof(request->date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&seconds, &tm));
    request->answer.date = request->date;
    if (!fake_fail(request, call->url) && !(github->other && github->other(github, request, call)) &&
        !fake_app_call(request, path, call))
        fake_token_call(request, path, call);
    timer_init(&request->timer, github->loop, fake_deliver, request);
    timer_start(&request->timer, github->latency_ms);
    return request;
}

static inline void fake_cancel_call(struct http_transport *transport, struct http_request *request)
{
    fake_request_free(request);
}

static inline void fake_github_init(struct fake_github *github, struct loop *loop, struct clock_manual *manual)
{
    *github = (struct fake_github){
        .transport = {.ask = fake_ask, .cancel = fake_cancel_call},
        .loop = loop,
        .manual = manual,
        .started_ms = manual->wall_now.ms - manual->mono_now.ms,
        .latency_ms = 100,
        .life_ms = HOUR_MS,
    };
}

static inline void fake_github_clear(struct fake_github *github)
{
    assert_int_equal(github->pending, 0);
    text_free(&github->log);
}

#endif
