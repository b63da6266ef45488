// Runs git on the mock's bare repositories.
#ifndef GITLATCH_GIT_COMMAND_H
#define GITLATCH_GIT_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

#include <gitlatch/attr.h>

struct mock_text;

// Writes the git configuration that all of the mock's git processes have. Once, before any other call.
void git_command_configure(const char *state_directory);
// The environment of a child: PATH and the mock's own git configuration, then `extra` (NULL at the end; may
// be NULL itself). Free the array with git_command_free_environment.
char **git_command_environment(const char *const *extra);
void git_command_free_environment(char **environment);

// Starts a program with two pipes; descriptors -1 where not wanted. Its stderr is the mock's own.
pid_t git_command_start(const char *const *argv, char *const *environment, int *ret_in, int *ret_out);
// Waits for it; its exit status, or 128 + the signal.
int git_command_wait(pid_t pid);

// Runs `git -C directory …` to its end: `input` (may be NULL) goes in, what it prints is added to `output`
// (may be NULL). True when it exits 0.
bool git_command_run(const char *directory, const char *const *arguments, const struct mock_text *input,
                     struct mock_text *output);
// The same with more environment, "NAME=value", NULL at the end.
bool git_command_run_with(const char *directory, const char *const *arguments, const char *const *extra,
                          const struct mock_text *input, struct mock_text *output);
// The first line that git prints, owned by the caller; NULL when it fails.
char *git_command_line(const char *directory, const char *const *arguments);

// argv for the calls above.
#define GIT_ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
