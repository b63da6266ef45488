#include "jwt_sign.h"

#include <jansson.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "mem.h"
#include "secret.h"
#include "test_key.h"

#define NOW ((struct wall){1764000000123})

static EVP_PKEY *rsa;

static int make_key(void **state)
{
    rsa = EVP_RSA_gen(2048);
    return rsa == NULL;
}

static int free_key(void **state)
{
    EVP_PKEY_free(rsa);
    return 0;
}

static size_t decode(const char *text, size_t size, unsigned char *out)
{
    unsigned char padded[4096];
    size_t i;

    for (i = 0; i < size; i++)
        padded[i] = (unsigned char)(text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i]);
    while (i % 4)
        padded[i++] = '=';
    return (size_t)EVP_DecodeBlock(out, padded, (int)i) - (i - size);
}

// The claims, once the signature is found to be right.
static json_t *verified(const struct secret *token)
{
    struct bytes text = secret_bytes(token), header, rest, payload, signature;
    unsigned char raw[4096], decoded[4096];
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    assert_true(bytes_cut(text, '.', &header, &rest));
    assert_true(bytes_cut(rest, '.', &payload, &signature));
    size_t size = decode(signature.data, signature.size, raw);
    assert_int_equal(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, rsa), 1);
    assert_int_equal(
        EVP_DigestVerify(context, raw, size, (const unsigned char *)text.data, header.size + 1 + payload.size), 1);
    EVP_MD_CTX_free(context);

    size = decode(header.data, header.size, decoded);
    json_t *head = json_loadb((const char *)decoded, size, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(head, "alg")), "RS256");
    assert_string_equal(json_string_value(json_object_get(head, "typ")), "JWT");
    json_decref(head);
    size = decode(payload.data, payload.size, decoded);
    json_t *claims = json_loadb((const char *)decoded, size, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(claims);
    return claims;
}

static void claims_are_githubs(void **state)
{
    static const enum test_key_form forms[] = {TEST_KEY_PKCS1, TEST_KEY_PKCS8};

    for (size_t i = 0; i < GL_ARRAY_SIZE(forms); i++) {
        struct test_key_pem pem = test_key_pem(rsa, forms[i]);
        assert_true(jwt_sign_key_check(bytes_of_string(pem.text), NULL));
        struct secret *token = jwt_sign(bytes_of_string(pem.text), "12345", NOW, NULL);
        assert_non_null(token);
        json_t *claims = verified(token);
        assert_int_equal(json_object_size(claims), 3);
        assert_int_equal(json_integer_value(json_object_get(claims, "iat")), 1764000000 - 60);
        assert_int_equal(json_integer_value(json_object_get(claims, "exp")), 1764000000 + 540);
        assert_true(json_is_integer(json_object_get(claims, "iss")));
        assert_int_equal(json_integer_value(json_object_get(claims, "iss")), 12345);
        json_decref(claims);
        secret_unref(token);
    }
}

static void client_id_is_a_string(void **state)
{
    struct test_key_pem pem = test_key_pem(rsa, TEST_KEY_PKCS8);
    struct secret *token = jwt_sign(bytes_of_string(pem.text), "Iv23liABCdef", NOW, NULL);
    json_t *claims = verified(token);

    assert_string_equal(json_string_value(json_object_get(claims, "iss")), "Iv23liABCdef");
    json_decref(claims);
    secret_unref(token);
}

static void refused(struct bytes pem, const char *word)
{
    struct error error = {0};

    assert_false(jwt_sign_key_check(pem, &error));
    assert_non_null(strstr(error.text, word));
    // What is left in OpenSSL's queue would be taken for the failure of a connection.
    assert_int_equal(ERR_peek_error(), 0);
}

static void other_keys_are_refused(void **state)
{
    EVP_PKEY *ec = EVP_EC_gen("P-256"), *small = EVP_RSA_gen(1024);
    struct test_key_pem pem;

    pem = test_key_pem(rsa, TEST_KEY_ENCRYPTED);
    refused(bytes_of_string(pem.text), "encrypted");
    pem = test_key_pem(ec, TEST_KEY_PKCS8);
    refused(bytes_of_string(pem.text), "type EC");
    pem = test_key_pem(small, TEST_KEY_PKCS1);
    refused(bytes_of_string(pem.text), "1024 bits");
    pem = test_key_pem(rsa, TEST_KEY_PKCS8);
    pem.text[600] = '!';
    refused(bytes_of_string(pem.text), "no private key in PEM");
    refused(BYTES("ghp_notakey"), "a token, not a key");
    refused(bytes_of(NULL, 0), "no private key in PEM");
    EVP_PKEY_free(ec);
    EVP_PKEY_free(small);
}

static size_t sign_outside(const char *input, unsigned char *raw, size_t size)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, rsa), 1);
    assert_int_equal(EVP_DigestSign(context, raw, &size, (const unsigned char *)input, strlen(input)), 1);
    EVP_MD_CTX_free(context);
    return size;
}

static void signature_from_outside(void **state)
{
    char *input = jwt_sign_input("12345", NOW);
    unsigned char raw[256], base64[400];
    size_t size = sign_outside(input, raw, sizeof(raw));
    struct bytes forms[3] = {bytes_of((const char *)raw, size)};

    // As `openssl dgst -sign` gives it, as `openssl base64` would (one line, with a line end), as a KMS's base64url.
    size_t encoded = (size_t)EVP_EncodeBlock(base64, raw, (int)size);
    base64[encoded] = '\n';
    char url[400];
    for (size_t i = 0; i < encoded; i++)
        url[i] = base64[i] == '+' ? '-' : base64[i] == '/' ? '_' : (char)base64[i];
    forms[1] = bytes_of((const char *)base64, encoded + 1);
    forms[2] = bytes_of(url, encoded - 2); // without its padding
    for (size_t i = 0; i < GL_ARRAY_SIZE(forms); i++) {
        struct secret *token = jwt_sign_assemble(input, forms[i], NULL);
        assert_non_null(token);
        json_t *claims = verified(token);
        assert_int_equal(json_integer_value(json_object_get(claims, "iss")), 12345);
        assert_int_equal(json_integer_value(json_object_get(claims, "exp")), 1764000540);
        json_decref(claims);
        secret_unref(token);
    }
    mem_free(input);
}

static void no_signature_is_refused(void **state)
{
    struct error error;

    assert_null(jwt_sign_assemble("a.b", BYTES("access denied\n"), &error));
    assert_non_null(strstr(error.text, "no RSA signature"));
    assert_null(jwt_sign_assemble("a.b", bytes_of(NULL, 0), &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims_are_githubs),      cmocka_unit_test(client_id_is_a_string),
        cmocka_unit_test(other_keys_are_refused),  cmocka_unit_test(signature_from_outside),
        cmocka_unit_test(no_signature_is_refused),
    };

    return cmocka_run_group_tests_name("jwt_sign", tests, make_key, free_key);
}
