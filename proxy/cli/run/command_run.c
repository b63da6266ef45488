// `gitlatch run`: one command with a private proxy.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "command.h"
#include "config_private.h"
#include "environment.h"
#include "mem.h"
#include "no_proxy.h"
#include "run_audit.h"
#include "run_command.h"
#include "run_proxy.h"
#include "run_rules.h"
#include "ssh_guard.h"

static const char help[] = "Usage: gitlatch run [OPTION]... [--] COMMAND [ARGUMENT]...\n"
                           "\n"
                           "Starts a private proxy on a free port of 127.0.0.1, with a password of its own,\n"
                           "and runs COMMAND with the environment of a workspace: git, git-lfs, gh and other\n"
                           "tools reach GitHub, and see no token; git also from remotes of SSH, and whatever\n"
                           "proxy its own configuration names. Signals, the terminal and the exit status\n"
                           "pass through.\n"
                           "\n"
                           "  gitlatch run git clone https://github.com/acme/private\n"
                           "  gitlatch run --repo acme/widgets --push 'agent/*' --summary -- bash\n"
                           "\n"
                           "  -c, --config FILE  the configuration; else GITLATCH_CONFIG, else\n"
                           "                     " CONFIG_DEFAULT_PATH " where that exists.\n"
                           "                     Addresses, directories and what is logged are not taken\n"
                           "                     from it, but for a file of audit events\n"
                           "      --repo PATTERN a repository that COMMAND may fetch, such as acme/widgets\n"
                           "                     or 'acme/*'; all others are denied. May be repeated; no\n"
                           "                     configuration is read then\n"
                           "      --push REF     with --repo: what may be pushed to each of these, such as\n"
                           "                     'agent/*' (branches) or 'refs/tags/v*'. May be repeated\n"
                           "      --audit FILE   audit events are appended to FILE (see `gitlatch audit`)\n"
                           "      --summary      prints at the end what was fetched, pushed and refused\n"
                           "  -h, --help         this text\n"
                           "\n"
                           "Without a configuration, or where it names no credential, the token is that of\n"
                           "GITHUB_TOKEN, of GH_TOKEN or of `gh auth token`. These two variables,\n"
                           "GH_ENTERPRISE_TOKEN, GITHUB_ENTERPRISE_TOKEN and the variable of any\n"
                           "`environment` credential never reach COMMAND; where gh needs a token to start, it\n"
                           "finds the word `gitlatch`. GITLATCH=1 tells COMMAND where it is.\n"
                           "\n"
                           "The way out is that of the caller's environment (https_proxy, no_proxy), and CA\n"
                           "files that it names (SSL_CERT_FILE, GIT_SSL_CAINFO, NODE_EXTRA_CA_CERTS,\n"
                           "CURL_CA_BUNDLE, REQUESTS_CA_BUNDLE) count toward that proxy and in COMMAND, unless\n"
                           "the configuration says `upstream.proxy`. Where git would go to GitHub by SSH after\n"
                           "all (url.*.insteadOf, pushInsteadOf), it is refused, and the setting named.\n"
                           "\n"
                           "This guards against accident: a token in a log, a dotfile, a process listing, the\n"
                           "environment of a child. It does not guard against a hostile COMMAND: a program of\n"
                           "the same user can read what the user can, gh's own files among them. For that run\n"
                           "`gitlatch proxy` as another user, or in another container.\n";

enum { OPTION_REPO = 256, OPTION_PUSH, OPTION_AUDIT, OPTION_SUMMARY };

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"repo", required_argument, NULL, OPTION_REPO},
    {"push", required_argument, NULL, OPTION_PUSH},
    {"audit", required_argument, NULL, OPTION_AUDIT},
    {"summary", no_argument, NULL, OPTION_SUMMARY},
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

// What the command line says.
struct command_line {
    const char *config; // NULL: not named
    struct run_rules rules;
    struct run_audit audit;
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

// With rules of the command line no file is read: who names both is asked which.
static bool read_config(const struct command_line *line, struct config **ret_config, struct error *ret_error)
{
    bool has_rules = line->rules.repository_count > 0 || line->rules.push_count > 0;
    char *text;
    bool ok;

    if (has_rules && (line->config || getenv("GITLATCH_CONFIG")))
        return error_set(ret_error,
                         "--repo and --push are the rules of a run without a configuration; %s, or write the "
                         "rules into the configuration",
                         line->config ? "leave out -c" : "unset GITLATCH_CONFIG");
    if (!has_rules && command_has_config(line->config))
        return config_load(command_config_path(line->config), CONFIG_FOR_RUN, ret_config, ret_error);
    text = run_rules_text(&line->rules, ret_error);
    ok = text && config_parse(bytes_of_string(text), "--repo", CONFIG_FOR_RUN, ret_config, ret_error);
    mem_free(text);
    return ok;
}

static struct config *load_config(const struct command *command, const struct command_line *line)
{
    struct config *config = NULL;
    struct error error;

    if (read_config(line, &config, &error) && (config->credential_count > 0 || find_credential(config, &error)))
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

static void command_run_set_environment(const struct config *config, const struct run_proxy *proxy)
{
    const char *git_config_count = getenv("GIT_CONFIG_COUNT");
    const struct environment_settings settings = {
        .proxy_url = proxy->url,
        .directory = proxy->published,
        .no_proxy = getenv("no_proxy"),
        .no_proxy_upper = getenv("NO_PROXY"),
        .gh_token = ENVIRONMENT_GH_TOKEN,
        .signs = config_signing_present(&config->signing),
    };

    set_variables(environment_new(&settings));
    set_variables(
        environment_new_git(proxy->published, git_config_count ? (unsigned)strtoul(git_config_count, NULL, 10) : 0));
    // For an Enterprise Server gh looks at another variable.
    for (size_t i = 0; i < config->github_count; i++) {
        if (config->githubs[i].host.flavor == GITHUB_ENTERPRISE_SERVER)
            setenv("GH_ENTERPRISE_TOKEN", settings.gh_token, 1);
    }
    ssh_guard_set_environment(config);
    setenv("GITLATCH", "1", 1);
}

// What the user has is kept, but he would be asked for a password and not know why.
static void warn_of_bypass(const struct command *command, const struct config *config, const char *variable)
{
    struct bytes list = bytes_of_string(getenv(variable)), entry;

    for (size_t i = 0; i < config_served_count(config); i++) {
        const char *host = config_served(config, i).host->name;

        if (no_proxy_bypasses(list, bytes_of_string(host), &entry))
            command_fail(command,
                         "the entry \"%.*s\" of %s leads past the proxy to %s, where no credential is attached; "
                         "take it out",
                         (int)entry.size, entry.data, variable, host);
    }
}

static int64_t monotonic_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND_MS + now.tv_nsec / 1000000;
}

static int run_with(const struct command *command, struct config *config, struct run_audit *audit, char *const *argv)
{
    int64_t started_ms = monotonic_ms();
    struct run_proxy proxy;
    struct error error;
    int status;

    if (!run_audit_begin(audit, config, &error) || !run_proxy_start(config, &proxy, &error))
        return command_fail(command, "%s", error.text);
    forget_tokens(config);
    command_run_set_environment(config, &proxy);
    warn_of_bypass(command, config, "NO_PROXY");
    if (strcmp(getenv("NO_PROXY"), getenv("no_proxy")) != 0) // both are set above
        warn_of_bypass(command, config, "no_proxy");
    status = run_command(argv, proxy.pid);
    run_proxy_stop(&proxy);
    run_audit_end(audit, config, monotonic_ms() - started_ms);
    return run_command_exit(status);
}

static bool read_option(const struct command *command, struct command_line *line, int option)
{
    switch (option) {
    case 'c':
        line->config = optarg;
        return true;
    case OPTION_REPO:
        line->rules.repositories[line->rules.repository_count++] = optarg;
        return true;
    case OPTION_PUSH:
        line->rules.pushes[line->rules.push_count++] = optarg;
        return true;
    case OPTION_AUDIT:
        line->audit.path = optarg;
        return true;
    case OPTION_SUMMARY:
        line->audit.summary = true;
        return true;
    default:
        return false;
    }
}

static int run_line(const struct command *command, struct command_line *line, int argc, char **argv)
{
    struct config *config;
    int option, status;

    while ((option = command_option(command, argc, argv)) != COMMAND_OPTION_END) {
        if (option == 'h')
            return command_help(command);
        if (!read_option(command, line, option))
            return COMMAND_USAGE;
    }
    if (optind >= argc)
        return command_misused(command, "name the command to run: gitlatch run -- git clone URL");
    config = load_config(command, line);
    if (!config)
        return COMMAND_USAGE;
    status = run_with(command, config, &line->audit, argv + optind);
    config_unref(config);
    return status;
}

static int run(const struct command *command, int argc, char **argv)
{
    // No option is given more often than there are words.
    struct command_line line = {
        .rules.repositories = mem_alloc_zero((size_t)argc, sizeof(char *)),
        .rules.pushes = mem_alloc_zero((size_t)argc, sizeof(char *)),
    };
    int status = run_line(command, &line, argc, argv);

    mem_free(line.rules.repositories);
    mem_free(line.rules.pushes);
    return status;
}

const struct command command_run = {
    .name = "run",
    .summary = "run one command with a private proxy and no token",
    .help = help,
    .short_options = "+:c:h",
    .options = options,
    .run = run,
};
