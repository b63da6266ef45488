#include "redact.h"

#include <stdbool.h>
#include <string.h>

#include <gitlatch/attr.h>
#include <gitlatch/bytes.h>

// Fewer characters after the prefix are no credential: `ghs_` and its kin have 36 or more, a fine-grained
// token 82.
#define CREDENTIAL_MIN_SIZE 36
// base64 of a token of 40 characters has 56.
#define BASIC_MIN_SIZE 48

static const struct bytes mask = BYTES("[redacted]");

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool in_token(char c)
{
    return is_alphanumeric(c) || c == '_' || c == '-' || c == '.';
}

static bool in_base64(char c)
{
    return is_alphanumeric(c) || c == '+' || c == '/' || c == '=';
}

static const struct {
    struct bytes prefix;
    bool (*inside)(char c);
    size_t min_size;
} forms[] = {
    {BYTES("ghs_"), in_token, CREDENTIAL_MIN_SIZE},
    {BYTES("ghp_"), in_token, CREDENTIAL_MIN_SIZE},
    {BYTES("gho_"), in_token, CREDENTIAL_MIN_SIZE},
    {BYTES("ghu_"), in_token, CREDENTIAL_MIN_SIZE},
    {BYTES("ghr_"), in_token, CREDENTIAL_MIN_SIZE},
    {BYTES("github_pat_"), in_token, CREDENTIAL_MIN_SIZE},
    {BYTES("eyJ"), in_token, CREDENTIAL_MIN_SIZE},                     // a JWT: base64url of `{"`
    {BYTES("eC1hY2Nlc3MtdG9rZW46"), in_base64, BASIC_MIN_SIZE}, // base64 of `x-access-token:`
};

// Size of the credential at the start; 0: none.
static size_t credential_size(struct bytes at)
{
    for (size_t i = 0; i < GL_ARRAY_SIZE(forms); i++) {
        size_t size = forms[i].prefix.size;

        if (!bytes_start_with(at, forms[i].prefix))
            continue;
        while (size < at.size && forms[i].inside(at.data[size]))
            size++;
        if (size - forms[i].prefix.size >= forms[i].min_size)
            return size;
    }
    return 0;
}

// The next place where one of the forms can begin, by its first two characters; `size` where there is none.
static size_t find_candidate(const char *data, size_t from, size_t size)
{
    for (; from + 1 < size; from++) {
        char next = data[from + 1];

        if (data[from] == 'g' ? next == 'h' || next == 'i' : data[from] == 'e' && (next == 'y' || next == 'C'))
            return from;
    }
    return size;
}

size_t redact(char *data, size_t size)
{
    size_t from = 0, to = 0;

    while (from < size) {
        size_t next = find_candidate(data, from, size), credential;

        if (to != from)
            memmove(data + to, data + from, next - from);
        to += next - from;
        from = next;
        if (from == size)
            break;
        credential = credential_size(bytes_of(data + from, size - from));
        if (!credential) {
            data[to++] = data[from++];
            continue;
        }
        memcpy(data + to, mask.data, mask.size);
        to += mask.size;
        from += credential;
    }
    return to;
}
