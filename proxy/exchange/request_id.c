#include "request_id.h"

#include <openssl/rand.h>
#include <stddef.h>
#include <stdlib.h>

void request_ids_init(struct request_ids *ids)
{
    if (RAND_bytes((unsigned char *)&ids->prefix, sizeof(ids->prefix)) != 1)
        abort();
    ids->next = 0;
}

void request_ids_next(struct request_ids *ids, char ret_id[REQUEST_ID_SIZE])
{
    uint64_t id = (uint64_t)ids->prefix << 32 | ids->next++;

    // In hexadecimal, with its leading zeros.
    for (size_t i = 0; i < REQUEST_ID_SIZE - 1; i++)
        ret_id[i] = "0123456789abcdef"[id >> (60 - 4 * i) & 15];
    ret_id[REQUEST_ID_SIZE - 1] = '\0';
}
