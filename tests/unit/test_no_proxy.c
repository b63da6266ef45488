#include "no_proxy.h"

#include "cmocka_unit.h"

static void entries_that_lead_past_the_proxy(void **state)
{
    static const char *const lists[] = {
        "github.com",
        ".github.com",
        "*.github.com",
        "GitHub.com",
        "github.com:443",
        "com",
        ".com",
        "*",
        "api.github.com",
        "localhost, 127.0.0.1,api.github.com ,::1",
        "localhost github.com",
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(lists); i++) {
        struct bytes entry;

        if (!no_proxy_bypasses(bytes_of_string(lists[i]), BYTES("api.github.com"), &entry))
            fail_msg("%s", lists[i]);
        assert_true(bytes_contain(bytes_of_string(lists[i]), entry));
    }
}

static void entries_that_do_not(void **state)
{
    static const char *const lists[] = {
        "",
        ",",
        " ",
        ".",
        "localhost,127.0.0.1,::1",
        "hub.com",
        "b.com",
        "uploads.github.com",
        "api.github.com.corp",
        "github.com.",
        "x.api.github.com",
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(lists); i++) {
        struct bytes entry;

        if (no_proxy_bypasses(bytes_of_string(lists[i]), BYTES("api.github.com"), &entry))
            fail_msg("%s", lists[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_that_lead_past_the_proxy),
        cmocka_unit_test(entries_that_do_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
