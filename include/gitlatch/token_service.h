// Where the forwarding path asks for tokens. Everything behind it (sources in their order, cache, single flight,
// refresh ahead) is the token side's own.
#ifndef GITLATCH_TOKEN_SERVICE_H
#define GITLATCH_TOKEN_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>
#include <gitlatch/scope.h>
#include <gitlatch/token.h>
#include <gitlatch/verdict.h>

struct token_service;
struct token_request;

// Counted: whoever still serves by a configuration holds its service. Free with token_service_unref. The maker is
// token_service_new (token_options.h).
struct token_service *token_service_ref(struct token_service *service);
void token_service_unref(struct token_service *service); // NULL: nothing

// Exactly one of the two is not NULL. The token is on loan: take a reference to keep it. Never called from inside
// token_service_ask.
typedef void token_done_fn(void *arg, struct token *token, const struct verdict *verdict);

// Asks for a token. `scope` is copied. The request ends with `done`, or with token_request_cancel, after
// which `done` is not called. It waits at most `limits.token`: then the verdict is REASON_TOKEN_TIMEOUT.
struct token_request *token_service_ask(struct token_service *service, const struct scope *scope, token_done_fn *done,
                                        void *arg) GL_MUST_CHECK;
void token_request_cancel(struct token_request *request);

// The token that is there already, as it mostly is: on loan until the loop turns. NULL: it must be asked for.
struct token *token_service_look(struct token_service *service, const struct scope *scope) GL_MUST_CHECK;

// Finds what the first mint for `owner` ("": the App's only installation) needs beside the mint: its installation, and with
// it the connection to the API. Ends with `done`, whatever was found, or with token_request_cancel.
typedef void token_prepared_fn(void *arg);
struct token_request *token_service_prepare(struct token_service *service, const struct git_host *host,
                                            const char *owner, token_prepared_fn *done, void *arg) GL_MUST_CHECK;

// GitHub answered 401 to this token: the entry is dropped, unless it holds another token by now.
void token_service_rejected(struct token_service *service, const struct token *token);

// The name of the repository with this id, known from mint answers. False: not known (see
// token_service_find_repository).
bool token_service_repository(const struct token_service *service, const struct git_host *host, uint64_t id,
                              struct repository_name *ret_name) GL_MUST_CHECK;

// The repositories for which a service gives tokens: those that an owner's installation covers or, where a broker gives the
// tokens, those of them that its grant holds. Kept for five minutes.
struct token_listing {
    bool wide; // the credential is a wide one, which names nothing: the rest does not matter
    const struct token_repository *repositories;
    size_t count;
};
// Exactly one of the two is not NULL, on loan.
typedef void token_listing_fn(void *arg, const struct token_listing *listing, const struct verdict *verdict);
// Lists those of `owner` ("": the only one whom the source knows). Ends with `done`, never called from inside, or with
// token_request_cancel; waits as token_service_ask does.
struct token_request *token_service_list(struct token_service *service, const struct git_host *host, const char *owner,
                                         token_listing_fn *done, void *arg) GL_MUST_CHECK;

// Looks a repository up by its id, once: GET /repositories/ID with a token of the installation of `owner`
// (may be empty) for {metadata: read}, or in a broker's listing. `name` is NULL where it could not be found. Ends with `done`, never called from
// inside, or with token_request_cancel.
typedef void token_repository_fn(void *arg, const struct repository_name *name);
struct token_request *token_service_find_repository(struct token_service *service, const struct git_host *host,
                                                    const char *owner, uint64_t id, token_repository_fn *done,
                                                    void *arg) GL_MUST_CHECK;

#endif
