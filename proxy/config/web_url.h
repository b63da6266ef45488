// The URLs that the configuration holds.
#ifndef GITLATCH_WEB_URL_H
#define GITLATCH_WEB_URL_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "bytes.h"
#include "error.h"

// What a URL must be beyond being well-formed.
enum web_url_kind {
    WEB_URL_ANY,   // http or https
    WEB_URL_TLS,   // https
    WEB_URL_PROXY, // http, and no path
    WEB_URL_KIND_COUNT,
};

// Whether the text is a URL of that kind (NULL: WEB_URL_ANY), without user or password (a secret has no place
// in the configuration), query and fragment. Source: RFC 3986, as libcurl reads it.
bool web_url_check(struct bytes text, const enum web_url_kind *kind, struct error *ret_error) GL_MUST_CHECK;

#endif
