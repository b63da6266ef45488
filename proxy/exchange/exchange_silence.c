#include "exchange_silence.h"

#include "config.h"
#include "exchange_answer.h"
#include "exchange_github.h"
#include "exchange_state.h"

// Nothing has moved for `limits.idle`: whoever it is that is waited for.
static void on_silence(struct exchange *exchange)
{
    const struct upload *upload = &exchange->upload;

    switch (exchange->phase) {
    case EXCHANGE_PREPARES:
        if (upload->state != UPLOAD_WAITS) // a token, a connection and a pause have limits of their own
            exchange_state_close_client(exchange, REASON_CLIENT_TIMEOUT);
        break;
    case EXCHANGE_SENDS:
        if (upload->state == UPLOAD_SENT || upload_is_stuck(upload))
            exchange_answer_refuse_for(exchange, REASON_UPSTREAM_TIMEOUT, NULL);
        else
            exchange_state_close_client(exchange, REASON_CLIENT_TIMEOUT);
        break;
    case EXCHANGE_QUOTES:
        exchange_github_refuse_with_quote(exchange);
        break;
    case EXCHANGE_CLEANS:
        exchange_answer_refuse_for(exchange, REASON_UPSTREAM_TIMEOUT, NULL);
        break;
    case EXCHANGE_PASSES:
        exchange_state_close_client(exchange, download_is_stuck(&exchange->download) ? REASON_CLIENT_TIMEOUT
                                                                                     : REASON_UPSTREAM_TIMEOUT);
        break;
    case EXCHANGE_ANSWERS:
    case EXCHANGE_DONE:
        exchange_state_close_client(exchange, REASON_CLIENT_TIMEOUT);
        break;
    }
}

static void on_exchange_idle(void *arg)
{
    struct exchange *exchange = arg;
    int64_t silent_ms = loop_now(exchange->client->loop).ms - exchange->moved.ms;
    int64_t limit_ms = exchange->runtime->config->limits.idle_ms;

    // After the answer the timer bounds the whole rest (exchange_state_limit_drain).
    if (silent_ms < limit_ms && exchange->phase != EXCHANGE_DONE) {
        timer_start(&exchange->idle, limit_ms - silent_ms);
        return;
    }
    timer_start(&exchange->idle, limit_ms);
    exchange_state_note_movement(exchange);
    on_silence(exchange);
}

void exchange_silence_watch(struct exchange *exchange)
{
    timer_init(&exchange->idle, exchange->client->loop, on_exchange_idle, exchange);
    timer_start(&exchange->idle, exchange->runtime->config->limits.idle_ms);
}
