// The answer to a Git LFS batch of a host that is no GitHub: read in full, cleaned (lfs_answer.h), and sent as ours.
#ifndef GITLATCH_EXCHANGE_LFS_H
#define GITLATCH_EXCHANGE_LFS_H

#include <stdbool.h>

struct exchange;

// Whether the answer whose head is there is one.
bool exchange_lfs_is_asked(const struct exchange *exchange);
// Begins to read it; reads what there is of it.
void exchange_lfs_begin(struct exchange *exchange);
void exchange_lfs_read(struct exchange *exchange);

#endif
