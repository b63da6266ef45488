#include "password_guesses.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "address.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "rate_limiter.h"

// Ten a second: a person who mistypes never notices, and a password of eight random letters holds for centuries.
static const struct pace_rate guess_rate = {.interval_ms = 100, .burst = 20};
static const struct pace_rate log_rate = {.interval_ms = 1 * MINUTE_MS, .burst = 1};
// Addresses that are remembered. Who has more addresses than that has ten guesses a second with each.
#define ADDRESSES_MAX 1024

struct password_guesses {
    struct loop *loop;
    struct rate_limiter *limiter;
    struct pace log_pace;
    uint64_t unlogged;
};

struct password_guesses *password_guesses_new(struct loop *loop)
{
    struct password_guesses *guesses = mem_alloc_zero(1, sizeof(*guesses));

    guesses->loop = loop;
    guesses->limiter = rate_limiter_new(loop, guess_rate, ADDRESSES_MAX);
    return guesses;
}

void password_guesses_free(struct password_guesses *guesses)
{
    if (!guesses)
        return;
    rate_limiter_free(guesses->limiter);
    mem_free(guesses);
}

// The address without its port.
static void password_guesses_host_of(const char *client, char text[ADDRESS_TEXT_SIZE])
{
    snprintf(text, ADDRESS_TEXT_SIZE, "%.*s", (int)(strrchr(client, ':') - client), client);
}

bool password_guesses_may_try(const struct password_guesses *guesses, const char *client)
{
    char host[ADDRESS_TEXT_SIZE];

    password_guesses_host_of(client, host);
    return rate_limiter_wait_s(guesses->limiter, host) == 0;
}

void password_guesses_count(struct password_guesses *guesses, const char *client)
{
    char host[ADDRESS_TEXT_SIZE];

    password_guesses_host_of(client, host);
    guesses->unlogged++;
    if (!rate_limiter_take(guesses->limiter, host) ||
        !pace_take(&guesses->log_pace, &log_rate, loop_now(guesses->loop)))
        return;
    log_warn("session", "wrong proxy passwords: %llu since the last such line, the last from %s",
             (unsigned long long)guesses->unlogged, host);
    guesses->unlogged = 0;
}
