#include "authority.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "certificate.h"
#include "mem.h"
#include "secret.h"

// Bytes of the key's SHA-256 that the subject shows: 64 bits are unique among the CAs of any one place.
#define SUBJECT_FINGERPRINT_BYTES 8
#define SUBJECT_PREFIX            "gitlatch workspace CA "

struct authority {
    X509 *certificate;
    EVP_PKEY *key;
    char *pem; // the certificate
    struct wall not_before, not_after;
};

// An address and its mask, all zero, stand for all addresses of that family (RFC 5280, section 4.2.1.10).
#define IPV4_SUBTREE_SIZE (2 * 4)
#define IPV6_SUBTREE_SIZE (2 * 16)

// Adds a name to a list of subtrees; takes the name.
static bool add_subtree(STACK_OF(GENERAL_SUBTREE) **list, GENERAL_NAME *name)
{
    GENERAL_SUBTREE *subtree = GENERAL_SUBTREE_new();

    if (!*list)
        *list = sk_GENERAL_SUBTREE_new_null();
    if (!subtree || !name || !*list) {
        GENERAL_SUBTREE_free(subtree);
        GENERAL_NAME_free(name);
        return false;
    }
    GENERAL_NAME_free(subtree->base);
    subtree->base = name;
    if (sk_GENERAL_SUBTREE_push(*list, subtree) > 0)
        return true;
    GENERAL_SUBTREE_free(subtree);
    return false;
}

static int authority_compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// Sorted, so that the order of the configuration does not matter to authority_fits.
static bool permit_hosts(NAME_CONSTRAINTS *constraints, const struct name_list *hosts)
{
    const char **names = mem_alloc(hosts->count * sizeof(*names));
    bool done = true;

    for (size_t i = 0; i < hosts->count; i++)
        names[i] = hosts->names[i];
    qsort(names, hosts->count, sizeof(*names), authority_compare_names);
    for (size_t i = 0; i < hosts->count && done; i++)
        done = add_subtree(&constraints->permittedSubtrees,
                           certificate_general_name(GEN_DNS, V_ASN1_IA5STRING, bytes_of_string(names[i])));
    mem_free(names);
    return done;
}

static bool exclude_addresses(NAME_CONSTRAINTS *constraints)
{
    static const char zeros[IPV6_SUBTREE_SIZE];
    struct bytes all_ipv4 = bytes_of(zeros, IPV4_SUBTREE_SIZE);
    struct bytes all_ipv6 = bytes_of(zeros, IPV6_SUBTREE_SIZE);

    return add_subtree(&constraints->excludedSubtrees,
                       certificate_general_name(GEN_IPADD, V_ASN1_OCTET_STRING, all_ipv4)) &&
           add_subtree(&constraints->excludedSubtrees,
                       certificate_general_name(GEN_IPADD, V_ASN1_OCTET_STRING, all_ipv6));
}

static bool add_constraints(X509 *certificate, const struct name_list *hosts)
{
    NAME_CONSTRAINTS *constraints = NAME_CONSTRAINTS_new();
    bool done = constraints && permit_hosts(constraints, hosts) && exclude_addresses(constraints) &&
                X509_add1_ext_i2d(certificate, NID_name_constraints, constraints, 1, X509V3_ADD_DEFAULT) == 1;

    NAME_CONSTRAINTS_free(constraints);
    return done;
}

static bool add_subject(X509 *certificate)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    char name[sizeof(SUBJECT_PREFIX) + 2 * SUBJECT_FINGERPRINT_BYTES] = SUBJECT_PREFIX;
    size_t at = sizeof(SUBJECT_PREFIX) - 1;

    if (!X509_pubkey_digest(certificate, EVP_sha256(), digest, NULL))
        return false;
    for (size_t i = 0; i < SUBJECT_FINGERPRINT_BYTES; i++)
        snprintf(name + at + 2 * i, 3, "%02x", digest[i]);
    return certificate_add_name(certificate, NID_organizationName, "gitlatch") &&
           certificate_add_name(certificate, NID_commonName, name) &&
           X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
}

static X509 *make_certificate(EVP_PKEY *key, const struct name_list *hosts, struct wall now)
{
    X509 *certificate =
        certificate_new(key, (struct wall){now.ms - AUTHORITY_BACKDATE_MS}, (struct wall){now.ms + AUTHORITY_LIFE_MS});

    if (certificate && add_subject(certificate) &&
        certificate_add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        certificate_add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign") &&
        certificate_add_extension(certificate, certificate, NID_ext_key_usage, "serverAuth") &&
        certificate_add_extension(certificate, certificate, NID_subject_key_identifier, "hash") &&
        certificate_add_extension(certificate, certificate, NID_authority_key_identifier, "keyid:always") &&
        add_constraints(certificate, hosts) && certificate_sign(certificate, key))
        return certificate;
    X509_free(certificate);
    return NULL;
}

static char *pem_of(X509 *certificate)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *pem = NULL;
    char *data;
    long size;

    if (out && PEM_write_bio_X509(out, certificate)) {
        size = BIO_get_mem_data(out, &data);
        pem = mem_bytes_string(bytes_of(data, (size_t)size));
    }
    BIO_free(out);
    return pem;
}

// Takes both; NULL, where one of them is, with `what` and OpenSSL's reason as the error.
static struct authority *authority_of(X509 *certificate, EVP_PKEY *key, const char *what, struct error *ret_error)
{
    char *pem = certificate && key ? pem_of(certificate) : NULL;
    struct authority *authority;

    if (!pem) {
        certificate_error(ret_error, what);
        X509_free(certificate);
        EVP_PKEY_free(key);
        return NULL;
    }
    authority = mem_alloc(sizeof(*authority));
    *authority = (struct authority){certificate, key, pem, certificate_not_before(certificate),
                                    certificate_not_after(certificate)};
    return authority;
}

struct authority *authority_new(const struct name_list *hosts, struct wall now, struct error *ret_error)
{
    EVP_PKEY *key = certificate_key_new();
    X509 *certificate = key ? make_certificate(key, hosts, now) : NULL;

    return authority_of(certificate, key, "the CA cannot be made", ret_error);
}

struct authority *authority_renew(const struct authority *old, struct wall now, struct error *ret_error)
{
    X509 *certificate = X509_dup(old->certificate);

    if (certificate && (!certificate_set_serial(certificate) ||
                        !certificate_set_time(certificate, (struct wall){now.ms - AUTHORITY_BACKDATE_MS},
                                              (struct wall){now.ms + AUTHORITY_LIFE_MS}) ||
                        !certificate_sign(certificate, old->key))) {
        X509_free(certificate);
        certificate = NULL;
    }
    EVP_PKEY_up_ref(old->key);
    return authority_of(certificate, old->key, "the CA cannot be renewed", ret_error);
}

// An encrypted key must fail, not prompt on the terminal.
static int authority_refuse_password(char *buffer, int size, int writing, void *arg)
{
    return -1;
}

static X509 *parse_certificate(struct bytes pem)
{
    BIO *in = BIO_new_mem_buf(pem.data, (int)pem.size);
    X509 *certificate = in ? PEM_read_bio_X509(in, NULL, authority_refuse_password, NULL) : NULL;

    BIO_free(in);
    return certificate;
}

static EVP_PKEY *parse_key(struct bytes pem)
{
    BIO *in = BIO_new_mem_buf(pem.data, (int)pem.size);
    EVP_PKEY *key = in ? PEM_read_bio_PrivateKey(in, NULL, authority_refuse_password, NULL) : NULL;

    BIO_free(in);
    return key;
}

struct authority *authority_parse(struct bytes certificate_pem, struct bytes key_pem, struct error *ret_error)
{
    X509 *certificate = parse_certificate(certificate_pem);
    EVP_PKEY *key = certificate ? parse_key(key_pem) : NULL;

    if (key && (X509_check_private_key(certificate, key) != 1 || X509_verify(certificate, key) != 1)) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    return authority_of(certificate, key, "the CA cannot be read", ret_error);
}

void authority_free(struct authority *authority)
{
    if (!authority)
        return;
    X509_free(authority->certificate);
    EVP_PKEY_free(authority->key);
    mem_free(authority->pem);
    mem_free(authority);
}

static bool extensions_equal(const X509 *a, const X509 *b)
{
    int count = X509_get_ext_count(a);

    if (count != X509_get_ext_count(b))
        return false;
    for (int i = 0; i < count; i++) {
        X509_EXTENSION *left = X509_get_ext(a, i);
        X509_EXTENSION *right = X509_get_ext(b, i);

        if (OBJ_cmp(X509_EXTENSION_get_object(left), X509_EXTENSION_get_object(right)) != 0 ||
            X509_EXTENSION_get_critical(left) != X509_EXTENSION_get_critical(right) ||
            ASN1_OCTET_STRING_cmp(X509_EXTENSION_get_data(left), X509_EXTENSION_get_data(right)) != 0)
            return false;
    }
    return true;
}

static bool key_is_p256(EVP_PKEY *key)
{
    char group[sizeof("prime256v1")];

    return EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) && strcmp(group, "prime256v1") == 0;
}

// Made anew for the same key and compared: whatever this program puts into a CA is thereby checked.
bool authority_fits(const struct authority *authority, const struct name_list *hosts)
{
    X509 *fresh = make_certificate(authority->key, hosts, (struct wall){0});
    bool fits = fresh && key_is_p256(authority->key) && extensions_equal(fresh, authority->certificate) &&
                X509_NAME_cmp(X509_get_subject_name(fresh), X509_get_subject_name(authority->certificate)) == 0;

    X509_free(fresh);
    return fits;
}

bool authority_due(const struct authority *authority, struct wall now)
{
    return now.ms < authority->not_before.ms || now.ms > authority->not_after.ms - AUTHORITY_RENEW_BEFORE_MS;
}

struct wall authority_expiry(const struct authority *authority)
{
    return authority->not_after;
}

struct bytes authority_pem(const struct authority *authority)
{
    return bytes_of_string(authority->pem);
}

struct secret *authority_key_pem(const struct authority *authority)
{
    BIO *out = BIO_new(BIO_s_secmem());
    struct secret *secret = NULL;
    char *data;
    long size;

    if (out && PEM_write_bio_PKCS8PrivateKey(out, authority->key, NULL, NULL, 0, NULL, NULL)) {
        size = BIO_get_mem_data(out, &data);
        secret = secret_new(bytes_of(data, (size_t)size));
    }
    BIO_free(out);
    return secret;
}

X509 *authority_certificate(const struct authority *authority)
{
    return authority->certificate;
}

EVP_PKEY *authority_key(const struct authority *authority)
{
    return authority->key;
}
