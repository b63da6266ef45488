#include "client_certificate.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "bytes.h"
#include "mem.h"

// A certificate with more names is none of a workload.
#define NAMES_MAX 64
// SPIFFE-ID, section 2.3.
#define SPIFFE_SIZE_MAX 2048

void client_certificate_names_free(char **names)
{
    for (char **name = names; name && *name; name++)
        mem_free(*name);
    mem_free(names);
}

static bool verify_certificate(X509 *certificate, STACK_OF(X509) *chain, X509_STORE *roots, struct error *ret_error)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    bool good = false;

    if (context && X509_STORE_CTX_init(context, roots, certificate, chain)) {
        X509_STORE_CTX_set_default(context, "ssl_client");
        good = X509_verify_cert(context) == 1;
        if (!good)
            error_set(ret_error, "the certificate is not accepted: %s",
                      X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
    }
    X509_STORE_CTX_free(context);
    ERR_clear_error();
    return good;
}

// The text of a name; NULL: it holds a NUL or a control character, and is no name.
static char *text_of_name(const ASN1_STRING *name)
{
    struct bytes text = bytes_of((const char *)ASN1_STRING_get0_data(name), (size_t)ASN1_STRING_length(name));

    for (size_t i = 0; i < text.size; i++) {
        if ((unsigned char)text.data[i] <= ' ' || (unsigned char)text.data[i] == 0x7f)
            return NULL;
    }
    return text.size > 0 ? mem_bytes_string(text) : NULL;
}

static char *subject_of(const X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data, *subject = NULL;
    long size;

    if (bio && X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) >= 0 &&
        (size = BIO_get_mem_data(bio, &data)) > 0)
        subject = mem_bytes_string(bytes_of(data, (size_t)size));
    BIO_free(bio);
    return subject;
}

// A SPIFFE id has a trust domain, and neither query, fragment, user nor port.
static bool is_spiffe_id(const char *uri)
{
    struct bytes rest = bytes_of_string(uri), domain, path;

    if (!bytes_start_with(rest, BYTES("spiffe://")) || rest.size > SPIFFE_SIZE_MAX || strpbrk(uri, "?#%@*"))
        return false;
    bytes_cut(bytes_skip(rest, strlen("spiffe://")), '/', &domain, &path);
    return domain.size > 0 && !memchr(domain.data, ':', domain.size) && !bytes_contain(path, BYTES("//")) &&
           !bytes_end_with(rest, BYTES("/"));
}

// Exactly one URI, and no other identity beside it (X509-SVID, section 2).
static bool take_spiffe_id(const GENERAL_NAMES *list, char **names, struct error *ret_error)
{
    char *uri = NULL;
    size_t count = 0;

    for (int i = 0; i < sk_GENERAL_NAME_num(list); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(list, i);

        if (name->type == GEN_URI && count++ == 0)
            uri = text_of_name(name->d.uniformResourceIdentifier);
    }
    if (count == 1 && uri && is_spiffe_id(uri)) {
        names[0] = uri;
        return true;
    }
    mem_free(uri);
    return error_set(ret_error, "the certificate's URIs must be one SPIFFE id, and are %zu", count);
}

static void take_dns_names(const GENERAL_NAMES *list, char **names)
{
    size_t count = 0;

    for (int i = 0; i < sk_GENERAL_NAME_num(list) && count < NAMES_MAX; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(list, i);
        char *text = name->type == GEN_DNS ? text_of_name(name->d.dNSName) : NULL;

        if (text)
            names[count++] = text;
    }
}

static bool has_uri(const GENERAL_NAMES *list)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(list); i++) {
        if (sk_GENERAL_NAME_value(list, i)->type == GEN_URI)
            return true;
    }
    return false;
}

// A CA's own certificate is nobody's identity (X509-SVID, section 4.1).
static bool client_certificate_take_names(X509 *certificate, char **names, struct error *ret_error)
{
    GENERAL_NAMES *list = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    bool taken = true;
    size_t count = 0;

    if (X509_check_ca(certificate) == 1) {
        taken = error_set(ret_error, "the certificate is one of a CA");
    } else if (has_uri(list)) {
        taken = take_spiffe_id(list, names, ret_error);
    } else {
        take_dns_names(list, names);
        while (names[count])
            count++;
        names[count] = subject_of(certificate);
        taken = names[0] || error_set(ret_error, "the certificate has no name");
    }
    GENERAL_NAMES_free(list);
    return taken;
}

enum client_certificate client_certificate_check(SSL *ssl, X509_STORE *roots, char ***ret_names,
                                                 struct error *ret_error)
{
    X509 *certificate = SSL_get0_peer_certificate(ssl);
    char **names;

    if (!certificate)
        return CLIENT_CERTIFICATE_NONE;
    if (!verify_certificate(certificate, SSL_get_peer_cert_chain(ssl), roots, ret_error))
        return CLIENT_CERTIFICATE_REFUSED;
    // One more for the subject, and the end.
    names = mem_alloc_zero(NAMES_MAX + 2, sizeof(*names));
    if (client_certificate_take_names(certificate, names, ret_error)) {
        *ret_names = names;
        return CLIENT_CERTIFICATE_PROVEN;
    }
    client_certificate_names_free(names);
    return CLIENT_CERTIFICATE_REFUSED;
}
