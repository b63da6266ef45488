// What `gitlatch app create` leaves behind: the App's key and a configuration, in one directory.
#ifndef GITLATCH_APP_FILES_H
#define GITLATCH_APP_FILES_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "error.h"

struct app_files {
    char *key, *configuration; // absolute paths
    int descriptor;            // of the key's file; -1: closed
};

// Makes the directory (0700) and the empty key file (0600), before there is a key that could be lost. Refused where one of
// the files is there.
bool app_files_open(const char *directory, struct app_files *ret_files, struct error *ret_error) GL_MUST_CHECK;
// Writes both.
bool app_files_write(struct app_files *files, const char *key, const char *configuration, struct error *ret_error)
    GL_MUST_CHECK;
// Takes an empty key file away.
void app_files_close(struct app_files *files);

#endif
