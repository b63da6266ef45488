// Tokens of a test's own issuer, and the key set that it publishes. Anything about a token may be wrong.
#ifndef GITLATCH_JWT_FORGE_H
#define GITLATCH_JWT_FORGE_H

#include <jansson.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "bytes.h"
#include "cmocka_unit.h"
#include "mem.h"
#include "text.h"

enum forge_key { FORGE_RSA, FORGE_P256, FORGE_ED25519, FORGE_KEYS };

static const char *const forge_algorithms[FORGE_KEYS] = {"RS256", "ES256", "EdDSA"};

static inline char *forge_base64url(const void *data, size_t size)
{
    char *text = mem_alloc(4 * ((size + 2) / 3) + 1);

    EVP_EncodeBlock((unsigned char *)text, data, (int)size);
    for (char *c = text; *c; c++)
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c == '=' ? '\0' : *c;
    return text;
}

static inline EVP_PKEY *forge_new_key(enum forge_key kind)
{
    switch (kind) {
    case FORGE_RSA:
        return EVP_RSA_gen(2048);
    case FORGE_P256:
        return EVP_EC_gen("P-256");
    default:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    }
}

static inline char *forge_number(EVP_PKEY *key, const char *name, int size)
{
    BIGNUM *number = NULL;
    unsigned char bytes[1024];

    assert_int_equal(EVP_PKEY_get_bn_param(key, name, &number), 1);
    size = size ? size : BN_num_bytes(number);
    BN_bn2binpad(number, bytes, size);
    BN_free(number);
    return forge_base64url(bytes, (size_t)size);
}

// The public JWK; owned by the caller.
static inline json_t *forge_jwk(EVP_PKEY *key, const char *id)
{
    unsigned char raw[32];
    size_t size = sizeof(raw);
    json_t *jwk = json_pack("{s:s, s:s}", "kid", id, "use", "sig");
    char *first, *second = NULL;

    if (EVP_PKEY_is_a(key, "RSA")) {
        first = forge_number(key, OSSL_PKEY_PARAM_RSA_N, 0);
        second = forge_number(key, OSSL_PKEY_PARAM_RSA_E, 0);
        json_object_update_new(jwk, json_pack("{s:s, s:s, s:s}", "kty", "RSA", "n", first, "e", second));
    } else if (EVP_PKEY_is_a(key, "EC")) {
        first = forge_number(key, OSSL_PKEY_PARAM_EC_PUB_X, 32);
        second = forge_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, 32);
        json_object_update_new(jwk,
                               json_pack("{s:s, s:s, s:s, s:s}", "kty", "EC", "crv", "P-256", "x", first, "y", second));
    } else {
        assert_int_equal(EVP_PKEY_get_raw_public_key(key, raw, &size), 1);
        first = forge_base64url(raw, size);
        json_object_update_new(jwk, json_pack("{s:s, s:s, s:s}", "kty", "OKP", "crv", "Ed25519", "x", first));
    }
    mem_free(first);
    mem_free(second);
    return jwk;
}

// r and s of an ECDSA signature, side by side (RFC 7518, section 3.4).
static inline size_t forge_flat_ecdsa(unsigned char *signature, size_t size)
{
    const unsigned char *at = signature;
    ECDSA_SIG *parsed = d2i_ECDSA_SIG(NULL, &at, (long)size);
    unsigned char flat[64];

    BN_bn2binpad(ECDSA_SIG_get0_r(parsed), flat, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(parsed), flat + 32, 32);
    ECDSA_SIG_free(parsed);
    memcpy(signature, flat, sizeof(flat));
    return sizeof(flat);
}

// Signs with the key's own algorithm; gives base64url.
static inline char *forge_signature(EVP_PKEY *key, const char *input)
{
    bool edwards = EVP_PKEY_is_a(key, "ED25519");
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char signature[1024];
    size_t size = sizeof(signature);

    assert_int_equal(EVP_DigestSignInit(context, NULL, edwards ? NULL : EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestSign(context, signature, &size, (const unsigned char *)input, strlen(input)), 1);
    EVP_MD_CTX_free(context);
    if (EVP_PKEY_is_a(key, "EC"))
        size = forge_flat_ecdsa(signature, size);
    return forge_base64url(signature, size);
}

static inline char *forge_input(const char *header, const char *claims)
{
    char *first = forge_base64url(header, strlen(header)), *second = forge_base64url(claims, strlen(claims));
    char *input = mem_format("%s.%s", first, second);

    mem_free(first);
    mem_free(second);
    return input;
}

static inline char *forge_token(EVP_PKEY *key, const char *header, const char *claims)
{
    char *input = forge_input(header, claims), *signature = forge_signature(key, input);
    char *token = mem_format("%s.%s", input, signature);

    mem_free(input);
    mem_free(signature);
    return token;
}

// HMAC-SHA256 with whatever bytes as its key.
static inline char *forge_hmac(struct bytes secret, const char *header, const char *claims)
{
    char *input = forge_input(header, claims);
    unsigned char digest[32];
    unsigned size = sizeof(digest);

    HMAC(EVP_sha256(), secret.data, (int)secret.size, (const unsigned char *)input, strlen(input), digest, &size);
    char *signature = forge_base64url(digest, size), *token = mem_format("%s.%s", input, signature);
    mem_free(input);
    mem_free(signature);
    return token;
}

static inline char *forge_pem(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data;

    assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
    long size = BIO_get_mem_data(bio, &data);
    char *pem = mem_bytes_string(bytes_of(data, (size_t)size));
    BIO_free(bio);
    return pem;
}

#endif
