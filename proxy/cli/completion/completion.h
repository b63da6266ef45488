// Shell completion, made from the commands' own tables.
#ifndef GITLATCH_COMPLETION_H
#define GITLATCH_COMPLETION_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "text.h"

#define COMPLETION_SHELLS "bash zsh fish"

// Appends the script of a shell. False: there is none for it.
bool completion_append(const char *shell, struct text *text) GL_MUST_CHECK;

#endif
