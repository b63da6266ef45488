// What is there when the mock starts: README.md lists it.
#ifndef GITLATCH_WORLD_SEED_H
#define GITLATCH_WORLD_SEED_H

#include <stdbool.h>

#include <gitlatch/attr.h>

// Makes accounts, installations and repositories, those that the state directory holds from an earlier run
// included.
void world_seed(void);
// Makes the bare directory of a repository: a copy of the repository at `import`, else with a few example
// commits, else empty. Not to be called under the world's lock. False: the copy failed.
bool world_seed_directory(const char *owner, const char *name, const char *import, bool example, bool private)
    GL_MUST_CHECK;

#endif
