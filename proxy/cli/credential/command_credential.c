// `gitlatch credential`: a credential helper of git's, for tools that cannot use a proxy.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "credential_broker.h"
#include "mem.h"
#include "secret.h"

#define BROKER     "https://gitlatch-broker.gitlatch.svc:8443"
#define TOKEN_FILE "/var/run/secrets/gitlatch-credential/token"
#define TRUST      "/etc/gitlatch/broker-ca.pem"

// git writes some lines; a path has at most 4 KiB.
#define INPUT_MAX (64 * KIB)
// The words around the token, and the time.
#define OUTPUT_ROOM 128

static const char help[] = "Usage: gitlatch credential [--broker URL] [--token-file FILE] [--trust FILE]\n"
                           "                           get|store|erase\n"
                           "\n"
                           "A credential helper of git's for tools that cannot use the proxy: `get` asks the\n"
                           "cluster's broker for a token for the one repository that git names, and gives\n"
                           "its end as `password_expiry_utc`. `store` and `erase` do nothing. git sets it up\n"
                           "with what `gitlatch env --credential` prints, or\n"
                           "\n"
                           "  git config --global credential.https://github.com.useHttpPath true\n"
                           "  git config --global credential.https://github.com.helper '!gitlatch credential'\n"
                           "\n"
                           "      --broker URL       else GITLATCH_BROKER, else\n"
                           "                         " BROKER "\n"
                           "      --token-file FILE  a service-account token of audience\n"
                           "                         " CONFIG_AUDIENCE_CREDENTIAL "; else GITLATCH_TOKEN_FILE, else\n"
                           "                         " TOKEN_FILE "\n"
                           "      --identity github-actions\n"
                           "                         instead of a file: the job's own token, which needs\n"
                           "                         `permissions: {id-token: write}`\n"
                           "      --certificate FILE, --key FILE\n"
                           "                         a client certificate, instead of a token or beside it\n"
                           "      --trust FILE       roots for the broker's certificate; else GITLATCH_TRUST,\n"
                           "                         else " TRUST " where that\n"
                           "                         exists, else the system's\n"
                           "  -h, --help             this text\n"
                           "\n"
                           "Where there is no path, or the broker cannot be reached or refuses, nothing is\n"
                           "printed, stderr says why, and git goes on to its next helper.\n"
                           "\n"
                           "git does not tell a helper what it will do: the token may write the contents\n"
                           "where the grant allows that wholly (no ref pattern, `delete`, `create` or\n"
                           "`max_pack` narrows it), else it may read them. Whatever runs in the workspace can\n"
                           "ask for it too: where the proxy can be used, use the proxy.\n";

static const struct command_choice choices[] = {{NULL, "get store erase"}, {NULL, NULL}};

static const struct option options[] = {
    {"broker", required_argument, NULL, 'b'},
    {"token-file", required_argument, NULL, 'f'},
    {"trust", required_argument, NULL, 't'},
    {"identity", required_argument, NULL, 'i'},
    {"certificate", required_argument, NULL, 'c'},
    {"key", required_argument, NULL, 'k'},
    COMMAND_OPTION_HELP,
    {NULL, 0, NULL, 0},
};

static const char *first_of(const char *option, const char *variable, const char *fallback)
{
    const char *value = getenv(variable);

    if (option)
        return option;
    return value && *value ? value : fallback;
}

static size_t read_question(char *data, size_t room)
{
    size_t size = 0;
    ssize_t count = 1;

    while (size < room && count > 0) {
        count = read(STDIN_FILENO, data + size, room - size);
        if (count < 0 && errno == EINTR)
            count = 1;
        else if (count > 0)
            size += (size_t)count;
    }
    return size;
}

// Past stdio, whose buffer would keep the token.
static int write_answer(const struct command *command, const struct credential_answer *answer)
{
    struct bytes token = secret_bytes(answer->token);
    size_t room = token.size + OUTPUT_ROOM, done = 0;
    char *data;
    struct secret *output = secret_new_sized(room, &data);
    int size = snprintf(data, room, "username=x-access-token\npassword=%.*s\n", (int)token.size, token.data);
    ssize_t count = 1;

    if (answer->expires_at.ms != WALL_NEVER.ms)
        size += snprintf(data + size, room - (size_t)size, "password_expiry_utc=%" PRId64 "\n",
                         answer->expires_at.ms / SECOND_MS);
    while (done < (size_t)size && count > 0) {
        count = write(STDOUT_FILENO, data + done, (size_t)size - done);
        if (count > 0)
            done += (size_t)count;
    }
    secret_unref(output);
    if (done < (size_t)size)
        return command_fail(command, "cannot write to stdout: %s", strerror(errno));
    return COMMAND_DONE;
}

static int command_credential_get(const struct command *command, const struct credential_broker *broker)
{
    char *input = mem_alloc(INPUT_MAX);
    size_t size = read_question(input, INPUT_MAX);
    struct credential_question question;
    struct credential_answer answer;
    struct error error;
    int status = COMMAND_DONE;

    if (credential_question_parse(bytes_of(input, size), &question, &error) &&
        credential_broker_ask(broker, &question, &answer, &error)) {
        status = write_answer(command, &answer);
        secret_unref(answer.token);
        // git follows GitHub's redirect at its first question, but not after it was asked for a credential.
        if (*answer.renamed.name)
            fprintf(stderr, "gitlatch credential: %s/%s is now %s/%s; change the remote's URL\n",
                    question.repository.owner, question.repository.name, answer.renamed.owner, answer.renamed.name);
    } else {
        // No failure to git, which has other helpers to ask.
        command_fail(command, "%s", error.text);
    }
    mem_free(input);
    return status;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct credential_broker broker = {0};
    int option;

    while ((option = command_option(command, argc, argv)) != COMMAND_OPTION_END) {
        if (option == 'h')
            return command_help(command);
        if (option == 'b')
            broker.url = optarg;
        else if (option == 'f')
            broker.token_file = optarg;
        else if (option == 't')
            broker.trust = optarg;
        else if (option == 'i' && strcmp(optarg, "github-actions") == 0)
            broker.github_actions = true;
        else if (option == 'i')
            return command_misused(command, "--identity can be github-actions alone, not \"%s\"", optarg);
        else if (option == 'c')
            broker.certificate = optarg;
        else if (option == 'k')
            broker.key = optarg;
        else
            return COMMAND_USAGE;
    }
    if (broker.github_actions && broker.token_file)
        return command_misused(command, "--identity and --token-file both name a token; keep one");
    if (!broker.certificate != !broker.key)
        return command_misused(command, "--certificate and --key go together");
    if (optind >= argc)
        return command_misused(command, "name what git asks for: get, store or erase");
    const char *operation = argv[optind++];
    if (!command_no_arguments(command, argc, argv))
        return COMMAND_USAGE;
    // gitcredentials(7): "If a helper receives any other operation, it should silently ignore the request."
    if (strcmp(operation, "get") != 0)
        return COMMAND_DONE;
    broker.url = first_of(broker.url, "GITLATCH_BROKER", BROKER);
    if (!broker.github_actions)
        broker.token_file = first_of(broker.token_file, "GITLATCH_TOKEN_FILE", broker.certificate ? NULL : TOKEN_FILE);
    broker.trust = first_of(broker.trust, "GITLATCH_TRUST", NULL);
    if (!broker.trust && access(TRUST, F_OK) == 0)
        broker.trust = TRUST;
    return command_credential_get(command, &broker);
}

const struct command command_credential = {
    .name = "credential",
    .summary = "a credential helper that asks the broker, where no proxy can be used",
    .help = help,
    .short_options = ":h",
    .options = options,
    .choices = choices,
    .run = run,
};
