// Private keys as PEM, for tests of the App's key.
#ifndef GITLATCH_TEST_KEY_H
#define GITLATCH_TEST_KEY_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "cmocka_unit.h"
#include <gitlatch/attr.h>

enum test_key_form { TEST_KEY_PKCS1, TEST_KEY_PKCS8, TEST_KEY_ENCRYPTED };

// Room for the PEM of an RSA key of 4096 bits.
struct test_key_pem {
    char text[8192];
};

static inline struct test_key_pem test_key_pem(EVP_PKEY *key, enum test_key_form form)
{
    struct test_key_pem pem = {0};
    BIO *bio = BIO_new(BIO_s_mem());
    char password[] = "secret";

    if (form == TEST_KEY_PKCS1)
        assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    else if (form == TEST_KEY_PKCS8)
        assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    else
        assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_256_cbc(), password, 6, NULL, NULL), 1);
    int size = BIO_read(bio, pem.text, sizeof(pem.text) - 1);
    assert_true(size > 0);
    BIO_free(bio);
    return pem;
}

static inline void test_key_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

#endif
