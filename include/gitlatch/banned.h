// Calls that this house does not make: each has a form that cannot overrun, leak a descriptor or split a thread.
// Included before every file by the build. The system's own headers come first, since they declare these names.
#ifndef GITLATCH_BANNED_H
#define GITLATCH_BANNED_H

#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// With _FORTIFY_SOURCE some of them are macros, which clang does not let be poisoned.
#undef sprintf
#undef vsprintf
#undef alloca
#pragma GCC poison strcpy strcat sprintf vsprintf gets strtok
#pragma GCC poison alloca system tmpnam mktemp

#endif
