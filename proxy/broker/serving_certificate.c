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

// Certificate, key, the clients' CAs.
#define SERVING_FILES 3

struct serving_certificate {
    struct loop *loop;
    char *certificate, *key, *clients; // files; the last NULL: clients show none
    SSL_CTX *context;
    SSL_CTX *clients_context;        // asks for clients' certificates; NULL: there is no such
    struct stat seen[SERVING_FILES]; // when they were last read
    struct mono looked_at;
    struct wall end;
};

static bool serving_certificate_fail(struct error *error, const char *key, const char *path, const char *what)
{
    tls_error_set(error, path, what);
    return error_prefix(error, "broker.%s", key);
}

// An encrypted key would make OpenSSL ask on the terminal.
static int serving_certificate_refuse_password(char *buffer, int size, int writes, void *arg)
{
    return -1;
}

static bool load(const struct serving_certificate *serving, SSL_CTX *context, struct error *error)
{
    ERR_clear_error();
    SSL_CTX_set_default_passwd_cb(context, serving_certificate_refuse_password);
    if (!SSL_CTX_use_certificate_chain_file(context, serving->certificate))
        return serving_certificate_fail(error, "tls.certificate", serving->certificate,
                                        "no certificate can be read from it");
    if (!SSL_CTX_use_PrivateKey_file(context, serving->key, SSL_FILETYPE_PEM))
        return serving_certificate_fail(error, "tls.key", serving->key,
                                        "no key can be read from it that belongs to the certificate");
    return SSL_CTX_check_private_key(context) ||
           serving_certificate_fail(error, "tls.key", serving->key, "it does not belong to the certificate");
}

static SSL_CTX *context_new(const struct serving_certificate *serving, struct error *error)
{
    SSL_CTX *context = server_context_new();

    if (!context)
        serving_certificate_fail(error, "tls.certificate", serving->certificate, "TLS cannot be set up");
    else if (load(serving, context, error))
        return context;
    SSL_CTX_free(context);
    return NULL;
}

// A client may show a certificate, and need not: a token proves it as well. No session is resumed, since it would keep what
// was verified once.
static bool ask_clients(SSL_CTX *context, const char *path, struct error *error)
{
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(path);

    if (!names || !SSL_CTX_load_verify_file(context, path)) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return serving_certificate_fail(error, "clients.ca", path, "no certificates could be read from it");
    }
    SSL_CTX_set_client_CA_list(context, names);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
    return true;
}

static struct wall end_of(const SSL_CTX *context)
{
    struct tm fields;

    if (!ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(context)), &fields))
        return WALL_NEVER;
    return (struct wall){(int64_t)timegm(&fields) * SECOND_MS};
}

static void serving_certificate_look(const struct serving_certificate *serving, struct stat ret_seen[SERVING_FILES])
{
    const char *const paths[SERVING_FILES] = {serving->certificate, serving->key, serving->clients};

    for (size_t i = 0; i < SERVING_FILES; i++) {
        // A file that is not there is all zero.
        memset(&ret_seen[i], 0, sizeof(ret_seen[i]));
        if (paths[i] && stat(paths[i], &ret_seen[i]) != 0)
            memset(&ret_seen[i], 0, sizeof(ret_seen[i]));
    }
}

static bool serving_certificate_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool serving_certificate_same_files(const struct stat a[SERVING_FILES], const struct stat b[SERVING_FILES])
{
    bool all = true;

    for (size_t i = 0; i < SERVING_FILES; i++)
        all = all && serving_certificate_same(&a[i], &b[i]);
    return all;
}

static bool read_files(struct serving_certificate *serving, struct error *error)
{
    SSL_CTX *context, *clients = NULL;

    // Looked at before they are read: what changes meanwhile is read again.
    serving_certificate_look(serving, serving->seen);
    context = context_new(serving, error);
    if (context && serving->clients) {
        clients = context_new(serving, error);
        if (!clients || !ask_clients(clients, serving->clients, error)) {
            SSL_CTX_free(clients);
            SSL_CTX_free(context);
            return false;
        }
    }
    if (!context)
        return false;
    SSL_CTX_free(serving->context);
    SSL_CTX_free(serving->clients_context);
    serving->context = context;
    serving->clients_context = clients;
    serving->end = end_of(context);
    return true;
}

struct serving_certificate *serving_certificate_new(struct loop *loop, const char *certificate, const char *key,
                                                    const char *clients, struct error *ret_error)
{
    struct serving_certificate *serving = mem_alloc_zero(1, sizeof(*serving));

    serving->loop = loop;
    serving->certificate = mem_string(certificate);
    serving->key = mem_string(key);
    serving->clients = mem_string(clients);
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
    SSL_CTX_free(serving->clients_context);
    mem_free(serving->certificate);
    mem_free(serving->key);
    mem_free(serving->clients);
    mem_free(serving);
}

static void refresh(struct serving_certificate *serving)
{
    struct mono now = loop_now(serving->loop);
    struct stat seen[SERVING_FILES];
    struct error error;

    if (now.ms - serving->looked_at.ms < LOOK_MS)
        return;
    serving->looked_at = now;
    serving_certificate_look(serving, seen);
    if (serving_certificate_same_files(seen, serving->seen))
        return;
    if (read_files(serving, &error))
        log_info("broker", "%s: read again, and in use", serving->certificate);
    else
        log_error("broker", "%s; the old files stay in use", error.text);
}

SSL_CTX *serving_certificate_context(struct serving_certificate *serving)
{
    refresh(serving);
    return serving->context;
}

SSL_CTX *serving_certificate_clients_context(struct serving_certificate *serving)
{
    refresh(serving);
    return serving->clients_context ? serving->clients_context : serving->context;
}

struct wall serving_certificate_end(const struct serving_certificate *serving)
{
    return serving->end;
}
