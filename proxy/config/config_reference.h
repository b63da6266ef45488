// Every key of the configuration, for the reference in the manual and in `gitlatch proxy --help=config`.
#ifndef GITLATCH_CONFIG_REFERENCE_H
#define GITLATCH_CONFIG_REFERENCE_H

#include "setting.h"
#include "text.h"

// `key` is the whole path, "credentials[].app_id"; valid during the call.
typedef void config_reference_fn(void *arg, const char *key, const struct setting *setting);

// Calls `fn` for each key, sorted; the keys of a list's entries follow the list.
void config_reference_each(config_reference_fn *fn, void *arg);
// Appends what values a setting takes: "duration", "json | text".
void config_reference_values(const struct setting *setting, struct text *text);
// Appends what a setting is for.
void config_reference_text(const struct setting *setting, struct text *text);
// Appends the whole reference as plain text.
void config_reference_print(struct text *text);

#endif
