// A command of gitlatch: its name, its help, and what it does. Each has a file of its own, command_NAME.c.
#ifndef GITLATCH_COMMAND_H
#define GITLATCH_COMMAND_H

#include <getopt.h>
#include <stdbool.h>

#include <gitlatch/attr.h>

#include "config.h"
#include "error.h"

enum command_exit {
    COMMAND_DONE = 0,
    COMMAND_FAILED = 1,
    COMMAND_USAGE = 2, // also a configuration error
};

// Words that an option, or the first argument, can be: for the completion of shells.
struct command_choice {
    const char *option; // its long name; NULL: the first argument
    const char *words;  // with a space between two
};

struct command {
    const char *name;
    const char *summary;                  // half a sentence, for the list of commands
    const char *help;                     // what --help prints
    const char *short_options;            // as getopt_long's; begins with ":" or "+:"
    const struct option *options;         // as getopt_long's
    const struct command_choice *choices; // ends with one of no words; NULL: none. Elsewhere a value is a file
    // `argv[0]` is the command's name. Gives the exit status.
    int (*run)(const struct command *command, int argc, char **argv);
};

// All commands, in the order of the help. The array ends with NULL.
extern const struct command *const command_table[];
// The same for those that are in the list themselves, which cannot depend on it. main sets it before it runs a command.
void command_set_all(const struct command *const *table);
const struct command *const *command_all(void);
// The command of this name; NULL: there is none.
const struct command *command_find(const char *name);

// Says on stderr, as one line, why the command failed. Gives COMMAND_FAILED.
int command_fail(const struct command *command, const char *format, ...) GL_PRINTF(2, 3);
// Says what is wrong with the command line, and where its help is. Gives COMMAND_USAGE.
int command_misused(const struct command *command, const char *format, ...) GL_PRINTF(2, 3);

#define COMMAND_OPTION_END (-1)
#define COMMAND_OPTION_BAD '?' // it was said on stderr: the command ends with COMMAND_USAGE
// Options that every command has: { "help", …, 'h' }.
#define COMMAND_OPTION_HELP                                                                                            \
    {                                                                                                                  \
        "help", no_argument, NULL, 'h'                                                                                 \
    }
// As getopt_long with the command's options; an unknown one is refused with a suggestion.
int command_option(const struct command *command, int argc, char **argv);
// Refuses arguments after the options, where the command takes none.
bool command_no_arguments(const struct command *command, int argc, char **argv);
// The same for a command that knows help_topic.h's topics.
#define COMMAND_OPTION_HELP_TOPIC                                                                                      \
    {                                                                                                                  \
        "help", optional_argument, NULL, 'h'                                                                           \
    }
// Prints the help; gives COMMAND_DONE.
int command_help(const struct command *command);
// Whether what was printed reached stdout; where not, says so.
int command_finish_output(const struct command *command);

// The configuration's file: the one of `-c`, else GITLATCH_CONFIG, else CONFIG_DEFAULT_PATH.
const char *command_config_path(const char *option);
// Whether a file is named, or the default one exists: for commands that can do without.
bool command_has_config(const char *option);
// Reads it; what is wrong with it is said on stderr, and NULL is given. The caller owns one reference.
struct config *command_config(const struct command *command, const char *option, enum config_use use) GL_MUST_CHECK;

#endif
