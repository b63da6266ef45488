#include "log.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "clock.h"
#include "cmocka_unit.h"
#include "mem.h"
#include "text.h"

#define TOKEN "ghs_abcdefghijklmnopqrstuvwxyz0123456789"

// stderr and stdout are led into pipes while a test runs.
struct fixture {
    int saved_out, saved_error;
    int out, error; // reading ends
    char directory[64];
};

static void audit(struct bytes line)
{
    if (!log_audit(line, LOG_AUDIT_OTHER, 0))
        log_audit_lost(1);
}

static int lead_into_pipe(int fd)
{
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(dup2(ends[1], fd), fd);
    close(ends[1]);
    return ends[0];
}

static int set_up(void **state)
{
    static struct fixture fixture;

    fflush(NULL);
    fixture.saved_out = dup(STDOUT_FILENO);
    fixture.saved_error = dup(STDERR_FILENO);
    fixture.out = lead_into_pipe(STDOUT_FILENO);
    fixture.error = lead_into_pipe(STDERR_FILENO);
    snprintf(fixture.directory, sizeof(fixture.directory), "/tmp/test_log.XXXXXX");
    assert_non_null(mkdtemp(fixture.directory));
    *state = &fixture;
    return 0;
}

static void release_output(struct fixture *fixture)
{
    dup2(fixture->saved_out, STDOUT_FILENO);
    dup2(fixture->saved_error, STDERR_FILENO);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    char *command = mem_format("%s/audit", fixture->directory), *old = mem_format("%s.1", command);

    log_stop(1000);
    release_output(fixture);
    close(fixture->saved_out);
    close(fixture->saved_error);
    close(fixture->out);
    close(fixture->error);
    unlink(command);
    unlink(old);
    rmdir(fixture->directory);
    mem_free(command);
    mem_free(old);
    return 0;
}

// What is in the pipe now.
static const char *take(int fd)
{
    static char data[256 * 1024];
    size_t size = 0;
    ssize_t got;

    while (size < sizeof(data) - 1 && poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 0) == 1 &&
           (got = read(fd, data + size, sizeof(data) - 1 - size)) > 0)
        size += (size_t)got;
    data[size] = '\0';
    return data;
}

static void init(const char *audit, enum log_format format)
{
    struct error error;
    const struct log_options options = {.level = LOG_INFO, .format = format, .audit = audit};

    assert_true(log_init(&options, &error));
}

static void before_init_lines_are_written_at_once(void **state)
{
    struct fixture *f = *state;

    log_warn("token", "key %s\n is %s", "a.pem", TOKEN);
    log_debug("token", "nobody asked");
    assert_string_equal(take(f->error), "gitlatch: warn: token: key a.pem  is [redacted]\n");
    audit(BYTES("{}"));
    assert_string_equal(take(f->out), "");
}

static void json_lines_parse(void **state)
{
    struct fixture *f = *state;
    json_t *line;
    struct wall ts;

    init("none", LOG_JSON);
    log_error("net", "it said \"%s\"", "\xff\x1b[31m" TOKEN);
    audit(BYTES("{}"));
    assert_true(log_stop(5000));
    line = json_loads(take(f->error), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "level")), "error");
    assert_string_equal(json_string_value(json_object_get(line, "component")), "net");
    assert_string_equal(json_string_value(json_object_get(line, "message")), "it said \"\xef\xbf\xbd [31m[redacted]\"");
    assert_true(wall_parse_rfc3339(bytes_of_string(json_string_value(json_object_get(line, "ts"))), &ts));
    assert_int_equal(json_object_size(line), 4);
    json_decref(line);
    assert_string_equal(take(f->out), "");
}

static void text_lines_and_levels(void **state)
{
    struct fixture *f = *state;
    const struct log_options debug = {.level = LOG_DEBUG, .format = LOG_TEXT, .audit = "none"};
    struct error error;
    const char *lines;

    init("none", LOG_TEXT);
    assert_false(log_enabled(LOG_DEBUG));
    log_debug("a", "one");
    log_info("a", "two");
    assert_true(log_configure(&debug, &error));
    log_debug("a", "three");
    assert_true(log_stop(5000));
    lines = take(f->error);
    assert_null(strstr(lines, "one"));
    assert_non_null(strstr(lines, "Z info  a: two\n"));
    assert_non_null(strstr(lines, "Z debug a: three\n"));
}

static void long_messages_are_cut(void **state)
{
    struct fixture *f = *state;
    char *message = mem_alloc(2 * LOG_MESSAGE_MAX);

    memset(message, 'x', 2 * LOG_MESSAGE_MAX);
    init("none", LOG_TEXT);
    log_info("a", "%.*s", (int)(2 * LOG_MESSAGE_MAX), message);
    assert_true(log_stop(5000));
    assert_in_range(strlen(take(f->error)), LOG_MESSAGE_MAX, LOG_MESSAGE_MAX + 100);
    mem_free(message);
}

static void audit_lines_come_in_order_and_redacted(void **state)
{
    struct fixture *f = *state;

    init("stdout", LOG_JSON);
    audit(BYTES("{\"id\":1}"));
    audit(BYTES("{\"user_agent\":\"" TOKEN "\"}"));
    audit(BYTES("{\"id\":3}"));
    assert_true(log_stop(5000));
    assert_string_equal(take(f->out), "{\"id\":1}\n{\"user_agent\":\"[redacted]\"}\n{\"id\":3}\n");
    assert_string_equal(take(f->error), "");
}

struct drain {
    struct text all;
    int fd;
};

// A reader's thread: reads to the end.
static void *drain(void *arg)
{
    struct drain *drain = arg;
    char data[65536];
    ssize_t got;

    while ((got = read(drain->fd, data, sizeof(data))) > 0)
        text_append_bytes(&drain->all, bytes_of(data, (size_t)got));
    return NULL;
}

// Each line arrived whole, or was counted: none is missing, none is torn.
static void a_full_pipe_blocks_nobody_and_loses_nothing_silently(void **state)
{
    struct fixture *f = *state;
    struct drain drained = {.fd = f->out};
    uint64_t before = log_audit_dropped(), seen = 0;
    struct mono begin = clock_mono(clock_real());
    char line[1001];
    pthread_t reader;
    enum { LINES = 5000 };

    memset(line, 'x', sizeof(line));
    line[0] = '{';
    line[sizeof(line) - 2] = '}';
    init("stdout", LOG_JSON);
    for (int i = 0; i < LINES; i++)
        audit(bytes_of(line, sizeof(line) - 1));
    assert_true(clock_mono(clock_real()).ms - begin.ms < 2000);
    assert_true(log_audit_dropped() > before + 1000);

    assert_int_equal(pthread_create(&reader, NULL, drain, &drained), 0);
    assert_true(log_stop(5000));
    assert_non_null(strstr(take(f->error), "audit events were lost"));
    release_output(f);
    pthread_join(reader, NULL);
    for (const char *at = text_string(&drained.all); *at; at += sizeof(line)) {
        assert_int_equal(strcspn(at, "\n"), sizeof(line) - 1);
        seen++;
    }
    assert_int_equal(seen + log_audit_dropped() - before, LINES);
    text_free(&drained.all);
}

static uint64_t count_line_ends(const char *text)
{
    uint64_t count = 0;

    while ((text = strchr(text, '\n'))) {
        text++;
        count++;
    }
    return count;
}

static void a_stop_does_not_wait_for_a_stuck_sink(void **state)
{
    struct fixture *f = *state;
    struct mono begin = clock_mono(clock_real());
    uint64_t before = log_audit_dropped(), arrived = 0;
    char line[1000];

    memset(line, 'x', sizeof(line));
    init("stdout", LOG_JSON);
    for (int i = 0; i < 300; i++)
        audit(bytes_of(line, sizeof(line)));
    assert_false(log_stop(100));
    assert_in_range(clock_mono(clock_real()).ms - begin.ms, 100, 2000);
    assert_true(log_audit_dropped() > before + 100);
    // The thread that was left behind ends once it can: each line has come or is counted, none in the next test.
    for (int i = 0; i < 1000 && arrived + log_audit_dropped() - before < 300; i++) {
        arrived += count_line_ends(take(f->out));
        usleep(10000);
    }
    assert_int_equal(arrived + log_audit_dropped() - before, 300);
}

static void sinks_that_fail_are_counted_and_said(void **state)
{
    struct fixture *f = *state;
    uint64_t before = log_audit_dropped();

    init("/dev/full", LOG_JSON);
    audit(BYTES("{}"));
    audit(BYTES("{}"));
    assert_true(log_stop(5000));
    assert_int_equal(log_audit_dropped(), before + 2);
    assert_non_null(strstr(take(f->error), "0 log lines and"));

    close(f->out);
    init("stdout", LOG_JSON); // a pipe without a reader: neither SIGPIPE nor silence
    audit(BYTES("{}"));
    assert_true(log_stop(5000));
    f->out = dup(STDERR_FILENO);
    assert_int_equal(log_audit_dropped(), before + 3);
}

static void a_nonblocking_sink_is_waited_for(void **state)
{
    struct fixture *f = *state;
    struct drain drained = {.fd = f->out};
    uint64_t before = log_audit_dropped();
    char line[1000];
    pthread_t reader;

    memset(line, 'x', sizeof(line));
    fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK);
    init("stdout", LOG_JSON);
    for (int i = 0; i < 300; i++)
        audit(bytes_of(line, sizeof(line)));
    usleep(50000);
    assert_int_equal(pthread_create(&reader, NULL, drain, &drained), 0);
    assert_true(log_stop(5000));
    release_output(f);
    pthread_join(reader, NULL);
    assert_int_equal(log_audit_dropped(), before);
    assert_int_equal(text_bytes(&drained.all).size, 300 * 1001);
    text_free(&drained.all);
}

// Also those that are put while the writer lets lines gather.
static void lines_come_without_a_stop(void **state)
{
    struct fixture *f = *state;

    init("stdout", LOG_JSON);
    for (unsigned i = 0; i < 20; i++) {
        audit(BYTES("{}"));
        assert_int_equal(poll(&(struct pollfd){.fd = f->out, .events = POLLIN}, 1, 10000), 1);
        assert_string_equal(take(f->out), "{}\n");
    }
}

static void oversized_events_are_counted(void **state)
{
    uint64_t before = log_audit_dropped();
    char *line = mem_alloc(LOG_AUDIT_LINE_MAX + 1);

    memset(line, 'x', LOG_AUDIT_LINE_MAX + 1);
    init("none", LOG_JSON);
    audit(bytes_of(line, LOG_AUDIT_LINE_MAX + 1));
    assert_int_equal(log_audit_dropped(), before + 1);
    mem_free(line);
}

static void assert_file(const char *path, const char *content)
{
    char data[1000];
    struct stat info;
    int fd = open(path, O_RDONLY);
    ssize_t size = read(fd, data, sizeof(data) - 1);

    assert_true(size >= 0);
    data[size] = '\0';
    assert_string_equal(data, content);
    assert_int_equal(fstat(fd, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    close(fd);
}

static void a_file_is_private_appended_to_and_reopened(void **state)
{
    struct fixture *f = *state;
    char *path = mem_format("%s/audit", f->directory), *old = mem_format("%s.1", path);

    init(path, LOG_JSON);
    audit(BYTES("1"));
    assert_true(log_stop(5000));
    init(path, LOG_JSON);
    audit(BYTES("2"));
    for (int i = 0; i < 500 && access(path, F_OK) == 0; i++) {
        struct stat info;

        if (stat(path, &info) == 0 && info.st_size == 4)
            break;
        usleep(10000);
    }
    assert_int_equal(rename(path, old), 0);
    log_reopen();
    audit(BYTES("3"));
    assert_true(log_stop(5000));
    assert_file(old, "1\n2\n");
    assert_file(path, "3\n");
    mem_free(path);
    mem_free(old);
}

static void a_line_that_a_kill_has_torn_is_ended(void **state)
{
    struct fixture *f = *state;
    char *path = mem_format("%s/audit", f->directory);
    FILE *file = fopen(path, "we");

    fputs("{\"a\":1}\n{\"torn", file);
    assert_int_equal(fchmod(fileno(file), 0600), 0);
    fclose(file);
    init(path, LOG_JSON);
    audit(BYTES("{\"b\":2}"));
    assert_true(log_stop(5000));
    assert_file(path, "{\"a\":1}\n{\"torn\n{\"b\":2}\n");
    mem_free(path);
}

// Of a line that does not fit nothing stays, and what comes when there is room again is whole.
static void a_full_disk_leaves_no_torn_line(void **state)
{
    struct fixture *f = *state;
    char *path = mem_format("%s/audit", f->directory);
    struct rlimit limit, before;
    uint64_t dropped = log_audit_dropped();

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = (struct rlimit){.rlim_cur = 20, .rlim_max = before.rlim_max};
    init(path, LOG_JSON);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    audit(BYTES("{\"first\":1}"));
    audit(BYTES("{\"second\":\"too long\"}"));
    assert_true(log_stop(5000));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_file(path, "{\"first\":1}\n");
    assert_int_equal(log_audit_dropped(), dropped + 1);
    init(path, LOG_JSON);
    audit(BYTES("{\"third\":3}"));
    assert_true(log_stop(5000));
    assert_file(path, "{\"first\":1}\n{\"third\":3}\n");
    mem_free(path);
}

static void a_file_that_cannot_be_opened_is_an_error(void **state)
{
    const struct log_options options = {.level = LOG_INFO, .format = LOG_JSON, .audit = "/nonexistent/audit"};
    struct error error;

    assert_false(log_init(&options, &error));
    assert_non_null(
        strstr(error.text, "log.audit: /nonexistent/audit cannot be opened: No such file or directory; name a"));
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(before_init_lines_are_written_at_once),
        LOG_TEST(json_lines_parse),
        LOG_TEST(text_lines_and_levels),
        LOG_TEST(long_messages_are_cut),
        LOG_TEST(audit_lines_come_in_order_and_redacted),
        LOG_TEST(a_full_pipe_blocks_nobody_and_loses_nothing_silently),
        LOG_TEST(a_stop_does_not_wait_for_a_stuck_sink),
        LOG_TEST(sinks_that_fail_are_counted_and_said),
        LOG_TEST(a_nonblocking_sink_is_waited_for),
        LOG_TEST(lines_come_without_a_stop),
        LOG_TEST(oversized_events_are_counted),
        LOG_TEST(a_file_is_private_appended_to_and_reopened),
        LOG_TEST(a_line_that_a_kill_has_torn_is_ended),
        LOG_TEST(a_full_disk_leaves_no_torn_line),
        LOG_TEST(a_file_that_cannot_be_opened_is_an_error),
    };

    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
