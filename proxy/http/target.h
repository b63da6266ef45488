// A request-target (RFC 9112, 3.2), taken apart and checked: a path that could be read in two ways is
// refused, every other one passes byte by byte.
#ifndef GITLATCH_TARGET_H
#define GITLATCH_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "bytes.h"
#include "head.h"
#include "host_name.h"

enum target_form {
    TARGET_ORIGIN,    // /path?query
    TARGET_ABSOLUTE,  // https://host/path?query
    TARGET_AUTHORITY, // host:port, CONNECT alone
    TARGET_ASTERISK,  // *, OPTIONS alone
};

struct target {
    enum target_form form;
    bool https;            // TARGET_ABSOLUTE: the scheme is https, else http
    struct host_name host; // TARGET_ABSOLUTE, TARGET_AUTHORITY
    uint16_t port;         // as above; the scheme's where none is written
    struct bytes path;     // origin and absolute: begins with `/`
    bool has_query;
    struct bytes query; // what follows the first `?`
};

// Parses a target; views of `text`. User information, a fragment, another scheme than http and https are
// refused, and in the path: a `%` without two hex digits, a segment that decodes to `.` or `..` (an encoded
// slash counts as a slash here), an empty one that is not the last, NUL and backslash, encoded or not. On
// failure `ret_bad` (may be NULL) gets a clause that says what is wrong, static.
bool target_parse(enum head_method method, struct bytes text, struct target *ret_target, const char **ret_bad)
    GL_MUST_CHECK;

// Takes the next segment, undecoded, off a path: start with a view of `path`. A slash at the end makes a
// last, empty segment. False: there is none left.
bool target_next_segment(struct bytes *path, struct bytes *ret_segment);

#endif
