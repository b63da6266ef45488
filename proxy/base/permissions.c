#include <gitlatch/permissions.h>

static const char *const level_names[] = {
    [PERMISSION_NONE] = "none",
    [PERMISSION_READ] = "read",
    [PERMISSION_WRITE] = "write",
    [PERMISSION_ADMIN] = "admin",
};

bool permission_level_parse(struct bytes text, enum permission_level *ret_level)
{
    for (enum permission_level level = PERMISSION_READ; level <= PERMISSION_ADMIN; level++)
        if (bytes_equal(text, bytes_of_string(level_names[level]))) {
            *ret_level = level;
            return true;
        }
    return false;
}

const char *permission_level_name(enum permission_level level)
{
    return level_names[level];
}

static bool name_is_valid(struct bytes name)
{
    if (name.size == 0 || name.size >= PERMISSION_NAME_SIZE)
        return false;
    for (size_t i = 0; i < name.size; i++)
        if (name.data[i] != '_' && (name.data[i] < 'a' || name.data[i] > 'z'))
            return false;
    return true;
}

// Where the name is, or where it would have to be.
static size_t position(const struct permissions *permissions, struct bytes name, bool *ret_found)
{
    size_t i;

    for (i = 0; i < permissions->count; i++) {
        struct bytes here = bytes_of_string(permissions->items[i].name);
        size_t shorter = here.size < name.size ? here.size : name.size;
        int order = memcmp(here.data, name.data, shorter);

        if (order == 0 && here.size == name.size) {
            *ret_found = true;
            return i;
        }
        if (order > 0 || (order == 0 && here.size > name.size))
            break;
    }
    *ret_found = false;
    return i;
}

bool permissions_add(struct permissions *permissions, struct bytes name, enum permission_level level)
{
    struct permission *item;
    bool found;
    size_t at;

    if (!name_is_valid(name) || level == PERMISSION_NONE)
        return false;
    at = position(permissions, name, &found);
    item = &permissions->items[at];
    if (found) {
        if (item->level < level)
            item->level = level;
        return true;
    }
    if (permissions->count == PERMISSIONS_MAX)
        return false;
    memmove(item + 1, item, (permissions->count - at) * sizeof(*item));
    permissions->count++;
    memset(item, 0, sizeof(*item));
    memcpy(item->name, name.data, name.size);
    item->level = level;
    return true;
}

enum permission_level permissions_level(const struct permissions *permissions, struct bytes name)
{
    bool found;
    size_t at;

    if (!name_is_valid(name))
        return PERMISSION_NONE;
    at = position(permissions, name, &found);
    return found ? permissions->items[at].level : PERMISSION_NONE;
}

bool permissions_cover(const struct permissions *outer, const struct permissions *inner)
{
    for (size_t i = 0; i < inner->count; i++)
        if (permissions_level(outer, bytes_of_string(inner->items[i].name)) < inner->items[i].level)
            return false;
    return true;
}

void permissions_intersect(const struct permissions *a, const struct permissions *b, struct permissions *ret_both)
{
    struct permissions both = {0};

    for (size_t i = 0; i < a->count; i++) {
        struct permission item = a->items[i];
        enum permission_level other = permissions_level(b, bytes_of_string(item.name));

        if (other < item.level)
            item.level = other;
        if (item.level != PERMISSION_NONE)
            both.items[both.count++] = item;
    }
    *ret_both = both;
}

bool permissions_equal(const struct permissions *a, const struct permissions *b)
{
    return a->count == b->count && permissions_cover(a, b) && permissions_cover(b, a);
}

size_t permissions_format(const struct permissions *permissions, char *buffer, size_t size)
{
    size_t length = 0;

    if (size)
        buffer[0] = '\0';
    for (size_t i = 0; i < permissions->count && length < size; i++) {
        int written = snprintf(buffer + length, size - length, "%s%s:%s", i ? "," : "", permissions->items[i].name,
                               level_names[permissions->items[i].level]);

        length += (size_t)written;
    }
    return length < size ? length : size ? size - 1 : 0;
}
