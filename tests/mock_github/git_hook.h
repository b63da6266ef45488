// The hooks of the mock's bare repositories: what GitHub refuses in a push. The program is its own hook: git
// calls it under the hook's name.
#ifndef GITLATCH_GIT_HOOK_H
#define GITLATCH_GIT_HOOK_H

#include <stdbool.h>

#include <gitlatch/attr.h>

// Puts the hooks into DIRECTORY/hooks, as links to this program.
void git_hook_install(const char *state_directory);
// Whether the program was called as a hook: then *ret_exit is what it ends with.
bool git_hook_run(const char *program, int *ret_exit) GL_MUST_CHECK;

#endif
