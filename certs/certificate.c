#include "certificate.h"

#include <time.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>

// 128 random bits: no two CAs of one name, and no two leaves of one CA, will ever share a serial.
#define SERIAL_BITS 128

EVP_PKEY *certificate_key_new(void)
{
    return EVP_EC_gen("P-256");
}

bool certificate_set_serial(X509 *certificate)
{
    BIGNUM *serial = BN_new();
    bool done = serial && BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
                BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate));

    BN_free(serial);
    return done;
}

static bool set_time(ASN1_TIME *time, struct wall wall)
{
    return ASN1_TIME_set(time, (time_t)(wall.ms / SECOND_MS)) != NULL;
}

bool certificate_set_time(X509 *certificate, struct wall not_before, struct wall not_after)
{
    return set_time(X509_getm_notBefore(certificate), not_before) &&
           set_time(X509_getm_notAfter(certificate), not_after);
}

X509 *certificate_new(EVP_PKEY *key, struct wall not_before, struct wall not_after)
{
    X509 *certificate = X509_new();

    if (certificate && X509_set_version(certificate, X509_VERSION_3) && certificate_set_serial(certificate) &&
        certificate_set_time(certificate, not_before, not_after) && X509_set_pubkey(certificate, key))
        return certificate;
    X509_free(certificate);
    return NULL;
}

bool certificate_add_name(X509 *certificate, int nid, const char *value)
{
    return X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), nid, MBSTRING_ASC,
                                      (const unsigned char *)value, -1, -1, 0);
}

bool certificate_add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;
    bool done;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    done = extension && X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return done;
}

GENERAL_NAME *certificate_general_name(int type, int string_type, struct bytes value)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *string = ASN1_STRING_type_new(string_type);

    if (!name || !string || !ASN1_STRING_set(string, value.data, (int)value.size)) {
        GENERAL_NAME_free(name);
        ASN1_STRING_free(string);
        return NULL;
    }
    GENERAL_NAME_set0_value(name, type, string);
    return name;
}

bool certificate_sign(X509 *certificate, EVP_PKEY *issuer_key)
{
    return X509_sign(certificate, issuer_key, EVP_sha256()) > 0;
}

static struct wall wall_of(const ASN1_TIME *time)
{
    struct tm tm = {0};

    // A time that cannot be read is long past: such a certificate is never used.
    if (!ASN1_TIME_to_tm(time, &tm))
        return (struct wall){0};
    return (struct wall){timegm(&tm) * SECOND_MS};
}

struct wall certificate_not_before(const X509 *certificate)
{
    return wall_of(X509_get0_notBefore(certificate));
}

struct wall certificate_not_after(const X509 *certificate)
{
    return wall_of(X509_get0_notAfter(certificate));
}

bool certificate_error(struct error *error, const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    error_set(error, "%s: %s", what, reason ? reason : "OpenSSL failed");
    ERR_clear_error();
    return false;
}
