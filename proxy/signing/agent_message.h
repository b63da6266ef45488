// The messages of an ssh-agent (draft-ietf-sshm-ssh-agent): what a client asks, and the answers. Only the list of keys
// and a signature are known; every other request is answered with a failure.
#ifndef GITLATCH_AGENT_MESSAGE_H
#define GITLATCH_AGENT_MESSAGE_H

#include <gitlatch/attr.h>

#include "ed25519_key.h"
#include "text.h"

// The length, four bytes, and what it counts fit into one buffer of a stream.
#define AGENT_MESSAGE_MAX (64 * KIB)

enum agent_question {
    AGENT_LIST,
    AGENT_SIGN,        // `blob` is a git signature's, for our key
    AGENT_REFUSED,     // a signature that is not given: `why`
    AGENT_UNSUPPORTED, // anything else, also what cannot be read
};

struct agent_request {
    enum agent_question question;
    struct bytes blob;
    const char *why;
};

enum agent_framing { AGENT_MORE, AGENT_WHOLE, AGENT_TOO_LARGE };

// Finds the first message of the input. `ret_message` is what stands behind the length; it and the four bytes before
// it are consumed together.
enum agent_framing agent_message_find(struct bytes input, struct bytes *ret_message) GL_MUST_CHECK;
// Reads one message; views into it.
struct agent_request agent_message_read(struct bytes message, const struct ed25519_public *key) GL_MUST_CHECK;

// The answers, with their length.
void agent_message_append_failure(struct text *output);
void agent_message_append_list(struct text *output, const struct ed25519_public *key);
void agent_message_append_signature(struct text *output, const char signature[static ED25519_SIGNATURE_SIZE]);

#endif
