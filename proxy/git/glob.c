#include "glob.h"

#include <ctype.h>

static bool same_byte(char a, char b, bool nocase)
{
    return a == b || (nocase && tolower((unsigned char)a) == tolower((unsigned char)b));
}

// Cuts the bytes before the first wildcard off both. False: they differ.
static bool skip_literal(struct bytes *pattern, struct bytes *text, bool nocase)
{
    size_t i = 0;

    while (i < pattern->size && pattern->data[i] != '*') {
        if (i == text->size || !same_byte(pattern->data[i], text->data[i], nocase))
            return false;
        i++;
    }
    *pattern = bytes_skip(*pattern, i);
    *text = bytes_skip(*text, i);
    return true;
}

// A wildcard may match nothing: from before it, the place after it is reached, too.
static void pass_wildcards(struct bytes pattern, bool *reached)
{
    for (size_t i = 0; i < pattern.size; i++)
        if (reached[i] && pattern.data[i] == '*')
            reached[i + 1] = true;
}

static bool star_crosses(struct bytes pattern, size_t i)
{
    return (i + 1 < pattern.size && pattern.data[i + 1] == '*') || (i > 0 && pattern.data[i - 1] == '*');
}

// Moves all the places that the pattern can be at over one byte of the text together: no backtracking, so no
// pattern is slow. False: none is left.
static bool step(struct bytes pattern, bool *reached, char c, bool nocase)
{
    bool any = false;

    for (size_t i = pattern.size + 1; i-- > 0;) {
        bool stays = i < pattern.size && pattern.data[i] == '*' && reached[i] &&
                     (c != '/' || star_crosses(pattern, i));
        bool comes = i > 0 && pattern.data[i - 1] != '*' && reached[i - 1] &&
                     same_byte(pattern.data[i - 1], c, nocase);

        reached[i] = stays || comes;
        any = any || reached[i];
    }
    pass_wildcards(pattern, reached);
    return any;
}

static bool match(struct bytes pattern, struct bytes text, bool nocase)
{
    bool reached[GLOB_SIZE_MAX + 1] = {true};

    if (pattern.size > GLOB_SIZE_MAX || !skip_literal(&pattern, &text, nocase))
        return false;
    if (pattern.size == 0)
        return text.size == 0;
    if (bytes_equal(pattern, BYTES("**")))
        return true;
    if (bytes_equal(pattern, BYTES("*")))
        return text.size == 0 || memchr(text.data, '/', text.size) == NULL;

    pass_wildcards(pattern, reached);
    for (size_t i = 0; i < text.size; i++)
        if (!step(pattern, reached, text.data[i], nocase))
            return false;
    return reached[pattern.size];
}

bool glob_match(struct bytes pattern, struct bytes text)
{
    return match(pattern, text, false);
}

bool glob_match_nocase(struct bytes pattern, struct bytes text)
{
    return match(pattern, text, true);
}

bool glob_is_pattern(struct bytes pattern)
{
    return pattern.size && memchr(pattern.data, '*', pattern.size) != NULL;
}
