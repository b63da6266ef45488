#include "staged_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LEFTOVER_AGE_S 60

static bool write_all(int descriptor, struct bytes content)
{
    while (content.size > 0) {
        ssize_t written = write(descriptor, content.data, content.size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        content = bytes_skip(content, (size_t)written);
    }
    return true;
}

bool staged_file_write(struct staged_file *file, int directory, const char *name, mode_t mode,
                       enum staged_file_kind kind, struct bytes content, struct error *ret_error)
{
    uint64_t random;
    int descriptor = -1;
    bool done;

    *file = (struct staged_file){.directory = directory, .name = name};
    if (getrandom(&random, sizeof(random), 0) == sizeof(random)) {
        snprintf(file->temporary, sizeof(file->temporary), STAGED_FILE_PREFIX "%016" PRIx64, random);
        descriptor = openat(directory, file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    }
    done = descriptor >= 0 && write_all(descriptor, content) && fchmod(descriptor, mode) == 0 &&
           (kind == STAGED_FILE_DERIVED || fsync(descriptor) == 0);
    if (!done)
        error_set(ret_error, "%s: %s%s", name, strerror(errno),
                  errno == EACCES ? "; the user of gitlatch must be able to write there" : "");
    if (descriptor >= 0)
        close(descriptor);
    if (!done)
        staged_file_discard(file);
    return done;
}

bool staged_file_commit(struct staged_file *file, struct error *ret_error)
{
    if (renameat(file->directory, file->temporary, file->directory, file->name) < 0)
        return error_set(ret_error, "%s: %s", file->name, strerror(errno));
    file->temporary[0] = '\0';
    return true;
}

bool staged_file_flush(int directory, struct error *ret_error)
{
    return fsync(directory) == 0 || error_set(ret_error, "cannot be flushed: %s", strerror(errno));
}

void staged_file_discard(struct staged_file *file)
{
    if (file->temporary[0] == '\0')
        return;
    unlinkat(file->directory, file->temporary, 0);
    file->temporary[0] = '\0';
}

static bool is_leftover(int directory, const char *name)
{
    struct stat status;

    return strncmp(name, STAGED_FILE_PREFIX, strlen(STAGED_FILE_PREFIX)) == 0 &&
           fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_mtime + LEFTOVER_AGE_S < time(NULL);
}

void staged_file_sweep(int directory)
{
    int own = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = own >= 0 ? fdopendir(own) : NULL;

    if (!listing) {
        if (own >= 0)
            close(own);
        return;
    }
    for (struct dirent *entry = readdir(listing); entry; entry = readdir(listing)) {
        if (is_leftover(directory, entry->d_name))
            unlinkat(directory, entry->d_name, 0);
    }
    closedir(listing);
}
