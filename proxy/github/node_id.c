#include "node_id.h"

#include <string.h>

// The ids of this kind are 8 to 16 bytes; a legacy one has 32.
#define PAYLOAD_MAX 48

// What belongs to a repository, and has its id before its own. Users, organisations and projects are no such thing.
static const char *const prefixes[] = {"C",  "CR", "CS", "D",  "DC",  "I",   "IC",   "LA",
                                       "MI", "PR", "R",  "RE", "REF", "PRR", "PRRC", "PRRT"};

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '-' || c == '+')
        return 62;
    return c == '_' || c == '/' ? 63 : -1;
}

// Base64 in either alphabet, with or without padding. False: it is none, or longer than any id.
static bool decode(struct bytes text, unsigned char payload[static PAYLOAD_MAX], size_t *ret_size)
{
    uint32_t bits = 0, count = 0;
    size_t size = 0;

    while (text.size > 0 && text.data[text.size - 1] == '=')
        text.size--;
    for (size_t i = 0; i < text.size; i++) {
        int value = value_of(text.data[i]);

        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        count += 6;
        if (count < 8)
            continue;
        count -= 8;
        if (size == PAYLOAD_MAX)
            return false;
        payload[size++] = (unsigned char)(bits >> count & 0xff);
    }
    *ret_size = size;
    return true;
}

// An unsigned integer (MessagePack specification, "int format family"): a positive fixint, or uint 8 to 64.
static bool read_number(const unsigned char *payload, size_t size, uint64_t *ret_number)
{
    size_t width;

    if (size > 0 && payload[0] < 0x80) {
        *ret_number = payload[0];
        return true;
    }
    if (size == 0 || payload[0] < 0xcc || payload[0] > 0xcf)
        return false;
    width = (size_t)1 << (payload[0] - 0xcc);
    if (size < width + 1)
        return false;
    *ret_number = 0;
    for (size_t i = 1; i <= width; i++)
        *ret_number = *ret_number << 8 | payload[i];
    return true;
}

static bool is_of_repository(struct bytes prefix)
{
    for (size_t i = 0; i < GL_ARRAY_SIZE(prefixes); i++) {
        if (bytes_equal(prefix, bytes_of_string(prefixes[i])))
            return true;
    }
    return false;
}

static bool read_new(const unsigned char *payload, size_t size, uint64_t *ret_id)
{
    // An array of two to five items, the first of them 0.
    return size > 2 && payload[0] >= 0x92 && payload[0] <= 0x95 && payload[1] == 0 &&
           read_number(payload + 2, size - 2, ret_id) && *ret_id > 0;
}

static bool read_legacy(const unsigned char *payload, size_t size, uint64_t *ret_id)
{
    struct bytes text = bytes_of((const char *)payload, size), length, rest;
    uint64_t id = 0;

    if (!bytes_cut(text, ':', &length, &rest) || !bytes_start_with(rest, BYTES("Repository")))
        return false;
    rest = bytes_skip(rest, strlen("Repository"));
    if (rest.size == 0 || rest.size > 18)
        return false;
    for (size_t i = 0; i < rest.size; i++) {
        if (rest.data[i] < '0' || rest.data[i] > '9')
            return false;
        id = id * 10 + (uint64_t)(rest.data[i] - '0');
    }
    *ret_id = id;
    return id > 0;
}

bool node_id_repository(struct bytes text, uint64_t *ret_id)
{
    unsigned char payload[PAYLOAD_MAX];
    struct bytes prefix, rest;
    size_t size;
    uint64_t id;
    bool found;

    if (bytes_cut(text, '_', &prefix, &rest) && is_of_repository(prefix))
        found = decode(rest, payload, &size) && read_new(payload, size, &id);
    else
        found = decode(text, payload, &size) && read_legacy(payload, size, &id);
    if (found)
        *ret_id = id;
    return found;
}
