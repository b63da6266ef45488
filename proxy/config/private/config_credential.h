// The entries of `credentials`: which keys each type takes, and which it needs.
#ifndef GITLATCH_CONFIG_CREDENTIAL_H
#define GITLATCH_CONFIG_CREDENTIAL_H

#include "setting.h"

#define CREDENTIAL_ROWS 15
// Fills a `struct credential_options`.
extern const struct setting credential_rows[CREDENTIAL_ROWS];
bool credential_finish(struct yaml_reader *reader, const yaml_node_t *node, void *entry);

#endif
