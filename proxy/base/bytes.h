// A view of bytes that somebody else owns. Not terminated by NUL; may hold any byte.
#ifndef GITLATCH_BYTES_H
#define GITLATCH_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct bytes {
    const char *data; // may be NULL where size is 0
    size_t size;
};

// A view of a string literal.
#define BYTES(literal) ((struct bytes){.data = ("" literal), .size = sizeof(literal) - 1})

static inline struct bytes bytes_of(const char *data, size_t size)
{
    return (struct bytes){.data = data, .size = size};
}

// A view of a C string; NULL gives the empty view.
static inline struct bytes bytes_of_string(const char *string)
{
    return bytes_of(string, string ? strlen(string) : 0);
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

// ASCII case is ignored; both must be without NUL for a match.
static inline bool bytes_equal_nocase(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || strncasecmp(a.data, b.data, a.size) == 0);
}

static inline bool bytes_start_with(struct bytes whole, struct bytes prefix)
{
    return whole.size >= prefix.size && bytes_equal(bytes_of(whole.data, prefix.size), prefix);
}

static inline bool bytes_end_with(struct bytes whole, struct bytes suffix)
{
    return whole.size >= suffix.size &&
           bytes_equal(bytes_of(whole.data + whole.size - suffix.size, suffix.size), suffix);
}

// Whether `part` stands somewhere in it; never where there are no bytes.
static inline bool bytes_contain(struct bytes whole, struct bytes part)
{
    return whole.data && memmem(whole.data, whole.size, part.data, part.size);
}

// What follows the first `count` bytes; `count` must not be more than there are.
static inline struct bytes bytes_skip(struct bytes whole, size_t count)
{
    // Adding nothing to NULL is undefined in C17.
    return bytes_of(count ? whole.data + count : whole.data, whole.size - count);
}

// Cuts at the first `separator`: before and after it. Without one, all is before, and false is returned.
static inline bool bytes_cut(struct bytes whole, char separator, struct bytes *ret_before, struct bytes *ret_after)
{
    const char *at = whole.size ? memchr(whole.data, separator, whole.size) : NULL;
    size_t size = at ? (size_t)(at - whole.data) : whole.size;

    *ret_before = bytes_of(whole.data, size);
    *ret_after = at ? bytes_of(at + 1, whole.size - size - 1) : bytes_of(NULL, 0);
    return at != NULL;
}

#endif
