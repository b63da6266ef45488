// What exists on the mock GitHub: accounts, installations of Apps, repositories. One lock guards it all;
// whoever calls a function of this header holds it, unless the function says otherwise.
#ifndef GITLATCH_WORLD_H
#define GITLATCH_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include <gitlatch/attr.h>

#include "app.h"
#include "bytes.h"

#define WORLD_RATE_LIMIT 5000 // requests an hour an installation ("Rate limits for the REST API")

struct account {
    uint64_t id;
    char *login;
    bool organization;
    bool ip_allow_list; // its list does not hold our callers
    struct account *next;
};

struct installation {
    uint64_t id;
    const struct app *app;
    struct account *account;
    json_t *permissions;   // {"contents": "write", …}
    bool all_repositories; // else those whose `selected` is set
    bool suspended;
    int64_t rate_limit;
    int64_t rate_used;
    int64_t rate_reset; // seconds since the epoch
    struct installation *next;
};

struct repository {
    uint64_t id;
    struct account *owner;
    char *name;
    char *description;
    bool private;
    bool selected; // for installations that are not for all repositories
    bool deleted;
    char *directory; // the bare repository
    json_t *issues;  // arrays, as the API answers them
    json_t *pulls;
    json_t *comments; // by the number of their issue or pull request
    json_t *releases;
    json_t *locks;
    int64_t next_number; // of issues and pulls
    struct repository *next;
};

void world_lock(void);
void world_unlock(void);

void world_set_state_directory(const char *directory);
const char *world_state_directory(void);

struct account *world_add_account(const char *login, bool organization);
struct account *world_account(const char *login); // case-insensitive; NULL: none
// Old URLs of its repositories are answered with redirects.
void world_rename_account(struct account *account, const char *login);

struct installation *world_add_installation(struct account *account, const struct app *app);
struct installation *world_installation(uint64_t id);
struct installation *world_installation_of(const struct account *account, const struct app *app);
struct installation *world_installation_list(void);
void world_remove_installation(struct installation *installation);
bool world_covers(const struct installation *installation, const struct repository *repository);

// Takes a repository in whose bare directory is there.
struct repository *world_add_repository(struct account *owner, const char *name, bool private);
// NULL: none of that name; *ret_renamed tells that the name is an old one.
struct repository *world_repository(struct bytes owner, struct bytes name, bool *ret_renamed);
struct repository *world_repository_by_id(uint64_t id);
struct repository *world_repository_list(void);
// Its bare directory is renamed too.
void world_rename_repository(struct repository *repository, const char *name);
// The name as people write it, owned by the caller.
char *world_full_name(const struct repository *repository);
// The branch that HEAD names, owned by the caller.
char *world_default_branch(const struct repository *repository);
// Where the bare repository of that name belongs, owned by the caller. Needs no lock.
char *world_directory(const char *owner, const char *name);

// "read" < "write" < "admin"; 0 for none.
int world_level(const char *word);
int world_granted(json_t *permissions, const char *name);

#endif
