#include "graphql_body.h"
#include "node_id.h"

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
        struct graphql_hint hint;

        graphql_body_read(bytes_of_string(cases[i].json), &hint);
        assert_string_equal(hint.owner, cases[i].owner ? cases[i].owner : "");
    }
}

// Ids as GitHub gives them: torvalds/linux, an issue and a pull request of cli/cli, and one of the old kind.
static void ids_name_their_repository(void **state)
{
    static const struct {
        const char *text;
        uint64_t id; // 0: of no repository
    } cases[] = {
        {"R_kgDOACN7Mg", 2325298},
        {"R_kgDODKw3uc", 212613049},
        {"I_kwDODKw3uc6Dbh3p", 212613049},
        {"PR_kwDODKw3uc6FbW_A", 212613049},
        {"PRRC_kwDODKw3uc6TkpZ8", 212613049},
        {"MDEwOlJlcG9zaXRvcnkxMzkwOTU1Mzc=", 139095537},
        {"MDEwOlJlcG9zaXRvcnkxMzkwOTU1Mzc", 139095537},
        {"R_kgAB", 1},
        {"R_kgDM_w", 255},
        {"R_kgDPAAAAAQAAAAA", 4294967296},
        // A user, an organisation, a project: the number that follows is its own, or its owner's.
        {"U_kgDOEAluNg", 0},
        {"O_kgDOEAluNg", 0},
        {"PVT_kwDOABCDEM4AAAAB", 0},
        {"MDQ6VXNlcjE=", 0},
        // What is none, or is cut off.
        {"R_", 0},
        {"R_kgDOAC", 0},
        {"R_kgHOACN7Mg", 0},
        {"R_kgDO!!!!!!", 0},
        {"R_kwAB", 1},
        {"R_oADOACN7Mg", 0},
        {"R_kgA", 0},
        {"R_kgAA", 0},
        {"_kgDOACN7Mg", 0},
        {"MDEwOlJlcG9zaXRvcnk=", 0},
        {"OlJlcG9zaXRvcnkxeA==", 0},
        {"R_kgDOACN7MgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 0},
        {"", 0},
        {"a sentence about R_kgDOACN7Mg", 0},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        uint64_t id = 77;
        bool found = node_id_repository(bytes_of_string(cases[i].text), &id);

        assert_int_equal(found, cases[i].id != 0);
        assert_int_equal(id, cases[i].id ? cases[i].id : 77);
    }
}

static void ids_are_found_among_the_variables(void **state)
{
    struct graphql_hint hint;

    // As gh writes a mutation.
    graphql_body_read(
        BYTES("{\"query\":\"mutation PullRequestCreate($input: CreatePullRequestInput!) {…}\",\"variables\":"
              "{\"input\":{\"baseRefName\":\"main\",\"repositoryId\":\"R_kgDOACN7Mg\",\"title\":\"R_kgAB\"}}}"),
        &hint);
    assert_string_equal(hint.owner, "");
    assert_int_equal(hint.repository_id_count, 2);
    assert_int_equal(hint.repository_ids[0], 2325298);
    graphql_body_read(BYTES("{\"variables\":{\"ids\":[{\"id\":\"I_kwDODKw3uc6Dbh3p\"}]}}"), &hint);
    assert_int_equal(hint.repository_id_count, 1);
    // The query's own text is not read, nor what is deeper than any input.
    graphql_body_read(BYTES("{\"query\":\"R_kgDOACN7Mg\",\"variables\":[[[[[[[[[\"R_kgDOACN7Mg\"]]]]]]]]]}"), &hint);
    assert_int_equal(hint.repository_id_count, 0);
    graphql_body_read(
        BYTES("{\"variables\":[\"R_kgAB\",\"R_kgAC\",\"R_kgAD\",\"R_kgAE\",\"R_kgAF\",\"R_kgAG\",\"R_kgAH\","
              "\"R_kgAI\",\"R_kgAJ\"]}"),
        &hint);
    assert_int_equal(hint.repository_id_count, GRAPHQL_BODY_IDS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_owner_is_taken_from_the_variables),
        cmocka_unit_test(ids_name_their_repository),
        cmocka_unit_test(ids_are_found_among_the_variables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
