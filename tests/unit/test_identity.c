#include "identity.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "virtual_loop.h"

#include "certs_unit.h"

struct fixture {
    char *directory;
    char *state;
    char *public;
    struct clock_manual clock;
    struct loop *loop;
    struct identity_settings settings;
    const char *root_names[1];
    char *root;
};

static int set_up(void **state)
{
    struct fixture *fixture = mem_alloc_zero(1, sizeof(*fixture));
    struct authority *root = certs_unit_authority();

    fixture->directory = certs_unit_directory();
    fixture->state = mem_format("%s/state", fixture->directory);
    fixture->public = mem_format("%s/public", fixture->directory);
    fixture->root = mem_format("%s/roots.pem", fixture->directory);
    fixture->root_names[0] = fixture->root;
    certs_unit_write(fixture->directory, "roots.pem", authority_pem(root).data);
    authority_free(root);
    clock_manual_init(&fixture->clock, CERTS_UNIT_NOW);
    fixture->loop = loop_new(&fixture->clock.clock);
    fixture->settings = (struct identity_settings){
        .state = fixture->state,
        .publish = fixture->public,
        .roots = {fixture->root_names, 1},
        .hosts = {certs_unit_names, 1},
        .web_hosts = {certs_unit_names, 1},
    };
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    loop_free(fixture->loop);
    certs_unit_remove(fixture->directory);
    mem_free(fixture->state);
    mem_free(fixture->public);
    mem_free(fixture->root);
    mem_free(fixture);
    return 0;
}

static struct identity *start(struct fixture *fixture)
{
    struct error error = {{0}};
    struct identity *identity = identity_new(fixture->loop, &fixture->settings, &error);

    assert_string_equal(error.text, "");
    assert_true(identity_publish(identity, "http://127.0.0.1:3128", &error));
    return identity;
}

static X509 *shown(const struct identity *identity)
{
    return SSL_CTX_get0_certificate(leaf_set_context(identity_leaves(identity), BYTES("github.com")));
}

// What a tool that opens the published ca.pem at this moment says to the leaf that it is shown.
static int client_says(const struct fixture *fixture, const struct identity *identity)
{
    char *pem = certs_unit_read(identity_directory(identity), "ca.pem", NULL);
    int result =
        certs_unit_verify(bytes_of_string(pem), shown(identity), "github.com", NULL, clock_wall(&fixture->clock.clock));

    mem_free(pem);
    return result;
}

static void run_for(struct fixture *fixture, int64_t ms)
{
    virtual_loop_run_for(fixture->loop, &fixture->clock, ms);
}

// The process runs on as if the machine had slept until then.
static void sleep_until_day(struct fixture *fixture, int day)
{
    clock_manual_set_wall(&fixture->clock, certs_unit_later(day * DAY_MS));
    run_for(fixture, 61 * SECOND_MS);
}

static void nothing_is_published_before_the_port_is_known(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    struct identity *identity = identity_new(fixture->loop, &fixture->settings, &error);

    assert_null(certs_unit_read(fixture->public, "ca.pem", NULL));
    assert_true(identity_publish(identity, "http://127.0.0.1:3128", &error));
    assert_int_equal(client_says(fixture, identity), X509_V_OK);
    identity_free(identity);
}

static void leaves_are_renewed_after_five_days(void **state)
{
    struct fixture *fixture = *state;
    struct identity *identity = start(fixture);

    run_for(fixture, 5 * DAY_MS - HOUR_MS);
    assert_int_equal(identity_leaf_expiry(identity).ms, certs_unit_later(7 * DAY_MS).ms);
    run_for(fixture, 2 * HOUR_MS);
    assert_true(identity_leaf_expiry(identity).ms > certs_unit_later(12 * DAY_MS - MINUTE_MS).ms);
    identity_free(identity);
}

static void tools_trust_us_every_day_of_a_year_and_more(void **state)
{
    struct fixture *fixture = *state;
    struct identity *identity = start(fixture);

    for (int day = 0; day < 400; day++) {
        sleep_until_day(fixture, day);
        assert_int_equal(client_says(fixture, identity), X509_V_OK);
    }
    assert_true(identity_ca_expiry(identity).ms > certs_unit_later(400 * DAY_MS).ms);
    identity_free(identity);
}

static void in_memory_alone_it_lives_on_as_well(void **state)
{
    struct fixture *fixture = *state;
    struct identity *identity;

    fixture->settings.state = NULL;
    identity = start(fixture);
    sleep_until_day(fixture, 330);
    run_for(fixture, 10 * DAY_MS);
    assert_int_equal(client_says(fixture, identity), X509_V_OK);
    assert_int_not_equal(access(fixture->state, F_OK), 0);
    identity_free(identity);
}

static void a_tool_that_keeps_the_old_ca_has_a_month(void **state)
{
    struct fixture *fixture = *state;
    struct identity *identity = start(fixture);
    char *old = certs_unit_read(fixture->public, "ca.pem", NULL);

    sleep_until_day(fixture, 334);
    run_for(fixture, 10 * DAY_MS);
    sleep_until_day(fixture, 364);
    assert_true(identity_ca_expiry(identity).ms > certs_unit_later(365 * DAY_MS).ms);
    assert_int_equal(
        certs_unit_verify(bytes_of_string(old), shown(identity), "github.com", NULL, clock_wall(&fixture->clock.clock)),
        X509_V_OK);
    mem_free(old);
    identity_free(identity);
}

// A laptop sleeps: the wall clock goes on, the other stands still.
static void after_a_long_sleep_it_mends_itself_within_a_minute(void **state)
{
    struct fixture *fixture = *state;
    struct identity *identity = start(fixture);

    sleep_until_day(fixture, 400);
    assert_int_equal(client_says(fixture, identity), X509_V_OK);
    identity_free(identity);
}

static void a_clock_set_back_is_followed(void **state)
{
    struct fixture *fixture = *state;
    struct identity *identity = start(fixture);

    sleep_until_day(fixture, -100);
    assert_int_equal(client_says(fixture, identity), X509_V_OK);
    identity_free(identity);
}

static void a_failure_is_tried_again(void **state)
{
    struct fixture *fixture = *state;
    struct identity *identity = start(fixture);
    char *away = mem_format("%s.away", fixture->root);

    assert_int_equal(rename(fixture->root, away), 0); // without the roots, no bundle can be made
    sleep_until_day(fixture, 336);
    assert_int_equal(client_says(fixture, identity), X509_V_OK);
    run_for(fixture, 10 * MINUTE_MS);
    assert_int_equal(identity_ca_expiry(identity).ms, certs_unit_later(365 * DAY_MS).ms);
    assert_int_equal(rename(away, fixture->root), 0);
    run_for(fixture, 11 * MINUTE_MS);
    assert_true(identity_ca_expiry(identity).ms > certs_unit_later(365 * DAY_MS).ms);
    assert_int_equal(client_says(fixture, identity), X509_V_OK);
    mem_free(away);
    identity_free(identity);
}

// Two processes share a port and the state: a tool may meet either at any time.
static void two_processes_renew_to_one_ca(void **state)
{
    struct fixture *fixture = *state;
    struct identity *one, *two;

    fixture->settings.shared = true;
    one = start(fixture);
    two = start(fixture);
    sleep_until_day(fixture, 330);
    for (int day = 0; day < 10; day++) {
        run_for(fixture, DAY_MS);
        assert_int_equal(client_says(fixture, one), X509_V_OK);
        assert_int_equal(client_says(fixture, two), X509_V_OK);
    }
    assert_int_equal(identity_ca_expiry(one).ms, identity_ca_expiry(two).ms);
    identity_free(one);
    identity_free(two);
}

static void what_cannot_be_done_is_said(void **state)
{
    struct fixture *fixture = *state;
    struct error error;

    fixture->settings.publish = fixture->root; // a file
    assert_null(identity_new(fixture->loop, &fixture->settings, &error));
    assert_non_null(strstr(error.text, "roots.pem: "));
    fixture->settings.publish = fixture->public;
    fixture->settings.state = "/proc/nowhere";
    assert_null(identity_new(fixture->loop, &fixture->settings, &error));
    assert_non_null(strstr(error.text, "ca.state: /proc/nowhere: "));
    fixture->settings.state = fixture->public;
    assert_null(identity_new(fixture->loop, &fixture->settings, &error));
    assert_non_null(strstr(error.text, "the CA's key must not be published"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_published_before_the_port_is_known, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leaves_are_renewed_after_five_days, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tools_trust_us_every_day_of_a_year_and_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(in_memory_alone_it_lives_on_as_well, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_tool_that_keeps_the_old_ca_has_a_month, set_up, tear_down),
        cmocka_unit_test_setup_teardown(after_a_long_sleep_it_mends_itself_within_a_minute, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_clock_set_back_is_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failure_is_tried_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_processes_renew_to_one_ca, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_done_is_said, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
