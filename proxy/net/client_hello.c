#include "client_hello.h"

#include <ctype.h>
#include <stdint.h>

// RFC 8446 5.1, and RFC 6520's heartbeat.
enum { RECORD_FIRST = 20, RECORD_HANDSHAKE = 22, RECORD_LAST = 24, RECORD_HEADER_SIZE = 5, RECORD_MAX = 16384 };
enum { HANDSHAKE_CLIENT_HELLO = 1, HANDSHAKE_HEADER_SIZE = 4 };
enum { EXTENSION_SERVER_NAME = 0, NAME_TYPE_HOST = 0 };

// A view that is eaten from the front; `short_of` is set where it held less than was asked for.
struct reader {
    const uint8_t *data;
    size_t size;
    bool short_of;
};

static uint32_t take_number(struct reader *reader, unsigned width)
{
    uint32_t number = 0;

    if (reader->size < width) {
        reader->short_of = true;
        reader->size = 0;
        return 0;
    }
    for (unsigned i = 0; i < width; i++)
        number = number << 8 | reader->data[i];
    reader->data += width;
    reader->size -= width;
    return number;
}

// A part of its own, whose length stands before it in `width` bytes.
static struct reader take_vector(struct reader *reader, unsigned width)
{
    size_t size = take_number(reader, width);
    struct reader part = {reader->data, size, false};

    if (reader->short_of || reader->size < size) {
        reader->short_of = true;
        return (struct reader){NULL, 0, true};
    }
    reader->data += size;
    reader->size -= size;
    return part;
}

// Joins the handshake message, which may be split over records at any byte (RFC 8446 5.1), into `message`. Records
// without a byte are passed over, as OpenSSL does.
static enum client_hello_result join_records(struct bytes input, uint8_t message[CLIENT_HELLO_MAX], size_t *ret_size)
{
    struct reader reader = {(const uint8_t *)input.data, input.size, false};
    enum client_hello_result wrong = CLIENT_HELLO_NOT; // what it is if it is no ClientHello
    size_t filled = 0, wanted = HANDSHAKE_HEADER_SIZE;

    while (filled < wanted) {
        size_t size, have;

        if (reader.size > 0 && (reader.data[0] < RECORD_FIRST || reader.data[0] > RECORD_LAST))
            return wrong;
        if (reader.size > 1 && reader.data[1] != 3)
            return wrong;
        // An alert, say, before the ClientHello: Go's server passes it by and reads on.
        if (reader.size > 1 && reader.data[0] != RECORD_HANDSHAKE)
            return CLIENT_HELLO_BAD;
        if (reader.size < RECORD_HEADER_SIZE)
            return CLIENT_HELLO_MORE;
        wrong = CLIENT_HELLO_BAD;
        take_number(&reader, 3);
        size = take_number(&reader, 2);
        if (size > RECORD_MAX || filled + size > CLIENT_HELLO_MAX)
            return wrong;
        have = reader.size < size ? reader.size : size;
        memcpy(message + filled, reader.data, have);
        filled += have;
        reader.data += have;
        reader.size -= have;
        if (filled >= HANDSHAKE_HEADER_SIZE) {
            if (message[0] != HANDSHAKE_CLIENT_HELLO)
                return wrong;
            wanted = HANDSHAKE_HEADER_SIZE + ((size_t)message[1] << 16 | (size_t)message[2] << 8 | message[3]);
            if (wanted > CLIENT_HELLO_MAX)
                return wrong;
        }
        if (have < size && filled < wanted)
            return CLIENT_HELLO_MORE;
    }
    *ret_size = wanted;
    return CLIENT_HELLO_NAME;
}

// Copies the host name; false where it holds a byte that no host name has.
static bool client_hello_copy_name(struct reader name, char ret_name[SERVER_NAME_SIZE])
{
    if (name.size > 0 && name.data[name.size - 1] == '.')
        name.size--;
    if (name.size == 0 || name.size >= SERVER_NAME_SIZE)
        return false;
    for (size_t i = 0; i < name.size; i++) {
        if (!isalnum(name.data[i]) && !strchr("-._", name.data[i]))
            return false;
        ret_name[i] = (char)tolower(name.data[i]);
    }
    ret_name[name.size] = '\0';
    return true;
}

// RFC 6066 3: one name of a type at the most; which of two a server takes cannot be known.
static enum client_hello_result name_of_extension(struct reader extension, char ret_name[SERVER_NAME_SIZE])
{
    struct reader list = take_vector(&extension, 2);
    enum client_hello_result result = CLIENT_HELLO_NONE;
    bool found = false;

    while (list.size > 0) {
        uint32_t type = take_number(&list, 1);
        struct reader name = take_vector(&list, 2);

        if (list.short_of)
            return CLIENT_HELLO_BAD;
        if (type != NAME_TYPE_HOST)
            continue;
        if (found)
            return CLIENT_HELLO_BAD;
        found = true;
        if (client_hello_copy_name(name, ret_name))
            result = CLIENT_HELLO_NAME;
    }
    return extension.short_of || extension.size > 0 ? CLIENT_HELLO_BAD : result;
}

static enum client_hello_result name_of_message(struct reader message, char ret_name[SERVER_NAME_SIZE])
{
    struct reader extensions;
    enum client_hello_result result = CLIENT_HELLO_NONE;
    bool found = false;

    take_number(&message, HANDSHAKE_HEADER_SIZE);
    take_number(&message, 2); // legacy_version
    for (int i = 0; i < 4; i++)
        take_number(&message, 4), take_number(&message, 4); // random, 32 bytes
    take_vector(&message, 1);                               // legacy_session_id
    take_vector(&message, 2);                               // cipher_suites
    take_vector(&message, 1);                               // legacy_compression_methods
    if (message.short_of)
        return CLIENT_HELLO_BAD;
    if (message.size == 0)
        return CLIENT_HELLO_NONE;
    extensions = take_vector(&message, 2);
    while (extensions.size > 0) {
        uint32_t type = take_number(&extensions, 2);
        struct reader extension = take_vector(&extensions, 2);

        if (extensions.short_of)
            return CLIENT_HELLO_BAD;
        if (type != EXTENSION_SERVER_NAME)
            continue;
        if (found) // RFC 8446 4.2: no extension twice
            return CLIENT_HELLO_BAD;
        found = true;
        result = name_of_extension(extension, ret_name);
        if (result == CLIENT_HELLO_BAD)
            return result;
    }
    return message.short_of ? CLIENT_HELLO_BAD : result;
}

enum client_hello_result client_hello_name(struct bytes input, char ret_name[SERVER_NAME_SIZE])
{
    uint8_t message[CLIENT_HELLO_MAX];
    size_t size;
    enum client_hello_result result = join_records(input, message, &size);

    if (result != CLIENT_HELLO_NAME)
        return result;
    return name_of_message((struct reader){message, size, false}, ret_name);
}
