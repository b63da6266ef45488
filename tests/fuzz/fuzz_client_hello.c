// Any bytes as the beginning of a TLS connection: the name that is read is the one that OpenSSL's server reads, and
// more bytes change no answer that was final.
#include <ctype.h>
#include <openssl/ssl.h>

#include "client_hello.h"
#include "fuzz.h"

// The name that the server saw; "" before it saw one.
static char served[SERVER_NAME_SIZE];

static int keep_served_name(SSL *ssl, int *alert, void *arg)
{
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    (void)alert, (void)arg;
    if (name && strlen(name) < sizeof(served))
        memcpy(served, name, strlen(name) + 1);
    return SSL_TLSEXT_ERR_ALERT_FATAL; // the handshake goes no further
}

// Fills `served`, made normal as client_hello_name does.
static void serve(struct bytes input)
{
    static SSL_CTX *context;
    BIO *in = BIO_new_mem_buf(input.data, (int)input.size), *out = BIO_new(BIO_s_mem());
    SSL *ssl;
    size_t size;

    if (!context) {
        context = SSL_CTX_new(TLS_server_method());
        SSL_CTX_set_tlsext_servername_callback(context, keep_served_name);
    }
    served[0] = '\0';
    ssl = SSL_new(context);
    SSL_set_bio(ssl, in, out);
    SSL_set_accept_state(ssl);
    FUZZ_CHECK(SSL_do_handshake(ssl) != 1);
    SSL_free(ssl);
    size = strlen(served);
    if (size && served[size - 1] == '.')
        served[size - 1] = '\0';
    for (char *c = served; *c; c++)
        *c = (char)tolower((unsigned char)*c);
}

static bool is_host_name(const char *name)
{
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("-._", *c))
            return false;
    return *name != '\0';
}

static void check_served(struct bytes input, enum client_hello_result result, const char *name)
{
    if (result == CLIENT_HELLO_BAD || input.size == 0)
        return; // such a connection is refused
    serve(input);
    if (is_host_name(served))
        FUZZ_CHECK(result == CLIENT_HELLO_NAME && strcmp(name, served) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of((const char *)data, size);
    char name[SERVER_NAME_SIZE] = "", early_name[SERVER_NAME_SIZE] = "";
    enum client_hello_result result = client_hello_name(input, name), early;

    if (result == CLIENT_HELLO_NAME)
        FUZZ_CHECK(strlen(name) < SERVER_NAME_SIZE && is_host_name(name));
    early = client_hello_name(bytes_of(input.data, size / 2), early_name);
    FUZZ_CHECK(early == CLIENT_HELLO_MORE || early == result);
    FUZZ_CHECK(early != CLIENT_HELLO_NAME || strcmp(early_name, name) == 0);
    check_served(input, result, name);
    return 0;
}
