// Which repository has which id: learned from mints and listings, bounded, forgotten after a while.
#ifndef GITLATCH_REPOSITORY_MAP_H
#define GITLATCH_REPOSITORY_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gitlatch/attr.h>
#include <gitlatch/token_service.h>

struct git_host;
struct loop;
struct repository_map;

struct repository_map *repository_map_new(struct loop *loop) GL_MUST_CHECK;
void repository_map_free(struct repository_map *map);

// A host is known by its web name.
void repository_map_learn(struct repository_map *map, const struct git_host *host,
                          const struct token_repository *repositories, size_t count);
// There is none with this id, as far as our tokens see.
void repository_map_learn_missing(struct repository_map *map, const struct git_host *host, uint64_t id);

enum repository_map_result { REPOSITORY_UNKNOWN, REPOSITORY_KNOWN, REPOSITORY_MISSING };
enum repository_map_result repository_map_find(const struct repository_map *map, const struct git_host *host,
                                               uint64_t id, struct repository_name *ret_name);

// Takes over what another knows.
void repository_map_adopt(struct repository_map *map, const struct repository_map *old);

#endif
