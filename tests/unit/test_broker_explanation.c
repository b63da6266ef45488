#include "caller_explanation.h"

#include <string.h>

#include "cmocka_unit.h"

static const char configuration[] =
    "broker:\n"
    "  tls: {certificate: c, key: k}\n"
    "  clients: {ca: bundle}\n"
    "  issuers:\n"
    "    - {name: actions, issuer: \"https://token.actions.githubusercontent.com\", audience: gitlatch}\n"
    "    - {name: ci, issuer: \"https://ci.corp.example\", audience: gitlatch}\n"
    "  grants:\n"
    "    - {issuer: actions, claims: {repository: acme/widgets, ref: \"refs/heads/*\"},\n"
    "       repositories: [{match: acme/widgets, fetch: true, push: [\"refs/heads/agent/*\"]}]}\n"
    "    - {audience: gitlatch-credential, issuer: ci, claims: {team: b},\n"
    "       repositories: [{match: acme/tools, fetch: true, push: [\"refs/heads/x\"]}]}\n"
    "    - {namespace: team-a, service_account: workspace, repositories: [{match: \"acme/*\", fetch: true}]}\n"
    "    - {certificate: \"spiffe://corp.example/a\", repositories: [{match: acme/a, fetch: true}]}\n"
    "    - {issuer: ci, certificate: \"spiffe://corp.example/b\", repositories: [{match: acme/b, fetch: true}]}\n";

#define ACTIONS "\"iss\":\"https://token.actions.githubusercontent.com\",\"aud\":\"gitlatch\",\"sub\":\"s\""
#define CI      "\"iss\":\"https://ci.corp.example\",\"sub\":\"job\""

struct row {
    const char *claims;
    const char *words[4]; // an operation, ends with NULL
    enum explanation_result result;
    const char *says[4]; // each is in the text, or in the error
};

static const struct row rows[] = {
    {"{" ACTIONS ",\"repository\":\"acme/widgets\",\"ref\":\"refs/heads/main\"}",
     {NULL},
     EXPLANATION_ALLOWED,
     {"caller: actions s", "match broker.grants[0] (line 9): acme/widgets",
      "no    broker.grants[2] (line 12): is for the service account team-a/workspace"}},
    // Each claim that fails, and what it must be.
    {"{" ACTIONS ",\"repository\":\"evil/widgets\",\"ref\":\"refs/tags/v1\"}",
     {NULL},
     EXPLANATION_DENIED,
     {"the token's `repository` is \"evil/widgets\", and must be acme/widgets",
      "the token's `ref` is \"refs/tags/v1\", and must be refs/heads/*", "no grant is for this caller"}},
    {"{" ACTIONS ",\"repository\":\"acme/widgets\"}",
     {NULL},
     EXPLANATION_DENIED,
     {"the token has no `ref`, and must be refs/heads/*"}},
    // The operation.
    {"{" ACTIONS ",\"repository\":\"acme/widgets\",\"ref\":\"refs/heads/main\"}",
     {"push", "acme/widgets", "refs/heads/agent/1"},
     EXPLANATION_ALLOWED,
     {"push acme/widgets refs/heads/agent/1: allowed", "rule: acme/widgets (line 9)"}},
    {"{" ACTIONS ",\"repository\":\"acme/widgets\",\"ref\":\"refs/heads/main\"}",
     {"push", "acme/widgets", "refs/heads/main"},
     EXPLANATION_DENIED,
     {"denied", "allowed: refs/heads/agent/*"}},
    {"{" ACTIONS ",\"repository\":\"acme/widgets\",\"ref\":\"refs/heads/main\"}",
     {"fetch", "acme/tools"},
     EXPLANATION_DENIED,
     {"fetch acme/tools: denied"}},
    {"{" ACTIONS ",\"repository\":\"acme/widgets\",\"ref\":\"refs/heads/main\"}",
     {"steal", "acme/tools"},
     EXPLANATION_BAD,
     {"is no OPERATION"}},
    // By its audience a caller that holds its tokens.
    {"{" CI ",\"aud\":[\"gitlatch\",\"gitlatch-credential\"],\"team\":\"b\"}",
     {"push", "acme/tools", "refs/heads/x"},
     EXPLANATION_DENIED,
     {"which will hold its tokens itself", "match broker.grants[1]", "granted only what no ref pattern"}},
    {"{" CI ",\"aud\":\"gitlatch\",\"team\":\"b\"}",
     {NULL},
     EXPLANATION_ALLOWED,
     {"no    broker.grants[1] (line 11): is for tokens of audience gitlatch-credential",
      "match broker.grants[4] (line 14): acme/b, if it shows the certificate spiffe://corp.example/b as well",
      "no    broker.grants[3] (line 13): is for the certificate spiffe://corp.example/a"}},
    // A service account of the cluster.
    {"{\"iss\":\"https://kubernetes.default.svc\",\"sub\":\"system:serviceaccount:team-a:workspace\"}",
     {"fetch", "acme/any"},
     EXPLANATION_ALLOWED,
     {"caller: team-a/workspace", "match broker.grants[2]"}},
    {"{\"sub\":\"system:serviceaccount:team-b:workspace\",\"aud\":[\"gitlatch\"]}",
     {NULL},
     EXPLANATION_DENIED,
     {"no grant is for this caller"}},
    {"{\"sub\":\"system:serviceaccount:team-a:workspace\",\"aud\":[\"vault\"]}",
     {NULL},
     EXPLANATION_DENIED,
     {"not proven: the token is not for this broker: its `aud` must be gitlatch"}},
    // Nothing of a token forges a line.
    {"{\"iss\":\"https://ci.corp.example\",\"sub\":\"x\\nmatch \\u001b[2J\\u009b\",\"team\":\"\\u001b[2J\\nmatch\"}",
     {NULL},
     EXPLANATION_ALLOWED,
     {"caller: ci x?match ?[2J??;", "broker.grants[4] (line 14): acme/b"}},
    {"{\"iss\":\"https://evil.example/\\nmatch broker\"}", {NULL}, EXPLANATION_DENIED, {"evil.example/?match broker"}},
    // Who is nobody.
    {"{\"iss\":\"https://evil.example\",\"sub\":\"x\"}",
     {NULL},
     EXPLANATION_DENIED,
     {"not proven: this broker knows no issuer \"https://evil.example\""}},
    {"{" CI ",\"aud\":\"vault\"}", {NULL}, EXPLANATION_DENIED, {"not proven", "its `aud` must be gitlatch"}},
    {"{" CI ",\"aud\":\"gitlatch\",\"exp\":1}", {NULL}, EXPLANATION_DENIED, {"not proven: the token has expired"}},
    {"[]", {NULL}, EXPLANATION_BAD, {"no JSON object"}},
    {"{\"sub\":\"a\",\"sub\":\"b\"}", {NULL}, EXPLANATION_BAD, {"name one twice"}},
};

static struct config *load(void)
{
    struct config *config = NULL;
    struct error error;

    if (!config_parse(bytes_of_string(configuration), "broker.yaml", CONFIG_FOR_CHECK, &config, &error))
        fail_msg("%s", error.text);
    return config;
}

static void check_row(const struct config *config, const struct row *row)
{
    struct caller_explanation_question question = {
        .shown = bytes_of_string(row->claims),
        .is_claims = true,
        .now = {.ms = 1000000},
        .words = (char *const *)(uintptr_t)row->words,
    };
    struct text text = {0};
    struct error error = {0};

    while (row->words[question.count])
        question.count++;
    assert_int_equal(caller_explanation_append(config, &question, &text, &error), row->result);
    for (size_t i = 0; i < GL_ARRAY_SIZE(row->says) && row->says[i]; i++) {
        const char *said = row->result == EXPLANATION_BAD ? error.text : text_string(&text);

        if (!strstr(said, row->says[i]))
            fail_msg("%s: \"%s\" is not in: %s", row->claims, row->says[i], said);
    }
    text_free(&text);
}

static void test_grants_and_claims(void **state)
{
    struct config *config = load();

    for (size_t i = 0; i < GL_ARRAY_SIZE(rows); i++)
        check_row(config, &rows[i]);
    config_unref(config);
}

static void test_a_token_must_be_one(void **state)
{
    struct config *config = load();
    struct caller_explanation_question question = {.shown = BYTES("eyJhbGciOiJub25lIn0.e30.")};
    struct text text = {0};
    struct error error = {0};

    assert_int_equal(caller_explanation_append(config, &question, &text, &error), EXPLANATION_BAD);
    assert_string_equal(error.text, "the token is no signed JWT");
    text_free(&text);
    config_unref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grants_and_claims),
        cmocka_unit_test(test_a_token_must_be_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
