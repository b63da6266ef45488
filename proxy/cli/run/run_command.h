// The command of `gitlatch run`: it runs as if it had been started alone.
#ifndef GITLATCH_RUN_COMMAND_H
#define GITLATCH_RUN_COMMAND_H

#include <sys/types.h>

// Exit statuses of a command that did not run, as of a shell (POSIX, XCU 2.8.2).
#define RUN_COMMAND_NOT_EXECUTABLE 126
#define RUN_COMMAND_NOT_FOUND      127

// Runs it, in our process group and with the environment of this process, until it ends; passes on what
// signals are sent to this process, and stops with it. `companion` is another child: should it end, that is
// said on stderr, once. Gives the status of waitpid.
int run_command(char *const *argv, pid_t companion);

// Ends this process as that one ended: with its status, or by its signal.
int run_command_exit(int status);

#endif
