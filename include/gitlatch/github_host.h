// One GitHub: github.com, a *.ghe.com tenant or an Enterprise Server. All names are lower case, without a
// trailing dot or a default port.
#ifndef GITLATCH_GITHUB_HOST_H
#define GITLATCH_GITHUB_HOST_H

#include <stdbool.h>

#include <gitlatch/attr.h>
#include <gitlatch/git_host.h>

#include "bytes.h"
#include "error.h"

enum github_flavor {
    GITHUB_DOTCOM,            // github.com, api.github.com, uploads.github.com
    GITHUB_ENTERPRISE_CLOUD,  // SUB.ghe.com, api.SUB.ghe.com, uploads.SUB.ghe.com
    GITHUB_ENTERPRISE_SERVER, // one host: /api/v3, /api/graphql, /api/uploads
};

// What a host of a GitHub answers. An Enterprise Server's one host is GITHUB_ENDPOINT_WEB, and its API is told
// by the path.
enum github_endpoint { GITHUB_ENDPOINT_WEB, GITHUB_ENDPOINT_API, GITHUB_ENDPOINT_UPLOADS };

struct github_host {
    struct git_host git; // first: what all git hosts have
    enum github_flavor flavor;
    char *web;           // "github.com": the name that identifies this GitHub; also git.web and git.name
    char *api;           // host name of the API; the same as `web` on an Enterprise Server
    char *uploads;       // host name of the uploads; the same as `web` on an Enterprise Server
    char *api_url;       // base of API calls, no slash at the end: "https://api.github.com", "https://HOST/api/v3"
    char *default_owner; // lower case; NULL: none
};

// Makes a host from its name and, where `api_url` is not NULL, the API's base URL; owned by the caller.
bool github_host_init(struct github_host *host, const char *web, const char *api_url, const char *default_owner,
                      struct error *ret_error) GL_MUST_CHECK;
void github_host_clear(struct github_host *host);
// Whether `name` (made normal) is one of the host's intercepted names, and which.
bool github_host_endpoint(const struct github_host *host, struct bytes name, enum github_endpoint *ret_endpoint);
// The GitHub that a git host is; only where git_host_is_github.
const struct github_host *github_host_of(const struct git_host *host);

#endif
