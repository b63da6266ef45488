// `gitlatch health`: what a kubelet's exec probe runs.
#include <netinet/in.h>
#include <stdio.h>

#include "clock.h"
#include "command.h"
#include "probe.h"

// A kubelet gives a probe one second unless it is set otherwise; who has set it may have meant more.
#define TIMEOUT_MS (5 * SECOND_MS)

static const char help[] = "Usage: gitlatch health [--ready] [-c FILE | --admin ADDRESS]\n"
                           "\n"
                           "Asks a running proxy whether it is well; for a container's exec probe. Exits\n"
                           "with 0 if it is, with 1 and one line on stderr if not.\n"
                           "\n"
                           "      --ready          ask /readyz (it listens, and its CA is published) instead\n"
                           "                       of /healthz (it answers); neither depends on GitHub\n"
                           "      --admin ADDRESS  where to ask, such as " CONFIG_DEFAULT_ADMIN "\n"
                           "  -c, --config FILE    take the address from its `admin`; else from that of\n"
                           "                       GITLATCH_CONFIG, else from that of\n"
                           "                       " CONFIG_DEFAULT_PATH ",\n"
                           "                       else it is " CONFIG_DEFAULT_ADMIN "\n"
                           "  -h, --help           this text\n";

static const struct option options[] = {
    {"admin", required_argument, NULL, 'a'},
    {"config", required_argument, NULL, 'c'},
    {"ready", no_argument, NULL, 'r'},
    COMMAND_OPTION_HELP,
    {NULL, 0, NULL, 0},
};

// An address that stands for all of the host's is asked by loopback.
static void make_reachable(struct address *address)
{
    if (address_kind(address) != ADDRESS_UNSPECIFIED)
        return;
    if (address->any.sa_family == AF_INET6)
        address->v6.sin6_addr = in6addr_loopback;
    else
        address->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

// Whether the address is known: by the option, else by the file, else it is the default.
static bool find_address(const char *option, const char *config, struct address *ret_address, struct error *ret_error)
{
    if (option)
        return config_parse_address(option, ret_address) ||
               error_set(ret_error, "\"%s\" is no address with a port, such as " CONFIG_DEFAULT_ADMIN, option);
    if (command_has_config(config))
        return config_load_admin(command_config_path(config), ret_address, ret_error);
    return config_parse_address(CONFIG_DEFAULT_ADMIN, ret_address);
}

static int command_health_ask(const struct command *command, struct address *address, const char *path)
{
    char text[ADDRESS_TEXT_SIZE];
    struct error error;
    int status;

    make_reachable(address);
    if (!probe_get(address, path, TIMEOUT_MS, &status, &error))
        return command_fail(command, "%s; is `gitlatch proxy` running, and this its `admin` address?", error.text);
    // An admin address knows both paths: it answers 200, or 503 where it is not well.
    if (status != 200 && status != 503) {
        address_format(address, text);
        return command_fail(command,
                            "%s answers %d to %s: this is no admin address; take that of `admin`, not `listen`", text,
                            status, path);
    }
    if (status != 200)
        return command_fail(command, "%s answers %d; the log and the status page say why", path, status);
    return COMMAND_DONE;
}

static int run(const struct command *command, int argc, char **argv)
{
    const char *admin = NULL, *config = NULL, *path = "/healthz";
    struct address address;
    struct error error;
    int option;

    while ((option = command_option(command, argc, argv)) != COMMAND_OPTION_END) {
        if (option == 'h')
            return command_help(command);
        if (option == 'a')
            admin = optarg;
        else if (option == 'c')
            config = optarg;
        else if (option == 'r')
            path = "/readyz";
        else
            return COMMAND_USAGE;
    }
    if (!command_no_arguments(command, argc, argv))
        return COMMAND_USAGE;
    if (!find_address(admin, config, &address, &error)) {
        command_fail(command, "%s", error.text);
        return COMMAND_USAGE;
    }
    return command_health_ask(command, &address, path);
}

const struct command command_health = {
    .name = "health",
    .summary = "ask a running proxy whether it is well, for a probe",
    .help = help,
    .short_options = ":c:h",
    .options = options,
    .run = run,
};
