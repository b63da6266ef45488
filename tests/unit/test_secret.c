#include "secret.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka_unit.h"
#include "mem.h"

#define TOKEN "ghs_abcdefghijklmnopqrstuvwxyz0123456789"

static void holds_what_was_given_as_long_as_it_is_held(void **state)
{
    struct secret *secret = secret_new(BYTES(TOKEN));

    assert_ptr_equal(secret_ref(secret), secret);
    secret_unref(secret);
    assert_true(bytes_equal(secret_bytes(secret), BYTES(TOKEN)));
    secret_unref(secret);
    secret_unref(NULL);
}

static void surrounding_space_is_left_out(void **state)
{
    struct secret *secret = secret_new_trimmed(BYTES(" \r\n\t" TOKEN " x\v\f\r\n"));

    assert_true(bytes_equal(secret_bytes(secret), BYTES(TOKEN " x")));
    secret_unref(secret);
    secret = secret_new_trimmed(BYTES(" \n"));
    assert_int_equal(secret_bytes(secret).size, 0);
    secret_unref(secret);
}

// Looked at after the last reference has gone: the memory stays ours (a slab is kept), and must be blank but
// for the link that its free list writes at the front.
static void wiped_with_the_last_reference(void **state)
{
    static const char block[32] = {0};
    struct secret *secret = secret_new(BYTES(TOKEN TOKEN));
    const char *data = secret_bytes(secret).data;

    secret_unref(secret);
    for (size_t at = 0; at + sizeof(block) <= sizeof(TOKEN TOKEN) - 1; at += sizeof(block))
        assert_memory_equal(data + at, block, sizeof(block));
}

// Its form lives as long as it does, and is wiped with it, also where somebody still held the form for a while.
static void its_form_goes_with_it(void **state)
{
    static const char block[32] = {0};
    struct secret *secret = secret_new(BYTES(TOKEN)), *form = secret_new(BYTES("Basic " TOKEN TOKEN));
    const char *data = secret_bytes(form).data;

    assert_null(secret_form(secret));
    secret_keep_form(secret, form);
    assert_ptr_equal(secret_form(secret), form);
    secret_ref(secret_form(secret));
    secret_unref(secret);
    assert_true(bytes_equal(secret_bytes(form), BYTES("Basic " TOKEN TOKEN)));
    secret_unref(form);
    for (size_t at = 0; at + sizeof(block) <= sizeof(TOKEN TOKEN) - 1; at += sizeof(block))
        assert_memory_equal(data + at, block, sizeof(block));

    secret = secret_new(BYTES(TOKEN));
    form = secret_new(BYTES("Basic " TOKEN TOKEN));
    data = secret_bytes(form).data;
    secret_keep_form(secret, form);
    secret_unref(secret);
    for (size_t at = 0; at + sizeof(block) <= sizeof(TOKEN TOKEN) - 1; at += sizeof(block))
        assert_memory_equal(data + at, block, sizeof(block));
}

static void sizes_of_every_kind(void **state)
{
    static const size_t sizes[] = {0, 1, 48, 49, 520, 1000, 1001, 8168, 8169, 65536, 1000000};
    struct secret *secrets[GL_ARRAY_SIZE(sizes)];
    char *data;

    for (size_t i = 0; i < GL_ARRAY_SIZE(sizes); i++) {
        secrets[i] = secret_new_sized(sizes[i], &data);
        memset(data, (int)('a' + i), sizes[i]);
    }
    for (size_t i = 0; i < GL_ARRAY_SIZE(sizes); i++) {
        struct bytes bytes = secret_bytes(secrets[i]);

        assert_int_equal(bytes.size, sizes[i]);
        for (size_t j = 0; j < bytes.size; j++)
            assert_int_equal(bytes.data[j], 'a' + i);
        secret_unref(secrets[i]);
    }
}

static void equal_or_not(void **state)
{
    struct secret *secret = secret_new(BYTES(TOKEN));

    assert_true(secret_equal(secret, BYTES(TOKEN)));
    assert_false(secret_equal(secret, BYTES("")));
    assert_false(secret_equal(secret, BYTES(TOKEN "x")));
    assert_false(secret_equal(secret, bytes_of(TOKEN, sizeof(TOKEN) - 2)));
    assert_false(secret_equal(secret, BYTES("Ghs_abcdefghijklmnopqrstuvwxyz0123456789")));
    secret_unref(secret);
}

static void fingerprint_is_of_sha256(void **state)
{
    struct secret *secret = secret_new(BYTES("abc"));
    char hex[SECRET_FINGERPRINT_SIZE];

    secret_fingerprint(secret, hex);
    assert_string_equal(hex, "ba7816bf8f01"); // FIPS 180-2, B.1
    secret_unref(secret);
}

// The VmFlags line of the mapping that holds `place`; "" where there is none.
static void mapping_flags(const void *place, char *ret_flags, size_t size)
{
    FILE *smaps = fopen("/proc/self/smaps", "re");
    char line[512];
    bool inside = false;

    assert_non_null(smaps);
    ret_flags[0] = '\0';
    while (fgets(line, sizeof(line), smaps)) {
        unsigned long low, high;

        if (sscanf(line, "%lx-%lx ", &low, &high) == 2)
            inside = (uintptr_t)place >= low && (uintptr_t)place < high;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            snprintf(ret_flags, size, "%s", line);
    }
    fclose(smaps);
}

static void memory_is_locked_and_not_dumped(void **state)
{
    struct secret *small = secret_new(BYTES(TOKEN));
    char *data, flags[512];
    struct secret *large = secret_new_sized(20000, &data);

    mapping_flags(secret_bytes(small).data, flags, sizeof(flags));
    assert_non_null(strstr(flags, " dd"));
#if !GL_SANITIZED // its mlock does nothing
    assert_non_null(strstr(flags, " lo"));
#endif
    mapping_flags(data, flags, sizeof(flags));
    assert_non_null(strstr(flags, " dd"));
    secret_unref(small);
    secret_unref(large);
}

static void say_unlocked(int code)
{
    fprintf(stderr, "unlocked: %s\n", strerrorname_np(code));
}

// As an ordinary user with no memory to lock: one warning, and secrets all the same.
static void no_memory_to_lock_is_said_once(void **state)
{
    char said[1000];
    int ends[2], status;
    ssize_t size;
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    if (pid == 0) {
        const struct rlimit none = {0, 0};
        struct secret *secrets[100];

        dup2(ends[1], STDERR_FILENO);
        secret_warn_unlocked(say_unlocked);
        if (setrlimit(RLIMIT_MEMLOCK, &none) || (getuid() == 0 && setuid(65534)))
            _exit(3);
        for (size_t i = 0; i < GL_ARRAY_SIZE(secrets); i++) {
            char *data;

            secrets[i] = secret_new_sized(5000, &data);
            memset(data, 'x', 5000);
        }
        for (size_t i = 0; i < GL_ARRAY_SIZE(secrets); i++)
            secret_unref(secrets[i]);
        _exit(0);
    }
    close(ends[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    size = read(ends[0], said, sizeof(said) - 1);
    assert_true(size >= 0);
    said[size] = '\0';
    close(ends[0]);
#if !GL_SANITIZED
    assert_non_null(strstr(said, "unlocked: E"));
    assert_null(strstr(strstr(said, "unlocked: ") + 1, "unlocked: "));
#endif
}

static void a_protected_process_leaves_no_core(void **state)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        struct rlimit core;

        secret_protect_process();
        getrlimit(RLIMIT_CORE, &core);
        _exit(prctl(PR_GET_DUMPABLE) == 0 && core.rlim_cur == 0 && core.rlim_max == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_what_was_given_as_long_as_it_is_held),
        cmocka_unit_test(surrounding_space_is_left_out),
        cmocka_unit_test(wiped_with_the_last_reference),
        cmocka_unit_test(its_form_goes_with_it),
        cmocka_unit_test(sizes_of_every_kind),
        cmocka_unit_test(equal_or_not),
        cmocka_unit_test(fingerprint_is_of_sha256),
        cmocka_unit_test(memory_is_locked_and_not_dumped),
        cmocka_unit_test(no_memory_to_lock_is_said_once),
        cmocka_unit_test(a_protected_process_leaves_no_core),
    };

    return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
