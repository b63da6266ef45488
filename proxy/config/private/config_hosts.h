// The entries of `hosts`, and which rules are for which host.
#ifndef GITLATCH_CONFIG_HOSTS_H
#define GITLATCH_CONFIG_HOSTS_H

#include "config.h"
#include "setting_type.h"
#include "yaml_reader.h"

extern const struct setting_entries config_hosts;

// Writes the `host` of each credential as the host itself is named, where there is such a host.
void config_hosts_name_credentials(struct config *config);
// Checks the hosts against one another and against the GitHubs. The reader is at the root.
bool config_hosts_check(const struct config *config, struct yaml_reader *reader) GL_MUST_CHECK;
// Gives each host its rules; refused are those of an unknown host, and keys that only a GitHub can honour.
bool config_hosts_share_rules(struct config *config, struct yaml_reader *reader) GL_MUST_CHECK;
void config_hosts_clear_rules(struct config *config);

#endif
