// `gitlatch proxy`: the sidecar.
#include <stdio.h>

#include "command.h"
#include "config_notice.h"
#include "help_topic.h"
#include "log.h"
#include "server.h"
#include "text.h"
#include "daemon.h"

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

static const struct command_choice choices[] = {{"help", HELP_TOPICS}, {NULL, NULL}};

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    COMMAND_OPTION_HELP_TOPIC,
    {NULL, 0, NULL, 0},
};

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
    struct daemon_options daemon = {.type = &daemon_type_proxy,
                                    .reloads = true,
                                    .supervised = true,
                                    .lifeline = -1,
                                    .ready = on_command_proxy_ready};
    const char *path = NULL;
    struct error error;
    int option, status;

    while ((option = command_option(command, argc, argv)) != COMMAND_OPTION_END) {
        if (option == 'h')
            return help_topic_option(command, optarg);
        if (option != 'c')
            return COMMAND_USAGE;
        path = optarg;
    }
    if (!command_no_arguments(command, argc, argv))
        return COMMAND_USAGE;
    daemon.config = command_config(command, path, CONFIG_FOR_PROXY);
    if (!daemon.config)
        return COMMAND_USAGE;
    daemon.ready_arg = daemon.config;
    status = daemon_run(&daemon, &error) ? COMMAND_DONE : command_fail(command, "%s", error.text);
    config_unref(daemon.config);
    return status;
}

const struct command command_proxy = {
    .name = "proxy",
    .summary = "run the proxy of a workspace",
    .help = help,
    .short_options = ":c:h",
    .options = options,
    .choices = choices,
    .run = run,
};
