#include "query.h"

#include <gitlatch/attr.h>

#include "percent.h"

// Longer than each of the names below.
#define PARAMETER_NAME_SIZE 16

// Reads a parameter's name as Rack does, which serves GitHub: decoded, `+` as a space, without brackets and
// spaces before it, up to the next bracket ("[access_token][]" is access_token). False: longer than any name
// of interest.
static bool read_name(struct bytes parameter, char *name, size_t *ret_size)
{
    size_t size = 0;

    while (parameter.size && parameter.data[0] != '=') {
        int byte = percent_next(&parameter);

        if (byte < 0)
            return false;
        if (byte == '[' || byte == ']' || byte == ' ' || byte == '+') {
            if (size)
                break;
            continue;
        }
        if (size == PARAMETER_NAME_SIZE)
            return false;
        name[size++] = (char)byte;
    }
    *ret_size = size;
    return true;
}

// GitHub's, and GitLab's (its API documents, "Authentication").
static bool holds_credential(struct bytes parameter)
{
    static const char *const names[] = {"access_token", "client_secret", "job_token", "private_token"};
    char name[PARAMETER_NAME_SIZE];
    size_t size;

    if (!read_name(parameter, name, &size))
        return false;
    for (size_t i = 0; i < GL_ARRAY_SIZE(names); i++)
        if (bytes_equal_nocase(bytes_of(name, size), bytes_of_string(names[i])))
            return true;
    return false;
}

// The length of the first parameter; old Racks separate by `;` as well.
static size_t parameter_size(struct bytes query)
{
    size_t size = 0;

    while (size < query.size && query.data[size] != '&' && query.data[size] != ';')
        size++;
    return size;
}

void query_put(struct wire *out, struct bytes query)
{
    struct bytes separator = BYTES("?");
    bool more = true;

    while (more) {
        struct bytes parameter = bytes_of(query.data, parameter_size(query));
        bool keep = !holds_credential(parameter);

        if (keep) {
            wire_put(out, separator);
            wire_put(out, parameter);
        }
        query = bytes_skip(query, parameter.size);
        more = query.size != 0;
        if (!more)
            continue;
        // The first one that is written follows the `?`, whichever separator it had.
        if (keep || separator.data[0] != '?')
            separator = bytes_of(query.data, 1);
        query = bytes_skip(query, 1);
    }
}
