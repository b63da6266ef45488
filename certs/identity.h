// Who we are to the workspace: the CA, its leaves and the published files, held together and kept valid by a
// timer. This is what the rest of the program uses of certs/, with leaf_set.h and environment.h.
#ifndef GITLATCH_IDENTITY_H
#define GITLATCH_IDENTITY_H

#include "authority.h"
#include "leaf_set.h"
#include "remote_host.h"

struct identity;
struct loop;

struct identity_settings {
    const char *state;                      // `ca.state`; NULL: the CA lives in memory alone
    const char *publish;                    // `ca.publish`
    bool shared;                            // with other processes that have the same state (`reuse_port`)
    struct name_list roots;                 // `ca.roots`
    struct name_list hosts;                 // all intercepted names
    struct name_list web_hosts;             // those of GitHubs that git names
    const struct remote_host *remote_hosts; // other git hosts
    size_t remote_host_count;
};

// The CA and the leaves are ready when it returns; nothing is published yet, since the proxy's port may not
// be known. The settings are copied; `loop` outlives the identity.
struct identity *identity_new(struct loop *loop, const struct identity_settings *settings, struct error *ret_error)
    GL_MUST_CHECK;
// NULL is allowed. Published files stay: a tool that runs on may still open them.
void identity_free(struct identity *identity);

// Publishes, and from then on publishes anew whenever the CA changes. Call it again for another URL.
bool identity_publish(struct identity *identity, const char *proxy_url, struct error *ret_error) GL_MUST_CHECK;
// Publishes what the workspace may do (rules.json).
bool identity_publish_rules(struct identity *identity, struct bytes rules, struct error *ret_error) GL_MUST_CHECK;

// From the next publication on: publish_set_signing_key.
void identity_set_signing_key(struct identity *identity, const char *public_key);

// Valid as long as the identity; its contexts change when the timer renews them.
const struct leaf_set *identity_leaves(const struct identity *identity);
// Where the files are (to be) published, absolute.
const char *identity_directory(const struct identity *identity);
// For gitlatch_certificate_expiration_timestamp_seconds, kinds `ca` and `leaf`.
struct wall identity_ca_expiry(const struct identity *identity);
struct wall identity_leaf_expiry(const struct identity *identity);

#endif
