#include "explanation.h"

#include "cmocka_unit.h"

#define TEXT(literal) ((char[]){literal})

static const struct rules rules = {
    .present = true,
    .count = 2,
    .rules =
        (struct rule[]){
            {.match = TEXT("acme/widgets"),
             .fetch = true,
             .push = {REF_SET_PATTERNS, (char *[]){TEXT("refs/heads/agent/*")}, 1},
             .permissions = {1, {{"pull_requests", PERMISSION_WRITE}}}},
            {.match = TEXT("acme/*"), .fetch = true, .create = true},
        },
};
static const int lines[] = {4, 8};

struct explanation_case {
    const char *question;
    enum explanation_result result;
    const char *answer; // without the question; for EXPLANATION_BAD how the error begins
};

static const struct explanation_case cases[] = {
    {"push acme/widgets refs/heads/main", EXPLANATION_DENIED,
     ": denied\n"
     "  reason: the rule does not allow to push this ref: refs/heads/main (rule acme/widgets) [ref]\n"
     "  allowed: refs/heads/agent/*\n"
     "  remedy: push to a ref that matches an allowed pattern\n"
     "  rule: acme/widgets (line 4)\n"},
    {"push acme/widgets refs/heads/agent/a", EXPLANATION_ALLOWED,
     ": allowed\n"
     "  rule: acme/widgets (line 4)\n"
     "  token: for acme/widgets, with contents:write\n"},
    {"push Acme/Widgets.git", EXPLANATION_ALLOWED,
     ": allowed\n  rule: acme/widgets (line 4)\n  token: for acme/widgets, with contents:write\n"},
    {"push acme/widgets refs/heads/agent/a refs/heads/main", EXPLANATION_DENIED,
     ": denied\n"
     "  reason: the rule does not allow to push this ref: refs/heads/main (rule acme/widgets) [ref]\n"
     "  allowed: refs/heads/agent/*\n"
     "  remedy: push to a ref that matches an allowed pattern\n"
     "  rule: acme/widgets (line 4)\n"},
    {"create acme/widgets refs/heads/agent/a", EXPLANATION_DENIED,
     ": denied\n"
     "  reason: the rule allows only refs that exist to be updated: refs/heads/agent/a (rule acme/widgets) "
     "[create]\n"
     "  remedy: push to a ref that exists\n"
     "  rule: acme/widgets (line 4)\n"},
    {"delete acme/widgets refs/heads/agent/a", EXPLANATION_DENIED,
     ": denied\n"
     "  reason: the rule does not allow to delete this ref: refs/heads/agent/a (rule acme/widgets) [delete]\n"
     "  remedy: ask the operator for a `delete` pattern in its rule\n"
     "  rule: acme/widgets (line 4)\n"},
    {"push acme/else refs/heads/main", EXPLANATION_DENIED,
     ": denied\n"
     "  reason: the rule for this repository allows no push: acme/else [push]\n"
     "  remedy: ask the operator for a `push` pattern in its rule\n"
     "  rule: acme/* (line 8)\n"},
    {"fetch acme/else", EXPLANATION_ALLOWED,
     ": allowed\n  rule: acme/* (line 8)\n  token: for acme/else, with contents:read\n"},
    {"fetch torvalds/linux", EXPLANATION_ALLOWED,
     ": anonymous\n  rule: none matches, `other_repositories: anonymous` decides\n"},
    {"api get /repos/acme/widgets/pulls", EXPLANATION_ALLOWED,
     ": allowed\n"
     "  rule: acme/widgets (line 4)\n"
     "  token: for acme/widgets, with contents:read,pull_requests:write\n"},
    {"api GET /user", EXPLANATION_ALLOWED,
     ": allowed\n"
     "  token: for the repositories that the rules name of acme, with contents:read,pull_requests:write\n"},
    {"api POST /app/installations/1/access_tokens", EXPLANATION_DENIED,
     ": denied\n"
     "  reason: this endpoint makes, shows or revokes credentials [endpoint]\n"
     "  remedy: gitlatch never lets a workspace handle credentials\n"},
    {"graphql", EXPLANATION_DENIED,
     ": denied\n"
     "  reason: no rule allows GraphQL [graphql]\n"
     "  remedy: use the REST API, or ask the operator for `graphql: true` in a rule\n"},
    {"push acme/widgets.wiki refs/heads/agent/a", EXPLANATION_ALLOWED,
     ": allowed\n  rule: acme/widgets (line 4)\n  token: for acme/widgets, with contents:write\n"},
    {"lfs download acme/else", EXPLANATION_ALLOWED,
     ": allowed\n  rule: acme/* (line 8)\n  token: for acme/else, with contents:read\n"},
    {"lfs upload acme/else", EXPLANATION_DENIED,
     ": denied\n"
     "  reason: the rule does not allow this Git LFS operation: acme/else [lfs]\n"
     "  remedy: ask the operator for a `push` pattern in its rule\n"
     "  rule: acme/* (line 8)\n"},
    {"lfs upload acme/widgets refs/heads/agent/a", EXPLANATION_ALLOWED,
     ": allowed\n  rule: acme/widgets (line 4)\n  token: for acme/widgets, with contents:write\n"},
    {"lfs lock acme/widgets refs/heads/main", EXPLANATION_DENIED,
     ": denied\n"
     "  reason: the rule does not allow to push this ref: refs/heads/main (rule acme/widgets) [ref]\n"
     "  allowed: refs/heads/agent/*\n"
     "  remedy: push to a ref that matches an allowed pattern\n"
     "  rule: acme/widgets (line 4)\n"},
    {"lfs upload torvalds/linux", EXPLANATION_DENIED,
     ": denied\n"
     "  reason: no rule allows this repository: torvalds/linux [repository]\n"
     "  remedy: ask the operator of this workspace for a rule that matches it\n"
     "  rule: none matches, `other_repositories: anonymous` decides\n"},
    {"lfs download torvalds/linux", EXPLANATION_ALLOWED,
     ": anonymous\n  rule: none matches, `other_repositories: anonymous` decides\n"},
    {"lfs steal acme/widgets", EXPLANATION_BAD, "`steal` is not download, upload or lock"},
    {"lfs upload acme", EXPLANATION_BAD, "`acme` is not OWNER/NAME"},
    {"lfs upload acme/widgets main", EXPLANATION_BAD, "`main` is no ref"},
    {"push acme/widgets main", EXPLANATION_BAD, "`main` is no ref"},
    {"fetch acme", EXPLANATION_BAD, "`acme` is not OWNER/NAME"},
    {"fetch acme/widgets/x", EXPLANATION_BAD, "`acme/widgets/x` is not OWNER/NAME"},
    {"fetch https://github.com/acme/widgets", EXPLANATION_BAD,
     "`https://github.com/acme/widgets` is not OWNER/NAME, such as acme/widgets"},
    {"push git@github.com:acme/widgets", EXPLANATION_BAD, "`git@github.com:acme/widgets` is not OWNER/NAME"},
    {"fetch acme/../x", EXPLANATION_BAD, "/acme/../x/info/refs?service=git-upload-pack: "},
    {"api BREW /user", EXPLANATION_BAD, "`BREW` is not a method"},
    {"api GET repos/acme/widgets", EXPLANATION_BAD, "repos/acme/widgets: "},
    {"delete acme/widgets", EXPLANATION_BAD, "after `delete`, REF... is missing: write `delete OWNER/NAME REF...`"},
    {"create acme/widgets", EXPLANATION_BAD, "after `create`, REF... is missing: write `create OWNER/NAME REF...`"},
    {"create", EXPLANATION_BAD, "after `create`, OWNER/NAME is missing: write `create OWNER/NAME REF...`"},
    {"push", EXPLANATION_BAD, "after `push`, OWNER/NAME is missing: write `push OWNER/NAME [REF...]`"},
    {"lfs upload", EXPLANATION_BAD,
     "after `lfs`, OWNER/NAME is missing: write `lfs download|upload|lock OWNER/NAME [REF]`"},
    {"api GET", EXPLANATION_BAD, "after `api`, PATH is missing: write `api METHOD PATH`"},
    {"fetch acme/widgets refs/heads/main", EXPLANATION_BAD,
     "after `fetch` there are too many words: write `fetch OWNER/NAME`"},
    {"graphql acme widgets", EXPLANATION_BAD, "after `graphql` there are too many words: write `graphql [OWNER]`"},
    {"clone acme/widgets", EXPLANATION_BAD,
     "`clone` is no OPERATION: it is fetch, push, create, delete, lfs, api or graphql"},
    {"", EXPLANATION_BAD, "--explain: OPERATION is missing"},
};

static size_t split(char *question, char *words[8])
{
    size_t count = 0;

    for (char *rest = question, *word; (word = strsep(&rest, " "));)
        if (*word)
            words[count++] = word;
    return count;
}

static void a_question_is_answered_as_a_request_would_be(void **state)
{
    struct github_host host;

    assert_true(github_host_init(&host, "github.com", NULL, "acme", NULL));
    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        char question[128], *words[8];
        struct text out = {0}, expected = {0};
        struct error error = {""};
        size_t count;

        snprintf(question, sizeof(question), "%s", cases[i].question);
        count = split(question, words);
        assert_int_equal(explanation_append(&rules, lines, &host.git, words, count, &out, &error), cases[i].result);
        if (cases[i].result == EXPLANATION_BAD) {
            assert_memory_equal(error.text, cases[i].answer, strlen(cases[i].answer));
            assert_int_equal(out.size, 0);
        } else {
            text_format(&expected, "%s%s", cases[i].question, cases[i].answer);
            assert_string_equal(text_string(&out), text_string(&expected));
        }
        text_free(&out);
        text_free(&expected);
    }
    github_host_clear(&host);
}

static void without_rules_that_is_said(void **state)
{
    const struct rules none = {.present = false};
    char api[] = "api", get[] = "GET", path[] = "/user";
    char *words[] = {api, get, path};
    struct github_host host;
    struct text out = {0};

    assert_true(github_host_init(&host, "github.com", NULL, NULL, NULL));
    assert_int_equal(explanation_append(&none, NULL, &host.git, words, 3, &out, NULL), EXPLANATION_ALLOWED);
    assert_string_equal(text_string(&out),
                        "api GET /user: allowed\n"
                        "  rule: none, `repositories` is absent and allows everything\n"
                        "  token: for all of the App's only installation, with all that the installation grants\n");
    text_free(&out);
    github_host_clear(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_is_answered_as_a_request_would_be),
        cmocka_unit_test(without_rules_that_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
