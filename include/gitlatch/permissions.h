// A set of permissions of a GitHub App token: {"contents": "write", "issues": "read"}.
// Source: GitHub REST documentation, "Permissions required for GitHub Apps".
#ifndef GITLATCH_PERMISSIONS_H
#define GITLATCH_PERMISSIONS_H

#include <stdbool.h>
#include <stddef.h>

#include <gitlatch/attr.h>

#include "bytes.h"

enum permission_level { PERMISSION_NONE, PERMISSION_READ, PERMISSION_WRITE, PERMISSION_ADMIN };

// GitHub documents about 60 permission names; a rule that names more than this is refused.
#define PERMISSIONS_MAX 32
// The longest documented name, `organization_personal_access_token_requests`, has 43 characters.
#define PERMISSION_NAME_SIZE 64

struct permission {
    char name[PERMISSION_NAME_SIZE]; // [a-z_]+, lower case
    enum permission_level level;     // never PERMISSION_NONE
};

// Sorted by name, each name once. All zero is the empty set.
struct permissions {
    size_t count;
    struct permission items[PERMISSIONS_MAX];
};

// "read", "write", "admin"; false for another word.
bool permission_level_parse(struct bytes text, enum permission_level *ret_level) GL_MUST_CHECK;
const char *permission_level_name(enum permission_level level);

// Adds a permission, or raises the one that is there. False when the name is malformed or the set is full.
bool permissions_add(struct permissions *permissions, struct bytes name, enum permission_level level) GL_MUST_CHECK;
// The level of a name; PERMISSION_NONE where it is not there.
enum permission_level permissions_level(const struct permissions *permissions, struct bytes name);
// Whether `outer` grants all that `inner` asks for.
bool permissions_cover(const struct permissions *outer, const struct permissions *inner);
// What both grant: each name at the lower of its two levels.
void permissions_intersect(const struct permissions *a, const struct permissions *b, struct permissions *ret_both);
bool permissions_equal(const struct permissions *a, const struct permissions *b);
// "contents:write,issues:read", sorted, so that it can be part of a key; cut at `size`. Returns its length.
size_t permissions_format(const struct permissions *permissions, char *buffer, size_t size);

#endif
