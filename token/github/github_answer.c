#include "github_answer.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"
#include "secret.h"
#include "text.h"

// NULL sets the error.
static json_t *parse(struct bytes body, struct error *ret_error)
{
    json_error_t error;
    json_t *root = json_loadb(body.data ? body.data : "", body.size, JSON_REJECT_DUPLICATES, &error);

    // The text of the error may quote the answer: it is not repeated.
    if (!root)
        error_set(ret_error, "the answer is not JSON (line %d)", error.line);
    return root;
}

static struct bytes string_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_string(value) ? bytes_of(json_string_value(value), json_string_length(value)) : bytes_of(NULL, 0);
}

static bool id_of(const json_t *object, uint64_t *ret_id)
{
    const json_t *value = json_object_get(object, "id");

    if (!json_is_integer(value) || json_integer_value(value) <= 0)
        return false;
    *ret_id = (uint64_t)json_integer_value(value);
    return true;
}

bool github_token_well_formed(struct bytes token)
{
    if (token.size == 0 || token.size > GITHUB_ANSWER_TOKEN_MAX)
        return false;
    for (size_t i = 0; i < token.size; i++) {
        if (token.data[i] <= 0x20 || token.data[i] >= 0x7f)
            return false;
    }
    return true;
}

static bool read_repository(const json_t *item, const char *owner, struct token_repository *ret_repository)
{
    struct bytes full_name = string_of(item, "full_name"), item_owner, name;
    struct token_repository repository;

    if (!bytes_cut(full_name, '/', &item_owner, &name)) {
        item_owner = bytes_of_string(owner);
        name = string_of(item, "name");
    }
    if (!id_of(item, &repository.id) || !repository_name_parse(item_owner, name, &repository.name))
        return false;
    *ret_repository = repository;
    return true;
}

// The array is the caller's also where false is returned.
static bool read_repositories(const json_t *array, const char *owner, struct token_repository **ret_repositories,
                              size_t *ret_count)
{
    size_t count = json_array_size(array);

    if (!json_is_array(array) || count > GITHUB_ANSWER_ITEMS_MAX)
        return false;
    *ret_repositories = mem_alloc(count * sizeof(**ret_repositories));
    for (size_t i = 0; i < count; i++) {
        if (!read_repository(json_array_get(array, i), owner, &(*ret_repositories)[i]))
            return false;
    }
    *ret_count = count;
    return true;
}

// A permission of a level that we do not know is one that we did not ask for: no part of the answer may be skipped.
static bool read_permissions(json_t *object, struct permissions *permissions)
{
    const char *key;
    json_t *value;

    if (!json_is_object(object))
        return false;
    json_object_foreach(object, key, value) {
        enum permission_level level;
        if (!json_is_string(value) || !permission_level_parse(bytes_of_string(json_string_value(value)), &level) ||
            !permissions_add(permissions, bytes_of_string(key), level))
            return false;
    }
    return true;
}

// What the answer says of the token's scope. Nothing is said of permissions that are more than there is room for: they
// are more than was asked for, unless all were, and then nobody looks at them.
static bool read_scope(const json_t *root, const char *owner, struct token_scope *scope, struct error *ret_error)
{
    json_t *permissions = json_object_get(root, "permissions");
    json_t *repositories = json_object_get(root, "repositories");

    scope->has_permissions = permissions && json_object_size(permissions) <= PERMISSIONS_MAX;
    scope->has_repositories = repositories != NULL;
    if (scope->has_permissions && !read_permissions(permissions, &scope->permissions))
        return error_set(ret_error, "the answer's permissions cannot be read");
    if (repositories && !read_repositories(repositories, owner, &scope->repositories, &scope->repository_count))
        return error_set(ret_error, "the answer's repositories cannot be read");
    return true;
}

// NULL sets the error.
static struct token *read_token(const json_t *root, struct error *ret_error)
{
    struct bytes text = string_of(root, "token");
    struct wall end;

    if (!github_token_well_formed(text)) {
        error_set(ret_error, "the answer holds no token");
        return NULL;
    }
    if (!wall_parse_rfc3339(string_of(root, "expires_at"), &end)) {
        error_set(ret_error, "the answer's expires_at is no RFC 3339 time");
        return NULL;
    }
    struct secret *value = secret_new(text);
    struct token *token = token_new(value);
    token->expires_at = end;
    secret_unref(value);
    return token;
}

struct token *github_answer_token(struct bytes body, const char *owner, struct error *ret_error)
{
    json_t *root = parse(body, ret_error);
    struct token *token = root ? read_token(root, ret_error) : NULL;

    if (token && !read_scope(root, owner, &token->granted, ret_error)) {
        token_unref(token);
        token = NULL;
    }
    json_decref(root);
    return token;
}

struct token *github_answer_wide_token(struct bytes body, struct error *ret_error)
{
    json_t *root = parse(body, ret_error);
    struct token *token = root ? read_token(root, ret_error) : NULL;

    json_decref(root);
    return token;
}

static bool read_installation(const json_t *item, struct github_installation *ret_installation)
{
    struct bytes login = string_of(json_object_get(item, "account"), "login");
    struct github_installation installation;
    struct repository_name name;

    // The account's name is made normal as an owner's is; "x" stands in for a repository. An account of another kind
    // (an enterprise, which has a slug) owns no repositories.
    if (!id_of(item, &installation.id) || !repository_name_parse(login, BYTES("x"), &name))
        return false;
    memcpy(installation.owner, name.owner, sizeof(installation.owner));
    *ret_installation = installation;
    return true;
}

bool github_answer_installation(struct bytes body, struct github_installation *ret_installation,
                                struct error *ret_error)
{
    json_t *root = parse(body, ret_error);
    bool done = root && read_installation(root, ret_installation);

    if (root && !done)
        error_set(ret_error, "the answer describes no installation");
    json_decref(root);
    return done;
}

// NULL sets the error.
static json_t *parse_installations(struct bytes body, struct error *ret_error)
{
    json_t *root = parse(body, ret_error);

    if (root && (!json_is_array(root) || json_array_size(root) > GITHUB_ANSWER_ITEMS_MAX)) {
        error_set(ret_error, "the answer is no list of installations");
        json_decref(root);
        return NULL;
    }
    return root;
}

bool github_answer_installations(struct bytes body, struct github_installation **ret_installations, size_t *ret_count,
                                 struct error *ret_error)
{
    json_t *root = parse_installations(body, ret_error);
    size_t count = json_array_size(root), kept = 0;

    if (!root)
        return false;
    struct github_installation *installations = mem_alloc(count * sizeof(*installations));
    for (size_t i = 0; i < count; i++)
        kept += read_installation(json_array_get(root, i), &installations[kept]);
    json_decref(root);
    *ret_installations = installations;
    *ret_count = kept;
    return true;
}

bool github_answer_grants(struct bytes body, struct github_grant **ret_grants, size_t *ret_count,
                          struct error *ret_error)
{
    json_t *root = parse_installations(body, ret_error);
    size_t count = json_array_size(root), kept = 0;

    if (!root)
        return false;
    struct github_grant *grants = mem_alloc_zero(count, sizeof(*grants));
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(root, i);
        if (!read_installation(item, &grants[kept].installation))
            continue;
        grants[kept].readable = read_permissions(json_object_get(item, "permissions"), &grants[kept].permissions);
        kept++;
    }
    json_decref(root);
    *ret_grants = grants;
    *ret_count = kept;
    return true;
}

bool github_answer_repositories(struct bytes body, const char *owner, struct token_repository **ret_repositories,
                                size_t *ret_count, size_t *ret_total, struct error *ret_error)
{
    struct token_repository *repositories = NULL;
    size_t count;
    json_t *root = parse(body, ret_error);
    const json_t *total = json_object_get(root, "total_count");
    const char *named = json_string_value(json_object_get(root, "owner"));

    if (!root)
        return false;
    if (!json_is_integer(total) || json_integer_value(total) < 0 ||
        !read_repositories(json_object_get(root, "repositories"), owner && !*owner ? named : owner, &repositories,
                           &count)) {
        mem_free(repositories);
        json_decref(root);
        return error_set(ret_error, "the answer is no list of repositories");
    }
    *ret_repositories = repositories;
    *ret_count = count;
    *ret_total = (size_t)json_integer_value(total);
    json_decref(root);
    return true;
}

bool github_answer_repository(struct bytes body, struct token_repository *ret_repository, struct error *ret_error)
{
    json_t *root = parse(body, ret_error);
    bool done = root && read_repository(root, NULL, ret_repository);

    if (root && !done)
        error_set(ret_error, "the answer describes no repository");
    json_decref(root);
    return done;
}

void github_answer_message(struct bytes body, char *ret_message, size_t size)
{
    json_t *root = json_loadb(body.data ? body.data : "", body.size, JSON_REJECT_DUPLICATES, NULL);
    struct bytes message = string_of(root, "message");

    snprintf(ret_message, size, "%.*s", (int)text_whole_size(message, size - 1), message.data ? message.data : "");
    json_decref(root);
}
