#include "rate_limit.h"

// More digits than a moment in seconds has in this millennium.
#define NUMBER_DIGITS_MAX 12

struct rate_limit rate_limit_of_head(const struct head *answer)
{
    return (struct rate_limit){
        .date = head_value(answer, FIELD_DATE),
        .retry_after = head_value(answer, FIELD_RETRY_AFTER),
        .remaining = head_value(answer, FIELD_X_RATELIMIT_REMAINING),
        .reset = head_value(answer, FIELD_X_RATELIMIT_RESET),
    };
}

static bool parse_number(struct bytes text, int64_t *ret_number)
{
    int64_t number = 0;

    if (text.size == 0 || text.size > NUMBER_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        number = number * 10 + (text.data[i] - '0');
    }
    *ret_number = number;
    return true;
}

static bool nothing_remains(const struct rate_limit *limit)
{
    int64_t remaining;

    return parse_number(limit->remaining, &remaining) && remaining == 0;
}

int64_t rate_limit_wait_ms(const struct rate_limit *limit, struct wall local)
{
    struct wall now = local, at;
    int64_t value, wait_ms = 0;

    if (!wall_parse_http_date(limit->date, local, &now))
        now = local;
    if (parse_number(limit->retry_after, &value))
        wait_ms = value * SECOND_MS;
    else if (wall_parse_http_date(limit->retry_after, now, &at))
        wait_ms = at.ms - now.ms;
    else if (nothing_remains(limit) && parse_number(limit->reset, &value))
        wait_ms = value * SECOND_MS - now.ms;
    if (wait_ms <= 0)
        return 0;
    return wait_ms < RATE_LIMIT_WAIT_MAX_MS ? wait_ms : RATE_LIMIT_WAIT_MAX_MS;
}

unsigned rate_limit_wait_s(const struct rate_limit *limit, struct wall local)
{
    return (unsigned)((rate_limit_wait_ms(limit, local) + SECOND_MS - 1) / SECOND_MS);
}

bool rate_limit_is_reached(const struct rate_limit *limit, int status)
{
    return status == 429 || (status == 403 && (limit->retry_after.size > 0 || nothing_remains(limit)));
}
