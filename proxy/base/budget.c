#include "budget.h"

#define DEFAULT_LIMIT ((size_t)64 * MIB)

static size_t limit = DEFAULT_LIMIT;
static size_t used;

void budget_set(size_t new_limit)
{
    limit = new_limit;
}

size_t budget_used(void)
{
    return used;
}

static size_t beside_least(size_t size)
{
    return size > BUDGET_LEAST ? size - BUDGET_LEAST : 0;
}

bool budget_hold(struct budget_share *share, size_t size)
{
    size_t more = beside_least(share->size + size) - beside_least(share->size);

    if (more > 0 && used + more > limit)
        return false;
    used += more;
    share->size += size;
    return true;
}

void budget_keep(struct budget_share *share, size_t size)
{
    if (size >= share->size)
        return;
    used -= beside_least(share->size) - beside_least(size);
    share->size = size;
}
