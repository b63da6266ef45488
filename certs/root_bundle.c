#include "root_bundle.h"

#include <errno.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

enum block { BLOCK_CERTIFICATE, BLOCK_OTHER, BLOCK_END, BLOCK_DAMAGED };

// Copies the next block of `in` to `out`, if it is a certificate. The DER inside is not looked at: parsing
// the hundred and more roots of a system takes longer than all the rest of the start.
static enum block copy_block(BIO *in, BIO *out)
{
    char *name;
    char *header;
    unsigned char *data;
    long size;
    enum block block = BLOCK_OTHER;

    if (!PEM_read_bio(in, &name, &header, &data, &size))
        return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE ? BLOCK_END : BLOCK_DAMAGED;
    if (strcmp(name, PEM_STRING_X509) == 0 || strcmp(name, PEM_STRING_X509_OLD) == 0)
        block = PEM_write_bio(out, PEM_STRING_X509, "", data, size) > 0 ? BLOCK_CERTIFICATE : BLOCK_DAMAGED;
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(data, (size_t)size);
    return block;
}

// The number of certificates that were copied; -1: the file is damaged.
static int copy_certificates(BIO *in, BIO *out)
{
    int count = 0;

    for (;;) {
        switch (copy_block(in, out)) {
        case BLOCK_CERTIFICATE:
            count++;
            break;
        case BLOCK_OTHER:
            break;
        case BLOCK_END:
            return count;
        case BLOCK_DAMAGED:
            return -1;
        }
    }
}

bool root_bundle_append(struct text *bundle, const char *path, struct error *ret_error)
{
    BIO *in = BIO_new_file(path, "r");
    BIO *out = BIO_new(BIO_s_mem());
    int count = -1;
    char *data;
    long size;

    if (!in) {
        error_set(ret_error, "%s: %s: install the system's roots (Debian: ca-certificates), or name them in ca.roots",
                  path, strerror(errno));
        goto cleanup;
    }
    count = out ? copy_certificates(in, out) : -1;
    if (count > 0) {
        size = BIO_get_mem_data(out, &data);
        text_append_bytes(bundle, bytes_of(data, (size_t)size));
    } else {
        error_set(ret_error, "%s: %s", path, count < 0 ? "is no PEM, or damaged" : "holds no certificate");
    }
cleanup:
    ERR_clear_error();
    BIO_free(in);
    BIO_free(out);
    return count > 0;
}
