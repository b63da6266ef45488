#include "remote_host.h"

#include "mem.h"

struct remote_host *remote_hosts_copy(const struct remote_host *hosts, size_t count)
{
    struct remote_host *copy = mem_alloc_zero(count, sizeof(*copy));

    for (size_t i = 0; i < count; i++)
        copy[i] = (struct remote_host){
            .web = mem_string(hosts[i].web),
            .forms = name_list_copy(&hosts[i].forms),
            .below = name_list_copy(&hosts[i].below),
        };
    return copy;
}

void remote_hosts_free(struct remote_host *copy, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        union {
            const char *web;
            void *block;
        } owned = {copy[i].web};

        mem_free(owned.block);
        name_list_clear(&copy[i].forms);
        name_list_clear(&copy[i].below);
    }
    mem_free(copy);
}
