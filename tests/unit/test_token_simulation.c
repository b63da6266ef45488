// Thirty days of 200 scopes with random traffic, in seconds: one mint in twenty fails, GitHub is gone for twenty minutes
// a day, and the clock is set now and then. No request ever carries an expired token, no token is minted that was there or
// on its way, and tokens are minted at most a tenth more often than they must be.
#include "token_fixture.h"

#define SCOPES           200
#define OUTAGE_MS        (20 * MINUTE_MS)
#define REFRESH_EVERY_MS (50 * MINUTE_MS) // an hour's token, made anew with `refresh_before` left

// Whose traffic this is: an agent that fetches all day, people at work, a job now and then.
enum traffic { TRAFFIC_STEADY, TRAFFIC_WORK, TRAFFIC_SPARSE };

struct simulated {
    struct simulation *simulation;
    struct scope scope;
    struct timer next;
    enum traffic traffic;
    // As GitHub sees it.
    int64_t mint_until_ms; // mono: a mint is under way until then
    int64_t ends_ms;       // of its last token, by GitHub's clock
    unsigned step;         // how often the clock was set when it was made
    // Had all been foreseen.
    int64_t least_until_ms; // mono: the token that is needed at least is fresh until then
};

struct simulation {
    struct token_fixture *fixture;
    struct simulated scopes[SCOPES];
    uint64_t random;
    struct timer outage, clock_step;
    bool out;
    int64_t trouble_until_ms; // mono: an outage, or just after
    unsigned steps;

    unsigned requests, served, unserved, unserved_without_reason, expired;
    unsigned attempts, minted, least, needless, listing_mints;
};

static uint64_t next_random(struct simulation *simulation)
{
    // xorshift64 (Marsaglia, 2003): the same traffic in each run.
    simulation->random ^= simulation->random << 13;
    simulation->random ^= simulation->random >> 7;
    simulation->random ^= simulation->random << 17;
    return simulation->random;
}

static int64_t random_below(struct simulation *simulation, int64_t bound)
{
    return (int64_t)(next_random(simulation) % (uint64_t)bound);
}

// Between two requests, `mean_ms` in the mean: the sum of many small chances.
static int64_t random_wait(struct simulation *simulation, int64_t mean_ms)
{
    int64_t wait_ms = 0, part_ms = mean_ms / 8;

    do
        wait_ms += part_ms;
    while (random_below(simulation, 8) != 0);
    return wait_ms - random_below(simulation, part_ms);
}

static int64_t now_ms(const struct simulation *simulation)
{
    return simulation->fixture->manual.mono_now.ms;
}

static void on_token(void *arg, struct token *token, const struct verdict *verdict)
{
    struct simulation *simulation = arg;
    struct fake_github *github = &simulation->fixture->github;
    unsigned number;
    char text[32];

    if (!token) {
        simulation->unserved++;
        simulation->unserved_without_reason += now_ms(simulation) > simulation->trouble_until_ms;
        return;
    }
    struct bytes value = secret_bytes(token->value);
    snprintf(text, sizeof(text), "%.*s", (int)value.size, value.data);
    assert_int_equal(sscanf(text, "ghs_%u", &number), 1);
    simulation->served++;
    simulation->expired += github->token_ends_ms[number] <= fake_github_now(github).ms;
}

static int64_t wait_of(struct simulation *simulation, enum traffic traffic)
{
    int64_t hour = now_ms(simulation) / HOUR_MS % 24;

    switch (traffic) {
    case TRAFFIC_STEADY:
        return random_wait(simulation, 4 * MINUTE_MS);
    case TRAFFIC_WORK:
        return random_wait(simulation, hour >= 8 && hour < 18 ? 8 * MINUTE_MS : 14 * HOUR_MS);
    case TRAFFIC_SPARSE:
        return random_wait(simulation, 90 * MINUTE_MS);
    }
    return HOUR_MS;
}

static void on_request(void *arg)
{
    struct simulated *scope = arg;
    struct simulation *simulation = scope->simulation;

    simulation->requests++;
    if (now_ms(simulation) >= scope->least_until_ms && !simulation->out) {
        simulation->least++;
        scope->least_until_ms = now_ms(simulation) + REFRESH_EVERY_MS;
    }
    struct token_request *request GL_UNUSED =
        token_service_ask(simulation->fixture->service, &scope->scope, on_token, simulation);
    timer_start(&scope->next, wait_of(simulation, scope->traffic));
}

static struct simulation *simulation_of_github;

// Watches each mint, and lets some fail.
static bool watch(struct fake_github *github, struct http_request *request, const struct http_call *call)
{
    struct simulation *simulation = simulation_of_github;
    const char *name = strstr(github->last_body, "many-");
    int64_t github_ms = fake_github_now(github).ms;

    if (simulation->out) {
        request->answer.result = HTTP_UNREACHABLE;
        request->answer.problem = "no route";
        return true;
    }
    if (!strstr(call->url, "/access_tokens") || fake_check_jwt(github, call->bearer))
        return false;
    if (!name) { // the token of the listing
        simulation->listing_mints++;
        return false;
    }
    struct simulated *scope = &simulation->scopes[strtoul(name + 5, NULL, 10)];
    simulation->attempts++;
    // One that is on its way, or that has more left than `refresh_before`, unless the clock was set since.
    if (now_ms(simulation) < scope->mint_until_ms ||
        (github_ms < scope->ends_ms - 10 * MINUTE_MS - SECOND_MS && scope->step == simulation->steps))
        simulation->needless++;
    scope->mint_until_ms = now_ms(simulation) + github->latency_ms;
    if (random_below(simulation, 20) == 0) {
        fake_message(request, 502, "Server Error");
        return true;
    }
    simulation->minted++;
    scope->ends_ms = github_ms + github->life_ms;
    scope->step = simulation->steps;
    return false;
}

static void on_outage(void *arg)
{
    struct simulation *simulation = arg;

    simulation->out = !simulation->out;
    if (simulation->out)
        simulation->trouble_until_ms = now_ms(simulation) + OUTAGE_MS + 2 * MINUTE_MS;
    timer_start(&simulation->outage, simulation->out ? OUTAGE_MS : random_below(simulation, 2 * DAY_MS) + HOUR_MS);
}

static void on_clock_step(void *arg)
{
    static const int64_t steps_ms[] = {120 * SECOND_MS, -120 * SECOND_MS, -120 * SECOND_MS, 120 * SECOND_MS,
                                       -HOUR_MS,        HOUR_MS,          5 * SECOND_MS,    -5 * SECOND_MS};
    struct simulation *simulation = arg;
    struct clock_manual *manual = &simulation->fixture->manual;
    int64_t step_ms = steps_ms[simulation->steps++ % GL_ARRAY_SIZE(steps_ms)];

    clock_manual_set_wall(manual, (struct wall){manual->wall_now.ms + step_ms});
    timer_start(&simulation->clock_step, random_wait(simulation, 3 * DAY_MS));
}

static void start(struct simulation *simulation)
{
    struct token_fixture *fixture = simulation->fixture;

    for (size_t i = 0; i < SCOPES; i++) {
        struct simulated *scope = &simulation->scopes[i];
        char name[32];
        snprintf(name, sizeof(name), "acme/many-%zu", i);
        scope->simulation = simulation;
        scope->scope = token_scope(fixture, name, "contents", i % 2 ? PERMISSION_READ : PERMISSION_WRITE);
        scope->traffic = i % 5 == 0 ? TRAFFIC_STEADY : i % 5 < 3 ? TRAFFIC_WORK : TRAFFIC_SPARSE;
        timer_init(&scope->next, fixture->loop, on_request, scope);
        timer_start(&scope->next, random_below(simulation, HOUR_MS));
    }
    timer_init(&simulation->outage, fixture->loop, on_outage, simulation);
    timer_start(&simulation->outage, 5 * HOUR_MS);
    timer_init(&simulation->clock_step, fixture->loop, on_clock_step, simulation);
    timer_start(&simulation->clock_step, 30 * HOUR_MS);
}

static void stop(struct simulation *simulation)
{
    for (size_t i = 0; i < SCOPES; i++)
        timer_stop(&simulation->scopes[i].next);
    timer_stop(&simulation->outage);
    timer_stop(&simulation->clock_step);
}

static void thirty_days(void **state)
{
    struct token_fixture *fixture = *state;
    struct simulation *simulation = mem_alloc_zero(1, sizeof(*simulation));
    // Under valgrind a day says as much.
    const char *days = getenv("GITLATCH_SIMULATION_DAYS");
    int64_t end_ms = (days ? atoi(days) : 30) * DAY_MS;

    simulation->fixture = fixture;
    simulation->random = 88172645463325252;
    simulation_of_github = simulation;
    fixture->github.many = SCOPES;
    fixture->github.other = watch;
    token_fixture_serve(fixture, &fixture->app, 1);
    start(simulation);
    for (int64_t at_ms = 0; at_ms < end_ms; at_ms += HOUR_MS) {
        token_fixture_run(fixture, HOUR_MS);
        text_clear(&fixture->github.log);
    }
    stop(simulation);
    token_fixture_run(fixture, MINUTE_MS);

    print_message("%u requests, %u without a token (%u with no outage about); %u tokens minted in %u attempts, %u at "
                  "least (%+.1f%%), %u needless\n",
                  simulation->requests, simulation->unserved, simulation->unserved_without_reason, simulation->minted,
                  simulation->attempts, simulation->least, 100.0 * simulation->minted / simulation->least - 100,
                  simulation->needless);
    assert_int_equal(simulation->served + simulation->unserved, simulation->requests);
    assert_int_equal(simulation->expired, 0);
    assert_int_equal(simulation->needless, 0);
    // The token that lists lives for an hour, too.
    assert_true(simulation->listing_mints <= end_ms / REFRESH_EVERY_MS);
    assert_true(simulation->minted * 10 <= simulation->least * 11);
    // Three attempts that fail one after the other: one in 8,000 mints.
    assert_true(simulation->unserved_without_reason * 1000 <= simulation->minted);
    assert_true(simulation->unserved * 100 <= simulation->requests);
    mem_free(simulation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TOKEN_TEST(thirty_days)};

    return cmocka_run_group_tests_name("token_simulation", tests, NULL, NULL);
}
