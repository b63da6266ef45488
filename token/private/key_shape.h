// What a file that holds no usable private key looks like, so that `check` can say how to mend it. Keys pass through
// environment variables, secret stores and chats on their way, and each of these mangles them in its own way. Pure.
#ifndef GITLATCH_KEY_SHAPE_H
#define GITLATCH_KEY_SHAPE_H

#include "bytes.h"

// A sentence: what the bytes look like, and the command that mends them, which reads the file KEY and writes PLAIN.
// Never a byte of the key.
const char *key_shape_advice(struct bytes file);

#endif
