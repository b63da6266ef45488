// The configuration as a JSON Schema (draft 2020-12), made from the tables of settings: for editors.
#ifndef GITLATCH_CONFIG_SCHEMA_H
#define GITLATCH_CONFIG_SCHEMA_H

#include "text.h"

// Appends the schema as indented JSON.
void config_schema_print(struct text *text);

#endif
