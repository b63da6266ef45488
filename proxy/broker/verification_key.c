#include "verification_key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <string.h>

#include "mem.h"

#define RSA_BITS_MIN 2048
// A longer one costs milliseconds a token.
#define RSA_BITS_MAX 8192
#define P256_SIZE    32
#define ED25519_SIZE 32
// Two numbers of 33 bytes at most, each with two before it, in a sequence.
#define ECDSA_DER_MAX 72

const char *const signature_algorithm_names[SIGNATURE_COUNT] = {"RS256", "ES256", "EdDSA"};

static int value_of_letter(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

char *base64url_decode(struct bytes text, size_t *ret_size)
{
    char *out = mem_wiping_malloc(text.size + 1);
    unsigned held = 0, bits = 0;
    size_t size = 0;

    if (!out)
        mem_exhausted();
    for (size_t i = 0; i < text.size; i++) {
        int value = value_of_letter(text.data[i]);

        if (value < 0)
            goto refuse;
        held = (held << 6 | (unsigned)value) & 0xfff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[size++] = (char)(held >> bits);
        }
    }
    // A letter alone holds no byte, and bits that belong to none must be zero: one value has one form.
    if (bits >= 6 || (held & ((1U << bits) - 1)) != 0)
        goto refuse;
    out[size] = '\0';
    *ret_size = size;
    return out;
refuse:
    mem_wiping_free(out);
    return NULL;
}

// The members of a JWK.

static const char *jwk_text(const json_t *jwk, const char *name)
{
    const char *text = json_string_value(json_object_get(jwk, name));

    return text ? text : "";
}

static char *jwk_bytes(const json_t *jwk, const char *name, size_t *ret_size)
{
    return base64url_decode(bytes_of_string(jwk_text(jwk, name)), ret_size);
}

// Takes the parameters.
static EVP_PKEY *key_of(const char *type, OSSL_PARAM_BLD *parameters)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    OSSL_PARAM *list = OSSL_PARAM_BLD_to_param(parameters);
    EVP_PKEY *key = NULL;

    if (!context || !list || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, list) != 1)
        key = NULL;
    OSSL_PARAM_free(list);
    OSSL_PARAM_BLD_free(parameters);
    EVP_PKEY_CTX_free(context);
    return key;
}

// Whether a number of the key is a sound exponent (odd, more than 1) or modulus.
static bool rsa_is_sound(const BIGNUM *modulus, const BIGNUM *exponent)
{
    return BN_num_bits(modulus) >= RSA_BITS_MIN && BN_num_bits(modulus) <= RSA_BITS_MAX && BN_is_odd(modulus) &&
           BN_is_odd(exponent) && !BN_is_one(exponent) && BN_num_bits(exponent) <= 64;
}

static EVP_PKEY *rsa_key(const json_t *jwk)
{
    size_t modulus_size = 0, exponent_size = 0;
    char *modulus_bytes = jwk_bytes(jwk, "n", &modulus_size), *exponent_bytes = jwk_bytes(jwk, "e", &exponent_size);
    BIGNUM *modulus = BN_bin2bn((unsigned char *)modulus_bytes, (int)modulus_size, NULL);
    BIGNUM *exponent = BN_bin2bn((unsigned char *)exponent_bytes, (int)exponent_size, NULL);
    OSSL_PARAM_BLD *parameters = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;

    if (modulus_bytes && exponent_bytes && modulus && exponent && rsa_is_sound(modulus, exponent) &&
        OSSL_PARAM_BLD_push_BN(parameters, OSSL_PKEY_PARAM_RSA_N, modulus) &&
        OSSL_PARAM_BLD_push_BN(parameters, OSSL_PKEY_PARAM_RSA_E, exponent))
        key = key_of("RSA", parameters);
    else
        OSSL_PARAM_BLD_free(parameters);
    BN_free(modulus);
    BN_free(exponent);
    mem_wiping_free(modulus_bytes);
    mem_wiping_free(exponent_bytes);
    return key;
}

// RFC 7518, section 6.2.1: both have the full size of a coordinate. That the point is on the curve OpenSSL looks at.
static EVP_PKEY *p256_key(const json_t *jwk)
{
    unsigned char point[1 + 2 * P256_SIZE] = {POINT_CONVERSION_UNCOMPRESSED};
    size_t x_size = 0, y_size = 0;
    char *x = jwk_bytes(jwk, "x", &x_size), *y = jwk_bytes(jwk, "y", &y_size);
    OSSL_PARAM_BLD *parameters = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;
    bool whole = x && y && x_size == P256_SIZE && y_size == P256_SIZE;

    if (whole) {
        memcpy(point + 1, x, P256_SIZE);
        memcpy(point + 1 + P256_SIZE, y, P256_SIZE);
    }
    if (whole && OSSL_PARAM_BLD_push_utf8_string(parameters, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) &&
        OSSL_PARAM_BLD_push_octet_string(parameters, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)))
        key = key_of("EC", parameters);
    else
        OSSL_PARAM_BLD_free(parameters);
    mem_wiping_free(x);
    mem_wiping_free(y);
    return key;
}

static EVP_PKEY *ed25519_key(const json_t *jwk)
{
    size_t size = 0;
    char *x = jwk_bytes(jwk, "x", &size);
    EVP_PKEY *key = NULL;

    if (x && size == ED25519_SIZE)
        key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (unsigned char *)x, size);
    mem_wiping_free(x);
    return key;
}

static EVP_PKEY *key_of_type(const json_t *jwk, enum signature_algorithm *ret_algorithm)
{
    const char *type = jwk_text(jwk, "kty"), *curve = jwk_text(jwk, "crv");

    if (strcmp(type, "RSA") == 0) {
        *ret_algorithm = SIGNATURE_RS256;
        return rsa_key(jwk);
    }
    if (strcmp(type, "EC") == 0 && strcmp(curve, "P-256") == 0) {
        *ret_algorithm = SIGNATURE_ES256;
        return p256_key(jwk);
    }
    if (strcmp(type, "OKP") == 0 && strcmp(curve, "Ed25519") == 0) {
        *ret_algorithm = SIGNATURE_EDDSA;
        return ed25519_key(jwk);
    }
    return NULL;
}

// SPIFFE's bundles say for which kind of identity document a key is (SPIFFE Trust Domain and Bundle, 4.2.2).
static bool is_for_signatures(const json_t *jwk)
{
    static const char *const uses[] = {"sig", "jwt-svid"};
    const json_t *use = json_object_get(jwk, "use"), *operations = json_object_get(jwk, "key_ops"), *item;
    bool used = !use, verifies = !operations;
    size_t i;

    for (i = 0; i < GL_ARRAY_SIZE(uses); i++)
        used = used || strcmp(jwk_text(jwk, "use"), uses[i]) == 0;
    json_array_foreach(operations, i, item)
        verifies = verifies || (json_is_string(item) && strcmp(json_string_value(item), "verify") == 0);
    return used && verifies;
}

static bool is_of_algorithm(const json_t *jwk, enum signature_algorithm algorithm)
{
    // RFC 9864 names EdDSA with this curve on its own.
    return !json_object_get(jwk, "alg") || strcmp(jwk_text(jwk, "alg"), signature_algorithm_names[algorithm]) == 0 ||
           (algorithm == SIGNATURE_EDDSA && strcmp(jwk_text(jwk, "alg"), "Ed25519") == 0);
}

bool verification_key_parse(const json_t *jwk, struct verification_key *ret_key)
{
    struct verification_key key = {0};

    // Whoever publishes a private key has lost it.
    if (!is_for_signatures(jwk) || json_object_get(jwk, "d"))
        return false;
    key.key = key_of_type(jwk, &key.algorithm);
    ERR_clear_error();
    if (!key.key || !is_of_algorithm(jwk, key.algorithm)) {
        verification_key_clear(&key);
        return false;
    }
    key.id = mem_string(json_string_value(json_object_get(jwk, "kid")));
    *ret_key = key;
    return true;
}

void verification_key_clear(struct verification_key *key)
{
    EVP_PKEY_free(key->key);
    mem_free(key->id);
    *key = (struct verification_key){0};
}

// DER, as OpenSSL wants it, of the two numbers side by side that a JWS holds (RFC 7518, section 3.4). The size of it;
// 0: it is none.
static size_t ecdsa_der(const unsigned char *flat, size_t size, unsigned char ret_der[ECDSA_DER_MAX])
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r, *s;
    int der_size = 0;

    if (size != 2 * P256_SIZE || !pair) {
        ECDSA_SIG_free(pair);
        return 0;
    }
    r = BN_bin2bn(flat, P256_SIZE, NULL);
    s = BN_bin2bn(flat + P256_SIZE, P256_SIZE, NULL);
    if (r && s && ECDSA_SIG_set0(pair, r, s)) {
        der_size = i2d_ECDSA_SIG(pair, &ret_der);
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(pair);
    return der_size > 0 ? (size_t)der_size : 0;
}

static bool verify(const struct verification_key *key, struct bytes signed_part, const unsigned char *signature,
                   size_t size)
{
    const EVP_MD *digest = key->algorithm == SIGNATURE_EDDSA ? NULL : EVP_sha256();
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good =
        context && EVP_DigestVerifyInit(context, NULL, digest, NULL, key->key) == 1 &&
        EVP_DigestVerify(context, signature, size, (const unsigned char *)signed_part.data, signed_part.size) == 1;

    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return good;
}

bool verification_key_verify(const struct verification_key *key, struct bytes signed_part, struct bytes signature)
{
    unsigned char der[ECDSA_DER_MAX];
    size_t size = 0;
    char *bytes = base64url_decode(signature, &size);
    bool good = false;

    if (bytes && key->algorithm == SIGNATURE_ES256)
        good = (size = ecdsa_der((unsigned char *)bytes, size, der)) > 0 && verify(key, signed_part, der, size);
    else if (bytes)
        good = verify(key, signed_part, (unsigned char *)bytes, size);
    mem_wiping_free(bytes);
    return good;
}
