#include "app_jwt.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <jwt.h>

#include "mock_setting.h"
#include "world.h"

// "maximum of 10 minutes into the future" (GitHub, "Generating a JSON Web Token").
#define LIFE_MAX_SECONDS 600
// Its tolerance for an `iat` in the future is not documented; none is the strictest.
#define ISSUED_AHEAD_MAX_SECONDS 0

static char *public_key;

void app_jwt_set_key(char *pem)
{
    public_key = pem;
}

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

static bool is_our_app(json_t *issuer)
{
    if (json_is_integer(issuer))
        return json_integer_value(issuer) == WORLD_APP_ID;
    return strcmp(json_string_value(issuer), WORLD_CLIENT_ID) == 0 ||
           atol(json_string_value(issuer)) == WORLD_APP_ID;
}

static const char *check_claims(json_t *claims, int *ret_status)
{
    json_t *issuer = json_object_get(claims, "iss");
    const char *problem;

    *ret_status = 401;
    if (!json_is_integer(issuer) && !json_is_string(issuer))
        return "Missing 'issuer' claim ('iss')";
    if (!is_our_app(issuer)) {
        *ret_status = 404;
        return "Integration not found";
    }
    problem = check_times(claims);
    return problem;
}

const char *app_jwt_verify(const char *jwt, int *ret_status)
{
    jwt_t *decoded = NULL;
    char *text = NULL;
    json_t *claims = NULL;
    const char *problem = "A JSON web token could not be decoded";

    *ret_status = 401;
    if (jwt_decode(&decoded, jwt, (const unsigned char *)public_key, (int)strlen(public_key)) != 0)
        return problem;
    if (jwt_get_alg(decoded) == JWT_ALG_RS256) {
        text = jwt_get_grants_json(decoded, NULL);
        claims = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
        if (claims)
            problem = check_claims(claims, ret_status);
    }
    json_decref(claims);
    free(text);
    jwt_free(decoded);
    return problem;
}
