#include "graphql_body.h"

#include <jansson.h>
#include <string.h>

#include "node_id.h"

// `{"input": {"pullRequestId": …}}` has two; a list of inputs four.
#define DEPTH_MAX 6

static struct bytes text_of(const json_t *value)
{
    return bytes_of(json_string_value(value), json_string_length(value));
}

static void find_ids(json_t *value, unsigned depth, struct graphql_hint *hint)
{
    const char *name;
    json_t *item;
    size_t index;

    if (depth > DEPTH_MAX)
        return;
    if (json_is_string(value) && hint->repository_id_count < GRAPHQL_BODY_IDS_MAX) {
        if (node_id_repository(text_of(value), &hint->repository_ids[hint->repository_id_count]))
            hint->repository_id_count++;
    } else if (json_is_array(value)) {
        json_array_foreach(value, index, item)
            find_ids(item, depth + 1, hint);
    } else if (json_is_object(value)) {
        json_object_foreach(value, name, item)
            find_ids(item, depth + 1, hint);
    }
}

void graphql_body_read(struct bytes json, struct graphql_hint *ret_hint)
{
    json_t *root = json_loadb(json.data ? json.data : "", json.size, 0, NULL);
    json_t *variables = json_object_get(root, "variables"), *owner = json_object_get(variables, "owner");
    struct repository_name repository;

    *ret_hint = (struct graphql_hint){0};
    if (json_is_string(owner) && repository_name_parse(text_of(owner), BYTES("any"), &repository))
        memcpy(ret_hint->owner, repository.owner, sizeof(repository.owner));
    find_ids(variables, 0, ret_hint);
    json_decref(root);
}
