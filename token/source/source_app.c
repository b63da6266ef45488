// `app`: tokens minted as a GitHub App, each for one scope.
#include <stdio.h>
#include <string.h>

#include "app_call.h"
#include "app_installation.h"
#include "app_key.h"
#include "github_failure.h"
#include "loop.h"
#include "mem.h"
#include "source.h"
#include "text.h"

struct source_app {
    struct source source;
    uint64_t pinned; // the configured installation; 0: none
    struct app_key *key;
    struct app_caller caller;
    struct app_installations *installations;
};

struct app_mint {
    struct source_mint mint;
    struct app_installation_request *finding; // NULL: found
    struct app_call *call;                    // NULL: not yet asked
    bool looked_up_again;
};

static struct source_app *app_of(const struct app_mint *mint)
{
    return (struct source_app *)mint->mint.source;
}

static bool app_ready(struct source *source, struct source_failure *ret_failure)
{
    struct source_app *self = (struct source_app *)source;

    app_key_refresh(self->key, source->version);
    return true;
}

static void app_cancel(struct source_mint *mint)
{
    struct app_mint *app = (struct app_mint *)mint;

    if (app->finding)
        app_installation_cancel(app->finding);
    if (app->call)
        app_call_cancel(app->call);
    mem_free(app);
}

static void fail_mint(struct app_mint *app, const struct source_failure *failure)
{
    struct source_mint mint = app->mint;

    mem_free(app);
    mint.done(mint.arg, NULL, failure);
}

// GitHub's time when it answered: a token's life is counted by the clock that gave it its end.
static struct wall answered_at(const struct app_mint *app, const struct http_answer *answer)
{
    struct wall date;

    if (github_failure_date(answer, clock_wall(loop_clock(app->mint.source->loop)), &date))
        return date;
    return app_key_now(app_of(app)->key);
}

static void take_token(struct app_mint *app, const struct http_answer *answer)
{
    struct source_mint mint = app->mint;
    struct error error;
    struct token *token = github_answer_token(answer->body, NULL, &error);
    struct source_failure failure;

    if (!token) {
        source_failure_set(&failure, false, REASON_TOKEN_SOURCE, "%s: %s", github_host_of(mint.source->host)->api,
                           error.text);
        fail_mint(app, &failure);
        return;
    }
    struct token_scope *granted = &token->granted;
    granted->wide = !(granted->has_permissions || mint.scope->all_permissions) ||
                    !(granted->has_repositories || mint.scope->reach == SCOPE_INSTALLATION);
    source_token_set_end(token, mint.source, answered_at(app, answer));
    token->minted_at = loop_now(mint.source->loop);
    mem_free(app);
    source_mint_give(&mint, token);
    token_unref(token);
}

static void on_installation(void *arg, const struct github_installation *installation,
                            const struct source_failure *failure);

static void find_installation(struct app_mint *app)
{
    app->finding = app_installation_find(app_of(app)->installations, app->mint.scope, on_installation, app);
}

static void on_minted(void *arg, const struct http_answer *answer, const struct source_failure *failure)
{
    struct app_mint *app = arg;

    app->call = NULL;
    if (answer && answer->status == 201) {
        take_token(app, answer);
    } else if (answer) {
        struct source_failure odd;
        source_failure_set(&odd, false, REASON_TOKEN_SOURCE, "%s answered %d to a mint",
                           github_host_of(app->mint.source->host)->api, answer->status);
        fail_mint(app, &odd);
    } else if (failure->verdict.reason == REASON_NOT_INSTALLED && !app->looked_up_again) {
        // Removed, and perhaps added again under a new id.
        app->looked_up_again = true;
        app_installation_forget(app_of(app)->installations, app->mint.scope->repository.owner);
        find_installation(app);
    } else {
        fail_mint(app, failure);
    }
}

static void on_installation(void *arg, const struct github_installation *installation,
                            const struct source_failure *failure)
{
    struct app_mint *app = arg;
    const char *owner = app->mint.scope->repository.owner;
    struct source_failure moved;

    app->finding = NULL;
    if (!installation) {
        fail_mint(app, failure);
        return;
    }
    bool another = *owner && strcmp(installation->owner, owner) != 0;
    if (another && app->mint.scope->reach == SCOPE_REPOSITORY) {
        // A name alone would be taken for a repository of the new owner, whatever it is: its new name is asked for.
        source_failure_set(&moved, true, REASON_NOT_COVERED, "%s is now %s", owner, installation->owner);
        fail_mint(app, &moved);
        return;
    }
    if (another && app->mint.scope->all_permissions) {
        // It was led to by a repository that was handed over; all else that is there was never this owner's.
        source_failure_set(&moved, true, REASON_NOT_INSTALLED, "the GitHub App is not installed for %s", owner);
        fail_mint(app, &moved);
        return;
    }
    app->call =
        app_call_start(&app_of(app)->caller, github_call_mint(installation->id, app->mint.scope), on_minted, app);
}

static struct source_mint *app_mint(struct source *source, const struct mint_scope *scope, source_done_fn *done,
                                    void *arg)
{
    struct app_mint *app = source_mint_alloc(sizeof(*app), source, scope, done, arg);

    find_installation(app);
    return &app->mint;
}

// Ahead of the first mint.

struct source_preparation {
    struct app_installation_request *finding;
    struct mint_scope scope;
    source_prepared_fn *done;
    void *arg;
};

static void on_prepared(void *arg, const struct github_installation *installation, const struct source_failure *failure)
{
    struct source_preparation preparation = *(struct source_preparation *)arg;

    mint_scope_clear(&preparation.scope);
    mem_free(arg);
    preparation.done(preparation.arg);
}

static struct source_preparation *app_prepare(struct source *source, const char *owner, source_prepared_fn *done,
                                              void *arg)
{
    struct source_preparation *preparation = mem_alloc(sizeof(*preparation));

    *preparation = (struct source_preparation){.done = done, .arg = arg};
    mint_scope_init_metadata(&preparation->scope, source->host, owner);
    preparation->finding = app_installation_find(((struct source_app *)source)->installations, &preparation->scope,
                                                 on_prepared, preparation);
    return preparation;
}

static void app_prepare_cancel(struct source_preparation *preparation)
{
    app_installation_cancel(preparation->finding);
    mint_scope_clear(&preparation->scope);
    mem_free(preparation);
}

// `check`: where the App is installed shows that its key and id are taken.

struct source_probe {
    const struct source_app *self;
    source_probe_fn *done;
    void *arg;
    struct app_call *call;
};

static void app_probe_cancel(struct source_probe *probe)
{
    app_call_cancel(probe->call);
    mem_free(probe);
}

// Moves the pinned installation to the front; returns how many of them that are.
static size_t select_pinned(struct github_grant *grants, size_t count, uint64_t pinned)
{
    for (size_t i = 0; i < count; i++) {
        if (grants[i].installation.id == pinned) {
            struct github_grant first = grants[0];
            grants[0] = grants[i];
            grants[i] = first;
            return 1;
        }
    }
    return 0;
}

static void append_wrong_installation(struct text *text, const struct github_grant *grants, size_t count,
                                      uint64_t pinned)
{
    text_format(text, "`installation: %llu` is none of this App's, which are ", (unsigned long long)pinned);
    for (size_t i = 0; i < count; i++)
        text_format(text, "%s%llu (%s)", i ? ", " : "", (unsigned long long)grants[i].installation.id,
                    grants[i].installation.owner);
    text_append(text, "; write one of these, or take `installation` out");
}

static void on_probed(void *arg, const struct http_answer *answer, const struct source_failure *failure)
{
    struct source_probe probe = *(struct source_probe *)arg;
    struct github_grant *grants = NULL;
    struct source_probed probed = {0};
    struct text text = {0};
    uint64_t pinned = probe.self->pinned;
    size_t count = 0;
    struct error error;

    mem_free(arg);
    if (failure) {
        text_append(&text, failure->verdict.sentence);
    } else if (!github_answer_grants(answer->body, &grants, &count, &error)) {
        text_append(&text, error.text);
    } else if (count == 0) {
        text_append(&text,
                    "GitHub takes the App's key, but the App is installed for nobody: install it in its settings");
    } else if (pinned && select_pinned(grants, count, pinned) == 0) {
        append_wrong_installation(&text, grants, count, pinned);
    } else {
        probed.ok = true;
        text_append(&text, "GitHub takes the App's key; it is installed for ");
        for (size_t i = 0; i < count; i++)
            text_format(&text, "%s%s", i ? ", " : "", grants[i].installation.owner);
        probed.owner = pinned ? "" : grants[0].installation.owner;
        probed.grant_count = pinned ? 1 : count;
    }
    probed.text = text_string(&text);
    probed.grants = grants;
    probe.done(probe.arg, &probed);
    mem_free(grants);
    text_free(&text);
}

static struct source_probe *app_probe(struct source *source, source_probe_fn *done, void *arg)
{
    struct source_app *self = (struct source_app *)source;
    struct source_probe *probe = mem_alloc(sizeof(*probe));

    *probe = (struct source_probe){.self = self, .done = done, .arg = arg};
    probe->call =
        app_call_start(&self->caller, github_call_installations(github_host_of(source->host)), on_probed, probe);
    return probe;
}

static void app_adopt(struct source *source, struct source *old)
{
    struct source_app *self = (struct source_app *)source, *before = (struct source_app *)old;

    app_installations_adopt(self->installations, before->installations);
    self->caller.limited_until = before->caller.limited_until;
    self->caller.limited = before->caller.limited;
}

static void app_free(struct source *source)
{
    struct source_app *self = (struct source_app *)source;

    app_installations_free(self->installations);
    app_key_free(self->key);
    mem_free(self);
}

extern const struct source_kind source_app_kind;

static const char *app_problem(const struct credential_options *options, const char **ret_key)
{
    return !options->private_key == !options->sign_command ? "must have one of `private_key` and `sign_command`" : NULL;
}

static struct source *app_make(const struct source *base, const struct credential_options *options,
                               struct error *ret_error)
{
    struct app_key *key = app_key_new(base->loop, base->spawner, options, ret_error);

    if (!key)
        return NULL;
    struct source_app *self =
        source_alloc(sizeof(*self), base, &source_app_kind,
                     mem_format("app %s %llu", options->app_id, (unsigned long long)options->installation));
    self->pinned = options->installation;
    self->key = key;
    self->caller = (struct app_caller){.source = &self->source, .key = key};
    self->installations = app_installations_new(&self->caller, options->installation);
    app_key_refresh(key, self->source.version);
    return &self->source;
}

const struct source_kind source_app_kind = {
    .names = SOURCE_NAMES("app"),
    .needs = {"app_id"},
    .takes = {"installation", "private_key", "sign_command"},
    .problem = app_problem,
    .narrow = true,
    .github = true,
    .ready = app_ready,
    .mint = app_mint,
    .cancel = app_cancel,
    .prepare = app_prepare,
    .prepare_cancel = app_prepare_cancel,
    .probe = app_probe,
    .probe_cancel = app_probe_cancel,
    .adopt = app_adopt,
    .free = app_free,
    .make = app_make,
};
