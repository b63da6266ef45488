// What a fuzz target is: one function that takes any bytes and aborts where an invariant does not hold.
#ifndef GITLATCH_FUZZ_H
#define GITLATCH_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define FUZZ_CHECK(condition)                                                                                          \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                             \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

// The name is libFuzzer's. `data` has exactly `size` bytes; returns 0.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
