#include "restart.h"

#include <string.h>

#include "mem.h"
#include "runtime.h"

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_signing(const struct config_signing *old, const struct config_signing *new)
{
    char *const *a = old->command, *const *b = new->command;

    while (a && b && *a && *b && strcmp(*a, *b) == 0)
        a++, b++;
    return same_text(old->key, new->key) && same_text(a ? *a : NULL, b ? *b : NULL);
}

bool restart_is_needed(const struct config *old, const struct config *new, struct error *ret_error)
{
    size_t old_count, new_count;
    const char **old_names = runtime_intercepted_names(old, &old_count);
    const char **new_names = runtime_intercepted_names(new, &new_count);
    bool same = old_count == new_count;

    for (size_t i = 0; i < old_count && same; i++)
        same = strcmp(old_names[i], new_names[i]) == 0;
    mem_free(old_names);
    mem_free(new_names);
    if (!same)
        return !error_set(ret_error, "github, hosts: another host needs a restart, since the CA is made for its names");
    same = old->listener_count == new->listener_count;
    for (size_t i = 0; i < old->listener_count && same; i++)
        same = same_text(old->listeners[i].address.text, new->listeners[i].address.text) &&
               same_text(old->listeners[i].password_file, new->listeners[i].password_file) &&
               old->listeners[i].mode == new->listeners[i].mode;
    if (!same || old->reuse_port != new->reuse_port)
        return !error_set(ret_error, "listen: another address needs a restart");
    if (!same_text(old->ca_state, new->ca_state) || !same_text(old->ca_publish, new->ca_publish))
        return !error_set(ret_error, "ca: another directory needs a restart");
    if (!same_signing(&old->signing, &new->signing))
        return !error_set(ret_error, "signing: another key file or command needs a restart");
    return false;
}
