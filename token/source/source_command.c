// `command`: what a command prints, like `gh auth token`; run by the spawner.
#include <stdio.h>
#include <string.h>

#include "child.h"
#include "fixed_token.h"
#include "loop.h"
#include "mem.h"
#include "secret.h"
#include "source.h"
#include "spawner.h"
#include "text.h"

// A helper that asks a password manager or a cloud; below the default of limits.token.
#define COMMAND_TIMEOUT_MS (20 * SECOND_MS)

struct source_command {
    struct source source;
    char *program;
    size_t index; // with the spawner
    int64_t life_ms;
};

struct command_mint {
    struct source_mint mint;
    struct child *child;
};

static bool command_ready(struct source *source, struct source_failure *ret_failure)
{
    return true;
}

static void on_source_command_output(void *arg, struct secret *output, const struct error *error)
{
    struct command_mint *command = arg;
    struct source_mint mint = command->mint;
    const struct source_command *self = (const struct source_command *)mint.source;
    struct source_failure failure;

    mem_free(command);
    if (!output) {
        source_failure_set(&failure, false, REASON_TOKEN_UNREACHABLE, "%s: %s", self->program, error->text);
        failure.slow = true; // what a command says once it says again a second later
        mint.done(mint.arg, NULL, &failure);
        return;
    }
    struct secret *value = secret_new_trimmed(secret_bytes(output));
    struct token *token = token_new(value);
    secret_unref(value);
    token_set_life(token, self->life_ms, loop_clock(mint.source->loop));
    token->expires_at = token->ends_wall;
    token->minted_at = loop_now(mint.source->loop);
    if (fixed_token_check(token->value, self->program, &failure))
        source_mint_give(&mint, token);
    else
        mint.done(mint.arg, NULL, &failure);
    token_unref(token);
}

static struct source_mint *command_mint(struct source *source, const struct mint_scope *scope, source_done_fn *done,
                                        void *arg)
{
    struct source_command *self = (struct source_command *)source;
    struct command_mint *command = source_mint_alloc(sizeof(*command), source, scope, done, arg);

    command->child = child_run(source->spawner, self->index, bytes_of(NULL, 0), COMMAND_TIMEOUT_MS,
                               on_source_command_output, command);
    return &command->mint;
}

static void command_cancel(struct source_mint *mint)
{
    struct command_mint *command = (struct command_mint *)mint;

    child_cancel(command->child);
    mem_free(command);
}

static void command_free(struct source *source)
{
    struct source_command *self = (struct source_command *)source;

    mem_free(self->program);
    mem_free(self);
}

extern const struct source_kind source_command_kind;

static struct source *command_make(const struct source *base, const struct credential_options *options,
                                   struct error *ret_error)
{
    struct text identity = {0};
    size_t index;

    if (!spawner_find(base->spawner, options->argv, &index, ret_error))
        return NULL;
    text_append(&identity, "command");
    for (char **argument = options->argv; *argument; argument++)
        text_format(&identity, " %s", *argument);
    struct source_command *self = source_alloc(sizeof(*self), base, &source_command_kind, identity.data);
    self->program = mem_string(options->argv[0]);
    self->index = index;
    self->life_ms = options->lifetime_ms ? options->lifetime_ms : INT64_MAX;
    return &self->source;
}

const struct source_kind source_command_kind = {
    .names = SOURCE_NAMES("command"),
    .needs = {"argv"},
    .takes = {"lifetime", "wide_api"},
    .ready = command_ready,
    .mint = command_mint,
    .cancel = command_cancel,
    .free = command_free,
    .make = command_make,
};
