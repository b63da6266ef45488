#include "github_call.h"

#include "cmocka_unit.h"
#include "mem.h"

static struct github_host dotcom, server;

static int make_hosts(void **state)
{
    return !github_host_init(&dotcom, "github.com", NULL, NULL, NULL) ||
           !github_host_init(&server, "ghe.corp", NULL, NULL, NULL);
}

static int clear_hosts(void **state)
{
    github_host_clear(&dotcom);
    github_host_clear(&server);
    return 0;
}

static struct scope scope_of(enum scope_reach reach, const char *permission)
{
    struct scope scope = {.host = &dotcom.git, .reach = reach};

    assert_true(repository_name_parse(BYTES("acme"), BYTES("widgets"), &scope.repository));
    if (permission)
        assert_true(permissions_add(&scope.permissions, bytes_of_string(permission), PERMISSION_WRITE));
    return scope;
}

static void mint_is(const struct mint_scope *scope, const char *body)
{
    struct github_call call = github_call_mint(42, scope);

    assert_string_equal(call.method, "POST");
    assert_string_equal(call.url, "https://api.github.com/app/installations/42/access_tokens");
    assert_string_equal(call.body, body);
    github_call_clear(&call);
}

static void a_mint_names_what_it_is_for(void **state)
{
    struct scope scope = scope_of(SCOPE_REPOSITORY, "contents");
    struct mint_scope mint;

    mint_scope_init(&mint, &scope);
    mint_is(&mint, "{\"permissions\":{\"contents\":\"write\"},\"repositories\":[\"widgets\"]}");

    // Absent permissions would be all that the App has.
    scope = scope_of(SCOPE_INSTALLATION, NULL);
    mint_scope_init(&mint, &scope);
    mint_is(&mint, "{\"permissions\":{\"metadata\":\"read\"}}");

    struct token_repository set[] = {{.id = 9}, {.id = 7}};
    scope = scope_of(SCOPE_SET, "issues");
    mint_scope_init(&mint, &scope);
    mint_scope_set(&mint, set, 2);
    mint_is(&mint, "{\"permissions\":{\"issues\":\"write\"},\"repository_ids\":[7,9]}");
    mint_scope_clear(&mint);
}

static void calls_carry_githubs_headers(void **state)
{
    struct github_call call = github_call_repositories(&server, 3);
    struct http_call http = github_call_http(&call, BYTES("t"), NULL);

    assert_string_equal(http.url, "https://ghe.corp/api/v3/installation/repositories?per_page=100&page=3");
    assert_string_equal(http.headers[0], "Accept: application/vnd.github+json");
    assert_string_equal(http.headers[1], "X-GitHub-Api-Version: 2022-11-28");
    assert_null(http.headers[2]);
    assert_int_equal(http.body.size, 0);
    assert_true(http.timeout_ms > 0);
    github_call_clear(&call);
}

static void redirects_stay_on_the_api(void **state)
{
    static const struct {
        const char *location, *url;
    } cases[] = {
        {"https://api.github.com/repositories/123", "https://api.github.com/repositories/123"},
        {"/repositories/123/installation", "https://api.github.com/repositories/123/installation"},
        {"https://api.github.com/repositories/123/keys", NULL},
        {"https://api.github.com/repositories/", NULL},
        {"https://api.github.com/repositories/12x", NULL},
        {"https://evil.example/repositories/123", NULL},
        {"https://api.github.com.evil.example/repositories/123", NULL},
        {"https://api.github.com/repositories/123/../../user", NULL},
        {"", NULL},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct github_call call = {0};
        assert_int_equal(github_call_redirected(&dotcom, cases[i].location, &call), cases[i].url != NULL);
        if (cases[i].url)
            assert_string_equal(call.url, cases[i].url);
        github_call_clear(&call);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mint_names_what_it_is_for),
        cmocka_unit_test(calls_carry_githubs_headers),
        cmocka_unit_test(redirects_stay_on_the_api),
    };

    return cmocka_run_group_tests_name("github_call", tests, make_hosts, clear_hosts);
}
