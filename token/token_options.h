// How a token service is made, from plain values, and what the commands ask it beside tokens.
#ifndef GITLATCH_TOKEN_OPTIONS_H
#define GITLATCH_TOKEN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gitlatch/attr.h>
#include <gitlatch/github_host.h>
#include <gitlatch/token_service.h>

#include "credential_options.h"
#include "error.h"

struct dialer;
struct github_grant;
struct http_transport;
struct loop;
struct metrics;
struct spawner;
struct text;
struct tls_client;

// One host that tokens are for, and the roots by which its API is verified.
struct token_host {
    const struct git_host *host;
    struct tls_client *tls;
};

// One token was asked for at a source: the `mint` event.
struct token_mint_event {
    const char *source;
    const char *scope;             // "acme/widgets contents:write"
    const char *host;              // web name of the GitHub
    const char *repository;        // "acme/widgets"; NULL: the scope is no single repository
    const char *fingerprint;       // of the token; NULL: none came
    const struct verdict *verdict; // NULL: a token came
    int64_t duration_ms;
};
typedef void token_mint_fn(void *arg, const struct token_mint_event *event);

// All strings are copied; all pointers to other parts outlive the service.
struct token_service_options {
    const struct credential_options *credentials; // in the order in which they are tried
    size_t credential_count;
    const struct token_host *hosts; // at least one; a credential without `host` is for the first
    size_t host_count;
    int64_t refresh_before_ms;
    int64_t minimum_life_ms;
    int64_t wait_ms;   // limits.token
    uint64_t replicas; // of a broker: how many share the limits toward GitHub, below which mints are kept; 0: one

    struct loop *loop;
    const struct dialer *dialer;
    struct spawner *spawner; // runs the argv of `command` and `sign_command`; NULL: no credential has one
    struct metrics *metrics;
    token_mint_fn *on_mint; // NULL: none
    void *on_mint_arg;
    bool quiet; // no line is logged for a token that could not be had: who asks reports it

    struct http_transport *transport; // NULL: curl, by `dialer`; given by tests
};

// Makes a service; reads and test-signs with each App's key. The error is one sentence that names the credential.
// One reference, owned by the caller.
struct token_service *token_service_new(const struct token_service_options *options, struct error *ret_error)
    GL_MUST_CHECK;

// A reload: `new` takes over what `old` holds for sources whose secret is the same: tokens, installations, names.
// What `old` has in flight it ends itself.
void token_service_adopt(struct token_service *new, struct token_service *old);

// Whether some source could be asked for a token now: a key or a token is there.
bool token_service_usable(const struct token_service *service);

// For the status page: appends a JSON array, an object a source: {"source","type","host","state","wide","tokens",
// "failing"}, and where a scope fails while others may be served "failing_for" and "failing_because"; where a token ends
// "first_expires_at". Never a token.
void token_service_describe(const struct token_service *service, struct text *text);

// `gitlatch check`: tests each source: its key or file, one token, what GitHub says to it.
struct token_test_line {
    const char *source;
    bool ok;
    const char *text;   // what was found, or what is wrong and how to mend it; one line
    enum reason reason; // why it failed, where the text does not say how to mend it; else REASON_NONE
};
struct token_test_callbacks {
    void *arg;
    void (*line)(void *arg, const struct token_test_line *line);
    // What one installation of an App was granted, after the App's line (github_answer.h).
    void (*grant)(void *arg, const char *source, const struct github_host *host, const struct github_grant *grant);
    void (*done)(void *arg, bool ok); // `ok` is false where a line was not
};

struct token_test;
// Ends with `done`, never from inside, and is freed then; or with token_test_cancel.
struct token_test *token_service_test(struct token_service *service, const struct token_test_callbacks *callbacks)
    GL_MUST_CHECK;
void token_test_cancel(struct token_test *test);

#endif
