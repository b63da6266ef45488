#include "workspace_signing.h"

#include "agent.h"
#include "audit.h"
#include "loop.h"
#include "mem.h"
#include "signer.h"

// How soon a rotated key is in use: one stat(2) each time.
#define KEY_CHECK_MS (5 * SECOND_MS)

struct workspace_signing {
    struct loop *loop;
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
}

struct workspace_signing *workspace_signing_new(struct loop *loop, struct spawner *spawner,
                                                const struct config_signing *config, workspace_signing_key_fn *on_key,
                                                void *arg, struct error *ret_error)
{
    const struct signer_options options = {config->key, config->command};
    struct signer *signer = signer_new(loop, spawner, &options, ret_error);
    struct workspace_signing *signing;

    if (!signer)
        return NULL;
    signing = mem_alloc_zero(1, sizeof(*signing));
    *signing = (struct workspace_signing){.loop = loop, .signer = signer, .on_key = on_key, .arg = arg};
    timer_init(&signing->timer, loop, on_key_check, signing);
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
    const struct agent_options options = {
        .loop = signing->loop,
        .signer = signing->signer,
        .directory = directory,
        .mode = mode,
        .on_event = on_agent_event,
        .arg = signing,
    };

    signing->agent = agent_new(&options, ret_error);
    return signing->agent || error_prefix(ret_error, "signing");
}
