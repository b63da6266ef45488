#include "token_question.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "mint_scope.h"
#include "text.h"

static bool take_host(const json_t *value, const struct config *config, struct token_question *question,
                      struct error *ret_error)
{
    if (!value && config->github_count == 1) {
        question->host = &config->githubs[0].host;
        return true;
    }
    for (size_t i = 0; i < config->github_count; i++) {
        if (json_is_string(value) && strcasecmp(json_string_value(value), config->githubs[i].host.web) == 0) {
            question->host = &config->githubs[i].host;
            return true;
        }
    }
    return error_set(ret_error, "`host` must be a GitHub that this broker serves, such as \"%s\"",
                     config->githubs[0].host.web);
}

static bool take_owner(const json_t *value, struct token_question *question, struct error *ret_error)
{
    struct bytes owner = bytes_of_string(json_string_value(value));
    struct repository_name any;

    if (!value || (json_is_string(value) && owner.size == 0))
        return true;
    if (!json_is_string(value) || !repository_name_parse(owner, BYTES("any"), &any))
        return error_set(ret_error, "`owner` must be the name of an owner");
    memcpy(question->owner, any.owner, sizeof(any.owner));
    return true;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct repository_name *)a)->name, ((const struct repository_name *)b)->name);
}

static void sort_names(struct token_question *question)
{
    size_t kept = 0;

    qsort(question->names, question->count, sizeof(*question->names), compare_names);
    for (size_t i = 0; i < question->count; i++) {
        if (kept == 0 || compare_names(&question->names[kept - 1], &question->names[i]) != 0)
            question->names[kept++] = question->names[i];
    }
    question->count = kept;
}

// An empty list means "all" to GitHub: it is refused, since nobody means it.
static bool take_names(const json_t *value, struct token_question *question, struct error *ret_error)
{
    size_t count = json_array_size(value), i;
    const json_t *item;

    if (!value)
        return true;
    if (count == 0 || count > MINT_SCOPE_REPOSITORIES_MAX)
        return error_set(ret_error, "`repositories` must be a list of 1 to %d names", MINT_SCOPE_REPOSITORIES_MAX);
    if (!*question->owner)
        return error_set(ret_error, "`repositories` needs their `owner`");
    question->names = mem_alloc_zero(count, sizeof(*question->names));
    json_array_foreach(value, i, item) {
        if (!json_is_string(item) ||
            !repository_name_parse(bytes_of_string(question->owner), bytes_of_string(json_string_value(item)),
                                   &question->names[question->count++]))
            return error_set(ret_error, "`repositories` must hold names of repositories, without their owner");
    }
    sort_names(question);
    return true;
}

static bool take_permissions(json_t *value, struct token_question *question, struct error *ret_error)
{
    const char *name;
    json_t *word;

    if (value && !json_is_object(value))
        return error_set(ret_error, "`permissions` must be an object such as {\"contents\": \"read\"}");
    json_object_foreach(value, name, word) {
        enum permission_level level;

        if (!json_is_string(word) || !permission_level_parse(bytes_of_string(json_string_value(word)), &level) ||
            !permissions_add(&question->permissions, bytes_of_string(name), level))
            return error_set(ret_error, "`permissions` must hold names of permissions, each read, write or admin");
    }
    return question->permissions.count > 0 ||
           permissions_add(&question->permissions, BYTES("metadata"), PERMISSION_READ);
}

// The token is named as audit events name it.
static bool take_rejected(const json_t *value, struct token_question *question, struct error *ret_error)
{
    const char *text = json_string_value(value);

    if (!value)
        return true;
    if (!text || json_string_length(value) != TOKEN_FINGERPRINT_SIZE - 1 ||
        strspn(text, "0123456789abcdef") != TOKEN_FINGERPRINT_SIZE - 1)
        return error_set(ret_error, "`rejected` must be the first %d hex digits of a token's SHA-256",
                         TOKEN_FINGERPRINT_SIZE - 1);
    memcpy(question->rejected, text, TOKEN_FINGERPRINT_SIZE);
    return true;
}

// What is not understood could have made the question narrower.
static bool check_members(json_t *root, const char *const *members, size_t count, struct error *ret_error)
{
    const char *name;
    json_t *value;

    json_object_foreach(root, name, value) {
        bool known = false;

        for (size_t i = 0; i < count; i++)
            known |= strcmp(name, members[i]) == 0;
        if (!known)
            return error_set(ret_error, "there is no member `%.64s`", name);
    }
    return true;
}

static bool take_page(const json_t *value, struct token_question *question, struct error *ret_error)
{
    json_int_t page = value ? json_integer_value(value) : 1;

    if (page < 1 || page > TOKEN_QUESTION_PAGES_MAX)
        return error_set(ret_error, "`page` must be a number from 1 to %d", TOKEN_QUESTION_PAGES_MAX);
    question->page = (unsigned)page;
    return true;
}

static bool take_token_members(json_t *root, struct token_question *question, struct error *ret_error)
{
    static const char *const members[] = {"host", "owner", "permissions", "rejected", "repositories"};

    return check_members(root, members, GL_ARRAY_SIZE(members), ret_error) &&
           take_names(json_object_get(root, "repositories"), question, ret_error) &&
           take_permissions(json_object_get(root, "permissions"), question, ret_error) &&
           take_rejected(json_object_get(root, "rejected"), question, ret_error);
}

static bool take_listing_members(json_t *root, struct token_question *question, struct error *ret_error)
{
    static const char *const members[] = {"host", "owner", "page"};

    return check_members(root, members, GL_ARRAY_SIZE(members), ret_error) &&
           take_page(json_object_get(root, "page"), question, ret_error);
}

typedef bool take_members_fn(json_t *root, struct token_question *question, struct error *ret_error);

static bool parse_question(struct bytes body, const struct config *config, take_members_fn *take_members,
                           struct token_question *ret_question, struct error *ret_error)
{
    json_t *root = json_loadb(body.data ? body.data : "", body.size, JSON_REJECT_DUPLICATES, NULL);
    struct token_question question = {0};
    bool ok = json_is_object(root) || error_set(ret_error, "the body must be a JSON object");

    ok = ok && take_host(json_object_get(root, "host"), config, &question, ret_error) &&
         take_owner(json_object_get(root, "owner"), &question, ret_error) && take_members(root, &question, ret_error);
    json_decref(root);
    if (ok)
        *ret_question = question;
    else
        token_question_clear(&question);
    return ok;
}

bool token_question_parse(struct bytes body, const struct config *config, struct token_question *ret_question,
                          struct error *ret_error)
{
    return parse_question(body, config, take_token_members, ret_question, ret_error);
}

bool token_question_parse_listing(struct bytes body, const struct config *config, struct token_question *ret_question,
                                  struct error *ret_error)
{
    return parse_question(body, config, take_listing_members, ret_question, ret_error);
}

void token_question_clear(struct token_question *question)
{
    mem_free(question->names);
    *question = (struct token_question){0};
}

void token_question_label(const struct token_question *question, struct text *text)
{
    char permissions[512];

    permissions_format(&question->permissions, permissions, sizeof(permissions));
    if (question->count == 1)
        text_format(text, "%s/%s %s", question->owner, question->names[0].name, permissions);
    else if (question->count > 1)
        text_format(text, "%s (%zu repositories) %s", question->owner, question->count, permissions);
    else
        text_format(text, "%s (all) %s", question->owner, permissions);
}
