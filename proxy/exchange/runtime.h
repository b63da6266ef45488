// What is built from one configuration and serves as long as anything under way needs it: token service, the ways
// out and their pools. A reload builds another one.
#ifndef GITLATCH_RUNTIME_H
#define GITLATCH_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>

#include <gitlatch/attr.h>
#include <gitlatch/token_service.h>

#include "config.h"
#include "error.h"
#include "host_name.h"
#include "pace.h"
#include "token_options.h"
#include "egress.h"

struct ahead;
struct granted_rules;
struct kept_capabilities;
struct pool;
struct runtime;
struct tls_client;

// One host whose TLS ends here, with its way out.
struct runtime_host {
    const struct git_host *git;
    const struct rules *rules; // those for this host
    struct tls_client *tls;
    struct pool *pool;
};

struct runtime {
    unsigned references;
    struct config *config;
    struct token_service *tokens;
    struct granted_rules *granted; // by brokers; NULL: there is no broker
    struct ahead *ahead;           // NULL: nothing is had ahead of the first request
    struct egress egress;
    struct runtime_host *hosts;
    size_t host_count;
    struct kept_capabilities *capabilities; // NULL: none are kept
    struct pace lookups;                    // of repositories by their ids
    struct metrics *metrics;
};

struct runtime_options {
    struct loop *loop;
    struct metrics *metrics;
    struct spawner *spawner;
    struct config *config; // a reference is taken
    token_mint_fn *on_mint;
    void *on_mint_arg;
    bool quiet;  // of tokens: token_options.h
    bool serves; // requests will come: what they wait for is had ahead of them, by `token.ahead`
};

struct runtime *runtime_new(const struct runtime_options *options, struct error *ret_error) GL_MUST_CHECK;
struct runtime *runtime_ref(struct runtime *runtime);
void runtime_unref(struct runtime *runtime); // NULL: nothing
// Whether what is had ahead of the first request (`token.ahead`) is there, or cannot be had now.
bool runtime_is_settled(const struct runtime *runtime);

// The host that has this intercepted name and port, and what a GitHub's name answers; NULL: none.
const struct runtime_host *runtime_find_host(const struct runtime *runtime, const struct host_name *name, uint16_t port,
                                             enum github_endpoint *ret_endpoint);
// Whether a name is intercepted, on whichever port.
bool runtime_intercepts(const struct runtime *runtime, const struct host_name *name);
// The same, where the name alone is known for sure: `port` becomes that of the host with this name which has it, else of
// the first.
bool runtime_find_port(const struct runtime *runtime, const struct host_name *name, uint16_t *port);
// All intercepted names of a configuration; an array of `*ret_count` names, owned by the caller (mem_free; the names are
// the configuration's).
const char **runtime_intercepted_names(const struct config *config, size_t *ret_count) GL_MUST_CHECK;

#endif
