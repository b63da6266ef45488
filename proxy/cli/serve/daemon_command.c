#include "daemon_command.h"

#include "help_topic.h"

const struct command_choice daemon_command_choices[] = {{"help", HELP_TOPICS}, {NULL, NULL}};

const struct option daemon_command_options[] = {
    {"config", required_argument, NULL, 'c'},
    COMMAND_OPTION_HELP_TOPIC,
    {NULL, 0, NULL, 0},
};

int daemon_command_run(const struct command *command, int argc, char **argv, const struct daemon_type *type,
                       void (*ready)(void *arg, const void *instance))
{
    struct daemon_options daemon = {.type = type, .reloads = true, .supervised = true, .lifeline = -1, .ready = ready};
    const char *path = NULL;
    struct error error;
    int option, status;

    while ((option = command_option(command, argc, argv)) != COMMAND_OPTION_END) {
        if (option == 'h')
            return help_topic_option(command, optarg);
        if (option != 'c')
            return COMMAND_USAGE;
        path = optarg;
    }
    if (!command_no_arguments(command, argc, argv))
        return COMMAND_USAGE;
    daemon.config = command_config(command, path, type->use);
    if (!daemon.config)
        return COMMAND_USAGE;
    daemon.ready_arg = daemon.config;
    status = daemon_run(&daemon, &error) ? COMMAND_DONE : command_fail(command, "%s", error.text);
    config_unref(daemon.config);
    return status;
}
