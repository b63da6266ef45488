// A token service in virtual time, with a fake GitHub behind it.
#ifndef GITLATCH_TOKEN_FIXTURE_H
#define GITLATCH_TOKEN_FIXTURE_H

#include <gitlatch/github_host.h>
#include <gitlatch/token_service.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <unistd.h>

#include "fake_github.h"
#include "metrics.h"
#include "secret.h"
#include "test_key.h"
#include "token_options.h"
#include "virtual_loop.h"

struct token_fixture {
    struct clock_manual manual;
    struct loop *loop;
    struct metrics *metrics;
    struct github_host host, other_host;
    struct fake_github github;
    struct token_service *service;
    struct credential_options app; // of `key_path`
    char directory[32], key_path[64];
    unsigned events; // mint events, and the last one
    char event_source[32], event_scope[128], event_reason[32];
};

static EVP_PKEY *token_fixture_key;

static inline void token_fixture_on_mint(void *arg, const struct token_mint_event *event)
{
    struct token_fixture *fixture = arg;

    fixture->events++;
    snprintf(fixture->event_source, sizeof(fixture->event_source), "%s", event->source);
    snprintf(fixture->event_scope, sizeof(fixture->event_scope), "%s", event->scope);
    snprintf(fixture->event_reason, sizeof(fixture->event_reason), "%s",
             event->verdict ? reason_row(event->verdict->reason)->code : "");
}

static inline void token_fixture_write_key(struct token_fixture *fixture, EVP_PKEY *key)
{
    struct test_key_pem pem = test_key_pem(key, TEST_KEY_PKCS1);

    test_key_write(fixture->key_path, pem.text);
}

static inline struct token_service_options token_fixture_options(struct token_fixture *fixture,
                                                                 const struct credential_options *credentials,
                                                                 size_t count, struct token_host *hosts)
{
    hosts[0] = (struct token_host){.host = &fixture->host.git};
    hosts[1] = (struct token_host){.host = &fixture->other_host.git};
    return (struct token_service_options){
        .credentials = credentials,
        .credential_count = count,
        .hosts = hosts,
        .host_count = 2,
        .refresh_before_ms = 10 * MINUTE_MS,
        .minimum_life_ms = MINUTE_MS,
        .wait_ms = 30 * SECOND_MS,
        .loop = fixture->loop,
        .metrics = fixture->metrics,
        .on_mint = token_fixture_on_mint,
        .on_mint_arg = fixture,
        .transport = &fixture->github.transport,
    };
}

// Makes the service of these credentials.
static inline void token_fixture_serve(struct token_fixture *fixture, const struct credential_options *credentials,
                                       size_t count)
{
    struct token_host hosts[2];
    struct token_service_options options = token_fixture_options(fixture, credentials, count, hosts);
    struct error error = {0};

    fixture->service = token_service_new(&options, &error);
    assert_string_equal(error.text, "");
    assert_non_null(fixture->service);
}

// acme and globex (a user) have the App; acme has widgets and gadgets.
static inline int token_fixture_set_up(void **state)
{
    struct token_fixture *fixture = mem_alloc_zero(1, sizeof(*fixture));

    clock_manual_init(&fixture->manual, (struct wall){1764000000000});
    fixture->loop = loop_new(&fixture->manual.clock);
    fixture->metrics = metrics_new();
    assert_true(github_host_init(&fixture->host, "github.com", NULL, NULL, NULL));
    assert_true(github_host_init(&fixture->other_host, "ghe.corp", NULL, NULL, NULL));
    fake_github_init(&fixture->github, fixture->loop, &fixture->manual);
    fixture->github.installations[0] = (struct fake_installation){.owner = "Acme", .id = 42};
    fixture->github.installations[1] = (struct fake_installation){.owner = "globex", .id = 43, .user = true};
    fixture->github.repositories[0] = (struct fake_repository){.id = 1001, .owner = "Acme", .name = "Widgets"};
    fixture->github.repositories[1] = (struct fake_repository){.id = 1002, .owner = "Acme", .name = "gadgets"};
    fixture->github.repositories[2] = (struct fake_repository){.id = 1003, .owner = "globex", .name = "ray"};
    snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/gitlatch-unit-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    snprintf(fixture->key_path, sizeof(fixture->key_path), "%s/app.pem", fixture->directory);
    if (!token_fixture_key)
        token_fixture_key = EVP_RSA_gen(2048);
    token_fixture_write_key(fixture, token_fixture_key);
    static char app_id[] = "12345";
    fixture->app =
        (struct credential_options){.type = CREDENTIAL_APP, .app_id = app_id, .private_key = fixture->key_path};
    *state = fixture;
    return 0;
}

static inline void token_fixture_run(struct token_fixture *fixture, int64_t ms)
{
    virtual_loop_run_for(fixture->loop, &fixture->manual, ms);
}

// What was given to askers, which are copied and never freed.
static struct token *token_fixture_held[4096];
static size_t token_fixture_held_count;

static inline void token_fixture_let_go(void)
{
    while (token_fixture_held_count)
        token_unref(token_fixture_held[--token_fixture_held_count]);
}

static inline int token_fixture_tear_down(void **state)
{
    struct token_fixture *fixture = *state;

    token_fixture_let_go();
    token_service_unref(fixture->service);
    fake_github_clear(&fixture->github);
    struct mono due;
    assert_false(loop_next_due(fixture->loop, &due)); // nothing was left behind
    loop_free(fixture->loop);
    metrics_free(fixture->metrics);
    github_host_clear(&fixture->host);
    github_host_clear(&fixture->other_host);
    unlink(fixture->key_path);
    rmdir(fixture->directory);
    mem_free(fixture);
    return 0;
}

// One who asks, and what became of it.
struct token_asker {
    struct token_request *request;
    unsigned answers;
    char token[512]; // "": none came
    char source[32];
    struct token *given;    // held until the test ends
    char repositories[256]; // "1001:acme/widgets …"
    struct permissions permissions;
    struct verdict verdict;
};

static inline void token_asker_done(void *arg, struct token *token, const struct verdict *verdict)
{
    struct token_asker *asker = arg;

    asker->request = NULL;
    asker->answers++;
    asker->token[0] = '\0';
    assert_int_equal(token == NULL, verdict != NULL);
    if (verdict) {
        asker->verdict = *verdict;
        return;
    }
    struct bytes value = secret_bytes(token->value);
    const struct token_scope *granted = &token->granted;
    snprintf(asker->token, sizeof(asker->token), "%.*s", (int)value.size, value.data);
    snprintf(asker->source, sizeof(asker->source), "%s", source_id_name(token->source));
    assert_true(token_fixture_held_count < GL_ARRAY_SIZE(token_fixture_held));
    asker->given = token_fixture_held[token_fixture_held_count++] = token_ref(token);
    asker->permissions = granted->permissions;
    size_t size = 0;
    asker->repositories[0] = '\0';
    for (size_t i = 0; i < granted->repository_count && size < sizeof(asker->repositories); i++)
        size += (size_t)snprintf(asker->repositories + size, sizeof(asker->repositories) - size, "%s%d:%s/%s",
                                 i ? " " : "", (int)granted->repositories[i].id, granted->repositories[i].name.owner,
                                 granted->repositories[i].name.name);
}

// {permission: level} for "owner/name", as git does it under rules; permission NULL: none.
static inline struct scope token_scope(const struct token_fixture *fixture, const char *name, const char *permission,
                                       enum permission_level level)
{
    struct scope scope = {.host = &fixture->host.git, .reach = SCOPE_REPOSITORY, .use = SCOPE_USE_GIT, .ruled = true};
    struct bytes owner, rest;

    assert_true(bytes_cut(bytes_of_string(name), '/', &owner, &rest));
    assert_true(repository_name_parse(owner, rest, &scope.repository));
    if (permission)
        assert_true(permissions_add(&scope.permissions, bytes_of_string(permission), level));
    return scope;
}

// Asks, and waits until it is answered.
static inline struct token_asker token_ask(struct token_fixture *fixture, const struct scope *scope)
{
    struct token_asker asker = {0};

    asker.request = token_service_ask(fixture->service, scope, token_asker_done, &asker);
    assert_int_equal(asker.answers, 0);
    for (int i = 0; i < 400 && !asker.answers; i++)
        token_fixture_run(fixture, 100);
    assert_int_equal(asker.answers, 1);
    return asker;
}

static inline struct token_asker token_ask_read(struct token_fixture *fixture, const char *name)
{
    struct scope scope = token_scope(fixture, name, "contents", PERMISSION_READ);

    return token_ask(fixture, &scope);
}

// The code of the verdict; "" where a token came.
static inline const char *token_reason(const struct token_asker *asker)
{
    return *asker->token ? "" : reason_row(asker->verdict.reason)->code;
}

#define TOKEN_TEST(name) cmocka_unit_test_setup_teardown(name, token_fixture_set_up, token_fixture_tear_down)

#endif
