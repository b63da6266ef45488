#include "torn_line.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool torn_line_cut(int fd, size_t size)
{
    struct stat status;
    off_t end = lseek(fd, 0, SEEK_CUR); // O_APPEND: the end of what was written

    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size == end && end >= (off_t)size &&
           ftruncate(fd, end - (off_t)size) == 0;
}

size_t torn_line_size(const char *data, size_t done)
{
    const char *last = done ? memrchr(data, '\n', done) : NULL;

    return last ? done - (size_t)(last + 1 - data) : done;
}

bool torn_line_at_end(int fd)
{
    char path[32], last = '\n';
    struct stat status;
    int reader;

    if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0)
        return false;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd); // which is open for writing alone
    reader = open(path, O_RDONLY | O_CLOEXEC);
    if (reader < 0)
        return false;
    bool torn = pread(reader, &last, 1, status.st_size - 1) == 1 && last != '\n';
    close(reader);
    return torn;
}
