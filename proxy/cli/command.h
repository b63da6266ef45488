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

struct command {
    const char *name;
    const char *summary; // half a sentence, for the list of commands
    const char *help;    // what --help prints
    // `argv[0]` is the command's name. Gives the exit status.
    int (*run)(const struct command *command, int argc, char **argv);
};

extern const struct command command_broker;
extern const struct command command_check;
extern const struct command command_credential;
extern const struct command command_doctor;
extern const struct command command_env;
extern const struct command command_health;
extern const struct command command_proxy;
extern const struct command command_run;
extern const struct command command_ssh_guard;

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
// As getopt_long; an unknown option is refused with a suggestion. `short_options` begins with ":" or "+:".
int command_option(const struct command *command, int argc, char **argv, const char *short_options,
                   const struct option *long_options);
// Refuses arguments after the options, where the command takes none.
bool command_no_arguments(const struct command *command, int argc, char **argv);
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
