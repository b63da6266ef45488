#include "git_host_kind.h"

#define DECLARE(NAME, name, word) extern const struct git_host_kind git_host_##name##_kind;
GIT_HOST_TYPES(DECLARE)

#define KIND(NAME, name, word) [GIT_HOST_##NAME] = &git_host_##name##_kind,
static const struct git_host_kind *const kinds[GIT_HOST_TYPE_COUNT] = {GIT_HOST_TYPES(KIND)};

#define WORD(NAME, name, word) [GIT_HOST_##NAME] = (word),
const char *const git_host_type_words[GIT_HOST_TYPE_COUNT + 1] = {GIT_HOST_TYPES(WORD)};

const struct git_host_kind *git_host_kind(enum git_host_type type)
{
    return kinds[type];
}
