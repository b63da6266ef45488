#include "capabilities.h"

#include "pktline.h"

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// key = 1*(ALPHA | DIGIT | "-_"), value = printable. A line of version 0, "OID REF", has a space in its key.
static bool is_capability(struct bytes line)
{
    struct bytes key, value;

    if (!bytes_cut(line, '=', &key, &value))
        value = BYTES("");
    if (key.size == 0)
        return false;
    for (size_t i = 0; i < key.size; i++)
        if (!is_alphanumeric(key.data[i]) && key.data[i] != '-' && key.data[i] != '_')
            return false;
    for (size_t i = 0; i < value.size; i++)
        if (value.data[i] < ' ' || value.data[i] > '~')
            return false;
    return true;
}

// The next packet's line without its LF. False: it is none.
static bool next_line(struct pktline_reader *reader, struct bytes *body, struct bytes *ret_line)
{
    if (pktline_read(reader, body, ret_line) != PKTLINE_DATA)
        return false;
    if (bytes_end_with(*ret_line, BYTES("\n")))
        ret_line->size--;
    return true;
}

static bool check(struct pktline_reader *reader, struct bytes body)
{
    enum pktline_result result;
    struct bytes line;

    if (!next_line(reader, &body, &line))
        return false;
    // Over HTTP it may be introduced by the service's name (gitprotocol-http(5), "smart_reply").
    if (bytes_equal(line, BYTES("# service=git-upload-pack")) &&
        (pktline_read(reader, &body, &line) != PKTLINE_FLUSH || !next_line(reader, &body, &line)))
        return false;
    if (!bytes_equal(line, BYTES("version 2")))
        return false;
    while ((result = pktline_read(reader, &body, &line)) == PKTLINE_DATA) {
        if (bytes_end_with(line, BYTES("\n")))
            line.size--;
        if (!is_capability(line))
            return false;
    }
    return result == PKTLINE_FLUSH && body.size == 0;
}

bool capabilities_check(struct bytes body)
{
    struct pktline_reader reader = {0};
    bool are = body.size <= CAPABILITIES_SIZE_MAX && check(&reader, body);

    pktline_reader_clear(&reader);
    return are;
}
