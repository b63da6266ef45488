#include "glob.h"

#include <ctype.h>
#include <stdint.h>

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

static bool star_crosses(struct bytes pattern, size_t i)
{
    return (i + 1 < pattern.size && pattern.data[i + 1] == '*') || (i > 0 && pattern.data[i - 1] == '*');
}

// Where in the pattern the text read so far may have led, in rising order.
struct places {
    size_t count;
    uint16_t at[GLOB_SIZE_MAX + 1];
};

// Adds a place, and those after it for the wildcards there: they may match nothing. From a `**` on, the places
// before it are of no use: whatever they could still match, it matches, too.
static void reach(struct places *places, struct bytes pattern, size_t place)
{
    for (;; place++) {
        bool star = place < pattern.size && pattern.data[place] == '*';

        if (places->count == 0 || places->at[places->count - 1] < place) {
            if (star && star_crosses(pattern, place))
                places->count = 0;
            places->at[places->count++] = (uint16_t)place;
        }
        if (!star)
            return;
    }
}

// Moves all the places over one byte of the text together: no backtracking, so no pattern is slow. Only places
// that were reached cost anything, which are few unless the pattern repeats itself.
static void step(const struct places *from, struct places *to, struct bytes pattern, char c, bool nocase)
{
    to->count = 0;
    for (size_t i = 0; i < from->count; i++) {
        size_t place = from->at[i];

        if (place == pattern.size)
            continue;
        if (pattern.data[place] != '*') {
            if (same_byte(pattern.data[place], c, nocase))
                reach(to, pattern, place + 1);
        } else if (c != '/' || star_crosses(pattern, place)) {
            reach(to, pattern, place);
        }
    }
}

static bool match(struct bytes pattern, struct bytes text, bool nocase)
{
    struct places places[2];
    struct places *now = &places[0], *next = &places[1];

    if (pattern.size > GLOB_SIZE_MAX || !skip_literal(&pattern, &text, nocase))
        return false;
    if (pattern.size == 0)
        return text.size == 0;
    if (bytes_equal(pattern, BYTES("**")))
        return true;
    if (bytes_equal(pattern, BYTES("*")))
        return text.size == 0 || memchr(text.data, '/', text.size) == NULL;

    now->count = 0;
    reach(now, pattern, 0);
    for (size_t i = 0; i < text.size && now->count; i++) {
        struct places *done = now;

        step(now, next, pattern, text.data[i], nocase);
        now = next;
        next = done;
    }
    return now->count && now->at[now->count - 1] == pattern.size;
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
