// A token, a key or a password. Counted; wiped when the last reference goes. It lives in memory that is
// locked and left out of core dumps. No function formats or logs it, on purpose: what is to go on the wire is
// copied from secret_bytes into a buffer that is wiped (buffer_mark_secret).
//
// For the loop's thread alone.
#ifndef GITLATCH_SECRET_H
#define GITLATCH_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include <gitlatch/attr.h>

#include "bytes.h"

struct secret;

// First hex digits of its SHA-256, by which a token is named in audit events; and NUL.
#define SECRET_FINGERPRINT_SIZE 13

// Copies the bytes; the caller wipes his own copy. One reference, owned by the caller.
struct secret *secret_new(struct bytes bytes) GL_MUST_CHECK;
// Room for `size` bytes that the caller fills through `*ret_data` (a file's contents, a derived header).
struct secret *secret_new_sized(size_t size, char **ret_data) GL_MUST_CHECK;
// The secret without the white space and line ends that surround it in a file or in a command's output.
struct secret *secret_new_trimmed(struct bytes bytes) GL_MUST_CHECK;
// One more reference; gives `secret`.
struct secret *secret_ref(struct secret *secret);
// NULL is allowed.
void secret_unref(struct secret *secret);

// A view, valid as long as a reference is held.
struct bytes secret_bytes(const struct secret *secret);
// The form in which it goes on the wire, once made: kept with it, and wiped with it. Takes the reference to `form`, of
// which a secret has one at the most.
void secret_keep_form(struct secret *secret, struct secret *form);
// On loan, valid as long as `secret` is held; NULL: not made yet.
struct secret *secret_form(const struct secret *secret);
// The time it takes does not depend on where the two differ, nor whether they have the same size.
bool secret_equal(const struct secret *secret, struct bytes other) GL_MUST_CHECK;
void secret_fingerprint(const struct secret *secret, char ret_hex[static SECRET_FINGERPRINT_SIZE]);

// Makes the process one whose memory cannot be read: no core dump, no ptrace by others of the same user,
// /proc/PID owned by root. Called by `proxy`, `run` and `broker` before a secret is read.
void secret_protect_process(void);
// Calls `warn` with errno's code the first time that a secret's memory cannot be locked (RLIMIT_MEMLOCK).
void secret_warn_unlocked(void (*warn)(int code));

#endif
