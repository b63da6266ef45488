// `gitlatch completion`: what a shell needs to complete gitlatch's command lines.
#include <stdio.h>

#include "command.h"
#include "completion.h"

static const char help[] = "Usage: gitlatch completion bash|zsh|fish\n"
                           "\n"
                           "Prints the script with which a shell completes commands, options and their values:\n"
                           "  bash: eval \"$(gitlatch completion bash)\"         in ~/.bashrc\n"
                           "  zsh:  eval \"$(gitlatch completion zsh)\"          in ~/.zshrc, after compinit\n"
                           "  fish: gitlatch completion fish | source          in ~/.config/fish/config.fish\n"
                           "A package installs it for all.\n"
                           "\n"
                           "  -h, --help  this text\n";

static const struct option options[] = {
    COMMAND_OPTION_HELP,
    {NULL, 0, NULL, 0},
};

static const struct command_choice choices[] = {{NULL, COMPLETION_SHELLS}, {NULL, NULL}};

static int run(const struct command *command, int argc, char **argv)
{
    int option = command_option(command, argc, argv);
    struct text text = {0};
    const char *shell;

    if (option == 'h')
        return command_help(command);
    if (option != COMMAND_OPTION_END)
        return COMMAND_USAGE;
    if (optind >= argc)
        return command_misused(command, "name a shell: bash, zsh or fish");
    shell = argv[optind++];
    if (!command_no_arguments(command, argc, argv))
        return COMMAND_USAGE;
    if (!completion_append(shell, &text))
        return command_misused(command, "the shells are bash, zsh and fish, not \"%s\"", shell);
    fputs(text_string(&text), stdout);
    text_free(&text);
    return command_finish_output(command);
}

const struct command command_completion = {
    .name = "completion",
    .summary = "print the completion script of a shell",
    .help = help,
    .short_options = ":h",
    .options = options,
    .choices = choices,
    .run = run,
};
