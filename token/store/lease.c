#include "lease.h"

#include "loop.h"
#include "mem.h"

struct lease *lease_new(const struct source *source, uint64_t entry, const struct source_token *token)
{
    const struct clock *clock = loop_clock(source->loop);
    struct mono now = clock_mono(clock);
    struct lease *lease = mem_alloc_zero(1, sizeof(*lease));

    lease->references = 1;
    lease->token = secret_ref(token->token);
    secret_fingerprint(token->token, lease->fingerprint);
    lease->source = source->name;
    lease->entry = entry;
    lease->wide = !token->narrowed;
    lease->made_at.ms = now.ms - token->age_ms;
    lease->expires_at = token->expires_at;
    if (token->life_ms == INT64_MAX) {
        lease->ends.ms = INT64_MAX;
        lease->ends_wall = WALL_NEVER;
    } else {
        lease->ends.ms = now.ms + token->life_ms;
        lease->ends_wall.ms = clock_wall(clock).ms + token->life_ms;
    }
    if (token->permissions)
        lease->permissions = *token->permissions;
    if (token->repositories) {
        size_t size = token->repository_count * sizeof(*token->repositories);
        lease->repositories = mem_alloc(size);
        memcpy(lease->repositories, token->repositories, size);
        lease->repository_count = token->repository_count;
    }
    return lease;
}

struct lease *lease_ref(struct lease *lease)
{
    lease->references++;
    return lease;
}

void lease_unref(struct lease *lease)
{
    if (!lease || --lease->references)
        return;
    secret_unref(lease->token);
    mem_free(lease->repositories);
    mem_free(lease);
}

int64_t lease_left_ms(const struct lease *lease, const struct clock *clock)
{
    if (lease->ends.ms == INT64_MAX)
        return INT64_MAX;
    int64_t left = lease->ends.ms - clock_mono(clock).ms;
    int64_t left_wall = lease->ends_wall.ms - clock_wall(clock).ms;
    return left < left_wall ? left : left_wall;
}

struct token_grant lease_grant(const struct lease *lease, const struct clock *clock)
{
    struct token_grant grant = {
        .token = lease->token,
        .source = lease->source,
        .expires_at_ms = lease->expires_at.ms,
        .left_ms = lease_left_ms(lease, clock),
        .age_ms = clock_mono(clock).ms - lease->made_at.ms,
        .entry = lease->entry,
        .wide = lease->wide,
        .permissions = &lease->permissions,
        .repositories = lease->repositories,
        .repository_count = lease->repository_count,
    };
    memcpy(grant.fingerprint, lease->fingerprint, sizeof(grant.fingerprint));
    return grant;
}
