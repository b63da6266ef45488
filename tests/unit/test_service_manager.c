#include "service_manager.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmocka_unit.h"
#include "virtual_loop.h"

// The manager's end: an abstract socket.
static int manager_new(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char name[64];
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    snprintf(name, sizeof(name), "@gitlatch-test-%d", (int)getpid());
    setenv("NOTIFY_SOCKET", name, 1);
    memcpy(address.sun_path + 1, name + 1, strlen(name) - 1);
    assert_int_equal(
        bind(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))), 0);
    return fd;
}

static void assert_hears(int fd, const char *expected)
{
    char text[128];
    ssize_t size = recv(fd, text, sizeof(text) - 1, 0);

    assert_true(size > 0);
    text[size] = '\0';
    assert_string_equal(text, expected);
}

static void assert_hears_nothing(int fd)
{
    char text[128];

    assert_int_equal(recv(fd, text, sizeof(text), 0), -1);
}

static void the_manager_hears_of_each_state(void **state)
{
    struct clock_manual clock;
    struct loop *loop;
    int fd = manager_new();
    char text[128];
    long long usec;
    ssize_t size;

    clock_manual_init(&clock, (struct wall){0});
    loop = loop_new(&clock.clock);
    service_manager_open();
    assert_null(getenv("NOTIFY_SOCKET"));
    assert_hears_nothing(fd);
    service_manager_ready(loop);
    assert_hears(fd, "READY=1");
    service_manager_reloading();
    size = recv(fd, text, sizeof(text) - 1, 0);
    assert_true(size > 0);
    text[size] = '\0';
    assert_int_equal(sscanf(text, "RELOADING=1\nMONOTONIC_USEC=%lld", &usec), 1);
    assert_true(usec > 0);
    service_manager_reloaded();
    assert_hears(fd, "READY=1");
    service_manager_stopping();
    assert_hears(fd, "STOPPING=1");
    virtual_loop_run_for(loop, &clock, 3600 * 1000);
    assert_hears_nothing(fd); // no watchdog was asked for
    service_manager_close();
    loop_free(loop);
    close(fd);
}

static void the_watchdog_is_fed_in_half_its_time(void **state)
{
    struct clock_manual clock;
    struct loop *loop;
    int fd = manager_new();
    char pid[24];

    clock_manual_init(&clock, (struct wall){0});
    loop = loop_new(&clock.clock);
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("WATCHDOG_USEC", "30000000", 1);
    setenv("WATCHDOG_PID", pid, 1);
    service_manager_open();
    assert_null(getenv("WATCHDOG_USEC"));
    assert_null(getenv("WATCHDOG_PID"));
    service_manager_ready(loop);
    assert_hears(fd, "READY=1");
    virtual_loop_run_for(loop, &clock, 14 * 1000);
    assert_hears_nothing(fd);
    virtual_loop_run_for(loop, &clock, 1000);
    assert_hears(fd, "WATCHDOG=1");
    virtual_loop_run_for(loop, &clock, 15 * 1000);
    assert_hears(fd, "WATCHDOG=1");
    service_manager_close();
    virtual_loop_run_for(loop, &clock, 60 * 1000);
    assert_hears_nothing(fd);
    loop_free(loop);
    close(fd);
}

static void another_process_s_watchdog_is_not_fed(void **state)
{
    struct clock_manual clock;
    struct loop *loop;
    int fd = manager_new();

    clock_manual_init(&clock, (struct wall){0});
    loop = loop_new(&clock.clock);
    setenv("WATCHDOG_USEC", "30000000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    service_manager_open();
    service_manager_ready(loop);
    assert_hears(fd, "READY=1");
    virtual_loop_run_for(loop, &clock, 60 * 1000);
    assert_hears_nothing(fd);
    service_manager_close();
    loop_free(loop);
    close(fd);
}

static void without_a_manager_nothing_happens(void **state)
{
    static const char *const names[] = {NULL, "", "relative", "@", "/no/such/socket"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i])
            setenv("NOTIFY_SOCKET", names[i], 1);
        service_manager_open();
        assert_null(getenv("NOTIFY_SOCKET"));
        service_manager_stopping();
        service_manager_close();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_manager_hears_of_each_state),
        cmocka_unit_test(the_watchdog_is_fed_in_half_its_time),
        cmocka_unit_test(another_process_s_watchdog_is_not_fed),
        cmocka_unit_test(without_a_manager_nothing_happens),
    };

    return cmocka_run_group_tests_name("service_manager", tests, NULL, NULL);
}
