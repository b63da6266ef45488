// What GitHub says in an error that git would not show: the status, how long to wait, and its words where they are text
// that can be quoted (UTF-8 or ASCII).
#ifndef GITLATCH_QUOTE_H
#define GITLATCH_QUOTE_H

#include <stdbool.h>

#include <gitlatch/verdict.h>

#include "bytes.h"
#include "clock.h"
#include "head.h"
#include "text.h"

struct quote {
    struct text words; // as they arrive
    size_t max;        // bytes of them
    bool is_text;      // for people, in a charset that is quoted,
    bool is_gzip;      // and compressed
    int status;
    enum reason reason;
    unsigned retry_after_s; // 0: GitHub does not say
};

// Begins with the head of an answer whose status is 400 or more.
void quote_begin(struct quote *quote, const struct head *answer, struct wall now);
// The same of an answer that is to be read as a whole, as long as it has no more than `max` bytes.
void quote_begin_whole(struct quote *quote, const struct head *answer, struct wall now, size_t max);
void quote_add(struct quote *quote, struct bytes bytes);
// Whether more words would not be quoted.
bool quote_is_full(const struct quote *quote);
// Appends the words decoded, as far as they came.
void quote_words(const struct quote *quote, struct text *out);
// What was said, as far as it came.
void quote_verdict(const struct quote *quote, struct verdict *ret_verdict);
void quote_clear(struct quote *quote);

#endif
