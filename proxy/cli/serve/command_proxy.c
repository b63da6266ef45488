// `gitlatch proxy`: the sidecar.
#include <stdio.h>

#include "command.h"
#include "daemon_command.h"
#include "config_notice.h"
#include "log.h"
#include "server.h"
#include "text.h"

static const char help[] = "Usage: gitlatch proxy [-c FILE]\n"
                           "\n"
                           "Runs the proxy of a workspace, in the foreground, until SIGTERM; then goes on\n"
                           "taking connections until two seconds pass without a request, lets what is in\n"
                           "flight end (all within `limits.drain`) and exits with 0. SIGHUP, or a change of\n"
                           "the file, reads the configuration again: a bad one is refused and logged, and\n"
                           "the old one stays. SIGHUP also opens the audit file anew.\n"
                           "\n"
                           "  -c, --config FILE   the configuration; else GITLATCH_CONFIG, else\n"
                           "                      " CONFIG_DEFAULT_PATH "\n"
                           "  -h, --help          this text\n"
                           "      --help=config   every key of the configuration\n"
                           "      --help=reasons  every reason for which a request is refused or fails\n"
                           "      --help=schema   the configuration's JSON Schema, for editors\n"
                           "\n"
                           "The least configuration, with a GitHub App:\n"
                           "  credentials:\n"
                           "    - {type: app, app_id: \"12345\", private_key: /etc/gitlatch/app.pem}\n"
                           "\n"
                           "Started by systemd, it takes the sockets of a socket unit (LISTEN_FDS) that are\n"
                           "at its addresses, and reports when it is ready (Type=notify, also its watchdog).\n"
                           "\n"
                           "Try it with `gitlatch check` first. What a workspace needs is written into\n"
                           "`ca.publish`; `gitlatch env` prints it.\n";

static void on_notice(void *arg, const struct config_notice *notice)
{
    log_warn("config", "%s: %s%s%s; %s", notice->key, notice->what, *notice->why ? "; " : "", notice->why,
             notice->mend);
}

static void on_command_proxy_ready(void *arg, const void *server)
{
    const struct config *config = arg;
    struct text addresses = {0};

    config_notices(config, on_notice, NULL);
    if (config->broker.present)
        log_warn("config", "`broker` is not for a proxy, which serves no token: that is done by `gitlatch broker`");
    server_append_addresses(server, &addresses);
    log_info("proxy", "gitlatch " GITLATCH_VERSION " listens at %s; a workspace's files are in %s",
             text_string(&addresses), server_publish_directory(server));
    text_free(&addresses);
}

static int run(const struct command *command, int argc, char **argv)
{
    return daemon_command_run(command, argc, argv, &daemon_type_proxy, on_command_proxy_ready);
}

const struct command command_proxy = {
    .name = "proxy",
    .summary = "run the proxy of a workspace",
    .help = help,
    .short_options = DAEMON_COMMAND_SHORT_OPTIONS,
    .options = daemon_command_options,
    .choices = daemon_command_choices,
    .run = run,
};
