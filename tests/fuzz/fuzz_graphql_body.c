// Any bytes as the body of a GraphQL request: the owner that is read is a name that an owner can have, in lower case,
// and the same in the body written again by jansson.
#include "graphql_body.h"

#include <jansson.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of((const char *)data, size);
    char owner[OWNER_NAME_SIZE], again[OWNER_NAME_SIZE];
    struct repository_name name;
    json_t *root;
    char *text;

    if (!graphql_body_owner(input, owner))
        return 0;
    FUZZ_CHECK(repository_name_parse(bytes_of_string(owner), BYTES("x"), &name) && strcmp(name.owner, owner) == 0);
    root = json_loadb(input.data, size, 0, NULL);
    text = json_dumps(root, JSON_ENSURE_ASCII);
    FUZZ_CHECK(text && graphql_body_owner(bytes_of_string(text), again) && strcmp(owner, again) == 0);
    free(text);
    json_decref(root);
    return 0;
}
