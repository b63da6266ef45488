#include "authority.h"

#include <openssl/evp.h>

#include "secret.h"

#include "certs_unit.h"

static NAME_CONSTRAINTS *constraints_of(const struct authority *authority, int *ret_critical)
{
    return X509_get_ext_d2i(authority_certificate(authority), NID_name_constraints, ret_critical, NULL);
}

static bool permits(NAME_CONSTRAINTS *constraints, const char *host)
{
    for (int i = 0; i < sk_GENERAL_SUBTREE_num(constraints->permittedSubtrees); i++) {
        GENERAL_NAME *base = sk_GENERAL_SUBTREE_value(constraints->permittedSubtrees, i)->base;

        assert_int_equal(base->type, GEN_DNS);
        if (bytes_equal(bytes_of((const char *)base->d.ia5->data, (size_t)base->d.ia5->length), bytes_of_string(host)))
            return true;
    }
    return false;
}

static bool excludes_all(NAME_CONSTRAINTS *constraints, int size)
{
    static const char zeros[32];

    for (int i = 0; i < sk_GENERAL_SUBTREE_num(constraints->excludedSubtrees); i++) {
        GENERAL_NAME *base = sk_GENERAL_SUBTREE_value(constraints->excludedSubtrees, i)->base;

        assert_int_equal(base->type, GEN_IPADD);
        if (base->d.iPAddress->length == size)
            return memcmp(base->d.iPAddress->data, zeros, (size_t)size) == 0;
    }
    return false;
}

static void constraint_is_the_hosts_and_no_address(void **state)
{
    struct authority *authority = certs_unit_authority();
    int critical;
    NAME_CONSTRAINTS *constraints = constraints_of(authority, &critical);

    assert_non_null(constraints);
    assert_int_equal(critical, 1);
    assert_int_equal(sk_GENERAL_SUBTREE_num(constraints->permittedSubtrees), 3);
    assert_true(permits(constraints, "github.com"));
    assert_true(permits(constraints, "api.github.com"));
    assert_true(permits(constraints, "uploads.github.com"));
    assert_int_equal(sk_GENERAL_SUBTREE_num(constraints->excludedSubtrees), 2);
    assert_true(excludes_all(constraints, 8));
    assert_true(excludes_all(constraints, 32));
    NAME_CONSTRAINTS_free(constraints);
    authority_free(authority);
}

static void certificate_is_a_leaf_signer_for_tls_servers_alone(void **state)
{
    struct authority *authority = certs_unit_authority();
    X509 *certificate = authority_certificate(authority);

    assert_int_equal(X509_get_extension_flags(certificate) & EXFLAG_CA, EXFLAG_CA);
    assert_int_equal(X509_get_pathlen(certificate), 0);
    assert_int_equal(X509_get_key_usage(certificate), KU_KEY_CERT_SIGN);
    assert_int_equal(X509_get_extended_key_usage(certificate), XKU_SSL_SERVER);
    assert_int_equal(X509_get_signature_nid(certificate), NID_ecdsa_with_SHA256);
    assert_non_null(X509_get0_subject_key_id(certificate));
    assert_non_null(X509_get0_authority_key_id(certificate));
    authority_free(authority);
}

static void every_authority_has_its_own_name_and_serial(void **state)
{
    struct authority *one = certs_unit_authority();
    struct authority *two = certs_unit_authority();
    const ASN1_INTEGER *serial = X509_get0_serialNumber(authority_certificate(one));
    char name[128];

    X509_NAME_oneline(X509_get_subject_name(authority_certificate(one)), name, sizeof(name));
    assert_non_null(strstr(name, "CN=gitlatch workspace CA "));
    assert_int_not_equal(X509_NAME_cmp(X509_get_subject_name(authority_certificate(one)),
                                       X509_get_subject_name(authority_certificate(two))),
                         0);
    assert_int_not_equal(ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(authority_certificate(two))), 0);
    assert_int_equal(serial->length, 128 / 8);
    authority_free(one);
    authority_free(two);
}

static void it_is_valid_a_year_and_due_a_month_before(void **state)
{
    struct authority *authority = certs_unit_authority();

    assert_int_equal(authority_expiry(authority).ms, certs_unit_later(365 * DAY_MS).ms);
    assert_false(authority_due(authority, certs_unit_later(-50 * MINUTE_MS)));
    assert_true(authority_due(authority, certs_unit_later(-2 * HOUR_MS)));
    assert_false(authority_due(authority, certs_unit_later(334 * DAY_MS)));
    assert_true(authority_due(authority, certs_unit_later(336 * DAY_MS)));
    authority_free(authority);
}

static void renewed_it_keeps_key_name_and_constraint(void **state)
{
    struct authority *old = certs_unit_authority();
    struct error error;
    struct authority *fresh = authority_renew(old, certs_unit_later(340 * DAY_MS), &error);

    assert_non_null(fresh);
    assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(authority_certificate(fresh)), authority_key(old)), 1);
    assert_true(authority_fits(fresh, &certs_unit_hosts));
    assert_int_equal(authority_expiry(fresh).ms, certs_unit_later((340 + 365) * DAY_MS).ms);
    assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(authority_certificate(old)),
                                          X509_get0_serialNumber(authority_certificate(fresh))),
                         0);
    assert_int_equal(X509_verify(authority_certificate(fresh), authority_key(old)), 1);
    authority_free(old);
    authority_free(fresh);
}

static void fits_its_hosts_in_any_order_and_no_others(void **state)
{
    static const char *const reversed_names[] = {"uploads.github.com", "github.com", "api.github.com"};
    static const char *const more_names[] = {"github.com", "api.github.com", "uploads.github.com", "ghe.example"};
    const struct name_list reversed = {reversed_names, 3};
    const struct name_list fewer = {certs_unit_names, 2};
    const struct name_list more = {more_names, 4};
    struct authority *authority = certs_unit_authority();

    assert_true(authority_fits(authority, &certs_unit_hosts));
    assert_true(authority_fits(authority, &reversed));
    assert_false(authority_fits(authority, &fewer));
    assert_false(authority_fits(authority, &more));
    assert_false(authority_fits(authority, &certs_unit_other_hosts));
    authority_free(authority);
}

static void comes_back_from_its_pem(void **state)
{
    struct authority *authority = certs_unit_authority();
    struct secret *key = authority_key_pem(authority);
    struct error error;
    struct authority *again = authority_parse(authority_pem(authority), secret_bytes(key), &error);

    assert_non_null(again);
    assert_true(bytes_equal(authority_pem(authority), authority_pem(again)));
    assert_int_equal(EVP_PKEY_eq(authority_key(authority), authority_key(again)), 1);
    assert_true(authority_fits(again, &certs_unit_hosts));
    authority_free(again);
    secret_unref(key);
    authority_free(authority);
}

static char *content_of(BIO *memory)
{
    char *data;
    long size = BIO_get_mem_data(memory, &data);

    return mem_bytes_string(bytes_of(data, (size_t)size));
}

// A CA that somebody else made, with a key of this group, and no constraint.
static char *foreign_pair(const char *group, const EVP_CIPHER *cipher, char **ret_key)
{
    EVP_PKEY *key = EVP_EC_gen(group);
    X509 *certificate = X509_new();
    BIO *out = BIO_new(BIO_s_mem());
    char *pem;

    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    PEM_write_bio_X509(out, certificate);
    pem = content_of(out);
    BIO_reset(out);
    PEM_write_bio_PKCS8PrivateKey(out, key, cipher, cipher ? "password" : NULL, cipher ? 8 : 0, NULL, NULL);
    *ret_key = content_of(out);
    BIO_free(out);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return pem;
}

static void a_foreign_authority_does_not_fit(void **state)
{
    static const char *const groups[] = {"P-256", "P-384"};

    for (size_t i = 0; i < GL_ARRAY_SIZE(groups); i++) {
        char *key;
        char *pem = foreign_pair(groups[i], NULL, &key);
        struct error error;
        struct authority *foreign = authority_parse(bytes_of_string(pem), bytes_of_string(key), &error);

        assert_non_null(foreign);
        assert_false(authority_fits(foreign, &certs_unit_hosts));
        authority_free(foreign);
        mem_free(pem);
        mem_free(key);
    }
}

static void what_is_damaged_is_not_parsed(void **state)
{
    struct authority *one = certs_unit_authority();
    struct authority *two = certs_unit_authority();
    struct secret *key = authority_key_pem(one);
    struct bytes pem = authority_pem(one);
    struct error error = {{0}};
    char *encrypted;
    char *foreign = foreign_pair("P-256", EVP_aes_128_cbc(), &encrypted);

    assert_null(authority_parse(authority_pem(two), secret_bytes(key), &error));
    assert_non_null(strstr(error.text, "the CA cannot be read"));
    assert_null(authority_parse(bytes_of(pem.data, pem.size / 2), secret_bytes(key), &error));
    assert_null(authority_parse(pem, BYTES(""), &error));
    assert_null(authority_parse(BYTES(""), BYTES(""), &error));
    assert_null(authority_parse(bytes_of_string(foreign), bytes_of_string(encrypted), &error));
    mem_free(foreign);
    mem_free(encrypted);
    secret_unref(key);
    authority_free(one);
    authority_free(two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constraint_is_the_hosts_and_no_address),
        cmocka_unit_test(certificate_is_a_leaf_signer_for_tls_servers_alone),
        cmocka_unit_test(every_authority_has_its_own_name_and_serial),
        cmocka_unit_test(it_is_valid_a_year_and_due_a_month_before),
        cmocka_unit_test(renewed_it_keeps_key_name_and_constraint),
        cmocka_unit_test(fits_its_hosts_in_any_order_and_no_others),
        cmocka_unit_test(comes_back_from_its_pem),
        cmocka_unit_test(a_foreign_authority_does_not_fit),
        cmocka_unit_test(what_is_damaged_is_not_parsed),
    };

    return cmocka_run_group_tests_name("authority", tests, NULL, NULL);
}
