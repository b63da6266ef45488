// What it means when GitHub does not give what it was asked for. Pure.
// Sources: GitHub REST documentation, "Troubleshooting the REST API" and "Create an installation access token for an app".
#ifndef GITLATCH_GITHUB_FAILURE_H
#define GITLATCH_GITHUB_FAILURE_H

#include <gitlatch/attr.h>
#include <gitlatch/github_host.h>

#include "clock.h"
#include "http_transport.h"
#include "source.h"

// From an answer that is not the one hoped for, or none. `local` is this machine's time.
void github_failure(const struct github_host *host, const struct http_answer *answer, struct wall local,
                    struct source_failure *ret_failure);

// The answer's `Date`, GitHub's clock. False: it has none that can be read.
bool github_failure_date(const struct http_answer *answer, struct wall local, struct wall *ret_date) GL_MUST_CHECK;

// How long the answer asks to wait: `Retry-After` (RFC 9110, section 10.2.3), else `x-ratelimit-reset` where nothing is
// left; bounded. 0: it does not say.
int64_t github_failure_retry_ms(const struct http_answer *answer, struct wall local);

// A source of its own that could not be reached: what the transport said, with the name of what was asked.
void source_failure_transport(const char *what, const struct http_answer *answer, struct source_failure *ret_failure);

#endif
