// What a configuration allows though it is likely not meant, or says in vain: `gitlatch check` and the start report it.
#ifndef GITLATCH_CONFIG_NOTICE_H
#define GITLATCH_CONFIG_NOTICE_H

#include "config.h"

// All three are sentences without their end, on loan.
struct config_notice {
    const char *key;  // of the configuration
    const char *what; // what was found
    const char *why;  // why it matters; "": `what` says it
    const char *mend; // what mends it
};

typedef void config_notice_fn(void *arg, const struct config_notice *notice);

// Looks at the modes of the files with secrets that it names; those that are not there are left to who reads them.
void config_notices(const struct config *config, config_notice_fn *report, void *arg);

#endif
