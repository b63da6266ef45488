#include "service_manager.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "loop.h"

// One process has one manager. `socket` -1: none.
static struct {
    int socket;
    int64_t watchdog_ms; // between two datagrams; 0: none is asked for
    struct timer watchdog;
} manager = {.socket = -1};

// A path, or `@` and the name of an abstract socket.
static bool manager_address(const char *name, struct sockaddr_un *ret_address, socklen_t *ret_length)
{
    size_t length = strlen(name);

    if ((name[0] != '/' && name[0] != '@') || length < 2 || length >= sizeof(ret_address->sun_path))
        return false;
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret_address->sun_path, name, length);
    if (name[0] == '@')
        ret_address->sun_path[0] = '\0';
    *ret_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return true;
}

// Half of what the manager waits at most, as sd_watchdog_enabled(3) advises.
static int64_t watchdog_period_ms(void)
{
    const char *period = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    int64_t ms;

    if (!period || (pid && strtoll(pid, NULL, 10) != getpid()))
        return 0;
    ms = strtoll(period, NULL, 10) / 2000;
    return ms > 0 ? ms : 0;
}

static void notify(const char *state)
{
    // A manager that takes nothing must not stop what serves clients.
    if (manager.socket >= 0 && send(manager.socket, state, strlen(state), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        log_warn("service", "the service manager did not take %.20s: %s", state, strerrordesc_np(errno));
}

void service_manager_open(void)
{
    const char *name = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;
    socklen_t length;

    if (name && manager_address(name, &address, &length)) {
        manager.socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (manager.socket >= 0 && connect(manager.socket, (const struct sockaddr *)&address, length) < 0) {
            close(manager.socket);
            manager.socket = -1;
        }
        manager.watchdog_ms = watchdog_period_ms();
    }
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

static void on_watchdog(void *arg)
{
    notify("WATCHDOG=1");
    timer_start(&manager.watchdog, manager.watchdog_ms);
}

void service_manager_ready(struct loop *loop)
{
    notify("READY=1");
    if (manager.socket < 0 || manager.watchdog_ms == 0)
        return;
    timer_init(&manager.watchdog, loop, on_watchdog, NULL);
    timer_start(&manager.watchdog, manager.watchdog_ms);
}

void service_manager_reloading(void)
{
    char state[64];
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    // Without the time a manager of Type=notify-reload would take it for an earlier reload.
    snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
             (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    notify(state);
}

void service_manager_reloaded(void)
{
    notify("READY=1");
}

void service_manager_stopping(void)
{
    notify("STOPPING=1");
}

void service_manager_close(void)
{
    timer_stop(&manager.watchdog);
    if (manager.socket >= 0)
        close(manager.socket);
    manager.socket = -1;
    manager.watchdog_ms = 0;
}
