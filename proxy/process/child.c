#include "child.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <event2/event.h>

#include "mem.h"
#include "redact.h"
#include "secret.h"
#include "spawner_internal.h"
#include "spawner_process.h"

// The spawner keeps the time. Should it not answer, we do: so much later.
#define GRACE_MS (2 * SECOND_MS)

struct child {
    TAILQ_ENTRY(child) entry;
    struct spawner *spawner;
    uint32_t id;
    size_t command;
    struct secret *input;
    int64_t timeout_ms;
    child_done_fn *done;
    void *arg;
    struct child_list *list; // the spawner's list that it is in; NULL: none, it fails before it is sent
    struct timer overdue;
    struct deferred failure; // pending: `error` is to be given
    struct error error;
};

static void unlink_child(struct child *child)
{
    if (child->list)
        TAILQ_REMOVE(child->list, child, entry);
    timer_stop(&child->overdue);
    deferred_cancel(&child->failure);
}

static void link_child(struct child *child, struct child_list *list)
{
    if (child->list)
        TAILQ_REMOVE(child->list, child, entry);
    TAILQ_INSERT_TAIL(list, child, entry);
    child->list = list;
}

static void free_child(struct child *child)
{
    secret_unref(child->input);
    mem_free(child);
}

static void child_finish(struct child *child, struct secret *output)
{
    unlink_child(child);
    child->done(child->arg, output, output ? NULL : &child->error);
    free_child(child);
}

static bool child_send_request(struct spawner *spawner, const struct spawner_request *request, struct bytes input)
{
    struct iovec parts[] = {
        {(void *)(uintptr_t)request, sizeof(*request)},
        {(void *)(uintptr_t)input.data, input.size},
    };
    struct msghdr whole = {.msg_iov = parts, .msg_iovlen = GL_ARRAY_SIZE(parts)};

    return sendmsg(spawner->socket, &whole, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

void child_send_waiting(struct spawner *spawner)
{
    struct child *child;

    while (spawner->socket >= 0 && spawner->in_flight < SPAWNER_PARALLEL_MAX &&
           (child = TAILQ_FIRST(&spawner->waiting)) != NULL) {
        struct spawner_request request = {
            .kind = SPAWNER_RUN,
            .id = child->id,
            .command = (uint32_t)child->command,
            .timeout_ms = (uint32_t)child->timeout_ms,
        };

        if (!child_send_request(spawner, &request, secret_bytes(child->input))) {
            // That a process ended is reported by the readable event.
            event_add(spawner->writable, NULL);
            return;
        }
        link_child(child, &spawner->running);
        spawner->in_flight++;
    }
}

// Best effort: where the socket is full, the command lives until its own timeout.
static void send_kill(struct child *child)
{
    const struct spawner_request request = {.kind = SPAWNER_KILL, .id = child->id};

    if (child->spawner->socket >= 0 && child->list == &child->spawner->running)
        child_send_request(child->spawner, &request, bytes_of(NULL, 0));
}

static const char *name_of(const struct child *child)
{
    return child->spawner->commands[child->command][0];
}

static void describe(struct child *child, const struct spawner_answer *answer)
{
    const char *name = name_of(child);

    switch ((enum spawner_end)answer->end) {
    case SPAWNER_EXITED:
        error_set(&child->error, "`%s` failed with exit status %d", name, (int)answer->status);
        break;
    case SPAWNER_SIGNALLED:
        error_set(&child->error, "`%s` was ended by signal SIG%s", name, sigabbrev_np(answer->status));
        break;
    case SPAWNER_TIMED_OUT:
        error_set(&child->error, "`%s` did not end within %g s and was killed", name,
                  (double)child->timeout_ms / SECOND_MS);
        break;
    case SPAWNER_TOO_LARGE:
        error_set(&child->error, "`%s` wrote more than %zu KiB and was killed", name, CHILD_OUTPUT_MAX / KIB);
        break;
    case SPAWNER_KILLED:
        error_set(&child->error, "`%s` was killed", name);
        break;
    case SPAWNER_NOT_STARTED:
        error_set(&child->error, "`%s` could not be started: %s", name, strerrordesc_np(answer->status));
        break;
    }
}

// Adds the first line of its stderr, made plain.
static void child_quote(struct child *child, struct bytes said)
{
    struct bytes line, rest;
    char text[CHILD_MESSAGE_MAX + 1];
    char *before;

    bytes_cut(said, '\n', &line, &rest);
    if (line.size == 0 || line.size > CHILD_MESSAGE_MAX)
        return;
    memcpy(text, line.data, line.size);
    for (size_t i = 0; i < line.size; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            text[i] = ' ';
    text[redact(text, line.size)] = '\0';
    before = mem_string(child->error.text);
    error_set(&child->error, "%s: %s", before, text);
    mem_free(before);
}

void child_take_answer(struct spawner *spawner, struct bytes message)
{
    struct spawner_answer answer;
    struct secret *output;
    struct child *child;

    memcpy(&answer, message.data, sizeof(answer));
    message = bytes_skip(message, sizeof(answer));
    assert((uint64_t)answer.output_size + answer.message_size == message.size);
    spawner->in_flight--;
    TAILQ_FOREACH(child, &spawner->running, entry)
        if (child->id == answer.id)
            break;
    if (child && answer.end == SPAWNER_EXITED && answer.status == 0) {
        output = secret_new(bytes_of(message.data, answer.output_size));
        child_finish(child, output);
        secret_unref(output);
    } else if (child) {
        describe(child, &answer);
        child_quote(child, bytes_skip(message, answer.output_size));
        child_finish(child, NULL);
    }
    child_send_waiting(spawner);
}

static void on_child_failure(void *arg)
{
    child_finish(arg, NULL);
}

static void fail_later(struct child *child)
{
    loop_defer(child->spawner->loop, &child->failure);
}

static void fail_without_spawner(struct child *child)
{
    error_set(&child->error, "`%s` cannot be run: the process that runs commands has ended", name_of(child));
    fail_later(child);
}

void child_fail_all(struct spawner *spawner)
{
    struct child *child;

    TAILQ_FOREACH(child, &spawner->running, entry)
        fail_without_spawner(child);
    TAILQ_FOREACH(child, &spawner->waiting, entry)
        fail_without_spawner(child);
}

static void on_overdue(void *arg)
{
    struct child *child = arg;

    send_kill(child);
    error_set(&child->error, "`%s` did not end within %g s", name_of(child), (double)child->timeout_ms / SECOND_MS);
    child_finish(child, NULL);
}

struct child *child_run(struct spawner *spawner, size_t index, struct bytes input, int64_t timeout_ms,
                        child_done_fn *done, void *arg)
{
    struct child *child = mem_alloc_zero(1, sizeof(*child));

    assert(index < spawner->count && timeout_ms > 0 && timeout_ms <= INT32_MAX);
    child->spawner = spawner;
    child->id = ++spawner->last_id;
    child->command = index;
    child->input = secret_new(input.size <= CHILD_INPUT_MAX ? input : bytes_of(NULL, 0));
    child->timeout_ms = timeout_ms;
    child->done = done;
    child->arg = arg;
    timer_init(&child->overdue, spawner->loop, on_overdue, child);
    deferred_init(&child->failure, on_child_failure, child);
    if (input.size > CHILD_INPUT_MAX) {
        error_set(&child->error, "`%s` would be given more than %zu KiB", name_of(child), CHILD_INPUT_MAX / KIB);
        fail_later(child);
    } else if (spawner->socket < 0) {
        fail_without_spawner(child);
    } else {
        timer_start(&child->overdue, timeout_ms + GRACE_MS);
        link_child(child, &spawner->waiting);
        child_send_waiting(spawner);
    }
    return child;
}

void child_cancel(struct child *child)
{
    send_kill(child);
    unlink_child(child);
    free_child(child);
}
