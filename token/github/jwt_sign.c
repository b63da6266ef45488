#include "jwt_sign.h"

#include <ctype.h>
#include <jansson.h>
#include <jwt.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#include "key_shape.h"
#include "mem.h"
#include "secret.h"

#define RSA_BITS_MIN 2048
// RSA of 2048 to 16,384 bits.
#define SIGNATURE_MIN 256
#define SIGNATURE_MAX 2048
// Eleven digits and more are no App's id, and would not fit GitHub's integer.
#define ISSUER_DIGITS_MAX 15

// OpenSSL asks for a password through this; there is none to give, and no terminal is ever asked.
static int jwt_sign_refuse_password(char *buffer, int size, int writing, void *asked)
{
    *(bool *)asked = true;
    return -1;
}

static EVP_PKEY *load_key(struct bytes pem, struct error *ret_error)
{
    bool asked = false;
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, jwt_sign_refuse_password, &asked) : NULL;

    BIO_free(bio);
    ERR_clear_error();
    if (!key && asked)
        error_set(ret_error, "the key is encrypted; store it decrypted (openssl rsa -in KEY -out PLAIN), readable to "
                             "gitlatch alone");
    else if (!key)
        error_set(ret_error, "%s", key_shape_advice(pem));
    return key;
}

bool jwt_sign_key_check(struct bytes pem, struct error *ret_error)
{
    EVP_PKEY *key = load_key(pem, ret_error);
    bool usable = false;

    if (!key)
        return false;
    if (!EVP_PKEY_is_a(key, "RSA")) {
        error_set(ret_error, "the key is of type %s; a GitHub App's key is RSA", EVP_PKEY_get0_type_name(key));
    } else if (EVP_PKEY_get_bits(key) < RSA_BITS_MIN) {
        error_set(ret_error, "the RSA key has %d bits, fewer than %d; make a new one in the App's settings",
                  EVP_PKEY_get_bits(key), RSA_BITS_MIN);
    } else {
        struct secret *trial = jwt_sign(pem, "1", (struct wall){HOUR_MS}, ret_error);
        usable = trial != NULL;
        secret_unref(trial);
    }
    EVP_PKEY_free(key);
    return usable;
}

static bool is_number(const char *issuer)
{
    size_t digits = strspn(issuer, "0123456789");

    return issuer[digits] == '\0' && digits > 0 && digits <= ISSUER_DIGITS_MAX;
}

static bool add_claims(jwt_t *jwt, const char *issuer, struct wall now)
{
    long issued = (long)((now.ms - JWT_SIGN_ISSUED_BEFORE_MS) / SECOND_MS);
    long expires = (long)((now.ms + JWT_SIGN_EXPIRES_AFTER_MS) / SECOND_MS);

    return jwt_add_grant_int(jwt, "iat", issued) == 0 && jwt_add_grant_int(jwt, "exp", expires) == 0 &&
           (is_number(issuer) ? jwt_add_grant_int(jwt, "iss", strtol(issuer, NULL, 10))
                              : jwt_add_grant(jwt, "iss", issuer)) == 0;
}

struct secret *jwt_sign(struct bytes pem, const char *issuer, struct wall now, struct error *ret_error)
{
    struct secret *token = NULL;
    char *encoded = NULL;
    jwt_t *jwt = NULL;

    if (jwt_new(&jwt) != 0)
        goto cleanup;
    if (!add_claims(jwt, issuer, now) ||
        jwt_set_alg(jwt, JWT_ALG_RS256, (const unsigned char *)pem.data, (int)pem.size) != 0)
        goto cleanup;
    encoded = jwt_encode_str(jwt);
    if (encoded)
        token = secret_new(bytes_of_string(encoded));
cleanup:
    if (!token)
        error_set(ret_error, "the key cannot sign");
    mem_wiping_free(encoded);
    if (jwt)
        jwt_free(jwt);
    ERR_clear_error();
    return token;
}

// RFC 4648, section 5, without padding; given to mem_free.
static char *base64url(struct bytes bytes)
{
    char *text = mem_alloc(4 * ((bytes.size + 2) / 3) + 1);

    EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)bytes.data, (int)bytes.size);
    for (char *c = text; *c; c++)
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c == '=' ? '\0' : *c;
    return text;
}

char *jwt_sign_input(const char *issuer, struct wall now)
{
    json_int_t issued = (now.ms - JWT_SIGN_ISSUED_BEFORE_MS) / SECOND_MS;
    json_int_t expires = (now.ms + JWT_SIGN_EXPIRES_AFTER_MS) / SECOND_MS;
    json_t *claims = json_pack("{s:I, s:I, s:o}", "iat", issued, "exp", expires, "iss",
                               is_number(issuer) ? json_integer(strtol(issuer, NULL, 10)) : json_string(issuer));
    char *claims_text = json_dumps(claims, JSON_COMPACT);
    char *header = base64url(BYTES("{\"alg\":\"RS256\",\"typ\":\"JWT\"}"));
    char *payload = base64url(bytes_of_string(claims_text));
    char *input = mem_format("%s.%s", header, payload);

    mem_wiping_free(claims_text);
    json_decref(claims);
    mem_free(header);
    mem_free(payload);
    return input;
}

static bool is_base64(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (!isalnum((unsigned char)c) && (c == '\0' || !strchr("+/-_=\r\n", c)))
            return false;
    }
    return true;
}

// Any base64 to base64url, without line ends and padding; given to mem_free.
static char *base64url_normal(struct bytes text)
{
    char *normal = mem_alloc(text.size + 1);
    size_t size = 0;

    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c != '=' && c != '\r' && c != '\n')
            normal[size++] = c == '+' ? '-' : c == '/' ? '_' : c;
    }
    normal[size] = '\0';
    return normal;
}

struct secret *jwt_sign_assemble(const char *signing_input, struct bytes signature, struct error *ret_error)
{
    // 256 random bytes are all base64 letters with a chance of 2^-500: no raw signature is taken for an encoded one.
    bool encoded = is_base64(signature);
    char *text = encoded ? base64url_normal(signature) : base64url(signature);
    size_t input_size = strlen(signing_input), text_size = strlen(text), size = text_size * 3 / 4;
    struct secret *token = NULL;
    char *data;

    if (size < SIGNATURE_MIN || size > SIGNATURE_MAX) {
        error_set(ret_error, "the command's output (%zu bytes) is no RSA signature of at least %d bits", signature.size,
                  RSA_BITS_MIN);
    } else {
        token = secret_new_sized(input_size + 1 + text_size, &data);
        memcpy(data, signing_input, input_size);
        data[input_size] = '.';
        memcpy(data + input_size + 1, text, text_size);
    }
    mem_free(text);
    return token;
}
