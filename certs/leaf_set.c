#include "leaf_set.h"

#include <openssl/ssl.h>

#include "leaf.h"
#include "leaf_context.h"
#include "mem.h"

struct leaf_set_entry {
    char *host;
    SSL_CTX *context;
};

struct leaf_set {
    struct leaf_set_entry *entries; // one to three a GitHub: looked through one by one
    size_t count;
    struct wall made; // all leaves are made together
};

static SSL_CTX *make_context(const struct authority *authority, const char *host, struct wall now,
                             struct error *ret_error)
{
    struct leaf leaf;
    SSL_CTX *context;

    if (!leaf_make(authority, host, now, &leaf, ret_error))
        return NULL;
    context = leaf_context_new(&leaf, ret_error);
    leaf_clear(&leaf);
    return context;
}

bool leaf_set_renew(struct leaf_set *set, const struct authority *authority, struct wall now, struct error *ret_error)
{
    SSL_CTX **fresh = mem_alloc_zero(set->count, sizeof(SSL_CTX *));
    size_t made = 0;
    bool done;

    while (made < set->count && (fresh[made] = make_context(authority, set->entries[made].host, now, ret_error)))
        made++;
    done = made == set->count;
    // Freed is what is not wanted: the old contexts, or the new ones that were made before one failed.
    for (size_t i = 0; i < made; i++) {
        SSL_CTX_free(done ? set->entries[i].context : fresh[i]);
        if (done)
            set->entries[i].context = fresh[i];
    }
    if (done)
        set->made = now;
    mem_free(fresh);
    return done;
}

struct leaf_set *leaf_set_new(const struct authority *authority, const struct name_list *hosts, struct wall now,
                              struct error *ret_error)
{
    struct leaf_set *set = mem_alloc_zero(1, sizeof(*set));

    set->count = hosts->count;
    set->entries = mem_alloc_zero(hosts->count, sizeof(*set->entries));
    for (size_t i = 0; i < hosts->count; i++)
        set->entries[i].host = mem_string(hosts->names[i]);
    if (leaf_set_renew(set, authority, now, ret_error))
        return set;
    leaf_set_free(set);
    return NULL;
}

void leaf_set_free(struct leaf_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->count; i++) {
        SSL_CTX_free(set->entries[i].context);
        mem_free(set->entries[i].host);
    }
    mem_free(set->entries);
    mem_free(set);
}

SSL_CTX *leaf_set_context(const struct leaf_set *set, struct bytes host)
{
    for (size_t i = 0; i < set->count; i++) {
        if (bytes_equal(bytes_of_string(set->entries[i].host), host))
            return set->entries[i].context;
    }
    return NULL;
}

bool leaf_set_due(const struct leaf_set *set, struct wall now)
{
    return now.ms < set->made.ms - AUTHORITY_BACKDATE_MS || now.ms > leaf_set_expiry(set).ms - LEAF_RENEW_BEFORE_MS;
}

struct wall leaf_set_expiry(const struct leaf_set *set)
{
    return (struct wall){set->made.ms + LEAF_LIFE_MS};
}
