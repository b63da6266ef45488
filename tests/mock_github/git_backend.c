#include "git_backend.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "git_command.h"
#include "mock_setting.h"

// The head of a CGI answer is a few lines.
#define CGI_HEAD_MAX (8 * KIB)

static const char *or_empty(const char *string)
{
    return string ? string : "";
}

// No CONTENT_LENGTH: git 2.39's http-backend turns without end where fewer bytes come than that says.
static char **make_environment(const struct call *call, const struct git_backend_job *job)
{
    char *variables[] = {
        mock_text_format("GIT_PROJECT_ROOT=%s", job->directory),
        mock_text_format("PATH_INFO=/%s", job->suffix),
        mock_text_format("REQUEST_METHOD=%s", call->method),
        mock_text_format("QUERY_STRING=%s", call->query),
        mock_text_format("CONTENT_TYPE=%s", or_empty(call_header(call, "Content-Type"))),
        mock_text_format("HTTP_CONTENT_ENCODING=%s", or_empty(call_header(call, "Content-Encoding"))),
        mock_text_format("GIT_PROTOCOL=%s", or_empty(call_header(call, "Git-Protocol"))),
        mock_text_copy("GIT_HTTP_EXPORT_ALL=1"),
        mock_text_copy("REMOTE_USER=x-access-token"),
        mock_text_copy("SERVER_PROTOCOL=HTTP/1.1"),
        mock_text_format("MOCK_GITHUB_WORKFLOWS=%d", job->may_change_workflows),
        mock_text_format("MOCK_GITHUB_MAX_OBJECT=%lld", (long long)mock_setting_get(SETTING_MAX_OBJECT)),
        mock_text_copy("GIT_CONFIG_COUNT=1"),
        mock_text_copy("GIT_CONFIG_KEY_0=receive.maxInputSize"),
        mock_text_format("GIT_CONFIG_VALUE_0=%lld", (long long)mock_setting_get(SETTING_MAX_PACK)),
        NULL,
    };
    union {
        char **plain;
        const char *const *constant;
    } list = {.plain = variables};
    char **environment = git_command_environment(list.constant);

    for (char **variable = variables; *variable; variable++)
        free(*variable);
    return environment;
}

static bool write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t count = write(fd, data, size);

        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        data += count;
        size -= (size_t)count;
    }
    return true;
}

// The request's body into the program. What it does not take (it has seen enough) is thrown away, since git
// does not look at an answer before it has sent all.
static bool pump_in(struct call *call, int fd)
{
    char *buffer = mock_text_allocate(WIRE_BUFFER_SIZE);
    bool taking = true;
    ssize_t count;

    for (;;) {
        count = call_read(call, buffer, WIRE_BUFFER_SIZE);
        if (count <= 0)
            break;
        taking = taking && write_all(fd, buffer, (size_t)count);
    }
    free(buffer);
    return count == 0;
}

static ssize_t read_some(int fd, char *buffer, size_t size)
{
    ssize_t count;

    do
        count = read(fd, buffer, size);
    while (count < 0 && errno == EINTR);
    return count;
}

// Takes the CGI head; what follows it stays in `head` behind *ret_size. False: there is none.
static bool read_head(int fd, struct mock_text *head, size_t *ret_size)
{
    while (head->size < CGI_HEAD_MAX) {
        char *end = head->size ? memmem(head->data, head->size, "\r\n\r\n", 4) : NULL;
        ssize_t count;

        if (end) {
            *ret_size = (size_t)(end - head->data) + 4;
            return true;
        }
        count = read_some(fd, mock_text_reserve(head, CGI_HEAD_MAX), CGI_HEAD_MAX);
        if (count <= 0)
            return false;
        head->size += (size_t)count;
    }
    return false;
}

// Begins the answer that the CGI head asks for.
static void start_answer(struct call *call, const struct mock_text *head, size_t size)
{
    struct bytes rest = bytes_of(head->data, size - 2);
    struct bytes line;
    struct mock_text headers = {0};
    int status = 200;

    while (rest.size > 0) {
        bytes_cut(rest, '\n', &line, &rest);
        if (bytes_start_with(line, BYTES("Status: ")))
            status = atoi(line.data + 8);
        else if (line.size > 1)
            mock_text_printf(&headers, "%.*s\r\n", (int)line.size - 1, line.data);
    }
    call_start(call, status, mock_text_string(&headers), -1);
    mock_text_free(&headers);
}

static void pump_out(struct call *call, int fd)
{
    struct mock_text head = {0};
    size_t head_size;
    char *buffer;
    ssize_t count;

    if (!read_head(fd, &head, &head_size)) {
        mock_text_free(&head);
        call_answer_text(call, 500, "Internal server error.\n");
        return;
    }
    start_answer(call, &head, head_size);
    call_write(call, head.data + head_size, head.size - head_size);
    mock_text_free(&head);
    buffer = mock_text_allocate(WIRE_BUFFER_SIZE);
    do {
        count = read_some(fd, buffer, WIRE_BUFFER_SIZE);
        // What waits is sent before the next read may block: progress lines, and one write for a small
        // answer.
    } while (count > 0 && call_write(call, buffer, (size_t)count) &&
             ((size_t)count == WIRE_BUFFER_SIZE || mock_wire_flush(call->wire)));
    free(buffer);
    if (count == 0)
        call_finish(call);
}

void git_backend_run(struct call *call, const struct git_backend_job *job)
{
    static const char *const argv[] = {"git", "http-backend", NULL};
    char **environment = make_environment(call, job);
    int in;
    int out;
    pid_t pid = git_command_start(argv, environment, &in, &out);
    bool whole = pump_in(call, in);

    close(in);
    if (pid > 0 && whole)
        pump_out(call, out);
    else if (!call->answered && !call->wire->broken)
        call_answer_text(call, 500, "Internal server error.\n");
    close(out);
    if (pid > 0 && (!whole || call->wire->broken))
        kill(pid, SIGTERM);
    if (pid > 0)
        git_command_wait(pid);
    git_command_free_environment(environment);
}
