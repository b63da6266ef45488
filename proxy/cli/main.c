// The one binary of gitlatch: finds the command.
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "log.h"
#include "mem.h"
#include "secret.h"
#include "suggestion.h"

static const struct command *const commands[] = {
    &command_proxy,  &command_run,        &command_broker, &command_env,       &command_check,
    &command_health, &command_credential, &command_doctor, &command_ssh_guard,
};

static int print_help(void)
{
    puts("Usage: gitlatch COMMAND [OPTION]...\n"
         "\n"
         "Git for a workspace that holds no credential. gitlatch is the workspace's\n"
         "HTTPS_PROXY: it attaches a fresh, narrow token to each request to GitHub, and\n"
         "keeps the token to itself.\n"
         "\n"
         "Commands:");
    for (size_t i = 0; i < GL_ARRAY_SIZE(commands); i++)
        printf("  %-12s%s\n", commands[i]->name, commands[i]->summary);
    puts("\n"
         "`gitlatch COMMAND --help` tells more of each, `gitlatch proxy --help=config` of\n"
         "every key of the configuration; the manual is gitlatch(1).\n"
         "To try it: gitlatch run -- git clone https://github.com/OWNER/PRIVATE");
    return fflush(stdout) == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

static int print_version(void)
{
    puts("gitlatch " GITLATCH_VERSION);
    return fflush(stdout) == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

static int refuse(const char *word)
{
    struct suggestion suggestion;

    suggestion_init(&suggestion, bytes_of_string(word));
    for (size_t i = 0; i < GL_ARRAY_SIZE(commands); i++)
        suggestion_offer(&suggestion, commands[i]->name);
    fprintf(stderr, "gitlatch: there is no %s \"%s\"; ", word[0] == '-' ? "option" : "command", word);
    if (suggestion.nearest)
        fprintf(stderr, "did you mean \"%s\"?\n", suggestion.nearest);
    else
        fputs("see `gitlatch --help`\n", stderr);
    return COMMAND_USAGE;
}

static void report_unlocked_memory(int code)
{
    log_warn("secret", "memory of tokens cannot be locked, so may be swapped (%s): raise RLIMIT_MEMLOCK",
             strerrordesc_np(code));
}

int main(int argc, char **argv)
{
    if (!mem_wipe_on_free_install()) {
        fputs("gitlatch: the libraries of this build do not let freed memory be wiped\n", stderr);
        return COMMAND_FAILED;
    }
    secret_warn_unlocked(report_unlocked_memory);
    if (argc < 2) {
        fputs("gitlatch: name a command; see `gitlatch --help`\n", stderr);
        return COMMAND_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
        return print_help();
    if (strcmp(argv[1], "--version") == 0)
        return print_version();
    for (size_t i = 0; i < GL_ARRAY_SIZE(commands); i++) {
        if (strcmp(argv[1], commands[i]->name) == 0)
            return commands[i]->run(commands[i], argc - 1, argv + 1);
    }
    return refuse(argv[1]);
}
