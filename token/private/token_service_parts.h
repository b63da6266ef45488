// What a token service consists of, for the files that are the service.
#ifndef GITLATCH_TOKEN_SERVICE_PARTS_H
#define GITLATCH_TOKEN_SERVICE_PARTS_H

#include "cache.h"
#include "mint_gate.h"
#include "minting.h"
#include "repository_list.h"
#include "repository_lookup.h"
#include "repository_map.h"
#include "source.h"
#include "source_kinds.h"
#include "token_options.h"
#include "token_walk.h"

struct http_client;

struct token_service {
    unsigned references; // its maker's, and one a request
    struct loop *loop;
    int64_t wait_ms;
    struct http_client *client; // NULL: the transport was given
    struct http_transport *transport;
    struct source **sources;
    size_t source_count;
    struct cache *cache;
    struct mint_gate *gate; // NULL: there is none
    struct repository_map *map;
    struct repository_lists *lists;
    struct minting_context mintings;
    struct token_walk_context walks;
};

#endif
