#include "known_issuer.h"

#include <string.h>

#include "config.h"
#include "glob.h"
#include "text.h"

#define BINDING_MAX 5

struct known_issuer {
    const char *issuer; // its `iss`, or with a slash at the end what all of them begin with
    const char *name;
    const char *tenant;
    const char *binding[BINDING_MAX]; // each names an owner or a project; ends with NULL
};

static const struct known_issuer known[] = {
    {"https://token.actions.githubusercontent.com",
     "GitHub Actions",
     "repository",
     {"repository", "repository_id", "repository_owner", "repository_owner_id"}},
    // An enterprise with an issuer of its own: one customer, but as the claims are the same, so are the demands.
    {"https://token.actions.githubusercontent.com/",
     "GitHub Actions",
     "repository",
     {"repository", "repository_id", "repository_owner", "repository_owner_id"}},
    {"https://gitlab.com",
     "GitLab.com",
     "project_path",
     {"project_path", "project_id", "namespace_path", "namespace_id"}},
    {"https://agent.buildkite.com", "Buildkite", "organization_slug", {"organization_slug", "organization_id"}},
    {"https://accounts.google.com", "Google", "sub", {"sub", "email", "hd"}},
    {"https://app.terraform.io",
     "HCP Terraform",
     "terraform_organization_name",
     {"terraform_organization_name", "terraform_organization_id"}},
};

static const struct known_issuer *find_known(const char *issuer)
{
    struct bytes text = bytes_of_string(issuer);

    for (size_t i = 0; i < GL_ARRAY_SIZE(known); i++) {
        struct bytes wanted = bytes_of_string(known[i].issuer);

        if (bytes_equal(text, wanted) || (bytes_end_with(wanted, BYTES("/")) && bytes_start_with(text, wanted)))
            return &known[i];
    }
    return NULL;
}

const char *known_issuer_tenant_claim(const char *issuer)
{
    const struct known_issuer *row = find_known(issuer);

    return row ? row->tenant : "sub";
}

// "acme/*" binds the owner acme, "*/widgets" and "ac*" bind nobody.
static bool names_one(const char *pattern)
{
    struct bytes owner, rest;

    bytes_cut(bytes_of_string(pattern), '/', &owner, &rest);
    return owner.size > 0 && !glob_is_pattern(owner);
}

static bool binds(const struct known_issuer *row, const struct config_claims *claims)
{
    for (size_t i = 0; i < claims->count; i++) {
        for (size_t j = 0; j < BINDING_MAX && row->binding[j]; j++) {
            if (strcmp(claims->items[i].name, row->binding[j]) == 0 && names_one(claims->items[i].pattern))
                return true;
        }
    }
    return false;
}

bool known_issuer_binds(const char *issuer, const struct config_claims *claims, struct error *ret_error)
{
    const struct known_issuer *row = find_known(issuer);
    struct text names = {0};

    if (!row || binds(row, claims))
        return true;
    for (size_t i = 0; i < BINDING_MAX && row->binding[i]; i++)
        text_format(&names, "%s`%s`", i > 0 ? ", " : "", row->binding[i]);
    error_set(
        ret_error,
        "must bind an owner or a project, since %s signs tokens for everybody: name one of %s, whose value has no * "
        "before its first /",
        row->name, text_string(&names));
    text_free(&names);
    return false;
}
