#include "serving_certificate.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "log.h"
#include "loop.h"
#include "mem.h"
#include "server_context.h"
#include "tls_error.h"

#define LOOK_MS (1 * SECOND_MS)

struct serving_certificate {
    struct loop *loop;
    char *certificate, *key;
    SSL_CTX *context;
    struct stat seen[2]; // of the two files, when they were last read
    struct mono looked_at;
    struct wall end;
};

static bool fail(struct error *error, const char *key, const char *path, const char *what)
{
    tls_error_set(error, path, what);
    return error_prefix(error, "broker.tls.%s", key);
}

// An encrypted key would make OpenSSL ask on the terminal.
static int refuse_password(char *buffer, int size, int writes, void *arg)
{
    return -1;
}

static bool load(const struct serving_certificate *serving, SSL_CTX *context, struct error *error)
{
    ERR_clear_error();
    SSL_CTX_set_default_passwd_cb(context, refuse_password);
    if (!SSL_CTX_use_certificate_chain_file(context, serving->certificate))
        return fail(error, "certificate", serving->certificate, "no certificate can be read from it");
    if (!SSL_CTX_use_PrivateKey_file(context, serving->key, SSL_FILETYPE_PEM))
        return fail(error, "key", serving->key, "no key can be read from it that belongs to the certificate");
    return SSL_CTX_check_private_key(context) ||
           fail(error, "key", serving->key, "it does not belong to the certificate");
}

static SSL_CTX *context_new(const struct serving_certificate *serving, struct error *error)
{
    SSL_CTX *context = server_context_new();

    if (!context)
        fail(error, "certificate", serving->certificate, "TLS cannot be set up");
    else if (load(serving, context, error))
        return context;
    SSL_CTX_free(context);
    return NULL;
}

static struct wall end_of(const SSL_CTX *context)
{
    struct tm fields;

    if (!ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(context)), &fields))
        return WALL_NEVER;
    return (struct wall){(int64_t)timegm(&fields) * SECOND_MS};
}

static void look(const struct serving_certificate *serving, struct stat ret_seen[2])
{
    memset(ret_seen, 0, 2 * sizeof(*ret_seen));
    // A file that is not there is all zero.
    if (stat(serving->certificate, &ret_seen[0]) != 0)
        memset(&ret_seen[0], 0, sizeof(ret_seen[0]));
    if (stat(serving->key, &ret_seen[1]) != 0)
        memset(&ret_seen[1], 0, sizeof(ret_seen[1]));
}

static bool same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool read_files(struct serving_certificate *serving, struct error *error)
{
    SSL_CTX *context;

    // Looked at before they are read: what changes meanwhile is read again.
    look(serving, serving->seen);
    context = context_new(serving, error);
    if (!context)
        return false;
    SSL_CTX_free(serving->context);
    serving->context = context;
    serving->end = end_of(context);
    return true;
}

struct serving_certificate *serving_certificate_new(struct loop *loop, const char *certificate, const char *key,
                                                    struct error *ret_error)
{
    struct serving_certificate *serving = mem_alloc_zero(1, sizeof(*serving));

    serving->loop = loop;
    serving->certificate = mem_string(certificate);
    serving->key = mem_string(key);
    serving->looked_at = loop_now(loop);
    if (read_files(serving, ret_error))
        return serving;
    serving_certificate_free(serving);
    return NULL;
}

void serving_certificate_free(struct serving_certificate *serving)
{
    if (!serving)
        return;
    SSL_CTX_free(serving->context);
    mem_free(serving->certificate);
    mem_free(serving->key);
    mem_free(serving);
}

SSL_CTX *serving_certificate_context(struct serving_certificate *serving)
{
    struct mono now = loop_now(serving->loop);
    struct stat seen[2];
    struct error error;

    if (now.ms - serving->looked_at.ms < LOOK_MS)
        return serving->context;
    serving->looked_at = now;
    look(serving, seen);
    if (same(&seen[0], &serving->seen[0]) && same(&seen[1], &serving->seen[1]))
        return serving->context;
    if (read_files(serving, &error))
        log_info("broker", "%s: read again, and in use", serving->certificate);
    else
        log_error("broker", "%s; the old certificate stays in use", error.text);
    return serving->context;
}

struct wall serving_certificate_end(const struct serving_certificate *serving)
{
    return serving->end;
}
