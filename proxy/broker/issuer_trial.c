#include "issuer_trial.h"

#include "http_client.h"
#include "id_token.h"
#include "issuer.h"
#include "loop.h"
#include "mem.h"
#include "text.h"

struct issuer_trial {
    struct loop *loop;
    size_t awaited; // key sets that are being fetched
};

// Of one issuer.
struct issuer_trial_item {
    struct issuer_trial *trial;
    struct issuer *issuer; // NULL: its files cannot be read
    struct flight_waiter waiter;
};

static void on_fetched(void *arg)
{
    struct issuer_trial_item *item = arg;

    if (--item->trial->awaited == 0)
        loop_stop(item->trial->loop);
}

// Any token has the keys fetched that are not there yet.
static void fetch_keys(struct issuer_trial_item *item)
{
    static const struct id_token any = {0};

    flight_waiter_init(&item->waiter, on_fetched, item);
    if (!issuer_is_ready(item->issuer, &any, &item->waiter))
        item->trial->awaited++;
}

static void report_keys(const struct issuer *issuer, const char *key, issuer_trial_fn *line, void *arg)
{
    const struct config_issuer *config = issuer_config(issuer);
    size_t count = issuer_keys(issuer)->count;
    struct text text = {0};

    if (count > 0)
        text_format(&text, "%s: %zu key%s %s", config->name, count, count == 1 ? "" : "s",
                    config->jwks_file ? "in its file" : "fetched");
    else
        text_format(&text,
                    "%s: %s; its callers are refused until that is mended: look at `%s`, at `trust`, and at the way "
                    "out",
                    config->name, issuer_problem(issuer), config->jwks ? "jwks" : "issuer");
    line(arg, count > 0, key, text_string(&text));
    text_free(&text);
}

void issuer_trial(struct loop *loop, struct dialer *dialer, const struct config_broker *broker, issuer_trial_fn *line,
                  void *arg)
{
    struct issuer_trial trial = {.loop = loop};
    struct issuer_trial_item *items = mem_alloc_zero(broker->issuer_count, sizeof(*items));
    struct error error;
    struct http_client *client = broker->issuer_count > 0 ? http_client_new(dialer, &error) : NULL;

    if (broker->issuer_count > 0 && !client)
        line(arg, false, "broker.issuers", error.text);
    for (size_t i = 0; client && i < broker->issuer_count; i++) {
        items[i].trial = &trial;
        items[i].issuer = issuer_new(loop, http_client_transport(client), &broker->issuers[i], &error);
        if (items[i].issuer)
            fetch_keys(&items[i]);
        else
            // The error begins with the key.
            line(arg, false, "broker.issuers", error.text + sizeof("broker.issuers: ") - 1);
    }
    if (trial.awaited > 0)
        loop_run(loop);
    for (size_t i = 0; client && i < broker->issuer_count; i++) {
        if (items[i].issuer)
            report_keys(items[i].issuer, "broker.issuers", line, arg);
        issuer_free(items[i].issuer);
    }
    mem_free(items);
    http_client_free(client);
}
