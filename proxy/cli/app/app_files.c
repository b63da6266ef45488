#include "app_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"

#define KEY_NAME           "app.pem"
#define CONFIGURATION_NAME "gitlatch.yaml"

static bool make_directory(const char *path)
{
    char *part = mem_string(path);
    bool made = true;

    for (char *slash = strchr(part + 1, '/'); slash && made; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        made = mkdir(part, 0700) == 0 || errno == EEXIST;
        *slash = '/';
    }
    made = made && (mkdir(part, 0700) == 0 || errno == EEXIST);
    mem_free(part);
    return made;
}

static bool fail(const char *path, struct error *ret_error)
{
    return error_set(ret_error, "%s: %s; name another place with --directory", path, strerror(errno));
}

bool app_files_open(const char *directory, struct app_files *ret_files, struct error *ret_error)
{
    struct app_files files = {.descriptor = -1};
    char *absolute = make_directory(directory) ? realpath(directory, NULL) : NULL;

    if (!absolute)
        return fail(directory, ret_error);
    files.key = mem_format("%s/" KEY_NAME, absolute);
    files.configuration = mem_format("%s/" CONFIGURATION_NAME, absolute);
    free(absolute); // realpath's own
    if (access(files.configuration, F_OK) == 0) {
        errno = EEXIST;
        fail(files.configuration, ret_error);
    } else {
        files.descriptor = open(files.key, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (files.descriptor < 0)
            fail(files.key, ret_error);
    }
    if (files.descriptor >= 0) {
        *ret_files = files;
        return true;
    }
    mem_free(files.key);
    mem_free(files.configuration);
    return false;
}

static bool write_all(int descriptor, const char *text)
{
    size_t size = strlen(text), done = 0;

    while (done < size) {
        ssize_t count = write(descriptor, text + done, size - done);

        if (count < 0 && errno != EINTR)
            return false;
        done += count > 0 ? (size_t)count : 0;
    }
    return fsync(descriptor) == 0;
}

bool app_files_write(struct app_files *files, const char *key, const char *configuration, struct error *ret_error)
{
    int descriptor;
    bool ok = write_all(files->descriptor, key) || fail(files->key, ret_error);

    if (!ok)
        return false;
    close(files->descriptor);
    files->descriptor = -1;
    descriptor = open(files->configuration, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    ok = descriptor >= 0 && write_all(descriptor, configuration);
    if (!ok)
        fail(files->configuration, ret_error);
    if (descriptor >= 0)
        close(descriptor);
    return ok;
}

void app_files_close(struct app_files *files)
{
    if (files->descriptor >= 0) {
        close(files->descriptor);
        unlink(files->key);
    }
    mem_free(files->key);
    mem_free(files->configuration);
    *files = (struct app_files){.descriptor = -1};
}
