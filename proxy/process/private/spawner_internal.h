// What spawner.c and child.c share of a spawner on gitlatch's side.
#ifndef GITLATCH_SPAWNER_INTERNAL_H
#define GITLATCH_SPAWNER_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "child.h"
#include "loop.h"
#include "spawner.h"

TAILQ_HEAD(child_list, child);

struct spawner {
    char ***commands; // each a NULL-terminated argv
    size_t count;
    pid_t pid;  // 0: there are no commands, so no process
    int socket; // -1: the process has ended
    struct loop *loop;
    struct event *readable;
    struct event *writable;    // pending while a request did not fit into the socket
    struct child_list waiting; // not yet sent
    struct child_list running; // sent
    size_t in_flight;          // sent and not answered, cancelled ones too
    uint32_t last_id;
};

// Sends what waits, as far as places and the socket allow.
void child_send_waiting(struct spawner *spawner);
// Takes an answer's bytes to its child.
void child_take_answer(struct spawner *spawner, struct bytes message);
// The process is gone: every child fails.
void child_fail_all(struct spawner *spawner);

#endif
