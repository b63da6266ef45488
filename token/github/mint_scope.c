#include "mint_scope.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <gitlatch/git_host.h>

#include "mem.h"
#include "text.h"

// 32 permissions of at most 63 characters with their levels.
#define PERMISSIONS_TEXT_SIZE (PERMISSIONS_MAX * (PERMISSION_NAME_SIZE + 8))

static void add_metadata(struct permissions *permissions)
{
    bool added GL_UNUSED = permissions_add(permissions, BYTES("metadata"), PERMISSION_READ);
}

void mint_scope_init(struct mint_scope *mint, const struct scope *scope)
{
    *mint = (struct mint_scope){
        .host = scope->host,
        .reach = scope->reach,
        .repository = scope->repository,
        .all_permissions = scope->all_permissions,
        .permissions = scope->permissions,
    };
    if (scope->tenant)
        snprintf(mint->tenant, sizeof(mint->tenant), "%s", scope->tenant);
    if (scope->rejected)
        snprintf(mint->rejected, sizeof(mint->rejected), "%s", scope->rejected);
    if (mint->permissions.count == 0 && !mint->all_permissions)
        add_metadata(&mint->permissions);
}

void mint_scope_init_metadata(struct mint_scope *mint, const struct git_host *host, const char *owner)
{
    mint_scope_init_wide(mint, host, owner);
    mint->wide = false;
    add_metadata(&mint->permissions);
}

void mint_scope_init_wide(struct mint_scope *mint, const struct git_host *host, const char *owner)
{
    *mint = (struct mint_scope){.host = host, .reach = SCOPE_INSTALLATION, .wide = true};
    if (*owner)
        snprintf(mint->repository.owner, sizeof(mint->repository.owner), "%s", owner);
}

// By id; by name where there is none.
static int compare_repositories(const void *a, const void *b)
{
    const struct token_repository *left = a, *right = b;

    if (left->id != right->id)
        return left->id < right->id ? -1 : 1;
    return left->id ? 0 : strcmp(left->name.name, right->name.name);
}

void mint_scope_set(struct mint_scope *mint, const struct token_repository *repositories, size_t count)
{
    mem_free(mint->repositories);
    mint->repositories = mem_alloc(count * sizeof(*repositories));
    memcpy(mint->repositories, repositories, count * sizeof(*repositories));
    mint->repository_count = count;
    qsort(mint->repositories, count, sizeof(*repositories), compare_repositories);
}

void mint_scope_copy(struct mint_scope *copy, const struct mint_scope *mint)
{
    *copy = *mint;
    copy->repositories = NULL;
    if (mint->repositories)
        mint_scope_set(copy, mint->repositories, mint->repository_count);
}

void mint_scope_clear(struct mint_scope *mint)
{
    mem_free(mint->repositories);
    mint->repositories = NULL;
    mint->repository_count = 0;
}

static bool same_repositories(const struct mint_scope *a, const struct mint_scope *b)
{
    if (a->repository_count != b->repository_count)
        return false;
    for (size_t i = 0; i < a->repository_count; i++) {
        if (compare_repositories(&a->repositories[i], &b->repositories[i]) != 0)
            return false;
    }
    return true;
}

bool mint_scope_equal(const struct mint_scope *a, const struct mint_scope *b)
{
    return a->reach == b->reach && a->wide == b->wide && a->all_permissions == b->all_permissions &&
           strcmp(a->repository.owner, b->repository.owner) == 0 &&
           (a->reach != SCOPE_REPOSITORY || strcmp(a->repository.name, b->repository.name) == 0) &&
           (a->all_permissions || permissions_equal(&a->permissions, &b->permissions)) && same_repositories(a, b) &&
           strcmp(a->host->web, b->host->web) == 0;
}

static void add_permissions(const struct mint_scope *mint, struct text *text)
{
    char permissions[PERMISSIONS_TEXT_SIZE] = "all permissions";

    if (!mint->all_permissions)
        permissions_format(&mint->permissions, permissions, sizeof(permissions));
    text_append(text, permissions);
}

void mint_scope_key(const struct mint_scope *mint, struct text *text)
{
    // A name holds no space, no comma and no slash, so that no two scopes give one text.
    text_append(text, mint->host->web);
    text_append_char(text, ' ');
    text_append_number(text, mint->reach);
    text_append(text, mint->wide ? "w " : " ");
    text_append(text, mint->repository.owner);
    text_append_char(text, '/');
    if (mint->reach == SCOPE_REPOSITORY)
        text_append(text, mint->repository.name);
    text_append_char(text, ' ');
    for (size_t i = 0; i < mint->repository_count; i++) {
        const struct token_repository *repository = &mint->repositories[i];
        if (repository->id)
            text_format(text, ",%" PRIu64, repository->id);
        else
            text_format(text, "/%s", repository->name.name);
    }
    text_append_char(text, ' ');
    add_permissions(mint, text);
}

void mint_scope_label(const struct mint_scope *mint, struct text *text)
{
    const char *owner = mint->repository.owner;

    if (mint->wide) {
        text_format(text, "%s%swide", owner, *owner ? " " : "");
        return;
    }
    if (mint->reach == SCOPE_REPOSITORY)
        text_format(text, "%s/%s ", owner, mint->repository.name);
    else if (mint->reach == SCOPE_SET)
        text_format(text, "%s (%zu repositories) ", owner, mint->repository_count);
    else
        text_format(text, "%s%s(all) ", owner, *owner ? " " : "");
    add_permissions(mint, text);
}

static bool permissions_within(const struct permissions *granted, const struct permissions *asked)
{
    struct permissions allowed = *asked;

    // `metadata: read` is granted always; where it could not be added, the set is full without it.
    add_metadata(&allowed);
    return permissions_cover(&allowed, granted);
}

static bool repository_matches(const struct mint_scope *mint, const struct token_repository *repositories, size_t count,
                               struct verdict *ret_verdict)
{
    const struct repository_name *asked = &mint->repository;

    if (count != 1)
        return verdict_set(ret_verdict, REASON_SCOPE,
                           "a token for %s/%s alone was asked for, one for %zu repositories "
                           "came; it is not used",
                           asked->owner, asked->name, count);
    if (repository_name_equal(&repositories[0].name, asked))
        return true;
    verdict_set(ret_verdict, REASON_RENAMED, "%s/%s is now %s/%s", asked->owner, asked->name,
                repositories[0].name.owner, repositories[0].name.name);
    snprintf(ret_verdict->location, sizeof(ret_verdict->location), "%s/%s", repositories[0].name.owner,
             repositories[0].name.name);
    return false;
}

static bool was_asked_for(const struct mint_scope *mint, struct token_repository repository)
{
    if (mint->repositories[0].id == 0) {
        repository.id = 0;
        if (strcmp(repository.name.owner, mint->repository.owner) != 0)
            return false;
    }
    return bsearch(&repository, mint->repositories, mint->repository_count, sizeof(repository), compare_repositories);
}

static bool within_set(const struct mint_scope *mint, const struct token_repository *repositories, size_t count,
                       struct verdict *ret_verdict)
{
    for (size_t i = 0; i < count; i++) {
        if (!was_asked_for(mint, repositories[i]))
            return verdict_set(ret_verdict, REASON_SCOPE,
                               "the token covers %s/%s, which was not asked for; it is not used",
                               repositories[i].name.owner, repositories[i].name.name);
    }
    return true;
}

bool mint_scope_compare(const struct mint_scope *mint, const struct permissions *granted,
                        const struct token_repository *repositories, size_t count, struct verdict *ret_verdict)
{
    if (!mint->all_permissions && !permissions_within(granted, &mint->permissions)) {
        char text[PERMISSIONS_TEXT_SIZE];
        permissions_format(granted, text, sizeof(text));
        return verdict_set(ret_verdict, REASON_SCOPE,
                           "the token grants more than was asked for (%.200s); it is not used", text);
    }
    switch (mint->reach) {
    case SCOPE_REPOSITORY:
        return repository_matches(mint, repositories, count, ret_verdict);
    case SCOPE_SET:
        return within_set(mint, repositories, count, ret_verdict);
    case SCOPE_INSTALLATION:
        return true;
    }
    return false;
}
