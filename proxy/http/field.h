// The names of header fields that gitlatch looks at, drops or writes itself.
#ifndef GITLATCH_FIELD_H
#define GITLATCH_FIELD_H

#include <stdbool.h>

#include <gitlatch/bytes.h>

// FIELD(ID, name): the name in lower case.
// clang-format off
#define FIELD_LIST(FIELD) \
    FIELD(ACCEPT_ENCODING, "accept-encoding") \
    FIELD(ALT_SVC, "alt-svc") \
    FIELD(AUTHORIZATION, "authorization") \
    FIELD(CONNECTION, "connection") \
    FIELD(CONTENT_ENCODING, "content-encoding") \
    FIELD(CONTENT_LENGTH, "content-length") \
    FIELD(CONTENT_TYPE, "content-type") \
    FIELD(COOKIE, "cookie") \
    FIELD(DATE, "date") \
    FIELD(EXPECT, "expect") \
    FIELD(FORWARDED, "forwarded") \
    FIELD(GIT_PROTOCOL, "git-protocol") \
    FIELD(HOST, "host") \
    FIELD(KEEP_ALIVE, "keep-alive") \
    FIELD(LOCATION, "location") \
    FIELD(ORIGIN, "origin") \
    FIELD(PROXY_AUTHENTICATE, "proxy-authenticate") \
    FIELD(PROXY_AUTHORIZATION, "proxy-authorization") \
    FIELD(RETRY_AFTER, "retry-after") \
    FIELD(SEC_FETCH_SITE, "sec-fetch-site") \
    FIELD(SET_COOKIE, "set-cookie") \
    FIELD(STRICT_TRANSPORT_SECURITY, "strict-transport-security") \
    FIELD(TE, "te") \
    FIELD(TRAILER, "trailer") \
    FIELD(TRANSFER_ENCODING, "transfer-encoding") \
    FIELD(UPGRADE, "upgrade") \
    FIELD(USER_AGENT, "user-agent") \
    FIELD(VIA, "via") \
    FIELD(WWW_AUTHENTICATE, "www-authenticate") \
    FIELD(X_GITHUB_REQUEST_ID, "x-github-request-id") \
    FIELD(X_HTTP_METHOD, "x-http-method") \
    FIELD(X_HTTP_METHOD_OVERRIDE, "x-http-method-override") \
    FIELD(X_METHOD_OVERRIDE, "x-method-override") \
    FIELD(X_RATELIMIT_REMAINING, "x-ratelimit-remaining") \
    FIELD(X_RATELIMIT_RESET, "x-ratelimit-reset") \
    FIELD(X_REAL_IP, "x-real-ip") \
    /* families, told by the beginning of the name */ \
    FIELD(PROXY_OTHER, "proxy-*") \
    FIELD(X_FORWARDED, "x-forwarded-*")
// clang-format on

enum field_id {
    FIELD_OTHER,
#define FIELD_ENUM(id, name) FIELD_##id,
    FIELD_LIST(FIELD_ENUM)
#undef FIELD_ENUM
    FIELD_ID_COUNT,
};

// Tells a name, in any case.
enum field_id field_id_of(struct bytes name);

// RFC 9110, 5.6.2: tchar.
bool field_is_token_byte(char byte);
// RFC 9110, 5.5: what a field's value may hold: visible ASCII, space, tab, and bytes from 0x80.
bool field_is_value_byte(char byte);

#endif
