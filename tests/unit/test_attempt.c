// The tries at GitHub. Token service and pool are stood in for: what they were asked is counted, and the test answers.
#include "attempt.h"

#include "exchange_fixture.h"
#include "pool.h"
#include "secret.h"
#include <gitlatch/token_service.h>

struct attempt_case {
    struct exchange_fixture fixture;
    struct attempt attempt;
    struct upstream upstream;
    struct scope scope;
    bool whole;
    unsigned readies, agains, heads, inputs, faileds;
    int64_t pause_ms;
    struct verdict verdict;
};

// What was asked of pool and token service.
static struct {
    struct upstream *idle; // what pool_take gives; NULL: a dial is needed
    unsigned dials, cancels, gives, keeps;
    pool_done_fn *dialed;
    struct token *present; // what token_service_look gives
    unsigned asks, token_cancels, rejections;
    token_done_fn *minted;
    void *arg; // of `dialed` and `minted`
} stand;

#define HANDLE ((void *)&stand)

struct upstream *__wrap_pool_take(struct pool *pool, const char *host, uint16_t port, const char *owner);
struct upstream *__wrap_pool_take(struct pool *pool, const char *host, uint16_t port, const char *owner)
{
    struct upstream *idle = stand.idle;

    assert_string_equal(host, "github.com");
    assert_int_equal(port, 443);
    stand.idle = NULL;
    return idle;
}

struct pool_request *__wrap_pool_dial(struct pool *pool, const char *host, uint16_t port, const char *owner,
                                      pool_done_fn *done, void *arg);
struct pool_request *__wrap_pool_dial(struct pool *pool, const char *host, uint16_t port, const char *owner,
                                      pool_done_fn *done, void *arg)
{
    stand.dials++;
    stand.dialed = done;
    stand.arg = arg;
    return HANDLE;
}

void __wrap_pool_cancel(struct pool_request *request);
void __wrap_pool_cancel(struct pool_request *request)
{
    stand.cancels++;
}

void __wrap_pool_give(struct upstream *upstream, bool keep);
void __wrap_pool_give(struct upstream *upstream, bool keep)
{
    stand.gives++;
    stand.keeps += keep;
    stream_want_input(upstream->stream, false);
}

struct token *__wrap_token_service_look(struct token_service *service, const struct scope *scope);
struct token *__wrap_token_service_look(struct token_service *service, const struct scope *scope)
{
    return stand.present;
}

struct token_request *__wrap_token_service_ask(struct token_service *service, const struct scope *scope,
                                               token_done_fn *done, void *arg);
struct token_request *__wrap_token_service_ask(struct token_service *service, const struct scope *scope,
                                               token_done_fn *done, void *arg)
{
    stand.asks++;
    stand.minted = done;
    stand.arg = arg;
    return HANDLE;
}

void __wrap_token_request_cancel(struct token_request *request);
void __wrap_token_request_cancel(struct token_request *request)
{
    stand.token_cancels++;
}

void __wrap_token_service_rejected(struct token_service *service, const struct token *token);
void __wrap_token_service_rejected(struct token_service *service, const struct token *token)
{
    stand.rejections++;
}

static bool on_is_whole(void *arg)
{
    return ((struct attempt_case *)arg)->whole;
}

static void on_ready(void *arg)
{
    ((struct attempt_case *)arg)->readies++;
}

static void on_again(void *arg, const struct retry *retry)
{
    struct attempt_case *trying = arg;

    trying->agains++;
    trying->pause_ms = retry->pause_ms;
}

static void on_head(void *arg)
{
    ((struct attempt_case *)arg)->heads++;
}

static void on_input(void *arg)
{
    ((struct attempt_case *)arg)->inputs++;
}

static void on_output(void *arg)
{
}

static void on_failed(void *arg, const struct verdict *verdict)
{
    struct attempt_case *trying = arg;

    trying->faileds++;
    trying->verdict = *verdict;
    attempt_end(&trying->attempt, false);
}

static const struct attempt_callbacks callbacks = {
    .is_whole = on_is_whole,
    .ready = on_ready,
    .again = on_again,
    .head = on_head,
    .input = on_input,
    .output = on_output,
    .failed = on_failed,
};

// A token that was minted so long ago.
static struct token *make_token(struct attempt_case *trying, const char *value, int64_t age_ms)
{
    struct secret *secret = secret_new(bytes_of_string(value));
    struct token *token = token_new(secret);

    secret_unref(secret);
    token->minted_at = (struct mono){trying->fixture.manual.mono_now.ms - age_ms};
    return token;
}

static void begin(struct attempt_case *trying, const char *line)
{
    memset(trying, 0, sizeof(*trying));
    memset(&stand, 0, sizeof(stand));
    exchange_fixture_open(&trying->fixture, EXCHANGE_FIXTURE_CREDENTIALS);
    exchange_fixture_ask(&trying->fixture, "github.com", line, "");
    clock_manual_advance(&trying->fixture.manual, HOUR_MS);
    trying->whole = true;
    trying->upstream.stream = trying->fixture.upstream_end.stream;
    trying->scope.host = &trying->fixture.config->githubs[0].host.git;
    attempt_init(&trying->attempt, &trying->fixture.request, &trying->fixture.runtime, trying->fixture.loop, &callbacks,
                 trying);
}

static void end(struct attempt_case *trying)
{
    attempt_clear(&trying->attempt);
    token_unref(stand.present);
    exchange_fixture_close(&trying->fixture);
}

// Has sent the head, with a token of this age.
static void begin_sent(struct attempt_case *trying, const char *line, int64_t token_age_ms)
{
    begin(trying, line);
    stand.idle = &trying->upstream;
    stand.present = make_token(trying, "ghs_1", token_age_ms);
    attempt_ask_token(&trying->attempt, &trying->scope);
    attempt_ask_connection(&trying->attempt);
    assert_true(attempt_is_ready(&trying->attempt));
    assert_true(attempt_send_head(&trying->attempt));
    stream_flush(attempt_stream(&trying->attempt));
}

static void github_answers(struct attempt_case *trying, const char *text)
{
    exchange_fixture_send(&trying->fixture, &trying->fixture.upstream_end, bytes_of_string(text));
}

#define FETCH      "POST /acme/widgets.git/git-upload-pack"
#define FETCH_REFS "GET /acme/widgets.git/info/refs?service=git-upload-pack"
#define PUSH       "POST /acme/widgets.git/git-receive-pack"

static void token_and_connection_are_waited_for(void **state)
{
    struct attempt_case trying;
    struct token *token;

    begin(&trying, FETCH);
    attempt_ask_token(&trying.attempt, &trying.scope);
    attempt_ask_connection(&trying.attempt);
    assert_int_equal(stand.asks, 1);
    assert_int_equal(stand.dials, 1);
    attempt_ask_token(&trying.attempt, &trying.scope); // it is under way
    attempt_ask_connection(&trying.attempt);
    assert_int_equal(stand.asks + stand.dials, 2);
    token = make_token(&trying, "ghs_1", 0);
    stand.minted(stand.arg, token, NULL);
    token_unref(token);
    assert_int_equal(trying.readies, 0);
    stand.dialed(stand.arg, &trying.upstream, NULL);
    assert_int_equal(trying.readies, 1);
    assert_true(attempt_send_head(&trying.attempt));
    stream_flush(attempt_stream(&trying.attempt));
    // "x-access-token:ghs_1"
    assert_true(bytes_contain(exchange_fixture_receive(&trying.fixture, &trying.fixture.upstream_end),
                              BYTES("\r\nAuthorization: Basic eC1hY2Nlc3MtdG9rZW46Z2hzXzE=\r\n")));
    end(&trying);
}

static void an_end_cancels_what_is_waited_for(void **state)
{
    struct attempt_case trying;

    begin(&trying, FETCH);
    attempt_ask_token(&trying.attempt, &trying.scope);
    attempt_ask_connection(&trying.attempt);
    attempt_end(&trying.attempt, false);
    assert_int_equal(stand.cancels, 1);
    assert_int_equal(stand.token_cancels, 1);
    end(&trying);
    assert_int_equal(stand.cancels + stand.token_cancels, 2);
}

static void a_request_without_a_token_has_no_authorization(void **state)
{
    struct attempt_case trying;

    begin(&trying, FETCH);
    stand.idle = &trying.upstream;
    attempt_ask_token(&trying.attempt, NULL);
    attempt_ask_connection(&trying.attempt);
    assert_true(attempt_is_ready(&trying.attempt));
    assert_int_equal(stand.asks, 0);
    assert_true(attempt_send_head(&trying.attempt));
    stream_flush(attempt_stream(&trying.attempt));
    assert_false(
        bytes_contain(exchange_fixture_receive(&trying.fixture, &trying.fixture.upstream_end), BYTES("Authorization")));
    end(&trying);
}

static void the_head_is_reported_once_and_a_part_of_it_is_nothing(void **state)
{
    struct attempt_case trying;

    begin_sent(&trying, FETCH, HOUR_MS);
    github_answers(&trying, "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nX-GitHub-Request-Id: AB:1\r\n");
    github_answers(&trying, "Content-Le");
    // Bytes of a head that does not end are no movement: the idle limit goes on.
    assert_int_equal(trying.heads + trying.inputs, 0);
    github_answers(&trying, "ngth: 2\r\n\r\n");
    assert_int_equal(trying.heads, 1);
    assert_int_equal(trying.inputs, 0);
    assert_int_equal(trying.attempt.answer.status, 200);
    assert_string_equal(trying.attempt.github_request_id, "AB:1");
    github_answers(&trying, "ok");
    assert_int_equal(trying.heads, 1);
    assert_int_equal(trying.inputs, 1);
    attempt_end(&trying.attempt, true);
    assert_int_equal(stand.keeps, 1);
    end(&trying);
}

static void a_401_has_another_token_and_only_once(void **state)
{
    struct attempt_case trying;

    begin_sent(&trying, FETCH, HOUR_MS);
    github_answers(&trying, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(trying.agains, 1);
    assert_int_equal(trying.pause_ms, 0);
    assert_int_equal(stand.rejections, 1);
    assert_int_equal(stand.gives, 1);
    assert_int_equal(stand.keeps, 0);
    virtual_loop_run_for(trying.fixture.loop, &trying.fixture.manual, 1);
    assert_int_equal(stand.dials, 1); // a kept connection will not do
    stream_want_input(trying.upstream.stream, true);
    stream_consume(trying.upstream.stream, stream_input(trying.upstream.stream).size);
    stand.dialed(stand.arg, &trying.upstream, NULL);
    assert_int_equal(trying.readies, 1);
    assert_true(attempt_send_head(&trying.attempt));
    github_answers(&trying, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(trying.faileds, 1);
    assert_int_equal(trying.verdict.reason, REASON_GITHUB_UNAUTHORIZED);
    assert_int_equal(stand.rejections, 1);
    end(&trying);
}

static void a_request_that_is_not_whole_is_not_sent_again(void **state)
{
    struct attempt_case trying;

    begin_sent(&trying, PUSH, HOUR_MS);
    trying.whole = false;
    github_answers(&trying, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(trying.agains, 0);
    assert_int_equal(trying.verdict.reason, REASON_GITHUB_UNAUTHORIZED);
    end(&trying);
}

static void a_lost_connection_is_replaced_where_no_harm_can_come_of_it(void **state)
{
    static const struct {
        const char *line;
        unsigned agains;
    } cases[] = {{FETCH, 1}, {FETCH_REFS, 1}, {PUSH, 0}};

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct attempt_case trying;

        begin_sent(&trying, cases[i].line, HOUR_MS);
        exchange_end_close_peer(&trying.fixture.upstream_end);
        exchange_fixture_settle(&trying.fixture);
        assert_int_equal(trying.agains, cases[i].agains);
        assert_int_equal(trying.faileds, 1 - cases[i].agains);
        if (trying.faileds)
            assert_int_equal(trying.verdict.reason, REASON_UPSTREAM_LOST);
        end(&trying);
    }
}

static void a_connection_that_is_lost_before_the_request_is_replaced(void **state)
{
    struct attempt_case trying;

    begin(&trying, PUSH);
    stand.idle = &trying.upstream;
    attempt_ask_connection(&trying.attempt);
    exchange_end_close_peer(&trying.fixture.upstream_end);
    exchange_fixture_settle(&trying.fixture);
    assert_int_equal(stand.gives, 1);
    assert_int_equal(stand.dials, 1);
    assert_int_equal(trying.faileds + trying.agains, 0);
    end(&trying);
}

static void what_is_no_answer_fails(void **state)
{
    static const char *const answers[] = {"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n"};

    for (size_t i = 0; i < GL_ARRAY_SIZE(answers); i++) {
        struct attempt_case trying;

        begin_sent(&trying, FETCH, HOUR_MS);
        github_answers(&trying, answers[i]);
        assert_int_equal(trying.faileds, 1);
        assert_int_equal(trying.verdict.reason, REASON_UPSTREAM_PROTOCOL);
        end(&trying);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(token_and_connection_are_waited_for),
        cmocka_unit_test(an_end_cancels_what_is_waited_for),
        cmocka_unit_test(a_request_without_a_token_has_no_authorization),
        cmocka_unit_test(the_head_is_reported_once_and_a_part_of_it_is_nothing),
        cmocka_unit_test(a_401_has_another_token_and_only_once),
        cmocka_unit_test(a_request_that_is_not_whole_is_not_sent_again),
        cmocka_unit_test(a_lost_connection_is_replaced_where_no_harm_can_come_of_it),
        cmocka_unit_test(a_connection_that_is_lost_before_the_request_is_replaced),
        cmocka_unit_test(what_is_no_answer_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
