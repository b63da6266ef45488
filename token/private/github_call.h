// The calls of GitHub's REST API that tokens need, as they are written. Pure.
// Sources: GitHub REST documentation, "Apps" and "Repositories".
#ifndef GITLATCH_GITHUB_CALL_H
#define GITLATCH_GITHUB_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>
#include <gitlatch/github_host.h>
#include <gitlatch/repository_name.h>

#include "clock.h"
#include "http_transport.h"
#include "mint_scope.h"

// GitHub ends a request of its own accord after ten seconds.
#define GITHUB_CALL_TIMEOUT_MS (10 * SECOND_MS)
// `per_page` of listings: the most that GitHub allows.
#define GITHUB_CALL_PAGE_SIZE 100

// One call, without its credential. Cleared with github_call_clear; all zero is none.
struct github_call {
    const char *method;
    char *url;
    char *body; // JSON; NULL: none
};

void github_call_clear(struct github_call *call);
// The call as the transport takes it, a view of `call`.
struct http_call github_call_http(const struct github_call *call, struct bytes bearer, struct tls_client *tls);

// POST /app/installations/ID/access_tokens
struct github_call github_call_mint(uint64_t installation, const struct mint_scope *scope);
// GET /repos/O/R/installation, /orgs/O/installation, /users/O/installation
struct github_call github_call_repository_installation(const struct github_host *host,
                                                       const struct repository_name *name);
struct github_call github_call_org_installation(const struct github_host *host, const char *owner);
struct github_call github_call_user_installation(const struct github_host *host, const char *owner);
// GET /app/installations/ID; GET /app/installations, its first page
struct github_call github_call_installation(const struct github_host *host, uint64_t installation);
struct github_call github_call_installations(const struct github_host *host);
// GET /installation/repositories; pages count from 1
struct github_call github_call_repositories(const struct github_host *host, unsigned page);
// GET /repos/O/R, GET /repositories/ID
struct github_call github_call_repository(const struct github_host *host, const struct repository_name *name);
struct github_call github_call_repository_by_id(const struct github_host *host, uint64_t id);
// GET /rate_limit, which any token may ask, and which is not counted
struct github_call github_call_rate_limit(const struct github_host *host);
// Where a redirect leads that a renamed repository or owner is answered with: `/repositories/ID` on the same API, with
// or without `/installation`. False: it leads elsewhere.
bool github_call_redirected(const struct github_host *host, const char *location, struct github_call *ret_call)
    GL_MUST_CHECK;

#endif
