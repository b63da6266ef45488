#include "temporary_directory.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"

char *temporary_directory_make(const char *name, struct error *ret_error)
{
    const char *parent = getenv("TMPDIR");
    char *path = mem_format("%s/%s-XXXXXX", parent && *parent ? parent : "/tmp", name);

    if (mkdtemp(path))
        return path;
    error_set(ret_error, "no directory can be made: %s: %s; set TMPDIR to a directory that can be written to", path,
              strerror(errno));
    mem_free(path);
    return NULL;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
    return type == FTW_DP ? rmdir(path)
                          : unlink(path); // remove(3) tries unlink first, which a sandbox refuses otherwise
}

void temporary_directory_remove(char *path)
{
    nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    mem_free(path);
}
