#include "inherited_socket.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "cmocka_unit.h"
#include "listener.h"
#include "loop.h"

// Opens a listening socket as descriptor `fd`, as a service manager does.
static struct address open_as(int fd)
{
    struct address address;
    int made = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(made >= 0);
    assert_true(address_parse(BYTES("127.0.0.1"), 0, &address));
    assert_int_equal(bind(made, &address.any, address.length), 0);
    assert_int_equal(listen(made, 1), 0);
    assert_int_equal(getsockname(made, &address.any, &address.length), 0);
    if (made != fd) {
        assert_int_equal(dup2(made, fd), fd);
        close(made);
    }
    return address;
}

static void announce(long pid, const char *count)
{
    char text[24];

    snprintf(text, sizeof(text), "%ld", pid);
    setenv("LISTEN_PID", text, 1);
    setenv("LISTEN_FDS", count, 1);
    setenv("LISTEN_FDNAMES", "proxy", 1);
    inherited_sockets_receive();
    assert_null(getenv("LISTEN_PID"));
    assert_null(getenv("LISTEN_FDS"));
    assert_null(getenv("LISTEN_FDNAMES"));
}

static void a_socket_is_taken_once_by_its_address(void **state)
{
    struct address address = open_as(3), other = address;

    announce(getpid(), "1");
    address_set_port(&other, (uint16_t)(address_port(&address) ^ 1));
    assert_int_equal(inherited_socket_take(&other), -1);
    assert_int_equal(inherited_socket_take(&address), 3);
    assert_true(fcntl(3, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(3, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(inherited_socket_take(&address), -1);
    inherited_sockets_close();
    assert_true(fcntl(3, F_GETFD) >= 0); // its new owner's
    close(3);
}

static void what_nobody_takes_is_closed(void **state)
{
    open_as(3);
    announce(getpid(), "1");
    inherited_sockets_close();
    assert_int_equal(fcntl(3, F_GETFD), -1);
}

static void another_process_s_sockets_are_left_alone(void **state)
{
    struct address address = open_as(3);

    announce((long)getpid() + 1, "1");
    assert_int_equal(inherited_socket_take(&address), -1);
    announce(getpid(), "1x");
    assert_int_equal(inherited_socket_take(&address), -1);
    inherited_sockets_close();
    assert_int_equal(close(3), 0);
}

static void what_does_not_listen_is_not_taken(void **state)
{
    int made = socket(AF_INET, SOCK_DGRAM, 0);
    struct address address;

    assert_int_equal(made, 3);
    assert_true(address_parse(BYTES("127.0.0.1"), 0, &address));
    assert_int_equal(bind(made, &address.any, address.length), 0);
    assert_int_equal(getsockname(made, &address.any, &address.length), 0);
    announce(getpid(), "1");
    assert_int_equal(inherited_socket_take(&address), -1);
    inherited_sockets_close();
    close(made);
}

static void on_nobody(void *arg, int fd, const struct address *peer)
{
    close(fd);
}

// The port is in use: only with the manager's own socket can a listener be there.
static void a_listener_uses_the_socket(void **state)
{
    struct address address = open_as(3);
    struct listener *listener;
    struct loop *loop;
    struct error error;

    announce(getpid(), "1");
    loop = loop_new(clock_real());
    listener = listener_new(loop, &address, false, on_nobody, NULL, &error);
    assert_non_null(listener);
    assert_int_equal(address_port(listener_address(listener)), address_port(&address));
    listener_free(listener);
    loop_free(loop);
    assert_int_equal(fcntl(3, F_GETFD), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_is_taken_once_by_its_address),
        cmocka_unit_test(what_nobody_takes_is_closed),
        cmocka_unit_test(another_process_s_sockets_are_left_alone),
        cmocka_unit_test(what_does_not_listen_is_not_taken),
        cmocka_unit_test(a_listener_uses_the_socket),
    };

    // The test runner may leave descriptors open where the manager's begin.
    close(3);
    return cmocka_run_group_tests_name("inherited_socket", tests, NULL, NULL);
}
