// "Did you mean …": the nearest of the words that are known.
#ifndef GITLATCH_SUGGESTION_H
#define GITLATCH_SUGGESTION_H

#include "bytes.h"

// Collects candidates for a word; `nearest` is the best so far, NULL while none is near enough.
struct suggestion {
    struct bytes word;
    const char *nearest;
    size_t distance;
};

void suggestion_init(struct suggestion *suggestion, struct bytes word);
// Offers a candidate, which must outlive the suggestion.
void suggestion_offer(struct suggestion *suggestion, const char *candidate);

#endif
