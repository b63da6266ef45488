#include "git_command.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mock_setting.h"
#include "mock_text.h"

// Four times the usual size, for fewer switches; 64 gits at once stay below the 64 MiB that one user's pipes
// may take together (pipe(7), pipe-user-pages-soft).
#define GIT_PIPE_SIZE ((int)(256 * KIB))

static char *configuration;
static char *home;

void git_command_configure(const char *state_directory)
{
    FILE *file;

    home = mock_text_copy(state_directory);
    configuration = mock_text_format("%s/gitconfig", state_directory);
    file = fopen(configuration, "we");
    if (!file)
        err(1, "%s", configuration);
    fprintf(file,
            "# The settings of the mock GitHub's own git, as near to GitHub's as they go.\n"
            "[user]\n\tname = Mock GitHub\n\temail = noreply@github.com\n"
            "[init]\n\tdefaultBranch = main\n"
            "[safe]\n\tdirectory = *\n"
            "[gc]\n\tauto = 0\n"
            "[http]\n\treceivepack = true\n\tmaxRequestBuffer = 100m\n"
            "[uploadpack]\n\tallowFilter = true\n\tallowAnySHA1InWant = true\n\thideRefs = refs/internal\n"
            "[receive]\n\tadvertisePushOptions = true\n\tautogc = false\n\tprocReceiveRefs = refs\n"
            "\thideRefs = refs/pull\n\thideRefs = refs/internal\n\tdenyDeleteCurrent = refuse\n"
            "[core]\n\thooksPath = %s/hooks\n"
            "\tfsync = none\n", // the state need not outlive a power cut
            state_directory);
    if (fclose(file) != 0)
        err(1, "%s", configuration);
}

char **git_command_environment(const char *const *extra)
{
    const char *path = getenv("PATH");
    size_t count = 0;
    char **environment;

    while (extra && extra[count])
        count++;
    environment = mock_text_allocate((count + 7) * sizeof(*environment));
    environment[0] = mock_text_format("PATH=%s", path ? path : "/usr/local/bin:/usr/bin:/bin");
    environment[1] = mock_text_format("HOME=%s", home);
    environment[2] = mock_text_format("GIT_CONFIG_GLOBAL=%s", configuration);
    environment[3] = mock_text_copy("GIT_CONFIG_NOSYSTEM=1");
    environment[4] = mock_text_copy("GIT_USER_AGENT=git/github-mock");
    environment[5] = mock_text_copy("LC_ALL=C.UTF-8");
    for (size_t i = 0; i < count; i++)
        environment[6 + i] = mock_text_copy(extra[i]);
    return environment;
}

void git_command_free_environment(char **environment)
{
    for (char **entry = environment; *entry; entry++)
        free(*entry);
    free(environment);
}

static void make_pipe(int *ret_read, int *ret_write)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        err(1, "pipe");
    fcntl(ends[0], F_SETPIPE_SZ, GIT_PIPE_SIZE);
    *ret_read = ends[0];
    *ret_write = ends[1];
}

// The mock ignores and blocks signals that a child must have in their usual state.
static void reset_signals(posix_spawnattr_t *attributes)
{
    sigset_t none;
    sigset_t usual;

    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &usual);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

pid_t git_command_start(const char *const *argv, char *const *environment, int *ret_in, int *ret_out)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int child_in;
    int child_out;
    int in;
    int out;
    pid_t pid;
    int problem;
    union {
        const char *const *constant;
        char *const *plain;
    } arguments = {.constant = argv};

    make_pipe(&child_in, &in);
    make_pipe(&out, &child_out);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    reset_signals(&attributes);
    posix_spawn_file_actions_adddup2(&actions, child_in, 0);
    posix_spawn_file_actions_adddup2(&actions, child_out, 1);
    problem = posix_spawnp(&pid, argv[0], &actions, &attributes, arguments.plain, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(child_in);
    close(child_out);
    *ret_in = in;
    *ret_out = out;
    if (problem) {
        warnx("%s: %s", argv[0], strerror(problem));
        return -1;
    }
    return pid;
}

int git_command_wait(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return 127;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void feed(int fd, const struct mock_text *input)
{
    size_t at = 0;

    while (input && at < input->size) {
        ssize_t count = write(fd, input->data + at, input->size - at);

        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        at += (size_t)count;
    }
    close(fd);
}

static void collect(int fd, struct mock_text *output)
{
    struct mock_text waste = {0};
    struct mock_text *to = output ? output : &waste;
    ssize_t count;

    do {
        count = read(fd, mock_text_reserve(to, 16 * KIB), 16 * KIB);
        if (count > 0)
            to->size += (size_t)count;
        if (!output)
            mock_text_clear(&waste);
    } while (count > 0 || (count < 0 && errno == EINTR));
    mock_text_add(to, "", 0);
    mock_text_free(&waste);
    close(fd);
}

bool git_command_run_with(const char *directory, const char *const *arguments, const char *const *extra,
                          const struct mock_text *input, struct mock_text *output)
{
    const char *argv[40] = {"git", "-C", directory};
    char **environment = git_command_environment(extra);
    size_t count = 3;
    int in;
    int out;
    pid_t pid;

    for (; *arguments && count < GL_ARRAY_SIZE(argv) - 1; arguments++)
        argv[count++] = *arguments;
    pid = git_command_start(argv, environment, &in, &out);
    feed(in, input);
    collect(out, output);
    git_command_free_environment(environment);
    return pid > 0 && git_command_wait(pid) == 0;
}

bool git_command_run(const char *directory, const char *const *arguments, const struct mock_text *input,
                     struct mock_text *output)
{
    return git_command_run_with(directory, arguments, NULL, input, output);
}

char *git_command_line(const char *directory, const char *const *arguments)
{
    struct mock_text output = {0};

    if (!git_command_run(directory, arguments, NULL, &output)) {
        mock_text_free(&output);
        return NULL;
    }
    output.data[strcspn(output.data, "\n")] = '\0';
    return output.data;
}
