#include "repository_lookup.h"

#include "github_answer.h"
#include "mem.h"
#include "secret.h"

struct repository_lookup {
    struct cache *cache;
    struct source *source;
    struct github_call call;
    repository_lookup_fn *done;
    void *arg;
    struct cache_request *asking; // NULL: the token is there
    struct token *token;          // NULL: not yet
    struct http_request *request; // NULL: not sent, or answered
    bool redirected;
};

void repository_lookup_cancel(struct repository_lookup *lookup)
{
    if (lookup->asking)
        cache_cancel(lookup->asking);
    if (lookup->request)
        lookup->source->transport->cancel(lookup->source->transport, lookup->request);
    token_unref(lookup->token);
    github_call_clear(&lookup->call);
    mem_free(lookup);
}

static void finish(struct repository_lookup *lookup, const struct token_repository *repository, bool missing)
{
    repository_lookup_fn *done = lookup->done;
    void *arg = lookup->arg;

    repository_lookup_cancel(lookup);
    done(arg, repository, missing);
}

static void send_call(struct repository_lookup *lookup);

static void on_answer(void *arg, const struct http_answer *answer)
{
    struct repository_lookup *lookup = arg;
    struct token_repository repository;
    struct github_call next;

    lookup->request = NULL;
    if (answer->status == 200 && github_answer_repository(answer->body, &repository, NULL)) {
        finish(lookup, &repository, false);
        return;
    }
    if (answer->status == 401)
        cache_rejected(lookup->cache, lookup->token);
    if (!lookup->redirected && answer->status >= 300 && answer->status < 400 && answer->location &&
        github_call_redirected(github_host_of(lookup->source->host), answer->location, &next)) {
        lookup->redirected = true;
        github_call_clear(&lookup->call);
        lookup->call = next;
        send_call(lookup);
        return;
    }
    finish(lookup, NULL, answer->status == 404);
}

static void send_call(struct repository_lookup *lookup)
{
    struct http_transport *transport = lookup->source->transport;
    struct http_call http = github_call_http(&lookup->call, secret_bytes(lookup->token->value), lookup->source->tls);

    lookup->request = transport->ask(transport, &http, on_answer, lookup);
}

static void on_token(void *arg, struct token *token, const struct verdict *verdict)
{
    struct repository_lookup *lookup = arg;

    lookup->asking = NULL;
    if (!token) {
        finish(lookup, NULL, false);
        return;
    }
    lookup->token = token_ref(token);
    send_call(lookup);
}

struct repository_lookup *repository_lookup_start(struct cache *cache, struct source *source, const char *owner,
                                                  struct github_call call, repository_lookup_fn *done, void *arg)
{
    struct repository_lookup *lookup = mem_alloc_zero(1, sizeof(*lookup));
    struct mint_scope scope;

    *lookup = (struct repository_lookup){.cache = cache, .source = source, .call = call, .done = done, .arg = arg};
    source_scope_metadata(source, owner, &scope);
    lookup->asking = cache_ask(cache, source, &scope, on_token, lookup);
    mint_scope_clear(&scope);
    return lookup;
}
