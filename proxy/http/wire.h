// Bytes about to be sent, written into a buffer of the caller: never beyond its end, no allocation.
#ifndef GITLATCH_WIRE_H
#define GITLATCH_WIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "bytes.h"

struct wire {
    char *data;
    size_t capacity;
    size_t size;
    bool full; // something did not fit: what is there must not be sent
};

static inline struct wire wire_of(char *data, size_t capacity)
{
    return (struct wire){.data = data, .capacity = capacity};
}

static inline void wire_put(struct wire *wire, struct bytes text)
{
    if (text.size > wire->capacity - wire->size) {
        wire->full = true;
        return;
    }
    if (text.size != 0)
        memcpy(wire->data + wire->size, text.data, text.size);
    wire->size += text.size;
}

// Decimal.
void wire_put_number(struct wire *wire, uint64_t number);
// "name: value\r\n".
void wire_put_field(struct wire *wire, struct bytes name, struct bytes value);
void wire_put_number_field(struct wire *wire, struct bytes name, uint64_t number);

#endif
