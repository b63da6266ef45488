// `gitlatch run`: one command with a private proxy.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "config_private.h"
#include "environment.h"
#include "no_proxy.h"
#include "run_command.h"
#include "run_proxy.h"

static const char help[] = "Usage: gitlatch run [-c FILE] [--] COMMAND [ARGUMENT]...\n"
                           "\n"
                           "Starts a private proxy on a free port of 127.0.0.1, with a password of its own,\n"
                           "and runs COMMAND with the environment of a workspace: git, git-lfs, gh and other\n"
                           "tools reach GitHub, and see no token; git also from remotes of SSH, and whatever\n"
                           "proxy its own configuration names. Signals, the terminal and the exit status\n"
                           "pass through.\n"
                           "\n"
                           "  gitlatch run git clone https://github.com/acme/private\n"
                           "  gitlatch run -- bash\n"
                           "\n"
                           "  -c, --config FILE  the configuration; else GITLATCH_CONFIG, else\n"
                           "                     " CONFIG_DEFAULT_PATH " where that exists.\n"
                           "                     Addresses, directories and what is logged are not taken\n"
                           "                     from it\n"
                           "  -h, --help         this text\n"
                           "\n"
                           "Without a configuration, or where it names no credential, the token is that of\n"
                           "GITHUB_TOKEN, of GH_TOKEN or of `gh auth token`. These two variables,\n"
                           "GH_ENTERPRISE_TOKEN, GITHUB_ENTERPRISE_TOKEN and the variable of any\n"
                           "`environment` credential never reach COMMAND; where gh needs a token to start, it\n"
                           "finds the word `gitlatch`.\n"
                           "\n"
                           "This guards against accident: a token in a log, a dotfile, a process listing, the\n"
                           "environment of a child. It does not guard against a hostile COMMAND: a program of\n"
                           "the same user can read what the user can, gh's own files among them. For that run\n"
                           "`gitlatch proxy` as another user, or in another container.\n";

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    COMMAND_OPTION_HELP,
    {NULL, 0, NULL, 0},
};

// What gh and its kin take for a token.
static const char *const token_variables[] = {
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "GH_ENTERPRISE_TOKEN",
    "GITHUB_ENTERPRISE_TOKEN",
};

// The credential.

// Whether `gh auth token` would print one. Its words are not for the user, who did not ask for gh.
static bool gh_is_logged_in(const char *const *argv)
{
    pid_t child = fork();
    int status = -1;

    if (child == 0) {
        int null = open("/dev/null", O_RDWR);

        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(RUN_COMMAND_NOT_FOUND);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// gh would take the placeholder of a workspace for its token, too.
static bool forget_placeholder(const char *name, const char *value)
{
    if (strcmp(value, ENVIRONMENT_GH_TOKEN) != 0)
        return false;
    unsetenv(name);
    return true;
}

static bool find_credential(struct config *config, struct error *ret_error)
{
    const char *const argv[] = {"gh", "auth", "token", "--hostname", config->githubs[0].host.web, NULL};
    bool placeholder = false, logged_in;

    for (size_t i = 0; i < 2; i++) {
        const char *value = getenv(token_variables[i]);

        if (!value || !*value)
            continue;
        if (!forget_placeholder(token_variables[i], value)) {
            config_add_credential(config, token_variables[i], NULL);
            return true;
        }
        placeholder = true;
    }
    logged_in = gh_is_logged_in(argv);
    if (!logged_in && placeholder)
        return error_set(ret_error,
                         "there is no credential, only the word by which gh starts behind a gitlatch: run the "
                         "command as it is, for it has one already");
    if (!logged_in)
        return error_set(ret_error, "there is no credential: set GITHUB_TOKEN, log in with `gh auth login`, or name a "
                                    "configuration with -c FILE");
    config_add_credential(config, NULL, argv);
    return true;
}

static struct config *load_config(const struct command *command, const char *option)
{
    struct config *config = NULL;
    struct error error;
    bool ok = command_has_config(option) ? config_load(command_config_path(option), CONFIG_FOR_RUN, &config, &error)
                                         : config_parse(BYTES(""), NULL, CONFIG_FOR_RUN, &config, &error);

    if (ok && (config->credential_count > 0 || find_credential(config, &error)))
        return config;
    command_fail(command, "%s", error.text);
    config_unref(config);
    return NULL;
}

// The command's environment.

// Also from the memory that other processes see as this one's environment.
static void forget(const char *name)
{
    char *value = getenv(name);

    if (value)
        explicit_bzero(value, strlen(value));
    unsetenv(name);
}

static void forget_tokens(const struct config *config)
{
    for (size_t i = 0; i < GL_ARRAY_SIZE(token_variables); i++)
        forget(token_variables[i]);
    for (size_t i = 0; i < config->credential_count; i++) {
        if (config->credentials[i].name)
            forget(config->credentials[i].name);
    }
}

static void set_variables(struct environment *environment)
{
    for (size_t i = 0; i < environment_count(environment); i++)
        setenv(environment_name(environment, i), environment_value(environment, i), 1);
    environment_free(environment);
}

static void set_environment(const struct config *config, const struct run_proxy *proxy)
{
    const char *git_config_count = getenv("GIT_CONFIG_COUNT");
    const struct environment_settings settings = {
        .proxy_url = proxy->url,
        .directory = proxy->published,
        .no_proxy = getenv("no_proxy"),
        .no_proxy_upper = getenv("NO_PROXY"),
        .gh_token = ENVIRONMENT_GH_TOKEN,
    };

    set_variables(environment_new(&settings));
    set_variables(
        environment_new_git(proxy->published, git_config_count ? (unsigned)strtoul(git_config_count, NULL, 10) : 0));
    // For an Enterprise Server gh looks at another variable.
    for (size_t i = 0; i < config->github_count; i++) {
        if (config->githubs[i].host.flavor == GITHUB_ENTERPRISE_SERVER)
            setenv("GH_ENTERPRISE_TOKEN", settings.gh_token, 1);
    }
}

// What the user has is kept, but he would be asked for a password and not know why.
static void warn_of_bypass(const struct command *command, const struct config *config, const char *variable)
{
    struct bytes list = bytes_of_string(getenv(variable)), entry;

    for (size_t i = 0; i < config->github_count; i++) {
        const char *host = config->githubs[i].host.web;

        if (no_proxy_bypasses(list, bytes_of_string(host), &entry))
            command_fail(command,
                         "the entry \"%.*s\" of %s leads past the proxy to %s, where no credential is attached; "
                         "take it out",
                         (int)entry.size, entry.data, variable, host);
    }
}

static int run_with(const struct command *command, struct config *config, char *const *argv)
{
    struct run_proxy proxy;
    struct error error;
    int status;

    if (!run_proxy_start(config, &proxy, &error))
        return command_fail(command, "%s", error.text);
    forget_tokens(config);
    set_environment(config, &proxy);
    warn_of_bypass(command, config, "NO_PROXY");
    if (strcmp(getenv("NO_PROXY"), getenv("no_proxy")) != 0) // both are set above
        warn_of_bypass(command, config, "no_proxy");
    status = run_command(argv, proxy.pid);
    run_proxy_stop(&proxy);
    return run_command_exit(status);
}

static int run(const struct command *command, int argc, char **argv)
{
    const char *path = NULL;
    struct config *config;
    int option, status;

    while ((option = command_option(command, argc, argv, "+:c:h", options)) != COMMAND_OPTION_END) {
        if (option == 'h')
            return command_help(command);
        if (option != 'c')
            return COMMAND_USAGE;
        path = optarg;
    }
    if (optind >= argc)
        return command_misused(command, "name the command to run: gitlatch run -- git clone URL");
    config = load_config(command, path);
    if (!config)
        return COMMAND_USAGE;
    status = run_with(command, config, argv + optind);
    config_unref(config);
    return status;
}

const struct command command_run = {
    .name = "run",
    .summary = "run one command with a private proxy and no token",
    .help = help,
    .run = run,
};
