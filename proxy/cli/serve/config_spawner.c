#include "config_spawner.h"

#include "mem.h"

struct spawner *config_spawner_new(const struct config *config, struct error *ret_error)
{
    char *const **commands = mem_alloc_zero(config->credential_count * 3 + 1, sizeof(*commands));
    struct spawner *spawner;
    size_t count = 0;

    for (size_t i = 0; i < config->credential_count; i++) {
        if (config->credentials[i].argv)
            commands[count++] = config->credentials[i].argv;
        if (config->credentials[i].identity_command)
            commands[count++] = config->credentials[i].identity_command;
        if (config->credentials[i].sign_command)
            commands[count++] = config->credentials[i].sign_command;
    }
    if (config->signing.command)
        commands[count++] = config->signing.command;
    spawner = spawner_new(commands, count, ret_error);
    mem_free(commands);
    return spawner;
}
