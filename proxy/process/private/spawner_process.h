// The inside of the spawner: its process, and the messages between it and gitlatch. Only spawner.c and
// child.c use it.
//
// Messages go over a SOCK_SEQPACKET socket pair, one message a request or answer: a header and the bytes
// after it.
#ifndef GITLATCH_SPAWNER_PROCESS_H
#define GITLATCH_SPAWNER_PROCESS_H

#include <stddef.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "child.h"

// Commands that run side by side; more wait in gitlatch. The process has twice as many places, since one that
// was killed may take a while to go.
#define SPAWNER_PARALLEL_MAX 16

enum spawner_kind { SPAWNER_RUN, SPAWNER_KILL };

struct spawner_request {
    uint32_t kind;
    uint32_t id;
    uint32_t command; // SPAWNER_RUN: its number; the input follows
    uint32_t timeout_ms;
};

enum spawner_end {
    SPAWNER_EXITED,    // `status`: exit status
    SPAWNER_SIGNALLED, // `status`: signal
    SPAWNER_TIMED_OUT,
    SPAWNER_TOO_LARGE,   // its output
    SPAWNER_KILLED,      // as asked for
    SPAWNER_NOT_STARTED, // `status`: errno
};

// The output follows, then what it said on stderr.
struct spawner_answer {
    uint32_t id;
    uint32_t end;
    int32_t status;
    uint32_t output_size;
    uint32_t message_size;
};

#define SPAWNER_REQUEST_MAX (sizeof(struct spawner_request) + CHILD_INPUT_MAX)
#define SPAWNER_ANSWER_MAX  (sizeof(struct spawner_answer) + CHILD_OUTPUT_MAX + CHILD_MESSAGE_MAX)

// Never returns: ends when the other end of `socket` is closed.
void spawner_process_run(int socket, char *const *const *commands, size_t count) GL_NORETURN;

#endif
