// Durations and sizes as the configuration writes them. One number and one unit, nothing between or around
// them, so that nobody has to guess what `10` or `1.5M` would have meant.
#ifndef GITLATCH_QUANTITY_H
#define GITLATCH_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "bytes.h"

#define QUANTITY_TEXT_SIZE 32

// "30s", "10m", "1h" in milliseconds; at most a year.
bool quantity_duration(struct bytes text, int64_t *ret_ms) GL_MUST_CHECK;
// "64KiB", "1MiB", "2GiB" in bytes; at most 2^53, which JSON can still hold.
bool quantity_size(struct bytes text, uint64_t *ret_bytes) GL_MUST_CHECK;
// A whole number in decimal, without a sign.
bool quantity_count(struct bytes text, uint64_t *ret_count) GL_MUST_CHECK;

// The same in the shortest form: "90s", "1h", "64KiB".
void quantity_format_duration(int64_t ms, char text[QUANTITY_TEXT_SIZE]);
void quantity_format_size(uint64_t bytes, char text[QUANTITY_TEXT_SIZE]);

#endif
