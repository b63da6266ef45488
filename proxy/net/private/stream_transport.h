// How a stream moves bytes: plain or TLS. Private to stream*.c.
#ifndef GITLATCH_STREAM_TRANSPORT_H
#define GITLATCH_STREAM_TRANSPORT_H

#include <event2/event_struct.h>

#include "buffer.h"
#include "loop.h"
#include "stream.h"

enum transport_result {
    TRANSPORT_DONE,
    TRANSPORT_AGAIN, // the socket is not ready; where TLS waits for the other direction, see `crossed`
    TRANSPORT_CLOSED,
    TRANSPORT_TRUNCATED,
    TRANSPORT_FAILED,
};

struct transport {
    enum transport_result (*read)(struct stream *stream, char *at, size_t size, size_t *ret_count);
    enum transport_result (*write)(struct stream *stream, const char *data, size_t size, size_t *ret_count);
    // Whether bytes can be read although the socket may not be ready.
    bool (*pending)(const struct stream *stream);
    // Ends the output; false: once the socket takes more.
    bool (*shutdown)(struct stream *stream);
};

extern const struct transport transport_plain;
extern const struct transport transport_tls;

enum tls_state { TLS_NONE, TLS_HANDSHAKE, TLS_DONE };

struct stream {
    struct loop *loop;
    int fd;
    const struct transport *transport;
    const struct stream_callbacks *callbacks;
    void *arg;
    struct event read_event, write_event;
    struct timer again;   // reads on when TLS holds bytes that the socket does not report
    struct deferred bulk; // reads the next buffer of a pack
    struct buffer input, output;
    struct buffer early; // bytes that came before TLS started, for its BIO to read first
    SSL *ssl;
    SSL *outer; // that carries `ssl`, which owns it; NULL: none
    enum tls_state tls;
    enum stream_end end;
    uint64_t bytes_written;
    const char *failure;        // static text or OpenSSL's; NULL: none
    char failure_text[160];     // holds what is not static
    unsigned full_reads;        // so many reads in a row filled the buffer, up to BULK_AFTER
    unsigned depth;             // callbacks under way: the stream is freed when they have returned
    bool want_input;            // the owner's
    bool reading, writing;      // what libevent was asked to report
    bool end_told;              // rule 4
    bool send_blocked;          // stream_send took less than it was given
    bool read_wants_write;      // TLS: to read on, the socket must take bytes first
    bool handshake_wants_write; // the same in the handshake
    bool more_follows;          // the record being sent is not the last of this write
    bool socket_drained;        // the last read got less than it had room for
    bool socket_ended;          // the peer has sent FIN
    bool shutdown_wanted, shutdown_done;
    bool freed; // by its owner, in a callback
};

// Makes `ssl` read and write through the stream's socket.
bool stream_bio_attach(struct stream *stream, SSL *ssl);
// Makes `ssl` read and write through `outer`, which it owns from now on.
bool stream_bio_nest(SSL *ssl, SSL *outer);
// One step of the handshake.
enum transport_result stream_handshake_step(struct stream *stream);

#endif
