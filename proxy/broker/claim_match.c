#include "claim_match.h"

#include <string.h>

#include "glob.h"
#include "mem.h"
#include "text.h"

// Dots in a name, at most: each may be the end of one.
#define DOTS_MAX 8
// A longer value is cut in what is said of it.
#define SHOWN_MAX 200

// How many ways there are to read the name; the last one found is given.
static unsigned ways(const json_t *object, struct bytes name, unsigned dots, const json_t **ret_value)
{
    const json_t *value = json_object_getn(object, name.data, name.size);
    unsigned count = 0;

    if (value) {
        *ret_value = value;
        count++;
    }
    for (size_t i = 0; i < name.size && dots > 0; i++) {
        if (name.data[i] != '.')
            continue;
        value = json_object_getn(object, name.data, i);
        if (json_is_object(value))
            count += ways(value, bytes_skip(name, i + 1), dots - 1, ret_value);
    }
    return count;
}

const json_t *claim_find(const json_t *claims, const char *name)
{
    const json_t *value = NULL;

    return ways(claims, bytes_of_string(name), DOTS_MAX, &value) == 1 ? value : NULL;
}

// The text of a single value: a string's own, a number's or a boolean's as JSON writes it; NULL: it has none. Given to
// mem_wiping_free.
static char *text_of_value(const json_t *value)
{
    if (json_is_string(value))
        return mem_wiping_strdup(json_string_value(value));
    if (json_is_number(value) || json_is_boolean(value))
        return json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    return NULL;
}

static bool value_matches(const json_t *value, const char *pattern)
{
    char *text = text_of_value(value);
    bool matches = text && glob_match(bytes_of_string(pattern), bytes_of_string(text));

    mem_wiping_free(text);
    return matches;
}

bool claim_matches(const json_t *claims, const struct config_claim *wanted)
{
    const json_t *value = claim_find(claims, wanted->name), *item;
    size_t i;

    json_array_foreach(value, i, item) {
        if (value_matches(item, wanted->pattern))
            return true;
    }
    return value_matches(value, wanted->pattern);
}

const struct config_claim *claim_first_mismatch(const json_t *claims, const struct config_claims *wanted)
{
    for (size_t i = 0; i < wanted->count; i++) {
        if (!claim_matches(claims, &wanted->items[i]))
            return &wanted->items[i];
    }
    return NULL;
}

static void claim_match_append_value(const json_t *claims, const struct config_claim *wanted, struct text *text)
{
    const json_t *value = claim_find(claims, wanted->name);
    char *shown = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

    if (shown)
        text_format(text, "the token's `%s` is %.*s, ", wanted->name, SHOWN_MAX, shown);
    else
        text_format(text, "the token has no `%s`, ", wanted->name);
    mem_wiping_free(shown);
}

void claim_describe(const json_t *claims, const struct config_claim *wanted, struct text *text)
{
    claim_match_append_value(claims, wanted, text);
    text_append(text, "which no grant takes");
}

void claim_explain(const json_t *claims, const struct config_claim *wanted, struct text *text)
{
    claim_match_append_value(claims, wanted, text);
    text_format(text, "and must be %s", wanted->pattern);
}
