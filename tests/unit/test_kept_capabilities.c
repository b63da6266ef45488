// What is kept, for whom, how long and how many.
#include "kept_capabilities.h"

#include <stdio.h>

#include <gitlatch/github_host.h>

#include "clock.h"
#include "cmocka_unit.h"
#include "loop.h"
#include "operation.h"
#include "virtual_loop.h"

static struct fixture {
    struct clock_manual manual;
    struct loop *loop;
    struct kept_capabilities *kept;
    struct github_host dotcom, server;
} fixture;

static int set_up(void **state)
{
    static char dotcom[] = "github.com", server[] = "ghe.test";

    clock_manual_init(&fixture.manual, (struct wall){1700000000000});
    fixture.loop = loop_new(&fixture.manual.clock);
    fixture.kept = kept_capabilities_new(fixture.loop, 5 * MINUTE_MS);
    fixture.dotcom = (struct github_host){.git.web = dotcom};
    fixture.server = (struct github_host){.git.web = server};
    return 0;
}

static int tear_down(void **state)
{
    kept_capabilities_free(fixture.kept);
    loop_free(fixture.loop);
    return 0;
}

static struct operation operation(const char *name)
{
    struct operation operation = {.host = &fixture.dotcom.git};

    snprintf(operation.repository.owner, sizeof(operation.repository.owner), "acme");
    snprintf(operation.repository.name, sizeof(operation.repository.name), "%s", name);
    return operation;
}

static struct kept_question question(const struct operation *operation)
{
    return (struct kept_question){operation, false, BYTES("version=2")};
}

static void put(const char *name, const char *body)
{
    struct operation of = operation(name);
    struct kept_question asked = question(&of);

    kept_capabilities_put(fixture.kept, &asked, bytes_of_string(body));
}

static bool is_kept(const struct kept_question *asked, const char *body)
{
    return bytes_equal(kept_capabilities_find(fixture.kept, asked), bytes_of_string(body));
}

static bool holds(const char *name, const char *body)
{
    struct operation of = operation(name);
    struct kept_question asked = question(&of);

    return is_kept(&asked, body);
}

static void test_each_question_has_its_own(void **state)
{
    struct operation of = operation("widgets"), other = of;
    struct kept_question asked = question(&of), another;

    put("widgets", "one");
    assert_true(is_kept(&asked, "one"));
    assert_true(holds("widget", ""));
    another = asked;
    another.anonymous = true;
    assert_true(is_kept(&another, ""));
    another = asked;
    another.git_protocol = BYTES("version=2:x");
    assert_true(is_kept(&another, ""));
    another = question(&other);
    other.wiki = true;
    assert_true(is_kept(&another, ""));
    other = of;
    other.host = &fixture.server.git;
    assert_true(is_kept(&another, ""));
    other = of;
    other.repository.owner[0] = 'b';
    assert_true(is_kept(&another, ""));
    put("widgets", "two");
    assert_true(is_kept(&asked, "two"));
}

static void test_its_time_ends(void **state)
{
    put("widgets", "one");
    virtual_loop_run_for(fixture.loop, &fixture.manual, 5 * MINUTE_MS - 1);
    assert_true(holds("widgets", "one"));
    virtual_loop_run_for(fixture.loop, &fixture.manual, 1);
    assert_true(holds("widgets", "")); // being used does not make it last
    put("widgets", "two");
    virtual_loop_run_for(fixture.loop, &fixture.manual, 4 * MINUTE_MS);
    put("widgets", "three");
    virtual_loop_run_for(fixture.loop, &fixture.manual, 4 * MINUTE_MS);
    assert_true(holds("widgets", "three"));
}

static void test_a_repository_is_let_go(void **state)
{
    struct operation of = operation("widgets"), wiki = of;
    struct kept_question asked = question(&wiki);

    wiki.wiki = true;
    put("widgets", "one");
    kept_capabilities_put(fixture.kept, &asked, BYTES("two"));
    asked.anonymous = true;
    kept_capabilities_put(fixture.kept, &asked, BYTES("three"));
    put("widgets2", "other");
    kept_capabilities_drop(fixture.kept, &of);
    assert_true(holds("widgets", ""));
    assert_true(is_kept(&asked, ""));
    asked.anonymous = false;
    assert_true(is_kept(&asked, ""));
    assert_true(holds("widgets2", "other"));
}

static void test_the_one_used_longest_ago_makes_room(void **state)
{
    char name[16];

    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof(name), "r%d", i);
        put(name, name);
        assert_true(holds("r0", "r0"));
    }
    for (int i = 1; i < 300; i++) {
        snprintf(name, sizeof(name), "r%d", i);
        assert_true(holds(name, i < 45 ? "" : name)); // 256: r0, and the last 255
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_question_has_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_its_time_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_repository_is_let_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_one_used_longest_ago_makes_room, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
