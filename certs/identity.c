#include "identity.h"

#include <sys/stat.h>

#include "authority_state.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "publish.h"

// How long a start waits for another process that makes the CA, which takes milliseconds.
#define LOCK_WAIT_MS (10 * SECOND_MS)
// The wall clock is looked at this often: it may be set, and it goes on while the machine sleeps.
#define CHECK_PERIOD_MS (1 * MINUTE_MS)
// After a failure, such as a full disk; far less than what is left then (two days).
#define RETRY_PERIOD_MS (10 * MINUTE_MS)

struct identity {
    struct loop *loop;
    struct timer timer;
    struct name_list hosts;
    struct authority_state *state; // NULL: in memory alone
    struct authority *authority;
    struct leaf_set *leaves;
    struct publish *publish;
    char *proxy_url; // NULL: not yet published
};

static struct wall now(const struct identity *identity)
{
    return clock_wall(loop_clock(identity->loop));
}

static bool publish(struct identity *identity, const struct authority *authority, struct error *ret_error)
{
    return !identity->proxy_url ||
           publish_write(identity->publish, authority_pem(authority), identity->proxy_url, ret_error);
}

// The workspace gets the new CA before a leaf is signed by it. What fails is tried again as a whole.
static bool renew_authority(struct identity *identity, struct error *ret_error)
{
    struct authority *fresh = identity->state
                                  ? authority_state_load(identity->state, &identity->hosts, now(identity), 0, ret_error)
                                  : authority_renew(identity->authority, now(identity), ret_error);

    if (!fresh || !publish(identity, fresh, ret_error) ||
        !leaf_set_renew(identity->leaves, fresh, now(identity), ret_error)) {
        authority_free(fresh);
        return false;
    }
    authority_free(identity->authority);
    identity->authority = fresh;
    log_info("certs", "the CA is renewed for a year");
    return true;
}

static void on_timer(void *arg)
{
    struct identity *identity = arg;
    struct error error;
    bool done = true;

    if (authority_due(identity->authority, now(identity)))
        done = renew_authority(identity, &error);
    // Also where the CA could not be renewed: the old one is good for a month.
    if (leaf_set_due(identity->leaves, now(identity)))
        done = leaf_set_renew(identity->leaves, identity->authority, now(identity), &error) && done;
    if (!done)
        log_error("certs", "a certificate is not renewed, and will be tried again: %s", error.text);
    timer_start(&identity->timer, done ? CHECK_PERIOD_MS : RETRY_PERIOD_MS);
}

static bool open_authority(struct identity *identity, const char *state, struct error *ret_error)
{
    if (state) {
        identity->state = authority_state_open(state, ret_error);
        if (identity->state)
            identity->authority =
                authority_state_load(identity->state, &identity->hosts, now(identity), LOCK_WAIT_MS, ret_error);
    } else {
        identity->authority = authority_new(&identity->hosts, now(identity), ret_error);
    }
    return identity->authority || error_prefix(ret_error, state ? "ca.state" : "ca");
}

// The key would lie beside what everybody may read.
static bool state_is_published(const struct identity *identity)
{
    struct stat state;
    struct stat published;

    return identity->state && stat(authority_state_directory(identity->state), &state) == 0 &&
           stat(publish_directory(identity->publish), &published) == 0 && state.st_dev == published.st_dev &&
           state.st_ino == published.st_ino;
}

struct identity *identity_new(struct loop *loop, const struct identity_settings *settings, struct error *ret_error)
{
    struct identity *identity = mem_alloc_zero(1, sizeof(*identity));

    identity->loop = loop;
    timer_init(&identity->timer, loop, on_timer, identity);
    identity->hosts = name_list_copy(&settings->hosts);
    if (!open_authority(identity, settings->state, ret_error))
        goto failed;
    identity->leaves = leaf_set_new(identity->authority, &identity->hosts, now(identity), ret_error);
    identity->publish =
        publish_new(settings->publish, settings->shared, &settings->web_hosts, &settings->roots, ret_error);
    if (!identity->leaves || !identity->publish)
        goto failed;
    publish_set_remote_hosts(identity->publish, settings->remote_hosts, settings->remote_host_count);
    if (state_is_published(identity)) {
        error_set(ret_error, "ca.state and ca.publish are the same directory: the CA's key must not be published");
        goto failed;
    }
    timer_start(&identity->timer, CHECK_PERIOD_MS);
    return identity;
failed:
    identity_free(identity);
    return NULL;
}

void identity_free(struct identity *identity)
{
    if (!identity)
        return;
    timer_stop(&identity->timer);
    leaf_set_free(identity->leaves);
    authority_free(identity->authority);
    authority_state_close(identity->state);
    publish_free(identity->publish);
    name_list_clear(&identity->hosts);
    mem_free(identity->proxy_url);
    mem_free(identity);
}

bool identity_publish(struct identity *identity, const char *proxy_url, struct error *ret_error)
{
    mem_free(identity->proxy_url);
    identity->proxy_url = mem_string(proxy_url);
    return publish(identity, identity->authority, ret_error);
}

bool identity_publish_rules(struct identity *identity, struct bytes rules, struct error *ret_error)
{
    return publish_write_rules(identity->publish, rules, ret_error);
}

void identity_set_signing_key(struct identity *identity, const char *public_key)
{
    publish_set_signing_key(identity->publish, public_key);
}

const struct leaf_set *identity_leaves(const struct identity *identity)
{
    return identity->leaves;
}

const char *identity_directory(const struct identity *identity)
{
    return publish_directory(identity->publish);
}

struct wall identity_ca_expiry(const struct identity *identity)
{
    return authority_expiry(identity->authority);
}

struct wall identity_leaf_expiry(const struct identity *identity)
{
    return leaf_set_expiry(identity->leaves);
}
