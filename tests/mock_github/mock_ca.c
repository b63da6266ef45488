#include "mock_ca.h"

#include <err.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "mock_text.h"
#include "virtual_host.h"

#define DAY_SECONDS (24L * 60 * 60)

struct identity {
    X509 *certificate;
    EVP_PKEY *key;
};

static SSL_CTX *contexts[CERTIFICATE_COUNT];

static EVP_PKEY *make_key(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");

    if (!key)
        errx(1, "cannot make a P-256 key");
    return key;
}

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    if (!extension || !X509_add_ext(certificate, extension, -1))
        errx(1, "cannot add extension %s", value);
    X509_EXTENSION_free(extension);
}

// A certificate with what all have in common; not yet signed.
static X509 *make_certificate(EVP_PKEY *key, const char *name, long from, long until)
{
    X509 *certificate = X509_new();
    unsigned char serial[16];
    BIGNUM *number;

    RAND_bytes(serial, sizeof(serial));
    serial[0] &= 0x7f;
    number = BN_bin2bn(serial, sizeof(serial), NULL);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    X509_set_version(certificate, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(certificate), from);
    X509_gmtime_adj(X509_getm_notAfter(certificate), until);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8, (const unsigned char *)name, -1,
                               -1, 0);
    return certificate;
}

static struct identity make_authority(const char *name)
{
    struct identity authority = {.key = make_key()};
    X509 *certificate = make_certificate(authority.key, name, -DAY_SECONDS, 3650 * DAY_SECONDS);

    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(certificate, certificate, NID_subject_key_identifier, "hash");
    if (!X509_sign(certificate, authority.key, EVP_sha256()))
        errx(1, "cannot sign the authority");
    authority.certificate = certificate;
    return authority;
}

static struct identity make_leaf(const struct identity *authority, const char *alternative_names, bool expired)
{
    struct identity leaf = {.key = make_key()};
    long until = expired ? -DAY_SECONDS : 90 * DAY_SECONDS;
    X509 *certificate = make_certificate(leaf.key, "github.com", -2 * DAY_SECONDS, until);

    X509_set_issuer_name(certificate, X509_get_subject_name(authority->certificate));
    add_extension(certificate, authority->certificate, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(certificate, authority->certificate, NID_key_usage, "critical,digitalSignature");
    add_extension(certificate, authority->certificate, NID_ext_key_usage, "serverAuth");
    add_extension(certificate, authority->certificate, NID_subject_key_identifier, "hash");
    add_extension(certificate, authority->certificate, NID_authority_key_identifier, "keyid:always");
    add_extension(certificate, authority->certificate, NID_subject_alt_name, alternative_names);
    if (!X509_sign(certificate, authority->key, EVP_sha256()))
        errx(1, "cannot sign a leaf");
    leaf.certificate = certificate;
    return leaf;
}

static void free_identity(struct identity *identity)
{
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
}

// Only http/1.1, which is all that gitlatch offers. A client that offers something else alone gets no ALPN.
static int choose_protocol(SSL *tls, const unsigned char **out, unsigned char *out_size, const unsigned char *in,
                           unsigned in_size, void *arg)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen;

    if (SSL_select_next_proto(&chosen, out_size, ours, sizeof(ours) - 1, in, in_size) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *make_context(const struct identity *leaf, const struct identity *authority, bool good)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    if (!SSL_CTX_use_certificate(context, leaf->certificate) || !SSL_CTX_use_PrivateKey(context, leaf->key))
        errx(1, "cannot use a certificate");
    SSL_CTX_add1_chain_cert(context, authority->certificate);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    SSL_CTX_set_session_id_context(context, (const unsigned char *)"mock", 4);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (!good) // or a client with a ticket of the good one would not see it
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    return context;
}

static FILE *create_private(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;

    if (!file)
        err(1, "%s", path);
    return file;
}

static void save_authority(const struct identity *authority, const char *certificate_path, const char *key_path)
{
    FILE *file = create_private(key_path);

    PEM_write_PrivateKey(file, authority->key, NULL, NULL, 0, NULL, NULL);
    fclose(file);
    file = fopen(certificate_path, "we");
    if (!file || !PEM_write_X509(file, authority->certificate) || fclose(file) != 0)
        err(1, "%s", certificate_path);
}

static struct identity load_authority(const char *directory)
{
    char *certificate_path = mock_text_format("%s/ca.pem", directory);
    char *key_path = mock_text_format("%s/ca.key", directory);
    FILE *certificate = fopen(certificate_path, "re");
    FILE *key = fopen(key_path, "re");
    struct identity authority = {0};

    if (certificate && key) {
        authority.certificate = PEM_read_X509(certificate, NULL, NULL, NULL);
        authority.key = PEM_read_PrivateKey(key, NULL, NULL, NULL);
    }
    if (!authority.certificate || !authority.key) {
        free_identity(&authority);
        authority = make_authority("Mock GitHub CA");
        save_authority(&authority, certificate_path, key_path);
    }
    if (certificate)
        fclose(certificate);
    if (key)
        fclose(key);
    free(certificate_path);
    free(key_path);
    return authority;
}

static char *join_names(void)
{
    struct mock_text names = {0};

    for (const char *const *name = virtual_host_certificate_names(); *name; name++)
        mock_text_printf(&names, "%sDNS:%s", names.size ? "," : "", *name);
    mock_text_add_string(&names, ",IP:127.0.0.1,IP:::1");
    return names.data;
}

void mock_ca_open(const char *directory)
{
    struct identity authority = load_authority(directory);
    struct identity stranger = make_authority("Mock Stranger CA");
    char *names = join_names();

    for (int i = 0; i < CERTIFICATE_COUNT; i++) {
        const struct identity *issuer = i == CERTIFICATE_UNTRUSTED ? &stranger : &authority;
        const char *alternative_names = i == CERTIFICATE_WRONG_NAME ? "DNS:wrong.test" : names;
        struct identity leaf = make_leaf(issuer, alternative_names, i == CERTIFICATE_EXPIRED);

        contexts[i] = make_context(&leaf, issuer, i == CERTIFICATE_GOOD);
        free_identity(&leaf);
    }
    free(names);
    free_identity(&authority);
    free_identity(&stranger);
}

SSL_CTX *mock_ca_context(enum mock_certificate certificate)
{
    return contexts[certificate];
}

const char *mock_ca_certificate_name(enum mock_certificate certificate)
{
    static const char *const names[] = {"good", "wrong_name", "untrusted", "expired"};

    return names[certificate];
}

static void make_app_key(const char *path)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    FILE *file = create_private(path);

    if (!key || !PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) || fclose(file) != 0)
        err(1, "%s", path);
    EVP_PKEY_free(key);
}

char *mock_ca_app_key(const char *path)
{
    FILE *file;
    EVP_PKEY *key;
    BIO *memory = BIO_new(BIO_s_mem());
    char *data;
    long size;
    char *public_key;

    if (access(path, F_OK) != 0)
        make_app_key(path);
    file = fopen(path, "re");
    key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
    if (!key || !PEM_write_bio_PUBKEY(memory, key))
        errx(1, "%s: not a private key", path);
    size = BIO_get_mem_data(memory, &data);
    public_key = mock_text_copy_bytes(bytes_of(data, (size_t)size));
    BIO_free(memory);
    EVP_PKEY_free(key);
    fclose(file);
    return public_key;
}
