#include "token_review.h"

#include <ctype.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <string.h>

#include "config.h"
#include "mem.h"
#include "secret.h"
#include "text.h"

#define ACCOUNT_PREFIX "system:serviceaccount:"
#define POD_NAME       "authentication.kubernetes.io/pod-name"

bool token_review_well_formed(struct bytes token)
{
    for (size_t i = 0; i < token.size; i++) {
        if (!isalnum((unsigned char)token.data[i]) && !strchr("-._~+/=", token.data[i]))
            return false;
    }
    return token.size > 0 && !memchr(token.data, '\0', token.size);
}

// The bytes of base64url without padding; NULL: it is none. Given to mem_free.
static char *token_review_decode(struct bytes text, size_t *ret_size)
{
    size_t padded = (text.size + 3) / 4 * 4;
    unsigned char *in = mem_alloc(padded + 1);
    char *out = mem_alloc(padded + 1);

    for (size_t i = 0; i < padded; i++) {
        char c = '=';
        if (i < text.size)
            c = text.data[i] == '-' ? '+' : text.data[i] == '_' ? '/' : text.data[i];
        in[i] = (unsigned char)c;
    }
    int size = padded > 0 ? EVP_DecodeBlock((unsigned char *)out, in, (int)padded) : -1;
    mem_free(in);
    if (size < 0) {
        mem_free(out);
        return NULL;
    }
    *ret_size = (size_t)size - (padded - text.size); // padding decodes to zeros
    return out;
}

struct wall token_review_end(struct bytes token)
{
    struct wall end = WALL_NEVER;
    struct bytes header, rest, payload, signature;
    size_t size;

    if (!bytes_cut(token, '.', &header, &rest) || !bytes_cut(rest, '.', &payload, &signature))
        return end;
    char *text = token_review_decode(payload, &size);
    json_t *root = text ? json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const json_t *exp = json_object_get(root, "exp");
    // A year beyond 9999 is no time; nor is one before 1970.
    if (json_is_integer(exp) && json_integer_value(exp) >= 0 && json_integer_value(exp) < 253402300800)
        end.ms = json_integer_value(exp) * SECOND_MS;
    json_decref(root);
    mem_free(text);
    return end;
}

struct secret *token_review_body(struct bytes token, const char *const *audiences, size_t count)
{
    static const char front[] =
        "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"TokenReview\",\"spec\":{\"token\":\"";
    struct text back = {0};
    char *data;

    text_append(&back, "\",\"audiences\":[");
    for (size_t i = 0; i < count; i++) {
        text_append(&back, i > 0 ? "," : "");
        text_append_json_string(&back, bytes_of_string(audiences[i]));
    }
    text_append(&back, "]}}");
    struct secret *body = secret_new_sized(sizeof(front) - 1 + token.size + back.size, &data);
    memcpy(data, front, sizeof(front) - 1);
    memcpy(data + sizeof(front) - 1, token.data, token.size);
    memcpy(data + sizeof(front) - 1 + token.size, text_string(&back), back.size);
    text_free(&back);
    return body;
}

// A label or a subdomain of DNS, as Kubernetes' names are: it can stand in a log and in a key.
static bool is_name(struct bytes name)
{
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        if (!islower((unsigned char)c) && !isdigit((unsigned char)c) && c != '-' && c != '.')
            return false;
    }
    return name.size > 0 && name.size <= 253;
}

static bool take_account(const char *user, struct caller *caller)
{
    struct bytes rest = bytes_of_string(user), namespace, account;

    if (!bytes_start_with(rest, BYTES(ACCOUNT_PREFIX)))
        return false;
    if (!bytes_cut(bytes_skip(rest, sizeof(ACCOUNT_PREFIX) - 1), ':', &namespace, &account) || !is_name(namespace) ||
        !is_name(account))
        return false;
    caller->namespace = mem_bytes_string(namespace);
    caller->service_account = mem_bytes_string(account);
    return true;
}

static bool token_review_holds(const json_t *list, const char *wanted)
{
    size_t i;
    const json_t *item;

    json_array_foreach(list, i, item) {
        if (json_is_string(item) && strcmp(json_string_value(item), wanted) == 0)
            return true;
    }
    return false;
}

// An API server that knows nothing of audiences names none: its word is not for us.
static const char *find_audience(const json_t *status, const char *const *audiences, size_t count)
{
    const json_t *list = json_object_get(status, "audiences");

    for (size_t i = 0; i < count; i++) {
        if (token_review_holds(list, audiences[i]))
            return audiences[i];
    }
    return NULL;
}

static enum token_review_result token_review_judge(const json_t *status, const char *const *audiences, size_t count,
                                                   struct caller *caller, struct error *ret_error)
{
    const char *error = json_string_value(json_object_get(status, "error"));
    const json_t *user = json_object_get(status, "user");
    const char *name = json_string_value(json_object_get(user, "username"));
    const char *audience = find_audience(status, audiences, count);
    const char *pod = json_string_value(json_array_get(json_object_get(json_object_get(user, "extra"), POD_NAME), 0));

    if (!json_is_true(json_object_get(status, "authenticated")))
        error_set(ret_error, "the cluster does not accept the token%s%.200s", error ? ": " : "", error ? error : "");
    else if (!audience)
        error_set(ret_error, "the token is not for this broker: its audience is another one");
    else if (!name || !take_account(name, caller))
        error_set(ret_error, "the token is not one of a service account");
    else {
        caller->holder = strcmp(audience, CONFIG_AUDIENCE_CREDENTIAL) == 0;
        caller->pod = pod && is_name(bytes_of_string(pod)) ? mem_string(pod) : NULL;
        return TOKEN_REVIEW_PROVEN;
    }
    return TOKEN_REVIEW_REFUSED;
}

enum token_review_result token_review_parse(struct bytes body, const char *const *audiences, size_t count,
                                            struct caller *ret_caller, struct error *ret_error)
{
    json_t *root = json_loadb(body.data ? body.data : "", body.size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *status = json_object_get(root, "status");
    enum token_review_result result = TOKEN_REVIEW_UNREADABLE;
    struct caller caller = {0};

    if (json_is_object(status))
        result = token_review_judge(status, audiences, count, &caller, ret_error);
    else
        error_set(ret_error, "the cluster's answer is no TokenReview");
    if (result == TOKEN_REVIEW_PROVEN)
        *ret_caller = caller;
    json_decref(root);
    return result;
}
