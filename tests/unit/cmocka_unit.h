// cmocka with the headers that it wants before it.
#ifndef GITLATCH_CMOCKA_UNIT_H
#define GITLATCH_CMOCKA_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
