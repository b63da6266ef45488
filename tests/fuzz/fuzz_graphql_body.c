// Any bytes as the body of a GraphQL request: the owner that is read is a name that an owner can have, in lower case,
// and the same in the body written again by jansson, as are the ids of repositories.
#include "graphql_body.h"

#include <jansson.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of((const char *)data, size);
    struct graphql_hint hint, again;
    struct repository_name name;
    json_t *root;
    char *text;

    graphql_body_read(input, &hint);
    FUZZ_CHECK(hint.repository_id_count <= GRAPHQL_BODY_IDS_MAX);
    for (size_t i = 0; i < hint.repository_id_count; i++)
        FUZZ_CHECK(hint.repository_ids[i] > 0);
    if (!*hint.owner)
        return 0;
    FUZZ_CHECK(repository_name_parse(bytes_of_string(hint.owner), BYTES("x"), &name) &&
               strcmp(name.owner, hint.owner) == 0);
    root = json_loadb(input.data, size, 0, NULL);
    text = json_dumps(root, JSON_ENSURE_ASCII);
    FUZZ_CHECK(text);
    graphql_body_read(bytes_of_string(text), &again);
    FUZZ_CHECK(strcmp(hint.owner, again.owner) == 0 && hint.repository_id_count == again.repository_id_count);
    free(text);
    json_decref(root);
    return 0;
}
