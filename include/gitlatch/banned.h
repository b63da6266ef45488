// Calls that this house does not make: each has a form that cannot overrun, leak a descriptor or split a thread.
// Included before every file by the build. The system's own headers come first, since they declare these names.
#ifndef GITLATCH_BANNED_H
#define GITLATCH_BANNED_H

#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC poison strcpy strcat sprintf vsprintf gets strtok
#undef alloca
#pragma GCC poison alloca system tmpnam mktemp

#endif
