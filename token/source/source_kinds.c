#include "source_kinds.h"

extern const struct source_kind source_app_kind, source_broker_kind, source_platform_kind, source_command_kind,
    source_file_kind, source_environment_kind;

static const struct source_kind *const kinds[CREDENTIAL_TYPE_COUNT] = {
    [CREDENTIAL_APP] = &source_app_kind,           [CREDENTIAL_BROKER] = &source_broker_kind,
    [CREDENTIAL_PLATFORM] = &source_platform_kind, [CREDENTIAL_COMMAND] = &source_command_kind,
    [CREDENTIAL_FILE] = &source_file_kind,         [CREDENTIAL_ENVIRONMENT] = &source_environment_kind,
};

const struct source_kind *source_kind_of(enum credential_type type)
{
    return kinds[type];
}

struct source *source_new(const struct source *base, const struct credential_options *options, struct error *ret_error)
{
    const struct source_kind *kind = kinds[options->type];
    struct source *source = kind->make(base, options, ret_error);

    if (!source)
        error_prefix(ret_error, "credential `%s`", source_id_name((struct source_id){kind, base->id.number}));
    return source;
}
