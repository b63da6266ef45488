// `gitlatch broker`: the token broker of a cluster.
#include "broker.h"
#include "command.h"
#include "daemon_command.h"
#include "log.h"

static const char help[] = "Usage: gitlatch broker [-c FILE]\n"
                           "\n"
                           "Runs the token broker of a cluster, in the foreground, until SIGTERM; then lets\n"
                           "what is in flight end (at most `limits.drain`) and exits with 0. It alone holds\n"
                           "the App's key. A sidecar proves itself with its service-account token and is\n"
                           "given tokens within the `grants` of the configuration.\n"
                           "\n"
                           "SIGHUP, or a change of the file, reads the configuration again: a bad one is\n"
                           "refused and logged, and the old one stays. The certificate, the App's key and\n"
                           "the tokens are read again when their files change.\n"
                           "\n"
                           "  -c, --config FILE    the configuration; else GITLATCH_CONFIG, else\n"
                           "                       " CONFIG_DEFAULT_PATH "\n"
                           "  -h, --help           this text\n"
                           "\n"
                           "`gitlatch proxy --help=config` tells of every key, those below `broker` included.\n"
                           "\n"
                           "What it is asked, over TLS at `broker.listen`:\n"
                           "  POST /v1/token       {\"host\",\"owner\",\"repositories\",\"permissions\"}, with\n"
                           "                       `Authorization: Bearer` and a service-account token of\n"
                           "                       audience gitlatch or gitlatch-credential\n"
                           "  GET /v1/rules        the caller's grants as rules\n"
                           "  GET /healthz, /readyz, /metrics\n"
                           "and at `broker.admin_listen`, with the token in `broker.admin_token`:\n"
                           "  GET /admin/github-installation-token[?owner=OWNER]\n"
                           "and at `broker.admission.listen`, by the API server:\n"
                           "  POST /admission      an AdmissionReview of a pod, which is given the sidecar\n";

static void on_command_broker_ready(void *arg, const void *broker)
{
    const struct config *config = arg;

    if (config->credential_count == 0)
        log_warn("broker", "there is no `credentials`: no token can be made, and it is not ready");
    if (config->broker.grant_count == 0)
        log_warn("broker", "there are no `grants`: no sidecar is given anything");
    log_info("broker", "gitlatch " GITLATCH_VERSION " serves tokens at %s", broker_listens_at(broker));
}

static int run(const struct command *command, int argc, char **argv)
{
    return daemon_command_run(command, argc, argv, &daemon_type_broker, on_command_broker_ready);
}

const struct command command_broker = {
    .name = "broker",
    .summary = "run the token broker of a cluster",
    .help = help,
    .short_options = DAEMON_COMMAND_SHORT_OPTIONS,
    .options = daemon_command_options,
    .choices = daemon_command_choices,
    .run = run,
};
