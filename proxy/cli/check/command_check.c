// `gitlatch check`: whether a configuration would work, what its rules say, and what rules would be needed.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "caller_question.h"
#include "cluster_server.h"
#include "command.h"
#include "configuration_findings.h"
#include "help_topic.h"
#include "explanation.h"
#include "rule_draft.h"
#include "rule_match.h"
#include "trial.h"

static const char help[] = "Usage: gitlatch check [-c FILE] [--offline] [--json]\n"
                           "       gitlatch check [-c FILE] --explain OPERATION [WORD]...\n"
                           "       gitlatch check [-c FILE] --explain --token FILE [OPERATION...]\n"
                           "       gitlatch check --suggest AUDIT.jsonl\n"
                           "       gitlatch check --cluster[=URL]\n"
                           "\n"
                           "Reads the configuration, tests each credential and mints one token with it, holds\n"
                           "the rules against what an App was granted, mints a token for what each of them\n"
                           "names (20 at most), and reaches GitHub's hosts: a line each, `ok` or `FAIL` with\n"
                           "what is wrong and how to mend it; a `note` is allowed, but likely not meant, such\n"
                           "as a rule that an earlier one hides. Exits with 0 if all is ok, with 1 if not. One\n"
                           "with `broker` is checked as a broker's: its certificate and other files, the keys\n"
                           "of its issuers, and the rules of its grants.\n"
                           "\n"
                           "  -c, --config FILE  the configuration; else GITLATCH_CONFIG, else\n"
                           "                     " CONFIG_DEFAULT_PATH "\n"
                           "      --cluster[=URL]  what of gitlatch is in a Kubernetes cluster: what injects\n"
                           "                     and guards, the broker, each namespace of workspaces, its\n"
                           "                     pods and their images. Needs no configuration. URL is\n"
                           "                     `kubectl proxy`'s\n"
                           "                     (default: a pod's own API server, else http://127.0.0.1:8001)\n"
                           "      --explain      what the rules decide, and which rule says so; exits with 0\n"
                           "                     if it is allowed, with 1 if not\n"
                           "      --token FILE   with --explain and a broker's configuration: which grants are\n"
                           "                     for the caller that has this token, which claims fail, and\n"
                           "                     what those grants say to OPERATION; the signature is not\n"
                           "                     verified\n"
                           "      --claims FILE  the same for the claims of a token, as a JSON object\n"
                           "      --json         one JSON object: `findings`, each with its `state` (ok,\n"
                           "                     warning, wrong), `subject`, `what`, `why`, `remedy`; and `ok`\n"
                           "      --offline      asks nobody and reads no key: the configuration alone, for CI\n"
                           "      --suggest FILE the least rules that would have allowed what is in an audit\n"
                           "                     log (- is stdin), as they are written in a configuration;\n"
                           "                     lines that are torn are left out, and counted on stderr;\n"
                           "                     with `enforce: false` the log of a week shows what is needed\n"
                           "  -h, --help         this text\n"
                           "\n"
                           "`gitlatch proxy --help=config` tells of every key of the configuration.\n"
                           "\n"
                           "What --explain knows:\n";

static const struct command_choice choices[] = {{"help", HELP_TOPICS}, {NULL, NULL}};

static const struct option options[] = {
    {"cluster", optional_argument, NULL, 'k'},
    {"claims", required_argument, NULL, 'l'},
    {"config", required_argument, NULL, 'c'},
    {"explain", no_argument, NULL, 'e'},
    {"json", no_argument, NULL, 'j'},
    {"offline", no_argument, NULL, 'o'},
    {"suggest", required_argument, NULL, 's'},
    {"token", required_argument, NULL, 't'},
    COMMAND_OPTION_HELP_TOPIC,
    {NULL, 0, NULL, 0},
};

static int print_help(const struct command *command)
{
    fputs(help, stdout);
    for (const char *line = explanation_usage; *line; line += strcspn(line, "\n") + 1)
        printf("  %.*s\n", (int)strcspn(line, "\n"), line);
    return command_finish_output(command);
}

static int check(const struct command *command, const char *path, bool offline, bool json)
{
    struct config *config = command_config(command, path, CONFIG_FOR_CHECK);
    struct findings findings;

    if (!config)
        return COMMAND_USAGE;
    findings_begin(&findings, json);
    configuration_findings(config, &findings);
    if (!offline)
        trial_run(config, &findings);
    findings_end(&findings);
    config_unref(config);
    if (command_finish_output(command) != COMMAND_DONE)
        return COMMAND_FAILED;
    return findings.wrong ? COMMAND_FAILED : COMMAND_DONE;
}

// The host of the repository that the words name: "push gitlab.corp.example/group/app …"; else the first GitHub.
static struct config_served served_of(const struct config *config, char *const *words, size_t count)
{
    struct bytes web, pattern;
    size_t at;

    for (size_t i = 1; i < count; i++) {
        if (!rule_match_split(words[i], &web, &pattern))
            continue;
        at = config_served_find(config, web);
        if (at < config_served_count(config))
            return config_served(config, at);
    }
    return config_served(config, 0);
}

static int explain(const struct command *command, const char *path, char *const *words, size_t count)
{
    struct config *config = command_config(command, path, CONFIG_FOR_CHECK);
    enum explanation_result result;
    struct config_served served;
    struct text text = {0};
    struct error error;

    if (!config)
        return COMMAND_USAGE;
    if (!config->rules.present && (configuration_has_broker_rules(config) || config->broker.present)) {
        config_unref(config);
        return command_fail(
            command, "there is no `repositories`: the rules are those under `broker.grants` of the broker; with its "
                     "configuration and --token FILE they are explained to a caller");
    }
    served = served_of(config, words, count);
    result = explanation_append(served.rules, served.rule_lines, served.host, words, count, &text, &error);
    if (result == EXPLANATION_BAD) {
        command_misused(command, "%s", error.text);
    } else {
        fputs(text_string(&text), stdout);
        if (result == EXPLANATION_DENIED && !config->enforce)
            puts("enforce is false: it is only audited, and let through");
        if (result == EXPLANATION_ALLOWED && configuration_has_broker_rules(config))
            puts("for a token of the broker, its grant has to allow it as well");
    }
    text_free(&text);
    config_unref(config);
    if (result == EXPLANATION_BAD)
        return COMMAND_USAGE;
    if (command_finish_output(command) != COMMAND_DONE)
        return COMMAND_FAILED;
    return result == EXPLANATION_ALLOWED ? COMMAND_DONE : COMMAND_FAILED;
}

// A full disk or a kill cuts a line off; the others are as good as before.
static bool read_audit(const struct command *command, const char *path, FILE *file, struct rule_draft *draft)
{
    char *line = NULL;
    size_t room = 0, torn = 0;
    ssize_t size;

    while ((size = getline(&line, &room, file)) >= 0) {
        if (size > 0 && line[size - 1] == '\n')
            size--;
        if (size > 0 && !rule_draft_add(draft, bytes_of(line, (size_t)size)))
            torn++;
    }
    free(line);
    bool ok = !ferror(file) && rule_draft_has_events(draft);
    if (ferror(file))
        command_fail(command, "%s: cannot be read: %s", path, strerror(errno));
    else if (!ok)
        command_fail(command, "%s: holds no audit event; name a file that `log.audit` wrote", path);
    else if (torn)
        fprintf(stderr, "gitlatch check: %s: %zu line%s torn or no JSON, and left out\n", path, torn,
                torn == 1 ? " is" : "s are");
    return ok;
}

static int suggest(const struct command *command, const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    struct rule_draft *draft;
    struct text text = {0};
    bool ok;

    if (!file)
        return command_fail(command, "%s: cannot be opened: %s", path, strerror(errno));
    draft = rule_draft_new();
    ok = read_audit(command, path, file, draft);
    fclose(file);
    if (ok) {
        rule_draft_append(draft, &text);
        fputs(text_string(&text), stdout);
    }
    text_free(&text);
    rule_draft_free(draft);
    return ok ? command_finish_output(command) : COMMAND_FAILED;
}

static int explain_caller(const struct command *command, const char *path, const struct caller_question *question,
                          char *const *words, size_t count)
{
    struct config *config = command_config(command, path, CONFIG_FOR_CHECK);
    enum explanation_result result;
    struct text text = {0};
    struct error error;

    if (!config)
        return COMMAND_USAGE;
    result = caller_question_explain(config, question, words, count, &text, &error);
    if (result == EXPLANATION_BAD)
        command_misused(command, "%s", error.text);
    else
        fputs(text_string(&text), stdout);
    text_free(&text);
    config_unref(config);
    if (result == EXPLANATION_BAD)
        return COMMAND_USAGE;
    if (command_finish_output(command) != COMMAND_DONE)
        return COMMAND_FAILED;
    return result == EXPLANATION_ALLOWED ? COMMAND_DONE : COMMAND_FAILED;
}

static int survey_cluster(const struct command *command, const char *url)
{
    bool ok = cluster_server_survey(url);

    if (command_finish_output(command) != COMMAND_DONE)
        return COMMAND_FAILED;
    return ok ? COMMAND_DONE : COMMAND_FAILED;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct caller_question caller = {0};
    const char *path = NULL, *audit = NULL, *url = NULL;
    bool explaining = false, cluster = false, offline = false, json = false;
    int option;

    while ((option = command_option(command, argc, argv)) != COMMAND_OPTION_END) {
        if (option == 'h')
            return optarg ? help_topic_option(command, optarg) : print_help(command);
        if (option == 'c')
            path = optarg;
        else if (option == 'e')
            explaining = true;
        else if (option == 'j')
            json = true;
        else if (option == 'o')
            offline = true;
        else if (option == 's')
            audit = optarg;
        else if (option == 'k')
            cluster = true, url = optarg;
        else if (option == 't' || option == 'l')
            caller = (struct caller_question){optarg, option == 'l'};
        else
            return COMMAND_USAGE;
    }
    if (explaining && audit)
        return command_misused(command, "--explain and --suggest are two things; ask for one");
    if (caller.path && !explaining)
        return command_misused(command, "--token and --claims go with --explain");
    if ((explaining || audit) && (offline || json))
        return command_misused(command, "--offline and --json go with neither --explain nor --suggest");
    if (caller.path)
        return explain_caller(command, path, &caller, argv + optind, (size_t)(argc - optind));
    if (explaining)
        return explain(command, path, argv + optind, (size_t)(argc - optind));
    if (!command_no_arguments(command, argc, argv))
        return COMMAND_USAGE;
    if (cluster)
        return path || audit || offline || json ? command_misused(command, "--cluster stands alone")
                                                : survey_cluster(command, url);
    return audit ? suggest(command, audit) : check(command, path, offline, json);
}

const struct command command_check = {
    .name = "check",
    .summary = "test a configuration, and tell what its rules decide",
    .help = help,
    .short_options = ":c:h",
    .options = options,
    .choices = choices,
    .run = run,
};
