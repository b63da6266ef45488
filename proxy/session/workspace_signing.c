#include "workspace_signing.h"

#include "agent.h"
#include "audit.h"
#include "environment.h"
#include "loop.h"
#include "mem.h"
#include "metrics.h"
#include "signer.h"

// How soon a rotated key is in use: one stat(2) each time.
#define KEY_CHECK_MS (5 * SECOND_MS)

struct workspace_signing {
    struct loop *loop;
    struct metrics *metrics;
    struct signer *signer;
    struct agent *agent; // NULL: it does not listen yet
    struct timer timer;
    workspace_signing_key_fn *on_key;
    void *arg;
};

static void on_key_check(void *arg)
{
    struct workspace_signing *signing = arg;

    if (signer_refresh(signing->signer)) {
        char *key = workspace_signing_key(signing);

        signing->on_key(signing->arg, key);
        mem_free(key);
    }
    timer_start(&signing->timer, KEY_CHECK_MS);
}

static void on_agent_event(void *arg, const struct agent_event *event)
{
    const struct workspace_signing *signing = arg;
    const struct audit_sign_event audit = {event->client, event->blob, event->result, event->why};

    audit_sign(&audit, clock_wall(loop_clock(signing->loop)));
    metrics_add(signing->metrics, METRIC_SIGNATURES, METRIC_LABELS(event->result), 1);
}

// There from the start, so that the first refusal is an increase.
static void show_metrics(struct metrics *metrics)
{
    static const char *const results[] = {"ok", "refused", "failed"};

    for (size_t i = 0; i < GL_ARRAY_SIZE(results); i++)
        metrics_add(metrics, METRIC_SIGNATURES, METRIC_LABELS(results[i]), 0);
}

struct workspace_signing *workspace_signing_new(const struct workspace_signing_options *options,
                                                struct error *ret_error)
{
    const struct signer_options signer_options = {options->config->key, options->config->command};
    struct signer *signer = signer_new(options->loop, options->spawner, &signer_options, ret_error);
    struct workspace_signing *signing;

    if (!signer)
        return NULL;
    signing = mem_alloc_zero(1, sizeof(*signing));
    *signing = (struct workspace_signing){.loop = options->loop,
                                          .metrics = options->metrics,
                                          .signer = signer,
                                          .on_key = options->on_key,
                                          .arg = options->arg};
    show_metrics(options->metrics);
    timer_init(&signing->timer, signing->loop, on_key_check, signing);
    timer_start(&signing->timer, KEY_CHECK_MS);
    return signing;
}

void workspace_signing_free(struct workspace_signing *signing)
{
    if (!signing)
        return;
    timer_stop(&signing->timer);
    agent_free(signing->agent);
    signer_free(signing->signer);
    mem_free(signing);
}

char *workspace_signing_key(const struct workspace_signing *signing)
{
    return ed25519_public_line(signer_public(signing->signer));
}

bool workspace_signing_listen(struct workspace_signing *signing, const char *directory, mode_t mode,
                              struct error *ret_error)
{
    char *path = mem_format("%s/" ENVIRONMENT_AGENT_SOCKET, directory);
    const struct agent_options options = {
        .loop = signing->loop,
        .signer = signing->signer,
        .path = path,
        .mode = mode,
        .on_event = on_agent_event,
        .arg = signing,
    };

    signing->agent = agent_new(&options, ret_error);
    mem_free(path);
    return signing->agent || error_prefix(ret_error, "signing");
}
