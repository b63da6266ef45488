// What is built from one configuration and serves as long as a call needs it. A reload builds another one.
#ifndef GITLATCH_BROKER_RUNTIME_H
#define GITLATCH_BROKER_RUNTIME_H

#include <gitlatch/attr.h>
#include <gitlatch/token_service.h>

#include "config.h"
#include "error.h"
#include "loop.h"
#include "secret_file.h"
#include "egress.h"

struct admission;
struct callers;
struct http_client;
struct issuer;
struct metrics;
struct reviews;
struct serving_certificate;
struct spawner;
struct tls_client;

// What every pod is given (Kubernetes, "Accessing the API from within a Pod").
#define BROKER_CLUSTER_CA    "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
#define BROKER_CLUSTER_TOKEN "/var/run/secrets/kubernetes.io/serviceaccount/token"

struct broker_runtime {
    unsigned references;
    struct loop *loop;
    struct deferred unused; // the last reference has gone: freed when who held it has returned
    struct config *config;
    struct egress egress;
    struct tls_client **githubs; // as many as the configuration has
    struct token_service *tokens;
    struct serving_certificate *certificate;
    struct secret_file admin_token; // path NULL: the platform endpoint is closed
    struct admission *admission;    // NULL: there is no webhook

    // How callers are proven; `callers` is NULL where there is no grant.
    struct dialer direct; // the cluster's API is not beyond `upstream.proxy`
    struct tls_client *cluster;
    struct http_client *cluster_client;
    struct reviews *reviews;           // NULL: no grant names a service account
    struct http_client *issuer_client; // by `upstream.proxy`, as all else
    struct issuer **issuers;
    struct callers *callers;
};

struct broker_runtime_options {
    struct loop *loop;
    struct metrics *metrics;
    struct spawner *spawner;
    struct config *config; // a reference is taken
};

// Reads the keys, roots and tokens that the configuration names. One reference, owned by the caller.
struct broker_runtime *broker_runtime_new(const struct broker_runtime_options *options, struct error *ret_error)
    GL_MUST_CHECK;
struct broker_runtime *broker_runtime_ref(struct broker_runtime *runtime);
void broker_runtime_unref(struct broker_runtime *runtime); // NULL: nothing

// Whether some grant is for a service account of the cluster, which then proves it.
bool broker_runtime_asks_cluster(const struct config_broker *config);

#endif
