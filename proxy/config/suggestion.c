#include "suggestion.h"

#include <ctype.h>

// Longer words are no key or command of ours.
#define WORD_SIZE 40
// Fewer letters may begin anything.
#define BEGINNING_SIZE 4

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool suggestion_same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

// How many letters must be changed, added, dropped or swapped with their neighbour (optimal string
// alignment).
static size_t distance_between(struct bytes a, struct bytes b)
{
    size_t rows[3][WORD_SIZE + 1];

    for (size_t j = 0; j <= b.size; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.size; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= b.size; j++) {
            row[j] = above[j - 1] + !suggestion_same(a.data[i - 1], b.data[j - 1]);
            row[j] = least(row[j], least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && suggestion_same(a.data[i - 1], b.data[j - 2]) &&
                suggestion_same(a.data[i - 2], b.data[j - 1]))
                row[j] = least(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[a.size % 3][b.size];
}

// Half a word is nearer than any with a wrong letter: "token" for "token_file", "limits.idle" for "limits".
static bool suggestion_begins(struct bytes a, struct bytes b)
{
    size_t size = least(a.size, b.size);

    return size >= BEGINNING_SIZE && bytes_equal_nocase(bytes_of(a.data, size), bytes_of(b.data, size));
}

void suggestion_init(struct suggestion *suggestion, struct bytes word)
{
    suggestion->word = word;
    suggestion->nearest = NULL;
    // A third of the letters may be wrong, one always.
    suggestion->distance = word.size / 3 + 2;
}

void suggestion_offer(struct suggestion *suggestion, const char *candidate)
{
    struct bytes other = bytes_of_string(candidate);
    size_t distance;

    if (suggestion->word.size > WORD_SIZE || other.size > WORD_SIZE)
        return;
    distance = suggestion_begins(suggestion->word, other) ? 1 : distance_between(suggestion->word, other);
    if (distance < suggestion->distance && distance < other.size) {
        suggestion->distance = distance;
        suggestion->nearest = candidate;
    }
}
