#include "leaf.h"

#include <openssl/evp.h>

#include "certificate.h"

#include "certs_unit.h"

static struct leaf make(const struct authority *authority, const char *host)
{
    struct leaf leaf;
    struct error error;

    assert_true(leaf_make(authority, host, CERTS_UNIT_NOW, &leaf, &error));
    return leaf;
}

static int verify(const struct authority *authority, const struct leaf *leaf, const char *host, struct wall now)
{
    return certs_unit_verify(authority_pem(authority), leaf->certificate, host, NULL, now);
}

static void strict_clients_take_it_for_its_host(void **state)
{
    struct authority *authority = certs_unit_authority();

    for (size_t i = 0; i < certs_unit_hosts.count; i++) {
        struct leaf leaf = make(authority, certs_unit_names[i]);

        assert_int_equal(verify(authority, &leaf, certs_unit_names[i], CERTS_UNIT_NOW), X509_V_OK);
        assert_int_equal(verify(authority, &leaf, "gist.github.com", CERTS_UNIT_NOW), X509_V_ERR_HOSTNAME_MISMATCH);
        leaf_clear(&leaf);
    }
    authority_free(authority);
}

static void clients_refuse_a_host_outside_the_constraint(void **state)
{
    struct authority *authority = certs_unit_authority();
    static const char *const outside[] = {"evil.example", "github.com.evil.example", "notgithub.com", "com"};

    for (size_t i = 0; i < GL_ARRAY_SIZE(outside); i++) {
        struct leaf leaf = make(authority, outside[i]);

        assert_int_equal(verify(authority, &leaf, outside[i], CERTS_UNIT_NOW), X509_V_ERR_PERMITTED_VIOLATION);
        leaf_clear(&leaf);
    }
    authority_free(authority);
}

// A leaf as a thief of the CA's key would make it: for an address.
static X509 *make_for_address(const struct authority *authority, EVP_PKEY *key, const char *extension)
{
    X509 *issuer = authority_certificate(authority);
    X509 *leaf = certificate_new(key, CERTS_UNIT_NOW, certs_unit_later(DAY_MS));

    assert_non_null(leaf);
    assert_true(X509_set_issuer_name(leaf, X509_get_subject_name(issuer)));
    assert_true(certificate_add_extension(leaf, issuer, NID_subject_alt_name, extension));
    assert_true(certificate_add_extension(leaf, issuer, NID_subject_key_identifier, "hash"));
    assert_true(certificate_add_extension(leaf, issuer, NID_authority_key_identifier, "keyid"));
    assert_true(certificate_add_name(leaf, NID_commonName, "x"));
    assert_true(certificate_sign(leaf, authority_key(authority)));
    return leaf;
}

static void clients_refuse_an_address(void **state)
{
    static const char *const addresses[] = {"192.0.2.1", "2001:db8::1"};
    static const char *const names[] = {"IP:192.0.2.1", "IP:2001:db8::1"};
    struct authority *authority = certs_unit_authority();
    EVP_PKEY *key = certificate_key_new();

    for (size_t i = 0; i < GL_ARRAY_SIZE(names); i++) {
        X509 *leaf = make_for_address(authority, key, names[i]);

        assert_int_equal(certs_unit_verify(authority_pem(authority), leaf, NULL, addresses[i], CERTS_UNIT_NOW),
                         X509_V_ERR_EXCLUDED_VIOLATION);
        X509_free(leaf);
    }
    EVP_PKEY_free(key);
    authority_free(authority);
}

static void it_is_valid_for_seven_days(void **state)
{
    struct authority *authority = certs_unit_authority();
    struct leaf leaf = make(authority, "github.com");

    assert_int_equal(verify(authority, &leaf, "github.com", certs_unit_later(-59 * MINUTE_MS)), X509_V_OK);
    assert_int_equal(verify(authority, &leaf, "github.com", certs_unit_later(7 * DAY_MS - MINUTE_MS)), X509_V_OK);
    assert_int_equal(verify(authority, &leaf, "github.com", certs_unit_later(7 * DAY_MS + MINUTE_MS)),
                     X509_V_ERR_CERT_HAS_EXPIRED);
    leaf_clear(&leaf);
    authority_free(authority);
}

static void it_is_a_p256_server_certificate_and_no_ca(void **state)
{
    struct authority *authority = certs_unit_authority();
    struct leaf leaf = make(authority, "github.com");
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf.certificate, NID_subject_alt_name, NULL, NULL);

    assert_int_equal(EVP_PKEY_get_bits(leaf.key), 256);
    assert_int_equal(X509_get_signature_nid(leaf.certificate), NID_ecdsa_with_SHA256);
    assert_int_equal(X509_check_ca(leaf.certificate), 0);
    assert_int_equal(X509_get_extended_key_usage(leaf.certificate), XKU_SSL_SERVER);
    assert_int_equal(sk_GENERAL_NAME_num(names), 1);
    GENERAL_NAMES_free(names);
    leaf_clear(&leaf);
    authority_free(authority);
}

// The longest name that DNS has (RFC 1035): a commonName could not hold it.
static void a_long_name_is_served(void **state)
{
    char host[254];
    const char *const names[] = {host};
    const struct name_list hosts = {names, 1};
    struct authority *authority;
    struct leaf leaf;
    struct error error;

    memset(host, 'a', sizeof(host) - 1);
    host[sizeof(host) - 1] = '\0';
    for (size_t i = 63; i < sizeof(host) - 1; i += 64)
        host[i] = '.';
    authority = authority_new(&hosts, CERTS_UNIT_NOW, &error);
    leaf = make(authority, host);
    assert_int_equal(verify(authority, &leaf, host, CERTS_UNIT_NOW), X509_V_OK);
    leaf_clear(&leaf);
    authority_free(authority);
}

// A tool that was started before the CA was renewed takes the leaves of after, and the other way round.
static void a_renewed_authority_does_not_part_old_and_new(void **state)
{
    struct wall later = certs_unit_later(340 * DAY_MS);
    struct authority *old = certs_unit_authority();
    struct error error;
    struct authority *fresh = authority_renew(old, later, &error);
    struct leaf from_old;
    struct leaf from_new;

    assert_true(leaf_make(old, "github.com", later, &from_old, &error));
    assert_true(leaf_make(fresh, "github.com", later, &from_new, &error));
    assert_int_equal(verify(old, &from_new, "github.com", later), X509_V_OK);
    assert_int_equal(verify(fresh, &from_old, "github.com", later), X509_V_OK);
    leaf_clear(&from_old);
    leaf_clear(&from_new);
    authority_free(old);
    authority_free(fresh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strict_clients_take_it_for_its_host),
        cmocka_unit_test(clients_refuse_a_host_outside_the_constraint),
        cmocka_unit_test(clients_refuse_an_address),
        cmocka_unit_test(it_is_valid_for_seven_days),
        cmocka_unit_test(it_is_a_p256_server_certificate_and_no_ca),
        cmocka_unit_test(a_long_name_is_served),
        cmocka_unit_test(a_renewed_authority_does_not_part_old_and_new),
    };

    return cmocka_run_group_tests_name("leaf", tests, NULL, NULL);
}
