#include <gitlatch/repository_name.h>

static char repository_name_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

// Copies in lower case; false where a character is none of [a-z0-9-_] and `extra`, or it does not fit.
static bool repository_name_copy_name(struct bytes from, char extra, char *to, size_t size)
{
    if (from.size == 0 || from.size >= size)
        return false;
    for (size_t i = 0; i < from.size; i++) {
        char c = repository_name_lower(from.data[i]);

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == extra))
            return false;
        to[i] = c;
    }
    to[from.size] = '\0';
    return true;
}

static bool has_git_suffix(struct bytes name)
{
    size_t size = BYTES(".git").size;

    return name.size >= size && bytes_equal_nocase(bytes_skip(name, name.size - size), BYTES(".git"));
}

bool repository_name_parse(struct bytes owner, struct bytes name, struct repository_name *ret_name)
{
    struct repository_name parsed = {0};

    if (has_git_suffix(name))
        name.size -= BYTES(".git").size;
    // No repository's name ends so: GitHub refuses to create one.
    if (has_git_suffix(name))
        return false;
    if (!repository_name_copy_name(owner, '-', parsed.owner, sizeof(parsed.owner)) ||
        !repository_name_copy_name(name, '.', parsed.name, sizeof(parsed.name)))
        return false;
    if (strcmp(parsed.name, ".") == 0 || strcmp(parsed.name, "..") == 0)
        return false;
    *ret_name = parsed;
    return true;
}

bool repository_name_equal(const struct repository_name *a, const struct repository_name *b)
{
    return strcmp(a->owner, b->owner) == 0 && strcmp(a->name, b->name) == 0;
}
