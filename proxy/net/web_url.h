// URLs of the configuration and of the environment: what they must be, and their parts. All URLs of web servers are read
// here, by libcurl, so that what was checked is what is called. Source: RFC 3986.
#ifndef GITLATCH_WEB_URL_H
#define GITLATCH_WEB_URL_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "bytes.h"
#include "error.h"

// What a URL must be beyond being well-formed.
enum web_url_kind {
    WEB_URL_ANY,   // http or https
    WEB_URL_TLS,   // https
    WEB_URL_PROXY, // http or https, no path; a user may stand in it
    WEB_URL_KIND_COUNT,
};

// Whether the text is a URL of that kind (NULL: WEB_URL_ANY), without user or password (a secret has no place
// in the configuration), query and fragment.
bool web_url_check(struct bytes text, const enum web_url_kind *kind, struct error *ret_error) GL_MUST_CHECK;

// Where a URL leads: its host (lower case, owned by the caller; an IPv6 address in its brackets) and its port, by default
// that of the scheme. False where it is none, or holds a user.
bool web_url_authority(const char *text, char **ret_host, uint16_t *ret_port) GL_MUST_CHECK;

// The parts of a proxy's URL.
struct web_url_proxy {
    bool tls;
    char *host; // lower case, IPv6 without brackets
    uint16_t port;
    char *user;     // decoded; NULL: none
    char *password; // decoded; NULL: none. A secret
};

// Takes a proxy's URL apart, as curl takes one from the environment: the scheme may be missing, and a password may stand
// in it. The parts are the caller's: web_url_proxy_clear.
bool web_url_proxy_parse(const char *text, struct web_url_proxy *ret_proxy, struct error *ret_error) GL_MUST_CHECK;
void web_url_proxy_clear(struct web_url_proxy *proxy);
// The URL again, without the password; the caller's (mem_free).
char *web_url_proxy_text(const struct web_url_proxy *proxy) GL_MUST_CHECK;

#endif
