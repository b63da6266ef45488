// What a token is asked for: which repositories of which owner, with which permissions.
#ifndef GITLATCH_SCOPE_H
#define GITLATCH_SCOPE_H

#include <stddef.h>

#include <gitlatch/permissions.h>
#include <gitlatch/repository_name.h>

struct git_host;

enum scope_reach {
    SCOPE_REPOSITORY,   // the one repository `repository`
    SCOPE_SET,          // those of `owner` that `includes` accepts, found by enumeration where needed
    SCOPE_INSTALLATION, // all that the owner's installation covers: only where no rules exist
};

// What the request will do with the token: a wide credential (one that cannot be narrowed) serves only what
// could not pass round the rules.
enum scope_use {
    SCOPE_USE_GIT,      // git and LFS of one repository, whose refs are decided here
    SCOPE_USE_API_READ, // GET or HEAD of an API path that names one repository
    SCOPE_USE_API,      // any other API call, GraphQL
};

// Whether the rules hold a repository of the set.
typedef bool scope_includes_fn(const void *rules, const struct repository_name *name);
// The repositories of `owner` in the set, at most `room` of them, where they can be listed without
// enumeration; 0: a pattern is among the rules, or there are more.
typedef size_t scope_names_fn(const void *rules, const char *owner, struct repository_name *ret_names, size_t room);

struct scope {
    const struct git_host *host; // owned by the configuration, outlives the request
    enum scope_reach reach;
    enum scope_use use;
    bool ruled;                        // rules exist: a wide credential is bound by `use`
    struct repository_name repository; // SCOPE_REPOSITORY; for the others only `.owner` is set (it may be
                                       // empty: the App's only installation)
    struct permissions permissions;    // what the token must grant; empty stands for {metadata: read}
    bool all_permissions;              // no rules exist and the API is asked: `permissions` is empty and left
                                       // out of the mint, which grants all that the installation has
    scope_includes_fn *includes;       // SCOPE_SET
    scope_names_fn *names;             // SCOPE_SET; NULL: enumerate
    const void *rules;                 // SCOPE_SET: given to the two; outlives the request
    const char *tenant;                // for whom it is, where many share the limits toward GitHub (a broker's
                                       // namespace); NULL: nobody in particular; outlives the request
    const char *rejected;              // fingerprint of a token of this scope that GitHub did not accept, so its
                                       // holder says: another is wanted; NULL: none
};

#endif
