#include "ssh_wire.h"

bool ssh_wire_uint32(struct bytes *input, uint32_t *ret_value)
{
    uint32_t value = 0;

    if (input->size < sizeof(value))
        return false;
    for (size_t i = 0; i < sizeof(value); i++)
        value = value << 8 | (uint8_t)input->data[i];
    *ret_value = value;
    *input = bytes_skip(*input, sizeof(value));
    return true;
}

bool ssh_wire_string(struct bytes *input, struct bytes *ret_string)
{
    struct bytes rest = *input;
    uint32_t size;

    if (!ssh_wire_uint32(&rest, &size) || size > rest.size)
        return false;
    *ret_string = bytes_of(rest.data, size);
    *input = bytes_skip(rest, size);
    return true;
}

void ssh_wire_put_uint32(struct text *output, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        text_append_char(output, (char)(value >> shift & 0xff));
}

void ssh_wire_put_string(struct text *output, struct bytes string)
{
    ssh_wire_put_uint32(output, (uint32_t)string.size);
    text_append_bytes(output, string);
}
