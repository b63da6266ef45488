#include "git_config.h"

#include "cmocka_unit.h"

static void settings_are_read_in_order(void **state)
{
    static const char output[] = "file:/home/ada/.gitconfig\0user.name\nAda\0"
                                 "file:/home/ada/.gitconfig\0core.bare\0"
                                 "command line:\0url.https://a.b/.insteadof\ntwo\nlines=x\0";
    struct git_config config = git_config_parse(bytes_of(output, sizeof(output) - 1));

    assert_int_equal(config.count, 3);
    assert_string_equal(config.settings[0].origin, "file:/home/ada/.gitconfig");
    assert_string_equal(config.settings[0].key, "user.name");
    assert_string_equal(config.settings[0].value, "Ada");
    assert_string_equal(config.settings[1].key, "core.bare");
    assert_string_equal(config.settings[1].value, "");
    assert_string_equal(config.settings[2].origin, "command line:");
    assert_string_equal(config.settings[2].value, "two\nlines=x");
    git_config_clear(&config);
    assert_int_equal(config.count, 0);
}

static void what_is_cut_is_no_setting(void **state)
{
    struct git_config config = git_config_parse(BYTES("file:x"));

    assert_int_equal(config.count, 0);
    git_config_clear(&config);
    config = git_config_parse(BYTES(""));
    assert_int_equal(config.count, 0);
    git_config_clear(&config);
}

static bool is(const char *key, const char *section, const char *name, struct bytes *ret_between)
{
    const struct git_setting setting = {.key = key};

    return git_setting_is(&setting, section, name, ret_between);
}

static void keys_are_taken_apart(void **state)
{
    struct bytes between;

    assert_true(is("http.proxy", "http", "proxy", &between));
    assert_int_equal(between.size, 0);
    assert_true(is("http.https://github.com/.proxy", "http", "proxy", &between));
    assert_true(bytes_equal(between, BYTES("https://github.com/")));
    assert_true(is("remote.origin.url", "remote", "url", &between));
    assert_true(bytes_equal(between, BYTES("origin")));
    assert_false(is("remote.origin.pushurl", "remote", "url", &between));
    assert_false(is("https.proxy", "http", "proxy", &between));
    assert_false(is("http.myproxy", "http", "proxy", &between));
    assert_false(is("http", "http", "proxy", &between));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_read_in_order),
        cmocka_unit_test(what_is_cut_is_no_setting),
        cmocka_unit_test(keys_are_taken_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
