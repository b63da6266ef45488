#include "doctor_program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "mem.h"

#define NOT_FOUND 127

static void doctor_program_set_environment(const char *const *environment)
{
    for (; environment && *environment; environment++) {
        if (strchr(*environment, '='))
            putenv((char *)(uintptr_t)*environment);
        else
            unsetenv(*environment);
    }
}

static GL_NORETURN void doctor_program_execute(const struct doctor_program *program, int output)
{
    int null = open("/dev/null", O_RDWR);

    setsid();
    dup2(null, STDIN_FILENO);
    dup2(program->errors_only ? null : output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    doctor_program_set_environment(program->environment);
    if (!program->directory || chdir(program->directory) == 0)
        execvp(program->argv[0], (char *const *)(uintptr_t)program->argv);
    _exit(NOT_FOUND);
}

// False: time is over before it has closed its output.
static bool read_output(int output, struct mono deadline, struct text *text)
{
    struct pollfd wanted = {.fd = output, .events = POLLIN};
    char buffer[16 * 1024];

    for (;;) {
        int64_t left = deadline.ms - clock_mono(clock_real()).ms;
        ssize_t count;

        if (left <= 0 || poll(&wanted, 1, (int)left) == 0)
            return false;
        count = read(output, buffer, sizeof(buffer));
        if (count == 0)
            return true;
        if (count > 0)
            text_append_bytes(text, bytes_of(buffer, (size_t)count));
        else if (errno != EINTR)
            return true;
    }
}

enum doctor_program_end doctor_program_run(const struct doctor_program *program, int64_t timeout_ms,
                                           struct text *ret_output, int *ret_status)
{
    struct mono deadline = {clock_mono(clock_real()).ms + timeout_ms};
    int ends[2], status = 0;
    bool ended;
    pid_t child;

    text_init(ret_output, DOCTOR_PROGRAM_OUTPUT_MAX);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return DOCTOR_PROGRAM_FAILED;
    child = fork();
    if (child == 0)
        doctor_program_execute(program, ends[1]);
    close(ends[1]);
    ended = child > 0 && read_output(ends[0], deadline, ret_output);
    close(ends[0]);
    if (child < 0)
        return DOCTOR_PROGRAM_FAILED;
    // Its session is its own: what it has started goes with it.
    if (!ended)
        kill(-child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    *ret_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return ended ? DOCTOR_PROGRAM_EXITED : DOCTOR_PROGRAM_TIMED_OUT;
}

bool doctor_program_is_found(const char *name)
{
    struct bytes path = bytes_of_string(getenv("PATH")), folder;
    bool more = true, found = false;

    while (more && !found) {
        more = bytes_cut(path, ':', &folder, &path);
        char *file = mem_format("%.*s/%s", (int)folder.size, folder.size ? folder.data : "", name);
        found = folder.size > 0 && access(file, X_OK) == 0;
        mem_free(file);
    }
    return found;
}
