#include "name_list.h"

#include "mem.h"

// One block holds the pointers and, behind them, the names.
struct name_list name_list_copy(const struct name_list *list)
{
    size_t size = list->count * sizeof(char *);
    const char **names;
    char *at;

    for (size_t i = 0; i < list->count; i++)
        size += strlen(list->names[i]) + 1;
    names = mem_alloc(size);
    at = (char *)(names + list->count);
    for (size_t i = 0; i < list->count; i++) {
        names[i] = at;
        at = stpcpy(at, list->names[i]) + 1;
    }
    return (struct name_list){names, list->count};
}

void name_list_clear(struct name_list *copy)
{
    union {
        const char *const *names;
        void *block;
    } owned = {copy->names};

    mem_free(owned.block);
    *copy = (struct name_list){0};
}
