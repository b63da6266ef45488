#include "graphql_body.h"

#include <jansson.h>

bool graphql_body_owner(struct bytes json, char ret_owner[OWNER_NAME_SIZE])
{
    json_t *root = json_loadb(json.data ? json.data : "", json.size, 0, NULL);
    json_t *owner = json_object_get(json_object_get(root, "variables"), "owner");
    struct repository_name repository;
    bool found =
        json_is_string(owner) &&
        repository_name_parse(bytes_of(json_string_value(owner), json_string_length(owner)), BYTES("any"), &repository);

    if (found)
        memcpy(ret_owner, repository.owner, sizeof(repository.owner));
    json_decref(root);
    return found;
}
