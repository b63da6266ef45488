// `platform`: a wide token from a platform's endpoint, GET /admin/github-installation-token.
#include <stdio.h>
#include <string.h>

#include "bearer_file.h"
#include "github_answer.h"
#include "github_failure.h"
#include "loop.h"
#include "mem.h"
#include "source.h"

struct source_platform {
    struct source source;
    struct bearer_file bearer;
};

struct platform_mint {
    struct source_mint mint;
    struct http_request *request;
};

static bool platform_ready(struct source *source, struct source_failure *ret_failure)
{
    return bearer_file_ready(&((struct source_platform *)source)->bearer, ret_failure);
}

static void source_platform_answer_failure(const struct source_platform *self, const struct http_answer *answer,
                                           struct wall local, struct source_failure *failure)
{
    const char *url = self->bearer.url;

    if (answer->result != HTTP_ANSWERED)
        source_failure_transport(url, answer, failure);
    else if (answer->status == 404)
        source_failure_set(failure, true, REASON_NOT_INSTALLED, "%s has no GitHub App for this owner", url);
    else if (answer->status == 401 || answer->status == 403)
        source_failure_set(failure, true, REASON_BAD_CREDENTIAL, "%s does not take the token in %s", url,
                           self->bearer.file.path);
    else if (answer->status == 400)
        source_failure_set(failure, true, REASON_OWNER_UNKNOWN, "%s wants to know for which owner", url);
    else if (answer->status == 429 || answer->status >= 500)
        source_failure_set(failure, false, REASON_TOKEN_UNREACHABLE, "%s answered %d", url, answer->status);
    else
        source_failure_set(failure, false, REASON_TOKEN_SOURCE, "%s answered %d", url, answer->status);
    failure->retry_ms = github_failure_retry_ms(answer, local);
}

static void on_source_platform_answer(void *arg, const struct http_answer *answer)
{
    struct source_mint mint = ((struct platform_mint *)arg)->mint;
    const struct source_platform *self = (const struct source_platform *)mint.source;
    struct wall now = clock_wall(loop_clock(mint.source->loop));
    struct source_failure failure;
    struct token *token;
    struct error error;

    mem_free(arg);
    if (answer->status != 200) {
        source_platform_answer_failure(self, answer, now, &failure);
        mint.done(mint.arg, NULL, &failure);
        return;
    }
    token = github_answer_wide_token(answer->body, &error);
    if (!token) {
        source_failure_set(&failure, false, REASON_TOKEN_SOURCE, "%s: %s", self->bearer.url, error.text);
        mint.done(mint.arg, NULL, &failure);
        return;
    }
    if (!github_failure_date(answer, now, &now))
        now = clock_wall(loop_clock(mint.source->loop));
    source_token_set_end(token, mint.source, now);
    source_mint_give(&mint, token);
    token_unref(token);
}

static struct source_mint *platform_mint(struct source *source, const struct mint_scope *scope, source_done_fn *done,
                                         void *arg)
{
    struct source_platform *self = (struct source_platform *)source;
    struct platform_mint *platform = source_mint_alloc(sizeof(*platform), source, scope, done, arg);
    const char *owner = scope->repository.owner;
    char *url = *owner ? mem_format("%s%cowner=%s", self->bearer.url, strchr(self->bearer.url, '?') ? '&' : '?', owner)
                       : mem_string(self->bearer.url);
    struct http_call call = bearer_file_call(&self->bearer, "GET", url, bytes_of(NULL, 0));

    platform->request = source->transport->ask(source->transport, &call, on_source_platform_answer, platform);
    mem_free(url);
    return &platform->mint;
}

static void platform_cancel(struct source_mint *mint)
{
    struct platform_mint *platform = (struct platform_mint *)mint;

    mint->source->transport->cancel(mint->source->transport, platform->request);
    mem_free(platform);
}

static void platform_free(struct source *source)
{
    struct source_platform *self = (struct source_platform *)source;

    bearer_file_clear(&self->bearer);
    mem_free(self);
}

extern const struct source_kind source_platform_kind;

static struct source *platform_make(const struct source *base, const struct credential_options *options,
                                    struct error *ret_error)
{
    struct bearer_file bearer;

    if (!bearer_file_init(&bearer, options, ret_error))
        return NULL;
    struct source_platform *self = source_alloc(sizeof(*self), base, &source_platform_kind,
                                                mem_format("platform %s %s", bearer.url, bearer.file.path));
    self->bearer = bearer;
    return &self->source;
}

const struct source_kind source_platform_kind = {
    .names = SOURCE_NAMES("platform"),
    .needs = {"token_file", "url"},
    .takes = {"trust", "wide_api"},
    .by_owner = true,
    .ready = platform_ready,
    .mint = platform_mint,
    .cancel = platform_cancel,
    .free = platform_free,
    .make = platform_make,
};
