// What is known of public issuers of OpenID Connect tokens. Some serve many tenants with one key: a grant for such an
// issuer must bind a claim that tells one tenant from another, or it would let in the whole world.
// Sources: GitHub, "OpenID Connect reference"; GitLab, "ID token authentication"; Buildkite, "OIDC in Buildkite
// Pipelines"; Kubernetes, "Service account tokens"; Google, "OpenID Connect"; HCP Terraform, "Workload identity tokens".
#ifndef GITLATCH_KNOWN_ISSUER_H
#define GITLATCH_KNOWN_ISSUER_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "error.h"

struct config_claims;

// The project or workload that a token of this issuer is for, by whose name its caller is paced: the claim to take it
// from, "sub" for an issuer that is not known.
const char *known_issuer_tenant_claim(const char *issuer);

// Whether the claims bind one tenant of the issuer, where it has many. The error names the claims that would.
bool known_issuer_binds(const char *issuer, const struct config_claims *claims, struct error *ret_error) GL_MUST_CHECK;

#endif
