// The LFS API of github.com: batch and locks (git-lfs, docs/api).
#ifndef GITLATCH_LFS_SERVICE_H
#define GITLATCH_LFS_SERVICE_H

#include <jansson.h>

#include "git_service.h"

// What a handler is given and gives; under the world's lock.
struct lfs_exchange {
    struct call *call;
    json_t *body; // an object; NULL where the method has none
    struct repository *repository;
    char *actor; // who asks: a login, or the App's "[bot]"
    int status;
    json_t *answer;
};

void lfs_service_serve(struct call *call);
// A JSON answer of LFS's own type; `json` is given away.
void lfs_service_answer(struct call *call, int status, json_t *json);

// /info/lfs/locks…
void lfs_lock_list(struct lfs_exchange *exchange);
void lfs_lock_create(struct lfs_exchange *exchange);
void lfs_lock_verify(struct lfs_exchange *exchange);
void lfs_lock_remove(struct lfs_exchange *exchange);

#endif
