// The id of a request or a tunnel, by which answers, log and audit events name it: 8 hex digits of this process, 8 of
// the request.
#ifndef GITLATCH_REQUEST_ID_H
#define GITLATCH_REQUEST_ID_H

#include <stdint.h>

#define REQUEST_ID_SIZE 17 // 16 digits and NUL

struct request_ids {
    uint32_t prefix, next;
};

// Picks a random prefix.
void request_ids_init(struct request_ids *ids);
void request_ids_next(struct request_ids *ids, char ret_id[REQUEST_ID_SIZE]);

#endif
