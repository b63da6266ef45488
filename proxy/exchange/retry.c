#include "retry.h"

#include "clock.h"

// While a token is younger than this, GitHub's refusal may be that of a replica that does not know it yet.
#define YOUNG_TOKEN_MS (10 * SECOND_MS)

// What must be true for a row to hold.
enum {
    WHOLE = 1 << 0,       // the request can be sent again from its first byte
    REPEATABLE = 1 << 1,  // to do it twice does no harm, or no byte of it has gone out
    UNEXPLAINED = 1 << 2, // the refusal gives no reason of its own
    REUSED = 1 << 3,      // GitHub may have closed a kept connection at that moment; a new one hardly
    TOKEN = 1 << 4,       // one was attached
    YOUNG = 1 << 5,       // it is a young one of a GitHub, whose replicas may not know it yet
    NOT_RENEWED = 1 << 6, // it is the first one
    EXISTS = 1 << 7,      // there is what is asked for
};

struct retry_row {
    enum retry_failure failure;
    unsigned needs;
    unsigned tries_max; // failed tries, this one counted, after which it is final
    int64_t pause_ms;   // times the failed tries
    bool new_token;
    const char *why;
};

// The first row that holds is taken.
static const struct retry_row retry_rows[] = {
    {RETRY_UNAUTHORIZED, WHOLE | TOKEN | YOUNG, 3, SECOND_MS, false, "GitHub answered 401 to a young token"},
    {RETRY_UNAUTHORIZED, WHOLE | TOKEN | NOT_RENEWED, UINT32_MAX, 0, true, "GitHub answered 401: another token"},
    {RETRY_FORBIDDEN, WHOLE | TOKEN | YOUNG | UNEXPLAINED, 3, SECOND_MS, false, "GitHub answered 403 to a young token"},
    {RETRY_NOT_FOUND, WHOLE | TOKEN | YOUNG | EXISTS, 3, SECOND_MS, false, "GitHub answered 404 to a young token"},
    {RETRY_KEPT, WHOLE | REPEATABLE, 1, 0, false, "a fetch failed whose capabilities were kept"},
    {RETRY_LOST, WHOLE | REPEATABLE | REUSED, 2, 0, false, "the kept connection was lost"},
    {RETRY_LOST, WHOLE | REPEATABLE, 1, 0, false, "the connection was lost"},
    {RETRY_UNUSED_LOST, 0, 2, 0, false, "the connection was lost before the request"},
};

bool retry_of_status(int status, enum retry_failure *ret_failure)
{
    if (status == 401)
        *ret_failure = RETRY_UNAUTHORIZED;
    else if (status == 403)
        *ret_failure = RETRY_FORBIDDEN;
    else if (status == 404)
        *ret_failure = RETRY_NOT_FOUND;
    else
        return false;
    return true;
}

static unsigned what_holds(const struct retry_facts *facts)
{
    const struct operation_traits *traits = operation_traits(facts->operation->kind);
    unsigned holds = 0;

    if (facts->whole)
        holds |= WHOLE;
    if (!facts->written || facts->operation->reads || traits->repeatable)
        holds |= REPEATABLE;
    if (!facts->says_why)
        holds |= UNEXPLAINED;
    if (facts->exists)
        holds |= EXISTS;
    if (facts->reused)
        holds |= REUSED;
    if (facts->has_token)
        holds |= TOKEN;
    if (facts->token_age_ms <= YOUNG_TOKEN_MS && git_host_is_github(facts->operation->host))
        holds |= YOUNG;
    if (!facts->renewed)
        holds |= NOT_RENEWED;
    return holds;
}

bool retry_find(const struct retry_facts *facts, struct retry *ret_retry)
{
    unsigned holds = what_holds(facts);

    for (size_t i = 0; i < GL_ARRAY_SIZE(retry_rows); i++) {
        const struct retry_row *row = &retry_rows[i];

        if (row->failure != facts->failure || (row->needs & holds) != row->needs || facts->tries >= row->tries_max)
            continue;
        *ret_retry = (struct retry){row->pause_ms * (facts->tries + 1), row->new_token, row->why};
        return true;
    }
    return false;
}
