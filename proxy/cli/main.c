// The one binary of gitlatch: finds the command.
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "help_topic.h"
#include "log.h"
#include "mem.h"
#include "secret.h"
#include "suggestion.h"

static int main_print_help(void)
{
    puts("Usage: gitlatch COMMAND [OPTION]...\n"
         "\n"
         "Git for a workspace that holds no credential. gitlatch is the workspace's\n"
         "HTTPS_PROXY: it attaches a fresh, narrow token to each request to GitHub, and\n"
         "keeps the token to itself.\n"
         "\n"
         "Commands:");
    for (const struct command *const *each = command_table; *each; each++)
        printf("  %-12s%s\n", (*each)->name, (*each)->summary);
    puts("\n"
         "`gitlatch help COMMAND` says more about each, `gitlatch help config` about every\n"
         "key of the configuration, `gitlatch help reasons` why a request is refused; the\n"
         "manual is gitlatch(1).\n"
         "To try it: gitlatch run -- git clone https://github.com/OWNER/PRIVATE");
    return fflush(stdout) == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

static int print_version(void)
{
    puts("gitlatch " GITLATCH_VERSION);
    return fflush(stdout) == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

static int main_refuse(const char *word)
{
    struct suggestion suggestion;

    suggestion_init(&suggestion, bytes_of_string(word));
    for (const struct command *const *each = command_table; *each; each++)
        suggestion_offer(&suggestion, (*each)->name);
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

// `gitlatch help`, `gitlatch help COMMAND`, `gitlatch help TOPIC`.
static int help_command(int argc, char **argv)
{
    const struct command *command = argc > 2 ? command_find(argv[2]) : NULL;
    char help_option[] = "--help";
    char *arguments[] = {argv[2], help_option, NULL};

    if (argc < 3)
        return main_print_help();
    if (argc > 3) {
        fputs("gitlatch: help is about one command or topic at a time\n", stderr);
        return COMMAND_USAGE;
    }
    if (command)
        return command->run(command, 2, arguments);
    if (help_topic_exists(argv[2]))
        return help_topic_print(argv[2]) ? COMMAND_DONE : COMMAND_FAILED;
    return main_refuse(argv[2]);
}

int main(int argc, char **argv)
{
    const struct command *command;

    command_set_all(command_table);
    if (!mem_wipe_on_free_install()) {
        fputs("gitlatch: the libraries of this build do not let freed memory be wiped\n", stderr);
        return COMMAND_FAILED;
    }
    secret_warn_unlocked(report_unlocked_memory);
    if (argc < 2) {
        fputs("gitlatch: name a command; see `gitlatch --help`\n", stderr);
        return COMMAND_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return main_print_help();
    if (strcmp(argv[1], "help") == 0)
        return help_command(argc, argv);
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0)
        return print_version();
    command = command_find(argv[1]);
    return command ? command->run(command, argc - 1, argv + 1) : main_refuse(argv[1]);
}
