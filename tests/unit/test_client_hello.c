#include "client_hello.h"

#include <openssl/ssl.h>

#include "cmocka_unit.h"
#include "mem.h"

// What OpenSSL sends first; to be freed.
static char *real_hello(char *name, size_t *ret_size)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(context);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    char *data;
    long size;
    char *copy;

    SSL_set_bio(ssl, in, out);
    if (name)
        SSL_set_tlsext_host_name(ssl, name);
    SSL_set_connect_state(ssl);
    SSL_do_handshake(ssl);
    size = BIO_get_mem_data(out, &data);
    copy = mem_alloc((size_t)size);
    memcpy(copy, data, (size_t)size);
    *ret_size = (size_t)size;
    SSL_free(ssl);
    SSL_CTX_free(context);
    return copy;
}

static void the_name_is_read_however_the_bytes_come(void **state)
{
    char name[SERVER_NAME_SIZE];
    size_t size;
    char *hello = real_hello((char[]){"GitHub.COM"}, &size);

    for (size_t cut = 0; cut < size; cut++)
        assert_int_equal(client_hello_name(bytes_of(hello, cut), name), CLIENT_HELLO_MORE);
    assert_int_equal(client_hello_name(bytes_of(hello, size), name), CLIENT_HELLO_NAME);
    assert_string_equal(name, "github.com");
    mem_free(hello);
}

// The same handshake message in records of `piece` bytes.
static char *split_records(const char *hello, size_t size, size_t piece, size_t *ret_size)
{
    const char *message = hello + 5;
    size_t left = size - 5, written = 0;
    char *split = mem_alloc(left * 6 + 16);

    while (left > 0) {
        size_t now = left < piece ? left : piece;

        split[written++] = 22;
        split[written++] = 3;
        split[written++] = 1;
        split[written++] = (char)(now >> 8);
        split[written++] = (char)now;
        memcpy(split + written, message, now);
        written += now;
        message += now;
        left -= now;
    }
    *ret_size = written;
    return split;
}

static void the_name_is_read_over_many_records(void **state)
{
    static const size_t pieces[] = {1, 2, 3, 5, 40, 100};
    size_t size, split_size;
    char *hello = real_hello((char[]){"api.github.com"}, &size);

    for (size_t i = 0; i < GL_ARRAY_SIZE(pieces); i++) {
        char name[SERVER_NAME_SIZE];
        char *split = split_records(hello, size, pieces[i], &split_size);

        assert_int_equal(client_hello_name(bytes_of(split, split_size - 1), name), CLIENT_HELLO_MORE);
        assert_int_equal(client_hello_name(bytes_of(split, split_size), name), CLIENT_HELLO_NAME);
        assert_string_equal(name, "api.github.com");
        mem_free(split);
    }
    mem_free(hello);
}

static void a_hello_without_a_name_is_told(void **state)
{
    char name[SERVER_NAME_SIZE];
    size_t size;
    char *hello = real_hello(NULL, &size);

    assert_int_equal(client_hello_name(bytes_of(hello, size), name), CLIENT_HELLO_NONE);
    mem_free(hello);
}

static void what_is_no_hello_is_told_at_once(void **state)
{
    char name[SERVER_NAME_SIZE];

    assert_int_equal(client_hello_name(BYTES(""), name), CLIENT_HELLO_MORE);
    assert_int_equal(client_hello_name(BYTES("S"), name), CLIENT_HELLO_NOT); // SSH-2.0-…
    assert_int_equal(client_hello_name(BYTES("GET / HTTP/1.1\r\n"), name), CLIENT_HELLO_NOT);
    assert_int_equal(client_hello_name(BYTES("\x16\x05"), name), CLIENT_HELLO_NOT);
    assert_int_equal(client_hello_name(BYTES("\x16\x03\x01\x00\x04\x02\x00\x00\x00"), name), CLIENT_HELLO_BAD);
    // a message of 16 MiB
    assert_int_equal(client_hello_name(BYTES("\x16\x03\x01\x00\x04\x01\xff\xff\xff"), name), CLIENT_HELLO_BAD);
}

// OpenSSL's servers take both.
static void a_name_cannot_be_hidden(void **state)
{
    char name[SERVER_NAME_SIZE];
    size_t size;
    char *hello = real_hello((char[]){"github.com"}, &size);
    char *after_empty = mem_alloc(5 + size);

    memcpy(after_empty, "\x16\x03\x01\x00\x00", 5);
    memcpy(after_empty + 5, hello, size);
    assert_int_equal(client_hello_name(bytes_of(after_empty, 5), name), CLIENT_HELLO_MORE);
    assert_int_equal(client_hello_name(bytes_of(after_empty, 5 + size), name), CLIENT_HELLO_NAME);
    assert_string_equal(name, "github.com");
    // with 64 KiB of padding
    hello[6] = 1;
    assert_int_equal(client_hello_name(bytes_of(hello, size), name), CLIENT_HELLO_BAD);
    mem_free(after_empty);
    mem_free(hello);
}

// A hand-made ClientHello with these extensions.
static size_t small_hello(char *out, const char *extensions, size_t size)
{
    static const char front[] = "\x03\x03" // legacy_version
                                "0123456789abcdef0123456789abcdef"
                                "\0"             // legacy_session_id
                                "\0\x02\x13\x01" // cipher_suites
                                "\x01\0";        // legacy_compression_methods
    size_t message = sizeof(front) - 1 + 2 + size;

    memcpy(out, (char[]){22, 3, 1, 0, (char)(message + 4), 1, 0, 0, (char)message}, 9);
    memcpy(out + 9, front, sizeof(front) - 1);
    out[9 + sizeof(front) - 1] = 0;
    out[9 + sizeof(front)] = (char)size;
    memcpy(out + 9 + sizeof(front) + 1, extensions, size);
    return 9 + message;
}

#define SERVER_NAME_A                                                                                                  \
    "\0\0\0\x08\0\x06\0\0\x03"                                                                                         \
    "a.b"
#define SERVER_NAME_B                                                                                                  \
    "\0\0\0\x08\0\x06\0\0\x03"                                                                                         \
    "c.d"
#define TWO_NAMES                                                                                                      \
    "\0\0\0\x0e\0\x0c\0\0\x03"                                                                                         \
    "a.b"                                                                                                              \
    "\0\0\x03"                                                                                                         \
    "c.d"

static void of_two_names_none_is_believed(void **state)
{
    char hello[256], name[SERVER_NAME_SIZE];

    size_t size = small_hello(hello, SERVER_NAME_A, sizeof(SERVER_NAME_A) - 1);
    assert_int_equal(client_hello_name(bytes_of(hello, size), name), CLIENT_HELLO_NAME);
    assert_string_equal(name, "a.b");
    size = small_hello(hello, SERVER_NAME_A SERVER_NAME_B, sizeof(SERVER_NAME_A SERVER_NAME_B) - 1);
    assert_int_equal(client_hello_name(bytes_of(hello, size), name), CLIENT_HELLO_BAD);
    size = small_hello(hello, TWO_NAMES, sizeof(TWO_NAMES) - 1);
    assert_int_equal(client_hello_name(bytes_of(hello, size), name), CLIENT_HELLO_BAD);
}

// Go's server passes by a warning alert before the ClientHello.
static void a_record_before_the_hello_hides_nothing(void **state)
{
    char name[SERVER_NAME_SIZE];

    assert_int_equal(client_hello_name(BYTES("\x15"), name), CLIENT_HELLO_MORE);
    for (char type = 20; type <= 24; type++) {
        const char record[] = {type, 3, 1, 0, 2, 1, 0};
        if (type != 22)
            assert_int_equal(client_hello_name(bytes_of(record, sizeof(record)), name), CLIENT_HELLO_BAD);
    }
    assert_int_equal(client_hello_name(BYTES("\x15\x04"), name), CLIENT_HELLO_NOT);
}

static void damage_never_reads_beyond_the_end(void **state)
{
    size_t size;
    char *hello = real_hello((char[]){"github.com"}, &size);

    for (size_t at = 0; at < size; at++) {
        for (int bit = 0; bit < 8; bit++) {
            char name[SERVER_NAME_SIZE];
            char *damaged = mem_alloc(size); // of exact size: a sanitizer sees a read beyond it

            memcpy(damaged, hello, size);
            damaged[at] ^= (char)(1 << bit);
            if (client_hello_name(bytes_of(damaged, size), name) == CLIENT_HELLO_NAME)
                assert_true(strlen(name) < SERVER_NAME_SIZE);
            mem_free(damaged);
        }
    }
    mem_free(hello);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_is_read_however_the_bytes_come),
        cmocka_unit_test(the_name_is_read_over_many_records),
        cmocka_unit_test(a_hello_without_a_name_is_told),
        cmocka_unit_test(what_is_no_hello_is_told_at_once),
        cmocka_unit_test(a_name_cannot_be_hidden),
        cmocka_unit_test(of_two_names_none_is_believed),
        cmocka_unit_test(a_record_before_the_hello_hides_nothing),
        cmocka_unit_test(damage_never_reads_beyond_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
