#include "run_command.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

// Rules of the terminal
//   1. The command is in our process group, so that it has the terminal that we have: what is typed (Ctrl-C,
//      Ctrl-Z, Ctrl-\) and what the terminal reports (its size, its end) reaches it from the kernel, without us.
//   2. What a process sends to us alone is passed on. `si_code` says which of the two it is.
//   3. When the command stops, we stop, so that the shell sees its job stop, and not before: else the
//      shell's SIGCONT could come between our stop and the command's.

static const int passed[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
// Passed on too; they stop us when the command has stopped, not when they come.
static const int stopping[] = {SIGTSTP, SIGTTIN, SIGTTOU};

struct supervision {
    pid_t command;
    pid_t companion;
    struct sigaction child_before; // the caller's SIGCHLD, and his mask: the command gets them back
    sigset_t mask_before;
    int status;
};

static void run_command_take_signals(struct supervision *supervision, sigset_t *ret_waited)
{
    const struct sigaction standard = {.sa_handler = SIG_DFL};

    sigemptyset(ret_waited);
    sigaddset(ret_waited, SIGCHLD);
    for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
        sigaddset(ret_waited, passed[i]);
    for (size_t i = 0; i < sizeof(stopping) / sizeof(stopping[0]); i++)
        sigaddset(ret_waited, stopping[i]);
    // A process that ignores SIGCHLD does not learn of a child's end.
    sigaction(SIGCHLD, &standard, &supervision->child_before);
    sigprocmask(SIG_BLOCK, ret_waited, &supervision->mask_before);
}

static void run_command_execute(const struct supervision *supervision, char *const *argv)
{
    sigaction(SIGCHLD, &supervision->child_before, NULL);
    sigprocmask(SIG_SETMASK, &supervision->mask_before, NULL);
    execvp(argv[0], argv);
    fprintf(stderr, "gitlatch run: %s: %s\n", argv[0], strerror(errno));
    _exit(errno == ENOENT ? RUN_COMMAND_NOT_FOUND : RUN_COMMAND_NOT_EXECUTABLE);
}

static void pass_on(const struct supervision *supervision, const siginfo_t *info)
{
    bool from_terminal = info->si_code > 0;
    // `kill 0` in the command has reached it already.
    bool from_command = info->si_pid == supervision->command;

    if (!from_terminal && !from_command)
        kill(supervision->command, info->si_signo);
}

static void stop_too(const struct supervision *supervision)
{
    raise(SIGSTOP);
    // Whoever continued us may not have continued the command.
    kill(supervision->command, SIGCONT);
}

// Looks what the children did. True: the command has ended.
static bool run_command_reap(struct supervision *supervision)
{
    pid_t child;
    int status;

    while ((child = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
        if (child == supervision->command && WIFSTOPPED(status)) {
            stop_too(supervision);
        } else if (child == supervision->command) {
            supervision->status = status;
            return true;
        } else if (child == supervision->companion && !WIFSTOPPED(status)) {
            fputs("gitlatch run: the proxy ended unexpectedly; GitHub cannot be reached from here any more\n", stderr);
        }
    }
    return false;
}

int run_command(char *const *argv, pid_t companion)
{
    struct supervision supervision = {.companion = companion};
    bool ended = false;
    siginfo_t info;
    sigset_t waited;

    run_command_take_signals(&supervision, &waited);
    supervision.command = fork();
    if (supervision.command == 0)
        run_command_execute(&supervision, argv);
    if (supervision.command < 0) {
        fprintf(stderr, "gitlatch run: no process for the command: %s\n", strerror(errno));
        return RUN_COMMAND_NOT_EXECUTABLE << 8;
    }
    while (!ended) {
        int number = sigwaitinfo(&waited, &info);

        if (number == SIGCHLD)
            ended = run_command_reap(&supervision);
        else if (number > 0)
            pass_on(&supervision, &info);
    }
    return supervision.status;
}

int run_command_exit(int status)
{
    const struct sigaction standard = {.sa_handler = SIG_DFL};
    const struct rlimit none = {0, 0};
    sigset_t number;

    if (!WIFSIGNALED(status))
        return WEXITSTATUS(status);
    // The command's core has been dumped, if any; ours would show nothing.
    setrlimit(RLIMIT_CORE, &none);
    sigaction(WTERMSIG(status), &standard, NULL);
    sigemptyset(&number);
    sigaddset(&number, WTERMSIG(status));
    raise(WTERMSIG(status));
    sigprocmask(SIG_UNBLOCK, &number, NULL);
    return 128 + WTERMSIG(status);
}
