#include "command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suggestion.h"

static void GL_PRINTF(2, 0) say(const struct command *command, const char *format, va_list values)
{
    fprintf(stderr, "gitlatch %s: ", command->name);
    vfprintf(stderr, format, values);
}

static const struct command *const *all;

void command_set_all(const struct command *const *table)
{
    all = table;
}

const struct command *const *command_all(void)
{
    return all;
}

int command_fail(const struct command *command, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    say(command, format, values);
    va_end(values);
    fputc('\n', stderr);
    return COMMAND_FAILED;
}

int command_misused(const struct command *command, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    say(command, format, values);
    va_end(values);
    fprintf(stderr, "; see `gitlatch %s --help`\n", command->name);
    return COMMAND_USAGE;
}

static void refuse_option(const struct command *command, const char *word, const struct option *long_options)
{
    struct suggestion suggestion;
    struct bytes name, value;

    bytes_cut(bytes_skip(bytes_of_string(word), strspn(word, "-")), '=', &name, &value);
    suggestion_init(&suggestion, name);
    for (const struct option *option = long_options; option->name; option++)
        suggestion_offer(&suggestion, option->name);
    if (suggestion.nearest)
        command_misused(command, "there is no option %s; did you mean --%s?", word, suggestion.nearest);
    else
        command_misused(command, "there is no option %s", word);
}

static void refuse_argument(const struct command *command, const char *word, const struct option *long_options)
{
    for (const struct option *option = long_options; option->name; option++) {
        if (option->val == optopt && option->has_arg == no_argument) {
            command_misused(command, "the option --%s takes no value", option->name);
            return;
        }
    }
    command_misused(command, "the option %s needs a value", word);
}

int command_option(const struct command *command, int argc, char **argv)
{
    const struct option *long_options = command->options;
    int option;
    char letter[3] = "-?";

    opterr = 0;
    option = getopt_long(argc, argv, command->short_options, long_options, NULL);
    if (option != '?' && option != ':')
        return option;
    if (option == ':' || (optopt != 0 && strncmp(argv[optind - 1], "--", 2) == 0)) {
        refuse_argument(command, argv[optind - 1], long_options);
    } else if (optopt != 0) {
        letter[1] = (char)optopt;
        refuse_option(command, letter, long_options);
    } else {
        refuse_option(command, argv[optind - 1], long_options);
    }
    return COMMAND_OPTION_BAD;
}

bool command_no_arguments(const struct command *command, int argc, char **argv)
{
    if (optind >= argc)
        return true;
    command_misused(command, "there is one argument too many, \"%s\"", argv[optind]);
    return false;
}

int command_help(const struct command *command)
{
    fputs(command->help, stdout);
    return command_finish_output(command);
}

int command_finish_output(const struct command *command)
{
    bool flushed = fflush(stdout) == 0;

    if (flushed && !ferror(stdout))
        return COMMAND_DONE;
    // What failed earlier, line by line, has left no errno.
    return command_fail(command, "cannot write to stdout: %s", flushed ? "it is closed or full" : strerror(errno));
}

static const char *named_config(const char *option)
{
    const char *variable = getenv("GITLATCH_CONFIG");

    if (option)
        return option;
    return variable && *variable ? variable : NULL;
}

const char *command_config_path(const char *option)
{
    const char *named = named_config(option);

    return named ? named : CONFIG_DEFAULT_PATH;
}

bool command_has_config(const char *option)
{
    return named_config(option) || access(CONFIG_DEFAULT_PATH, F_OK) == 0;
}

struct config *command_config(const struct command *command, const char *option, enum config_use use)
{
    struct config *config;
    struct error error;

    if (config_load(command_config_path(option), use, &config, &error))
        return config;
    command_fail(command, "%s", error.text);
    return NULL;
}
