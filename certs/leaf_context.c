#include "leaf_context.h"

#include <openssl/ssl.h>

#include "certificate.h"
#include "server_context.h"

// The leaf alone is sent: the workspace has the CA, or would not believe it.
static bool set_leaf(SSL_CTX *context, const struct leaf *leaf)
{
    SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN);
    return SSL_CTX_use_certificate(context, leaf->certificate) && SSL_CTX_use_PrivateKey(context, leaf->key);
}

SSL_CTX *leaf_context_new(const struct leaf *leaf, struct error *ret_error)
{
    SSL_CTX *context = server_context_new();

    if (context && set_leaf(context, leaf))
        return context;
    SSL_CTX_free(context);
    certificate_error(ret_error, "TLS cannot be set up");
    return NULL;
}
