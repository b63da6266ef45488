#include "id_token.h"

#include <string.h>
#include <strings.h>

#include "mem.h"

// A second after the year 9999 is no time (RFC 3339).
#define SECONDS_MAX 253402300799

// A JSON object without a name twice; NULL: it is none.
static json_t *decode_object(struct bytes part)
{
    size_t size;
    char *text = base64url_decode(part, &size);
    json_t *root = text ? json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL) : NULL;

    mem_wiping_free(text);
    if (json_is_object(root))
        return root;
    json_decref(root);
    return NULL;
}

static bool take_algorithm(const json_t *header, enum signature_algorithm *ret_algorithm, struct error *ret_error)
{
    const char *name = json_string_value(json_object_get(header, "alg"));

    for (enum signature_algorithm i = 0; i < SIGNATURE_COUNT; i++) {
        if (name && strcmp(name, signature_algorithm_names[i]) == 0) {
            *ret_algorithm = i;
            return true;
        }
    }
    return error_set(ret_error, "the token's algorithm is none of RS256, ES256 and EdDSA");
}

// RFC 8725, section 3.11: a token of another kind (DPoP, logout, security event) is not taken for one of identity.
static bool check_type(const json_t *header, struct error *ret_error)
{
    static const char *const types[] = {"JWT", "JOSE", "at+jwt"};
    const json_t *value = json_object_get(header, "typ");

    for (size_t i = 0; json_is_string(value) && i < GL_ARRAY_SIZE(types); i++) {
        if (strcasecmp(json_string_value(value), types[i]) == 0)
            return true;
    }
    return !value || error_set(ret_error, "the token is of another type than JWT");
}

// A key that the token brings with it proves nothing; an extension that is not known could change what is signed
// (RFC 7515, section 4.1.11; RFC 7797).
static bool check_header(const json_t *header, struct error *ret_error)
{
    static const char *const refused[] = {"jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc", "epk", "cty"};

    for (size_t i = 0; i < GL_ARRAY_SIZE(refused); i++) {
        if (json_object_get(header, refused[i]))
            return error_set(ret_error, "the token's header holds `%s`, which is not accepted", refused[i]);
    }
    return check_type(header, ret_error);
}

static bool take_header(struct bytes part, struct id_token *token, struct error *ret_error)
{
    json_t *header = decode_object(part);
    const json_t *key_id = json_object_get(header, "kid");
    bool ok = header || error_set(ret_error, "the token's header is no JSON object");

    ok = ok && take_algorithm(header, &token->algorithm, ret_error) && check_header(header, ret_error) &&
         (!key_id || json_is_string(key_id) || error_set(ret_error, "the token's `kid` is no string"));
    if (ok)
        token->key_id = mem_string(json_string_value(key_id));
    json_decref(header);
    return ok;
}

static bool is_compact(struct bytes text, struct bytes ret_parts[3])
{
    struct bytes rest;

    return bytes_cut(text, '.', &ret_parts[0], &rest) && bytes_cut(rest, '.', &ret_parts[1], &ret_parts[2]) &&
           ret_parts[2].size > 0 && !memchr(ret_parts[2].data, '.', ret_parts[2].size) &&
           !memchr(text.data, '\0', text.size);
}

bool id_token_parse(struct bytes text, struct id_token *ret_token, struct error *ret_error)
{
    struct id_token token = {0};
    struct bytes parts[3], whole;

    if (text.size > ID_TOKEN_MAX)
        return error_set(ret_error, "the token is larger than %zu bytes", ID_TOKEN_MAX);
    if (!is_compact(text, parts))
        return error_set(ret_error, "the token is no signed JWT");
    token.text = mem_wiping_malloc(text.size + 1);
    if (!token.text)
        mem_exhausted();
    memcpy(token.text, text.data, text.size);
    token.text[text.size] = '\0';
    whole = bytes_of(token.text, text.size);
    token.signed_part = bytes_of(whole.data, parts[0].size + 1 + parts[1].size);
    token.signature = bytes_skip(whole, token.signed_part.size + 1);
    if (take_header(parts[0], &token, ret_error)) {
        token.claims = decode_object(parts[1]);
        if (token.claims) {
            *ret_token = token;
            return true;
        }
        error_set(ret_error, "the token's claims are no JSON object, or name one twice");
    }
    id_token_clear(&token);
    return false;
}

void id_token_clear(struct id_token *token)
{
    mem_wiping_free(token->text);
    mem_free(token->key_id);
    json_decref(token->claims);
    *token = (struct id_token){0};
}

const char *id_token_text(const struct id_token *token, const char *claim)
{
    return json_string_value(json_object_get(token->claims, claim));
}

static bool is_text(const json_t *value, const char *text)
{
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

bool id_token_is_for(const struct id_token *token, const char *audience)
{
    const json_t *claim = json_object_get(token->claims, "aud"), *item;
    size_t i;

    json_array_foreach(claim, i, item) {
        if (is_text(item, audience))
            return true;
    }
    return is_text(claim, audience);
}

// A NumericDate (RFC 7519, section 2): seconds, perhaps with a fraction, which is dropped. False: it is none.
static bool time_of(const json_t *value, int64_t *ret_ms)
{
    double seconds = json_number_value(value);

    if (!json_is_number(value) || !(seconds >= 0 && seconds <= SECONDS_MAX))
        return false;
    *ret_ms = (int64_t)seconds * SECOND_MS;
    return true;
}

bool id_token_check_time(const struct id_token *token, struct wall now, struct error *ret_error)
{
    static const char *const starts[] = {"nbf", "iat"};
    int64_t ms;

    if (!time_of(json_object_get(token->claims, "exp"), &ms))
        return error_set(ret_error, "the token has no end: its `exp` is missing or no time");
    if (now.ms >= ms + ID_TOKEN_SKEW_MS)
        return error_set(ret_error, "the token has expired");
    for (size_t i = 0; i < GL_ARRAY_SIZE(starts); i++) {
        const json_t *value = json_object_get(token->claims, starts[i]);

        if (value && !time_of(value, &ms))
            return error_set(ret_error, "the token's `%s` is no time", starts[i]);
        if (value && now.ms + ID_TOKEN_SKEW_MS < ms)
            return error_set(ret_error, "the token is not valid yet (`%s`); are the clocks right?", starts[i]);
    }
    return true;
}
