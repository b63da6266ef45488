// `gitlatch env`: the workspace environment, from the configuration.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "environment.h"
#include "mem.h"
#include "publish.h"

static const char help[] = "Usage: gitlatch env [-c FILE] [--credential] [--format FORMAT]\n"
                           "\n"
                           "Prints the environment variables that make the tools of a workspace (git,\n"
                           "git-lfs, gh, curl, cargo, pip, npm, go) use the proxy and trust its CA. None of\n"
                           "them is a secret: the GH_TOKEN among them is a word without which gh does not\n"
                           "start.\n"
                           "\n"
                           "  -c, --config FILE  the proxy's configuration; else GITLATCH_CONFIG, else\n"
                           "                     " CONFIG_DEFAULT_PATH "\n"
                           "      --credential   instead: what makes git ask `gitlatch credential`, where no\n"
                           "                     proxy can be used; needs no configuration, and with one is\n"
                           "                     for the hosts of its `github`\n"
                           "      --format sh    to be read by a shell (the default):\n"
                           "                       eval \"$(gitlatch env)\"\n"
                           "      --format json  one JSON object\n"
                           "      --format k8s   a YAML list for a container's `env`\n"
                           "      --format fish, dotenv, github-actions (for $GITHUB_ENV), docker\n"
                           "                     (for --env-file)\n"
                           "  -h, --help         this text\n"
                           "\n"
                           "The running proxy writes the first form to the file `env` in `ca.publish`.\n";

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"credential", no_argument, NULL, 'r'},
    {"format", required_argument, NULL, 'f'},
    COMMAND_OPTION_HELP,
    {NULL, 0, NULL, 0},
};

static const struct {
    const char *name;
    enum environment_format format;
} formats[] = {
    {"sh", ENVIRONMENT_SH},         {"json", ENVIRONMENT_JSON},     {"k8s", ENVIRONMENT_K8S},
    {"fish", ENVIRONMENT_FISH},     {"dotenv", ENVIRONMENT_DOTENV}, {"github-actions", ENVIRONMENT_GITHUB_ACTIONS},
    {"docker", ENVIRONMENT_DOCKER},
};
static const struct command_choice choices[] = {
    {"format", "sh json k8s fish dotenv github-actions docker"},
    {NULL, NULL},
};

static bool parse_format(const char *name, enum environment_format *ret_format)
{
    for (size_t i = 0; i < GL_ARRAY_SIZE(formats); i++) {
        if (strcmp(name, formats[i].name) == 0) {
            *ret_format = formats[i].format;
            return true;
        }
    }
    return false;
}

// The first address that asks for no password: one that does is for whoever was given it.
static const struct config_listener *find_listener(const struct config *config)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        if (listener->mode == LISTENER_PROXY && !listener->password_file)
            return listener;
    }
    return NULL;
}

// An address that stands for all of the host's is reached by loopback.
static char *proxy_url(const struct config_listener *listener)
{
    const struct address *address = &listener->address.address;

    if (address_kind(address) != ADDRESS_UNSPECIFIED)
        return mem_format("http://%s", listener->address.text);
    return mem_format("http://%s:%u", address->any.sa_family == AF_INET6 ? "[::1]" : "127.0.0.1",
                      address_port(address));
}

static int command_env_print(const struct command *command, struct environment *environment,
                             enum environment_format format)
{
    char *text = environment_text(environment, format);

    fputs(text, stdout);
    environment_free(environment);
    mem_free(text);
    return command_finish_output(command);
}

static int print_environment(const struct command *command, const struct config *config,
                             const struct config_listener *listener, enum environment_format format)
{
    char *url = proxy_url(listener), *directory = publish_directory_of(config->ca_publish);
    struct environment_settings settings = {
        .proxy_url = url,
        .directory = directory,
        .no_proxy = getenv("no_proxy"),
        .no_proxy_upper = getenv("NO_PROXY"),
        .gh_token = ENVIRONMENT_GH_TOKEN,
        .signs = config_signing_present(&config->signing),
    };
    int status = command_env_print(command, environment_new(&settings), format);

    mem_free(directory);
    mem_free(url);
    return status;
}

static int proxy(const struct command *command, const char *path, enum environment_format format)
{
    struct config *config = command_config(command, path, CONFIG_FOR_RUN);
    const struct config_listener *listener;
    int status;

    if (!config)
        return COMMAND_USAGE;
    listener = find_listener(config);
    if (listener && address_port(&listener->address.address) != 0)
        status = print_environment(command, config, listener, format);
    else
        status = command_fail(command,
                              "%s: `listen` has no address that a workspace could be told: one in mode "
                              "proxy, with a port, without a password",
                              config->path);
    config_unref(config);
    return status;
}

// GIT_CONFIG_COUNT, less the settings that a former run of this command added for as many hosts.
static unsigned git_config_count(size_t hosts)
{
    const char *had = getenv("GIT_CONFIG_COUNT");
    unsigned count = had ? (unsigned)strtoul(had, NULL, 10) : 0;
    unsigned ours = (unsigned)hosts * ENVIRONMENT_CREDENTIAL_SETTINGS;
    char *name = mem_format("GIT_CONFIG_VALUE_%u", count - 1);
    const char *last = getenv(name);

    mem_free(name);
    return last && count >= ours && strcmp(last, ENVIRONMENT_CREDENTIAL_HELPER) == 0 ? count - ours : count;
}

static int credential(const struct command *command, const char *path, enum environment_format format)
{
    struct config *config = NULL;
    const char **hosts;
    size_t count = 1;
    int status;

    if (command_has_config(path)) {
        config = command_config(command, path, CONFIG_FOR_RUN);
        if (!config)
            return COMMAND_USAGE;
        count = config->github_count;
    }
    hosts = mem_alloc_zero(count, sizeof(*hosts));
    for (size_t i = 0; i < count; i++)
        hosts[i] = config ? config->githubs[i].host.web : "github.com";
    struct name_list list = {hosts, count};
    status = command_env_print(command, environment_new_credential(&list, git_config_count(count)), format);
    mem_free(hosts);
    config_unref(config);
    return status;
}

static int run(const struct command *command, int argc, char **argv)
{
    enum environment_format format = ENVIRONMENT_SH;
    const char *path = NULL;
    bool for_credential = false;
    int option;

    while ((option = command_option(command, argc, argv)) != COMMAND_OPTION_END) {
        if (option == 'h')
            return command_help(command);
        if (option == 'c')
            path = optarg;
        else if (option == 'r')
            for_credential = true;
        else if (option != 'f')
            return COMMAND_USAGE;
        else if (!parse_format(optarg, &format))
            return command_misused(
                command, "--format is sh, json, k8s, fish, dotenv, github-actions or docker, not \"%s\"", optarg);
    }
    if (!command_no_arguments(command, argc, argv))
        return COMMAND_USAGE;
    return for_credential ? credential(command, path, format) : proxy(command, path, format);
}

const struct command command_env = {
    .name = "env",
    .summary = "print the environment that makes a workspace use the proxy",
    .help = help,
    .short_options = ":c:h",
    .options = options,
    .choices = choices,
    .run = run,
};
