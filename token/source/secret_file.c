#include "secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"

void secret_file_init(struct secret_file *file, const char *path)
{
    *file = (struct secret_file){.path = mem_string(path)};
}

void secret_file_clear(struct secret_file *file)
{
    mem_free(file->path);
    secret_unref(file->secret);
    *file = (struct secret_file){0};
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

// All of the file's bytes; NULL on an error of read(2), or where it shrank meanwhile.
static struct secret *read_whole(int descriptor, size_t size)
{
    char *data;
    struct secret *whole = secret_new_sized(size, &data);
    size_t done = 0;

    while (done < size) {
        ssize_t count = read(descriptor, data + done, size - done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0) {
            secret_unref(whole);
            return NULL;
        }
        done += (size_t)count;
    }
    return whole;
}

static struct secret *read_secret(int descriptor, const char *path, struct stat *status, struct error *ret_error)
{
    if (fstat(descriptor, status) != 0) {
        error_set(ret_error, "%s: %s", path, strerror(errno));
        return NULL;
    }
    if (!S_ISREG(status->st_mode) || (size_t)status->st_size > SECRET_FILE_MAX) {
        error_set(ret_error, "%s is not a regular file of at most %zu KiB", path, SECRET_FILE_MAX / KIB);
        return NULL;
    }
    struct secret *whole = read_whole(descriptor, (size_t)status->st_size);
    if (!whole) {
        error_set(ret_error, "%s cannot be read", path);
        return NULL;
    }
    struct secret *trimmed = secret_new_trimmed(secret_bytes(whole));
    secret_unref(whole);
    if (secret_bytes(trimmed).size == 0) {
        secret_unref(trimmed);
        error_set(ret_error, "%s is empty", path);
        return NULL;
    }
    return trimmed;
}

bool secret_file_refresh(struct secret_file *file, bool *ret_changed, struct error *ret_error)
{
    struct stat status;

    if (file->secret && stat(file->path, &status) == 0 && same_file(&status, &file->read_at)) {
        *ret_changed = false;
        return true;
    }
    int descriptor = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return error_set_unreadable(ret_error, file->path, errno);
    struct secret *secret = read_secret(descriptor, file->path, &status, ret_error);
    close(descriptor);
    if (!secret)
        return false;
    bool changed = !file->secret || !secret_equal(file->secret, secret_bytes(secret));
    secret_unref(file->secret);
    file->secret = secret;
    file->read_at = status;
    *ret_changed = changed;
    return true;
}
