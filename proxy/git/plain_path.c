#include "plain_path.h"

#include <ctype.h>

#include "mem.h"
#include "percent.h"

bool plain_path_encoded(struct bytes text)
{
    return text.size && memchr(text.data, '%', text.size) != NULL;
}

struct bytes plain_path_decode(struct bytes text, char *ret_text)
{
    size_t size = 0;

    while (text.size) {
        int byte = percent_next(&text);

        if (byte < 0)
            break; // target_parse let none pass
        ret_text[size++] = (char)byte;
    }
    return bytes_of(ret_text, size);
}

void plain_path_init(struct plain_path *path, struct bytes text)
{
    *path = (struct plain_path){.raw = bytes_skip(text, 1), .owned = mem_alloc(text.size)};
    path->plain = plain_path_decode(path->raw, path->owned);
    for (size_t i = 0; i < path->plain.size; i++)
        path->owned[i] = (char)tolower((unsigned char)path->owned[i]);
    while (path->plain.size && path->owned[path->plain.size - 1] == '/') {
        path->plain.size--;
        path->trailing = true;
    }
}

void plain_path_clear(struct plain_path *path)
{
    mem_free(path->owned);
    *path = (struct plain_path){0};
}

bool plain_path_below(const struct plain_path *path, size_t size, struct bytes *ret_below)
{
    struct bytes front = bytes_of(path->raw.data, size);

    if (path->raw.size < size || !bytes_equal_nocase(front, bytes_of(path->plain.data, size)))
        return false;
    if (path->raw.size > size && path->raw.data[size] != '/')
        return false;
    *ret_below = bytes_skip(path->raw, path->raw.size > size ? size + 1 : size);
    return true;
}

bool plain_path_skip(struct plain_path *path, struct bytes prefix)
{
    size_t size = prefix.size;
    struct bytes raw = {0};

    if (!bytes_start_with(path->plain, prefix) || (path->plain.size > size && path->plain.data[size] != '/'))
        return false;
    if (!plain_path_below(path, size, &raw))
        raw = bytes_of(NULL, 0);
    path->raw = raw;
    path->plain = bytes_skip(path->plain, path->plain.size > size ? size + 1 : size);
    return true;
}
