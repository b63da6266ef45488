#include <gitlatch/github_host.h>

#include "cmocka_unit.h"

static void names_by_flavor(void **state)
{
    static const struct {
        const char *given, *given_api;
        enum github_flavor flavor;
        const char *web, *api, *uploads, *api_url;
    } cases[] = {
        {"github.com", NULL, GITHUB_DOTCOM, "github.com", "api.github.com", "uploads.github.com",
         "https://api.github.com"},
        {"GitHub.com.", "https://API.github.com:443/", GITHUB_DOTCOM, "github.com", "api.github.com",
         "uploads.github.com", "https://api.github.com"},
        // Our own calls go elsewhere; what the workspace calls keeps its name.
        {"github.com:443", "https://api.github.test:8443", GITHUB_DOTCOM, "github.com", "api.github.com",
         "uploads.github.com", "https://api.github.test:8443"},
        {"Acme.ghe.com", NULL, GITHUB_ENTERPRISE_CLOUD, "acme.ghe.com", "api.acme.ghe.com", "uploads.acme.ghe.com",
         "https://api.acme.ghe.com"},
        {"git.corp", NULL, GITHUB_ENTERPRISE_SERVER, "git.corp", "git.corp", "git.corp", "https://git.corp/api/v3"},
        {"git.corp", "https://git.corp:8443/api/v3/", GITHUB_ENTERPRISE_SERVER, "git.corp", "git.corp", "git.corp",
         "https://git.corp:8443/api/v3"},
        {"git.corp", "https://127.0.0.1:8443/api/v3", GITHUB_ENTERPRISE_SERVER, "git.corp", "git.corp", "git.corp",
         "https://127.0.0.1:8443/api/v3"},
        // An API on a host of its own, as github.com's is.
        {"github.test", "https://api.github.test:8443", GITHUB_ENTERPRISE_CLOUD, "github.test", "api.github.test",
         "uploads.github.test", "https://api.github.test:8443"},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct github_host host;

        assert_true(github_host_init(&host, cases[i].given, cases[i].given_api, NULL, NULL));
        assert_int_equal(host.flavor, cases[i].flavor);
        assert_string_equal(host.web, cases[i].web);
        assert_string_equal(host.api, cases[i].api);
        assert_string_equal(host.uploads, cases[i].uploads);
        assert_string_equal(host.api_url, cases[i].api_url);
        assert_null(host.default_owner);
        github_host_clear(&host);
    }
}

static void endpoints(void **state)
{
    struct github_host host;
    enum github_endpoint endpoint;

    assert_true(github_host_init(&host, "github.com", NULL, "Acme", NULL));
    assert_string_equal(host.default_owner, "acme");
    assert_true(github_host_endpoint(&host, BYTES("github.com"), &endpoint));
    assert_int_equal(endpoint, GITHUB_ENDPOINT_WEB);
    assert_true(github_host_endpoint(&host, BYTES("api.github.com"), &endpoint));
    assert_int_equal(endpoint, GITHUB_ENDPOINT_API);
    assert_true(github_host_endpoint(&host, BYTES("uploads.github.com"), &endpoint));
    assert_int_equal(endpoint, GITHUB_ENDPOINT_UPLOADS);
    assert_false(github_host_endpoint(&host, BYTES("codeload.github.com"), &endpoint));
    assert_false(github_host_endpoint(&host, BYTES("xgithub.com"), &endpoint));
    assert_false(github_host_endpoint(&host, BYTES("github.com\0"), &endpoint));
    github_host_clear(&host);

    assert_true(github_host_init(&host, "git.corp", NULL, NULL, NULL));
    assert_true(github_host_endpoint(&host, BYTES("git.corp"), &endpoint));
    assert_int_equal(endpoint, GITHUB_ENDPOINT_WEB);
    github_host_clear(&host);
}

static void bad_values_are_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *web, *api_url, *owner, *sentence;
    } cases[] = {
        {"", NULL, NULL, "is not a host name"},
        {"git hub.com", NULL, NULL, "is not a host name"},
        {"https://github.com", NULL, NULL, "is not a host name"},
        {"git.corp:8443", NULL, NULL, "is not a host name"},
        {"git-.corp", NULL, NULL, "is not a host name"},
        {"git..corp", NULL, NULL, "is not a host name"},
        {"10.0.0.1", NULL, NULL, "is not a host name"},
        {"[::1]", NULL, NULL, "is not a host name"},
        {"api.github.com", NULL, NULL, "write `github.com`"},
        {"api.acme.ghe.com", NULL, NULL, "write `SUB.ghe.com`"},
        {"github.com", "http://api.github.com", NULL, "is not the URL of an API"},
        {"github.com", "https://user@api.github.com", NULL, "is not the URL of an API"},
        {"github.com", "https://api.github.com:0", NULL, "is not the URL of an API"},
        {"github.com", "https://api.github.com:", NULL, "is not the URL of an API"},
        {"github.com", "https://api.github.com?x", NULL, "is not the URL of an API"},
        {"github.com", "https://api.github.com/a?x", NULL, "is not the URL of an API"},
        {"github.com", "https:///x", NULL, "is not the URL of an API"},
        {"github.com", NULL, "a/b", "is not the name of a GitHub owner"},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct github_host host;
        struct error error = {""};

        assert_false(github_host_init(&host, cases[i].web, cases[i].api_url, cases[i].owner, &error));
        assert_non_null(strstr(error.text, cases[i].sentence));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_by_flavor),
        cmocka_unit_test(endpoints),
        cmocka_unit_test(bad_values_are_refused_with_a_sentence),
    };

    return cmocka_run_group_tests_name("github_host", tests, NULL, NULL);
}
