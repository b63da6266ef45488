#include "mint_gate.h"

#include <string.h>

#include "loop.h"
#include "mem.h"
#include "pace.h"

// GitHub takes 900 points a minute, and a mint (POST) has 5: 180 mints. A fifth is left for finding installations and
// names (GET, 1 point each). In any minute the burst and what comes after it may fall together: 48 + 96 = 144.
#define BURST    48
#define A_MINUTE 96
// GitHub takes 100 requests at a time; half of them are left for what else asks as this App.
#define AT_ONCE 50
// A tenant's scopes that wait. At 96 a minute the last of them would wait five minutes: who asks gave up long before.
#define TURNS_MAX 512

TAILQ_HEAD(mint_turns, mint_turn);

struct mint_tenant {
    TAILQ_ENTRY(mint_tenant) link;
    struct mint_turns turns; // never empty
    size_t count;
    char name[];
};

struct mint_gate {
    struct loop *loop;
    struct pace_rate rate;
    struct pace pace;
    size_t running, at_once;
    TAILQ_HEAD(, mint_tenant) tenants; // that have turns waiting; the first one's is next
    struct timer timer;
};

static void plan(struct mint_gate *gate)
{
    if (TAILQ_EMPTY(&gate->tenants) || gate->running >= gate->at_once)
        timer_stop(&gate->timer);
    else
        timer_start(&gate->timer, pace_wait_ms(&gate->pace, &gate->rate, loop_now(gate->loop)));
}

static void remove_turn(struct mint_gate *gate, struct mint_turn *turn)
{
    struct mint_tenant *tenant = turn->tenant;

    turn->tenant = NULL;
    TAILQ_REMOVE(&tenant->turns, turn, link);
    if (--tenant->count > 0)
        return;
    TAILQ_REMOVE(&gate->tenants, tenant, link);
    mem_free(tenant);
}

static void on_mint_gate_timer(void *arg)
{
    struct mint_gate *gate = arg;
    struct mint_tenant *tenant;

    while ((tenant = TAILQ_FIRST(&gate->tenants)) && gate->running < gate->at_once &&
           pace_take(&gate->pace, &gate->rate, loop_now(gate->loop))) {
        struct mint_turn *turn = TAILQ_FIRST(&tenant->turns);

        TAILQ_REMOVE(&gate->tenants, tenant, link);
        TAILQ_INSERT_TAIL(&gate->tenants, tenant, link);
        remove_turn(gate, turn);
        turn->running = true;
        gate->running++;
        turn->fn(turn->arg);
    }
    plan(gate);
}

struct mint_gate *mint_gate_new(struct loop *loop, uint64_t replicas)
{
    struct mint_gate *gate = mem_alloc_zero(1, sizeof(*gate));

    gate->loop = loop;
    gate->rate.interval_ms = (int64_t)((uint64_t)MINUTE_MS * replicas / A_MINUTE);
    gate->rate.burst = replicas < BURST ? (int64_t)(BURST / replicas) : 1;
    gate->at_once = replicas < AT_ONCE ? (size_t)(AT_ONCE / replicas) : 1;
    TAILQ_INIT(&gate->tenants);
    timer_init(&gate->timer, loop, on_mint_gate_timer, gate);
    return gate;
}

void mint_gate_free(struct mint_gate *gate)
{
    if (!gate)
        return;
    timer_stop(&gate->timer);
    mem_free(gate);
}

void mint_gate_adopt(struct mint_gate *gate, const struct mint_gate *old)
{
    gate->pace = old->pace;
}

static struct mint_tenant *tenant_find(struct mint_gate *gate, const char *name)
{
    struct mint_tenant *tenant;

    TAILQ_FOREACH(tenant, &gate->tenants, link) {
        if (strcmp(tenant->name, name) == 0)
            return tenant;
    }
    return NULL;
}

static struct mint_tenant *tenant_make(struct mint_gate *gate, const char *name)
{
    size_t size = strlen(name) + 1;
    struct mint_tenant *tenant = mem_alloc_zero(1, sizeof(*tenant) + size);

    memcpy(tenant->name, name, size);
    TAILQ_INIT(&tenant->turns);
    TAILQ_INSERT_TAIL(&gate->tenants, tenant, link);
    return tenant;
}

bool mint_gate_enter(struct mint_gate *gate, struct mint_turn *turn, const char *name, mint_turn_fn *fn, void *arg)
{
    struct mint_tenant *tenant = tenant_find(gate, name);

    if (!tenant)
        tenant = tenant_make(gate, name);
    if (tenant->count >= TURNS_MAX)
        return false;
    *turn = (struct mint_turn){.tenant = tenant, .fn = fn, .arg = arg};
    TAILQ_INSERT_TAIL(&tenant->turns, turn, link);
    tenant->count++;
    plan(gate);
    return true;
}

void mint_gate_leave(struct mint_gate *gate, struct mint_turn *turn)
{
    if (turn->tenant) {
        remove_turn(gate, turn);
    } else if (turn->running) {
        turn->running = false;
        gate->running--;
    }
    plan(gate);
}
