#include "probe.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

// "HTTP/1.1 200 ", of which all is known once it is there.
#define STATUS_LINE_SIZE 13

struct probe {
    int socket;
    struct mono deadline;
    char address[ADDRESS_TEXT_SIZE];
    struct error *error;
};

static bool probe_fail(struct probe *probe, const char *what, int number)
{
    return error_set(probe->error, "%s: %s: %s", probe->address, what, strerror(number));
}

static bool wait_for(struct probe *probe, short events)
{
    struct pollfd wanted = {.fd = probe->socket, .events = events};
    int64_t left = probe->deadline.ms - clock_mono(clock_real()).ms;
    int count = left > 0 ? poll(&wanted, 1, (int)left) : 0;

    if (count > 0)
        return true;
    return count == 0 ? probe_fail(probe, "no answer", ETIMEDOUT) : probe_fail(probe, "no answer", errno);
}

static bool probe_connect_to(struct probe *probe, const struct address *address)
{
    socklen_t size = sizeof(int);
    int problem = 0;

    if (connect(probe->socket, &address->any, address->length) == 0)
        return true;
    if (errno != EINPROGRESS)
        return probe_fail(probe, "cannot be reached", errno);
    if (!wait_for(probe, POLLOUT))
        return false;
    if (getsockopt(probe->socket, SOL_SOCKET, SO_ERROR, &problem, &size) != 0)
        problem = errno;
    return problem == 0 || probe_fail(probe, "cannot be reached", problem);
}

// The request is far smaller than a fresh socket's buffer, so it goes at once or not at all.
static bool probe_send_request(struct probe *probe, const char *path)
{
    char request[256];
    int size = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path,
                        probe->address);

    return send(probe->socket, request, (size_t)size, MSG_NOSIGNAL) == size ||
           probe_fail(probe, "cannot be asked", errno);
}

static bool probe_read_status(struct probe *probe, int *ret_status)
{
    char line[STATUS_LINE_SIZE + 1] = "";
    size_t size = 0;

    while (size < STATUS_LINE_SIZE) {
        ssize_t count;

        if (!wait_for(probe, POLLIN))
            return false;
        count = recv(probe->socket, line + size, STATUS_LINE_SIZE - size, 0);
        if (count < 0 && errno != EAGAIN && errno != EINTR)
            return probe_fail(probe, "no answer", errno);
        if (count == 0)
            break;
        size += count > 0 ? (size_t)count : 0;
    }
    if (strncmp(line, "HTTP/1.1 ", 9) != 0 || strspn(line + 9, "0123456789") != 3)
        return error_set(probe->error, "%s: what answers there is not gitlatch", probe->address);
    *ret_status = atoi(line + 9);
    return true;
}

bool probe_get(const struct address *address, const char *path, int64_t timeout_ms, int *ret_status,
               struct error *ret_error)
{
    struct probe probe = {.error = ret_error, .deadline = {clock_mono(clock_real()).ms + timeout_ms}};
    bool ok;

    address_format(address, probe.address);
    probe.socket = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe.socket < 0)
        return probe_fail(&probe, "no socket", errno);
    ok = probe_connect_to(&probe, address) && probe_send_request(&probe, path) && probe_read_status(&probe, ret_status);
    close(probe.socket);
    return ok;
}
