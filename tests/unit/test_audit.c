#include "audit.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <jansson.h>
#include <openssl/evp.h>

#include "clock.h"
#include "cmocka_unit.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "push_body.h"
#include "text.h"

// The audit log is a pipe that is read when the test wants it.
struct fixture {
    int saved_out, out;
    struct loop *loop;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    const struct log_options options = {LOG_INFO, LOG_JSON, "stdout"};
    struct error error;
    int ends[2];

    fflush(NULL);
    fixture.saved_out = dup(STDOUT_FILENO);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(dup2(ends[1], STDOUT_FILENO), STDOUT_FILENO);
    close(ends[1]);
    fixture.out = ends[0];
    assert_true(log_init(&options, &error));
    fixture.loop = loop_new(clock_real());
    audit_start(fixture.loop);
    *state = &fixture;
    return 0;
}

static void *stop(void *arg)
{
    assert_true(log_stop(10000));
    dup2(((struct fixture *)arg)->saved_out, STDOUT_FILENO); // the reader comes to the end of the pipe
    return NULL;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    close(fixture->out);
    close(fixture->saved_out);
    loop_free(fixture->loop);
    return 0;
}

// Ends the log and gives all that was written to it.
static struct text read_all(struct fixture *fixture)
{
    struct text all = {0};
    char data[64 * KIB];
    pthread_t thread;
    ssize_t got;

    audit_stop();
    assert_int_equal(pthread_create(&thread, NULL, stop, fixture), 0);
    while ((got = read(fixture->out, data, sizeof(data))) > 0)
        text_append_bytes(&all, bytes_of(data, (size_t)got));
    pthread_join(thread, NULL);
    return all;
}

static void write_refusal(const char *client)
{
    audit_write(&(struct audit_event){.event = "request",
                                      .client = client,
                                      .operation = "push",
                                      .decision = DECISION_DENY,
                                      .reason = REASON_REF_DENIED},
                (struct wall){0});
}

static void write_push(const struct push_commands *push)
{
    size_t room = audit_keep_room(push);

    assert_true(room > 0);
    audit_write(&(struct audit_event){.event = "request",
                                      .client = "10.0.0.9:1",
                                      .operation = "push",
                                      .push = push,
                                      .decision = DECISION_ALLOW,
                                      .room = room},
                (struct wall){0});
}

struct totals {
    uint64_t pushes, refusals, lines;
};

static struct totals count_lines(struct bytes all)
{
    struct totals totals = {0};
    struct bytes line;

    while (bytes_cut(all, '\n', &line, &all)) {
        json_t *event = json_loadb(line.data, line.size, 0, NULL);
        const char *decision = json_string_value(json_object_get(event, "decision"));
        json_int_t repeated = json_integer_value(json_object_get(event, "repeated"));

        assert_non_null(decision);
        totals.lines++;
        if (strcmp(decision, "allow") == 0)
            totals.pushes++;
        else
            totals.refusals += repeated ? (uint64_t)repeated : 1;
        json_decref(event);
    }
    return totals;
}

// Nobody reads the log: it fills.
static void no_push_is_lost_in_a_flood_of_refusals(void **state)
{
    struct fixture *fixture = *state;
    uint64_t lost = log_audit_dropped();
    struct totals totals;
    struct text all;

    for (int i = 0; i < 100000; i++) {
        write_refusal(i % 3 ? "10.0.0.1:1000" : "10.0.0.2:2000");
        if (i % 500 == 0)
            write_push(NULL);
    }
    all = read_all(fixture);
    totals = count_lines(text_bytes(&all));
    text_free(&all);
    assert_int_equal(totals.pushes, 200);
    assert_int_equal(totals.refusals, 100000);
    assert_in_range(totals.lines, 300, 20000);
    assert_int_equal(log_audit_dropped(), lost);
}

// What waits is offered again once there is room, also where nothing else happens.
static void merged_refusals_come_when_there_is_room(void **state)
{
    struct fixture *fixture = *state;
    struct text all = {0};
    char data[64 * KIB];
    struct totals totals;

    for (int i = 0; i < 30000; i++)
        write_refusal("10.0.0.1:1000");
    for (int i = 0; i < 1000 && count_lines(text_bytes(&all)).refusals < 30000; i++) {
        if (poll(&(struct pollfd){.fd = fixture->out, .events = POLLIN}, 1, 10) == 1)
            text_append_bytes(&all, bytes_of(data, (size_t)read(fixture->out, data, sizeof(data))));
        loop_turn(fixture->loop);
    }
    totals = count_lines(text_bytes(&all));
    assert_int_equal(totals.refusals, 30000);
    text_free(&all);
    all = read_all(fixture);
    assert_int_equal(all.size, 0);
    text_free(&all);
}

static void a_write_for_which_there_is_no_room_is_known_before(void **state)
{
    struct fixture *fixture = *state;
    size_t kept = 0, room;
    struct text all;

    while ((room = audit_keep_room(NULL)) > 0)
        kept++;
    assert_in_range(kept, 1024, 4096); // as many writes side by side as there are connections
    for (; kept > 0; kept--)
        audit_write(&(struct audit_event){.event = "request", .decision = DECISION_ALLOW, .room = 4 * KIB},
                    (struct wall){0});
    assert_true(audit_keep_room(NULL) > 0);
    log_audit_give_back(4 * KIB);
    all = read_all(fixture);
    text_free(&all);
}

static struct push_commands *push_of(size_t count)
{
    struct push_commands *push = push_commands_new();
    struct text body = {0};
    struct verdict verdict;
    char ref[64];

    for (size_t i = 0; i < count; i++) {
        snprintf(ref, sizeof(ref), "refs/heads/agent/%06zu-\u00e4", i);
        push_body_add(&body, REF_CREATE, ref, i ? NULL : PUSH_BODY_CAPABILITIES);
    }
    text_append(&body, "0000");
    assert_int_equal(push_body_feed(push, text_bytes(&body), 1 * MIB, &verdict, NULL), PUSH_COMMANDS_DONE);
    text_free(&body);
    return push;
}

static void expect_digest(const struct push_commands *push, size_t from, const char *digest)
{
    struct text lines = {0}, hex = {0};
    unsigned char hash[32];

    for (size_t i = from; i < push_commands_count(push); i++)
        text_format(&lines, PUSH_BODY_ZERO " " PUSH_BODY_TWO " refs/heads/agent/%06zu-\u00e4\n", i);
    assert_true(EVP_Digest(lines.data, lines.size, hash, NULL, EVP_sha256(), NULL));
    for (size_t i = 0; i < sizeof(hash); i++)
        text_format(&hex, "%02x", hash[i]);
    assert_string_equal(digest, text_string(&hex));
    text_free(&lines);
    text_free(&hex);
}

static void a_push_of_many_refs_names_what_fits_and_proves_the_rest(void **state)
{
    struct fixture *fixture = *state;
    struct push_commands *push = push_of(5000);
    struct text all;
    size_t named;
    json_t *event;

    write_push(push);
    all = read_all(fixture);
    assert_in_range(all.size, 200 * KIB, LOG_AUDIT_LINE_MAX);
    event = json_loadb(all.data, all.size, 0, NULL);
    named = json_array_size(json_object_get(event, "refs"));
    assert_in_range(named, 1500, 4999);
    assert_int_equal(json_integer_value(json_object_get(event, "refs_count")), 5000);
    expect_digest(push, named, json_string_value(json_object_get(event, "refs_digest")));
    json_decref(event);
    text_free(&all);
    push_commands_free(push);
}

static void a_push_of_few_refs_names_all(void **state)
{
    struct fixture *fixture = *state;
    struct push_commands *push = push_of(3);
    struct text all;
    json_t *event;

    write_push(push);
    all = read_all(fixture);
    event = json_loadb(all.data, all.size, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(event, "refs")), 3);
    assert_null(json_object_get(event, "refs_count"));
    assert_null(json_object_get(event, "refs_digest"));
    json_decref(event);
    text_free(&all);
    push_commands_free(push);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_push_is_lost_in_a_flood_of_refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(merged_refusals_come_when_there_is_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_write_for_which_there_is_no_room_is_known_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_push_of_many_refs_names_what_fits_and_proves_the_rest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_push_of_few_refs_names_all, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
