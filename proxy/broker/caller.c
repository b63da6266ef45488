#include "caller.h"

#include <string.h>

#include "mem.h"

static char **copy_names(char *const *names)
{
    size_t count = 0;
    char **copy;

    if (!names)
        return NULL;
    while (names[count])
        count++;
    copy = mem_alloc_zero(count + 1, sizeof(*copy));
    for (size_t i = 0; i < count; i++)
        copy[i] = mem_string(names[i]);
    return copy;
}

void caller_copy(const struct caller *caller, struct caller *ret_copy)
{
    *ret_copy = (struct caller){
        .holder = caller->holder,
        .namespace = mem_string(caller->namespace),
        .service_account = mem_string(caller->service_account),
        .pod = mem_string(caller->pod),
        .issuer = mem_string(caller->issuer),
        .claims = json_incref(caller->claims),
        .subject = mem_string(caller->subject),
        .tenant = mem_string(caller->tenant),
        .certificate_names = copy_names(caller->certificate_names),
    };
}

void caller_clear(struct caller *caller)
{
    mem_free(caller->namespace);
    mem_free(caller->service_account);
    mem_free(caller->pod);
    mem_free(caller->issuer);
    json_decref(caller->claims);
    mem_free(caller->subject);
    mem_free(caller->tenant);
    for (char **name = caller->certificate_names; name && *name; name++)
        mem_free(*name);
    mem_free(caller->certificate_names);
    *caller = (struct caller){0};
}

bool caller_is_proven(const struct caller *caller)
{
    return caller->namespace || caller->issuer || caller->certificate_names;
}

char *caller_subject(const struct caller *caller)
{
    if (caller->namespace)
        return mem_format("%s/%s", caller->namespace, caller->service_account);
    if (caller->issuer)
        return mem_string(caller->subject ? caller->subject : caller->tenant);
    return mem_string(caller->certificate_names ? caller->certificate_names[0] : "");
}

char *caller_name(const struct caller *caller)
{
    char *subject = caller_subject(caller), *name;

    if (!caller->issuer)
        return subject;
    name = mem_format("%s %s", caller->issuer, subject);
    mem_free(subject);
    return name;
}

char *caller_key(const struct caller *caller)
{
    if (caller->namespace)
        return mem_format("%s/%s/%s", caller->namespace, caller->service_account, caller->pod ? caller->pod : "");
    return caller_tenant(caller);
}

// The words before the slashes differ, so that no issuer's tenant is taken for a namespace.
char *caller_tenant(const struct caller *caller)
{
    if (caller->namespace)
        return mem_string(caller->namespace);
    if (caller->issuer)
        return mem_format("issuer/%s/%s", caller->issuer, caller->tenant);
    return mem_format("certificate/%s", caller->certificate_names[0]);
}
