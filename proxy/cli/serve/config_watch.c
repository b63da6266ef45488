#include "config_watch.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>

#include "loop.h"
#include "mem.h"

// Editors and `kubectl` touch a file several times within some tens of milliseconds.
#define QUIET_MS 200

struct config_watch {
    char *path;
    int inotify;
    struct event *readable;
    struct timer quiet;
    struct stat seen; // all zero: the file was not there
    config_watch_fn *changed;
    void *arg;
};

static struct stat look(const char *path)
{
    struct stat now;

    // Follows links: what counts is the file in the end.
    if (stat(path, &now) != 0)
        memset(&now, 0, sizeof(now));
    return now;
}

static bool config_watch_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void on_config_watch_quiet(void *arg)
{
    struct config_watch *watch = arg;
    struct stat now = look(watch->path);

    // While the file is away nothing can be read: the next event reports when it is back.
    if (now.st_ino == 0 || config_watch_same(&now, &watch->seen))
        return;
    watch->seen = now;
    watch->changed(watch->arg);
}

static void on_config_watch_readable(evutil_socket_t inotify, short events, void *arg)
{
    struct config_watch *watch = arg;
    char events_read[16 * 1024];

    // Which names they are about does not matter: the file is looked at.
    while (read(inotify, events_read, sizeof(events_read)) > 0)
        ;
    timer_start(&watch->quiet, QUIET_MS);
}

static char *config_watch_directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return mem_string(".");
    return slash == path ? mem_string("/") : mem_bytes_string(bytes_of(path, (size_t)(slash - path)));
}

struct config_watch *config_watch_new(struct loop *loop, const char *path, config_watch_fn *changed, void *arg,
                                      struct error *ret_error)
{
    struct config_watch *watch = mem_alloc_zero(1, sizeof(*watch));
    char *directory = config_watch_directory_of(path);

    watch->path = mem_string(path);
    watch->changed = changed;
    watch->arg = arg;
    watch->seen = look(path);
    timer_init(&watch->quiet, loop, on_config_watch_quiet, watch);
    watch->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch->inotify < 0 ||
        inotify_add_watch(watch->inotify, directory, IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR) < 0) {
        error_set(ret_error, "%s cannot be watched (%s): send SIGHUP after a change", directory, strerror(errno));
        config_watch_free(watch);
        watch = NULL;
    } else {
        watch->readable =
            event_new(loop_event_base(loop), watch->inotify, EV_READ | EV_PERSIST, on_config_watch_readable, watch);
        event_add(watch->readable, NULL);
    }
    mem_free(directory);
    return watch;
}

void config_watch_free(struct config_watch *watch)
{
    if (!watch)
        return;
    if (watch->readable)
        event_free(watch->readable);
    if (watch->inotify >= 0)
        close(watch->inotify);
    timer_stop(&watch->quiet);
    mem_free(watch->path);
    mem_free(watch);
}

void config_watch_look(struct config_watch *watch)
{
    watch->seen = look(watch->path);
}
