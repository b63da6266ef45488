#include "caller.h"

#include <string.h>

#include "config.h"
#include "mem.h"

void caller_copy(const struct caller *caller, struct caller *ret_copy)
{
    *ret_copy = (struct caller){
        .audience = mem_string(caller->audience),
        .namespace = mem_string(caller->namespace),
        .service_account = mem_string(caller->service_account),
        .pod = mem_string(caller->pod),
    };
}

void caller_clear(struct caller *caller)
{
    mem_free(caller->audience);
    mem_free(caller->namespace);
    mem_free(caller->service_account);
    mem_free(caller->pod);
    *caller = (struct caller){0};
}

bool caller_is_holder(const struct caller *caller)
{
    return strcmp(caller->audience, CONFIG_AUDIENCE_CREDENTIAL) == 0;
}

char *caller_key(const struct caller *caller)
{
    return mem_format("%s/%s/%s", caller->namespace, caller->service_account, caller->pod ? caller->pod : "");
}
