// One accepted connection, plain or TLS: blocking reads and writes through a buffer each way.
#ifndef GITLATCH_MOCK_WIRE_H
#define GITLATCH_MOCK_WIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <openssl/ssl.h>

#include <gitlatch/attr.h>

// What one read takes in, and what is gathered before one write: four TLS records.
#define WIRE_BUFFER_SIZE (64 * KIB)
// The longest DNS name has 253 characters; ALPN lists of clients are a few dozen bytes.
#define WIRE_NAME_SIZE 256

struct mock_wire {
    int fd;
    SSL *tls;                          // NULL: plain
    uint64_t id;                       // counts connections from 1
    char sni[WIRE_NAME_SIZE];          // lower case; "" without one
    char alpn_offered[WIRE_NAME_SIZE]; // "h2,http/1.1" as the client's ClientHello has it
    char *in;                          // bytes in[in_start..in_end) were read and not yet consumed
    size_t in_start;
    size_t in_end;
    char *out; // bytes out[0..out_size) wait to be written
    size_t out_size;
    bool broken; // nothing more can be read or written
};

void mock_wire_init(struct mock_wire *wire, int fd, SSL *tls, uint64_t id);
// Closes the descriptor and frees the TLS; says goodbye (close_notify) unless the wire is broken.
void mock_wire_close(struct mock_wire *wire);
// Closes so that the peer gets a TCP reset.
void mock_wire_reset(struct mock_wire *wire);
// Bytes read, 0 at the end (also when the peer was silent for the idle time), -1 when broken.
ssize_t mock_wire_read(struct mock_wire *wire, char *buffer, size_t size);
// One line up to CRLF, without it, valid until the next read. False: the wire ended, the line is too long, or
// it ends in a bare LF (`*ret_malformed`).
bool mock_wire_read_line(struct mock_wire *wire, char **ret_line, size_t *ret_size, bool *ret_malformed) GL_MUST_CHECK;
// False once the wire is broken. Small writes are gathered until mock_wire_flush.
bool mock_wire_write(struct mock_wire *wire, const void *data, size_t size);
bool mock_wire_flush(struct mock_wire *wire);
// Waits until the peer closes, at most `seconds`; what it sends meanwhile is thrown away.
void mock_wire_linger(struct mock_wire *wire, unsigned seconds);

#endif
