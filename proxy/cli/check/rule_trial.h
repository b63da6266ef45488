// Whether the rules of a configuration can work: for what each names a token is asked for, as a workspace's request
// would. What an App's grant lacks is compared without a token (rule_grant.h).
#ifndef GITLATCH_RULE_TRIAL_H
#define GITLATCH_RULE_TRIAL_H

#include <stdbool.h>
#include <stddef.h>

#include <gitlatch/token_service.h>

#include "config.h"

struct loop;

// A mint each: a long list of repositories must not use up an App's limits. Those that come first are tried.
#define RULE_TRIAL_TOKENS_MAX 20

// One rule for which no token came, on loan.
struct rule_trial_failure {
    const char *match;
    int line;                       // of the file; 0: not known
    const struct github_host *host; // whose word the verdict is
    const char *owner;
    const struct verdict *verdict;
};

struct rule_trial_callbacks {
    void *arg;
    void (*failed)(void *arg, const struct rule_trial_failure *failure);
    void (*done)(void *arg, size_t tried, size_t left_out);
};

// The n-th set of rules of a configuration, from 0: its own, then those that a broker grants; `*ret_lines` has one for
// each rule, or is NULL. False: there are no more.
bool rule_trial_rules(const struct config *config, size_t n, const struct rules **ret_rules, const int **ret_lines)
    GL_MUST_CHECK;

// Ends with `done`. Both outlive it.
void rule_trial_start(const struct config *config, struct token_service *tokens,
                      const struct rule_trial_callbacks *callbacks, struct loop *loop);

#endif
