// Names, against a DNS server of our own; the clock is ours, the sockets are real.
#include "resolve.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <unistd.h>

#include "clock.h"
#include "cmocka_unit.h"
#include "loop.h"
#include "virtual_loop.h"

enum { TYPE_A = 1, TYPE_AAAA = 28 };

// A DNS server that has one answer for every name.
static struct fixture {
    struct clock_manual manual;
    struct loop *loop;
    struct resolver *resolver;
    int descriptor;
    struct event *event;
    char server[32];
    const char *v4[3], *v6[3]; // addresses; NULL ends
    unsigned ttl;
    int code;                 // RCODE; 3: NXDOMAIN
    bool silent;              // does not answer
    const char *only;         // the name that alone exists; NULL: each does
    int swallowed;            // a type of question that is not answered; 0: none
    unsigned char late[1024]; // what was swallowed last
    size_t late_size;
    struct sockaddr_in late_to;
    unsigned questions;
    char asked[256]; // the last name
} fixture;

static size_t put_record(unsigned char *out, int type, const char *address)
{
    unsigned size = type == TYPE_A ? 4 : 16;
    const unsigned char head[] = {0xc0,
                                  12,
                                  0,
                                  (unsigned char)type,
                                  0,
                                  1,
                                  (unsigned char)(fixture.ttl >> 24),
                                  (unsigned char)(fixture.ttl >> 16),
                                  (unsigned char)(fixture.ttl >> 8),
                                  (unsigned char)fixture.ttl,
                                  0,
                                  (unsigned char)size};

    memcpy(out, head, sizeof(head));
    assert_int_equal(inet_pton(type == TYPE_A ? AF_INET : AF_INET6, address, out + sizeof(head)), 1);
    return sizeof(head) + size;
}

// RFC 1035, section 4.1: the question goes back, with our records behind it.
static void on_question(evutil_socket_t descriptor, short what, void *arg)
{
    unsigned char packet[1024];
    struct sockaddr_storage from;
    socklen_t from_size = sizeof(from);
    ssize_t got = recvfrom(descriptor, packet, 512, 0, (struct sockaddr *)&from, &from_size);
    size_t at = 12, asked = 0;

    assert_true(got > 12);
    fixture.questions++;
    while (packet[at]) {
        memcpy(fixture.asked + asked, packet + at + 1, packet[at]);
        asked += packet[at];
        fixture.asked[asked++] = '.';
        at += packet[at] + 1u;
    }
    fixture.asked[asked ? asked - 1 : 0] = '\0';
    int type = packet[at + 2];
    size_t size = at + 5;
    const char **addresses = type == TYPE_A ? fixture.v4 : fixture.v6;
    packet[2] = 0x81;
    int code = fixture.only && strcmp(fixture.only, fixture.asked) != 0 ? 3 : fixture.code;
    packet[3] = (unsigned char)(0x80 | code);
    packet[7] = packet[9] = packet[11] = 0;
    for (size_t i = 0; !code && i < 3 && addresses[i]; i++) {
        packet[7]++;
        size += put_record(packet + size, type, addresses[i]);
    }
    if (type == fixture.swallowed) {
        memcpy(fixture.late, packet, size);
        fixture.late_size = size;
        memcpy(&fixture.late_to, &from, sizeof(fixture.late_to));
    } else if (!fixture.silent) {
        sendto(descriptor, packet, size, 0, (struct sockaddr *)&from, from_size);
    }
}

static int set_up(void **state)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(own);

    memset(&fixture, 0, sizeof(fixture));
    clock_manual_init(&fixture.manual, (struct wall){1764000000000});
    fixture.loop = loop_new(&fixture.manual.clock);
    fixture.descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fixture.descriptor, (struct sockaddr *)&own, sizeof(own)), 0);
    assert_int_equal(getsockname(fixture.descriptor, (struct sockaddr *)&own, &size), 0);
    snprintf(fixture.server, sizeof(fixture.server), "127.0.0.1:%d", ntohs(own.sin_port));
    fixture.event =
        event_new(loop_event_base(fixture.loop), fixture.descriptor, EV_READ | EV_PERSIST, on_question, NULL);
    event_add(fixture.event, NULL);
    fixture.ttl = 60;
    fixture.v4[0] = "192.0.2.1";
    fixture.resolver = resolver_new(fixture.loop, RESOLVE_FILES_AND_DNS, fixture.server, NULL);
    assert_non_null(fixture.resolver);
    return 0;
}

static int tear_down(void **state)
{
    resolver_free(fixture.resolver);
    event_free(fixture.event);
    close(fixture.descriptor);
    loop_free(fixture.loop);
    return 0;
}

// Virtual time passes, and the sockets get what is on its way.
static void run(int64_t ms)
{
    virtual_loop_run_for(fixture.loop, &fixture.manual, ms);
    for (int i = 0; i < 20; i++) {
        event_base_loop(loop_event_base(fixture.loop), EVLOOP_NONBLOCK);
        virtual_loop_run_for(fixture.loop, &fixture.manual, 0);
        usleep(200);
    }
}

struct asker {
    struct resolve_request *request;
    unsigned answers;
    char text[512]; // "192.0.2.1 2001:db8::1"; "": none
    char problem[128];
};

static void on_answer(void *arg, const struct resolve_answer *answer)
{
    struct asker *asker = arg;
    size_t size = 0;

    asker->answers++;
    asker->text[0] = asker->problem[0] = '\0';
    assert_int_equal(answer->count == 0, answer->problem != NULL);
    if (answer->problem)
        snprintf(asker->problem, sizeof(asker->problem), "%s", answer->problem);
    for (size_t i = 0; i < answer->count; i++) {
        char address[INET6_ADDRSTRLEN];
        const union resolve_address *one = &answer->addresses[i];
        bool v6 = one->any.sa_family == AF_INET6;
        assert_non_null(inet_ntop(one->any.sa_family, v6 ? (const void *)&one->v6.sin6_addr : &one->v4.sin_addr,
                                  address, sizeof(address)));
        size += (size_t)snprintf(asker->text + size, sizeof(asker->text) - size, "%s%s", i ? " " : "", address);
    }
}

static struct asker ask(const char *name)
{
    struct asker asker = {0};

    asker.request = resolve_ask(fixture.resolver, name, on_answer, &asker);
    assert_int_equal(asker.answers, 0); // never from inside
    for (int i = 0; i < 100 && !asker.answers; i++)
        run(1);
    assert_int_equal(asker.answers, 1);
    return asker;
}

static void a_name_is_asked_for_once_in_its_time(void **state)
{
    assert_string_equal(ask("github.test.").text, "192.0.2.1");
    assert_int_equal(fixture.questions, 2); // A and AAAA
    ask("github.test.");
    assert_int_equal(fixture.questions, 2);
    assert_string_equal(fixture.asked, "github.test");
}

static void it_is_asked_for_ahead_while_used(void **state)
{
    ask("github.test.");
    fixture.v4[0] = "192.0.2.2";
    run(46 * SECOND_MS);
    assert_int_equal(fixture.questions, 4);
    assert_string_equal(ask("github.test.").text, "192.0.2.2");
    // Not used any more, it is let go in the end.
    for (int i = 0; i < 100; i++)
        run(10 * SECOND_MS);
    unsigned questions = fixture.questions;
    run(HOUR_MS);
    assert_int_equal(fixture.questions, questions);
}

static void times_to_live_are_bounded(void **state)
{
    fixture.ttl = 0;
    ask("short.test.");
    ask("short.test.");
    assert_int_equal(fixture.questions, 2);
    fixture.ttl = 86400;
    ask("long.test.");
    unsigned questions = fixture.questions;
    run(6 * MINUTE_MS);
    assert_true(fixture.questions > questions);
}

static void families_take_turns(void **state)
{
    fixture.v4[0] = "127.0.0.2";
    fixture.v4[1] = "127.0.0.3";
    fixture.v6[0] = "2001:db8::1";
    fixture.v6[1] = "2001:db8::2";
    struct asker asker = ask("dual.test.");
    char families[8] = "";
    char *rest = asker.text, *word;
    while ((word = strsep(&rest, " ")))
        strncat(families, strchr(word, ':') ? "6" : "4", sizeof(families) - 1);
    assert_string_equal(families, "6464");
}

// RFC 8305, section 3: the other family is waited for 50 ms, not until c-ares gives up.
static void a_server_that_swallows_aaaa_costs_50_ms(void **state)
{
    struct asker asker = {0};

    fixture.swallowed = TYPE_AAAA;
    asker.request = resolve_ask(fixture.resolver, "github.test.", on_answer, &asker);
    run(0);
    run(49);
    assert_int_equal(asker.answers, 0);
    run(1);
    assert_int_equal(asker.answers, 1);
    assert_string_equal(asker.text, "192.0.2.1");
    assert_string_equal(ask("github.test.").text, "192.0.2.1");
}

static void a_server_that_swallows_a_does_not_hinder_ipv6(void **state)
{
    fixture.swallowed = TYPE_A;
    fixture.v6[0] = "2001:db8::1";
    struct asker asker = {0};
    asker.request = resolve_ask(fixture.resolver, "github.test.", on_answer, &asker);
    run(0);
    run(50);
    assert_int_equal(asker.answers, 1);
    assert_string_equal(asker.text, "2001:db8::1");
}

static void the_late_family_is_taken_for_the_next(void **state)
{
    fixture.swallowed = TYPE_AAAA;
    fixture.v6[0] = "2001:db8::1";
    assert_string_equal(ask("github.test.").text, "192.0.2.1");
    sendto(fixture.descriptor, fixture.late, fixture.late_size, 0, (struct sockaddr *)&fixture.late_to,
           sizeof(fixture.late_to));
    run(1);
    assert_string_equal(ask("github.test.").text, "2001:db8::1 192.0.2.1");
}

// A pod's resolv.conf has `ndots:5` and three search domains.
static void with_search_list(void)
{
    setenv("LOCALDOMAIN", "ns.svc.cluster.test svc.cluster.test", 1);
    setenv("RES_OPTIONS", "ndots:5", 1);
    resolver_free(fixture.resolver);
    fixture.resolver = resolver_new(fixture.loop, RESOLVE_DNS, fixture.server, NULL);
    unsetenv("LOCALDOMAIN");
    unsetenv("RES_OPTIONS");
    assert_non_null(fixture.resolver);
}

static void an_absolute_name_is_never_searched_for(void **state)
{
    with_search_list();
    assert_string_equal(ask("github.test.").text, "192.0.2.1");
    assert_int_equal(fixture.questions, 2);
    fixture.code = 3;
    assert_string_equal(ask("gone.test.").text, "");
    assert_int_equal(fixture.questions, 4);
    assert_string_equal(fixture.asked, "gone.test");
}

static void a_name_with_a_dot_is_asked_for_as_it_is_first(void **state)
{
    with_search_list();
    assert_string_equal(ask("github.test").text, "192.0.2.1");
    assert_int_equal(fixture.questions, 2);
    fixture.code = 3;
    ask("broker.gitlatch");
    assert_int_equal(fixture.questions, 2 + 2 + 3 * 2);
    assert_string_equal(fixture.asked, "broker.gitlatch");
    fixture.code = 0;
    fixture.only = "broker.gitlatch.svc.cluster.test";
    run(3 * SECOND_MS);
    assert_string_equal(ask("broker.gitlatch").text, "192.0.2.1");
}

static void one_family_is_enough(void **state)
{
    fixture.v4[0] = NULL;
    fixture.v6[0] = "2001:db8::1";
    assert_string_equal(ask("v6.test.").text, "2001:db8::1");
}

static void no_such_name(void **state)
{
    fixture.code = 3;
    struct asker asker = ask("none.test.");
    assert_string_equal(asker.text, "");
    assert_string_equal(asker.problem, "the name does not exist or has no address");
    unsigned questions = fixture.questions;
    ask("none.test.");
    assert_int_equal(fixture.questions, questions);
    fixture.code = 0;
    run(3 * SECOND_MS);
    assert_string_equal(ask("none.test.").text, "192.0.2.1");
}

static void old_addresses_serve_while_dns_fails(void **state)
{
    ask("github.test.");
    fixture.code = 2; // SERVFAIL
    for (int i = 0; i < 30; i++) {
        run(10 * SECOND_MS);
        assert_string_equal(ask("github.test.").text, "192.0.2.1");
    }
    fixture.code = 3; // now it is said that there is none
    run(MINUTE_MS);
    assert_string_equal(ask("github.test.").text, "");
}

static void forgotten_is_asked_again(void **state)
{
    ask("github.test.");
    fixture.v4[0] = "192.0.2.9";
    resolve_forget(fixture.resolver, "github.test.");
    resolve_forget(fixture.resolver, "never.asked");
    assert_string_equal(ask("github.test.").text, "192.0.2.9");
}

static void literals_are_themselves(void **state)
{
    assert_string_equal(ask("192.0.2.77").text, "192.0.2.77");
    assert_string_equal(ask("[2001:db8::7]").text, "2001:db8::7");
    assert_string_equal(ask("2001:db8::7").text, "2001:db8::7");
    assert_int_equal(fixture.questions, 0);
    union resolve_address address;
    assert_false(resolve_literal("1.2.3", &address));
    assert_false(resolve_literal("[::1", &address));
    assert_false(resolve_literal("github.com", &address));
    assert_true(resolve_literal("::1", &address));
    assert_int_equal(resolve_address_size(&address), sizeof(struct sockaddr_in6));
}

static void many_askers_are_one_question(void **state)
{
    struct asker askers[10] = {0};

    for (size_t i = 0; i < 10; i++)
        askers[i].request = resolve_ask(fixture.resolver, "github.test.", on_answer, &askers[i]);
    resolve_cancel(askers[4].request);
    run(1);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(askers[i].answers, i != 4);
    assert_int_equal(fixture.questions, 2);
    // Settled, but not yet told.
    askers[0].request = resolve_ask(fixture.resolver, "github.test.", on_answer, &askers[0]);
    resolve_cancel(askers[0].request);
    run(1);
    assert_int_equal(askers[0].answers, 1);
}

static void it_can_end_while_asked(void **state)
{
    struct asker asker = {0};

    fixture.silent = true;
    asker.request = resolve_ask(fixture.resolver, "silent.test.", on_answer, &asker);
    run(10);
    resolver_free(fixture.resolver);
    assert_int_equal(asker.answers, 0);
    fixture.resolver = resolver_new(fixture.loop, RESOLVE_DNS, fixture.server, NULL);
}

static void the_hosts_file_is_passed_by(void **state)
{
    char host[256];

    assert_int_equal(gethostname(host, sizeof(host)), 0);
    if (strcmp(ask(host).text, "192.0.2.1") == 0)
        skip(); // this machine's hosts file does not name it
    resolver_free(fixture.resolver);
    fixture.resolver = resolver_new(fixture.loop, RESOLVE_DNS, fixture.server, NULL);
    assert_string_equal(ask(host).text, "192.0.2.1");
}

static void servers_that_are_none_are_refused(void **state)
{
    struct error error;

    assert_null(resolver_new(fixture.loop, RESOLVE_DNS, "not a server", &error));
    assert_non_null(strstr(error.text, "not a server"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_name_is_asked_for_once_in_its_time),
        TEST(it_is_asked_for_ahead_while_used),
        TEST(times_to_live_are_bounded),
        TEST(families_take_turns),
        TEST(a_server_that_swallows_aaaa_costs_50_ms),
        TEST(a_server_that_swallows_a_does_not_hinder_ipv6),
        TEST(the_late_family_is_taken_for_the_next),
        TEST(an_absolute_name_is_never_searched_for),
        TEST(a_name_with_a_dot_is_asked_for_as_it_is_first),
        TEST(one_family_is_enough),
        TEST(no_such_name),
        TEST(old_addresses_serve_while_dns_fails),
        TEST(forgotten_is_asked_again),
        TEST(literals_are_themselves),
        TEST(many_askers_are_one_question),
        TEST(it_can_end_while_asked),
        TEST(the_hosts_file_is_passed_by),
        TEST(servers_that_are_none_are_refused),
    };

    return cmocka_run_group_tests_name("resolve", tests, NULL, NULL);
}
