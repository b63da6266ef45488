// Log lines to stderr and audit lines to stdout or a file. After log_init a thread of its own writes them,
// from one bounded ring: a slow or full sink never blocks the loop. What does not fit is dropped and counted,
// and said on stderr. Before log_init (commands, unit tests) lines go to stderr at once.
//
// For the loop's thread alone. Whatever looks like a GitHub token is replaced by `[redacted]`: a last net,
// not a licence.
#ifndef GITLATCH_LOG_H
#define GITLATCH_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "bytes.h"
#include "error.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_JSON, LOG_TEXT };

// A longer message is cut.
#define LOG_MESSAGE_MAX (8 * KIB)
// A longer audit line is dropped and counted: its writer keeps it below (audit.c cuts a push's list of refs).
#define LOG_AUDIT_LINE_MAX (256 * KIB)

// What is lost first where a sink is slow: the ring has less room for it.
enum log_audit_kind {
    LOG_AUDIT_REFUSAL,
    LOG_AUDIT_OTHER,
    LOG_AUDIT_KEPT, // room was kept for it by log_audit_keep
};

struct log_options {
    enum log_level level;
    enum log_format format;
    const char *audit; // "stdout", "none", or a file's path (made with 0600, appended to)
};

// Starts the writer. Once a process, after the spawner's fork. Fails where the audit file cannot be opened.
bool log_init(const struct log_options *options, struct error *ret_error) GL_MUST_CHECK;
// Writes what is in the ring, for at most `limit_ms`, then stops the writer; later lines are written at once.
// False where some were left (they are counted as dropped).
bool log_stop(int64_t limit_ms);
// Takes a new level, format or audit file (reload).
bool log_configure(const struct log_options *options, struct error *ret_error) GL_MUST_CHECK;
// Opens the audit file anew, after a rotation. On failure the old one is kept, and said so on stderr.
void log_reopen(void);

// `component` is a literal: "token", "session", "certs", …; the message one line without its end.
void log_error(const char *component, const char *format, ...) GL_PRINTF(2, 3);
void log_warn(const char *component, const char *format, ...) GL_PRINTF(2, 3);
void log_info(const char *component, const char *format, ...) GL_PRINTF(2, 3);
void log_debug(const char *component, const char *format, ...) GL_PRINTF(2, 3);
// Whether a line of this level is written: to spare the making of an expensive one.
bool log_enabled(enum log_level level);

// One JSON object without its line end. Before log_init it goes nowhere. `kept` is what was given to log_audit_keep, else
// 0. False: there is no room for it now; it was not counted as lost (log_audit_lost).
bool log_audit(struct bytes line, enum log_audit_kind kind, size_t kept) GL_MUST_CHECK;
void log_audit_lost(uint64_t events);
// Keeps room for an audit line of at most `size` bytes. False: the sink is too slow for that, or hangs.
bool log_audit_keep(size_t size) GL_MUST_CHECK;
void log_audit_give_back(size_t size);

// Audit lines lost since the start: the ring was full, or the sink failed.
uint64_t log_audit_dropped(void);

#endif
