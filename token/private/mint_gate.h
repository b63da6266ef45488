// Keeps what many ask for below what GitHub lets one App ask for, and lets nobody wait because another asks for much:
// whose turn it is goes round among those for whom tokens are minted (a broker's namespaces).
// Source: GitHub documentation, "Rate limits for the REST API", secondary rate limits.
#ifndef GITLATCH_MINT_GATE_H
#define GITLATCH_MINT_GATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <gitlatch/attr.h>

struct loop;
struct mint_gate;
struct mint_tenant;

// `replicas`: how many processes share GitHub's limits, at least 1.
struct mint_gate *mint_gate_new(struct loop *loop, uint64_t replicas) GL_MUST_CHECK;
// All have left. NULL: nothing.
void mint_gate_free(struct mint_gate *gate);
// A reload: goes on at the pace at which `old` was.
void mint_gate_adopt(struct mint_gate *gate, const struct mint_gate *old);

typedef void mint_turn_fn(void *arg);

// Embedded by who waits; all members are the gate's.
struct mint_turn {
    TAILQ_ENTRY(mint_turn) link;
    struct mint_tenant *tenant; // NULL: it does not wait
    bool running;
    mint_turn_fn *fn;
    void *arg;
};

// Waits for a turn among those of `tenant` (copied). `fn` is called when it has come, never from inside. False: too many
// of this tenant wait already.
bool mint_gate_enter(struct mint_gate *gate, struct mint_turn *turn, const char *tenant, mint_turn_fn *fn, void *arg)
    GL_MUST_CHECK;
// The mint has ended, or nobody waits for it any more. Nothing where it never entered (all zero).
void mint_gate_leave(struct mint_gate *gate, struct mint_turn *turn);

#endif
