#include "app_jwt.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <jwt.h>
#include <openssl/evp.h>

#include "mock_setting.h"
#include "mock_text.h"

// "maximum of 10 minutes into the future" (GitHub, "Generating a JSON Web Token").
#define LIFE_MAX_SECONDS 600
// Its tolerance for an `iat` in the future is not documented; none is the strictest.
#define ISSUED_AHEAD_MAX_SECONDS 0

static const char *check_times(json_t *claims)
{
    json_t *issued = json_object_get(claims, "iat");
    json_t *expires = json_object_get(claims, "exp");
    int64_t now = mock_setting_now();

    if (!json_is_integer(expires) || json_integer_value(expires) <= now)
        return "'Expiration time' claim ('exp') must be a numeric value representing the future time at "
               "which the "
               "assertion expires";
    if (json_integer_value(expires) > now + LIFE_MAX_SECONDS)
        return "'Expiration time' claim ('exp') is too far in the future";
    if (!json_is_integer(issued) || json_integer_value(issued) > now + ISSUED_AHEAD_MAX_SECONDS)
        return "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was "
               "issued";
    return NULL;
}

// Who signed it, as the token itself says; the App's key then tells whether that is true.
static const struct app *issuer_of(json_t *claims, int *ret_status, const char **ret_problem)
{
    json_t *issuer = json_object_get(claims, "iss");
    const struct app *app = NULL;

    *ret_status = 401;
    *ret_problem = "Missing 'issuer' claim ('iss')";
    if (json_is_integer(issuer)) {
        app = app_find((uint64_t)json_integer_value(issuer));
    } else if (json_is_string(issuer)) {
        app = app_find_client(json_string_value(issuer));
        if (!app)
            app = app_find(strtoull(json_string_value(issuer), NULL, 10));
    } else {
        return NULL;
    }
    if (!app) {
        *ret_status = 404;
        *ret_problem = "Integration not found";
    }
    return app;
}

// The second part of a token as JSON, owned by the caller; NULL: malformed.
static json_t *read_claims(const char *jwt)
{
    const char *start = strchr(jwt, '.');
    size_t size = start ? strcspn(start + 1, ".") : 0;
    char *text = mock_text_allocate(size + 4);
    unsigned char *decoded = mock_text_allocate(size + 4);
    json_t *claims = NULL;
    int length;

    for (size_t i = 0; i < size; i++)
        text[i] = start[1 + i] == '-' ? '+' : start[1 + i] == '_' ? '/' : start[1 + i];
    while (size % 4 != 0)
        text[size++] = '=';
    length = EVP_DecodeBlock(decoded, (const unsigned char *)text, (int)size);
    if (length > 0)
        claims = json_loads((const char *)decoded, JSON_REJECT_DUPLICATES, NULL);
    free(decoded);
    free(text);
    return claims;
}

static bool is_signed_by(const char *jwt, const struct app *app)
{
    const unsigned char *key = (const unsigned char *)app->public_key;
    jwt_t *decoded = NULL;
    bool is =
        jwt_decode(&decoded, jwt, key, (int)strlen(app->public_key)) == 0 && jwt_get_alg(decoded) == JWT_ALG_RS256;

    jwt_free(decoded);
    return is;
}

const struct app *app_jwt_verify(const char *jwt, int *ret_status, const char **ret_problem)
{
    json_t *claims = read_claims(jwt);
    const struct app *app = claims ? issuer_of(claims, ret_status, ret_problem) : NULL;

    if (!claims || (app && !is_signed_by(jwt, app))) {
        *ret_status = 401;
        *ret_problem = "A JSON web token could not be decoded";
        app = NULL;
    } else if (app) {
        *ret_status = 401;
        *ret_problem = check_times(claims);
        app = *ret_problem ? NULL : app;
    }
    json_decref(claims);
    return app;
}
