#include "mem.h"

#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include "cmocka_unit.h"

static void array_grows_and_keeps_its_items(void **state)
{
    int *items = NULL;
    size_t capacity = 0, moves = 0;

    for (int i = 0; i < 1000; i++) {
        size_t before = capacity;

        items = mem_grow(items, &capacity, (size_t)i + 1, sizeof(*items));
        moves += capacity != before;
        items[i] = i;
    }
    for (int i = 0; i < 1000; i++)
        assert_int_equal(items[i], i);
    assert_true(moves < 15);
    mem_free(items);
}

static void strings(void **state)
{
    char *string = mem_bytes_string(bytes_of("abcdef", 3));

    assert_string_equal(string, "abc");
    mem_free(string);
    string = mem_format("%s-%d", "x", 7);
    assert_string_equal(string, "x-7");
    mem_free(string);
    string = mem_bytes_string(bytes_of(NULL, 0));
    assert_string_equal(string, "");
    mem_free(string);
    assert_null(mem_string(NULL));
}

// The build gives the linker --wrap=free: what reaches the real free is looked at.
void __real_free(void *block);
void __wrap_free(void *block);

static const char token[] = "ghs_0123456789abcdef0123456789abcdef";
static size_t blocks_freed, tokens_freed, records_freed;

void __wrap_free(void *block)
{
    blocks_freed++;
    if (block && malloc_usable_size(block) >= sizeof(token) && memcmp(block, token, sizeof(token)) == 0)
        tokens_freed++;
    if (block && malloc_usable_size(block) > 16 * KIB && malloc_usable_size(block) < 17 * KIB)
        records_freed++;
    __real_free(block);
}

static void freed_memory_is_wiped(void **state)
{
    char *block = mem_wiping_malloc(sizeof(token)), *moved;

    memcpy(block, token, sizeof(token));
    blocks_freed = tokens_freed = 0;
    moved = mem_wiping_realloc(block, 100000);
    assert_string_equal(moved, token);
    assert_int_equal(blocks_freed, 1);
    moved = mem_wiping_realloc(moved, sizeof(token));
    assert_memory_equal(moved, token, sizeof(token));
    assert_int_equal(blocks_freed, 2);
    mem_wiping_free(moved);
    assert_int_equal(blocks_freed, 3);
    assert_int_equal(tokens_freed, 0);
    mem_wiping_free(NULL);
}

// Some are kept for the next burst; what is not kept goes as all else does.
static void buffers_are_used_again(size_t size)
{
    void *buffers[16];

    for (size_t i = 0; i < GL_ARRAY_SIZE(buffers); i++) {
        buffers[i] = OPENSSL_malloc(size);
        memcpy(buffers[i], token, sizeof(token));
    }
    blocks_freed = tokens_freed = 0;
    for (size_t i = 0; i < GL_ARRAY_SIZE(buffers); i++)
        OPENSSL_free(buffers[i]);
    assert_in_range(blocks_freed, 1, GL_SANITIZED ? 16 : 15);
    assert_int_equal(tokens_freed, 0);
    blocks_freed = 0;
    for (size_t i = 0; i < 100; i++)
        OPENSSL_free(OPENSSL_malloc(size));
    assert_int_equal(blocks_freed, GL_SANITIZED ? 100 : 0);
}

static void read_buffers_are_used_again(void **state)
{
    buffers_are_used_again(MEM_TLS_READ_SIZE);
}

static void write_buffers_are_used_again(void **state)
{
    buffers_are_used_again(MEM_TLS_WRITE_MIN);
    buffers_are_used_again(MEM_TLS_WRITE_MAX);
}

// A smaller read, one record to be read, a handshake message: they get none of these, and are wiped.
static void other_sizes_are_not_kept(void **state)
{
    static const size_t sizes[] = {MEM_TLS_READ_SIZE - 4096, MEM_TLS_READ_SIZE + 4096, 16 * KIB + 328, 16 * KIB};

    blocks_freed = tokens_freed = 0;
    for (size_t i = 0; i < GL_ARRAY_SIZE(sizes); i++) {
        char *block = OPENSSL_malloc(sizes[i]);

        memcpy(block, token, sizeof(token));
        OPENSSL_free(block);
    }
    assert_int_equal(blocks_freed, GL_ARRAY_SIZE(sizes));
    assert_int_equal(tokens_freed, 0);
}

// What OpenSSL takes for a record that it writes is a buffer of this size.
static void a_record_is_written_from_a_kept_buffer(void **state)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl;
    BIO *wire;

    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_default_read_buffer_len(context, MEM_TLS_READ_SIZE);
    records_freed = 0;
    for (int i = 0; i < 8; i++) {
        ssl = SSL_new(context);
        wire = BIO_new(BIO_s_mem());
        SSL_set_bio(ssl, wire, wire);
        SSL_set_connect_state(ssl);
        assert_int_equal(SSL_do_handshake(ssl), -1);
        assert_true(BIO_pending(wire) > 0); // the ClientHello
        SSL_free(ssl);
    }
    SSL_CTX_free(context);
    assert_int_equal(records_freed > 0, GL_SANITIZED);
}

static void too_much_ends_the_process(void **state)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        struct rlimit none = {0, 0};
        size_t capacity = 1;

        setrlimit(RLIMIT_CORE, &none);
        close(STDERR_FILENO);
        mem_free(mem_grow(NULL, &capacity, SIZE_MAX / 2, 8));
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(array_grows_and_keeps_its_items),
        cmocka_unit_test(strings),
        cmocka_unit_test(freed_memory_is_wiped),
        cmocka_unit_test(read_buffers_are_used_again),
        cmocka_unit_test(write_buffers_are_used_again),
        cmocka_unit_test(other_sizes_are_not_kept),
        cmocka_unit_test(a_record_is_written_from_a_kept_buffer),
        cmocka_unit_test(too_much_ends_the_process),
    };

    assert_true(mem_wipe_on_free_install());
    return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
