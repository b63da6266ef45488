// `gitlatch check`: each source in turn, what its issuer says of it, then one token and what GitHub says to that.
#include <inttypes.h>
#include <string.h>

#include <gitlatch/github_host.h>

#include "github_answer.h"
#include "github_call.h"
#include "github_failure.h"
#include "loop.h"
#include "mem.h"
#include "secret.h"
#include "text.h"
#include "token_service_parts.h"

struct token_test {
    struct token_service *service; // a reference
    struct token_test_callbacks callbacks;
    size_t position;
    bool ok;
    struct deferred step;
    struct source_probe *probe;              // NULL: none under way
    struct repository_list_request *listing; // NULL: none under way
    struct cache_request *asking;            // NULL: none under way
    struct token *token;
    struct http_request *request; // NULL: none under way
};

static struct source *source_of(const struct token_test *test)
{
    return test->service->sources[test->position];
}

void token_test_cancel(struct token_test *test)
{
    deferred_cancel(&test->step);
    if (test->probe)
        source_of(test)->id.kind->probe_cancel(test->probe);
    if (test->listing)
        repository_list_cancel(test->listing);
    if (test->asking)
        cache_cancel(test->asking);
    if (test->request)
        test->service->transport->cancel(test->service->transport, test->request);
    token_unref(test->token);
    token_service_unref(test->service);
    mem_free(test);
}

static void say(struct token_test *test, bool ok, const char *text)
{
    struct token_test_line line = {.source = source_id_name(source_of(test)->id), .ok = ok, .text = text};

    test->ok &= ok;
    test->callbacks.line(test->callbacks.arg, &line);
}

static void say_failed(struct token_test *test, const struct verdict *verdict)
{
    struct token_test_line line = {
        .source = source_id_name(source_of(test)->id), .text = verdict->sentence, .reason = verdict->reason};

    test->ok = false;
    test->callbacks.line(test->callbacks.arg, &line);
}

static void next(struct token_test *test)
{
    token_unref(test->token);
    test->token = NULL;
    test->position++;
    loop_defer(test->service->loop, &test->step);
}

static void on_rate_limit(void *arg, const struct http_answer *answer)
{
    struct token_test *test = arg;
    struct source_failure failure;
    struct text text = {0};

    test->request = NULL;
    if (answer->status == 200) {
        text_format(&text, "%s takes the token", github_host_of(source_of(test)->host)->api);
        if (answer->rate_limit_remaining)
            text_format(&text, " (%s requests left in this hour)", answer->rate_limit_remaining);
        if (test->token->granted.wide)
            text_append(&text, "; it cannot be narrowed: whoever gets at it has all that it grants");
    } else {
        github_failure(github_host_of(source_of(test)->host), answer, clock_wall(loop_clock(test->service->loop)),
                       &failure);
        text_append(&text, failure.verdict.sentence);
        if (failure.verdict.reason == REASON_BAD_CREDENTIAL)
            text_format(&text,
                        "; it has ended, was revoked or is not whole: make a new one (https://%s/settings/tokens)",
                        source_of(test)->host->web);
    }
    say(test, answer->status == 200, text_string(&text));
    text_free(&text);
    next(test);
}

static void on_token(void *arg, struct token *token, const struct verdict *verdict)
{
    struct token_test *test = arg;
    struct source *source = source_of(test);
    struct text text = {0};

    test->asking = NULL;
    if (!token) {
        say_failed(test, verdict);
        next(test);
        return;
    }
    test->token = token_ref(token);
    if (!git_host_is_github(source->host)) {
        text_format(&text, "holds a credential for %s, which no other host gets", source->host->web);
        say(test, true, text_string(&text));
        text_free(&text);
        next(test);
        return;
    }
    struct github_call call = github_call_rate_limit(github_host_of(source->host));
    struct http_call http = github_call_http(&call, secret_bytes(token->value), source->tls);
    test->request = source->transport->ask(source->transport, &http, on_rate_limit, test);
    github_call_clear(&call);
}

static void ask_token(struct token_test *test, const char *owner)
{
    struct source *source = source_of(test);
    struct mint_scope scope;

    source_scope_metadata(source, owner ? owner : "", &scope);
    test->asking = cache_ask(test->service->cache, source, &scope, on_token, test);
    mint_scope_clear(&scope);
}

// An issuer that lists gives no token without a name: that of the first repository, for its name alone, stands for all.
static void on_list(void *arg, const struct token_repository *repositories, size_t count,
                    const struct source_failure *failure)
{
    struct token_test *test = arg;
    struct scope scope = {.host = source_of(test)->host, .reach = SCOPE_REPOSITORY};
    struct mint_scope mint;

    test->listing = NULL;
    if (failure || count == 0) {
        say(test, !failure,
            failure ? failure->verdict.sentence : "the broker answers; it grants no repository that is there");
        next(test);
        return;
    }
    scope.repository = repositories[0].name;
    mint_scope_init(&mint, &scope);
    test->asking = cache_ask(test->service->cache, source_of(test), &mint, on_token, test);
    mint_scope_clear(&mint);
}

static void on_probed(void *arg, const struct source_probed *probed)
{
    struct token_test *test = arg;
    const struct source *source = source_of(test);

    test->probe = NULL;
    say(test, probed->ok, probed->text);
    for (size_t i = 0; i < probed->grant_count; i++)
        test->callbacks.grant(test->callbacks.arg, source_id_name(source->id), github_host_of(source->host),
                              &probed->grants[i]);
    if (probed->ok && probed->owner)
        ask_token(test, probed->owner);
    else
        next(test);
}

static void on_step(void *arg)
{
    struct token_test *test = arg;
    struct source_failure failure;

    if (test->position == test->service->source_count) {
        struct token_test_callbacks callbacks = test->callbacks;
        bool ok = test->ok;
        token_test_cancel(test);
        callbacks.done(callbacks.arg, ok);
        return;
    }
    struct source *source = source_of(test);
    if (!source->id.kind->ready(source, &failure)) {
        say_failed(test, &failure.verdict);
        next(test);
    } else if (source->id.kind->probe) {
        test->probe = source->id.kind->probe(source, on_probed, test);
    } else if (source->id.kind->list) {
        const char *owner = github_host_of(source->host)->default_owner;

        test->listing = repository_list_ask(test->service->lists, source, owner ? owner : "", on_list, test);
    } else {
        ask_token(test, git_host_is_github(source->host) ? github_host_of(source->host)->default_owner : NULL);
    }
}

struct token_test *token_service_test(struct token_service *service, const struct token_test_callbacks *callbacks)
{
    struct token_test *test = mem_alloc_zero(1, sizeof(*test));

    *test = (struct token_test){
        .service = token_service_ref(service),
        .callbacks = *callbacks,
        .ok = true,
    };
    deferred_init(&test->step, on_step, test);
    loop_defer(service->loop, &test->step);
    return test;
}
