#include "stream_transport.h"

#include <assert.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <sys/socket.h>

static enum transport_result stream_transport_fail(struct stream *stream, int error)
{
    stream->failure = strerrordesc_np(error);
    return TRANSPORT_FAILED;
}

// Reads from the socket; bytes from before TLS come first.
static enum transport_result socket_read(struct stream *stream, char *at, size_t size, size_t *ret_count)
{
    struct bytes early = buffer_data(&stream->early);
    ssize_t count;

    if (early.size > 0) {
        *ret_count = early.size < size ? early.size : size;
        memcpy(at, early.data, *ret_count);
        buffer_consume(&stream->early, *ret_count);
        return TRANSPORT_DONE;
    }
    do {
        count = recv(stream->fd, at, size, 0);
    } while (count < 0 && errno == EINTR);
    stream->socket_drained = count < (ssize_t)size;
    if (count > 0) {
        *ret_count = (size_t)count;
        return TRANSPORT_DONE;
    }
    if (count == 0) {
        stream->socket_ended = true;
        return TRANSPORT_CLOSED;
    }
    return errno == EAGAIN ? TRANSPORT_AGAIN : stream_transport_fail(stream, errno);
}

static enum transport_result socket_write(struct stream *stream, const char *data, size_t size, size_t *ret_count)
{
    int flags = stream->more_follows ? MSG_NOSIGNAL | MSG_MORE : MSG_NOSIGNAL;
    ssize_t count;

    do {
        count = send(stream->fd, data, size, flags);
    } while (count < 0 && errno == EINTR);
    if (count >= 0) {
        *ret_count = (size_t)count;
        return TRANSPORT_DONE;
    }
    return errno == EAGAIN ? TRANSPORT_AGAIN : stream_transport_fail(stream, errno);
}

static bool plain_pending(const struct stream *stream)
{
    return !buffer_empty(&stream->early);
}

static bool plain_shutdown(struct stream *stream)
{
    shutdown(stream->fd, SHUT_WR);
    return true;
}

const struct transport transport_plain = {socket_read, socket_write, plain_pending, plain_shutdown};

static int bio_read(BIO *bio, char *at, size_t size, size_t *ret_count)
{
    struct stream *stream = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    switch (socket_read(stream, at, size, ret_count)) {
    case TRANSPORT_DONE:
        return 1;
    case TRANSPORT_AGAIN:
        BIO_set_retry_read(bio);
        return -1;
    default:
        return 0;
    }
}

static int bio_write(BIO *bio, const char *data, size_t size, size_t *ret_count)
{
    struct stream *stream = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    switch (socket_write(stream, data, size, ret_count)) {
    case TRANSPORT_DONE:
        return 1;
    case TRANSPORT_AGAIN:
        BIO_set_retry_write(bio);
        return -1;
    default:
        return -1;
    }
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    const struct stream *stream = BIO_get_data(bio);

    if (command == BIO_CTRL_EOF)
        return stream && stream->socket_ended; // an end without close_notify, or an error
    // TLS asks the BIO to flush after each flight: there is nothing that waits here.
    return command == BIO_CTRL_FLUSH;
}

bool stream_bio_attach(struct stream *stream, SSL *ssl)
{
    static BIO_METHOD *method; // made once, for the life of the process
    BIO *bio;

    if (!method) {
        method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "gitlatch stream");
        if (!method)
            return false;
        BIO_meth_set_read_ex(method, bio_read);
        BIO_meth_set_write_ex(method, bio_write);
        BIO_meth_set_ctrl(method, bio_control);
    }
    bio = BIO_new(method);
    if (!bio)
        return false;
    BIO_set_data(bio, stream);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    return true;
}

bool stream_bio_nest(SSL *ssl, SSL *outer)
{
    BIO *bio = BIO_new(BIO_f_ssl());

    if (!bio)
        return false;
    BIO_set_ssl(bio, outer, BIO_CLOSE);
    SSL_set_bio(ssl, bio, bio);
    return true;
}

// Keeps OpenSSL's own words for a failure. The certificate's error says more than "certificate verify failed".
static void tls_failure(struct stream *stream, unsigned long error)
{
    long verify = SSL_get_verify_result(stream->ssl);

    if (verify != X509_V_OK)
        snprintf(stream->failure_text, sizeof(stream->failure_text), "certificate: %s",
                 X509_verify_cert_error_string(verify));
    else
        snprintf(stream->failure_text, sizeof(stream->failure_text), "TLS: %s",
                 error ? ERR_reason_error_string(error) : "connection lost");
    stream->failure = stream->failure_text;
}

// What an SSL call's failure means. An EOF without close_notify is a result of its own: never an orderly end.
static enum transport_result tls_result(struct stream *stream, int outcome)
{
    unsigned long error = ERR_peek_last_error();

    switch (SSL_get_error(stream->ssl, outcome)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return TRANSPORT_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return TRANSPORT_CLOSED;
    case SSL_ERROR_SSL:
        if (ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING && stream->tls == TLS_DONE)
            return TRANSPORT_TRUNCATED;
        break;
    }
    if (!stream->failure)
        tls_failure(stream, error);
    return TRANSPORT_FAILED;
}

// SSL_get_error goes by the queue of errors, which is mostly empty already.
static void forget_errors(void)
{
    if (ERR_peek_error())
        ERR_clear_error();
}

static enum transport_result tls_read(struct stream *stream, char *at, size_t size, size_t *ret_count)
{
    int outcome;

    forget_errors();
    outcome = SSL_read_ex(stream->ssl, at, size, ret_count);
    stream->read_wants_write = outcome <= 0 && SSL_want_write(stream->ssl);
    return outcome > 0 ? TRANSPORT_DONE : tls_result(stream, outcome);
}

// With partial writes each call makes one record, and the caller goes on with the rest at once: the kernel is to wake the
// peer when the last is there (send(2), MSG_MORE). Where the socket is full it sends what it has in any case.
static enum transport_result tls_write(struct stream *stream, const char *data, size_t size, size_t *ret_count)
{
    int outcome;

    assert(SSL_get_mode(stream->ssl) & SSL_MODE_ENABLE_PARTIAL_WRITE);
    forget_errors();
    stream->more_follows = size > SSL3_RT_MAX_PLAIN_LENGTH;
    outcome = SSL_write_ex(stream->ssl, data, size, ret_count);
    stream->more_follows = false;
    return outcome > 0 ? TRANSPORT_DONE : tls_result(stream, outcome);
}

static bool tls_pending(const struct stream *stream)
{
    return SSL_has_pending(stream->ssl) || (stream->outer && SSL_has_pending(stream->outer)) ||
           !buffer_empty(&stream->early);
}

// After FIN alone the peer must take what it got for a part.
static bool tls_shutdown(struct stream *stream)
{
    int outcome = 1;

    ERR_clear_error();
    if (SSL_is_init_finished(stream->ssl) && stream->end != STREAM_FAILED)
        outcome = SSL_shutdown(stream->ssl);
    if (outcome < 0 && SSL_get_error(stream->ssl, outcome) == SSL_ERROR_WANT_WRITE)
        return false;
    shutdown(stream->fd, SHUT_WR);
    return true;
}

const struct transport transport_tls = {tls_read, tls_write, tls_pending, tls_shutdown};

enum transport_result stream_handshake_step(struct stream *stream)
{
    int outcome;

    ERR_clear_error();
    outcome = SSL_do_handshake(stream->ssl);
    stream->handshake_wants_write = outcome <= 0 && SSL_want_write(stream->ssl);
    return outcome > 0 ? TRANSPORT_DONE : tls_result(stream, outcome);
}
