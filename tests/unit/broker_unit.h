// A broker's configuration for tests, from the text of its `grants`.
#ifndef GITLATCH_BROKER_UNIT_H
#define GITLATCH_BROKER_UNIT_H

#include <string.h>

#include "caller.h"
#include "cmocka_unit.h"
#include "config.h"
#include "mem.h"

static inline struct config *broker_unit_config(const char *grants)
{
    char *text = mem_format("broker:\n  tls: {certificate: c, key: k}\n  grants: %s\n", grants);
    struct config *config = NULL;
    struct error error;

    if (!config_parse(bytes_of_string(text), "test.yaml", CONFIG_FOR_BROKER, &config, &error))
        fail_msg("%s", error.text);
    mem_free(text);
    return config;
}

// Its strings are not owned: never cleared.
static inline struct caller broker_unit_caller(const char *audience, const char *namespace, const char *account)
{
    return (struct caller){
        .holder = strcmp(audience, CONFIG_AUDIENCE_CREDENTIAL) == 0,
        .namespace = (char *)(uintptr_t) namespace,
        .service_account = (char *)(uintptr_t)account,
    };
}

#endif
