#include "redact.h"

#include <string.h>

#include <gitlatch/attr.h>

#include "bytes.h"

// Fewer characters after the prefix are no credential: `ghs_` and its kin have 36 or more, a fine-grained
// token 82.
#define CREDENTIAL_MIN_SIZE 36
// base64 of a token of 40 characters has 56.
#define BASIC_MIN_SIZE 48

// Any of the forms below has so many characters of one alphabet or the other: `eyJ` and what follows.
#define RUN_MIN_SIZE ((size_t)3 + CREDENTIAL_MIN_SIZE)

static const struct bytes mask = BYTES("[redacted]");

enum { IN_TOKEN = 1, IN_BASE64 = 2 };
static const unsigned char alphabets[256] = {
    ['a' ... 'z'] = IN_TOKEN | IN_BASE64,
    ['A' ... 'Z'] = IN_TOKEN | IN_BASE64,
    ['0' ... '9'] = IN_TOKEN | IN_BASE64,
    ['_'] = IN_TOKEN,
    ['-'] = IN_TOKEN,
    ['.'] = IN_TOKEN,
    ['+'] = IN_BASE64,
    ['/'] = IN_BASE64,
    ['='] = IN_BASE64,
};

static unsigned char alphabets_of(char c)
{
    return alphabets[(unsigned char)c];
}

static const struct {
    struct bytes prefix;
    unsigned char alphabet;
    size_t min_size;
} forms[] = {
    {BYTES("ghs_"), IN_TOKEN, CREDENTIAL_MIN_SIZE},
    {BYTES("ghp_"), IN_TOKEN, CREDENTIAL_MIN_SIZE},
    {BYTES("gho_"), IN_TOKEN, CREDENTIAL_MIN_SIZE},
    {BYTES("ghu_"), IN_TOKEN, CREDENTIAL_MIN_SIZE},
    {BYTES("ghr_"), IN_TOKEN, CREDENTIAL_MIN_SIZE},
    {BYTES("github_pat_"), IN_TOKEN, CREDENTIAL_MIN_SIZE},
    {BYTES("eyJ"), IN_TOKEN, CREDENTIAL_MIN_SIZE},              // a JWT: base64url of `{"`
    {BYTES("eC1hY2Nlc3MtdG9rZW46"), IN_BASE64, BASIC_MIN_SIZE}, // base64 of `x-access-token:`
};

// Size of the credential at the start; 0: none.
static size_t credential_size(struct bytes at)
{
    for (size_t i = 0; i < GL_ARRAY_SIZE(forms); i++) {
        size_t size = forms[i].prefix.size;

        if (!bytes_start_with(at, forms[i].prefix))
            continue;
        while (size < at.size && (alphabets_of(at.data[size]) & forms[i].alphabet))
            size++;
        if (size - forms[i].prefix.size >= forms[i].min_size)
            return size;
    }
    return 0;
}

// The next place from which on there are characters enough for a credential; `size` where there is none. It is looked for
// from the end of such a run backward: most runs of a line are short, so that few of their characters are looked at.
static size_t find_run(const char *data, size_t from, size_t size)
{
    while (size - from >= RUN_MIN_SIZE) {
        size_t at = from + RUN_MIN_SIZE;

        while (at > from && alphabets_of(data[at - 1]))
            at--;
        if (at == from)
            return from;
        from = at;
    }
    return size;
}

// The next place where one of the forms can begin, by its first two characters; `size` where there is none.
static size_t find_candidate(const char *data, size_t from, size_t size)
{
    while ((from = find_run(data, from, size)) < size) {
        for (; from + 1 < size && alphabets_of(data[from]); from++) {
            char next = data[from + 1];

            if (data[from] == 'g' ? next == 'h' || next == 'i' : data[from] == 'e' && (next == 'y' || next == 'C'))
                return from;
        }
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
