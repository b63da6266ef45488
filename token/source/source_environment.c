// `environment`: a token in a variable of gitlatch's own environment, read once, at start.
#include <stdlib.h>
#include <string.h>

#include "fixed_token.h"
#include "loop.h"
#include "mem.h"
#include "secret.h"
#include "source.h"

struct source_environment {
    struct source source;
    char *name;
    struct secret *token; // NULL: the variable is not set, or empty
};

static bool environment_ready(struct source *source, struct source_failure *ret_failure)
{
    struct source_environment *self = (struct source_environment *)source;

    if (!self->token)
        return source_failure_set(ret_failure, true, REASON_NO_CREDENTIAL,
                                  "the variable %s is not set: `export %s=TOKEN` where gitlatch is started", self->name,
                                  self->name);
    return fixed_token_check(self->token, self->name, ret_failure);
}

static struct source_mint *environment_mint(struct source *source, const struct mint_scope *scope, source_done_fn *done,
                                            void *arg)
{
    struct source_environment *self = (struct source_environment *)source;

    return fixed_token_mint(source, self->token, TOKEN_AGE_UNKNOWN, scope, done, arg);
}

static void environment_free(struct source *source)
{
    struct source_environment *self = (struct source_environment *)source;

    secret_unref(self->token);
    mem_free(self->name);
    mem_free(self);
}

extern const struct source_kind source_environment_kind;

// A name that no shell could set is a mistake. It may be the token itself: it is not shown.
static const char *environment_problem(const struct credential_options *options, const char **ret_key)
{
    const char *name = options->name;
    size_t size = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

    if (name[size] == '\0' && (name[0] < '0' || name[0] > '9'))
        return NULL;
    *ret_key = "name";
    return "must be the name of an environment variable, such as GITHUB_TOKEN";
}

static struct source *environment_make(const struct source *base, const struct credential_options *options,
                                       struct error *ret_error)
{
    struct source_environment *self =
        source_alloc(sizeof(*self), base, &source_environment_kind, mem_format("environment %s", options->name));
    const char *value = getenv(options->name);

    self->name = mem_string(options->name);
    if (value && *value) {
        self->token = secret_new_trimmed(bytes_of_string(value));
        secret_fingerprint(self->token, self->source.version);
    }
    return &self->source;
}

const struct source_kind source_environment_kind = {
    .names = SOURCE_NAMES("environment"),
    .needs = {"name"},
    .takes = {"wide_api"},
    .problem = environment_problem,
    .ready = environment_ready,
    .mint = environment_mint,
    .cancel = fixed_token_cancel,
    .free = environment_free,
    .make = environment_make,
};
