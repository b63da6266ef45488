// The one list of commands: from it main finds them, and help and completion are made.
#include <string.h>

#include "command.h"

extern const struct command command_app;
extern const struct command command_audit;
extern const struct command command_broker;
extern const struct command command_check;
extern const struct command command_completion;
extern const struct command command_credential;
extern const struct command command_doctor;
extern const struct command command_env;
extern const struct command command_health;
extern const struct command command_proxy;
extern const struct command command_rules;
extern const struct command command_run;
extern const struct command command_ssh_guard;

const struct command *const command_table[] = {
    &command_proxy,  &command_run,        &command_broker,    &command_env,   &command_check,
    &command_health, &command_credential, &command_doctor,    &command_rules, &command_app,
    &command_audit,  &command_completion, &command_ssh_guard, NULL,
};

const struct command *command_find(const char *name)
{
    for (const struct command *const *each = command_table; *each; each++)
        if (strcmp((*each)->name, name) == 0)
            return *each;
    return NULL;
}
