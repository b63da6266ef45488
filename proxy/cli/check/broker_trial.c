#include "broker_trial.h"

#include <string.h>

#include "admission.h"
#include "broker_runtime.h"
#include "clock.h"
#include "loop.h"
#include "mem.h"
#include "secret_file.h"
#include "serving_certificate.h"
#include "tls_client.h"

struct broker_trial {
    broker_trial_fn *line;
    void *arg;
};

static void broker_trial_tell(const struct broker_trial *trial, bool ok, const char *key, const char *path,
                              const struct error *error)
{
    trial->line(trial->arg, ok, key, ok ? path : error->text);
}

static void try_certificate(const struct broker_trial *trial, struct loop *loop, const struct config_broker *broker)
{
    struct error error;
    struct serving_certificate *serving =
        serving_certificate_new(loop, broker->certificate, broker->key, broker->clients_ca, &error);
    char time[WALL_TEXT_SIZE];

    if (!serving) {
        // The error begins with its key, as a line does.
        char *colon = strstr(error.text, ": ");
        if (colon)
            *colon = '\0';
        trial->line(trial->arg, false, colon ? error.text : "broker.tls", colon ? colon + 2 : error.text);
        return;
    }
    struct wall end = serving_certificate_end(serving);
    bool good = clock_wall(loop_clock(loop)).ms < end.ms;
    wall_format_rfc3339(end, WALL_SECONDS, time);
    char *text = good ? mem_format("%s and its key, good until %s", broker->certificate, time)
                      : mem_format("%s: the certificate has expired at %s; renew it", broker->certificate, time);
    trial->line(trial->arg, good, "broker.tls", text);
    mem_free(text);
    serving_certificate_free(serving);
}

static void try_secret(const struct broker_trial *trial, const char *key, const char *path)
{
    struct secret_file file;
    struct error error;
    bool changed;

    secret_file_init(&file, path);
    broker_trial_tell(trial, secret_file_refresh(&file, &changed, &error), key, path, &error);
    secret_file_clear(&file);
}

// By which callers are proven.
static void try_cluster(const struct broker_trial *trial, const struct config_broker *broker)
{
    const char *ca = broker->kubernetes_ca ? broker->kubernetes_ca : BROKER_CLUSTER_CA;
    struct error error;
    struct tls_client *tls = tls_client_new(ca, &error);

    broker_trial_tell(trial, tls != NULL, "broker.kubernetes.ca", ca, &error);
    tls_client_unref(tls);
    try_secret(trial, "broker.kubernetes.token_file",
               broker->kubernetes_token_file ? broker->kubernetes_token_file : BROKER_CLUSTER_TOKEN);
}

static void try_admission(const struct broker_trial *trial, const char *path)
{
    struct error error;
    struct admission *admission = admission_load(path, &error);

    broker_trial_tell(trial, admission != NULL, "broker.admission.sidecar", path, &error);
    admission_free(admission);
}

void broker_trial(struct loop *loop, const struct config *config, broker_trial_fn *line, void *arg)
{
    const struct broker_trial trial = {line, arg};
    const struct config_broker *broker = &config->broker;

    try_certificate(&trial, loop, broker);
    if (broker_runtime_asks_cluster(broker))
        try_cluster(&trial, broker);
    if (broker->grant_count == 0 && !broker->admin_token)
        line(arg, false, "broker.grants", "there are none: no sidecar is given anything");
    if (broker->admin_token)
        try_secret(&trial, "broker.admin_token", broker->admin_token);
    if (broker->admission_sidecar)
        try_admission(&trial, broker->admission_sidecar);
    if (config->credential_count == 0)
        line(arg, false, "credentials", "there are none: no token can be made, and the broker is not ready");
}
