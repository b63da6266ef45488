#include "server_context.h"

#include <openssl/ssl.h>
#include <stdbool.h>

// AES-128-GCM first, the fastest where the processor knows AES; a client without AES puts ChaCha20 first, and
// SSL_OP_PRIORITIZE_CHACHA lets it have its way. A leaf's key is ECDSA; the broker's may be RSA.
#define CIPHERS_TLS13 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define CIPHERS_TLS12                                                                                                  \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"                         \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

// Tickets after a TLS 1.3 handshake. A tool that resumes asks for the next one then; each costs time to make.
#define TICKETS 1

// HTTP/1.1 or nothing. A client that offers other names alone is served without one: `curl --http1.0` offers http/1.0 and
// needs no more than that nobody refuses it (RFC 7301, 3.2 would).
static int choose_http1(SSL *ssl, const unsigned char **ret_protocol, unsigned char *ret_size,
                        const unsigned char *offered, unsigned int offered_size, void *arg)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen;

    if (SSL_select_next_proto(&chosen, ret_size, ours, sizeof(ours) - 1, offered, offered_size) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *ret_protocol = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static bool set_ciphers(SSL_CTX *context)
{
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) && SSL_CTX_set_cipher_list(context, CIPHERS_TLS12) &&
           SSL_CTX_set_ciphersuites(context, CIPHERS_TLS13);
}

// Tickets alone keep sessions. Their key is drawn with the context and goes with it when its certificate is
// renewed; no other context can read them.
static bool set_resumption(SSL_CTX *context)
{
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    return SSL_CTX_set_num_tickets(context, TICKETS);
}

SSL_CTX *server_context_new(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    if (!context || !set_ciphers(context) || !set_resumption(context)) {
        SSL_CTX_free(context);
        return NULL;
    }
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_alpn_select_cb(context, choose_http1, NULL);
    SSL_CTX_set_mode(context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    return context;
}
