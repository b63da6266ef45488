// One end of a connection: a socket, plain or under TLS, with one input and one output buffer. The forwarding path
// and the small server are made of these. libevent reports readiness; the rest is here.
//
// Rules
//   1. Bytes wait in the input buffer until the owner consumes them. When it is full, the socket is not read:
//      this is all of the back-pressure. stream_update is the only function that turns reading on and off.
//   2. What the owner writes with stream_write is copied and sent in order; stream_send passes bytes of the owner's
//      own through without a copy, as many as the socket takes, and only when no copied output waits.
//   3. A callback may close the stream; nothing is called after that.
//   4. The end of the input is reported once, by on_input with stream_end(stream) != STREAM_OPEN, after all bytes
//      that came before it are in the input buffer. Where the output fails after it, STREAM_FAILED is reported, too.
#ifndef GITLATCH_STREAM_H
#define GITLATCH_STREAM_H

#include <stdbool.h>
#include <stdint.h>
#include <openssl/ssl.h>

#include <gitlatch/attr.h>

#include "bytes.h"

struct loop;
struct stream;

// How the input ended.
enum stream_end {
    STREAM_OPEN,      // it has not
    STREAM_CLOSED,    // the peer closed: FIN, under TLS after close_notify
    STREAM_TRUNCATED, // FIN without close_notify: what came may not be all (RFC 8446 6.1)
    STREAM_FAILED,    // reset, TLS error; the output is lost too
};

struct stream_callbacks {
    // Input came, or ended (see rule 4).
    void (*on_input)(void *arg);
    // All copied output is sent and the socket takes more.
    void (*on_output)(void *arg);
    // The TLS handshake is done. On failure it is not called: on_input reports STREAM_FAILED. May be NULL.
    void (*on_handshake)(void *arg);
};

// Takes over a connected, non-blocking socket with TCP_NODELAY, as listener and connect give it: a head must not wait for
// the acknowledgement of the one before. Reading is off until stream_want_input.
struct stream *stream_new(struct loop *loop, int fd, const struct stream_callbacks *callbacks, void *arg);
// Closes the socket and frees the stream; NULL is ignored. What waits in the output is lost. Under TLS a
// close_notify is tried once, without waiting.
void stream_free(struct stream *stream);
// Gives the stream to another owner.
void stream_set_owner(struct stream *stream, const struct stream_callbacks *callbacks, void *arg);

// Starts a TLS handshake as server or client (by what the SSL was set to). Bytes already in the input buffer are
// its beginning. Takes the SSL over. A stream that is under TLS already (an https:// proxy) carries the further one
// inside; then no input may wait.
void stream_start_tls(struct stream *stream, SSL *ssl);
// The TLS side of the stream; NULL where it is plain.
SSL *stream_ssl(const struct stream *stream);
// Why the handshake or the connection failed, for people; "" where nothing failed.
const char *stream_failure(const struct stream *stream);

// The bytes that wait; a view valid until the stream's next call.
struct bytes stream_input(const struct stream *stream);
void stream_consume(struct stream *stream, size_t count);
// What arrives includes a secret, unread yet: its buffer is wiped when all of it is consumed.
void stream_mark_input_secret(struct stream *stream);
// Whether the owner wants more input now. Input that is already there is not reported again.
void stream_want_input(struct stream *stream, bool want);
enum stream_end stream_end(const struct stream *stream);
// Whether the input buffer can take no more: a head that does not fit is too large.
bool stream_input_full(const struct stream *stream);

// Copies into the output buffer; stream_flush or stream_send sends it. False where it does not fit (64 KiB); nothing
// is taken then.
bool stream_write(struct stream *stream, struct bytes bytes) GL_MUST_CHECK;
// Room in the output buffer, to write a head in place; stream_commit, which must follow, takes `count` of it. `secret`:
// the bytes hold a token and are wiped when sent.
char *stream_output_room(struct stream *stream, size_t *ret_size);
void stream_commit(struct stream *stream, size_t count, bool secret);
// Sends what the output buffer holds, as far as the socket takes it; on_output reports when all is sent.
void stream_flush(struct stream *stream);
// Passes bytes on without a copy, after what the output buffer holds (few bytes are joined to it, so that a head and
// a small body make one record): how many were taken. Bytes that were not taken must be given again first. on_output
// reports when more can be taken.
size_t stream_send(struct stream *stream, struct bytes bytes);
// Whether neither output nor its end waits here.
bool stream_output_empty(const struct stream *stream);
// Ends the output after what waits: close_notify, FIN.
void stream_shutdown_output(struct stream *stream);
// A lasting reset instead of an orderly end: the peer must not take what it got for whole.
void stream_abort(struct stream *stream);

// Bytes of payload written since the stream was made.
uint64_t stream_bytes_written(const struct stream *stream);
int stream_fd(const struct stream *stream);

#endif
