#include "credential_endpoint.h"

#include "glob.h"

struct endpoint {
    const char *pattern;
    bool reading; // also GET and HEAD are refused
};

// Source: GitHub REST documentation, "GitHub Apps", "OAuth authorizations", "Revocation", "Self-hosted
// runners", "Deploy keys", "Git SSH keys", "Personal access tokens", "Organizations" (SAML authorizations); of an
// Enterprise Server "Users" (impersonation tokens) and "Management" (keys, tokens); Copilot's editors for the last.
static const struct endpoint endpoints[] = {
    {"login/**", true},
    {"app/**", true},
    {"app-manifests/**", true},
    {"applications/**", true},
    {"credentials/**", true},
    {"user/keys/**", true},
    {"installation/token/**", false},
    {"**/actions/runners/*-token/**", true},
    {"**/actions/runners/generate-jitconfig/**", true}, // its answer holds a runner's credential
    {"repos/*/*/keys/**", false},
    {"repositories/*/keys/**", false},
    {"authorizations/**", true},
    {"orgs/*/personal-access-token*/**", false}, // and -requests: to approve is to mint
    {"organizations/*/personal-access-token*/**", false},
    {"orgs/*/credential-authorizations/**", false},
    {"organizations/*/credential-authorizations/**", false},
    {"admin/users/*/authorizations/**", true},
    {"admin/tokens/**", true},
    {"admin/keys/**", true},
    {"copilot_internal/**", true},
};

// Whether `x/**` holds the path: below `x`, or `x` itself.
static bool below(struct bytes pattern, struct bytes plain)
{
    return glob_match(pattern, plain) || glob_match(bytes_of(pattern.data, pattern.size - BYTES("/**").size), plain);
}

bool credential_endpoint_names(struct bytes plain, enum head_method method)
{
    bool reads = method == METHOD_GET || method == METHOD_HEAD;

    for (size_t i = 0; i < GL_ARRAY_SIZE(endpoints); i++)
        if ((endpoints[i].reading || !reads) && below(bytes_of_string(endpoints[i].pattern), plain))
            return true;
    return false;
}

bool credential_endpoint_refuse(struct bytes plain, struct verdict *ret_verdict)
{
    if (bytes_start_with(plain, BYTES("copilot_internal")))
        return verdict_set(
            ret_verdict, REASON_ENDPOINT_FORBIDDEN,
            "Copilot wants a person's own credential, which no workspace gets: use it outside, or another "
            "agent here");
    return verdict_set(ret_verdict, REASON_ENDPOINT_FORBIDDEN, NULL);
}
