// A path as it was written, and as whoever is generous could read it: decoded, in lower case, without the
// slash at its front and those at its end. What is refused is looked for in the second; a repository is taken
// only where both agree.
#ifndef GITLATCH_PLAIN_PATH_H
#define GITLATCH_PLAIN_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "bytes.h"

struct plain_path {
    struct bytes raw;   // as written, without the slash at the front; empty once both do not agree
    struct bytes plain; // the generous reading, a view of `owned`
    bool trailing;      // slashes stood at the end of `plain`
    char *owned;
};

// `path` begins with a slash; to be given to plain_path_clear.
void plain_path_init(struct plain_path *path, struct bytes text);
void plain_path_clear(struct plain_path *path);

// Takes the segment `prefix` off the front of both; false where it is not there.
bool plain_path_skip(struct plain_path *path, struct bytes prefix);
// What is written below the first `size` bytes of the plain path, which end with a segment. False where these
// bytes are not written plainly (case aside).
bool plain_path_below(const struct plain_path *path, size_t size, struct bytes *ret_below);

// Whether a text is percent-encoded anywhere.
bool plain_path_encoded(struct bytes text);
// Decodes a text that target_parse let pass; `ret_text` has room for `text.size` bytes. Gives what was
// written.
struct bytes plain_path_decode(struct bytes text, char *ret_text);

#endif
