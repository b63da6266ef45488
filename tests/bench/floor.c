// The floor: the least program that does a proxy's job. It takes CONNECT, ends TLS, adds Authorization, and moves
// bytes to the origin and back with one blocking pump; a thread a connection. It checks nothing, limits nothing and
// logs nothing: what it costs is what TLS and the kernel cost.
//
//   floor CERTIFICATE KEY TRUST ORIGIN_PORT AUTHORIZATION
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define HOST "github.com"

static SSL_CTX *server_context, *client_context;
static uint16_t origin_port;
static const char *authorization;

// A message: its head and the beginning of its body are in `data`.
struct message {
    char data[4 * BENCH_RECORD];
    size_t size;
    struct bench_head head;
};

static bool write_all(SSL *ssl, const char *data, size_t size)
{
    while (size > 0) {
        size_t count;

        if (!SSL_write_ex(ssl, data, size, &count))
            return false;
        data += count;
        size -= count;
    }
    return true;
}

static bool read_message(SSL *ssl, struct message *message)
{
    message->size = 0;
    while (!bench_head_parse(&message->head, message->data, message->size)) {
        size_t count;

        if (!SSL_read_ex(ssl, message->data + message->size, sizeof(message->data) - message->size, &count))
            return false;
        message->size += count;
    }
    return true;
}

// A chunked body has ended where its bytes do so: good enough for the bodies that are sent here.
static bool ends_chunks(const char *data, size_t size)
{
    return size >= 5 && !memcmp(data + size - 5, "0\r\n\r\n", 5);
}

// Passes the rest of a body on.
static bool pump(SSL *from, SSL *to, struct message *message)
{
    uint64_t moved = message->size - message->head.size;
    bool done = message->head.chunked ? ends_chunks(message->data, message->size) : moved == message->head.body;

    while (!done) {
        size_t count;

        if (!SSL_read_ex(from, message->data, sizeof(message->data), &count) || !write_all(to, message->data, count))
            return false;
        moved += count;
        done = message->head.chunked ? ends_chunks(message->data, count) : moved == message->head.body;
    }
    return true;
}

static bool exchange(SSL *client, SSL *origin, struct message *message)
{
    char field[1024];
    size_t field_size = (size_t)snprintf(field, sizeof(field), "\r\nAuthorization: %s\r\n\r\n", authorization);
    size_t rest, end;

    if (!read_message(client, message))
        return false;
    end = message->head.size - 4;
    rest = message->size - message->head.size;
    memmove(message->data + end + field_size, message->data + end + 4, rest);
    memcpy(message->data + end, field, field_size);
    if (!write_all(origin, message->data, end + field_size + rest) || !pump(client, origin, message))
        return false;
    return read_message(origin, message) && write_all(client, message->data, message->size) &&
           pump(origin, client, message);
}

static void *serve(void *arg)
{
    static const char connected[] = "HTTP/1.1 200 OK\r\n\r\n";
    int fd = (int)(intptr_t)arg, origin_fd = -1;
    struct message *message = malloc(sizeof(*message));
    SSL *client = SSL_new(server_context), *origin = NULL;

    if (recv(fd, message->data, sizeof(message->data), 0) <= 0 ||
        send(fd, connected, sizeof(connected) - 1, MSG_NOSIGNAL) < 0)
        goto done;
    SSL_set_fd(client, fd);
    if (SSL_accept(client) != 1)
        goto done;
    origin_fd = bench_connect(origin_port);
    if (origin_fd < 0)
        goto done;
    origin = bench_client(client_context, origin_fd, HOST);
    while (exchange(client, origin, message))
        continue;

done:
    SSL_free(client);
    SSL_free(origin);
    close(fd);
    if (origin_fd >= 0)
        close(origin_fd);
    free(message);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_attr_t attributes;
    int listener;

    if (argc != 6)
        bench_die("usage: floor CERTIFICATE KEY TRUST ORIGIN_PORT AUTHORIZATION");
    bench_raise_descriptors();
    server_context = bench_server_context(argv[1], argv[2]);
    client_context = bench_client_context(argv[3]);
    origin_port = (uint16_t)atoi(argv[4]);
    authorization = argv[5];
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 128 * 1024);
    listener = bench_listen();
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        pthread_t thread;

        if (fd >= 0 && pthread_create(&thread, &attributes, serve, (void *)(intptr_t)fd))
            close(fd);
    }
}
