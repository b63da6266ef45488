// Refusals that the log has no room for now: those of one client for one reason are one line that counts them.
#ifndef GITLATCH_REFUSALS_H
#define GITLATCH_REFUSALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <gitlatch/attr.h>
#include <gitlatch/reason.h>

#include "bytes.h"
#include "text.h"

// 128 lines of at most LOG_AUDIT_LINE_MAX; of a refused request alone, about 700 bytes: 90 KiB.
#define REFUSALS_MAX 128
// A longer line is not kept: a refused push may name thousands of refs.
#define REFUSALS_LINE_MAX ((size_t)8 * KIB)

struct refusal {
    TAILQ_ENTRY(refusal) link;
    char *client; // address without the port
    enum reason reason;
    uint64_t count;
    char *line;
};

// Embedded by its owner; set up with refusals_init.
struct refusals {
    TAILQ_HEAD(refusal_list, refusal) list; // oldest first
    size_t count;
};

void refusals_init(struct refusals *refusals);
void refusals_clear(struct refusals *refusals);

// Takes a refusal: counts it with the ones of the same client and reason, whose line is kept, or keeps this line, a JSON
// object. `client` is an address with its port. False: it takes no more.
bool refusals_add(struct refusals *refusals, const char *client, enum reason reason, struct bytes line) GL_MUST_CHECK;
// The oldest; NULL: there is none.
const struct refusal *refusals_first(const struct refusals *refusals);
// Appends its line, which says how many refusals it stands for (`repeated`) where it is more than one.
void refusal_append(const struct refusal *refusal, struct text *text);
// Removes the oldest. There is one.
void refusals_drop(struct refusals *refusals);

#endif
