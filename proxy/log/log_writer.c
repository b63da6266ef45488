#include "log_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"
#include "torn_line.h"

// Lines of one sink are written together up to this size: one system call for many lines when they come fast.
#define BATCH_SIZE         (64 * KIB)
#define REPORT_INTERVAL_MS (10 * SECOND_MS)
// After a write the thread sleeps for so long whatever is put: a line that comes alone is written at once, and of lines that
// come fast many are written together. To wake a thread costs more than all else that is done for a line.
#define PACE_MS 5
// A ring that is so full is not left to wait.
#define FULL_SIZE (LOG_RING_SIZE / 16)
// How long a sink that others made non-blocking may take before the deadline of a stop is looked at again.
#define SINK_POLL_MS 100

struct sink {
    int fd;    // -1: lines go nowhere
    bool torn; // the last line was written in part: the next begins with a line end
};

struct log_writer {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;    // something was put, or is to be done
    pthread_cond_t stopped; // the thread is about to end
    log_writer_report_fn *report;

    // Under the mutex.
    struct log_ring ring;
    bool waiting; // the thread is asleep until something is put
    bool stop;
    bool ended;
    bool abandoned; // log_writer_free gave up waiting: the thread frees everything
    bool reopen;
    int new_audit_fd;
    bool has_new_audit;
    char *audit_path;

    // The thread's own.
    struct sink sinks[LOG_SINK_COUNT];
    char *batch;
    size_t batch_capacity;
    uint64_t reported[LOG_SINK_COUNT];
    struct mono last_report;
    bool has_reported;
    int reopen_errno;
};

static _Atomic uint64_t lost[LOG_SINK_COUNT];

uint64_t log_writer_lost(enum log_sink sink)
{
    return atomic_load_explicit(&lost[sink], memory_order_relaxed);
}

void log_writer_lose(enum log_sink sink, uint64_t lines)
{
    atomic_fetch_add_explicit(&lost[sink], lines, memory_order_relaxed);
}

// O_NONBLOCK: a FIFO that nobody reads fails here, and later waits in poll, where a stop is noticed.
int log_writer_open(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
}

static void close_audit(int fd)
{
    if (fd > STDERR_FILENO)
        close(fd);
}

bool log_writer_keep(struct log_writer *writer, size_t size)
{
    bool keeps;

    pthread_mutex_lock(&writer->mutex);
    keeps = log_ring_keep(&writer->ring, size);
    pthread_mutex_unlock(&writer->mutex);
    return keeps;
}

void log_writer_give_back(struct log_writer *writer, size_t size)
{
    pthread_mutex_lock(&writer->mutex);
    log_ring_give_back(&writer->ring, size);
    pthread_mutex_unlock(&writer->mutex);
}

bool log_writer_put(struct log_writer *writer, enum log_sink sink, enum log_share share, size_t kept, struct bytes line)
{
    bool fits, wake;
    size_t before;

    pthread_mutex_lock(&writer->mutex);
    before = log_ring_used(&writer->ring);
    if (kept > 0)
        log_ring_give_back(&writer->ring, kept);
    fits = log_ring_put(&writer->ring, sink, share, line);
    wake = writer->waiting || (before < FULL_SIZE && log_ring_used(&writer->ring) >= FULL_SIZE);
    writer->waiting = false;
    pthread_mutex_unlock(&writer->mutex);
    if (wake)
        pthread_cond_signal(&writer->wake);
    return fits;
}

// Takes lines of one sink, as many as make a batch, and at least `next`, which is there. The mutex is held.
static size_t take_batch(struct log_writer *writer, struct log_ring_line next)
{
    enum log_sink sink = next.sink;
    size_t size = 0;

    do {
        writer->batch = mem_grow(writer->batch, &writer->batch_capacity, size + next.size, 1);
        log_ring_take(&writer->ring, writer->batch + size);
        size += next.size;
    } while (log_ring_next(&writer->ring, &next) && next.sink == sink && size + next.size <= BATCH_SIZE);
    return size;
}

static bool is_abandoned(struct log_writer *writer)
{
    bool abandoned;

    pthread_mutex_lock(&writer->mutex);
    abandoned = writer->abandoned;
    pthread_mutex_unlock(&writer->mutex);
    return abandoned;
}

// Gives what was written: less than `size` where the sink failed.
static size_t write_fully(struct log_writer *writer, int fd, const char *data, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t written = write(fd, data + done, size - done);

        if (written >= 0) {
            done += (size_t)written;
        } else if (errno == EAGAIN) {
            // Somebody else made a shared stdout non-blocking: here, and only here, it may be waited for.
            poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, SINK_POLL_MS);
            if (is_abandoned(writer))
                break;
        } else if (errno != EINTR) {
            break;
        }
    }
    return done;
}

static uint64_t count_lines(const char *data, size_t size)
{
    uint64_t lines = 0;

    for (const char *end = data; (end = memchr(end, '\n', size - (size_t)(end - data))) != NULL; end++)
        lines++;
    return lines;
}

static void write_batch(struct log_writer *writer, enum log_sink which, size_t size)
{
    struct sink *sink = &writer->sinks[which];
    size_t done;

    if (sink->fd < 0)
        return;
    // The last line was cut: the next one must not be glued to it.
    if (sink->torn && write_fully(writer, sink->fd, "\n", 1) == 1)
        sink->torn = false;
    done = sink->torn ? 0 : write_fully(writer, sink->fd, writer->batch, size);
    if (done < size) {
        log_writer_lose(which, count_lines(writer->batch + done, size - done));
        size_t torn = torn_line_size(writer->batch, done);
        sink->torn = sink->torn || (torn > 0 && !torn_line_cut(sink->fd, torn));
    }
}

static void take_audit(struct log_writer *writer, int fd)
{
    close_audit(writer->sinks[LOG_SINK_AUDIT].fd);
    writer->sinks[LOG_SINK_AUDIT] = (struct sink){.fd = fd, .torn = torn_line_at_end(fd)};
}

// What the owner asked for since: another audit sink, or the same file anew. The mutex is held, and let go
// meanwhile: a disk may be slow to open and to close.
static void take_orders(struct log_writer *writer)
{
    bool has_new = writer->has_new_audit;
    int fd = has_new ? writer->new_audit_fd : -1;
    char *path = writer->reopen && !has_new ? mem_string(writer->audit_path) : NULL;

    writer->has_new_audit = writer->reopen = false;
    if (!has_new && !path)
        return;
    pthread_mutex_unlock(&writer->mutex);
    if (path) {
        fd = log_writer_open(path);
        writer->reopen_errno = fd < 0 ? errno : 0;
        mem_free(path);
    }
    if (has_new || fd >= 0)
        take_audit(writer, fd);
    pthread_mutex_lock(&writer->mutex);
}

static void log_writer_report(struct log_writer *writer, bool last)
{
    struct mono now = clock_mono(clock_real());
    uint64_t news[LOG_SINK_COUNT], sum = 0;

    for (size_t i = 0; i < LOG_SINK_COUNT; i++) {
        news[i] = log_writer_lost((enum log_sink)i) - writer->reported[i];
        sum += news[i];
    }
    if (sum == 0 && writer->reopen_errno == 0)
        return;
    if (!last && writer->has_reported && now.ms - writer->last_report.ms < REPORT_INTERVAL_MS)
        return;
    writer->report(news, writer->reopen_errno);
    for (size_t i = 0; i < LOG_SINK_COUNT; i++)
        writer->reported[i] += news[i];
    writer->reopen_errno = 0;
    writer->has_reported = true;
    writer->last_report = now;
}

static void dispose(struct log_writer *writer)
{
    if (writer->has_new_audit)
        close_audit(writer->new_audit_fd);
    close_audit(writer->sinks[LOG_SINK_AUDIT].fd);
    pthread_cond_destroy(&writer->wake);
    pthread_cond_destroy(&writer->stopped);
    pthread_mutex_destroy(&writer->mutex);
    log_ring_clear(&writer->ring);
    mem_free(writer->batch);
    mem_free(writer->audit_path);
    mem_free(writer);
}

static struct timespec monotonic_in(int64_t ms)
{
    int64_t until = clock_mono(clock_real()).ms + ms;

    return (struct timespec){.tv_sec = until / SECOND_MS, .tv_nsec = until % SECOND_MS * 1000000};
}

// Lets lines gather. An order, a stop and a ring that fills end the pause. The mutex is held.
static void pace(struct log_writer *writer)
{
    struct timespec until = monotonic_in(PACE_MS);

    pthread_cond_timedwait(&writer->wake, &writer->mutex, &until);
}

static void *run(void *arg)
{
    struct log_writer *writer = arg;
    struct log_ring_line next;
    bool abandoned, wrote = false;

    pthread_mutex_lock(&writer->mutex);
    while (!writer->abandoned) {
        take_orders(writer);
        if (log_ring_next(&writer->ring, &next)) {
            size_t size = take_batch(writer, next);

            pthread_mutex_unlock(&writer->mutex);
            write_batch(writer, next.sink, size);
            log_writer_report(writer, false);
            pthread_mutex_lock(&writer->mutex);
            wrote = true;
        } else if (writer->stop) {
            break;
        } else if (wrote) {
            wrote = false;
            pace(writer);
        } else {
            writer->waiting = true;
            pthread_cond_wait(&writer->wake, &writer->mutex);
            writer->waiting = false;
        }
    }
    // Not under the mutex: stderr may be what hangs.
    pthread_mutex_unlock(&writer->mutex);
    log_writer_report(writer, true);
    pthread_mutex_lock(&writer->mutex);
    abandoned = writer->abandoned;
    writer->ended = true;
    pthread_cond_signal(&writer->stopped);
    pthread_mutex_unlock(&writer->mutex);
    if (abandoned)
        dispose(writer);
    return NULL;
}

struct log_writer *log_writer_new(int audit_fd, const char *audit_path, log_writer_report_fn *report_fn)
{
    struct log_writer *writer = mem_alloc_zero(1, sizeof(*writer));
    pthread_condattr_t monotonic;
    sigset_t all, before;
    int failed;

    log_ring_init(&writer->ring);
    writer->report = report_fn;
    writer->audit_path = mem_string(audit_path);
    writer->sinks[LOG_SINK_ERROR].fd = STDERR_FILENO;
    writer->sinks[LOG_SINK_AUDIT] = (struct sink){.fd = audit_fd, .torn = torn_line_at_end(audit_fd)};
    for (size_t i = 0; i < LOG_SINK_COUNT; i++)
        writer->reported[i] = log_writer_lost((enum log_sink)i);
    pthread_mutex_init(&writer->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&writer->wake, &monotonic);
    pthread_cond_init(&writer->stopped, &monotonic);
    pthread_condattr_destroy(&monotonic);
    // Signals are for the loop's thread; and a SIGPIPE of a sink that went is not to end the process.
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&writer->thread, NULL, run, writer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        writer->sinks[LOG_SINK_AUDIT].fd = -1; // stays the caller's
        dispose(writer);
        return NULL;
    }
    return writer;
}

void log_writer_set_audit(struct log_writer *writer, int audit_fd, const char *audit_path)
{
    pthread_mutex_lock(&writer->mutex);
    if (writer->has_new_audit)
        close_audit(writer->new_audit_fd);
    writer->new_audit_fd = audit_fd;
    writer->has_new_audit = true;
    mem_free(writer->audit_path);
    writer->audit_path = mem_string(audit_path);
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->mutex);
}

void log_writer_reopen(struct log_writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    writer->reopen = true;
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->mutex);
}

// Counts what is still in the ring. The mutex is held.
static void lose_rest(struct log_writer *writer)
{
    struct log_ring_line line;

    while (log_ring_next(&writer->ring, &line)) {
        log_ring_drop(&writer->ring);
        log_writer_lose(line.sink, 1);
    }
}

bool log_writer_free(struct log_writer *writer, int64_t limit_ms)
{
    struct timespec until = monotonic_in(limit_ms);
    bool ended;

    pthread_mutex_lock(&writer->mutex);
    writer->stop = true;
    pthread_cond_signal(&writer->wake);
    while (!writer->ended && pthread_cond_timedwait(&writer->stopped, &writer->mutex, &until) == 0)
        ;
    ended = writer->ended;
    if (!ended) {
        lose_rest(writer);
        writer->abandoned = true;
        pthread_detach(writer->thread);
    }
    pthread_mutex_unlock(&writer->mutex);
    if (ended) {
        pthread_join(writer->thread, NULL);
        dispose(writer);
    }
    return ended;
}
