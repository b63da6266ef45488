// `gitlatch doctor`: whether a workspace is set up as it should be, as seen from inside.
#include <curl/curl.h>
#include <stdlib.h>

#include "command.h"
#include "doctor.h"
#include "doctor_credentials.h"
#include "doctor_git.h"
#include "doctor_signing.h"
#include "doctor_tools.h"
#include "doctor_way.h"
#include "mem.h"

static const char help[] = "Usage: gitlatch doctor [--json]\n"
                           "\n"
                           "Run inside a workspace; needs no configuration. Tells in a line each what is\n"
                           "`ok`, and of what is not (`FAIL`) how to mend it:\n"
                           "\n"
                           "  - gitlatch is reached: by HTTPS_PROXY, by git's http.proxy, by the gateway\n"
                           "    (url.<base>.insteadOf), or transparently; NO_PROXY leads nobody past it\n"
                           "  - the clock is right\n"
                           "  - git, git-lfs, gh, curl, node, python, go, cargo, java, wget, pip, uv, bun,\n"
                           "    deno, ruby, php and dotnet, where they are found, come there and trust its\n"
                           "    CA: each is run once\n"
                           "  - no setting leads git past it: insteadOf to SSH, an SSH remote in the\n"
                           "    repository at hand, GIT_SSL_NO_VERIFY, http.sslBackend\n"
                           "  - where gitlatch signs commits: git and OpenSSH can, the agent is reached, git\n"
                           "    is set up for it; and what the account must have for *Verified* at GitHub\n"
                           "  - no credential is here: in the environment, in git's configuration, in\n"
                           "    ~/.git-credentials, ~/.netrc, or of gh's. None is ever printed\n"
                           "\n"
                           "It is github.com that is asked for; where gitlatch serves an Enterprise host\n"
                           "alone, the way there is not tried, and said so.\n"
                           "\n"
                           "What is worth knowing but not wrong is a `note`. Exits with 0 if nothing is\n"
                           "wrong, with 1 if something is.\n"
                           "\n"
                           "The tools ask for pages below https://github.com/login/ and for\n"
                           "https://api.github.com/user/keys, which gitlatch always refuses: the audit log\n"
                           "has about ten denied requests of reason `endpoint` more.\n"
                           "\n"
                           "      --json  one JSON object: `findings`, each with its `state` (ok, warning,\n"
                           "              wrong), `subject`, `what`, `why`, `remedy`; and `ok`\n"
                           "  -h, --help  this text\n";

static const struct option options[] = {
    {"json", no_argument, NULL, 'j'},
    COMMAND_OPTION_HELP,
    {NULL, 0, NULL, 0},
};

// For all programs that are run: they ask nobody, and speak English, which is looked at.
static void prepare_environment(void)
{
    static const char *const settings[][2] = {
        {"LC_ALL", "C"}, {"GIT_TERMINAL_PROMPT", "0"}, {"GH_PROMPT_DISABLED", "1"}, {"GH_NO_UPDATE_NOTIFIER", "1"}};

    for (size_t i = 0; i < GL_ARRAY_SIZE(settings); i++)
        setenv(settings[i][0], settings[i][1], 1);
}

static int run(const struct command *command, int argc, char **argv)
{
    struct doctor doctor = {.ok = true};
    bool json = false;
    int option;

    while ((option = command_option(command, argc, argv)) != COMMAND_OPTION_END) {
        if (option == 'h')
            return command_help(command);
        if (option != 'j')
            return COMMAND_USAGE;
        json = true;
    }
    if (!command_no_arguments(command, argc, argv))
        return COMMAND_USAGE;
    if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK)
        return command_fail(command, "curl cannot be set up");
    prepare_environment();
    findings_begin(&doctor.findings, json);
    doctor_examine_ways(&doctor);
    doctor_examine_git(&doctor);
    doctor_examine_tools(&doctor);
    doctor_examine_signing(&doctor);
    doctor_examine_credentials(&doctor);
    findings_end(&doctor.findings);
    git_config_clear(&doctor.git);
    mem_free(doctor.git_proxy);
    mem_free(doctor.gateway);
    mem_free(doctor.published);
    if (command_finish_output(command) != COMMAND_DONE)
        return COMMAND_FAILED;
    return !doctor.findings.wrong ? COMMAND_DONE : COMMAND_FAILED;
}

const struct command command_doctor = {
    .name = "doctor",
    .summary = "examine a workspace from inside: proxy, CA, clock, credentials",
    .help = help,
    .short_options = ":h",
    .options = options,
    .run = run,
};
