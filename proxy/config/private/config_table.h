// The tables of the configuration: every key that there is.
#ifndef GITLATCH_CONFIG_TABLE_H
#define GITLATCH_CONFIG_TABLE_H

#include "setting_type.h"

// Fills a `struct config`. The entries of its lists have tables of their own (see setting_entries).
extern const struct setting_table config_table;

#endif
