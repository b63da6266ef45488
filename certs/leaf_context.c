#include "leaf_context.h"

#include <openssl/ssl.h>

#include "certificate.h"
#include "mem.h"
#include "server_context.h"

// The leaf alone is sent: the workspace has the CA, or would not believe it.
static bool set_leaf(SSL_CTX *context, const struct leaf *leaf)
{
    SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN);
    return SSL_CTX_use_certificate(context, leaf->certificate) && SSL_CTX_use_PrivateKey(context, leaf->key);
}

// Large reads, for streams. Their buffers are kept for the next burst without being wiped (mem.h), so this is no part of
// server_context: what callers show the broker would stay in its memory.
static void set_streaming(SSL_CTX *context)
{
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, MEM_TLS_READ_SIZE);
}

SSL_CTX *leaf_context_new(const struct leaf *leaf, struct error *ret_error)
{
    SSL_CTX *context = server_context_new();

    if (context && set_leaf(context, leaf)) {
        set_streaming(context);
        return context;
    }
    SSL_CTX_free(context);
    certificate_error(ret_error, "TLS cannot be set up");
    return NULL;
}
