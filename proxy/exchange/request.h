// One request as it was received: its head, and what it asks of which GitHub.
#ifndef GITLATCH_REQUEST_H
#define GITLATCH_REQUEST_H

#include <stdbool.h>

#include <gitlatch/attr.h>
#include <gitlatch/verdict.h>

#include "client.h"
#include "head.h"
#include "operation.h"
#include "request_id.h"
#include "runtime.h"
#include "target.h"

// Heads up to this size are kept in the request itself.
#define REQUEST_HEAD_SIZE ((size_t)4 * KIB)

struct request {
    char id[REQUEST_ID_SIZE];
    bool is_http;                    // false: what came was no request, and only `id` is known
    bool has_body;                   // by its head
    char *head_bytes;                // the head's copy, of which `head` holds views: `head_room`, where it fits
    struct target target;            // once the operation is known
    char *own_path;                  // that `target` views, where the host knows it by another; NULL: else
    const struct runtime_host *host; // NULL: not known
    struct operation operation;      // OPERATION_KIND_COUNT: not known
    // What follows is not cleared for a new request: to clear 10 KiB would cost more than to parse it.
    struct head head; // where `is_http`
    char head_room[REQUEST_HEAD_SIZE];
};

void request_init(struct request *request, struct request_ids *ids);
void request_clear(struct request *request);
// Copies a parsed head, whose bytes are at `data` now.
void request_take_head(struct request *request, const struct head *head, const char *data);
// Finds out which operation the request is. On failure sets `ret_verdict`; the operation is filled in as far as it is
// known, so that the refusal takes the right form.
bool request_find_operation(struct request *request, const struct client *client, const struct runtime *runtime,
                            struct verdict *ret_verdict) GL_MUST_CHECK;
// The name of the host that answers the operation, and what its Host field says.
const char *request_upstream_name(const struct request *request);
const char *request_upstream_authority(const struct request *request);

#endif
