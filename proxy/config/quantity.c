#include "quantity.h"

#include <inttypes.h>
#include <stdio.h>

#define YEAR_MS   (INT64_C(365) * 24 * 3600 * 1000)
#define SIZE_MOST (UINT64_C(1) << 53)
// 18 digits always fit 64 bits.
#define DIGITS_MOST 18

struct unit {
    const char *name;
    uint64_t factor;
};

// Largest first, so that the first that divides a value gives its shortest form.
static const struct unit durations[] = {{"h", 3600 * 1000}, {"m", 60 * 1000}, {"s", 1000}, {NULL, 0}};
static const struct unit sizes[] = {{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {NULL, 0}};

static size_t digits(struct bytes text)
{
    size_t count = 0;

    while (count < text.size && text.data[count] >= '0' && text.data[count] <= '9')
        count++;
    return count;
}

bool quantity_count(struct bytes text, uint64_t *ret_count)
{
    uint64_t value = 0;

    if (text.size == 0 || text.size > DIGITS_MOST || digits(text) != text.size)
        return false;
    for (size_t i = 0; i < text.size; i++)
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    *ret_count = value;
    return true;
}

static bool quantity_parse(struct bytes text, const struct unit *units, uint64_t most, uint64_t *ret_value)
{
    size_t number = digits(text);
    struct bytes name = bytes_skip(text, number);
    uint64_t value;

    if (!quantity_count(bytes_of(text.data, number), &value))
        return false;
    for (; units->name; units++) {
        if (!bytes_equal(name, bytes_of_string(units->name)))
            continue;
        if (value > most / units->factor)
            return false;
        *ret_value = value * units->factor;
        return true;
    }
    return false;
}

bool quantity_duration(struct bytes text, int64_t *ret_ms)
{
    uint64_t ms;

    if (!quantity_parse(text, durations, YEAR_MS, &ms))
        return false;
    *ret_ms = (int64_t)ms;
    return true;
}

bool quantity_size(struct bytes text, uint64_t *ret_bytes)
{
    return quantity_parse(text, sizes, SIZE_MOST, ret_bytes);
}

static void format(uint64_t value, const struct unit *units, char text[QUANTITY_TEXT_SIZE])
{
    while (units[1].name && (value == 0 || value % units->factor != 0))
        units++;
    snprintf(text, QUANTITY_TEXT_SIZE, "%" PRIu64 "%s", value / units->factor, units->name);
}

void quantity_format_duration(int64_t ms, char text[QUANTITY_TEXT_SIZE])
{
    format((uint64_t)ms, durations, text);
}

void quantity_format_size(uint64_t bytes, char text[QUANTITY_TEXT_SIZE])
{
    format(bytes, sizes, text);
}
