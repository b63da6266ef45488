// What an App is asked for at GitHub.
#include "app_manifest.h"

#include "cmocka_unit.h"

static struct config *parse(const char *rules)
{
    struct text text = {0};
    struct config *config = NULL;
    struct error error = {{0}};

    text_format(&text, "credentials: [{type: app, app_id: \"1\", private_key: /k}]\n%s", rules);
    if (!config_parse(text_bytes(&text), "test", CONFIG_FOR_PROXY, &config, &error))
        fail_msg("%s", error.text);
    text_free(&text);
    return config;
}

#define HEAD                                                                                                             \
    "\"url\":\"https://github.com/apps\",\"redirect_url\":\"http://127.0.0.1:1/created\","                               \
    "\"hook_attributes\":{\"url\":\"https://github.com/apps\",\"active\":false},\"public\":false,\"default_events\":[]," \
    "\"default_permissions\":{\"metadata\":\"read\""

static void assert_manifest(const char *rules, const char *name, const char *expected)
{
    struct config *config = parse(rules);
    const struct app_manifest manifest = {
        .name = name, .host = "github.com", .redirect_url = "http://127.0.0.1:1/created", .rules = &config->rules};
    struct text text = {0};

    app_manifest_append(&manifest, &text);
    assert_string_equal(text_string(&text), expected);
    text_free(&text);
    config_unref(config);
}

static void the_least_is_asked_for(void **state)
{
    assert_manifest("", NULL, "{" HEAD ",\"contents\":\"read\"}}");
    assert_manifest("repositories: [{match: a/b, fetch: true}]", "x\"y",
                    "{\"name\":\"x\\\"y\"," HEAD ",\"contents\":\"read\"}}");
    assert_manifest("repositories: [{match: a/b, permissions: {issues: read}}]", NULL,
                    "{" HEAD ",\"issues\":\"read\"}}");
    assert_manifest("repositories: [{match: a/b, fetch: true, permissions: {issues: write}},"
                    " {match: a/c, push: [refs/heads/x], permissions: {issues: read, metadata: read}}]",
                    NULL, "{" HEAD ",\"contents\":\"write\",\"issues\":\"write\"}}");
}

static void the_page_posts_it_and_nothing_breaks_out(void **state)
{
    struct config *config = parse("");
    struct app_manifest manifest = {.name = "\"><script>&",
                                    .organization = "acme",
                                    .host = "ghe.test",
                                    .redirect_url = "http://127.0.0.1:1/created",
                                    .state = "abc",
                                    .rules = &config->rules};
    struct text page = {0}, policy = {0};

    app_manifest_append_page(&manifest, &page);
    app_manifest_append_policy(&manifest, &policy);
    assert_non_null(
        strstr(text_string(&page), "action=\"https://ghe.test/organizations/acme/settings/apps/new?state=abc\""));
    assert_null(strstr(text_string(&page), "<script"));
    assert_non_null(strstr(text_string(&page), "&quot;name&quot;:&quot;\\&quot;>&lt;script>&amp;&quot;"));
    assert_string_equal(text_string(&policy),
                        "default-src 'none'; base-uri 'none'; form-action https://ghe.test; frame-ancestors 'none'");
    manifest.organization = NULL;
    text_clear(&page);
    app_manifest_append_page(&manifest, &page);
    assert_non_null(strstr(text_string(&page), "action=\"https://ghe.test/settings/apps/new?state=abc\""));
    text_free(&page);
    text_free(&policy);
    config_unref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_is_asked_for),
        cmocka_unit_test(the_page_posts_it_and_nothing_breaks_out),
    };

    return cmocka_run_group_tests_name("app_manifest", tests, NULL, NULL);
}
