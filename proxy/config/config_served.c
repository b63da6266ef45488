#include "config.h"

size_t config_served_count(const struct config *config)
{
    return config->github_count + config->host_count;
}

struct config_served config_served(const struct config *config, size_t index)
{
    if (index < config->github_count) {
        const struct config_github *github = &config->githubs[index];

        return (struct config_served){&github->host.git,  github->trust,      &github->rules,
                                      github->rule_lines, github->connect_to, github->connect_to_count};
    }
    const struct config_host *host = &config->hosts[index - config->github_count];

    return (struct config_served){&host->host,      host->trust,      &host->rules,
                                  host->rule_lines, host->connect_to, host->connect_to_count};
}

size_t config_served_find(const struct config *config, struct bytes web)
{
    size_t count = config_served_count(config), i = 0;

    while (i < count && !bytes_equal_nocase(bytes_of_string(config_served(config, i).host->web), web))
        i++;
    return i;
}
