#include "lfs_body.h"

#include <jansson.h>

#include "mem.h"

static bool lfs_body_malformed(struct verdict *verdict, const char *what)
{
    return verdict_set(verdict, REASON_LFS_MALFORMED, "%s", what);
}

// Whether a key could be read as `name` by a reader that ignores case, as Go's does, and is not `name`.
// Beyond ASCII lie letters that such a reader folds into ASCII ones.
static bool key_is_ambiguous(const char *key, const char *name)
{
    for (const char *c = key; *c; c++)
        if ((unsigned char)*c >= 0x80)
            return true;
    return strcmp(key, name) != 0 && strcasecmp(key, name) == 0;
}

// The member `name`; NULL where it is not there or null.
static bool get_member(json_t *object, const char *name, json_t **ret_value)
{
    const char *key;
    json_t *value;

    if (!json_is_object(object))
        return false;
    json_object_foreach(object, key, value) {
        if (key_is_ambiguous(key, name))
            return false;
    }
    value = json_object_get(object, name);
    *ret_value = json_is_null(value) ? NULL : value;
    return true;
}

static bool parse_ref(json_t *root, struct lfs_body *body, struct verdict *verdict)
{
    json_t *ref, *name;

    if (!get_member(root, "ref", &ref))
        return lfs_body_malformed(verdict, "the members of the Git LFS request are not what git-lfs sends");
    if (!ref)
        return true;
    if (!get_member(ref, "name", &name) || (name && !json_is_string(name)))
        return lfs_body_malformed(verdict, "the ref of the Git LFS request is not {\"name\": …}");
    if (name && json_string_length(name))
        body->ref = mem_string(json_string_value(name));
    return true;
}

static bool parse_operation(json_t *root, struct lfs_body *body, struct verdict *verdict)
{
    json_t *operation;
    const char *word;

    if (!get_member(root, "operation", &operation))
        return lfs_body_malformed(verdict, "the members of the Git LFS batch are not what git-lfs sends");
    word = json_string_value(operation);
    if (!word || (strcmp(word, "upload") != 0 && strcmp(word, "download") != 0))
        return lfs_body_malformed(verdict, "the Git LFS batch names neither upload nor download as its operation");
    body->upload = strcmp(word, "upload") == 0;
    return true;
}

static bool lfs_body_parse(struct bytes json, bool batch, struct lfs_body *ret_body, struct verdict *ret_verdict)
{
    struct lfs_body body = {0};
    json_error_t error;
    json_t *root = json_loadb(json.data ? json.data : "", json.size, JSON_REJECT_DUPLICATES, &error);
    bool parsed;

    if (!root)
        return verdict_set(ret_verdict, REASON_LFS_MALFORMED, "the Git LFS request is not JSON: %s", error.text);
    parsed = (!batch || parse_operation(root, &body, ret_verdict)) && parse_ref(root, &body, ret_verdict);
    json_decref(root);
    if (parsed)
        *ret_body = body;
    return parsed;
}

bool lfs_body_parse_batch(struct bytes json, struct lfs_body *ret_body, struct verdict *ret_verdict)
{
    return lfs_body_parse(json, true, ret_body, ret_verdict);
}

bool lfs_body_parse_lock(struct bytes json, struct lfs_body *ret_body, struct verdict *ret_verdict)
{
    if (json.size == 0) {
        *ret_body = (struct lfs_body){0};
        return true;
    }
    return lfs_body_parse(json, false, ret_body, ret_verdict);
}

void lfs_body_clear(struct lfs_body *body)
{
    mem_free(body->ref);
    *body = (struct lfs_body){0};
}
