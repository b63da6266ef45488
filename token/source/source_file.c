// `file`: a token that an operator put into a file, read again when it changes.
#include <stdio.h>

#include "fixed_token.h"
#include "loop.h"
#include "mem.h"
#include "secret.h"
#include "secret_file.h"
#include "source.h"

struct source_file {
    struct source source;
    struct secret_file file;
    struct mono since; // when this token was seen first; TOKEN_AGE_UNKNOWN: it was there before us
    bool good;         // it is well-formed
    bool looked;       // the file was looked at before
};

static bool file_ready(struct source *source, struct source_failure *ret_failure)
{
    struct source_file *self = (struct source_file *)source;
    bool first = !self->looked, changed;
    struct error error;

    self->looked = true;
    if (!secret_file_refresh(&self->file, &changed, &error))
        return source_failure_set(ret_failure, true, REASON_NO_CREDENTIAL, "the token cannot be read: %s", error.text);
    if (changed) {
        self->since = first ? TOKEN_AGE_UNKNOWN : loop_now(source->loop);
        secret_fingerprint(self->file.secret, source->version);
    }
    if (changed || !self->good)
        self->good = fixed_token_check(self->file.secret, self->file.path, ret_failure);
    return self->good;
}

static struct source_mint *file_mint(struct source *source, const struct mint_scope *scope, source_done_fn *done,
                                     void *arg)
{
    struct source_file *self = (struct source_file *)source;

    return fixed_token_mint(source, self->file.secret, self->since, scope, done, arg);
}

static void file_free(struct source *source)
{
    struct source_file *self = (struct source_file *)source;

    secret_file_clear(&self->file);
    mem_free(self);
}

extern const struct source_kind source_file_kind;

static struct source *file_make(const struct source *base, const struct credential_options *options,
                                struct error *ret_error)
{
    struct source_file *self =
        source_alloc(sizeof(*self), base, &source_file_kind, mem_format("file %s", options->path));

    secret_file_init(&self->file, options->path);
    return &self->source;
}

const struct source_kind source_file_kind = {
    .names = SOURCE_NAMES("file"),
    .needs = {"path"},
    .takes = {"wide_api"},
    .ready = file_ready,
    .mint = file_mint,
    .cancel = fixed_token_cancel,
    .free = file_free,
    .make = file_make,
};
