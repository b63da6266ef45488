// Whether an issuer's token has the claims that a grant wants. Pure.
#ifndef GITLATCH_CLAIM_MATCH_H
#define GITLATCH_CLAIM_MATCH_H

#include <stdbool.h>
#include <jansson.h>

#include <gitlatch/attr.h>

#include "config.h"

struct text;

// The claim of this name, a dot going into an object: "kubernetes.io.namespace" is `namespace` of `kubernetes.io`. NULL:
// it is absent, or its name could mean two.
const json_t *claim_find(const json_t *claims, const char *name);

// Whether a claim is matched: a text, a number or a boolean as a whole, a list by one of its elements.
bool claim_matches(const json_t *claims, const struct config_claim *wanted);
// The first claim that is not matched; NULL: all are.
const struct config_claim *claim_first_mismatch(const json_t *claims, const struct config_claims *wanted);
// Appends what the claim is, for its owner: "the token's `ref` is \"refs/heads/x\", which no grant takes".
void claim_describe(const json_t *claims, const struct config_claim *wanted, struct text *text);
// Appends what it is and what it must be, for the operator.
void claim_explain(const json_t *claims, const struct config_claim *wanted, struct text *text);

#endif
