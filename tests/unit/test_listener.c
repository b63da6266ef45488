#include "listener.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "cmocka_unit.h"
#include "connect.h"
#include "loop.h"
#include "resolve.h"

// Both ends of one connection.
struct ends {
    struct loop *loop;
    int accepted, connected; // -1: not yet
};

static void stop_when_both(struct ends *ends)
{
    if (ends->accepted >= 0 && ends->connected >= 0)
        loop_stop(ends->loop);
}

static void on_accept(void *arg, int fd, const struct address *peer)
{
    struct ends *ends = arg;

    assert_int_equal(address_kind(peer), ADDRESS_LOOPBACK);
    ends->accepted = fd;
    stop_when_both(ends);
}

static void on_connected(void *arg, int fd, const struct verdict *verdict)
{
    struct ends *ends = arg;

    assert_true(fd >= 0);
    ends->connected = fd;
    stop_when_both(ends);
}

static void assert_ready_for_a_stream(int fd)
{
    int no_delay = 0;
    socklen_t size = sizeof(no_delay);

    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &size), 0);
    assert_true(no_delay);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static void both_ends_are_ready_for_a_stream(void **state)
{
    struct ends ends = {.loop = loop_new(clock_real()), .accepted = -1, .connected = -1};
    struct resolver *resolver;
    struct listener *listener;
    struct connect *connect;
    struct address any;
    struct error error;

    resolver = resolver_new(ends.loop, RESOLVE_FILES_AND_DNS, NULL, &error);
    assert_non_null(resolver);
    assert_true(address_parse(BYTES("127.0.0.1"), 0, &any));
    listener = listener_new(ends.loop, &any, false, on_accept, &ends, &error);
    assert_non_null(listener);
    struct connect_request request = {.host = "127.0.0.1", .port = address_port(listener_address(listener))};
    connect = connect_start(ends.loop, resolver, &request, on_connected, &ends);
    assert_non_null(connect);
    loop_run(ends.loop);
    assert_ready_for_a_stream(ends.accepted);
    assert_ready_for_a_stream(ends.connected);
    close(ends.accepted);
    close(ends.connected);
    listener_free(listener);
    resolver_free(resolver);
    loop_free(ends.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ends_are_ready_for_a_stream),
    };

    return cmocka_run_group_tests_name("listener", tests, NULL, NULL);
}
