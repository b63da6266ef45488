#include "source_kinds.h"

#include <string.h>

#define DECLARE(NAME, name) extern const struct source_kind source_##name##_kind;
SOURCE_KINDS(DECLARE)

#define KIND(NAME, name) [CREDENTIAL_##NAME] = &source_##name##_kind,
static const struct source_kind *const kinds[CREDENTIAL_TYPE_COUNT] = {SOURCE_KINDS(KIND)};

#define WORD(NAME, name) [CREDENTIAL_##NAME] = #name,
const char *const credential_type_words[CREDENTIAL_TYPE_COUNT + 1] = {SOURCE_KINDS(WORD)};

const struct source_kind *source_kind_of(enum credential_type type)
{
    return kinds[type];
}

struct source *source_new(const struct source *base, const struct credential_options *options, struct error *ret_error)
{
    const struct source_kind *kind = source_kind_of(options->type);
    struct source *source = kind->make(base, options, ret_error);

    if (!source)
        error_prefix(ret_error, "credential `%s`", source_id_name((struct source_id){kind, base->id.number}));
    return source;
}

static bool keys_have(const char *const keys[SOURCE_KEYS_MAX], const char *key)
{
    for (size_t i = 0; i < SOURCE_KEYS_MAX && keys[i]; i++) {
        if (strcmp(keys[i], key) == 0)
            return true;
    }
    return false;
}

bool credential_takes(enum credential_type type, const char *key)
{
    static const char *const every_kinds[SOURCE_KEYS_MAX] = {"also_when_refused", "host", "type"};

    return keys_have(every_kinds, key) || keys_have(source_kind_of(type)->takes, key) ||
           keys_have(source_kind_of(type)->needs, key);
}

bool credential_needs(enum credential_type type, const char *key)
{
    return strcmp(key, "type") == 0 || keys_have(source_kind_of(type)->needs, key);
}

bool credential_needs_tls(enum credential_type type)
{
    return source_kind_of(type)->needs_tls;
}

const char *credential_problem(const struct credential_options *options, const char **ret_key)
{
    const struct source_kind *kind = source_kind_of(options->type);

    *ret_key = NULL;
    return kind->problem ? kind->problem(options, ret_key) : NULL;
}

bool credential_narrows(enum credential_type type)
{
    return source_kind_of(type)->narrow;
}

bool credential_is_github(enum credential_type type)
{
    return source_kind_of(type)->github;
}

bool credential_gives_rules(enum credential_type type)
{
    return source_kind_of(type)->gives_rules;
}
