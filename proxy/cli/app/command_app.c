// `gitlatch app create`: a GitHub App by GitHub's manifest flow, its key, and a configuration that uses it.
#include <curl/curl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app_conversion.h"
#include "app_files.h"
#include "app_page.h"
#include "command.h"
#include "configuration_findings.h"
#include "mem.h"
#include "run_rules.h"
#include "trial.h"

static const char help[] = "Usage: gitlatch app create [--repo OWNER/NAME]... [--push REF]... [OPTION]...\n"
                           "\n"
                           "Creates a GitHub App with the least permissions by which the rules work. A\n"
                           "browser opens a page on this machine; its one button leads to GitHub, which shows\n"
                           "the App and makes it. Its private key is then stored (app.pem, 0600) beside a\n"
                           "configuration (gitlatch.yaml), which is checked; at the end the link is printed by\n"
                           "which the App is installed for the repositories that it may reach.\n"
                           "\n"
                           "      --repo PATTERN       a repository that a workspace may fetch: acme/widgets\n"
                           "      --push REF           what may be pushed to each of these: 'agent/*'\n"
                           "      --permissions LIST   for api.github.com: issues=read,pull_requests=write\n"
                           "      --organization NAME  that will own the App; else you do\n"
                           "      --name NAME          of the App; else GitHub's page asks for it\n"
                           "      --host HOST          a GitHub Enterprise host; else github.com\n"
                           "      --trust FILE         roots by which that host is trusted (PEM)\n"
                           "      --directory DIR      for the two files; else ~/.config/gitlatch\n"
                           "      --no-browser         opens none, and waits for the code on stdin: open the\n"
                           "                           link in a browser (with ssh -L PORT:127.0.0.1:PORT),\n"
                           "                           and paste the address to which GitHub sends it\n"
                           "  -h, --help               this text\n"
                           "\n"
                           "Without --repo no rule narrows what the App may read.\n";

enum {
    OPTION_REPO = 256,
    OPTION_PUSH,
    OPTION_PERMISSIONS,
    OPTION_ORGANIZATION,
    OPTION_NAME,
    OPTION_HOST,
    OPTION_TRUST,
    OPTION_DIRECTORY,
    OPTION_NO_BROWSER,
};

static const struct command_choice choices[] = {{NULL, "create"}, {NULL, NULL}};

static const struct option options[] = {
    {"repo", required_argument, NULL, OPTION_REPO},
    {"push", required_argument, NULL, OPTION_PUSH},
    {"permissions", required_argument, NULL, OPTION_PERMISSIONS},
    {"organization", required_argument, NULL, OPTION_ORGANIZATION},
    {"name", required_argument, NULL, OPTION_NAME},
    {"host", required_argument, NULL, OPTION_HOST},
    {"trust", required_argument, NULL, OPTION_TRUST},
    {"directory", required_argument, NULL, OPTION_DIRECTORY},
    {"no-browser", no_argument, NULL, OPTION_NO_BROWSER},
    COMMAND_OPTION_HELP,
    {NULL, 0, NULL, 0},
};

struct creation {
    struct run_rules rules;
    const char *host, *trust, *directory;
    struct app_manifest manifest;
    bool no_browser;

    const struct command *command;
    struct config *config; // what will be written, with another id
    struct app_files files;
    struct app_conversion app; // id 0: there is none yet
};

// The configuration.

static void append_member(struct text *text, const char *before, const char *key, const char *value, const char *after)
{
    text_format(text, "%s%s: ", before, key);
    text_append_json_string(text, bytes_of_string(value)); // a JSON string is a YAML one
    text_append(text, after);
}

// The way out of this process is that of its environment; the proxy reads none of it. A password is not written anywhere.
static const char *way_out(void)
{
    const char *lower = getenv("https_proxy"), *url = lower && *lower ? lower : getenv("HTTPS_PROXY");

    return url && *url && !strchr(url, '@') ? url : NULL;
}

static char *configuration_text(const struct creation *creation, uint64_t id, const char *key, struct error *ret_error)
{
    char *rules = run_rules_text(&creation->rules, ret_error), *copy;
    struct text text = {0};

    if (!rules)
        return NULL;
    text_append(&text, "# Made by `gitlatch app create`.\n");
    if (creation->host || creation->trust) {
        append_member(&text, "github:\n  ", "host", creation->manifest.host, "\n");
        if (creation->trust)
            append_member(&text, "  ", "trust", creation->trust, "\n");
    }
    if (way_out())
        append_member(&text, "upstream:\n  ", "proxy", way_out(), "\n");
    text_format(&text, "credentials:\n  - {type: app, app_id: \"%" PRIu64 "\", ", id);
    append_member(&text, "", "private_key", key, "}\n");
    text_append(&text, rules);
    copy = mem_string(text_string(&text));
    text_free(&text);
    mem_free(rules);
    return copy;
}

// What is wrong with the command line is found here, before anything is made.
static bool read_rules(struct creation *creation, struct error *ret_error)
{
    char *text = configuration_text(creation, 1, "/app.pem", ret_error);
    bool ok =
        text && config_parse(bytes_of_string(text), "the command line", CONFIG_FOR_PROXY, &creation->config, ret_error);

    mem_free(text);
    return ok;
}

// The App.

static char *on_code(void *arg, const char *code)
{
    struct creation *creation = arg;
    const char *api = creation->config->githubs[0].host.api_url;
    struct error error;
    char *text;
    bool ok;

    if (!app_conversion_ask(api, code, creation->trust, &creation->app, &error)) {
        command_fail(creation->command, "%s", error.text);
        return NULL;
    }
    text = configuration_text(creation, creation->app.id, creation->files.key, &error);
    ok = text && app_files_write(&creation->files, creation->app.key, text, &error);
    mem_free(text);
    if (!ok)
        command_fail(creation->command, "%s; make a new key in the App's settings, %s", error.text, creation->app.url);
    return mem_format("%s/installations/new", creation->app.url);
}

static bool has_display(void)
{
    const char *x = getenv("DISPLAY"), *wayland = getenv("WAYLAND_DISPLAY");

    return (x && *x) || (wayland && *wayland);
}

// Nobody waits for it: it may be the browser itself.
static void open_browser(const char *url)
{
    signal(SIGCHLD, SIG_IGN);
    fflush(stdout);
    if (fork() == 0) {
        setsid();
        execlp("xdg-open", "xdg-open", url, (char *)NULL);
        _exit(127);
    }
}

static bool obtain(struct creation *creation, struct error *ret_error)
{
    struct app_page *page = app_page_new(&creation->manifest, on_code, creation, ret_error);
    bool ok;

    if (!page)
        return false;
    if (creation->no_browser || !has_display()) {
        creation->no_browser = true;
        const char *url = app_page_url(page), *port = strrchr(url, ':') + 1;

        printf(
            "Open this link in a browser of this machine (of another: with ssh -L %1$d:127.0.0.1:%1$d to here):\n\n  %2$s\n\n"
            "Where GitHub then sends the browser to a page that does not open, paste its address here:\n",
            atoi(port), url);
    } else {
        printf("The browser opens this page; its button leads to GitHub:\n\n  %s\n\n", app_page_url(page));
        open_browser(app_page_url(page));
    }
    fflush(stdout);
    ok = app_page_run(page, creation->no_browser);
    app_page_free(page);
    return ok || error_set(ret_error, "stdin has ended, and no code has come");
}

static int report(struct creation *creation)
{
    struct findings findings;
    struct config *config;
    struct error error;

    printf("The App %s is made (id %" PRIu64 ").\n  its key:           %s\n  the configuration: %s\n\n",
           creation->app.name, creation->app.id, creation->files.key, creation->files.configuration);
    if (!config_load(creation->files.configuration, CONFIG_FOR_PROXY, &config, &error))
        return command_fail(creation->command, "%s", error.text);
    findings_begin(&findings, false);
    configuration_findings(config, &findings);
    trial_run(config, &findings);
    findings_end(&findings);
    config_unref(config);
    printf("\nInstall the App for the repositories that it may reach:\n\n  %s/installations/new\n\n"
           "Then: gitlatch check -c %s\n",
           creation->app.url, creation->files.configuration);
    return command_finish_output(creation->command);
}

static char *default_directory(void)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

    if (config && *config)
        return mem_format("%s/gitlatch", config);
    return mem_format("%s/.config/gitlatch", home ? home : "");
}

static int create(struct creation *creation)
{
    char *directory = creation->directory ? mem_string(creation->directory) : default_directory();
    struct error error;
    bool ok;

    if (!read_rules(creation, &error)) {
        mem_free(directory);
        return command_misused(creation->command, "%s", error.text);
    }
    creation->manifest.rules = &creation->config->rules;
    ok = curl_global_init(CURL_GLOBAL_ALL) == CURLE_OK || error_set(&error, "curl cannot be set up");
    ok = ok && app_files_open(directory, &creation->files, &error);
    mem_free(directory);
    if (!ok || !obtain(creation, &error))
        return command_fail(creation->command, "%s", error.text);
    // What is missing was said when it was written.
    return creation->files.descriptor < 0 ? report(creation) : COMMAND_FAILED;
}

static bool take_option(struct creation *creation, int option)
{
    switch (option) {
    case OPTION_REPO:
        creation->rules.repositories[creation->rules.repository_count++] = optarg;
        return true;
    case OPTION_PUSH:
        creation->rules.pushes[creation->rules.push_count++] = optarg;
        return true;
    case OPTION_PERMISSIONS:
        creation->rules.permissions = optarg;
        return true;
    case OPTION_ORGANIZATION:
        creation->manifest.organization = optarg;
        return true;
    case OPTION_NAME:
        creation->manifest.name = optarg;
        return true;
    case OPTION_HOST:
        creation->host = creation->manifest.host = optarg;
        return true;
    case OPTION_TRUST:
        creation->trust = optarg;
        return true;
    case OPTION_DIRECTORY:
        creation->directory = optarg;
        return true;
    case OPTION_NO_BROWSER:
        creation->no_browser = true;
        return true;
    default:
        return false;
    }
}

static int start(const struct command *command, struct creation *creation, int argc, char **argv)
{
    int option;

    while ((option = command_option(command, argc, argv)) != COMMAND_OPTION_END) {
        if (option == 'h')
            return command_help(command);
        if (!take_option(creation, option))
            return COMMAND_USAGE;
    }
    if (optind >= argc || strcmp(argv[optind], "create") != 0)
        return command_misused(command, "say what to do: gitlatch app create");
    optind++;
    if (!command_no_arguments(command, argc, argv))
        return COMMAND_USAGE;
    if (creation->manifest.organization &&
        strspn(creation->manifest.organization, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                "0123456789-") != strlen(creation->manifest.organization))
        return command_misused(command, "\"%s\" is no name of an organisation", creation->manifest.organization);
    return create(creation);
}

static int run(const struct command *command, int argc, char **argv)
{
    struct creation creation = {.command = command, .manifest = {.host = "github.com"}, .files = {.descriptor = -1}};
    int status;

    creation.rules.repositories = mem_alloc_zero((size_t)argc, sizeof(char *));
    creation.rules.pushes = mem_alloc_zero((size_t)argc, sizeof(char *));
    status = start(command, &creation, argc, argv);
    app_files_close(&creation.files);
    app_conversion_clear(&creation.app);
    config_unref(creation.config);
    mem_free(creation.rules.repositories);
    mem_free(creation.rules.pushes);
    return status;
}

const struct command command_app = {
    .name = "app",
    .summary = "create a GitHub App, its key and a configuration",
    .help = help,
    .short_options = ":h",
    .options = options,
    .choices = choices,
    .run = run,
};
