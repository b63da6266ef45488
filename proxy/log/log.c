#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

#include "clock.h"
#include "log_writer.h"
#include "mem.h"
#include "redact.h"
#include "text.h"

static const char *const level_names[] = {
    [LOG_ERROR] = "error",
    [LOG_WARN] = "warn",
    [LOG_INFO] = "info",
    [LOG_DEBUG] = "debug",
};

static struct log_writer *writer;                 // NULL: lines are written at once
static enum log_level level = LOG_INFO;           // the loop's thread
static _Atomic enum log_format format = LOG_TEXT; // also read by the writer's thread

bool log_enabled(enum log_level asked)
{
    return asked <= level;
}

// A line before log_init is a command's: no time, and who speaks.
static void format_plain(struct text *text, enum log_level line_level, const char *component, struct bytes message)
{
    text_format(text, "gitlatch: %s: %s: ", level_names[line_level], component);
    text_append_bytes(text, message);
    text_append_char(text, '\n');
}

static void format_line(struct text *text, enum log_level line_level, const char *component, struct bytes message)
{
    char ts[WALL_TEXT_SIZE];

    wall_format_rfc3339(clock_wall(clock_real()), WALL_MILLISECONDS, ts);
    if (format == LOG_TEXT) {
        text_format(text, "%s %-5s %s: ", ts, level_names[line_level], component);
        text_append_bytes(text, message);
    } else {
        text_format(text, "{\"ts\":\"%s\",\"level\":\"%s\",\"component\":\"%s\",\"message\":", ts,
                    level_names[line_level], component);
        text_append_json_string(text, message);
        text_append_char(text, '}');
    }
    text_append_char(text, '\n');
}

static void write_now(struct bytes line)
{
    while (line.size) {
        ssize_t written = write(STDERR_FILENO, line.data, line.size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return;
        line = bytes_skip(line, (size_t)written);
    }
}

// One line, whatever a peer put into it, and none that a terminal would obey.
static size_t log_make_plain(char *message, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)message[i] < ' ' || message[i] == 0x7f)
            message[i] = ' ';
    return redact(message, size);
}

GL_PRINTF(3, 0)
static void log_line(enum log_level line_level, const char *component, const char *message_format, va_list list)
{
    static char message[LOG_MESSAGE_MAX];
    static struct text line;
    size_t size;
    int length;

    if (!log_enabled(line_level))
        return;
    length = vsnprintf(message, sizeof(message), message_format, list);
    size = length < 0 ? 0 : (size_t)length < sizeof(message) ? (size_t)length : sizeof(message) - 1;
    size = log_make_plain(message, size);
    text_clear(&line);
    if (writer) {
        format_line(&line, line_level, component, bytes_of(message, size));
        if (!log_writer_put(writer, LOG_SINK_ERROR, LOG_SHARE_OTHER, 0, text_bytes(&line)))
            log_writer_lose(LOG_SINK_ERROR, 1);
    } else {
        format_plain(&line, line_level, component, bytes_of(message, size));
        write_now(text_bytes(&line));
    }
}

#define LOG_FUNCTION(name, line_level)                                                                                 \
    void name(const char *component, const char *message_format, ...)                                                  \
    {                                                                                                                  \
        va_list list;                                                                                                  \
                                                                                                                       \
        va_start(list, message_format);                                                                                \
        log_line(line_level, component, message_format, list);                                                         \
        va_end(list);                                                                                                  \
    }

LOG_FUNCTION(log_error, LOG_ERROR)
LOG_FUNCTION(log_warn, LOG_WARN)
LOG_FUNCTION(log_info, LOG_INFO)
LOG_FUNCTION(log_debug, LOG_DEBUG)

// A line's end is part of what is kept.
bool log_audit_keep(size_t size)
{
    return !writer || log_writer_keep(writer, size + 1);
}

void log_audit_give_back(size_t size)
{
    if (writer)
        log_writer_give_back(writer, size + 1);
}

void log_audit_lost(uint64_t events)
{
    log_writer_lose(LOG_SINK_AUDIT, events);
}

bool log_audit(struct bytes event, enum log_audit_kind kind, size_t kept)
{
    static const enum log_share shares[] = {
        [LOG_AUDIT_REFUSAL] = LOG_SHARE_REFUSAL,
        [LOG_AUDIT_OTHER] = LOG_SHARE_OTHER,
        [LOG_AUDIT_KEPT] = LOG_SHARE_ALL,
    };
    static char *line;
    static size_t capacity;
    size_t size;

    if (!writer)
        return true;
    if (event.size > LOG_AUDIT_LINE_MAX) {
        if (kept > 0)
            log_audit_give_back(kept);
        log_audit_lost(1);
        return true;
    }
    line = mem_grow(line, &capacity, event.size + 1, 1);
    memcpy(line, event.data, event.size);
    size = redact(line, event.size);
    line[size++] = '\n';
    return log_writer_put(writer, LOG_SINK_AUDIT, shares[kind], kept > 0 ? kept + 1 : 0, bytes_of(line, size));
}

// In the writer's thread.
static void log_report(const uint64_t lost[LOG_SINK_COUNT], int reopen_errno)
{
    char message[256];
    struct text line = {0};
    int length = 0;

    if (lost[LOG_SINK_ERROR] || lost[LOG_SINK_AUDIT])
        length = snprintf(message, sizeof(message),
                          "%llu log lines and %llu audit events were lost: their sink is slow, full or gone",
                          (unsigned long long)lost[LOG_SINK_ERROR], (unsigned long long)lost[LOG_SINK_AUDIT]);
    if (reopen_errno)
        length += snprintf(message + length, sizeof(message) - (size_t)length,
                           "%sthe audit file cannot be opened anew (%s): the old one is kept", length ? "; " : "",
                           strerrordesc_np(reopen_errno));
    format_line(&line, LOG_ERROR, "log", bytes_of(message, (size_t)length));
    write_now(text_bytes(&line));
    text_free(&line);
}

// Gives the descriptor, -1 for none; and the path where it is a file.
static bool open_audit(const char *audit, int *ret_fd, const char **ret_path, struct error *ret_error)
{
    int fd;

    if (strcmp(audit, "none") == 0 || strcmp(audit, "stdout") == 0) {
        *ret_fd = audit[0] == 's' ? STDOUT_FILENO : -1;
        *ret_path = NULL;
        return true;
    }
    fd = log_writer_open(audit);
    if (fd < 0)
        return error_set(ret_error,
                         "log.audit: %s cannot be opened: %s; name a file, in a directory that is there, in which this "
                         "user (uid %u) may write",
                         audit, strerrordesc_np(errno), (unsigned)geteuid());
    *ret_fd = fd;
    *ret_path = audit;
    return true;
}

bool log_init(const struct log_options *options, struct error *ret_error)
{
    const char *path = NULL;
    int fd = -1;

    if (!open_audit(options->audit, &fd, &path, ret_error))
        return false;
    writer = log_writer_new(fd, path, log_report);
    if (!writer) {
        if (path)
            close(fd);
        return error_set(ret_error, "no thread can be started for the log: raise the process limit");
    }
    level = options->level;
    format = options->format;
    return true;
}

bool log_configure(const struct log_options *options, struct error *ret_error)
{
    const char *path = NULL;
    int fd = -1;

    if (!open_audit(options->audit, &fd, &path, ret_error))
        return false;
    log_writer_set_audit(writer, fd, path);
    level = options->level;
    format = options->format;
    return true;
}

void log_reopen(void)
{
    if (writer)
        log_writer_reopen(writer);
}

bool log_stop(int64_t limit_ms)
{
    bool all = true;

    if (writer)
        all = log_writer_free(writer, limit_ms);
    writer = NULL;
    return all;
}

uint64_t log_audit_dropped(void)
{
    return log_writer_lost(LOG_SINK_AUDIT);
}
