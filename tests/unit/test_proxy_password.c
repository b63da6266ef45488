#include "proxy_password.h"

#include "cmocka_unit.h"
#include "secret.h"

static void only_the_right_user_and_password_pass(void **state)
{
    struct secret *password = secret_new(BYTES("s3cret"));
    static const struct {
        const char *value;
        bool right;
    } cases[] = {
        {"Basic Z2l0bGF0Y2g6czNjcmV0", true},   // gitlatch:s3cret
        {"basic Z2l0bGF0Y2g6czNjcmV0", true},   // the scheme's case is free
        {"Basic Z2l0bGF0Y2g6czNjcmV0IA==", false}, // gitlatch:s3cret and a space
        {"Basic Z2l0bGF0Y2g6czNjcmU=", false},  // gitlatch:s3cre
        {"Basic Z2l0bGF0Y2g6", false},          // gitlatch:
        {"Basic Z2l0OnMzY3JldA==", false},      // git:s3cret
        {"Basic czNjcmV0", false},              // s3cret
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_the_right_user_and_password_pass)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
