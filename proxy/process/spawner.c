#include "spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "log.h"
#include "mem.h"
#include "spawner_internal.h"
#include "spawner_process.h"

static size_t argv_length(char *const *argv)
{
    size_t length = 0;

    while (argv[length])
        length++;
    return length;
}

static char **argv_copy(char *const *argv)
{
    size_t length = argv_length(argv);
    char **copy = mem_alloc_zero(length + 1, sizeof(*copy));

    for (size_t i = 0; i < length; i++)
        copy[i] = mem_string(argv[i]);
    return copy;
}

static bool argv_equal(char *const *a, char *const *b)
{
    while (*a && *b && strcmp(*a, *b) == 0)
        a++, b++;
    return !*a && !*b;
}

// Nothing of gitlatch's is to be found in a command: all descriptors but stdin, stdout, stderr and the socket
// are closed.
static void be_spawner(struct spawner *spawner, int socket) GL_NORETURN;
static void be_spawner(struct spawner *spawner, int socket)
{
    const int place = STDERR_FILENO + 1;
    int fd;

    // A pipe must not come to lie where a command's stdin, stdout or stderr goes.
    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (socket != place)
        dup3(socket, place, O_CLOEXEC);
    close_range((unsigned)place + 1, ~0u, 0);
    spawner_process_run(place, (char *const *const *)spawner->commands, spawner->count);
}

static bool spawner_start(struct spawner *spawner, struct error *ret_error)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return error_set(ret_error, "no socket to run commands through: %s", strerrordesc_np(errno));
    spawner->pid = fork();
    if (spawner->pid == 0)
        be_spawner(spawner, ends[1]);
    close(ends[1]);
    spawner->socket = ends[0];
    if (spawner->pid > 0)
        return true;
    spawner->pid = 0;
    return error_set(ret_error, "no process to run commands: %s", strerrordesc_np(errno));
}

struct spawner *spawner_new(char *const *const *commands, size_t count, struct error *ret_error)
{
    struct spawner *spawner = mem_alloc_zero(1, sizeof(*spawner));

    spawner->socket = -1;
    TAILQ_INIT(&spawner->waiting);
    TAILQ_INIT(&spawner->running);
    spawner->commands = mem_alloc_zero(count, sizeof(*spawner->commands));
    for (; spawner->count < count; spawner->count++)
        spawner->commands[spawner->count] = argv_copy(commands[spawner->count]);
    if (count && !spawner_start(spawner, ret_error)) {
        spawner_free(spawner);
        return NULL;
    }
    return spawner;
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    child_send_waiting(arg);
}

static void on_spawner_readable(evutil_socket_t fd, short what, void *arg)
{
    static char message[SPAWNER_ANSWER_MAX];
    struct spawner *spawner = arg;
    ssize_t size = recv(fd, message, sizeof(message), MSG_DONTWAIT);

    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size >= (ssize_t)sizeof(struct spawner_answer)) {
        child_take_answer(spawner, bytes_of(message, (size_t)size));
        explicit_bzero(message, (size_t)size);
        return;
    }
    log_error("spawner", "the process that runs commands has ended: restart gitlatch");
    event_del(spawner->readable);
    event_del(spawner->writable);
    close(spawner->socket);
    spawner->socket = -1;
    child_fail_all(spawner);
}

void spawner_attach(struct spawner *spawner, struct loop *loop)
{
    struct event_base *base = loop_event_base(loop);

    spawner->loop = loop;
    if (spawner->socket < 0)
        return;
    spawner->readable = event_new(base, spawner->socket, EV_READ | EV_PERSIST, on_spawner_readable, spawner);
    spawner->writable = event_new(base, spawner->socket, EV_WRITE, on_writable, spawner);
    event_add(spawner->readable, NULL);
}

bool spawner_find(const struct spawner *spawner, char *const *argv, size_t *ret_index, struct error *ret_error)
{
    for (size_t i = 0; i < spawner->count; i++)
        if (argv_equal(spawner->commands[i], argv)) {
            *ret_index = i;
            return true;
        }
    return error_set(ret_error, "the command `%s` was not configured like this at start: restart gitlatch", argv[0]);
}

void spawner_free(struct spawner *spawner)
{
    if (!spawner)
        return;
    if (spawner->readable)
        event_free(spawner->readable);
    if (spawner->writable)
        event_free(spawner->writable);
    if (spawner->socket >= 0)
        close(spawner->socket);
    while (spawner->pid && waitpid(spawner->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    for (size_t i = 0; i < spawner->count; i++) {
        for (char **argument = spawner->commands[i]; *argument; argument++)
            mem_free(*argument);
        mem_free(spawner->commands[i]);
    }
    mem_free(spawner->commands);
    mem_free(spawner);
}
