// What the programs of the benchmark share: sockets on loopback, TLS as GitHub and its clients speak it, and as much
// of HTTP/1.1 as they need. They are no part of the product: a failure ends the program with a sentence.
#ifndef GITLATCH_BENCH_H
#define GITLATCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <openssl/ssl.h>

#include <gitlatch/attr.h>

// One TLS record.
#define BENCH_RECORD ((size_t)16384)
// Room for any head that is sent here.
#define BENCH_HEAD_MAX ((size_t)4096)

void bench_die(const char *format, ...) GL_PRINTF(1, 2) GL_NORETURN;
// Nanoseconds of a clock that only goes forward.
uint64_t bench_now_ns(void);

// A listening socket on a free port of 127.0.0.1, which is printed to stdout.
int bench_listen(void);
// A connection to a port of 127.0.0.1; -1 where it is refused.
int bench_connect(uint16_t port);
void bench_set_nonblocking(int fd);
// As many descriptors as the hard limit grants.
void bench_raise_descriptors(void);

// TLS 1.3 with AES-128-GCM, so that every program of a comparison does the same work.
SSL_CTX *bench_server_context(const char *certificate, const char *key);
// Verifies the server by the roots in the file `trust`.
SSL_CTX *bench_client_context(const char *trust);
// A client's side for a server of this name; a wrong certificate fails the handshake.
SSL *bench_client(SSL_CTX *context, int fd, const char *host);

// Read and write where the socket does not block: how many bytes were moved, 0 where it must wait, -1 where the
// connection has ended.
ssize_t bench_read(SSL *ssl, char *at, size_t size);
ssize_t bench_write(SSL *ssl, const char *data, size_t size);

struct bench_head {
    size_t size; // with its empty line
    int status;  // of a response
    const char *target;
    size_t target_size; // of a request
    uint64_t body;      // bytes that follow; where it is chunked, 0
    bool chunked;
};

// Parses the head at the front of `data`; false while its end has not come.
bool bench_head_parse(struct bench_head *head, const char *data, size_t size);
// A field's value, up to the end of its line; NULL where there is none.
const char *bench_head_field(const char *data, const struct bench_head *head, const char *name, size_t *ret_size);

#endif
