// `ca.state`: the directory that keeps the CA over a restart, and gives processes that share a port one CA.
//
//   ca.pem, ca.key   a pair; the key is readable by its owner alone
//   lock             held (flock) while they are read and written
//
// A new pair is written key first, with no ca.pem in between: whoever is killed in the middle leaves a state
// without a CA, and the next process makes one.
#ifndef GITLATCH_AUTHORITY_STATE_H
#define GITLATCH_AUTHORITY_STATE_H

#include <stdint.h>

#include "authority.h"

struct authority_state;

// Opens the directory (own_directory.h says which), or makes it with mode 0700.
struct authority_state *authority_state_open(const char *directory, struct error *ret_error) GL_MUST_CHECK;
void authority_state_close(struct authority_state *state); // NULL is allowed
// The directory that is used, absolute; valid as long as `state`.
const char *authority_state_directory(const struct authority_state *state);

// The CA that is kept; where there is none that can be used, one that is made and kept. One that is due is
// renewed; one that is damaged or does not fit the hosts is replaced, with a warning in the log.
// Another process may hold the lock: it is waited for, blocking, for at most `wait_ms`.
struct authority *authority_state_load(struct authority_state *state, const struct name_list *hosts, struct wall now,
                                       int64_t wait_ms, struct error *ret_error) GL_MUST_CHECK;

#endif
