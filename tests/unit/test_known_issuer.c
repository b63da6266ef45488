#include "known_issuer.h"

#include <string.h>

#include "cmocka_unit.h"
#include "config.h"

#define ACTIONS "https://token.actions.githubusercontent.com"

struct row {
    const char *issuer;
    const char *claim, *pattern; // of the grant; NULL: it has no claims
    bool binds;
};

static const struct row rows[] = {
    {ACTIONS, "repository", "acme/widgets", true},
    {ACTIONS, "repository", "acme/*", true},
    {ACTIONS, "repository_owner", "acme", true},
    {ACTIONS, "repository_id", "74", true},
    {ACTIONS, "repository_owner_id", "65", true},
    // Nobody is bound: each of these everybody with an account can have.
    {ACTIONS, NULL, NULL, false},
    {ACTIONS, "ref", "refs/heads/main", false},
    {ACTIONS, "repository", "*/widgets", false},
    {ACTIONS, "repository", "ac*/widgets", false},
    {ACTIONS, "repository", "**", false},
    {ACTIONS, "repository", "", false},
    {ACTIONS, "repository_owner", "*", false},
    {ACTIONS, "sub", "repo:acme/widgets:ref:refs/heads/main", false},
    {ACTIONS, "actor", "octocat", false},
    {ACTIONS, "enterprise", "acme", false},
    // An enterprise's own issuer is below it; another host that begins alike is not.
    {ACTIONS "/acme", "ref", "refs/heads/main", false},
    {ACTIONS "/acme", "repository_owner", "acme", true},
    {ACTIONS ".evil.example", NULL, NULL, true},
    {"https://gitlab.com", "project_path", "acme/widgets", true},
    {"https://gitlab.com", "namespace_path", "acme", true},
    {"https://gitlab.com", "project_id", "22", true},
    {"https://gitlab.com", "ref_protected", "true", false},
    {"https://gitlab.com", "user_login", "sam", false},
    {"https://gitlab.corp.example", NULL, NULL, true},
    {"https://agent.buildkite.com", "organization_slug", "acme", true},
    {"https://agent.buildkite.com", "pipeline_slug", "build", false},
    {"https://accounts.google.com", "email", "ci@corp.example", true},
    {"https://accounts.google.com", "aud", "x", false},
    {"https://app.terraform.io", "terraform_organization_name", "acme", true},
    {"https://app.terraform.io", "terraform_workspace_name", "acme", false},
};

static void test_a_grant_binds_an_owner_or_a_project(void **state)
{
    for (size_t i = 0; i < GL_ARRAY_SIZE(rows); i++) {
        char claim[64] = "", pattern[64] = "";
        struct config_claim item = {claim, pattern};
        struct config_claims claims = {&item, rows[i].claim ? 1 : 0};
        struct error error = {0};

        if (rows[i].claim) {
            snprintf(claim, sizeof(claim), "%s", rows[i].claim);
            snprintf(pattern, sizeof(pattern), "%s", rows[i].pattern);
        }
        if (known_issuer_binds(rows[i].issuer, &claims, &error) != rows[i].binds)
            fail_msg("%s %s=%s: %s", rows[i].issuer, claim, pattern, error.text);
    }
}

static void test_the_error_names_the_claims(void **state)
{
    struct error error;

    assert_false(known_issuer_binds("https://gitlab.com", &(struct config_claims){0}, &error));
    assert_non_null(strstr(error.text, "GitLab.com signs tokens for everybody"));
    assert_non_null(strstr(error.text, "`project_path`, `project_id`, `namespace_path`, `namespace_id`"));
}

static void test_tenants(void **state)
{
    assert_string_equal(known_issuer_tenant_claim(ACTIONS), "repository");
    assert_string_equal(known_issuer_tenant_claim(ACTIONS "/acme"), "repository");
    assert_string_equal(known_issuer_tenant_claim("https://gitlab.com"), "project_path");
    assert_string_equal(known_issuer_tenant_claim("https://agent.buildkite.com"), "organization_slug");
    assert_string_equal(known_issuer_tenant_claim("https://ci.corp.example"), "sub");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_grant_binds_an_owner_or_a_project),
        cmocka_unit_test(test_the_error_names_the_claims),
        cmocka_unit_test(test_tenants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
