// The workspace environment: what makes tools use the proxy and trust the CA. One list, from which the
// published `env`, `gitlatch env`, and the environment of a command that `gitlatch run` starts are made.
// Sources of the names: git(1) and git-config(1); curl(1), "ENVIRONMENT"; crypto/x509 of Go; the Cargo Book,
// "Environment Variables"; Python requests, "SSL Cert Verification"; nodejs.org, "Command-line API".
#ifndef GITLATCH_ENVIRONMENT_H
#define GITLATCH_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

#include <gitlatch/attr.h>

#include "name_list.h"

struct environment;

// gh does not start without a token; this is none, and the proxy removes it like every other of the client's.
#define ENVIRONMENT_GH_TOKEN "gitlatch"
// The ssh-agent's socket in the published directory, where commits are signed; its owner makes it.
#define ENVIRONMENT_AGENT_SOCKET "agent.sock"

struct environment_settings {
    const char *proxy_url; // "http://127.0.0.1:3128", or with "gitlatch:PASSWORD@"
    const char *directory; // where the files are published (publish_directory)
    // What the variables hold already; NULL: nothing. The sh form ignores them, and adds to what it finds
    // when it is read by a shell.
    const char *no_proxy;       // `no_proxy`
    const char *no_proxy_upper; // `NO_PROXY`
    const char *gh_token;       // for GH_TOKEN: ENVIRONMENT_GH_TOKEN; NULL: none
    bool signs;                 // SSH_AUTH_SOCK is the published agent, which signs commits
};

// All tools. The settings are copied.
struct environment *environment_new(const struct environment_settings *settings) GL_MUST_CHECK;
// git alone, by the published gitconfig: for a workspace with nothing else, and where a `http.proxy` of the user's would
// come before the environment's. Added to the `git_config_count` that GIT_CONFIG_COUNT holds already.
struct environment *environment_new_git(const char *directory, unsigned git_config_count) GL_MUST_CHECK;
// How git is set to run `gitlatch credential`; and how many settings a host needs.
#define ENVIRONMENT_CREDENTIAL_HELPER   "!gitlatch credential"
#define ENVIRONMENT_CREDENTIAL_SETTINGS 2
// git with a credential helper and without a proxy: `gitlatch credential`, for these hosts. Added likewise.
struct environment *environment_new_credential(const struct name_list *web_hosts, unsigned git_config_count)
    GL_MUST_CHECK;
void environment_free(struct environment *environment);

size_t environment_count(const struct environment *environment);
const char *environment_name(const struct environment *environment, size_t index);
const char *environment_value(const struct environment *environment, size_t index);

enum environment_format {
    ENVIRONMENT_SH,             // export NAME='value'; may be sourced twice
    ENVIRONMENT_JSON,           // {"NAME": "value"}
    ENVIRONMENT_K8S,            // a YAML list of {name, value}, as a container's `env`
    ENVIRONMENT_FISH,           // set -gx NAME 'value'
    ENVIRONMENT_DOTENV,         // NAME="value", for programs that read a .env file
    ENVIRONMENT_GITHUB_ACTIONS, // NAME=value, to be appended to $GITHUB_ENV
    ENVIRONMENT_DOCKER,         // NAME=value, for docker's --env-file, which knows no quotes
};

// The text, with a line end; owned by the caller.
char *environment_text(const struct environment *environment, enum environment_format format) GL_MUST_CHECK;

#endif
