#include "run_audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_private.h"
#include "mem.h"
#include "run_summary.h"

// A day's work of an agent has some ten thousand events of 600 bytes. More are counted no further.
#define EVENTS_MAX (64 * MIB)

// The child writes into it by the name that the kernel gives its descriptor.
static bool keep_in_memory(struct run_audit *audit, struct config *config, struct error *ret_error)
{
    char path[64];

    audit->memory = memfd_create("gitlatch-audit", 0);
    if (audit->memory < 0)
        return error_set(ret_error, "no memory for the events of --summary: %s", strerror(errno));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", audit->memory);
    config_set_audit(config, path);
    return true;
}

bool run_audit_begin(struct run_audit *audit, struct config *config, struct error *ret_error)
{
    struct stat status;
    bool has_file;

    audit->memory = -1;
    if (audit->path)
        config_set_audit(config, audit->path);
    has_file = strcmp(config->audit, "stdout") != 0 && strcmp(config->audit, "none") != 0;
    if (audit->summary && !has_file)
        return keep_in_memory(audit, config, ret_error);
    if (has_file && stat(config->audit, &status) == 0)
        audit->offset = status.st_size;
    return true;
}

static void print_summary(const struct run_audit *audit, int file, int64_t duration_ms)
{
    struct text events, summary = {0};
    char block[16 * 1024];
    off_t at = audit->offset;
    ssize_t count;

    text_init(&events, EVENTS_MAX);
    while ((count = pread(file, block, sizeof(block), at)) > 0) {
        text_append_bytes(&events, bytes_of(block, (size_t)count));
        at += count;
    }
    run_summary_write(&summary, text_bytes(&events), duration_ms);
    fputs(text_string(&summary), stderr);
    text_free(&events);
    text_free(&summary);
}

void run_audit_end(struct run_audit *audit, const struct config *config, int64_t duration_ms)
{
    int file = audit->memory;

    if (audit->summary && file < 0)
        file = open(config->audit, O_RDONLY | O_CLOEXEC);
    if (audit->summary && file < 0)
        fprintf(stderr, "gitlatch run: %s: cannot be read for the summary: %s\n", config->audit, strerror(errno));
    else if (audit->summary)
        print_summary(audit, file, duration_ms);
    if (file >= 0)
        close(file);
}
