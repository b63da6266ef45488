#include "stream.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmocka_unit.h"
#include "loop.h"
#include "mem.h"

// One end, which notes what it is told.
struct end {
    struct stream *stream;
    unsigned inputs, outputs, handshakes;
    size_t received; // bytes taken off its input
    bool take;       // takes what comes
    bool free_on_input;
    enum stream_end ended;
};

static void on_input(void *arg)
{
    struct end *end = arg;

    end->inputs++;
    if (end->free_on_input) {
        stream_free(end->stream);
        end->stream = NULL;
        return;
    }
    if (end->take) {
        end->received += stream_input(end->stream).size;
        stream_consume(end->stream, stream_input(end->stream).size);
    }
    end->ended = stream_end(end->stream);
}

static void on_output(void *arg)
{
    ((struct end *)arg)->outputs++;
}

static void on_handshake(void *arg)
{
    ((struct end *)arg)->handshakes++;
}

static const struct stream_callbacks callbacks = {on_input, on_output, on_handshake};

static struct loop *make_ends(struct end ends[2])
{
    struct loop *loop = loop_new(clock_real());
    int sockets[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets), 0);
    for (int i = 0; i < 2; i++) {
        ends[i] = (struct end){.take = true};
        ends[i].stream = stream_new(loop, sockets[i], &callbacks, &ends[i]);
        stream_want_input(ends[i].stream, true);
    }
    return loop;
}

static void stop(void *arg)
{
    loop_stop(arg);
}

static int unread(const struct end *end)
{
    int count = 0;

    if (end->stream)
        ioctl(stream_fd(end->stream), FIONREAD, &count);
    return count;
}

// Lets the loop do all that is ready: until nothing is on its way, or what is does not move (a sink is full). No count
// of milliseconds would do: under valgrind a handshake takes half a second.
static void settle(struct loop *loop, const struct end ends[2])
{
    int before = -1;

    for (unsigned quiet = 0; quiet < 5;) {
        struct timer timer;
        int now;

        timer_init(&timer, loop, stop, loop);
        timer_start(&timer, 5);
        loop_run(loop);
        now = unread(&ends[0]) + unread(&ends[1]);
        quiet = now == before ? quiet + 1 : 0;
        before = now;
    }
}

static void free_ends(struct loop *loop, struct end ends[2])
{
    stream_free(ends[0].stream);
    stream_free(ends[1].stream);
    loop_free(loop);
}

static void what_is_written_arrives(void **state)
{
    struct end ends[2];
    struct loop *loop = make_ends(ends);

    ends[1].take = false;
    assert_true(stream_write(ends[0].stream, BYTES("head ")));
    assert_int_equal(stream_send(ends[0].stream, BYTES("body")), 4);
    settle(loop, ends);
    assert_int_equal(ends[1].inputs, 1); // joined: one write, one read
    assert_true(bytes_equal(stream_input(ends[1].stream), BYTES("head body")));
    free_ends(loop, ends);
}

static void a_full_sink_stops_the_source(void **state)
{
    struct end ends[2];
    struct loop *loop = make_ends(ends);
    char *data = mem_alloc(MIB);
    size_t sent = 0, more;

    memset(data, 'x', MIB);
    ends[1].take = false;
    do {
        more = stream_send(ends[0].stream, bytes_of(data, MIB));
        sent += more;
        settle(loop, ends);
    } while (more > 0 && sent < 16 * MIB);
    assert_true(sent < 4 * MIB); // the socket's buffers and 64 KiB, not all
    assert_int_equal(stream_input(ends[1].stream).size, 64 * KIB);
    assert_int_equal(ends[0].outputs, 0);
    ends[1].take = true;
    ends[1].received += stream_input(ends[1].stream).size;
    stream_consume(ends[1].stream, stream_input(ends[1].stream).size);
    settle(loop, ends);
    assert_int_equal(ends[1].received, sent);
    assert_true(ends[0].outputs > 0);
    mem_free(data);
    free_ends(loop, ends);
}

static void the_end_is_told_once_after_the_bytes(void **state)
{
    struct end ends[2];
    struct loop *loop = make_ends(ends);

    assert_true(stream_write(ends[0].stream, BYTES("last words")));
    stream_shutdown_output(ends[0].stream);
    settle(loop, ends);
    assert_int_equal(ends[1].received, 10);
    assert_int_equal(ends[1].ended, STREAM_CLOSED);
    assert_true(ends[1].inputs <= 2);
    free_ends(loop, ends);
}

static void a_callback_may_free_its_stream(void **state)
{
    struct end ends[2];
    struct loop *loop = make_ends(ends);

    ends[1].free_on_input = true;
    assert_true(stream_write(ends[0].stream, BYTES("x")));
    stream_flush(ends[0].stream);
    settle(loop, ends);
    assert_null(ends[1].stream);
    settle(loop, ends);
    assert_int_equal(ends[0].ended, STREAM_CLOSED);
    free_ends(loop, ends);
}

static void writing_to_who_has_gone_is_told(void **state)
{
    struct end ends[2];
    struct loop *loop = make_ends(ends);

    stream_want_input(ends[0].stream, false);
    stream_free(ends[1].stream);
    ends[1].stream = NULL;
    stream_send(ends[0].stream, BYTES("x"));
    settle(loop, ends);
    assert_int_equal(ends[0].inputs, 1);
    assert_int_equal(ends[0].ended, STREAM_FAILED);
    assert_string_equal(stream_failure(ends[0].stream), "Broken pipe");
    free_ends(loop, ends);
}

static void a_failure_after_the_end_is_told(void **state)
{
    struct end ends[2];
    struct loop *loop = make_ends(ends);

    stream_shutdown_output(ends[1].stream);
    settle(loop, ends);
    assert_int_equal(ends[0].ended, STREAM_CLOSED);
    stream_free(ends[1].stream);
    ends[1].stream = NULL;
    stream_send(ends[0].stream, BYTES("x"));
    settle(loop, ends);
    assert_int_equal(ends[0].inputs, 2);
    assert_int_equal(ends[0].ended, STREAM_FAILED);
    free_ends(loop, ends);
}

// A certificate of its own for the test's server.
static SSL_CTX *make_server(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();

    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    SSL_CTX_use_certificate(context, certificate);
    SSL_CTX_use_PrivateKey(context, key);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return context;
}

static void start_tls(struct end ends[2], SSL_CTX *server, SSL_CTX *client)
{
    SSL *accept = SSL_new(server), *connect = SSL_new(client);

    SSL_set_accept_state(accept);
    SSL_set_connect_state(connect);
    stream_start_tls(ends[0].stream, accept);
    stream_start_tls(ends[1].stream, connect);
}

static void tls_carries_bytes_and_its_end(void **state)
{
    struct end ends[2];
    struct loop *loop = make_ends(ends);
    SSL_CTX *server = make_server(), *client = SSL_CTX_new(TLS_client_method());
    char *data = mem_alloc(MIB);
    size_t sent = 0;

    memset(data, 'x', MIB);
    start_tls(ends, server, client);
    settle(loop, ends);
    assert_int_equal(ends[0].handshakes, 1);
    assert_int_equal(ends[1].handshakes, 1);
    while (sent < MIB) {
        sent += stream_send(ends[0].stream, bytes_of(data + sent, MIB - sent));
        settle(loop, ends);
    }
    assert_int_equal(ends[1].received, MIB);
    stream_shutdown_output(ends[0].stream);
    settle(loop, ends);
    assert_int_equal(ends[1].ended, STREAM_CLOSED);
    mem_free(data);
    free_ends(loop, ends);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

static void a_tls_stream_cut_short_is_no_orderly_end(void **state)
{
    struct end ends[2];
    struct loop *loop = make_ends(ends);
    SSL_CTX *server = make_server(), *client = SSL_CTX_new(TLS_client_method());

    start_tls(ends, server, client);
    settle(loop, ends);
    stream_send(ends[0].stream, BYTES("half an ans"));
    settle(loop, ends);
    stream_abort(ends[0].stream);
    stream_free(ends[0].stream);
    ends[0].stream = NULL;
    settle(loop, ends);
    assert_int_equal(ends[1].received, 11);
    assert_int_equal(ends[1].ended, STREAM_TRUNCATED);
    free_ends(loop, ends);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

// Sends `most` records to a peer that reads none of them; gives how many the socket took whole.
static unsigned fill_socket(struct end *end, unsigned most)
{
    char record[4096] = {0};
    unsigned count = 0;

    while (count < most && stream_send(end->stream, bytes_of(record, sizeof(record))) == sizeof(record))
        count++;
    return count;
}

static void a_full_socket_delays_the_end_of_tls(void **state)
{
    SSL_CTX *server = make_server(), *client = SSL_CTX_new(TLS_client_method());
    unsigned most = 10000;

    // The second time so many that nothing of them waits, and nothing more would go.
    for (int time = 0; time < 2; time++) {
        struct end ends[2];
        struct loop *loop = make_ends(ends);

        start_tls(ends, server, client);
        settle(loop, ends);
        stream_want_input(ends[1].stream, false);
        most = fill_socket(&ends[0], most);
        if (time == 1) {
            stream_shutdown_output(ends[0].stream);
            assert_false(stream_output_empty(ends[0].stream));
            stream_want_input(ends[1].stream, true);
            settle(loop, ends);
            assert_int_equal(ends[1].received, most * 4096);
            assert_int_equal(ends[1].ended, STREAM_CLOSED);
            assert_true(stream_output_empty(ends[0].stream));
        }
        free_ends(loop, ends);
    }
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

static void tls_begins_with_bytes_that_came_before_it(void **state)
{
    struct end ends[2];
    struct loop *loop = make_ends(ends);
    SSL_CTX *server = make_server(), *client = SSL_CTX_new(TLS_client_method());
    SSL *accept = SSL_new(server), *connect = SSL_new(client);

    // The client does not wait: its hello is in our input before TLS starts here.
    ends[0].take = false;
    SSL_set_connect_state(connect);
    stream_start_tls(ends[1].stream, connect);
    settle(loop, ends);
    assert_true(stream_input(ends[0].stream).size > 100);
    SSL_set_accept_state(accept);
    stream_start_tls(ends[0].stream, accept);
    settle(loop, ends);
    assert_int_equal(ends[0].handshakes, 1);
    assert_int_equal(ends[1].handshakes, 1);
    free_ends(loop, ends);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

// A client that is so quick that it answers before the server's send returns.
static SSL *quick_client;

ssize_t __real_send(int fd, const void *data, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t size, int flags);

ssize_t __wrap_send(int fd, const void *data, size_t size, int flags)
{
    ssize_t count = __real_send(fd, data, size, flags);

    if (quick_client && SSL_do_handshake(quick_client) == 1) {
        assert_int_equal(SSL_write(quick_client, "request", 7), 7);
        quick_client = NULL;
    }
    return count;
}

// As a session does: the hello is looked at, then TLS begins.
struct server {
    struct end end;
    SSL_CTX *context;
    unsigned inputs_before; // the handshake was told
};

static void on_hello(void *arg)
{
    struct server *server = arg;
    SSL *ssl;

    if (stream_ssl(server->end.stream)) {
        on_input(&server->end);
        return;
    }
    ssl = SSL_new(server->context);
    SSL_set_accept_state(ssl);
    stream_start_tls(server->end.stream, ssl);
}

static void on_server_handshake(void *arg)
{
    struct server *server = arg;

    server->inputs_before = server->end.inputs;
    on_handshake(&server->end);
}

static void a_quick_clients_request_comes_after_its_handshake(void **state)
{
    static const struct stream_callbacks server_callbacks = {on_hello, on_output, on_server_handshake};
    struct server server = {.end = {.take = true}, .context = make_server()};
    SSL_CTX *client = SSL_CTX_new(TLS_client_method());
    SSL *connect = SSL_new(client);
    struct loop *loop = loop_new(clock_real());
    struct end ends[2] = {0};
    int sockets[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets), 0);
    SSL_set_connect_state(connect);
    SSL_set_fd(connect, sockets[1]);
    assert_int_equal(SSL_do_handshake(connect), -1); // its hello is out
    quick_client = connect;
    server.end.stream = ends[0].stream = stream_new(loop, sockets[0], &server_callbacks, &server);
    stream_want_input(server.end.stream, true);
    settle(loop, ends);
    assert_null(quick_client);
    assert_int_equal(server.end.handshakes, 1);
    assert_int_equal(server.inputs_before, 0);
    assert_int_equal(server.end.received, 7);
    stream_free(server.end.stream);
    SSL_free(connect);
    close(sockets[1]);
    loop_free(loop);
    SSL_CTX_free(server.context);
    SSL_CTX_free(client);
}

static void a_failed_handshake_says_why(void **state)
{
    struct end ends[2];
    struct loop *loop = make_ends(ends);
    SSL_CTX *server = make_server(), *client = SSL_CTX_new(TLS_client_method());

    SSL_CTX_set_verify(client, SSL_VERIFY_PEER, NULL);
    start_tls(ends, server, client);
    settle(loop, ends);
    assert_int_equal(ends[1].ended, STREAM_FAILED);
    assert_string_equal(stream_failure(ends[1].stream), "certificate: self-signed certificate");
    free_ends(loop, ends);
    SSL_CTX_free(server);
    SSL_CTX_free(client);
}

enum { PACKS = 8, BYTE_AFTER = 100 * PACKS, PACK_READS_MAX = 5 * BYTE_AFTER };

// Streams whose sockets always hold more than a buffer, and one to which a byte is sent in the middle of it.
struct beside {
    struct loop *loop;
    struct stream *packs[PACKS], *small;
    int far[PACKS], small_far;
    unsigned pack_reads, when_sent, when_told;
    struct pack {
        struct beside *beside;
        unsigned number;
    } owners[PACKS];
};

static void refill(int fd)
{
    static const char data[256 * KIB];

    while (send(fd, data, sizeof(data), MSG_DONTWAIT) > 0) {
    }
}

static void on_pack_input(void *arg)
{
    const struct pack *pack = arg;
    struct beside *beside = pack->beside;
    struct stream *stream = beside->packs[pack->number];

    stream_consume(stream, stream_input(stream).size);
    refill(beside->far[pack->number]);
    if (++beside->pack_reads == BYTE_AFTER) {
        assert_int_equal(send(beside->small_far, "x", 1, 0), 1);
        beside->when_sent = beside->pack_reads;
    }
    if (beside->pack_reads == PACK_READS_MAX)
        loop_stop(beside->loop);
}

static void on_small_input(void *arg)
{
    struct beside *beside = arg;

    beside->when_told = beside->pack_reads;
    loop_stop(beside->loop);
}

static struct stream *stream_beside(struct loop *loop, int *ret_far, const struct stream_callbacks *told, void *arg)
{
    struct stream *stream;
    int sockets[2], room = 1 * MIB;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets), 0);
    setsockopt(sockets[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    stream = stream_new(loop, sockets[0], told, arg);
    stream_want_input(stream, true);
    *ret_far = sockets[1];
    return stream;
}

static void a_small_request_goes_before_packs(void **state)
{
    static const struct stream_callbacks pack_callbacks = {.on_input = on_pack_input};
    static const struct stream_callbacks small_callbacks = {.on_input = on_small_input};
    struct beside beside = {.loop = loop_new(clock_real())};

    beside.small = stream_beside(beside.loop, &beside.small_far, &small_callbacks, &beside);
    for (unsigned i = 0; i < PACKS; i++) {
        beside.owners[i] = (struct pack){&beside, i};
        beside.packs[i] = stream_beside(beside.loop, &beside.far[i], &pack_callbacks, &beside.owners[i]);
        refill(beside.far[i]);
    }
    loop_run(beside.loop);
    assert_int_equal(beside.when_sent, BYTE_AFTER);
    assert_in_range(beside.when_told, BYTE_AFTER, BYTE_AFTER + 1); // not after a buffer of each
    for (unsigned i = 0; i < PACKS; i++) {
        stream_free(beside.packs[i]);
        close(beside.far[i]);
    }
    stream_free(beside.small);
    close(beside.small_far);
    loop_free(beside.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_arrives),
        cmocka_unit_test(a_full_sink_stops_the_source),
        cmocka_unit_test(the_end_is_told_once_after_the_bytes),
        cmocka_unit_test(a_callback_may_free_its_stream),
        cmocka_unit_test(writing_to_who_has_gone_is_told),
        cmocka_unit_test(a_failure_after_the_end_is_told),
        cmocka_unit_test(tls_carries_bytes_and_its_end),
        cmocka_unit_test(a_tls_stream_cut_short_is_no_orderly_end),
        cmocka_unit_test(a_full_socket_delays_the_end_of_tls),
        cmocka_unit_test(tls_begins_with_bytes_that_came_before_it),
        cmocka_unit_test(a_quick_clients_request_comes_after_its_handshake),
        cmocka_unit_test(a_failed_handshake_says_why),
        cmocka_unit_test(a_small_request_goes_before_packs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
