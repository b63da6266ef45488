// Every request that the mock saw, for tests to ask what was sent, and what was not.
#ifndef GITLATCH_RECORD_H
#define GITLATCH_RECORD_H

#include <stdint.h>

#include <gitlatch/attr.h>

struct call;
struct mock_text;

// The newest so many are kept: enough for the longest test, about 1 KiB each.
#define RECORD_MAX 200000

struct record_entry;

struct record_entry *record_begin(const struct call *call);
// How the caller proved itself: "none", "basic", "bearer", "jwt", "other"; the token's id (0: none) and
// scope, as one JSON object in text.
void record_auth(struct record_entry *entry, const char *kind, uint64_t token, const char *scope);
// Just before the answer's last byte is sent, so that who has it finds it in the record; then at the very
// end.
void record_answer(struct record_entry *entry, const struct call *call);
void record_end(struct record_entry *entry, const struct call *call);
// One JSON object a line, oldest first, from entry number `after` + 1 on.
void record_print(struct mock_text *out, uint64_t after);
void record_clear(void);
void record_count(uint64_t *ret_requests, uint64_t *ret_dropped);

#endif
