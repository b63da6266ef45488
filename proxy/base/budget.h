// The memory in which bodies and answers are held, of all requests together (`limits.memory`). Of the loop's thread alone.
#ifndef GITLATCH_BUDGET_H
#define GITLATCH_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

#include <gitlatch/attr.h>

#include "bytes.h"

// What each request may hold beside the budget, so that a request of usual size is served however much others hold: a push
// of a hundred refs and an LFS batch of a hundred objects have less. 1,024 requests hold 32 MiB so.
#define BUDGET_LEAST ((size_t)32 * KIB)

// What one request holds. Embedded by its owner; all zero holds nothing.
struct budget_share {
    size_t size;
};

// 64 MiB until it is set. What is held stays held, also above a lower limit.
void budget_set(size_t limit);
// Bytes that are held of the budget.
size_t budget_used(void);

// Holds `size` bytes more. False: the budget does not have them, and nothing was changed.
bool budget_hold(struct budget_share *share, size_t size) GL_MUST_CHECK;
// Holds no more than `size` bytes of what it holds.
void budget_keep(struct budget_share *share, size_t size);

#endif
