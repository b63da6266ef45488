// GitHub's answer on its way to the client: passed on (and copied, where it may be kept for the next request), or, where
// it is an error that git would not show, read to be quoted.
#ifndef GITLATCH_DOWNLOAD_H
#define GITLATCH_DOWNLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>
#include <gitlatch/verdict.h>

#include "budget.h"
#include "client.h"
#include "pump.h"
#include "quote.h"
#include "request.h"
#include "runtime.h"
#include "text.h"

enum download_result {
    DOWNLOAD_MORE,      // the rest is waited for, of GitHub or the client
    DOWNLOAD_DONE,      // all is passed on; of a quote: enough was read
    DOWNLOAD_LOST,      // GitHub closed inside the body
    DOWNLOAD_MALFORMED, // its framing is malformed
    DOWNLOAD_TOO_LARGE, // its head cannot be sent on
};

struct download {
    const struct head *answer; // GitHub's head, whose bytes are at the front of its input until it is passed on
    struct pump pump;
    bool close;         // the client's connection ends with this answer
    bool head_passed;   // the client has the head
    uint64_t bytes;     // passed on
    struct quote quote; // an error's text
    // The body as it is copied while it is passed on.
    struct body copied;
    size_t copy_max; // bytes; 0: it is not copied
    struct text copy;
};

void download_init(struct download *download);
void download_clear(struct download *download);

// Begins to pass an answer on. `close`: the client's connection is to end in any case; afterwards `download->close` says
// whether it does. Of the body at most `copy_max` bytes are copied.
void download_begin(struct download *download, const struct head *answer, const struct request *request, bool close,
                    size_t copy_max);
// Passes on what there is, the head first.
enum download_result download_run(struct download *download, struct stream *upstream, const struct client *client,
                                  const struct request *request) GL_MUST_CHECK;
// Whether it waits for the client to take more.
bool download_is_stuck(const struct download *download);
// Whether GitHub's connection can serve another request after this answer.
bool download_keeps_upstream(const struct download *download);

// Begins to read an error's text, and reads what there is of it.
void download_begin_quote(struct download *download, struct stream *upstream, const struct head *answer,
                          const struct request *request, struct wall now);
// The same of an answer whose body is to be changed and sent on: at most `max` bytes of it are read. `answer` stays where
// it is, and is no view of the connection's input.
void download_begin_whole(struct download *download, struct stream *upstream, const struct head *answer,
                          const struct request *request, size_t max);
enum download_result download_read_quote(struct download *download, struct stream *upstream) GL_MUST_CHECK;

// Begins to hold an answer's body, of which at most `size_max` bytes are held in `copy`; holds what there is of it.
// DOWNLOAD_TOO_LARGE: the memory for it is not there.
void download_begin_held(struct download *download, struct stream *upstream, const struct head *answer,
                         const struct request *request, size_t size_max);
enum download_result download_read_held(struct download *download, struct stream *upstream, struct budget_share *budget)
    GL_MUST_CHECK;

#endif
