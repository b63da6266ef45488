// The one list of reasons for which gitlatch refuses or fails a request. From it come the metric label, the
// audit event's `reason`, and the table in the manual (`gitlatch proxy --help=reasons`).
//
// REASON(NAME, code, status, meaning, remedy): `code` is what users see and test against, and never changes
// once released; `status` is the HTTP status where the form of the answer has one; `remedy` says to the
// person in the workspace what to do.
#ifndef GITLATCH_REASON_H
#define GITLATCH_REASON_H

#include <stdbool.h>

// clang-format off
#define REASON_LIST(REASON) \
    /* what the rules refuse */ \
    REASON(REPOSITORY_DENIED, "repository", 403, "no rule allows this repository", "ask the operator of this workspace for a rule that matches it") \
    REASON(FETCH_DENIED, "fetch", 403, "the rule for this repository does not allow to fetch", "ask the operator for `fetch: true` in its rule") \
    REASON(PUSH_DENIED, "push", 403, "the rule for this repository allows no push", "ask the operator for a `push` pattern in its rule") \
    REASON(REF_DENIED, "ref", 403, "the rule does not allow to push this ref", "push to a ref that matches an allowed pattern") \
    REASON(REF_BYPASS, "ref_bypass", 403, "this API call writes a ref that it does not name, past the rule's `push`", "push to an allowed ref with git, or ask the operator for `accept_bypass: true` in its rule") \
    REASON(CREATE_DENIED, "create", 403, "the rule allows only refs that exist to be updated", "push to a ref that exists") \
    REASON(DELETE_DENIED, "delete", 403, "the rule does not allow to delete this ref", "ask the operator for a `delete` pattern in its rule") \
    REASON(PACK_TOO_LARGE, "max_pack", 403, "the pack is larger than the rule's `max_pack`", "push less at once, or large files through Git LFS") \
    REASON(PUSH_CERTIFICATE, "push_certificate", 403, "a signed push (push certificate) cannot be decided", "push without --signed") \
    REASON(PUSH_TOO_LARGE, "push_commands", 403, "the push names more refs than can be decided", "push fewer refs at once") \
    REASON(PUSH_MALFORMED, "push_malformed", 400, "the push is not what git sends", "use git") \
    REASON(LFS_DENIED, "lfs", 403, "the rule does not allow this Git LFS operation", "ask the operator for a `push` pattern in its rule") \
    REASON(LFS_MALFORMED, "lfs_malformed", 400, "the Git LFS request could not be read", "use git-lfs") \
    REASON(PERMISSION_DENIED, "permission", 403, "the rules grant no permissions for this API call", "ask the operator for `permissions` in the rule") \
    REASON(PATH_DENIED, "path", 403, "the rule's `paths` do not hold this API path", "ask the operator for the path in the rule's `paths`") \
    REASON(GRAPHQL_DENIED, "graphql", 403, "no rule allows GraphQL", "use the REST API, or ask the operator for `graphql: true` in a rule") \
    REASON(OWNER_UNKNOWN, "owner", 403, "the request names no repository and no owner could be found", "ask the operator to set `github.default_owner`") \
    REASON(SET_TOO_LARGE, "set", 403, "the rules reach more than 500 repositories, which is more than one token can name", "ask the operator for narrower rules") \
    REASON(REPOSITORY_ID_UNKNOWN, "repository_id", 403, "the repository with this id is not known here", "use the repository's name") \
    REASON(WIDE_TOKEN, "wide_token", 403, "the credential cannot be narrowed, so this API call could pass round the rules", "use git, or GET a path that names a repository; the operator can set `wide_api: true` or use a GitHub App") \
    REASON(ENDPOINT_FORBIDDEN, "endpoint", 403, "this endpoint makes, shows or revokes credentials", "gitlatch never lets a workspace handle credentials") \
    REASON(DUMB_PROTOCOL, "dumb_protocol", 403, "the dumb HTTP protocol is not served by GitHub", "use a git that speaks the smart protocol") \
    REASON(UPLOAD_ARCHIVE, "upload_archive", 403, "GitHub does not serve `git archive --remote`", "clone, or ask the API for /repos/OWNER/NAME/tarball/REF") \
    REASON(ANONYMOUS_DENIED, "anonymous", 403, "pages outside the allowed repositories are denied", "ask the operator for `other_repositories: anonymous`") \
    /* where a connection may go */ \
    REASON(HOST_DENIED, "host", 403, "`other_hosts` does not allow this host", "ask the operator to allow it under `other_hosts`") \
    REASON(PORT_DENIED, "port", 403, "GitHub is reached on port 443 alone", "use https:// without a port") \
    REASON(ADDRESS_DENIED, "address", 403, "this address is never reached through the proxy (loopback, link-local, metadata, or the proxy itself)", "reach it without the proxy, if it may be reached at all") \
    REASON(PRIVATE_ADDRESS_DENIED, "private_address", 403, "private addresses are denied by `private_addresses`", "ask the operator for `private_addresses: allow`") \
    REASON(SNI_INTERCEPTED, "sni", 403, "the TLS inside the tunnel asks for an intercepted host", "CONNECT to that host by its name") \
    REASON(PLAIN_HTTP, "plain_http", 403, "plain HTTP is not proxied: a token never goes over it", "use https://") \
    REASON(PLAIN_HTTPS, "plain_https", 403, "an https:// URL was asked for without TLS", "use CONNECT, as https_proxy means it (axios does from 1.17 on)") \
    /* HTTP that is not served */ \
    REASON(MISDIRECTED, "misdirected", 421, "CONNECT, SNI and Host do not name the same host", "send the request to the host it names") \
    REASON(GATEWAY_FOREIGN, "gateway", 421, "the gateway was asked under a foreign name or by a web page", "use the gateway's own address, or ask the operator for `gateway_hosts`") \
    REASON(GATEWAY_ROUTE, "gateway_route", 404, "the gateway serves git and Git LFS routes of GitHub alone", "use the proxy for everything else") \
    REASON(METHOD, "method", 405, "the method is not supported", "use GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS") \
    REASON(MALFORMED, "malformed", 400, "the request is not well-formed HTTP/1.1", "use a client that follows RFC 9112") \
    REASON(NAME_MALFORMED, "name", 400, "a host, owner, repository or path is written in a way that cannot be made normal", "write it plainly, without percent-encoding, dot segments or backslashes") \
    REASON(HEADER_TOO_LARGE, "header", 431, "the request's head is larger than `limits.header`", "send fewer or shorter header fields") \
    REASON(PROXY_AUTHORIZATION, "proxy_authorization", 407, "the proxy wants a password", "write HTTPS_PROXY as http://gitlatch:PASSWORD@HOST:PORT, with what is in the `password_file`") \
    REASON(PASSWORD_GUESSES, "password_guesses", 429, "too many wrong proxy passwords came from this address", "wait a second, then try again with what is in the `password_file`") \
    REASON(CALLER_UNPROVEN, "caller_unproven", 401, "the broker's caller is not proven", "show a token of an audience that the broker asks for, or a certificate that it trusts") \
    REASON(QUESTION_MALFORMED, "question", 400, "the broker was asked in a way that it does not understand", "ask as the manual says") \
    /* a client, or our own limits */ \
    REASON(CLIENT_TIMEOUT, "client_timeout", 408, "the client was silent for too long", "try again") \
    REASON(CLIENT_GONE, "client_gone", 499, "the client closed the connection before the end", "") \
    REASON(CONNECTIONS, "connections", 503, "`limits.connections` is reached, or `limits.per_client` by this address", "try again later, or ask the operator for a higher limit") \
    REASON(MEMORY, "memory", 503, "`limits.memory` is reached: other requests hold what there is", "try again later, or ask the operator for a higher limit") \
    REASON(AUDIT_FULL, "audit_full", 503, "the audit log takes no more events, and a write that is not recorded is not done", "try again; the operator must look at what reads the log") \
    REASON(CALLER_LIMIT, "caller_limit", 429, "this caller asks the broker too often", "wait, then try again") \
    REASON(CLUSTER_UNREACHABLE, "cluster", 503, "the cluster's API, which proves the broker's callers, cannot be asked", "try again") \
    REASON(ISSUER_UNREACHABLE, "issuer", 503, "the issuer's keys, by which the broker's callers are proven, cannot be had", "try again") \
    REASON(DRAINING, "draining", 503, "gitlatch is shutting down", "try again") \
    /* a token that could not be had */ \
    REASON(NO_CREDENTIAL, "no_credential", 502, "no credential is configured for this host", "ask the operator to add one under `credentials`") \
    REASON(NOT_INSTALLED, "not_installed", 404, "the GitHub App is not installed for this owner", "ask an owner of the organisation to install the App") \
    REASON(SUSPENDED, "suspended", 403, "the installation of the GitHub App is suspended", "ask an owner of the organisation to unsuspend it") \
    REASON(NOT_COVERED, "not_covered", 404, "the installation does not cover this repository, or it does not exist", "check the name, or ask an owner to add the repository to the App's installation") \
    REASON(NOT_GRANTED, "not_granted", 403, "the installation was not granted the permissions asked for", "ask an owner of the organisation to approve the App's permissions") \
    REASON(APP_KEY, "app_key", 502, "GitHub does not accept the App's key", "ask the operator to check `app_id` and the private key") \
    REASON(CLOCK, "clock", 502, "the clock of this machine and GitHub's differ", "ask the operator to set the clock") \
    REASON(IP_ALLOW_LIST, "ip_allow_list", 403, "the organisation's IP allow list does not hold this address", "ask an administrator to add the proxy's address") \
    REASON(RATE_LIMITED, "rate_limited", 429, "GitHub's rate limit is reached", "wait, then try again") \
    REASON(BROKER_DENIED, "broker_denied", 403, "the broker does not grant this", "ask the operator for a grant") \
    REASON(BAD_CREDENTIAL, "bad_credential", 502, "GitHub does not accept the credential", "ask the operator to renew it") \
    REASON(SCOPE, "scope", 502, "the token that was given is wider than the one asked for, and is not used", "ask the operator to look at the log") \
    REASON(TOKEN_TIMEOUT, "token_timeout", 503, "no token came within `limits.token`", "try again") \
    REASON(TOKEN_UNREACHABLE, "token_unreachable", 503, "the source of tokens cannot be reached", "try again later") \
    REASON(TOKEN_SOURCE, "token_source", 503, "the source of tokens gave an answer that cannot be used", "ask the operator to look at the log") \
    REASON(RENAMED, "renamed", 301, "the repository has a new name", "git remote set-url origin URL") \
    /* GitHub's side */ \
    REASON(UPSTREAM_UNREACHABLE, "upstream", 502, "GitHub cannot be reached", "try again later") \
    REASON(UPSTREAM_TLS, "upstream_tls", 502, "GitHub's certificate is not trusted", "ask the operator to check `github.trust` and the way out") \
    REASON(UPSTREAM_TIMEOUT, "upstream_timeout", 502, "GitHub was silent for too long", "try again later") \
    REASON(UPSTREAM_PROTOCOL, "upstream_protocol", 502, "GitHub's answer is not well-formed HTTP/1.1", "try again later") \
    REASON(UPSTREAM_LOST, "upstream_lost", 502, "the connection to GitHub broke before the end", "try again") \
    REASON(GITHUB_ANONYMOUS, "github_anonymous", 403, "GitHub wants a credential, and no rule attaches one here", "ask the operator for a rule that matches the repository") \
    REASON(GITHUB_UNAUTHORIZED, "github_unauthorized", 403, "GitHub did not accept gitlatch's token", "try again; if it stays, the operator must renew the credential (`gitlatch check` tests it)") \
    REASON(GITHUB_REFUSED, "github_refused", 403, "GitHub refused", "read GitHub's reason") \
    REASON(GITHUB_PERMISSION, "github_permission", 403, "the token lacks a permission that this API call needs", "ask the operator for it under `permissions` in the rule") \
    REASON(GITHUB_NOT_FOUND, "github_not_found", 404, "GitHub finds no such repository, or hides it", "check the name; a private repository needs a rule and an installation that cover it") \
    REASON(GITHUB_FAILED, "github_failed", 502, "GitHub failed", "try again later") \
    REASON(INTERNAL, "internal", 500, "gitlatch failed", "report this with the request's id")
// clang-format on

enum reason {
    REASON_NONE,
#define REASON_ENUM(name, code, status, meaning, remedy) REASON_##name,
    REASON_LIST(REASON_ENUM)
#undef REASON_ENUM
        REASON_COUNT,
};

// The texts of one row of the list; for REASON_NONE the code is "".
struct reason_row {
    const char *code;
    int status;
    const char *meaning;
    const char *remedy;
};

const struct reason_row *reason_row(enum reason reason);

// Whether the request was refused for what it asks, by rule or for its form: the event's decision is `deny`. All others
// are failures on the way.
static inline bool reason_is_refusal(enum reason reason)
{
    return reason > REASON_NONE && reason < REASON_CLIENT_TIMEOUT;
}

#endif
