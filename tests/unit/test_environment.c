#include "environment.h"

#include <sys/wait.h>

#include <jansson.h>

#include "certs_unit.h"

static const struct environment_settings plain = {
    .proxy_url = "http://127.0.0.1:3128",
    .directory = "/run/gitlatch/public",
};

// The value of a name; NULL: it is not there.
static const char *value_of(const struct environment *environment, const char *name)
{
    for (size_t i = 0; i < environment_count(environment); i++) {
        if (strcmp(environment_name(environment, i), name) == 0)
            return environment_value(environment, i);
    }
    return NULL;
}

static void tools_get_proxy_and_trust(void **state)
{
    static const char *const expected[][2] = {
        {"https_proxy", "http://127.0.0.1:3128"},
        {"HTTPS_PROXY", "http://127.0.0.1:3128"},
        {"no_proxy", "localhost,127.0.0.1"},
        {"NO_PROXY", "localhost,127.0.0.1"},
        {"GIT_SSL_CAINFO", "/run/gitlatch/public/bundle.pem"},
        {"CURL_CA_BUNDLE", "/run/gitlatch/public/bundle.pem"},
        {"SSL_CERT_FILE", "/run/gitlatch/public/bundle.pem"},
        {"CARGO_HTTP_CAINFO", "/run/gitlatch/public/bundle.pem"},
        {"CARGO_NET_GIT_FETCH_WITH_CLI", "true"},
        {"PIP_CERT", "/run/gitlatch/public/bundle.pem"},
        {"REQUESTS_CA_BUNDLE", "/run/gitlatch/public/bundle.pem"},
        {"NODE_EXTRA_CA_CERTS", "/run/gitlatch/public/bundle.pem"},
        {"NODE_USE_ENV_PROXY", "1"},
        {"npm_config_cafile", "/run/gitlatch/public/bundle.pem"},
        {"DENO_CERT", "/run/gitlatch/public/bundle.pem"},
        {"WGETRC", "/run/gitlatch/public/wgetrc"},
        {"AWS_CA_BUNDLE", "/run/gitlatch/public/bundle.pem"},
        {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "/run/gitlatch/public/bundle.pem"},
        {"NIX_SSL_CERT_FILE", "/run/gitlatch/public/bundle.pem"},
    };
    struct environment *environment = environment_new(&plain);

    assert_int_equal(environment_count(environment), GL_ARRAY_SIZE(expected));
    for (size_t i = 0; i < GL_ARRAY_SIZE(expected); i++) {
        assert_non_null(value_of(environment, expected[i][0]));
        assert_string_equal(value_of(environment, expected[i][0]), expected[i][1]);
    }
    environment_free(environment);
}

static void gh_gets_its_placeholder_where_asked(void **state)
{
    struct environment_settings settings = plain;
    struct environment *environment;

    settings.gh_token = "gitlatch";
    environment = environment_new(&settings);
    assert_string_equal(value_of(environment, "GH_TOKEN"), "gitlatch");
    environment_free(environment);
}

static void git_alone_is_pointed_at_the_gitconfig(void **state)
{
    struct environment *environment = environment_new_git("/run/gitlatch/public", 0);

    assert_int_equal(environment_count(environment), 3);
    assert_string_equal(value_of(environment, "GIT_CONFIG_COUNT"), "1");
    assert_string_equal(value_of(environment, "GIT_CONFIG_KEY_0"), "include.path");
    assert_string_equal(value_of(environment, "GIT_CONFIG_VALUE_0"), "/run/gitlatch/public/gitconfig");
    environment_free(environment);
    environment = environment_new_git("/run/gitlatch/public", 7);
    assert_string_equal(value_of(environment, "GIT_CONFIG_COUNT"), "8");
    assert_string_equal(value_of(environment, "GIT_CONFIG_KEY_7"), "include.path");
    environment_free(environment);
}

static void git_with_a_helper_keeps_the_settings_it_has(void **state)
{
    static const char *const hosts[] = {"github.com", "ghe.test"};
    static const char *const expected[][2] = {
        {"GIT_CONFIG_COUNT", "7"},
        {"GIT_CONFIG_KEY_3", "credential.https://github.com.useHttpPath"},
        {"GIT_CONFIG_VALUE_3", "true"},
        {"GIT_CONFIG_KEY_4", "credential.https://github.com.helper"},
        {"GIT_CONFIG_VALUE_4", "!gitlatch credential"},
        {"GIT_CONFIG_KEY_5", "credential.https://ghe.test.useHttpPath"},
        {"GIT_CONFIG_VALUE_5", "true"},
        {"GIT_CONFIG_KEY_6", "credential.https://ghe.test.helper"},
        {"GIT_CONFIG_VALUE_6", "!gitlatch credential"},
    };
    struct name_list list = {hosts, GL_ARRAY_SIZE(hosts)};
    struct environment *environment = environment_new_credential(&list, 3);

    assert_int_equal(environment_count(environment), GL_ARRAY_SIZE(expected));
    for (size_t i = 0; i < GL_ARRAY_SIZE(expected); i++) {
        assert_string_equal(environment_name(environment, i), expected[i][0]);
        assert_string_equal(environment_value(environment, i), expected[i][1]);
    }
    environment_free(environment);
}

struct no_proxy_case {
    const char *lower, *upper;                   // what is set before; NULL: not set
    const char *expected_lower, *expected_upper; // after
};

static const struct no_proxy_case no_proxy_cases[] = {
    {NULL, NULL, "localhost,127.0.0.1", "localhost,127.0.0.1"},
    {"", "", "localhost,127.0.0.1", "localhost,127.0.0.1"},
    {NULL, ".corp", ".corp,localhost,127.0.0.1", ".corp,localhost,127.0.0.1"},
    {".corp", NULL, ".corp,localhost,127.0.0.1", ".corp,localhost,127.0.0.1"},
    {".a", ".b", ".a,localhost,127.0.0.1", ".b,localhost,127.0.0.1"},
    {"localhost,127.0.0.1", NULL, "localhost,127.0.0.1", "localhost,127.0.0.1"},
    {".a,localhost,127.0.0.1,.b", ".a", ".a,localhost,127.0.0.1,.b", ".a,localhost,127.0.0.1"},
    {"notlocalhost,127.0.0.1", "x", "notlocalhost,127.0.0.1,localhost,127.0.0.1", "x,localhost,127.0.0.1"},
};

static void no_proxy_keeps_what_was_there(void **state)
{
    for (size_t i = 0; i < GL_ARRAY_SIZE(no_proxy_cases); i++) {
        struct environment_settings settings = plain;
        struct environment *environment;

        settings.no_proxy = no_proxy_cases[i].lower;
        settings.no_proxy_upper = no_proxy_cases[i].upper;
        environment = environment_new(&settings);
        assert_string_equal(value_of(environment, "no_proxy"), no_proxy_cases[i].expected_lower);
        assert_string_equal(value_of(environment, "NO_PROXY"), no_proxy_cases[i].expected_upper);
        environment_free(environment);
    }
}

static void set_or_unset(const char *name, const char *value)
{
    if (value)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

// What a shell that runs `script` prints.
static char *run_shell(const char *script)
{
    FILE *out = popen(script, "re");
    char buffer[8192];
    size_t size = fread(buffer, 1, sizeof(buffer), out);

    assert_int_equal(pclose(out), 0);
    return mem_bytes_string(bytes_of(buffer, size));
}

// The sh form of the settings, sourced twice by /bin/sh, and then one variable as a child sees it.
static char *sourced_twice(const struct environment_settings *settings, const char *name)
{
    char *directory = certs_unit_directory();
    struct environment *environment = environment_new(settings);
    char *text = environment_text(environment, ENVIRONMENT_SH);
    char *script = mem_format("set -eu; . %s/env; . %s/env; printenv %s | tr -d '\\n'", directory, directory, name);
    char *value;

    certs_unit_write(directory, "env", text);
    value = run_shell(script);
    mem_free(script);
    mem_free(text);
    environment_free(environment);
    certs_unit_remove(directory);
    return value;
}

static void sourced_by_a_shell_no_proxy_is_the_same(void **state)
{
    for (size_t i = 0; i < GL_ARRAY_SIZE(no_proxy_cases); i++) {
        char *lower;
        char *upper;

        set_or_unset("no_proxy", no_proxy_cases[i].lower);
        set_or_unset("NO_PROXY", no_proxy_cases[i].upper);
        lower = sourced_twice(&plain, "no_proxy");
        upper = sourced_twice(&plain, "NO_PROXY");
        assert_string_equal(lower, no_proxy_cases[i].expected_lower);
        assert_string_equal(upper, no_proxy_cases[i].expected_upper);
        mem_free(lower);
        mem_free(upper);
    }
    unsetenv("no_proxy");
    unsetenv("NO_PROXY");
}

// What a path, or a password in the URL, might hold to break out of its quotes.
static const struct environment_settings hostile = {
    .proxy_url = "http://gitlatch:$(id)`id`'\"\\@127.0.0.1:3128",
    .directory = "/tmp/it's $HOME",
};

static void sourced_by_a_shell_a_value_stays_as_it_is(void **state)
{
    char *proxy = sourced_twice(&hostile, "HTTPS_PROXY");
    char *file = sourced_twice(&hostile, "GIT_SSL_CAINFO");

    assert_string_equal(proxy, hostile.proxy_url);
    assert_string_equal(file, "/tmp/it's $HOME/bundle.pem");
    mem_free(proxy);
    mem_free(file);
}

static void every_other_line_of_the_sh_form_is_a_plain_export(void **state)
{
    struct environment *environment = environment_new(&plain);
    char *text = environment_text(environment, ENVIRONMENT_SH);

    for (size_t i = 0; i < environment_count(environment); i++) {
        const char *name = environment_name(environment, i);
        char *line = mem_format("export %s='%s'\n", name, environment_value(environment, i));

        assert_int_equal(strstr(text, line) != NULL, strcasecmp(name, "no_proxy") != 0);
        mem_free(line);
    }
    mem_free(text);
    environment_free(environment);
}

static void json_holds_the_same_values(void **state)
{
    struct environment *environment = environment_new(&hostile);
    char *text = environment_text(environment, ENVIRONMENT_JSON);
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

    assert_non_null(object);
    assert_int_equal(json_object_size(object), environment_count(environment));
    for (size_t i = 0; i < environment_count(environment); i++)
        assert_string_equal(json_string_value(json_object_get(object, environment_name(environment, i))),
                            environment_value(environment, i));
    json_decref(object);
    mem_free(text);
    environment_free(environment);
}

static void k8s_form_is_a_list_whose_dollars_are_not_expanded(void **state)
{
    struct environment *environment = environment_new(&hostile);
    char *text = environment_text(environment, ENVIRONMENT_K8S);

    assert_true(bytes_start_with(bytes_of_string(text),
                                 BYTES("- name: https_proxy\n  value: "
                                       "\"http://gitlatch:$$(id)`id`'\\\"\\\\@127.0.0.1:3128\"\n- name: ")));
    mem_free(text);
    environment_free(environment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tools_get_proxy_and_trust),
        cmocka_unit_test(gh_gets_its_placeholder_where_asked),
        cmocka_unit_test(git_alone_is_pointed_at_the_gitconfig),
        cmocka_unit_test(git_with_a_helper_keeps_the_settings_it_has),
        cmocka_unit_test(no_proxy_keeps_what_was_there),
        cmocka_unit_test(sourced_by_a_shell_no_proxy_is_the_same),
        cmocka_unit_test(sourced_by_a_shell_a_value_stays_as_it_is),
        cmocka_unit_test(every_other_line_of_the_sh_form_is_a_plain_export),
        cmocka_unit_test(json_holds_the_same_values),
        cmocka_unit_test(k8s_form_is_a_list_whose_dollars_are_not_expanded),
    };

    return cmocka_run_group_tests_name("environment", tests, NULL, NULL);
}
