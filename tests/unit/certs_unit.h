// What the tests of certs/ share: a folder of their own, and OpenSSL as the judge of a certificate.
#ifndef GITLATCH_CERTS_UNIT_H
#define GITLATCH_CERTS_UNIT_H

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "authority.h"
#include "mem.h"

#include "cmocka_unit.h"

static const char *const certs_unit_names[] = {"github.com", "api.github.com", "uploads.github.com"};
static const struct name_list certs_unit_hosts = {certs_unit_names, 3};
static const char *const certs_unit_other_names[] = {"github.example"};
static const struct name_list certs_unit_other_hosts = {certs_unit_other_names, 1};

// 2026-04-01T12:00:00Z, in the CA's and in the verifier's clock.
#define CERTS_UNIT_NOW ((struct wall){INT64_C(1775044800) * SECOND_MS})

static inline struct wall certs_unit_later(int64_t ms)
{
    return (struct wall){CERTS_UNIT_NOW.ms + ms};
}

static inline struct authority *certs_unit_authority(void)
{
    struct error error;
    struct authority *authority = authority_new(&certs_unit_hosts, CERTS_UNIT_NOW, &error);

    assert_non_null(authority);
    return authority;
}

// X509_V_OK, or why a client that trusts `root` (PEM) refuses the certificate for a host (or an address), in
// strict mode (RFC 5280 to the letter, as Python 3.13 asks for).
static inline int certs_unit_verify(struct bytes root, X509 *certificate, const char *host, const char *address,
                                    struct wall now)
{
    BIO *in = BIO_new_mem_buf(root.data, (int)root.size);
    X509 *trusted = PEM_read_bio_X509(in, NULL, NULL, NULL);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509_VERIFY_PARAM *param;
    int result;

    X509_STORE_add_cert(store, trusted);
    X509_STORE_CTX_init(context, store, certificate, NULL);
    param = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
    X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
    X509_VERIFY_PARAM_set_time(param, (time_t)(now.ms / SECOND_MS));
    if (host)
        X509_VERIFY_PARAM_set1_host(param, host, 0);
    if (address)
        X509_VERIFY_PARAM_set1_ip_asc(param, address);
    X509_verify_cert(context);
    result = X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_free(trusted);
    BIO_free(in);
    return result;
}

static inline char *certs_unit_directory(void)
{
    char *path = mem_string("/tmp/gitlatch-unit-XXXXXX");

    assert_non_null(mkdtemp(path));
    return path;
}

static inline int certs_unit_remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    return remove(path);
}

static inline void certs_unit_remove(char *path)
{
    nftw(path, certs_unit_remove_one, 8, FTW_DEPTH | FTW_PHYS);
    mem_free(path);
}

// The whole of DIRECTORY/NAME, terminated by NUL; NULL: it cannot be read.
static inline char *certs_unit_read(const char *directory, const char *name, size_t *ret_size)
{
    char *path = mem_format("%s/%s", directory, name);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    char *content = NULL;

    mem_free(path);
    if (descriptor >= 0 && fstat(descriptor, &status) == 0) {
        content = mem_alloc_zero(1, (size_t)status.st_size + 1);
        if (read(descriptor, content, (size_t)status.st_size) != status.st_size) {
            mem_free(content);
            content = NULL;
        } else if (ret_size) {
            *ret_size = (size_t)status.st_size;
        }
    }
    if (descriptor >= 0)
        close(descriptor);
    return content;
}

static inline void certs_unit_write(const char *directory, const char *name, const char *content)
{
    char *path = mem_format("%s/%s", directory, name);
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, content, strlen(content)), strlen(content));
    close(descriptor);
    mem_free(path);
}

static inline mode_t certs_unit_mode(const char *directory, const char *name)
{
    char *path = mem_format("%s/%s", directory, name);
    struct stat status;

    assert_int_equal(stat(path, &status), 0);
    mem_free(path);
    return status.st_mode & 07777;
}

#endif
