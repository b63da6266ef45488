#include "trust_store.h"

#include <stdio.h>

#include <openssl/asn1t.h>
#include <openssl/bio.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

// Java takes a certificate of a PKCS #12 store for trusted only where this attribute says so (JDK-8u, class
// sun.security.pkcs12.PKCS12KeyStore: TrustedKeyUsage, with anyExtendedKeyUsage as its value).
#define TRUSTED_KEY_USAGE      "2.16.840.1.113894.746875.1.1"
#define ANY_EXTENDED_KEY_USAGE "2.5.29.37.0"

static bool add_trust(PKCS12_SAFEBAG *bag)
{
    ASN1_OBJECT *usage = OBJ_txt2obj(TRUSTED_KEY_USAGE, 1), *any = OBJ_txt2obj(ANY_EXTENDED_KEY_USAGE, 1);
    X509_ATTRIBUTE *attribute = usage && any ? X509_ATTRIBUTE_create_by_OBJ(NULL, usage, V_ASN1_OBJECT, any, -1) : NULL;
    // The bag's own list, which is there since it has a name. OpenSSL 3.0 has no call that adds to it.
    STACK_OF(X509_ATTRIBUTE) *attributes = (STACK_OF(X509_ATTRIBUTE) *)(uintptr_t)PKCS12_SAFEBAG_get0_attrs(bag);
    bool added = attribute && attributes && sk_X509_ATTRIBUTE_push(attributes, attribute) > 0;

    if (!added)
        X509_ATTRIBUTE_free(attribute);
    ASN1_OBJECT_free(usage);
    ASN1_OBJECT_free(any);
    return added;
}

// The DER inside is packed as it is: parsing the hundred and more roots of a system takes longer than the rest of the start.
static PKCS12_SAFEBAG *make_bag(const unsigned char *der, long size, const char *name)
{
    ASN1_TYPE *certificate = d2i_ASN1_TYPE(NULL, &der, size);
    PKCS12_SAFEBAG *bag =
        certificate ? PKCS12_item_pack_safebag(certificate, ASN1_ITEM_rptr(ASN1_ANY), NID_x509Certificate, NID_certBag)
                    : NULL;

    ASN1_TYPE_free(certificate);
    if (bag && PKCS12_add_friendlyname_utf8(bag, name, -1) && add_trust(bag))
        return bag;
    PKCS12_SAFEBAG_free(bag);
    return NULL;
}

// Adds the next certificate; false at the end, or where it cannot be added (`*ret_ok`).
static bool add_next(BIO *in, STACK_OF(PKCS12_SAFEBAG) *bags, bool *ret_ok)
{
    char *name, *header, alias[32];
    unsigned char *data;
    PKCS12_SAFEBAG *bag;
    long size;

    if (!PEM_read_bio(in, &name, &header, &data, &size))
        return false;
    // Java's aliases: each another one.
    snprintf(alias, sizeof(alias), "certificate %d", sk_PKCS12_SAFEBAG_num(bags) + 1);
    bag = make_bag(data, size, alias);
    *ret_ok = bag && sk_PKCS12_SAFEBAG_push(bags, bag) > 0;
    if (!*ret_ok)
        PKCS12_SAFEBAG_free(bag);
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
    return *ret_ok;
}

static bool append_store(struct text *store, STACK_OF(PKCS12_SAFEBAG) *bags)
{
    STACK_OF(PKCS7) *safes = NULL;
    PKCS12 *pkcs12 = PKCS12_add_safe(&safes, bags, -1, 0, NULL) ? PKCS12_add_safes(safes, 0) : NULL;
    unsigned char *der = NULL;
    int size = pkcs12 ? i2d_PKCS12(pkcs12, &der) : -1;

    if (size > 0)
        text_append_bytes(store, bytes_of((const char *)der, (size_t)size));
    OPENSSL_free(der);
    PKCS12_free(pkcs12);
    sk_PKCS7_pop_free(safes, PKCS7_free);
    return size > 0;
}

bool trust_store_append(struct text *store, struct bytes bundle, struct error *ret_error)
{
    BIO *in = BIO_new_mem_buf(bundle.data, (int)bundle.size);
    STACK_OF(PKCS12_SAFEBAG) *bags = sk_PKCS12_SAFEBAG_new_null();
    bool ok = in && bags;

    while (ok && add_next(in, bags, &ok))
        ;
    ok = ok && append_store(store, bags);
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    BIO_free(in);
    return ok || error_set(ret_error, "truststore.p12: OpenSSL cannot make it");
}
