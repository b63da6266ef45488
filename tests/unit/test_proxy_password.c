#include "proxy_password.h"

#include <stdlib.h>
#include <unistd.h>

#include "cmocka_unit.h"
#include "secret.h"

static void only_the_right_user_and_password_pass(void **state)
{
    struct secret *password = secret_new(BYTES("s3cret"));
    static const struct {
        const char *value;
        bool right;
    } cases[] = {
        {"Basic Z2l0bGF0Y2g6czNjcmV0", true},      // gitlatch:s3cret
        {"basic Z2l0bGF0Y2g6czNjcmV0", true},      // the scheme's case is free
        {"Basic Z2l0bGF0Y2g6czNjcmV0IA==", false}, // gitlatch:s3cret and a space
        {"Basic Z2l0bGF0Y2g6czNjcmU=", false},     // gitlatch:s3cre
        {"Basic Z2l0bGF0Y2g6", false},             // gitlatch:
        {"Basic Z2l0OnMzY3JldA==", false},         // git:s3cret
        {"Basic czNjcmV0", false},                 // s3cret
        {"Basic", false},
        {"Basic ", false},
        {"Basic Z2l0bGF0Y2g6czNjcmV", false}, // no whole base64
        {"Basic ????", false},
        {"Bearer s3cret", false},
        {"", false},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++)
        if (proxy_password_accepts(password, bytes_of_string(cases[i].value)) != cases[i].right)
            fail_msg("%s", cases[i].value);
    secret_unref(password);
}

// What proxy_password_read says of a file with `size` times x, between blanks.
static struct secret *read_of_size(size_t size, struct error *error)
{
    char path[] = "/tmp/gitlatch-password-XXXXXX";
    int descriptor = mkstemp(path);
    FILE *file = fdopen(descriptor, "w");
    struct secret *password;

    assert_non_null(file);
    fputc(' ', file);
    for (size_t i = 0; i < size; i++)
        fputc('x', file);
    fputc('\n', file);
    fclose(file);
    password = proxy_password_read(path, error);
    unlink(path);
    return password;
}

static void a_file_holds_a_password_within_bounds(void **state)
{
    static const size_t good[] = {1, 512}, bad[] = {513, 5000};
    struct error error;

    for (size_t i = 0; i < GL_ARRAY_SIZE(good); i++) {
        struct secret *password = read_of_size(good[i], &error);

        assert_int_equal(secret_bytes(password).size, good[i]);
        secret_unref(password);
    }
    for (size_t i = 0; i < GL_ARRAY_SIZE(bad); i++) {
        assert_null(read_of_size(bad[i], &error));
        assert_non_null(strstr(error.text, ": must hold a password of 1 to 512 characters"));
    }
    assert_null(read_of_size(0, &error));
    assert_non_null(strstr(error.text, " is empty"));
    assert_null(proxy_password_read("/", &error));
    assert_non_null(strstr(error.text, "/ is not a regular file"));
    assert_null(proxy_password_read("/nonexistent", &error));
    assert_non_null(strstr(error.text, "/nonexistent: No such file or directory; "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_right_user_and_password_pass),
        cmocka_unit_test(a_file_holds_a_password_within_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
