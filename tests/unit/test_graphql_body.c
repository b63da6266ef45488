#include "graphql_body.h"

#include "cmocka_unit.h"

static void the_owner_is_taken_from_the_variables(void **state)
{
    static const struct {
        const char *json;
        const char *owner; // NULL: none
    } cases[] = {
        // as gh writes it
        {"{\"query\":\"query RepositoryInfo($owner: String!, $name: String!) {…}\","
         "\"variables\":{\"name\":\"widgets\",\"owner\":\"acme\"}}",
         "acme"},
        {"{\"variables\":{\"owner\":\"ACME-Corp\"}}", "acme-corp"},
        {"{\"query\":\"{viewer{login}}\"}", NULL},
        {"{\"owner\":\"acme\"}", NULL},
        {"{\"variables\":null}", NULL},
        {"{\"variables\":{\"owner\":null}}", NULL},
        {"{\"variables\":{\"owner\":1}}", NULL},
        {"{\"variables\":{\"owner\":\"\"}}", NULL},
        {"{\"variables\":{\"owner\":\"acme/widgets\"}}", NULL},
        {"{\"variables\":{\"owner\":\"../app\"}}", NULL},
        {"{\"variables\":{\"owner\":\"a*\"}}", NULL},
        {"[{\"variables\":{\"owner\":\"acme\"}}]", NULL},
        {"query{viewer{login}}", NULL},
        {"", NULL},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        char owner[OWNER_NAME_SIZE] = "untouched";
        bool found = graphql_body_owner(bytes_of_string(cases[i].json), owner);

        assert_int_equal(found, cases[i].owner != NULL);
        assert_string_equal(owner, cases[i].owner ? cases[i].owner : "untouched");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_owner_is_taken_from_the_variables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
