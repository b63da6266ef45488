#include "authority_state.h"

#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

#include <openssl/evp.h>

#include "certs_unit.h"

static struct authority *load(const char *directory, const struct name_list *hosts, struct wall now)
{
    struct error error = {{0}};
    struct authority_state *state = authority_state_open(directory, &error);
    struct authority *authority;

    assert_string_equal(error.text, "");
    assert_non_null(state);
    authority = authority_state_load(state, hosts, now, 10000, &error);
    assert_string_equal(error.text, "");
    assert_non_null(authority);
    authority_state_close(state);
    return authority;
}

static bool same(const struct authority *a, const struct authority *b)
{
    return bytes_equal(authority_pem(a), authority_pem(b));
}

static void the_authority_outlives_a_restart(void **state)
{
    char *directory = certs_unit_directory();
    char *inner = mem_format("%s/a/ca", directory);
    struct authority *one = load(inner, &certs_unit_hosts, CERTS_UNIT_NOW);
    struct authority *two = load(inner, &certs_unit_hosts, certs_unit_later(300 * DAY_MS));

    assert_true(same(one, two));
    assert_int_equal(certs_unit_mode(inner, ""), 0700);
    assert_int_equal(certs_unit_mode(inner, "ca.key"), 0600);
    authority_free(one);
    authority_free(two);
    mem_free(inner);
    certs_unit_remove(directory);
}

static void near_its_end_it_is_renewed_with_the_same_key(void **state)
{
    char *directory = certs_unit_directory();
    struct authority *one = load(directory, &certs_unit_hosts, CERTS_UNIT_NOW);
    struct authority *two = load(directory, &certs_unit_hosts, certs_unit_later(340 * DAY_MS));
    struct authority *three = load(directory, &certs_unit_hosts, certs_unit_later(341 * DAY_MS));

    assert_false(same(one, two));
    assert_true(same(two, three));
    assert_int_equal(EVP_PKEY_eq(authority_key(one), authority_key(two)), 1);
    assert_int_equal(authority_expiry(two).ms, certs_unit_later((340 + 365) * DAY_MS).ms);
    authority_free(one);
    authority_free(two);
    authority_free(three);
    certs_unit_remove(directory);
}

static void for_other_hosts_it_is_replaced(void **state)
{
    char *directory = certs_unit_directory();
    struct authority *one = load(directory, &certs_unit_hosts, CERTS_UNIT_NOW);
    struct authority *two = load(directory, &certs_unit_other_hosts, CERTS_UNIT_NOW);
    struct authority *three = load(directory, &certs_unit_other_hosts, CERTS_UNIT_NOW);

    assert_int_not_equal(EVP_PKEY_eq(authority_key(one), authority_key(two)), 1);
    assert_true(authority_fits(two, &certs_unit_other_hosts));
    assert_true(same(two, three));
    authority_free(one);
    authority_free(two);
    authority_free(three);
    certs_unit_remove(directory);
}

// Does something to the state; what is loaded then must be a new authority that stays.
static void assert_replaced_after(void (*damage)(const char *directory))
{
    char *directory = certs_unit_directory();
    struct authority *one = load(directory, &certs_unit_hosts, CERTS_UNIT_NOW);
    struct authority *two;
    struct authority *three;

    damage(directory);
    two = load(directory, &certs_unit_hosts, CERTS_UNIT_NOW);
    three = load(directory, &certs_unit_hosts, CERTS_UNIT_NOW);
    assert_int_not_equal(EVP_PKEY_eq(authority_key(one), authority_key(two)), 1);
    assert_true(same(two, three));
    authority_free(one);
    authority_free(two);
    authority_free(three);
    certs_unit_remove(directory);
}

static void remove_file(const char *directory, const char *name)
{
    char *path = mem_format("%s/%s", directory, name);

    assert_int_equal(unlink(path), 0);
    mem_free(path);
}

static void empty_the_key(const char *directory)
{
    certs_unit_write(directory, "ca.key", "");
}

static void cut_the_certificate(const char *directory)
{
    char *pem = certs_unit_read(directory, "ca.pem", NULL);

    pem[strlen(pem) / 2] = '\0';
    certs_unit_write(directory, "ca.pem", pem);
    mem_free(pem);
}

static void remove_the_key(const char *directory)
{
    remove_file(directory, "ca.key");
}

static void remove_the_certificate(const char *directory)
{
    remove_file(directory, "ca.pem");
}

static void take_another_key(const char *directory)
{
    char *other = certs_unit_directory();
    char *key;

    authority_free(load(other, &certs_unit_hosts, CERTS_UNIT_NOW));
    key = certs_unit_read(other, "ca.key", NULL);
    certs_unit_write(directory, "ca.key", key);
    mem_free(key);
    certs_unit_remove(other);
}

// Whoever may make a link in the state could make us publish, or keep, what is not ours.
static void make_the_key_a_link(const char *directory)
{
    char *from = mem_format("%s/ca.key", directory);
    char *to = mem_format("%s/elsewhere", directory);

    assert_int_equal(rename(from, to), 0);
    assert_int_equal(symlink("elsewhere", from), 0);
    mem_free(from);
    mem_free(to);
}

static void damaged_it_is_replaced(void **state)
{
    assert_replaced_after(empty_the_key);
    assert_replaced_after(cut_the_certificate);
    assert_replaced_after(remove_the_key);
    assert_replaced_after(remove_the_certificate);
    assert_replaced_after(take_another_key);
    assert_replaced_after(make_the_key_a_link);
}

static void a_key_that_others_could_read_is_closed(void **state)
{
    char *directory = certs_unit_directory();
    char *key = mem_format("%s/ca.key", directory);

    authority_free(load(directory, &certs_unit_hosts, CERTS_UNIT_NOW));
    assert_int_equal(chmod(key, 0664), 0);
    authority_free(load(directory, &certs_unit_hosts, CERTS_UNIT_NOW));
    assert_int_equal(certs_unit_mode(directory, "ca.key"), 0600);
    mem_free(key);
    certs_unit_remove(directory);
}

#define PROCESSES 8

static void processes_that_start_together_share_it(void **state)
{
    char *directory = certs_unit_directory();
    struct authority *kept;
    int pipes[PROCESSES][2];

    for (size_t i = 0; i < PROCESSES; i++) {
        assert_int_equal(pipe(pipes[i]), 0);
        if (fork() == 0) {
            struct authority *authority = load(directory, &certs_unit_hosts, CERTS_UNIT_NOW);
            struct bytes pem = authority_pem(authority);
            bool written = write(pipes[i][1], pem.data, pem.size) == (ssize_t)pem.size;

            authority_free(authority);
            mem_free(directory);
            _exit(written ? 0 : 1);
        }
        close(pipes[i][1]);
    }
    kept = load(directory, &certs_unit_hosts, CERTS_UNIT_NOW);
    for (size_t i = 0; i < PROCESSES; i++) {
        char pem[4096];
        ssize_t size = read(pipes[i][0], pem, sizeof(pem));

        assert_true(size > 0);
        assert_true(bytes_equal(bytes_of(pem, (size_t)size), authority_pem(kept)));
        close(pipes[i][0]);
    }
    while (wait(NULL) > 0)
        ;
    authority_free(kept);
    certs_unit_remove(directory);
}

// Replaces the CA again and again, until it is killed.
static void replace_for_ever(const char *directory)
{
    close(STDERR_FILENO); // a warning each time
    for (;;) {
        authority_free(load(directory, &certs_unit_hosts, CERTS_UNIT_NOW));
        authority_free(load(directory, &certs_unit_other_hosts, CERTS_UNIT_NOW));
    }
}

// The two files are a pair, or there is no CA: nothing to be called damaged.
static void assert_pair_or_nothing(const char *directory)
{
    char *certificate = certs_unit_read(directory, "ca.pem", NULL);
    char *key = certs_unit_read(directory, "ca.key", NULL);
    struct error error;
    struct authority *authority = NULL;

    if (certificate) {
        authority = authority_parse(bytes_of_string(certificate), bytes_of_string(key), &error);
        assert_non_null(authority);
    }
    authority_free(authority);
    mem_free(certificate);
    mem_free(key);
}

#define KILLS 40

static void killed_at_any_moment_it_leaves_a_state_that_can_be_used(void **state)
{
    char *directory = certs_unit_directory();

    for (useconds_t i = 0; i < KILLS; i++) {
        pid_t child = fork();
        struct authority *one;
        struct authority *two;

        if (child == 0)
            replace_for_ever(directory);
        usleep(1000 + i * 377); // a replacement takes about a millisecond
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        assert_pair_or_nothing(directory);
        one = load(directory, &certs_unit_hosts, CERTS_UNIT_NOW);
        two = load(directory, &certs_unit_hosts, CERTS_UNIT_NOW);
        assert_true(same(one, two));
        authority_free(one);
        authority_free(two);
    }
    certs_unit_remove(directory);
}

static void a_lock_held_by_another_is_waited_for_as_long_as_told(void **state)
{
    char *directory = certs_unit_directory();
    char *path = mem_format("%s/lock", directory);
    struct error error;
    struct authority_state *opened = authority_state_open(directory, &error);
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    assert_int_equal(flock(lock, LOCK_EX), 0);
    assert_null(authority_state_load(opened, &certs_unit_hosts, CERTS_UNIT_NOW, 0, &error));
    assert_non_null(strstr(error.text, "another process holds it"));
    assert_null(authority_state_load(opened, &certs_unit_hosts, CERTS_UNIT_NOW, 50, &error));
    close(lock);
    authority_free(load(directory, &certs_unit_hosts, CERTS_UNIT_NOW));
    authority_state_close(opened);
    mem_free(path);
    certs_unit_remove(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_authority_outlives_a_restart),
        cmocka_unit_test(near_its_end_it_is_renewed_with_the_same_key),
        cmocka_unit_test(for_other_hosts_it_is_replaced),
        cmocka_unit_test(damaged_it_is_replaced),
        cmocka_unit_test(a_key_that_others_could_read_is_closed),
        cmocka_unit_test(processes_that_start_together_share_it),
        cmocka_unit_test(killed_at_any_moment_it_leaves_a_state_that_can_be_used),
        cmocka_unit_test(a_lock_held_by_another_is_waited_for_as_long_as_told),
    };

    return cmocka_run_group_tests_name("authority_state", tests, NULL, NULL);
}
