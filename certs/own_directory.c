#include "own_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"

#define SUBDIRECTORY "gitlatch"

// What others may never do with a directory made for a mode, as bits of st_mode.
static bool is_ours(const struct stat *status, mode_t mode)
{
    return status->st_uid == geteuid() && (status->st_mode & (S_IRWXG | S_IRWXO) & ~mode) == 0;
}

static char *absolute(const char *named)
{
    char *here;
    char *path;
    size_t size = strlen(named);

    while (size > 1 && named[size - 1] == '/')
        size--;
    if (named[0] == '/')
        return mem_bytes_string(bytes_of(named, size));
    here = getcwd(NULL, 0);
    path = mem_format("%s/%.*s", here ? here : "", (int)size, named);
    free(here); // getcwd's own
    return path;
}

static bool fail(struct error *ret_error, const char *path, int code)
{
    return error_set(ret_error, "%s: %s; name a directory that this user (uid %u) may make, or write in", path,
                     strerror(code), (unsigned)geteuid());
}

// Makes what is missing above the last name of an absolute path.
static bool make_parents(const char *path, struct error *ret_error)
{
    char *parent = mem_string(path);
    bool made = true;

    for (char *slash = strchr(parent + 1, '/'); slash && made; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        made = mkdir(parent, 0755) == 0 || errno == EEXIST || fail(ret_error, parent, errno);
        *slash = '/';
    }
    mem_free(parent);
    return made;
}

// Opens `name` in `parent` (or AT_FDCWD), and makes it where it is missing; -1 with errno.
static int open_or_make(int parent, const char *name, mode_t mode, int flags)
{
    bool made = mkdirat(parent, name, mode) == 0;
    int descriptor;

    if (!made && errno != EEXIST)
        return -1;
    descriptor = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
    if (made && descriptor >= 0 && fchmod(descriptor, mode) < 0) { // the umask may have taken bits from it
        close(descriptor);
        return -1;
    }
    return descriptor;
}

// Opens the subdirectory of a directory that is not ours. It must not be a symbolic link either.
static int open_subdirectory(int parent, mode_t mode, const char *path, struct error *ret_error)
{
    struct stat status;
    int descriptor = open_or_make(parent, SUBDIRECTORY, mode, O_NOFOLLOW);

    if (descriptor < 0) {
        fail(ret_error, path, errno);
        return -1;
    }
    // The mode of one that we made before may have been changed with its volume's (a pod's fsGroup).
    if (fstat(descriptor, &status) == 0 && status.st_uid == geteuid() &&
        (is_ours(&status, mode) || fchmod(descriptor, mode) == 0))
        return descriptor;
    error_set(ret_error, "%s: belongs to another user: name another directory, or have it removed", path);
    close(descriptor);
    return -1;
}

// Leaves errno as it is.
static bool is_link(const char *path)
{
    struct stat status;
    int before = errno;
    bool link = lstat(path, &status) == 0 && S_ISLNK(status.st_mode);

    errno = before;
    return link;
}

// Opens the directory that was named, and gives its status; -1 with the error. Symbolic links are refused at the last name:
// whoever made one would choose where we write.
static int open_named(const char *path, mode_t mode, struct stat *status, struct error *ret_error)
{
    int descriptor;

    if (!make_parents(path, ret_error))
        return -1;
    descriptor = open_or_make(AT_FDCWD, path, mode, O_NOFOLLOW);
    if (descriptor >= 0 && fstat(descriptor, status) == 0)
        return descriptor;
    if (descriptor < 0 && is_link(path)) {
        error_set(ret_error, "%s: is a symbolic link, which is not followed; name the directory that it leads to",
                  path);
        return -1;
    }
    fail(ret_error, path, errno);
    if (descriptor >= 0)
        close(descriptor);
    return -1;
}

bool own_directory_open(const char *named, mode_t mode, char **ret_path, int *ret_descriptor, struct error *ret_error)
{
    char *path = absolute(named);
    struct stat status;
    int parent = open_named(path, mode, &status, ret_error);
    int descriptor = -1;

    if (parent >= 0 && is_ours(&status, mode)) {
        descriptor = parent;
        parent = -1;
    } else if (parent >= 0) {
        char *below = mem_format("%s/" SUBDIRECTORY, path);

        mem_free(path);
        path = below;
        descriptor = open_subdirectory(parent, mode, path, ret_error);
    }
    if (parent >= 0)
        close(parent);
    if (descriptor < 0) {
        mem_free(path);
        return false;
    }
    *ret_path = path;
    *ret_descriptor = descriptor;
    return true;
}

static bool holds(const char *directory, const char *file)
{
    char *path = mem_format("%s/%s", directory, file);
    bool there = access(path, F_OK) == 0;

    mem_free(path);
    return there;
}

char *own_directory_find(const char *named, mode_t mode, const char *file)
{
    char *path = absolute(named);
    char *below = mem_format("%s/" SUBDIRECTORY, path);
    struct stat status;
    bool use_below =
        !holds(path, file) && (holds(below, file) || (stat(path, &status) == 0 && !is_ours(&status, mode)));

    mem_free(use_below ? path : below);
    return use_below ? below : path;
}
