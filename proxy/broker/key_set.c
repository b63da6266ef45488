#include "key_set.h"

#include <string.h>

#include "id_token.h"
#include "mem.h"

bool key_set_parse(struct bytes json, struct key_set *ret_set, struct error *ret_error)
{
    json_t *root = json_loadb(json.data ? json.data : "", json.size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *list = json_object_get(root, "keys"), *item;
    struct key_set set = {0};
    size_t i;

    if (json_array_size(list) <= KEY_SET_MAX) {
        set.keys = mem_alloc_zero(json_array_size(list), sizeof(*set.keys));
        json_array_foreach(list, i, item)
            set.count += verification_key_parse(item, &set.keys[set.count]);
    }
    if (!json_is_array(list))
        error_set(ret_error, "this is no JSON Web Key Set: it has no list `keys`");
    else if (json_array_size(list) > KEY_SET_MAX)
        error_set(ret_error, "the key set holds more than %d keys", KEY_SET_MAX);
    else if (set.count == 0)
        error_set(ret_error, "the key set holds no key for RS256 (2048 bits and more), ES256 or EdDSA (Ed25519)");
    json_decref(root);
    if (set.count > 0)
        *ret_set = set;
    else
        key_set_clear(&set);
    return ret_set->count > 0;
}

void key_set_clear(struct key_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        verification_key_clear(&set->keys[i]);
    mem_free(set->keys);
    *set = (struct key_set){0};
}

// A token without a `kid` may be signed by any key; one with it by a key of that id, and where the set has a single key
// without an id, by that.
static bool may_be_of(const struct verification_key *key, const struct id_token *token)
{
    return !token->key_id || !key->id || strcmp(key->id, token->key_id) == 0;
}

bool key_set_knows(const struct key_set *set, const struct id_token *token)
{
    for (size_t i = 0; i < set->count; i++) {
        if (may_be_of(&set->keys[i], token))
            return true;
    }
    return false;
}

enum key_set_result key_set_verify(const struct key_set *set, const struct id_token *token)
{
    enum key_set_result result = KEY_SET_UNKNOWN;

    for (size_t i = 0; i < set->count; i++) {
        const struct verification_key *key = &set->keys[i];

        if (!may_be_of(key, token))
            continue;
        if (key->algorithm != token->algorithm) {
            result = result == KEY_SET_UNKNOWN ? KEY_SET_ALGORITHM : result;
            continue;
        }
        if (verification_key_verify(key, token->signed_part, token->signature))
            return KEY_SET_SIGNED;
        result = KEY_SET_FORGED;
    }
    return result;
}
