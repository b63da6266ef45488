// The names of header fields that gitlatch looks at, drops or writes itself.
#ifndef GITLATCH_FIELD_H
#define GITLATCH_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"

// FIELD(ID, first, last, name): the name in lower case, and its first and last letter, which together with
// its length tell it from every other one. clang-format off
#define FIELD_LIST(FIELD)                                                                                              \
    FIELD(ACCEPT_ENCODING, 'a', 'g', "accept-encoding")                                                                \
    FIELD(ALT_SVC, 'a', 'c', "alt-svc")                                                                                \
    FIELD(AUTHORIZATION, 'a', 'n', "authorization")                                                                    \
    FIELD(CLOSE, 'c', 'e', "close")                                                                                    \
    FIELD(CONNECTION, 'c', 'n', "connection")                                                                          \
    FIELD(CONTENT_ENCODING, 'c', 'g', "content-encoding")                                                              \
    FIELD(CONTENT_LENGTH, 'c', 'h', "content-length")                                                                  \
    FIELD(CONTENT_TYPE, 'c', 'e', "content-type")                                                                      \
    FIELD(COOKIE, 'c', 'e', "cookie")                                                                                  \
    FIELD(DATE, 'd', 'e', "date")                                                                                      \
    FIELD(DEPLOY_TOKEN, 'd', 'n', "deploy-token")                                                                      \
    FIELD(EXPECT, 'e', 't', "expect")                                                                                  \
    FIELD(FORWARDED, 'f', 'd', "forwarded")                                                                            \
    FIELD(GIT_PROTOCOL, 'g', 'l', "git-protocol")                                                                      \
    FIELD(HOST, 'h', 't', "host")                                                                                      \
    FIELD(JOB_TOKEN, 'j', 'n', "job-token")                                                                            \
    FIELD(KEEP_ALIVE, 'k', 'e', "keep-alive")                                                                          \
    FIELD(LOCATION, 'l', 'n', "location")                                                                              \
    FIELD(ORIGIN, 'o', 'n', "origin")                                                                                  \
    FIELD(PRIVATE_TOKEN, 'p', 'n', "private-token")                                                                    \
    FIELD(PROXY_AUTHENTICATE, 'p', 'e', "proxy-authenticate")                                                          \
    FIELD(PROXY_AUTHORIZATION, 'p', 'n', "proxy-authorization")                                                        \
    FIELD(RETRY_AFTER, 'r', 'r', "retry-after")                                                                        \
    FIELD(SEC_FETCH_SITE, 's', 'e', "sec-fetch-site")                                                                  \
    FIELD(SET_COOKIE, 's', 'e', "set-cookie")                                                                          \
    FIELD(STRICT_TRANSPORT_SECURITY, 's', 'y', "strict-transport-security")                                            \
    FIELD(TE, 't', 'e', "te")                                                                                          \
    FIELD(TRAILER, 't', 'r', "trailer")                                                                                \
    FIELD(TRANSFER_ENCODING, 't', 'g', "transfer-encoding")                                                            \
    FIELD(UPGRADE, 'u', 'e', "upgrade")                                                                                \
    FIELD(USER_AGENT, 'u', 't', "user-agent")                                                                          \
    FIELD(VIA, 'v', 'a', "via")                                                                                        \
    FIELD(WWW_AUTHENTICATE, 'w', 'e', "www-authenticate")                                                              \
    FIELD(X_ACCEPTED_GITHUB_PERMISSIONS, 'x', 's', "x-accepted-github-permissions")                                    \
    FIELD(X_GITHUB_REQUEST_ID, 'x', 'd', "x-github-request-id")                                                        \
    FIELD(X_HTTP_METHOD, 'x', 'd', "x-http-method")                                                                    \
    FIELD(X_HTTP_METHOD_OVERRIDE, 'x', 'e', "x-http-method-override")                                                  \
    FIELD(X_METHOD_OVERRIDE, 'x', 'e', "x-method-override")                                                            \
    FIELD(X_ORIGINAL_URL, 'x', 'l', "x-original-url")                                                                  \
    FIELD(X_RATELIMIT_REMAINING, 'x', 'g', "x-ratelimit-remaining")                                                    \
    FIELD(X_RATELIMIT_RESET, 'x', 't', "x-ratelimit-reset")                                                            \
    FIELD(X_REAL_IP, 'x', 'p', "x-real-ip")                                                                            \
    FIELD(X_REWRITE_URL, 'x', 'l', "x-rewrite-url")
// clang-format on

enum field_id {
    FIELD_OTHER,
#define FIELD_ENUM(id, first, last, name) FIELD_##id,
    FIELD_LIST(FIELD_ENUM)
#undef FIELD_ENUM
        FIELD_PROXY_OTHER, // proxy-*, but the two above
    FIELD_X_FORWARDED,     // x-forwarded-*
    FIELD_ID_COUNT,
};

// The field that has this name, in any case.
enum field_id field_id_of(struct bytes name);

// By byte: whether it may be in a token, and in a value. Each byte of a head is looked up here.
enum { FIELD_TOKEN_BYTE = 1, FIELD_VALUE_BYTE = 2 };
extern const uint8_t field_bytes[256];

// RFC 9110, 5.6.2: tchar.
static inline bool field_is_token_byte(char byte)
{
    return field_bytes[(uint8_t)byte] & FIELD_TOKEN_BYTE;
}

// RFC 9110, 5.5: what a field's value may hold: visible ASCII, space, tab, and bytes from 0x80.
static inline bool field_is_value_byte(char byte)
{
    return field_bytes[(uint8_t)byte] & FIELD_VALUE_BYTE;
}

#endif
