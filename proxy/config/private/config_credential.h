// The entries of `credentials`: which keys each type takes, and which it needs.
#ifndef GITLATCH_CONFIG_CREDENTIAL_H
#define GITLATCH_CONFIG_CREDENTIAL_H

#include "setting.h"
#include "text.h"

#define CREDENTIAL_ROWS 19
// Fills a `struct credential_options`.
extern const struct setting credential_rows[CREDENTIAL_ROWS];
// Adds what a key is for, after the kinds that take it where not all do.
void credential_append_text(const struct setting *setting, struct text *text);
bool credential_finish(struct yaml_reader *reader, const yaml_node_t *node, void *entry);

#endif
