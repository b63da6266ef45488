#include "issuer_caller.h"

#include "cmocka_unit.h"
#include "id_token.h"
#include "mem.h"

static char audience[] = "gitlatch", actions_name[] = "actions", own_name[] = "ci",
            actions_url[] = "https://token.actions.githubusercontent.com", own_url[] = "https://ci.corp.example";
static const struct config_issuer actions = {.name = actions_name, .issuer = actions_url, .audience = audience};
static const struct config_issuer own = {.name = own_name, .issuer = own_url, .audience = audience};

// The tenant by which a caller is paced, and its turn toward GitHub counted.
static void check_tenant(const struct config_issuer *issuer, const char *claims, const char *tenant)
{
    struct id_token token = {.claims = json_loads(claims, 0, NULL)};
    struct caller caller = {0};
    char *name;

    issuer_caller_fill(issuer, &token, &caller);
    name = caller_tenant(&caller);
    assert_string_equal(name, tenant);
    mem_free(name);
    name = caller_key(&caller);
    assert_string_equal(name, tenant);
    mem_free(name);
    caller_clear(&caller);
    json_decref(token.claims);
}

static void test_each_project_has_its_own_pace(void **state)
{
    // All jobs of a repository are one, whatever their branch; two repositories are two, and so are two issuers.
    check_tenant(&actions, "{\"sub\":\"repo:acme/widgets:ref:a\",\"repository\":\"acme/widgets\"}",
                 "issuer/actions/acme/widgets");
    check_tenant(&actions, "{\"sub\":\"repo:acme/widgets:ref:b\",\"repository\":\"acme/widgets\"}",
                 "issuer/actions/acme/widgets");
    check_tenant(&actions, "{\"sub\":\"repo:acme/widgets:ref:a\",\"repository\":\"globex/lib\"}",
                 "issuer/actions/globex/lib");
    check_tenant(&own, "{\"sub\":\"acme/widgets\",\"repository\":\"x\"}", "issuer/ci/acme/widgets");
    check_tenant(&actions, "{\"sub\":\"s\"}", "issuer/actions/s");
    check_tenant(&actions, "{}", "issuer/actions/");
}

static void check_audience(const char *claims, bool good, bool holder)
{
    struct id_token token = {.claims = json_loads(claims, 0, NULL)};
    struct caller caller = {0};
    struct error error;

    assert_int_equal(issuer_caller_check(&actions, &token, (struct wall){0}, &error), good);
    issuer_caller_fill(&actions, &token, &caller);
    assert_int_equal(caller.holder, holder);
    caller_clear(&caller);
    json_decref(token.claims);
}

static void test_audiences(void **state)
{
    check_audience("{\"exp\":100,\"aud\":\"gitlatch\"}", true, false);
    check_audience("{\"exp\":100,\"aud\":[\"vault\",\"gitlatch\"]}", true, false);
    // One for both is of a caller that may hold what it is given.
    check_audience("{\"exp\":100,\"aud\":[\"gitlatch\",\"gitlatch-credential\"]}", true, true);
    check_audience("{\"exp\":100,\"aud\":\"gitlatch-credential\"}", true, true);
    check_audience("{\"exp\":100,\"aud\":\"gitlatch \"}", false, false);
    check_audience("{\"exp\":100,\"aud\":{\"gitlatch\":1}}", false, false);
    check_audience("{\"exp\":100}", false, false);
    check_audience("{\"aud\":\"gitlatch\"}", false, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_project_has_its_own_pace),
        cmocka_unit_test(test_audiences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
