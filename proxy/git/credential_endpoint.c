#include "credential_endpoint.h"

#include "glob.h"

struct endpoint {
    const char *pattern;
    bool reading; // also GET and HEAD are refused
};

// Source: GitHub REST documentation, "GitHub Apps", "OAuth authorizations", "Revocation", "Self-hosted
// runners", "Deploy keys", "Git SSH keys".
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
};

// Whether `x/**` holds the path: below `x`, or `x` itself.
static bool below(struct bytes pattern, struct bytes plain)
{
    return glob_match(pattern, plain) ||
           glob_match(bytes_of(pattern.data, pattern.size - BYTES("/**").size), plain);
}

bool credential_endpoint_names(struct bytes plain, enum head_method method)
{
    bool reads = method == METHOD_GET || method == METHOD_HEAD;

    for (size_t i = 0; i < GL_ARRAY_SIZE(endpoints); i++)
        if ((endpoints[i].reading || !reads) && below(bytes_of_string(endpoints[i].pattern), plain))
            return true;
    return false;
}
