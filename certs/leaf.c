#include "leaf.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "certificate.h"

// A constant: who reads the certificate looks at the subjectAltName, and a commonName ends at 64 characters.
#define SUBJECT_NAME "gitlatch"

static bool add_host(X509 *certificate, const char *host)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = certificate_general_name(GEN_DNS, V_ASN1_IA5STRING, bytes_of_string(host));
    bool done = false;

    if (names && name && sk_GENERAL_NAME_push(names, name) > 0) {
        name = NULL;
        done = X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
    }
    GENERAL_NAME_free(name);
    GENERAL_NAMES_free(names);
    return done;
}

static bool leaf_fill(X509 *certificate, const struct authority *authority, const char *host)
{
    X509 *issuer = authority_certificate(authority);

    return X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) &&
           certificate_add_name(certificate, NID_commonName, SUBJECT_NAME) &&
           certificate_add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
           certificate_add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
           certificate_add_extension(certificate, issuer, NID_ext_key_usage, "serverAuth") &&
           certificate_add_extension(certificate, issuer, NID_subject_key_identifier, "hash") &&
           certificate_add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always") &&
           add_host(certificate, host) && certificate_sign(certificate, authority_key(authority));
}

bool leaf_make(const struct authority *authority, const char *host, struct wall now, struct leaf *ret_leaf,
               struct error *ret_error)
{
    struct leaf leaf = {.key = certificate_key_new()};

    if (leaf.key)
        leaf.certificate = certificate_new(leaf.key, (struct wall){now.ms - AUTHORITY_BACKDATE_MS},
                                           (struct wall){now.ms + LEAF_LIFE_MS});
    if (!leaf.certificate || !leaf_fill(leaf.certificate, authority, host)) {
        leaf_clear(&leaf);
        certificate_error(ret_error, "a certificate cannot be made");
        return error_prefix(ret_error, "%s", host);
    }
    *ret_leaf = leaf;
    return true;
}

void leaf_clear(struct leaf *leaf)
{
    X509_free(leaf->certificate);
    EVP_PKEY_free(leaf->key);
    *leaf = (struct leaf){0};
}
