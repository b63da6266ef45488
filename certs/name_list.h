// Names of hosts or files, in order.
#ifndef GITLATCH_NAME_LIST_H
#define GITLATCH_NAME_LIST_H

#include <stddef.h>

#include <gitlatch/attr.h>

struct name_list {
    const char *const *names;
    size_t count;
};

// A copy that owns its names. Give it to name_list_clear.
struct name_list name_list_copy(const struct name_list *list) GL_MUST_CHECK;
void name_list_clear(struct name_list *copy);

#endif
