// The thread that writes log and audit lines, which come to it through a bounded ring. It touches nothing else. Nobody
// but log.c uses it.
#ifndef GITLATCH_LOG_WRITER_H
#define GITLATCH_LOG_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "bytes.h"
#include "log_ring.h"

struct log_writer;

// Called in the thread where lines have been lost since it was last called, at most every 10 seconds: with
// the number of them, and of attempts to reopen the audit file that failed.
typedef void log_writer_report_fn(const uint64_t lost[LOG_SINK_COUNT], int reopen_errno);

// `audit_fd` is owned by the writer, unless it is that of stdout or -1 (none). `audit_path`, for reopening,
// is copied; NULL: not a file. NULL is returned where no thread can be had.
struct log_writer *log_writer_new(int audit_fd, const char *audit_path, log_writer_report_fn *report);
// Writes what is in the ring, for at most `limit_ms`. False where some was left: it is counted as lost. A
// thread that hangs in a full pipe is left behind with its memory.
bool log_writer_free(struct log_writer *writer, int64_t limit_ms);
void log_writer_set_audit(struct log_writer *writer, int audit_fd, const char *audit_path);
void log_writer_reopen(struct log_writer *writer);

// Takes a line, with its line end. Never blocks for longer than a copy takes. `kept` bytes of room that were kept for it
// are given back first. False: there is no room for it in this share; it is not counted as lost.
bool log_writer_put(struct log_writer *writer, enum log_sink sink, enum log_share share, size_t kept, struct bytes line)
    GL_MUST_CHECK;
// Keeps room for a line of at most `size` bytes, and its line end. False: there is none.
bool log_writer_keep(struct log_writer *writer, size_t size) GL_MUST_CHECK;
// Gives that room back unused.
void log_writer_give_back(struct log_writer *writer, size_t size);

// Lines lost since the process started. Any thread.
uint64_t log_writer_lost(enum log_sink sink);

// Counts lines that were lost before they came here.
void log_writer_lose(enum log_sink sink, uint64_t lines);

// The file for audit lines; -1 and errno.
int log_writer_open(const char *path);

#endif
