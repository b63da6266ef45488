#include "github_failure.h"

#include <string.h>

#include "github_answer.h"
#include "rate_limit.h"

// GitHub's messages are short; a page of HTML from something between us is not quoted.
#define MESSAGE_SIZE 200

struct row {
    int status;           // 0: any of 4xx
    const char *contains; // of `message`, without regard to case; "": any
    enum reason reason;
    bool permanent;
    const char *meaning; // instead of the reason's; NULL: that one
};

// The first that fits. What is not listed is a refusal, to be read by people.
static const struct row rows[] = {
    {401, "JSON web token could not be decoded", REASON_APP_KEY, true,
     "the private key is not a key of the App that `app_id` names: take both from one App's settings"},
    {401, "'Expiration time' claim", REASON_CLOCK, true, NULL},
    {401, "'Issued at' claim", REASON_CLOCK, true, NULL},
    {401, "'Issuer' claim", REASON_APP_KEY, true, NULL},
    {401, "", REASON_BAD_CREDENTIAL, true, NULL},
    {403, "suspended", REASON_SUSPENDED, true, NULL},
    {403, "IP allow list", REASON_IP_ALLOW_LIST, true, NULL},
    {403, "rate limit", REASON_RATE_LIMITED, false, NULL},
    {404, "Integration not found", REASON_APP_KEY, true,
     "there is no App with this `app_id`: write the \"App ID\" that the App's settings show"},
    {404, "", REASON_NOT_INSTALLED, true, NULL},
    {422, "does not exist or is not accessible", REASON_NOT_COVERED, true, NULL},
    {422, "permissions requested are not granted", REASON_NOT_GRANTED, true, NULL},
    {429, "", REASON_RATE_LIMITED, false, NULL},
    {0, "", REASON_GITHUB_REFUSED, true, NULL},
};

static const struct row *find_row(int status, const char *message)
{
    const struct row *row = rows;

    while ((row->status && row->status != status) || !strcasestr(message, row->contains))
        row++;
    return row;
}

bool github_failure_date(const struct http_answer *answer, struct wall local, struct wall *ret_date)
{
    return answer->date && wall_parse_http_date(bytes_of_string(answer->date), local, ret_date);
}

static struct rate_limit rate_limit_of(const struct http_answer *answer)
{
    return (struct rate_limit){
        .date = bytes_of_string(answer->date),
        .retry_after = bytes_of_string(answer->retry_after),
        .remaining = bytes_of_string(answer->rate_limit_remaining),
        .reset = bytes_of_string(answer->rate_limit_reset),
    };
}

int64_t github_failure_retry_ms(const struct http_answer *answer, struct wall local)
{
    struct rate_limit limit = rate_limit_of(answer);

    return rate_limit_wait_ms(&limit, local);
}

void source_failure_transport(const char *what, const struct http_answer *answer, struct source_failure *ret_failure)
{
    *ret_failure = (struct source_failure){.slow = answer->result == HTTP_TIMED_OUT};
    switch (answer->result) {
    case HTTP_UNTRUSTED:
        ret_failure->permanent = true;
        verdict_set(&ret_failure->verdict, REASON_UPSTREAM_TLS, "%s: %s", what, answer->problem);
        return;
    case HTTP_BROKEN:
        verdict_set(&ret_failure->verdict, REASON_TOKEN_SOURCE, "%s: %s", what, answer->problem);
        return;
    case HTTP_ANSWERED:
    case HTTP_UNREACHABLE:
    case HTTP_TIMED_OUT:
        verdict_set(&ret_failure->verdict, REASON_TOKEN_UNREACHABLE, "%s: %s", what, answer->problem);
        return;
    }
}

static bool is_rate_limited(const struct http_answer *answer)
{
    struct rate_limit limit = rate_limit_of(answer);

    return rate_limit_is_reached(&limit, answer->status);
}

void github_failure(const struct github_host *host, const struct http_answer *answer, struct wall local,
                    struct source_failure *ret_failure)
{
    char message[MESSAGE_SIZE];

    if (answer->result != HTTP_ANSWERED) {
        source_failure_transport(host->api, answer, ret_failure);
        return;
    }
    *ret_failure = (struct source_failure){.retry_ms = github_failure_retry_ms(answer, local)};
    github_answer_message(answer->body, message, sizeof(message));
    if (answer->status >= 500) {
        verdict_set(&ret_failure->verdict, REASON_TOKEN_UNREACHABLE, "%s answered %d", host->api, answer->status);
        return;
    }
    if (answer->status < 400) {
        verdict_set(&ret_failure->verdict, REASON_TOKEN_SOURCE, "%s answered %d, which is not understood", host->api,
                    answer->status);
        return;
    }
    const struct row *row = find_row(answer->status, message);
    enum reason reason = row->reason;
    ret_failure->permanent = row->permanent;
    if (reason == REASON_GITHUB_REFUSED && is_rate_limited(answer)) {
        reason = REASON_RATE_LIMITED;
        ret_failure->permanent = false;
    }
    verdict_set(&ret_failure->verdict, reason, "%s; %s said %d%s%s",
                row->meaning ? row->meaning : reason_row(reason)->meaning, host->api, answer->status,
                *message ? ": " : "", message);
}
