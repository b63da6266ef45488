// A line of which a full disk or a kill left the beginning alone.
#ifndef GITLATCH_TORN_LINE_H
#define GITLATCH_TORN_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include <gitlatch/attr.h>

// How much of the first `done` bytes is the beginning of a line.
size_t torn_line_size(const char *data, size_t done) GL_MUST_CHECK;
// Takes that much off the end of a file to which it was just written, where nobody has written behind it. False: it stays.
bool torn_line_cut(int fd, size_t size) GL_MUST_CHECK;
// Whether a file ends in the middle of a line.
bool torn_line_at_end(int fd) GL_MUST_CHECK;

#endif
