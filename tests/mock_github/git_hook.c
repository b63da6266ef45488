#include "git_hook.h"

#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "git_command.h"
#include "mock_text.h"

// A pkt-line's payload (gitprotocol-common).
#define PACKET_MAX 65516

static const char *const names[] = {"pre-receive", "proc-receive"};

void git_hook_install(const char *state_directory)
{
    char program[PATH_MAX] = "";
    char *directory = mock_text_format("%s/hooks", state_directory);

    if (readlink("/proc/self/exe", program, sizeof(program) - 1) < 0)
        err(1, "/proc/self/exe");
    if (mkdir(directory, 0755) != 0 && errno != EEXIST)
        err(1, "%s", directory);
    for (size_t i = 0; i < GL_ARRAY_SIZE(names); i++) {
        char *path = mock_text_format("%s/%s", directory, names[i]);

        unlink(path);
        if (symlink(program, path) != 0)
            err(1, "%s", path);
        free(path);
    }
    free(directory);
}

// Runs git in the environment that receive-pack gave us; what it prints is added to `output`.
static void run_git(const char *const *argv, struct mock_text *output)
{
    int in;
    int out;
    pid_t pid = git_command_start(argv, environ, &in, &out);
    ssize_t count;

    close(in);
    do {
        count = read(out, mock_text_reserve(output, 64 * KIB), 64 * KIB);
        if (count > 0)
            output->size += (size_t)count;
    } while (count > 0);
    mock_text_add(output, "", 0);
    close(out);
    if (pid > 0)
        git_command_wait(pid);
}

static int64_t size_limit(void)
{
    const char *limit = getenv("MOCK_GITHUB_MAX_OBJECT");

    return limit ? strtoll(limit, NULL, 10) : INT64_MAX;
}

// The objects of the push lie in a directory of their own until the hook agrees: those that are too large,
// with their sizes. Returns how many.
static int report_large_objects(void)
{
    struct mock_text objects = {0};
    struct bytes rest;
    struct bytes line;
    int found = 0;

    unsetenv("GIT_ALTERNATE_OBJECT_DIRECTORIES");
    run_git(GIT_ARGUMENTS("git", "cat-file", "--batch-all-objects", "--batch-check=%(objectsize) %(objectname)",
                          "--unordered"),
            &objects);
    rest = bytes_of(objects.data, objects.size);
    while (bytes_cut(rest, '\n', &line, &rest)) {
        if (strtoll(line.data, NULL, 10) <= size_limit())
            continue;
        found++;
        fprintf(stderr, "error: File %.40s is %.2f MB; this exceeds GitHub's file size limit of %.2f MB\n",
                strchr(line.data, ' ') + 1, strtod(line.data, NULL) / (double)MIB, (double)size_limit() / (double)MIB);
    }
    mock_text_free(&objects);
    return found;
}

static int pre_receive(void)
{
    if (report_large_objects() == 0)
        return 0;
    fprintf(stderr, "error: GH001: Large files detected. You may want to try Git Large File Storage - "
                    "https://git-lfs.github.com.\n");
    return 1;
}

// One pkt-line of stdin, NUL-terminated. False: a flush, or the end.
static bool read_packet(char *buffer)
{
    char digits[5] = "";
    size_t size;

    if (fread(digits, 1, 4, stdin) != 4)
        return false;
    size = strtoul(digits, NULL, 16);
    if (size < 4 || size - 4 > PACKET_MAX || fread(buffer, 1, size - 4, stdin) != size - 4)
        return false;
    buffer[size - 4] = '\0';
    return true;
}

static void write_packet(const char *data, size_t size)
{
    printf("%04zx", size + 4);
    fwrite(data, 1, size, stdout);
}

static void answer_ref(const char *ref, const char *reason)
{
    char *line = reason ? mock_text_format("ng %s %s", ref, reason) : mock_text_format("ok %s", ref);

    write_packet(line, strlen(line));
    if (!reason)
        write_packet("option fall-through", 19);
    free(line);
}

// The first workflow that commits new to the repository touch, owned by the caller; NULL: none.
static char *touched_workflow(const char *commit)
{
    struct mock_text paths = {0};
    size_t size;

    if (strspn(commit, "0") == strlen(commit))
        return NULL;
    run_git(GIT_ARGUMENTS("git", "log", "-m", "--format=", "--name-only", commit, "--not", "--all", "--",
                          ".github/workflows"),
            &paths);
    size = strcspn(paths.data, "\n");
    paths.data[size] = '\0';
    if (size == 0) {
        mock_text_free(&paths);
        return NULL;
    }
    return paths.data;
}

// What GitHub says of a ref; owned by the caller, NULL: nothing against it.
static char *judge(const char *commit)
{
    const char *allowed = getenv("MOCK_GITHUB_WORKFLOWS");
    char *workflow;
    char *reason;

    if (!allowed || strcmp(allowed, "0") != 0)
        return NULL;
    workflow = touched_workflow(commit);
    if (!workflow)
        return NULL;
    reason = mock_text_format("refusing to allow a GitHub App to create or update workflow `%s` without `workflows` "
                              "permission",
                              workflow);
    free(workflow);
    return reason;
}

struct command {
    char commit[80];
    char *ref;
    char *reason;
};

// One git for each commit, not for each ref: a push may name ten thousand refs.
static char *judge_once(const char *commit, const struct command *before, size_t count)
{
    const struct command *last = count > 0 ? &before[count - 1] : NULL;

    if (!last || strcmp(last->commit, commit) != 0)
        return judge(commit);
    return last->reason ? mock_text_copy(last->reason) : NULL;
}

// Reads the commands up to their flush; returns how many were judged bad.
static int read_commands(struct command **ret_commands, size_t *ret_count)
{
    char *line = mock_text_allocate(PACKET_MAX + 1);
    char old[80];
    int bad = 0;

    while (read_packet(line)) {
        struct command command = {.ref = mock_text_allocate(strlen(line) + 1)};
        struct command *more = realloc(*ret_commands, (*ret_count + 1) * sizeof(command));

        if (!more || sscanf(line, "%79s %79s %s", old, command.commit, command.ref) != 3)
            abort();
        command.reason = judge_once(command.commit, more, *ret_count);
        bad += command.reason != NULL;
        more[(*ret_count)++] = command;
        *ret_commands = more;
    }
    free(line);
    return bad;
}

// See githooks(5), proc-receive. A ref that we do not refuse falls through to receive-pack.
static int proc_receive(void)
{
    static const char version[] = "version=1\0atomic";
    char *line = mock_text_allocate(PACKET_MAX + 1);
    struct command *commands = NULL;
    size_t count = 0;
    bool atomic = false;
    int bad;

    while (read_packet(line))
        atomic |= strstr(line + strlen(line) + 1, "atomic") != NULL;
    write_packet(version, sizeof(version) - 1);
    printf("0000");
    fflush(stdout);
    bad = read_commands(&commands, &count);
    for (size_t i = 0; i < count; i++) {
        const char *reason = commands[i].reason;

        answer_ref(commands[i].ref, reason ? reason : atomic && bad > 0 ? "atomic transaction failed" : NULL);
        free(commands[i].ref);
        free(commands[i].reason);
    }
    printf("0000");
    free(commands);
    free(line);
    return fflush(stdout) == 0 ? 0 : 1;
}

bool git_hook_run(const char *program, int *ret_exit)
{
    const char *slash = strrchr(program, '/');
    const char *name = slash ? slash + 1 : program;

    if (strcmp(name, "pre-receive") == 0)
        *ret_exit = pre_receive();
    else if (strcmp(name, "proc-receive") == 0)
        *ret_exit = proc_receive();
    else
        return false;
    return true;
}
