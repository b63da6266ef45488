#include "ssh_guard.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "mem.h"
#include "text.h"

// The user's own GIT_SSH_COMMAND, while the guard stands in its place.
#define USERS_COMMAND "GITLATCH_SSH_COMMAND"
// ssh(1): its own failures.
#define SSH_FAILED 255
// ssh(1): the options that take a value.
#define SSH_VALUE_OPTIONS "BbcDEeFIiJLlmOoPpQRSWw"
// A name that `ssh -G` prints, or a line of `git config`.
#define LINE_MAX_SIZE 4096

static const char help[] = "Usage: gitlatch ssh-guard HOST... -- ARGUMENT...\n"
                           "\n"
                           "What git runs for SSH under `gitlatch run`, which sets GIT_SSH_COMMAND. To one of\n"
                           "HOSTs it is refused, for there it would go past gitlatch, and the setting that led\n"
                           "to SSH is named. For others ssh, or the user's own command, runs with ARGUMENTs.\n";

// The environment.

static void append_quoted(struct text *text, const char *word)
{
    text_append(text, "'");
    for (; *word; word++) {
        if (*word == '\'')
            text_append(text, "'\\''");
        else
            text_append_char(text, *word);
    }
    text_append(text, "'");
}

void ssh_guard_set_environment(const struct config *config)
{
    const char *users = getenv("GIT_SSH_COMMAND");
    char self[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
    struct text text = {0};

    self[size > 0 ? size : 0] = '\0';
    append_quoted(&text, size > 0 ? self : "gitlatch");
    text_append(&text, " ssh-guard");
    for (size_t i = 0; i < config->github_count; i++)
        text_format(&text, " %s", config->githubs[i].host.web);
    for (size_t i = 0; i < config->host_count; i++)
        text_format(&text, " %s", config->hosts[i].host.name);
    text_append(&text, " --");
    if (users && *users)
        setenv(USERS_COMMAND, users, 1);
    setenv("GIT_SSH_COMMAND", text_string(&text), 1);
    // git guesses what kind of program it is by its name, or runs it with -G.
    if (!getenv("GIT_SSH_VARIANT"))
        setenv("GIT_SSH_VARIANT", "ssh", 1);
    text_free(&text);
}

// The guard.

// The index of the destination among ssh's arguments; `count` where there is none.
static int find_destination(int count, char **arguments)
{
    for (int i = 0; i < count; i++) {
        if (arguments[i][0] != '-' || arguments[i][1] == '\0')
            return i;
        // "-p 22" and "-p22"; flags that take nothing may stand together before one that does: "-4p 22".
        for (const char *flag = arguments[i] + 1; *flag; flag++) {
            if (strchr(SSH_VALUE_OPTIONS, *flag)) {
                i += flag[1] == '\0';
                break;
            }
        }
    }
    return count;
}

// Starts a program whose output is read; NULL: it cannot be started. `ret_pid` -1: there is no process.
static FILE *open_output(char *const *argv, pid_t *ret_pid)
{
    int ends[2];

    *ret_pid = -1;
    if (pipe(ends) != 0)
        return NULL;
    *ret_pid = fork();
    if (*ret_pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execvp(argv[0], argv);
        _exit(SSH_FAILED);
    }
    close(ends[1]);
    return fdopen(ends[0], "r");
}

static void close_output(FILE *output, pid_t pid)
{
    if (output)
        fclose(output);
    if (pid > 0)
        waitpid(pid, NULL, 0);
}

// The host that ssh would connect to, after its own configuration (`Host gh`, `HostName github.com`); "": not known.
static void resolve_host(int count, char **arguments, char ret_host[LINE_MAX_SIZE])
{
    char **argv = mem_alloc_zero((size_t)count + 3, sizeof(*argv));
    char line[LINE_MAX_SIZE];
    FILE *output;
    pid_t pid;

    ret_host[0] = '\0';
    argv[0] = (char[]){"ssh"};
    argv[1] = (char[]){"-G"};
    for (int i = 0; i < count; i++)
        argv[i + 2] = arguments[i];
    output = open_output(argv, &pid);
    while (output && fgets(line, sizeof(line), output))
        sscanf(line, "hostname %4095s", ret_host);
    close_output(output, pid);
    mem_free(argv);
}

// "github.com", "ssh.github.com" and "git@GITHUB.com." are GitHub's.
static bool is_guarded(const char *destination, char **hosts, int host_count)
{
    const char *at = strrchr(destination, '@'), *host = at ? at + 1 : destination;
    size_t size = strlen(host);

    size -= size > 0 && host[size - 1] == '.';
    for (int i = 0; i < host_count; i++) {
        size_t guarded = strlen(hosts[i]);

        if (size >= guarded && strncasecmp(host + size - guarded, hosts[i], guarded) == 0 &&
            (size == guarded || host[size - guarded - 1] == '.'))
            return true;
    }
    return false;
}

// Names the settings of git's that lead to these hosts: "file:/home/ada/.gitconfig  url.git@github.com:.insteadof …".
static void print_settings(char **hosts, int host_count)
{
    char *const argv[] = {(char[]){"git"},
                          (char[]){"config"},
                          (char[]){"--show-origin"},
                          (char[]){"--get-regexp"},
                          (char[]){"^(url\\..*\\.(push)?insteadof|remote\\..*\\.(push)?url)$"},
                          NULL};
    char line[LINE_MAX_SIZE];
    pid_t pid;
    FILE *output = open_output(argv, &pid);

    while (output && fgets(line, sizeof(line), output)) {
        for (int i = 0; i < host_count; i++) {
            // What leads to HTTPS is ours, or harmless.
            if (strcasestr(line, hosts[i]) && !strstr(line, "url.https://"))
                fprintf(stderr, "gitlatch:   %s", line);
        }
    }
    close_output(output, pid);
}

static int refuse_destination(const char *destination, char **hosts, int host_count)
{
    fprintf(stderr, "gitlatch: SSH to %s is refused: it would go past gitlatch, with no rule and no audit event.\n",
            destination);
    fputs("gitlatch: git goes there by one of these settings; take it out, or use https:// in it:\n", stderr);
    print_settings(hosts, host_count);
    return SSH_FAILED;
}

// git runs GIT_SSH_COMMAND by a shell, and core.sshCommand is the same thing in a file.
static int go_on(char **arguments)
{
    static char script[] = "command=${" USERS_COMMAND ":-$(git config core.sshCommand || echo \"${GIT_SSH:-ssh}\")}\n"
                           "unset " USERS_COMMAND "\n"
                           "eval \"exec $command\" '\"$@\"'\n";
    size_t count = 0;

    while (arguments[count])
        count++;
    char **argv = mem_alloc_zero(count + 5, sizeof(*argv));
    argv[0] = (char[]){"sh"};
    argv[1] = (char[]){"-c"};
    argv[2] = script;
    argv[3] = (char[]){"ssh"};
    memcpy(argv + 4, arguments, count * sizeof(*argv));
    execv("/bin/sh", argv);
    perror("gitlatch ssh-guard: /bin/sh");
    return SSH_FAILED;
}

// It parses none of ssh's own: the table is for the completion.
static const struct option options[] = {
    COMMAND_OPTION_HELP,
    {NULL, 0, NULL, 0},
};

static int ssh_guard_run(const struct command *command, int argc, char **argv)
{
    char host[LINE_MAX_SIZE];
    int hosts = 1, first, at;

    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return command_help(command);
    while (hosts < argc && strcmp(argv[hosts], "--") != 0)
        hosts++;
    if (hosts == argc)
        return command_misused(command, "is run by git: gitlatch ssh-guard HOST... -- ARGUMENT...");
    first = hosts + 1;
    at = first + find_destination(argc - first, argv + first);
    if (at == argc)
        return go_on(argv + first);
    resolve_host(at - first + 1, argv + first, host);
    if (is_guarded(argv[at], argv + 1, hosts - 1) || is_guarded(host, argv + 1, hosts - 1))
        return refuse_destination(argv[at], argv + 1, hosts - 1);
    return go_on(argv + first);
}

const struct command command_ssh_guard = {
    .name = "ssh-guard",
    .summary = "what git runs for SSH under `gitlatch run`",
    .help = help,
    .short_options = "+:h",
    .options = options,
    .run = ssh_guard_run,
};
