// Who asks the broker, as it has been proven: by the cluster's word on a service-account token, by an issuer's token, by a
// certificate, or by a token and a certificate together.
#ifndef GITLATCH_CALLER_H
#define GITLATCH_CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <jansson.h>

#include <gitlatch/attr.h>

// Owned strings; cleared with caller_clear. What was not proven is NULL.
struct caller {
    bool holder; // by its token's audience it will hold what it is given itself, where no proxy enforces the rules

    char *namespace; // of the service account that the cluster has named
    char *service_account;
    char *pod; // NULL: the token belongs to no pod

    char *issuer;   // the name of the configuration's issuer whose token was shown
    json_t *claims; // of that token; a reference
    char *subject;  // `sub` of the token
    char *tenant;   // the project or workload that it is for

    char **certificate_names; // SPIFFE id alone, or DNS names and subject; ends with NULL
};

void caller_copy(const struct caller *caller, struct caller *ret_copy);
void caller_clear(struct caller *caller);
bool caller_is_proven(const struct caller *caller);
// "team-a/workspace", "actions acme/widgets", "spiffe://corp.example/ns/a": for people; given to mem_free.
char *caller_name(const struct caller *caller) GL_MUST_CHECK;
// The same without the issuer's name; given to mem_free.
char *caller_subject(const struct caller *caller) GL_MUST_CHECK;
// "team-a/workspace/pod-0", "actions/acme/widgets": whose calls are counted together; given to mem_free.
char *caller_key(const struct caller *caller) GL_MUST_CHECK;
// Whose tokens and limits are its own: the namespace, the issuer with its tenant, the certificate's name; given to mem_free.
char *caller_tenant(const struct caller *caller) GL_MUST_CHECK;

#endif
