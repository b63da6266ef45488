#include "secret.h"

#include <assert.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "locked.h"
#include "mem.h"

#define DIGEST_SIZE 32

struct secret {
    size_t references;
    struct secret *form; // secret_keep_form; NULL: none
    size_t size;
    char data[];
};

struct secret *secret_new_sized(size_t size, char **ret_data)
{
    struct secret *secret;

    if (size > SIZE_MAX / 2)
        mem_exhausted();
    secret = locked_alloc(sizeof(*secret) + size);
    secret->references = 1;
    secret->form = NULL;
    secret->size = size;
    *ret_data = secret->data;
    return secret;
}

struct secret *secret_new(struct bytes bytes)
{
    char *data;
    struct secret *secret = secret_new_sized(bytes.size, &data);

    if (bytes.size)
        memcpy(data, bytes.data, bytes.size);
    return secret;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct secret *secret_new_trimmed(struct bytes bytes)
{
    while (bytes.size && is_space(bytes.data[bytes.size - 1]))
        bytes.size--;
    while (bytes.size && is_space(bytes.data[0]))
        bytes = bytes_skip(bytes, 1);
    return secret_new(bytes);
}

struct secret *secret_ref(struct secret *secret)
{
    assert(secret->references);
    secret->references++;
    return secret;
}

void secret_unref(struct secret *secret)
{
    if (!secret)
        return;
    assert(secret->references);
    if (--secret->references > 0)
        return;
    secret_unref(secret->form);
    locked_free(secret, sizeof(*secret) + secret->size);
}

struct bytes secret_bytes(const struct secret *secret)
{
    return bytes_of(secret->data, secret->size);
}

void secret_keep_form(struct secret *secret, struct secret *form)
{
    assert(!secret->form && form != secret);
    secret->form = form;
}

struct secret *secret_form(const struct secret *secret)
{
    return secret->form;
}

static void digest(struct bytes bytes, unsigned char ret_digest[static DIGEST_SIZE])
{
    if (EVP_Digest(bytes.data, bytes.size, ret_digest, NULL, EVP_sha256(), NULL) != 1)
        mem_exhausted(); // the only way in which SHA-256 fails
}

bool secret_equal(const struct secret *secret, struct bytes other)
{
    unsigned char ours[DIGEST_SIZE], theirs[DIGEST_SIZE];

    digest(secret_bytes(secret), ours);
    digest(other, theirs);
    return CRYPTO_memcmp(ours, theirs, DIGEST_SIZE) == 0;
}

void secret_fingerprint(const struct secret *secret, char ret_hex[static SECRET_FINGERPRINT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char hash[DIGEST_SIZE];

    digest(secret_bytes(secret), hash);
    for (size_t i = 0; i < SECRET_FINGERPRINT_SIZE - 1; i++)
        ret_hex[i] = digits[i % 2 ? hash[i / 2] & 15 : hash[i / 2] >> 4];
    ret_hex[SECRET_FINGERPRINT_SIZE - 1] = '\0';
}

void secret_protect_process(void)
{
    const struct rlimit none = {0, 0};

    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
}

void secret_warn_unlocked(void (*warn)(int code))
{
    locked_warn_by(warn);
}
