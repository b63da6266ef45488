#include "mem.h"

#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/crypto.h>

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
static size_t blocks_freed, tokens_freed;

void __wrap_free(void *block)
{
    blocks_freed++;
    if (block && malloc_usable_size(block) >= sizeof(token) && memcmp(block, token, sizeof(token)) == 0)
        tokens_freed++;
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
static void read_buffers_are_used_again(void **state)
{
    void *buffers[16];

    for (size_t i = 0; i < GL_ARRAY_SIZE(buffers); i++) {
        buffers[i] = OPENSSL_malloc(MEM_TLS_READ_SIZE);
        memcpy(buffers[i], token, sizeof(token));
    }
    blocks_freed = tokens_freed = 0;
    for (size_t i = 0; i < GL_ARRAY_SIZE(buffers); i++)
        OPENSSL_free(buffers[i]);
    assert_in_range(blocks_freed, 1, GL_SANITIZED ? 16 : 15);
    assert_int_equal(tokens_freed, 0);
    blocks_freed = 0;
    for (size_t i = 0; i < 100; i++)
        OPENSSL_free(OPENSSL_malloc(MEM_TLS_READ_SIZE));
    assert_int_equal(blocks_freed, GL_SANITIZED ? 100 : 0);
    // Another size gets none of them.
    buffers[0] = OPENSSL_malloc(MEM_TLS_READ_SIZE - 4096);
    OPENSSL_free(buffers[0]);
    assert_int_equal(blocks_freed, GL_SANITIZED ? 101 : 1);
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
        cmocka_unit_test(too_much_ends_the_process),
    };

    assert_true(mem_wipe_on_free_install());
    return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
