#include "token_review.h"

#include <string.h>

#include "cmocka_unit.h"
#include "secret.h"

static const char *const audiences[] = {"gitlatch-credential", "gitlatch"};

#define USER(name, rest) "\"user\":{\"username\":\"" name "\"" rest "}"
#define POD              ",\"extra\":{\"authentication.kubernetes.io/pod-name\":[\"pod-0\"]}"

static enum token_review_result parse(const char *status, struct caller *ret_caller, struct error *ret_error)
{
    char body[1024];

    snprintf(body, sizeof(body), "{\"kind\":\"TokenReview\",\"status\":%s}", status);
    return token_review_parse(bytes_of_string(body), audiences, 2, ret_caller, ret_error);
}

static void test_proven(void **state)
{
    struct caller caller;
    struct error error;

    assert_int_equal(parse("{\"authenticated\":true,\"audiences\":[\"gitlatch\"]," USER(
                               "system:serviceaccount:team-a:workspace", POD) "}",
                           &caller, &error),
                     TOKEN_REVIEW_PROVEN);
    assert_false(caller.holder);
    assert_string_equal(caller.namespace, "team-a");
    assert_string_equal(caller.service_account, "workspace");
    assert_string_equal(caller.pod, "pod-0");
    caller_clear(&caller);
    // A token for both audiences counts as the one that is granted less.
    assert_int_equal(parse("{\"authenticated\":true,\"audiences\":[\"gitlatch\",\"gitlatch-credential\"]," USER(
                               "system:serviceaccount:team-a:workspace", "") "}",
                           &caller, &error),
                     TOKEN_REVIEW_PROVEN);
    assert_true(caller.holder);
    assert_null(caller.pod);
    caller_clear(&caller);
}

static void test_refused(void **state)
{
    static const char *const statuses[] = {
        "{}",
        "{\"authenticated\":false,\"error\":\"[invalid bearer token]\"}",
        // A deleted pod: no `authenticated` at all.
        "{\"user\":{},\"error\":\"pod deleted\"}",
        "{\"authenticated\":\"true\",\"audiences\":[\"gitlatch\"]," USER("system:serviceaccount:a:b", "") "}",
        // An API server that does not know audiences, or knows others.
        "{\"authenticated\":true," USER("system:serviceaccount:a:b", "") "}",
        "{\"authenticated\":true,\"audiences\":[]," USER("system:serviceaccount:a:b", "") "}",
        "{\"authenticated\":true,\"audiences\":\"gitlatch\"," USER("system:serviceaccount:a:b", "") "}",
        "{\"authenticated\":true,\"audiences\":[\"https://kubernetes.default.svc\"]," USER("system:serviceaccount:a:b",
                                                                                           "") "}",
        // No service account.
        "{\"authenticated\":true,\"audiences\":[\"gitlatch\"]," USER("system:admin", "") "}",
        "{\"authenticated\":true,\"audiences\":[\"gitlatch\"]," USER("system:serviceaccount:a", "") "}",
        "{\"authenticated\":true,\"audiences\":[\"gitlatch\"]," USER("system:serviceaccount::b", "") "}",
        "{\"authenticated\":true,\"audiences\":[\"gitlatch\"]," USER("system:serviceaccount:a:b:c", "") "}",
        "{\"authenticated\":true,\"audiences\":[\"gitlatch\"]}",
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(statuses); i++) {
        struct caller caller;
        struct error error;

        if (parse(statuses[i], &caller, &error) != TOKEN_REVIEW_REFUSED)
            fail_msg("%s", statuses[i]);
        assert_true(strlen(error.text) > 10);
    }
}

static void test_unreadable(void **state)
{
    static const char *const bodies[] = {
        "", "{", "[]", "{}", "{\"status\":\"Failure\"}", "{\"status\":{},\"status\":{}}"};

    for (size_t i = 0; i < GL_ARRAY_SIZE(bodies); i++) {
        struct caller caller;
        struct error error;

        assert_int_equal(token_review_parse(bytes_of_string(bodies[i]), audiences, 2, &caller, &error),
                         TOKEN_REVIEW_UNREADABLE);
    }
}

static void test_body(void **state)
{
    struct secret *body = token_review_body(BYTES("a.b-_c"), audiences, 2);

    assert_true(bytes_equal(secret_bytes(body),
                            BYTES("{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"TokenReview\",\"spec\":"
                                  "{\"token\":\"a.b-_c\",\"audiences\":[\"gitlatch-credential\",\"gitlatch\"]}}")));
    secret_unref(body);
}

static void test_well_formed(void **state)
{
    assert_true(token_review_well_formed(BYTES("eyJ.a-_.~+/=")));
    assert_false(token_review_well_formed(BYTES("")));
    assert_false(token_review_well_formed(BYTES("a\"b")));
    assert_false(token_review_well_formed(BYTES("a b")));
    assert_false(token_review_well_formed(BYTES("a\0b")));
    assert_false(token_review_well_formed(BYTES("a\\b")));
}

// {"exp":1700000000}, {"exp":"soon"}, {"exp":-1}, and what is no JWT.
static void test_end(void **state)
{
    assert_int_equal(token_review_end(BYTES("e30.eyJleHAiOjE3MDAwMDAwMDB9.c2ln")).ms, 1700000000000);
    assert_int_equal(token_review_end(BYTES("e30.eyJleHAiOiJzb29uIn0.c2ln")).ms, INT64_MAX);
    assert_int_equal(token_review_end(BYTES("e30.eyJleHAiOi0xfQ.c2ln")).ms, INT64_MAX);
    assert_int_equal(token_review_end(BYTES("e30.!!!!.c2ln")).ms, INT64_MAX);
    assert_int_equal(token_review_end(BYTES("e30..c2ln")).ms, INT64_MAX);
    assert_int_equal(token_review_end(BYTES("opaque")).ms, INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proven), cmocka_unit_test(test_refused),     cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_body),   cmocka_unit_test(test_well_formed), cmocka_unit_test(test_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
