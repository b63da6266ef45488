#include "source.h"

#include <stdarg.h>
#include <stdio.h>

#include "mem.h"

// Credentials of one type that have a name of their own in metrics and events.
#define NAMED_MAX 5

// clang-format off
#define NAMES(type) {type, type "-2", type "-3", type "-4", type "-5"}
static const char *const names[CREDENTIAL_TYPE_COUNT][NAMED_MAX] = {
    [CREDENTIAL_APP] = NAMES("app"),
    [CREDENTIAL_BROKER] = NAMES("broker"),
    [CREDENTIAL_PLATFORM] = NAMES("platform"),
    [CREDENTIAL_COMMAND] = NAMES("command"),
    [CREDENTIAL_FILE] = NAMES("file"),
    [CREDENTIAL_ENVIRONMENT] = NAMES("environment"),
};
// clang-format on

typedef struct source *new_fn(const struct source *base, const struct credential_options *options,
                              struct error *ret_error);
static new_fn *const makers[CREDENTIAL_TYPE_COUNT] = {
    [CREDENTIAL_APP] = source_app_new,           [CREDENTIAL_BROKER] = source_broker_new,
    [CREDENTIAL_PLATFORM] = source_platform_new, [CREDENTIAL_COMMAND] = source_command_new,
    [CREDENTIAL_FILE] = source_file_new,         [CREDENTIAL_ENVIRONMENT] = source_environment_new,
};

const char *source_name(enum credential_type type, size_t n)
{
    return names[type][n < NAMED_MAX ? n : NAMED_MAX - 1];
}

struct source *source_new(const struct source *base, const struct credential_options *options, struct error *ret_error)
{
    struct source *source = makers[options->type](base, options, ret_error);

    if (!source)
        error_prefix(ret_error, "credential `%s`", base->name);
    return source;
}

void source_free(struct source *source)
{
    char *identity = source->identity;

    source->type->free(source);
    mem_free(identity);
}

void source_scope_metadata(const struct source *source, const char *owner, struct mint_scope *ret_scope)
{
    if (source->type->narrow)
        mint_scope_init_metadata(ret_scope, source->host, owner);
    else
        mint_scope_init_wide(ret_scope, source->host, source->type->by_owner ? owner : "");
}

void *source_alloc(size_t size, const struct source *base, const struct source_type *type, char *identity)
{
    struct source *source = mem_alloc_zero(1, size);

    *source = *base;
    source->type = type;
    source->identity = identity;
    return source;
}

void *source_mint_alloc(size_t size, struct source *source, source_done_fn *done, void *arg)
{
    struct source_mint *mint = mem_alloc_zero(1, size);

    *mint = (struct source_mint){.source = source, .done = done, .arg = arg};
    return mint;
}

bool source_failure_set(struct source_failure *failure, bool permanent, enum reason reason, const char *format, ...)
{
    char sentence[VERDICT_SENTENCE_SIZE];
    va_list list;

    va_start(list, format);
    vsnprintf(sentence, sizeof(sentence), format, list);
    va_end(list);
    *failure = (struct source_failure){.permanent = permanent};
    return verdict_set(&failure->verdict, reason, "%s", sentence);
}
