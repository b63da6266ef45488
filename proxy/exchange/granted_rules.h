// The rules that brokers grant (GET /v1/rules), asked for again every minute. Without `repositories` they are the
// rules; with them the own rules lie within them.
#ifndef GITLATCH_GRANTED_RULES_H
#define GITLATCH_GRANTED_RULES_H

#include <stdbool.h>

#include <gitlatch/attr.h>
#include <gitlatch/github_host.h>
#include <gitlatch/verdict.h>

#include "error.h"
#include "policy.h"

struct config;
struct dialer;
struct spawner;
struct granted_rules;
struct granted_request;
struct http_client;
struct loop;

// Rules that somebody decides by, and what they refer to: counted, never changed.
struct ruling {
    unsigned references;
    struct rules rules;
    bool within; // own rules within the granted ones: `rules` is the ruling's; else it is that of `granted`
    struct config *granted;
    char *why; // nothing is granted: what the broker said of it, for people; NULL: nothing
};

struct ruling *ruling_ref(struct ruling *ruling);
void ruling_unref(struct ruling *ruling); // NULL: nothing

// Asks each broker that is first for its host. Loop and dialer outlive it; a reference to the configuration is taken.
// `*ret_rules` is NULL where no credential is a broker.
bool granted_rules_new(struct loop *loop, const struct dialer *dialer, struct spawner *spawner, struct config *config,
                       struct granted_rules **ret_rules, struct error *ret_error) GL_MUST_CHECK;
// Has `fn` called whenever the rules of the first broker have changed, those that are told first included. They are on
// loan until the next time.
typedef void granted_changed_fn(void *arg, const struct rules *rules, const char *web);
void granted_rules_watch(struct granted_rules *granted, granted_changed_fn *fn, void *arg);
// Requests have ended or were cancelled.
void granted_rules_free(struct granted_rules *granted); // NULL: nothing
// A reload: what a broker granted holds on until it is asked again.
void granted_rules_adopt(struct granted_rules *granted, const struct granted_rules *old);

// Whether a broker's rules hold for this host. `*ret_ruling` is on loan; NULL: they are not known yet. `granted`
// NULL: false.
bool granted_rules_find(const struct granted_rules *granted, const struct git_host *host, struct ruling **ret_ruling)
    GL_MUST_CHECK;

// Waits for rules that are not known yet; within `limits.token`, and with own rules only until the broker was found not
// to answer. Exactly one of the two is not NULL. Never called from inside; or ends with granted_request_cancel.
typedef void granted_done_fn(void *arg, struct ruling *ruling, const struct verdict *verdict);
struct granted_request *granted_rules_wait(struct granted_rules *granted, const struct git_host *host,
                                           granted_done_fn *done, void *arg) GL_MUST_CHECK;
void granted_request_cancel(struct granted_request *request);

#endif
