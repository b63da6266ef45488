#include "client_shares.h"

#include "mem.h"

struct client_share {
    LIST_ENTRY(client_share) link;
    struct address peer;
    size_t count;
    TAILQ_HEAD(share_members, share_member) members; // waiting longest first
};

void client_shares_init(struct client_shares *shares, enum client_shares_kind kind, size_t most, size_t per_client)
{
    *shares = (struct client_shares){.kind = kind};
    LIST_INIT(&shares->list);
    client_shares_set(shares, most, per_client);
}

void client_shares_set(struct client_shares *shares, size_t most, size_t per_client)
{
    shares->most = most;
    shares->per_client = per_client ? per_client : most;
}

static struct client_share *find_share(const struct client_shares *shares, const struct address *peer)
{
    struct client_share *share;

    LIST_FOREACH(share, &shares->list, link) {
        if (address_same_host(&share->peer, peer))
            return share;
    }
    return NULL;
}

// The member of `share` that makes room for a client that has `count` connections; NULL: none does.
static struct share_member *find_victim(const struct client_share *share, size_t count)
{
    bool may_be_new = share->count > count + 1;
    struct share_member *member;

    TAILQ_FOREACH(member, &share->members, link) {
        if (member->state == SHARE_SERVED || (member->state == SHARE_NEW && may_be_new))
            return member;
    }
    return NULL;
}

static struct share_member *find_victim_of_all(const struct client_shares *shares, size_t count)
{
    struct share_member *victim = NULL;
    struct client_share *share;

    LIST_FOREACH(share, &shares->list, link) {
        struct share_member *member = NULL;
        bool may_be = shares->kind == CLIENT_SHARES_RENEW || share->count > count;

        if (may_be && (!victim || share->count > victim->share->count))
            member = find_victim(share, count);
        if (member)
            victim = member;
    }
    return victim;
}

bool client_shares_admit(const struct client_shares *shares, const struct address *peer,
                         struct share_member **ret_victim)
{
    const struct client_share *own = find_share(shares, peer);
    size_t count = own ? own->count : 0;
    bool bound = shares->kind == CLIENT_SHARES_RENEW || address_kind(peer) != ADDRESS_LOOPBACK;
    bool over = bound && count >= shares->per_client, full = shares->count >= shares->most;
    struct share_member *victim = NULL;

    if (over && shares->kind == CLIENT_SHARES_RENEW)
        victim = find_victim(own, count);
    else if (full && !over)
        victim = find_victim_of_all(shares, count);
    *ret_victim = victim;
    return victim || (!over && !full);
}

void client_shares_add(struct client_shares *shares, struct share_member *member, const struct address *peer)
{
    struct client_share *share = find_share(shares, peer);

    if (!share) {
        share = mem_alloc_zero(1, sizeof(*share));
        share->peer = *peer;
        TAILQ_INIT(&share->members);
        LIST_INSERT_HEAD(&shares->list, share, link);
    }
    share->count++;
    shares->count++;
    *member = (struct share_member){.share = share, .state = SHARE_NEW};
    TAILQ_INSERT_TAIL(&share->members, member, link);
}

void client_shares_remove(struct client_shares *shares, struct share_member *member)
{
    struct client_share *share = member->share;

    TAILQ_REMOVE(&share->members, member, link);
    shares->count--;
    if (--share->count > 0)
        return;
    LIST_REMOVE(share, link);
    mem_free(share);
}

void share_member_set(struct share_member *member, enum share_state state)
{
    struct share_members *members = &member->share->members;

    if (member->state == SHARE_BUSY && state != SHARE_BUSY) {
        TAILQ_REMOVE(members, member, link);
        TAILQ_INSERT_TAIL(members, member, link);
    }
    member->state = state;
}
