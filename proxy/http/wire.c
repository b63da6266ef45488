#include "wire.h"

// The digits of UINT64_MAX.
#define NUMBER_DIGITS_MAX 20

void wire_put_number(struct wire *wire, uint64_t number)
{
    char digits[NUMBER_DIGITS_MAX];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    wire_put(wire, bytes_of(digits + at, sizeof(digits) - at));
}

void wire_put_field(struct wire *wire, struct bytes name, struct bytes value)
{
    wire_put(wire, name);
    wire_put(wire, BYTES(": "));
    wire_put(wire, value);
    wire_put(wire, BYTES("\r\n"));
}

void wire_put_number_field(struct wire *wire, struct bytes name, uint64_t number)
{
    wire_put(wire, name);
    wire_put(wire, BYTES(": "));
    wire_put_number(wire, number);
    wire_put(wire, BYTES("\r\n"));
}
