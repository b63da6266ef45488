#include "cache.h"

#include <gitlatch/github_host.h>

#include "cmocka_unit.h"
#include "mem.h"
#include "secret.h"
#include "metrics.h"
#include "text.h"
#include "virtual_loop.h"

// A source whose mints take a second and end as the test says.
struct fixture {
    struct clock_manual manual;
    struct loop *loop;
    struct metrics *metrics;
    struct github_host host;
    struct source source;
    struct cache *cache;

    unsigned mints; // started
    unsigned cancelled;
    unsigned under_way, most_under_way;
    int64_t takes_ms;
    int64_t life_ms;               // of the tokens
    struct source_failure failure; // with which mints end; REASON_NONE: with a token
    int64_t failed_until_ms;       // mono: only until then; 0: always
    int64_t minted_at_ms[256];     // mono
};

struct fake_mint {
    struct fixture *fixture;
    struct timer timer;
    source_done_fn *done;
    void *arg;
    unsigned number;
};

static void fake_end(void *arg)
{
    struct fake_mint mint = *(struct fake_mint *)arg;
    struct fixture *fixture = mint.fixture;
    bool fails = fixture->failure.verdict.reason != REASON_NONE &&
                 (!fixture->failed_until_ms || fixture->manual.mono_now.ms < fixture->failed_until_ms);
    char text[32];

    mem_free(arg);
    fixture->under_way--;
    if (fails) {
        mint.done(mint.arg, NULL, &fixture->failure);
        return;
    }
    snprintf(text, sizeof(text), "ghs_%u", mint.number);
    struct secret *value = secret_new(bytes_of_string(text));
    struct token *token = token_new(value);
    secret_unref(value);
    token_set_life(token, fixture->life_ms, &fixture->manual.clock);
    token->expires_at = token->ends_wall;
    mint.done(mint.arg, token, NULL);
    token_unref(token);
}

static void *fake_start(void *context, struct source *source, const struct mint_scope *scope, source_done_fn *done,
                        void *arg)
{
    struct fixture *fixture = context;
    struct fake_mint *mint = mem_alloc_zero(1, sizeof(*mint));

    if (fixture->mints < GL_ARRAY_SIZE(fixture->minted_at_ms))
        fixture->minted_at_ms[fixture->mints] = fixture->manual.mono_now.ms;
    *mint = (struct fake_mint){.fixture = fixture, .done = done, .arg = arg, .number = ++fixture->mints};
    if (++fixture->under_way > fixture->most_under_way)
        fixture->most_under_way = fixture->under_way;
    timer_init(&mint->timer, fixture->loop, fake_end, mint);
    timer_start(&mint->timer, fixture->takes_ms);
    return mint;
}

static void fake_cancel(void *context, void *mint)
{
    struct fake_mint *fake = mint;

    fake->fixture->under_way--;
    fake->fixture->cancelled++;
    timer_stop(&fake->timer);
    mem_free(fake);
}

static const struct source_kind fake_kind = {.names = SOURCE_NAMES("app"), .narrow = true};

static struct cache *make_cache(struct fixture *fixture)
{
    struct cache_options options = {
        .loop = fixture->loop,
        .metrics = fixture->metrics,
        .refresh_before_ms = 10 * MINUTE_MS,
        .minimum_life_ms = MINUTE_MS,
        .minter = {.start = fake_start, .cancel = fake_cancel, .context = fixture},
    };

    return cache_new(&options);
}

static int set_up(void **state)
{
    struct fixture *fixture = mem_alloc_zero(1, sizeof(*fixture));
    static char identity[] = "app 1";

    clock_manual_init(&fixture->manual, (struct wall){1764000000000});
    fixture->loop = loop_new(&fixture->manual.clock);
    fixture->metrics = metrics_new();
    fixture->takes_ms = SECOND_MS;
    fixture->life_ms = HOUR_MS;
    assert_true(github_host_init(&fixture->host, "github.com", NULL, NULL, NULL));
    fixture->source = (struct source){
        .id.kind = &fake_kind,
        .identity = identity,
        .host = &fixture->host.git,
        .version = "v1",
        .loop = fixture->loop,
    };
    fixture->cache = make_cache(fixture);
    *state = fixture;
    return 0;
}

// What was given to askers, which are copied and never freed.
static struct token *held[16384];
static size_t held_count;

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    while (held_count)
        token_unref(held[--held_count]);
    cache_free(fixture->cache);
    loop_free(fixture->loop);
    metrics_free(fixture->metrics);
    github_host_clear(&fixture->host);
    mem_free(fixture);
    return 0;
}

static void run(struct fixture *fixture, int64_t ms)
{
    virtual_loop_run_for(fixture->loop, &fixture->manual, ms);
}

// One who asks, and what became of it.
struct asker {
    struct fixture *fixture;
    struct cache_request *request;
    unsigned answers;
    char token[32];      // "": none came
    struct token *given; // held until the test ends
    char fingerprint[TOKEN_FINGERPRINT_SIZE];
    int64_t left_ms;
    struct verdict verdict;
};

static void on_answer(void *arg, struct token *token, const struct verdict *verdict)
{
    struct asker *asker = arg;

    asker->request = NULL;
    asker->answers++;
    asker->token[0] = '\0';
    if (!token) {
        asker->verdict = *verdict;
        return;
    }
    assert_null(verdict);
    struct bytes value = secret_bytes(token->value);
    snprintf(asker->token, sizeof(asker->token), "%.*s", (int)value.size, value.data);
    assert_true(held_count < GL_ARRAY_SIZE(held));
    asker->given = held[held_count++] = token_ref(token);
    memcpy(asker->fingerprint, token->fingerprint, sizeof(asker->fingerprint));
    asker->left_ms = token_left_ms(token, &asker->fixture->manual.clock);
}

// Of a repository, to be read; `rejected`: the fingerprint that is named as rejected; NULL: none.
static struct mint_scope mint_of(const struct fixture *fixture, const char *name, const char *rejected)
{
    struct scope scope = {.host = &fixture->host.git, .reach = SCOPE_REPOSITORY, .rejected = rejected};
    struct mint_scope mint;

    assert_true(repository_name_parse(BYTES("acme"), bytes_of_string(name), &scope.repository));
    assert_true(permissions_add(&scope.permissions, BYTES("contents"), PERMISSION_READ));
    mint_scope_init(&mint, &scope);
    return mint;
}

static void ask_naming(struct fixture *fixture, const char *name, const char *rejected, struct asker *asker)
{
    struct mint_scope mint = mint_of(fixture, name, rejected);
    unsigned answers = asker->answers;

    asker->fixture = fixture;
    asker->request = cache_ask(fixture->cache, &fixture->source, &mint, on_answer, asker);
    assert_int_equal(asker->answers, answers); // never from inside
}

static void ask_for(struct fixture *fixture, const char *name, struct asker *asker)
{
    ask_naming(fixture, name, NULL, asker);
}

// Asks and gives what is there, or comes within three seconds.
static struct asker ask(struct fixture *fixture)
{
    struct asker asker = {0};

    ask_for(fixture, "widgets", &asker);
    run(fixture, 1);
    if (!asker.answers)
        run(fixture, 3 * SECOND_MS);
    assert_int_equal(asker.answers, 1);
    return asker;
}

// Uses the token every `every_ms` for `ms`; never without one, never with too little life.
static void use(struct fixture *fixture, int64_t every_ms, int64_t ms)
{
    for (int64_t done = 0; done < ms; done += every_ms) {
        struct asker asker = ask(fixture);
        assert_true(*asker.token);
        assert_true(asker.left_ms >= MINUTE_MS);
        run(fixture, every_ms - 1);
    }
}

static void fail_with(struct fixture *fixture, enum reason reason, bool permanent, int64_t retry_ms)
{
    fixture->failure = (struct source_failure){.permanent = permanent, .retry_ms = retry_ms};
    verdict_set(&fixture->failure.verdict, reason, "as told");
}

static void many_askers_are_one_mint(void **state)
{
    struct fixture *fixture = *state;
    struct asker askers[100] = {0};

    for (size_t i = 0; i < GL_ARRAY_SIZE(askers); i++) {
        ask_for(fixture, "widgets", &askers[i]);
        run(fixture, 5);
    }
    run(fixture, SECOND_MS);
    assert_int_equal(fixture->mints, 1);
    for (size_t i = 0; i < GL_ARRAY_SIZE(askers); i++)
        assert_string_equal(askers[i].token, "ghs_1");
    assert_string_equal(ask(fixture).token, "ghs_1");
    assert_int_equal(fixture->mints, 1);
}

static void scopes_are_apart(void **state)
{
    struct fixture *fixture = *state;
    struct asker one = {0}, two = {0};

    ask_for(fixture, "widgets", &one);
    ask_for(fixture, "gadgets", &two);
    run(fixture, 2 * SECOND_MS);
    assert_string_equal(one.token, "ghs_1");
    assert_string_equal(two.token, "ghs_2");
}

// The token that is there without a wait; "": none.
static const char *look(struct fixture *fixture, const char *name)
{
    static char text[32];
    struct mint_scope mint = mint_of(fixture, name, NULL);
    struct token *token = cache_look(fixture->cache, &fixture->source, &mint);
    struct bytes bytes = token ? secret_bytes(token->value) : BYTES("");

    snprintf(text, sizeof(text), "%.*s", (int)bytes.size, bytes.data);
    return text;
}

static void what_is_there_is_seen_at_a_look(void **state)
{
    struct fixture *fixture = *state;
    struct asker one = {0}, two = {0};

    assert_string_equal(look(fixture, "widgets"), "");
    ask_for(fixture, "widgets", &one);
    ask_for(fixture, "gadgets", &two);
    assert_string_equal(look(fixture, "gadgets"), ""); // under way
    run(fixture, 2 * SECOND_MS);
    for (unsigned i = 0; i < 2; i++) {
        assert_string_equal(look(fixture, "widgets"), "ghs_1");
        assert_string_equal(look(fixture, "widgets"), "ghs_1");
        assert_string_equal(look(fixture, "gadgets"), "ghs_2");
    }
    assert_string_equal(look(fixture, "others"), "");
    assert_int_equal(fixture->mints, 2);
}

// Whatever was seen last.
static void a_look_shows_no_token_of_another_time(void **state)
{
    struct fixture *fixture = *state;
    struct asker asker = ask(fixture);

    assert_string_equal(look(fixture, "widgets"), "ghs_1");
    strncpy(fixture->source.version, "v2", sizeof(fixture->source.version));
    assert_string_equal(look(fixture, "widgets"), "");
    strncpy(fixture->source.version, "v1", sizeof(fixture->source.version));
    assert_string_equal(look(fixture, "widgets"), "ghs_1");
    cache_rejected(fixture->cache, asker.given);
    assert_string_equal(look(fixture, "widgets"), "");
    assert_string_equal(ask(fixture).token, "ghs_2");
    assert_string_equal(look(fixture, "widgets"), "ghs_2");
    run(fixture, HOUR_MS);
    assert_string_equal(look(fixture, "widgets"), "");
}

static void another_secret_is_another_token(void **state)
{
    struct fixture *fixture = *state;

    assert_string_equal(ask(fixture).token, "ghs_1");
    strncpy(fixture->source.version, "v2", sizeof(fixture->source.version));
    assert_string_equal(ask(fixture).token, "ghs_2");
}

static void the_old_secrets_token_does_not_take_the_metric_along(void **state)
{
    struct fixture *fixture = *state;
    const char *const *labels = METRIC_LABELS("app", "acme/widgets contents:read");

    ask(fixture);
    run(fixture, 10 * MINUTE_MS);
    strncpy(fixture->source.version, "v2", sizeof(fixture->source.version));
    for (int minutes = 0; minutes < 120; minutes++) {
        assert_true(*ask(fixture).token);
        assert_true(metrics_value(fixture->metrics, METRIC_TOKEN_EXPIRATION, labels) > 0);
        run(fixture, MINUTE_MS);
    }
}

static void a_token_in_use_is_made_anew_ahead(void **state)
{
    struct fixture *fixture = *state;

    use(fixture, 30 * SECOND_MS, 4 * HOUR_MS);
    // Each lives an hour and is replaced with 8 to 10 minutes left: 50 to 52 minutes apart.
    assert_in_range(fixture->mints, 4 * 60 / 52 + 1, 4 * 60 / 50 + 1);
    for (unsigned i = 1; i < fixture->mints; i++)
        assert_in_range(fixture->minted_at_ms[i] - fixture->minted_at_ms[i - 1], 50 * MINUTE_MS, 53 * MINUTE_MS);
    assert_int_equal(fixture->most_under_way, 1);
}

static void a_token_used_lately_is_made_anew_by_itself(void **state)
{
    struct fixture *fixture = *state;

    ask(fixture);
    run(fixture, 47 * MINUTE_MS);
    assert_string_equal(ask(fixture).token, "ghs_1");
    run(fixture, 6 * MINUTE_MS);
    assert_int_equal(fixture->mints, 2);
    assert_string_equal(ask(fixture).token, "ghs_2");
}

static void an_unused_token_is_let_go(void **state)
{
    struct fixture *fixture = *state;
    const char *const *labels = METRIC_LABELS("app", "acme/widgets contents:read");

    ask(fixture);
    assert_true(metrics_value(fixture->metrics, METRIC_TOKEN_EXPIRATION, labels) > 1764000000);
    run(fixture, 2 * HOUR_MS);
    assert_int_equal(fixture->mints, 1);
    assert_true(metrics_value(fixture->metrics, METRIC_TOKEN_EXPIRATION, labels) == 0);
    struct cache_summary summary;
    cache_summarize(fixture->cache, &fixture->source, &summary);
    assert_int_equal(summary.tokens, 0);
    struct mono due;
    assert_false(loop_next_due(fixture->loop, &due)); // nothing is left that would wake us
}

static void an_outage_is_ridden_out(void **state)
{
    struct fixture *fixture = *state;

    ask(fixture);
    run(fixture, 49 * MINUTE_MS);
    fail_with(fixture, REASON_TOKEN_UNREACHABLE, false, 0);
    fixture->failed_until_ms = fixture->manual.mono_now.ms + 8 * MINUTE_MS;
    use(fixture, 10 * SECOND_MS, 12 * MINUTE_MS);
    // 1, 2, 4 … 60 s between attempts, and one within a minute after the end.
    assert_in_range(fixture->mints, 8, 20);
    assert_string_not_equal(ask(fixture).token, "ghs_1");
}

static void never_with_too_little_life(void **state)
{
    struct fixture *fixture = *state;
    struct asker asker;

    ask(fixture);
    fail_with(fixture, REASON_TOKEN_UNREACHABLE, false, 0);
    run(fixture, 58 * MINUTE_MS);
    asker = ask(fixture);
    assert_string_equal(asker.token, "ghs_1");
    run(fixture, 61 * SECOND_MS);
    asker = ask(fixture);
    assert_string_equal(asker.token, "");
    assert_int_equal(asker.verdict.reason, REASON_TOKEN_UNREACHABLE);
    assert_true(asker.verdict.retry_after_s > 0);
}

static void a_mint_that_stumbles_is_tried_again_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct asker asker = {0};

    fixture->takes_ms = 10;
    fail_with(fixture, REASON_TOKEN_UNREACHABLE, false, 0);
    fixture->failed_until_ms = fixture->manual.mono_now.ms + 300;
    ask_for(fixture, "widgets", &asker);
    run(fixture, SECOND_MS);
    assert_string_equal(asker.token, "ghs_3");
    assert_int_equal(fixture->minted_at_ms[1] - fixture->minted_at_ms[0], 10 + 250 + 1);
    assert_int_equal(fixture->minted_at_ms[2] - fixture->minted_at_ms[1], 10 + 500 + 1);
}

static void a_slow_failure_is_not_waited_for_again(void **state)
{
    struct fixture *fixture = *state;
    struct asker asker;

    fail_with(fixture, REASON_TOKEN_UNREACHABLE, false, 0);
    fixture->failure.slow = true;
    asker = ask(fixture);
    assert_int_equal(asker.verdict.reason, REASON_TOKEN_UNREACHABLE);
    assert_int_equal(fixture->mints, 1);
}

static void a_failure_is_told_until_its_time(void **state)
{
    struct fixture *fixture = *state;
    struct asker asker;

    fail_with(fixture, REASON_RATE_LIMITED, false, 30 * SECOND_MS);
    asker = ask(fixture);
    assert_int_equal(asker.verdict.reason, REASON_RATE_LIMITED);
    assert_string_equal(asker.verdict.sentence, "as told");
    assert_in_range(asker.verdict.retry_after_s, 30, 31);
    fixture->failure.verdict.reason = REASON_NONE;
    run(fixture, 20 * SECOND_MS);
    asker = ask(fixture);
    assert_int_equal(asker.verdict.reason, REASON_RATE_LIMITED);
    assert_in_range(asker.verdict.retry_after_s, 8, 11);
    assert_int_equal(fixture->mints, 1);
    run(fixture, 11 * SECOND_MS);
    assert_string_equal(ask(fixture).token, "ghs_2");
}

static void what_only_people_mend_is_asked_every_five_seconds(void **state)
{
    struct fixture *fixture = *state;

    fail_with(fixture, REASON_SUSPENDED, true, 0);
    for (int i = 0; i < 600; i++) {
        struct asker asker = {0};
        ask_for(fixture, "widgets", &asker);
        run(fixture, SECOND_MS);
    }
    assert_in_range(fixture->mints, 95, 121); // of 600 s
    fixture->failure.verdict.reason = REASON_NONE;
    run(fixture, 5 * SECOND_MS);
    assert_true(*ask(fixture).token);
}

static void a_rejected_token_is_replaced(void **state)
{
    struct fixture *fixture = *state;
    struct asker first = ask(fixture);

    cache_rejected(fixture->cache, first.given);
    struct asker second = ask(fixture);
    assert_string_equal(second.token, "ghs_2");
    // Who still holds the first one does not take the second from others.
    run(fixture, MINUTE_MS);
    cache_rejected(fixture->cache, first.given);
    assert_string_equal(ask(fixture).token, "ghs_2");
}

static void rejections_do_not_make_us_mint_without_end(void **state)
{
    struct fixture *fixture = *state;

    fixture->takes_ms = 10;
    for (int i = 0; i < 100; i++) {
        struct asker asker = ask(fixture);
        cache_rejected(fixture->cache, asker.given);
        run(fixture, 100);
    }
    assert_in_range(fixture->mints, 2, 4); // in 10 s
}

// Asks for another token than the one that is named, and gives what is there or comes within three seconds.
static struct asker ask_another(struct fixture *fixture, const char *rejected)
{
    struct asker asker = {0};

    ask_naming(fixture, "widgets", rejected, &asker);
    run(fixture, 3 * SECOND_MS);
    assert_int_equal(asker.answers, 1);
    return asker;
}

static void who_names_a_rejected_token_waits_for_another(void **state)
{
    struct fixture *fixture = *state;
    struct asker first = ask(fixture), told[2] = {0}, other = {0};

    for (size_t i = 0; i < GL_ARRAY_SIZE(told); i++)
        ask_naming(fixture, "widgets", first.fingerprint, &told[i]);
    ask_for(fixture, "widgets", &other);
    run(fixture, 1);
    // Nobody's word takes a token from others.
    assert_string_equal(other.token, "ghs_1");
    assert_int_equal(told[0].answers + told[1].answers, 0);
    run(fixture, 2 * SECOND_MS);
    assert_string_equal(told[0].token, "ghs_2");
    assert_string_equal(told[1].token, "ghs_2");
    assert_string_equal(ask(fixture).token, "ghs_2");
    // The one that is named is not there any more: that is enough.
    assert_string_equal(ask_another(fixture, first.fingerprint).token, "ghs_2");
    assert_string_equal(ask_another(fixture, "0123456789ab").token, "ghs_2");
    assert_int_equal(fixture->mints, 2);
}

static void the_token_named_as_rejected_serves_while_there_is_no_other(void **state)
{
    struct fixture *fixture = *state;
    struct asker first = ask(fixture);

    fail_with(fixture, REASON_TOKEN_UNREACHABLE, false, 30 * SECOND_MS);
    assert_string_equal(ask_another(fixture, first.fingerprint).token, "ghs_1");
    for (int i = 0; i < 5; i++)
        assert_string_equal(ask_another(fixture, first.fingerprint).token, "ghs_1");
    assert_int_equal(fixture->mints, 2); // GitHub's "not before" is obeyed
    fixture->failure.verdict.reason = REASON_NONE;
    run(fixture, 31 * SECOND_MS);
    assert_string_equal(ask_another(fixture, first.fingerprint).token, "ghs_3");
}

static void naming_rejected_tokens_does_not_make_us_mint_without_end(void **state)
{
    struct fixture *fixture = *state;
    struct asker asker = ask(fixture);

    fixture->takes_ms = 10;
    for (int i = 0; i < 1200; i++)
        asker = ask_another(fixture, asker.fingerprint);
    assert_in_range(fixture->mints, 8, 12); // in an hour
}

static void who_goes_is_not_called(void **state)
{
    struct fixture *fixture = *state;
    struct asker gone = {0}, stays = {0};

    ask_for(fixture, "widgets", &gone);
    ask_for(fixture, "widgets", &stays);
    run(fixture, 500);
    cache_cancel(gone.request);
    run(fixture, SECOND_MS);
    assert_int_equal(gone.answers, 0);
    assert_string_equal(stays.token, "ghs_1");
    // Settled, but not yet told.
    ask_for(fixture, "widgets", &gone);
    cache_cancel(gone.request);
    run(fixture, SECOND_MS);
    assert_int_equal(gone.answers, 0);
}

static void a_mint_that_nobody_waits_for_is_kept(void **state)
{
    struct fixture *fixture = *state;
    struct asker gone = {0};

    ask_for(fixture, "widgets", &gone);
    cache_cancel(gone.request);
    run(fixture, 2 * SECOND_MS);
    assert_string_equal(ask(fixture).token, "ghs_1");
    assert_int_equal(fixture->mints, 1);
}

static void a_clock_that_is_set_gives_no_dead_token(void **state)
{
    struct fixture *fixture = *state;

    ask(fixture);
    // Back: the other clock still counts.
    clock_manual_set_wall(&fixture->manual, (struct wall){fixture->manual.wall_now.ms - 5 * HOUR_MS});
    run(fixture, 30 * MINUTE_MS);
    assert_string_equal(ask(fixture).token, "ghs_1");
    run(fixture, 31 * MINUTE_MS);
    assert_string_equal(ask(fixture).token, "ghs_2");
    // Forward, as after a laptop slept: its other clock stood still.
    clock_manual_set_wall(&fixture->manual, (struct wall){fixture->manual.wall_now.ms + 2 * HOUR_MS});
    assert_string_equal(ask(fixture).token, "ghs_3");
}

static void a_short_token_is_not_made_anew_at_once(void **state)
{
    struct fixture *fixture = *state;

    // A broker's, from the middle of its life.
    fixture->life_ms = 8 * MINUTE_MS;
    use(fixture, SECOND_MS, 20 * MINUTE_MS);
    assert_in_range(fixture->mints, 4, 6);
}

static void one_that_is_too_short_is_not_used(void **state)
{
    struct fixture *fixture = *state;
    struct asker asker;

    fixture->life_ms = 30 * SECOND_MS;
    fixture->takes_ms = 10;
    asker = ask(fixture);
    assert_int_equal(asker.verdict.reason, REASON_TOKEN_SOURCE);
    assert_non_null(strstr(asker.verdict.sentence, "30 s"));
}

static void one_without_an_end_is_kept_while_used(void **state)
{
    struct fixture *fixture = *state;

    fixture->life_ms = INT64_MAX;
    use(fixture, MINUTE_MS, 5 * HOUR_MS);
    assert_int_equal(fixture->mints, 1);
    run(fixture, HOUR_MS);
    struct cache_summary summary;
    cache_summarize(fixture->cache, &fixture->source, &summary);
    assert_int_equal(summary.tokens, 0);
}

static void entries_are_bounded(void **state)
{
    struct fixture *fixture = *state;
    struct cache_summary summary;

    fixture->takes_ms = 0;
    for (int i = 0; i < 5000; i++) {
        struct asker asker = {0};
        char name[32];
        snprintf(name, sizeof(name), "r%d", i);
        ask_for(fixture, name, &asker);
        run(fixture, 1);
    }
    cache_summarize(fixture->cache, &fixture->source, &summary);
    assert_int_equal(summary.tokens, 4096);
    // Those used last are the ones kept.
    struct asker asker = {0};
    ask_for(fixture, "r4999", &asker);
    run(fixture, 1);
    assert_string_equal(asker.token, "ghs_5000");
}

static struct source *same(void *arg, const struct source *old)
{
    struct source *source = arg;

    return strcmp(source->version, old->version) == 0 ? source : NULL;
}

static void a_reload_takes_tokens_over(void **state)
{
    struct fixture *fixture = *state;
    struct source same_key = fixture->source, other_key = fixture->source;
    struct cache *old = fixture->cache;
    const char *const *labels = METRIC_LABELS("app", "acme/widgets contents:read");

    struct asker before = ask(fixture);
    fixture->cache = make_cache(fixture);
    cache_adopt(fixture->cache, old, same, &same_key);
    cache_free(old);
    struct asker after = ask(fixture);
    assert_string_equal(after.token, "ghs_1");
    assert_ptr_equal(after.given, before.given);
    assert_int_equal(fixture->mints, 1);
    assert_true(metrics_value(fixture->metrics, METRIC_TOKEN_EXPIRATION, labels) > 0);

    // Not those of another key.
    old = fixture->cache;
    strncpy(other_key.version, "v2", sizeof(other_key.version));
    fixture->cache = make_cache(fixture);
    cache_adopt(fixture->cache, old, same, &other_key);
    cache_free(old);
    assert_string_equal(ask(fixture).token, "ghs_2");
}

static void what_is_under_way_ends_with_the_cache(void **state)
{
    struct fixture *fixture = *state;
    struct asker asker = {0};

    ask_for(fixture, "widgets", &asker);
    run(fixture, 1);
    cache_cancel(asker.request);
    cache_free(fixture->cache);
    assert_int_equal(fixture->cancelled, 1);
    fixture->cache = make_cache(fixture);
    run(fixture, 5 * SECOND_MS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(many_askers_are_one_mint),
        TEST(scopes_are_apart),
        TEST(what_is_there_is_seen_at_a_look),
        TEST(a_look_shows_no_token_of_another_time),
        TEST(another_secret_is_another_token),
        TEST(the_old_secrets_token_does_not_take_the_metric_along),
        TEST(a_token_in_use_is_made_anew_ahead),
        TEST(a_token_used_lately_is_made_anew_by_itself),
        TEST(an_unused_token_is_let_go),
        TEST(an_outage_is_ridden_out),
        TEST(never_with_too_little_life),
        TEST(a_mint_that_stumbles_is_tried_again_at_once),
        TEST(a_slow_failure_is_not_waited_for_again),
        TEST(a_failure_is_told_until_its_time),
        TEST(what_only_people_mend_is_asked_every_five_seconds),
        TEST(a_rejected_token_is_replaced),
        TEST(who_names_a_rejected_token_waits_for_another),
        TEST(the_token_named_as_rejected_serves_while_there_is_no_other),
        TEST(naming_rejected_tokens_does_not_make_us_mint_without_end),
        TEST(rejections_do_not_make_us_mint_without_end),
        TEST(who_goes_is_not_called),
        TEST(a_mint_that_nobody_waits_for_is_kept),
        TEST(a_clock_that_is_set_gives_no_dead_token),
        TEST(a_short_token_is_not_made_anew_at_once),
        TEST(one_that_is_too_short_is_not_used),
        TEST(one_without_an_end_is_kept_while_used),
        TEST(entries_are_bounded),
        TEST(a_reload_takes_tokens_over),
        TEST(what_is_under_way_ends_with_the_cache),
    };

    return cmocka_run_group_tests_name("cache", tests, NULL, NULL);
}
