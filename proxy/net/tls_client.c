#include "tls_client.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "address.h"
#include "mem.h"
#include "tls_error.h"

// Hosts whose session is kept: the few names of the configured GitHubs; a further one displaces the oldest.
#define SESSIONS_MAX 16

struct kept_session {
    char *host;
    SSL_SESSION *session;
};

struct tls_client {
    unsigned references;
    SSL_CTX *context;
    SSL_CTX *certificate; // holds the own one and its key; NULL: none
    struct kept_session sessions[SESSIONS_MAX];
    size_t session_count;
};

static struct kept_session *find_session(struct tls_client *client, const char *host)
{
    for (size_t i = 0; i < client->session_count; i++)
        if (strcmp(client->sessions[i].host, host) == 0)
            return &client->sessions[i];
    return NULL;
}

static void drop_oldest_session(struct tls_client *client)
{
    mem_free(client->sessions[0].host);
    SSL_SESSION_free(client->sessions[0].session);
    client->session_count--;
    memmove(client->sessions, client->sessions + 1, client->session_count * sizeof(client->sessions[0]));
}

// The host's name hangs on the SSL, for on_new_session.
static void free_host(void *parent, void *data, CRYPTO_EX_DATA *all, int index, long number, void *pointer)
{
    mem_free(data);
}

static int host_index(void)
{
    static int index = -1;

    if (index < 0)
        index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_host);
    return index;
}

// OpenSSL gives a session with each ticket; 1 keeps the reference.
static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_client *client = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const char *host = SSL_get_ex_data(ssl, host_index());
    struct kept_session *kept = find_session(client, host);

    if (kept) {
        SSL_SESSION_free(kept->session);
        kept->session = session;
        return 1;
    }
    if (client->session_count == SESSIONS_MAX)
        drop_oldest_session(client);
    client->sessions[client->session_count++] = (struct kept_session){mem_string(host), session};
    return 1;
}

struct tls_client *tls_client_new(const char *trust, struct error *ret_error)
{
    static const unsigned char alpn[] = "\x08http/1.1";
    struct tls_client *client = mem_alloc_zero(1, sizeof(*client));
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    client->references = 1;
    client->context = context;
    ERR_clear_error();
    if (!context || !SSL_CTX_load_verify_file(context, trust)) {
        tls_error_set(ret_error, trust, "no trusted certificates could be read from it");
        tls_client_unref(client);
        return NULL;
    }
    SSL_CTX_set_app_data(context, client);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, MEM_TLS_READ_SIZE);
    SSL_CTX_set_alpn_protos(context, alpn, sizeof(alpn) - 1);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, on_new_session);
    return client;
}

struct tls_client *tls_client_ref(struct tls_client *client)
{
    client->references++;
    return client;
}

void tls_client_unref(struct tls_client *client)
{
    if (!client || --client->references > 0)
        return;
    while (client->session_count > 0)
        drop_oldest_session(client);
    SSL_CTX_free(client->certificate);
    SSL_CTX_free(client->context);
    mem_free(client);
}

X509_STORE *tls_client_roots(const struct tls_client *client)
{
    return SSL_CTX_get_cert_store(client->context);
}

// An encrypted key would make OpenSSL ask on the terminal.
static int refuse_key_password(char *buffer, int size, int writes, void *arg)
{
    return -1;
}

bool tls_client_set_certificate(struct tls_client *client, const char *certificate, const char *key,
                                struct error *ret_error)
{
    SSL_CTX *holder = SSL_CTX_new(TLS_client_method());
    bool ok = false;

    ERR_clear_error();
    if (holder)
        SSL_CTX_set_default_passwd_cb(holder, refuse_key_password);
    if (!holder || !SSL_CTX_use_certificate_chain_file(holder, certificate))
        tls_error_set(ret_error, certificate, "no certificate can be read from it");
    else if (!SSL_CTX_use_PrivateKey_file(holder, key, SSL_FILETYPE_PEM) || !SSL_CTX_check_private_key(holder))
        tls_error_set(ret_error, key, "no key can be read from it that belongs to the certificate");
    else
        ok = true;
    if (ok) {
        SSL_CTX_free(client->certificate);
        client->certificate = holder;
    } else {
        SSL_CTX_free(holder);
    }
    return ok;
}

bool tls_client_use_certificate(const struct tls_client *client, SSL_CTX *context)
{
    STACK_OF(X509) *chain = NULL;

    if (!client->certificate)
        return true;
    SSL_CTX_get0_chain_certs(client->certificate, &chain);
    return SSL_CTX_use_cert_and_key(context, SSL_CTX_get0_certificate(client->certificate),
                                    SSL_CTX_get0_privatekey(client->certificate), chain, 1) == 1;
}

SSL *tls_client_ssl(struct tls_client *client, const char *host)
{
    SSL *ssl = SSL_new(client->context);
    struct kept_session *kept = find_session(client, host);
    struct address literal;
    char *name = mem_string(host);

    if (!ssl)
        abort(); // out of memory
    SSL_set_ex_data(ssl, host_index(), name);
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (address_parse(bytes_of_string(host), 0, &literal)) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
    } else {
        SSL_set1_host(ssl, host);
        SSL_set_tlsext_host_name(ssl, name);
    }
    if (kept) {
        // A copy, since OpenSSL takes a session that has been resumed for used up: of two connections that are made at once,
        // the later could not resume it.
        SSL_SESSION *copy = SSL_SESSION_dup(kept->session);

        SSL_set_session(ssl, copy);
        SSL_SESSION_free(copy);
    }
    SSL_set_connect_state(ssl);
    return ssl;
}
