#include "reviews.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmocka_unit.h"
#include "http_transport.h"
#include "mem.h"
#include "secret.h"
#include "token_review.h"
#include "virtual_loop.h"

#define NOW       ((struct wall){INT64_C(1700000000000)})
#define MAX_ASKED 64

static struct clock_manual clock_now;
static struct loop *loop;
static struct reviews *reviews;
static char own_token[] = "/tmp/gitlatch-test-XXXXXX";

// The cluster: keeps what it is asked until the test answers.

struct http_request {
    http_done_fn *done;
    void *arg;
    char *body, *bearer;
    bool open;
};

static struct http_request asked[MAX_ASKED];
static size_t asked_count;

static struct http_request *fake_ask(struct http_transport *transport, const struct http_call *call, http_done_fn *done,
                                     void *arg)
{
    struct http_request *request = &asked[asked_count++];

    assert_string_equal(call->method, "POST");
    assert_string_equal(call->url, "https://cluster.test" TOKEN_REVIEW_PATH);
    *request = (struct http_request){done, arg, mem_bytes_string(call->body), mem_bytes_string(call->bearer), true};
    return request;
}

static void fake_cancel(struct http_transport *transport, struct http_request *request)
{
    request->open = false;
}

static struct http_transport transport = {.ask = fake_ask, .cancel = fake_cancel};

static void answer(size_t index, enum http_result result, int status, const char *body)
{
    const struct http_answer given = {
        .result = result, .problem = "no route", .status = status, .body = bytes_of_string(body)};

    assert_true(asked[index].open);
    asked[index].open = false;
    asked[index].done(asked[index].arg, &given);
}

static void prove_it(size_t index)
{
    answer(index, HTTP_ANSWERED, 201,
           "{\"status\":{\"authenticated\":true,\"audiences\":[\"gitlatch\"],"
           "\"user\":{\"username\":\"system:serviceaccount:team-a:workspace\"}}}");
}

static void refuse_it(size_t index)
{
    answer(index, HTTP_ANSWERED, 201, "{\"status\":{\"authenticated\":false,\"error\":\"pod deleted\"}}");
}

// Who asks: what came of it.

struct outcome {
    int calls;
    bool proven;
    struct verdict verdict;
};

static void on_done(void *arg, const struct caller *caller, const struct verdict *verdict)
{
    struct outcome *outcome = arg;

    outcome->calls++;
    outcome->proven = caller != NULL;
    if (caller)
        assert_string_equal(caller->namespace, "team-a");
    else
        outcome->verdict = *verdict;
}

static void turn(void)
{
    virtual_loop_run_for(loop, &clock_now, 0);
}

static struct review_request *start_from(struct outcome *outcome, const char *token, const char *from)
{
    struct review_request *request;

    *outcome = (struct outcome){0};
    request = reviews_ask(reviews, bytes_of_string(token), from, on_done, outcome);
    assert_int_equal(outcome->calls, 0);
    return request;
}

static void start(struct outcome *outcome, const char *token)
{
    struct review_request *request GL_UNUSED = start_from(outcome, token, "10.0.0.1");

    turn();
}

static int set_up(void **state)
{
    static const char *const audiences[] = {"gitlatch-credential", "gitlatch"};
    int descriptor;

    memcpy(own_token, "/tmp/gitlatch-test-XXXXXX", sizeof(own_token));
    descriptor = mkstemp(own_token);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, "own\n", 4), 4);
    close(descriptor);
    clock_manual_init(&clock_now, NOW);
    loop = loop_new(&clock_now.clock);
    asked_count = 0;
    reviews = reviews_new(&(struct reviews_options){.loop = loop,
                                                    .transport = &transport,
                                                    .api = "https://cluster.test",
                                                    .token_file = own_token,
                                                    .audiences = audiences,
                                                    .audience_count = 2});
    return 0;
}

static int tear_down(void **state)
{
    reviews_free(reviews);
    loop_free(loop);
    for (size_t i = 0; i < asked_count; i++) {
        assert_false(asked[i].open);
        mem_free(asked[i].body);
        mem_free(asked[i].bearer);
    }
    unlink(own_token);
    return 0;
}

static void test_one_review_for_all_who_show_a_token(void **state)
{
    struct outcome one, two, three;

    start(&one, "token");
    start(&two, "token");
    assert_int_equal(asked_count, 1);
    assert_non_null(strstr(asked[0].body, "\"token\":\"token\",\"audiences\":[\"gitlatch-credential\",\"gitlatch\"]"));
    assert_string_equal(asked[0].bearer, "own");
    prove_it(0);
    turn();
    assert_true(one.proven && two.proven);
    start(&three, "token");
    assert_true(three.proven);
    assert_int_equal(asked_count, 1);
}

// The contract's 60 s: a pod that was deleted is served no longer than that.
static void test_verdict_is_kept_a_minute(void **state)
{
    struct outcome outcome;

    start(&outcome, "token");
    prove_it(0);
    virtual_loop_run_for(loop, &clock_now, 59999);
    start(&outcome, "token");
    assert_true(outcome.proven);
    assert_int_equal(asked_count, 1);
    virtual_loop_run_for(loop, &clock_now, 1);
    start(&outcome, "token");
    assert_int_equal(outcome.calls, 0);
    assert_int_equal(asked_count, 2);
    refuse_it(1);
    turn();
    assert_int_equal(outcome.calls, 1);
    assert_false(outcome.proven);
    assert_int_equal(verdict_status(&outcome.verdict), 401);
    assert_non_null(strstr(outcome.verdict.sentence, "pod deleted"));
}

// {"exp":1700000020}: 20 s from now.
static void test_verdict_ends_with_the_token(void **state)
{
    static const char token[] = "e30.eyJleHAiOjE3MDAwMDAwMjB9.c2ln";
    struct outcome outcome;

    start(&outcome, token);
    prove_it(0);
    virtual_loop_run_for(loop, &clock_now, 19999);
    start(&outcome, token);
    assert_true(outcome.proven);
    virtual_loop_run_for(loop, &clock_now, 1);
    start(&outcome, token);
    assert_int_equal(asked_count, 2);
    // Whether it still is good the cluster says; nothing is kept of it.
    prove_it(1);
    turn();
    start(&outcome, token);
    assert_int_equal(asked_count, 3);
    refuse_it(2);
    turn();
}

static void test_refusal_is_kept_for_seconds(void **state)
{
    struct outcome outcome;

    start(&outcome, "token");
    refuse_it(0);
    turn();
    start(&outcome, "token");
    assert_int_equal(outcome.calls, 1);
    assert_false(outcome.proven);
    assert_int_equal(asked_count, 1);
    virtual_loop_run_for(loop, &clock_now, 5000);
    start(&outcome, "token");
    assert_int_equal(asked_count, 2);
    prove_it(1);
    turn();
    assert_true(outcome.proven);
}

static void test_without_the_cluster_nobody_gets_in(void **state)
{
    static const struct {
        enum http_result result;
        int status;
        const char *body;
    } failures[] = {
        {HTTP_UNREACHABLE, 0, ""},       {HTTP_TIMED_OUT, 0, ""},    {HTTP_UNTRUSTED, 0, ""},
        {HTTP_ANSWERED, 500, "{}"},      {HTTP_ANSWERED, 401, "{}"}, {HTTP_ANSWERED, 403, "{}"},
        {HTTP_ANSWERED, 201, "no JSON"}, {HTTP_ANSWERED, 302, ""},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(failures); i++) {
        struct outcome outcome;

        start(&outcome, "token");
        answer(i, failures[i].result, failures[i].status, failures[i].body);
        turn();
        assert_int_equal(outcome.calls, 1);
        assert_false(outcome.proven);
        assert_int_equal(verdict_status(&outcome.verdict), 503);
        assert_true(outcome.verdict.retry_after_s > 0);
        // It is left alone for a second.
        start(&outcome, "other");
        assert_int_equal(verdict_status(&outcome.verdict), 503);
        assert_int_equal(asked_count, i + 1);
        virtual_loop_run_for(loop, &clock_now, 1000);
    }
}

static void test_kept_verdict_outlives_the_cluster(void **state)
{
    struct outcome known, unknown;

    start(&known, "known");
    prove_it(0);
    turn();
    start(&unknown, "unknown");
    answer(1, HTTP_UNREACHABLE, 0, "");
    turn();
    assert_false(unknown.proven);
    start(&known, "known");
    assert_true(known.proven);
}

// No more than 32 at a time; the others wait, and all get their answer.
static void test_reviews_are_bounded(void **state)
{
    struct outcome outcomes[40];

    for (size_t i = 0; i < 40; i++) {
        char token[16];
        snprintf(token, sizeof(token), "token-%zu", i);
        start(&outcomes[i], token);
    }
    assert_int_equal(asked_count, 32);
    for (size_t i = 0; i < 40; i++)
        prove_it(i);
    turn();
    for (size_t i = 0; i < 40; i++)
        assert_true(outcomes[i].proven);
    assert_int_equal(asked_count, 40);
}

// When the cluster fails, those who wait are told at once.
static void test_failure_ends_the_queue(void **state)
{
    struct outcome outcomes[40];

    for (size_t i = 0; i < 40; i++) {
        char token[16];
        snprintf(token, sizeof(token), "token-%zu", i);
        start(&outcomes[i], token);
    }
    answer(0, HTTP_UNREACHABLE, 0, "");
    turn();
    for (size_t i = 32; i < 40; i++)
        assert_int_equal(verdict_status(&outcomes[i].verdict), 503);
    assert_int_equal(asked_count, 32);
    for (size_t i = 1; i < 32; i++)
        prove_it(i);
    turn();
    for (size_t i = 1; i < 32; i++)
        assert_true(outcomes[i].proven);
}

// An address that shows bad tokens is not listened to for a while; others are, and so is who is known.
static void test_bad_tokens_are_limited_by_address(void **state)
{
    struct outcome good, outcome;
    struct review_request *request GL_UNUSED;

    start(&good, "good");
    prove_it(0);
    for (size_t i = 1; i <= 30; i++) {
        char token[16];
        snprintf(token, sizeof(token), "bad-%zu", i);
        start(&outcome, token);
        refuse_it(i);
        turn();
        assert_int_equal(verdict_status(&outcome.verdict), 401);
    }
    start(&outcome, "bad-31");
    assert_int_equal(verdict_status(&outcome.verdict), 429);
    assert_true(outcome.verdict.retry_after_s > 0);
    assert_int_equal(asked_count, 31);
    start(&good, "good");
    assert_true(good.proven);
    request = start_from(&outcome, "new", "10.0.0.2");
    turn();
    assert_int_equal(asked_count, 32);
    prove_it(31);
    turn();
    assert_true(outcome.proven);
}

static void test_malformed_tokens_are_not_asked_about(void **state)
{
    static const char *const tokens[] = {"", "a b", "\"", "tok\xc3\xa9n"};

    for (size_t i = 0; i < GL_ARRAY_SIZE(tokens); i++) {
        struct outcome outcome;

        start(&outcome, tokens[i]);
        assert_int_equal(verdict_status(&outcome.verdict), 401);
    }
    assert_int_equal(asked_count, 0);
}

static void test_cancelled_is_not_called(void **state)
{
    struct outcome waiting, settled;
    struct review_request *request = start_from(&waiting, "token", "10.0.0.1");

    review_request_cancel(request);
    prove_it(0);
    turn();
    assert_int_equal(waiting.calls, 0);
    request = start_from(&settled, "token", "10.0.0.1");
    review_request_cancel(request);
    turn();
    assert_int_equal(settled.calls, 0);
}

// The broker's own token is read again, as the kubelet renews it.
static void test_own_token_is_read_again(void **state)
{
    struct outcome outcome;
    FILE *file;

    start(&outcome, "one");
    prove_it(0);
    file = fopen(own_token, "w");
    fputs("renewed\n", file);
    fclose(file);
    start(&outcome, "two");
    assert_string_equal(asked[1].bearer, "renewed");
    prove_it(1);
    turn();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_review_for_all_who_show_a_token),
        TEST(test_verdict_is_kept_a_minute),
        TEST(test_verdict_ends_with_the_token),
        TEST(test_refusal_is_kept_for_seconds),
        TEST(test_without_the_cluster_nobody_gets_in),
        TEST(test_kept_verdict_outlives_the_cluster),
        TEST(test_reviews_are_bounded),
        TEST(test_failure_ends_the_queue),
        TEST(test_bad_tokens_are_limited_by_address),
        TEST(test_malformed_tokens_are_not_asked_about),
        TEST(test_cancelled_is_not_called),
        TEST(test_own_token_is_read_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
