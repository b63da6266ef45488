#include "exchange_github.h"

#include "exchange_answer.h"
#include "exchange_lfs.h"
#include "exchange_state.h"
#include "github_refusal.h"
#include "missing_permission.h"
#include "stream.h"

static void on_answer_passed(struct exchange *exchange)
{
    struct download *download = &exchange->download;
    bool sent = exchange->upload.state == UPLOAD_SENT;
    struct kept_answer kept = exchange_state_kept_answer(exchange);

    if (download->copy_max > 0)
        kept_answer_take(&kept, download->answer, text_bytes(&download->copy));
    exchange_state_enter(exchange, EXCHANGE_DONE);
    attempt_end(&exchange->attempt, sent && download_keeps_upstream(download));
    stream_flush(exchange->client->stream);
    // What GitHub did not want to read of the request is not sent, but git must get rid of it: where its connection breaks
    // meanwhile, it shows nothing of the answer.
    if (!sent && upload_stop(&exchange->upload)) {
        // What GitHub has done is on record before anything else is waited for: a client that sends its rest byte by byte, or
        // the end of this process, must not cost the event of a push.
        exchange_state_record(exchange);
        exchange_state_limit_drain(exchange);
        exchange_answer_drain(exchange);
    } else {
        exchange_state_finish(exchange);
    }
}

void exchange_github_pass(struct exchange *exchange)
{
    switch (
        download_run(&exchange->download, attempt_stream(&exchange->attempt), exchange->client, &exchange->request)) {
    case DOWNLOAD_MORE:
        break;
    case DOWNLOAD_DONE:
        on_answer_passed(exchange);
        break;
    case DOWNLOAD_LOST:
        exchange_state_close_client(exchange, REASON_UPSTREAM_LOST);
        break;
    case DOWNLOAD_MALFORMED:
        exchange_state_close_client(exchange, REASON_UPSTREAM_PROTOCOL);
        break;
    case DOWNLOAD_TOO_LARGE:
        exchange_answer_refuse_for(exchange, REASON_UPSTREAM_PROTOCOL, "the head of GitHub's answer is too large");
        break;
    }
}

// GitHub's refusal for a missing permission, read as a whole, gets its sentence.
static void answer_amended(struct exchange *exchange)
{
    struct missing_permission missing = {
        .config = exchange->runtime->config,
        .decision = &exchange->judgement.decision,
        .granted = exchange->judgement.ruling && exchange->judgement.rules == &exchange->judgement.ruling->rules,
        .accepted = bytes_of_string(exchange->attempt.needs),
    };
    struct text sentence = {0}, words = {0}, addition = {0};
    struct verdict verdict;
    bool amended;

    missing_permission_append(&missing, &sentence);
    verdict_set(&verdict, REASON_GITHUB_PERMISSION, "%s", text_string(&sentence));
    text_format(&addition, "gitlatch: %s; reason %s, request %s", verdict.sentence, reason_row(verdict.reason)->code,
                exchange->request.id);
    quote_words(&exchange->download.quote, &words);
    amended = missing_permission_amend(text_bytes(&words), text_string(&addition), &exchange->own_answer.body);
    text_free(&sentence);
    text_free(&words);
    text_free(&addition);
    if (amended) {
        exchange->verdict = verdict;
        exchange_answer_begin(exchange, OWN_ANSWER_AMENDED);
    } else {
        own_answer_clear(&exchange->own_answer);
        exchange_answer_refuse(exchange, &verdict);
    }
}

void exchange_github_refuse_with_quote(struct exchange *exchange)
{
    struct verdict verdict;

    if (exchange->own_answer.amended) {
        answer_amended(exchange);
        return;
    }
    quote_verdict(&exchange->download.quote, &verdict);
    exchange_answer_refuse(exchange, &verdict);
}

void exchange_github_read_quote(struct exchange *exchange)
{
    if (download_read_quote(&exchange->download, attempt_stream(&exchange->attempt)) != DOWNLOAD_MORE)
        exchange_github_refuse_with_quote(exchange);
}

// The repository has moved: git follows a redirect of its first request alone (http.followRedirects), and that one may
// have been answered with what was kept.
static void refuse_moved(struct exchange *exchange)
{
    const struct head *answer = &exchange->attempt.answer;
    struct bytes location = head_value(answer, FIELD_LOCATION);
    struct verdict verdict;

    if (bytes_end_with(location, BYTES("/git-upload-pack")))
        location.size -= BYTES("/git-upload-pack").size;
    verdict_set(&verdict, REASON_RENAMED, "GitHub answered %d: the repository is now at %.*s", answer->status,
                (int)location.size, location.data);
    exchange_answer_refuse(exchange, &verdict);
}

void exchange_github_refuse_without_token(struct exchange *exchange)
{
    struct verdict verdict = *exchange->judgement.without_token;

    if (verdict.reason != REASON_REPOSITORY_ID_UNKNOWN) // which has one answer, whoever found out
        verdict.status = 404;
    exchange_answer_refuse(exchange, &verdict);
}

// Reads the refusal as a whole. GitHub's have about 200 bytes.
#define AMENDED_SIZE_MAX ((size_t)16 * KIB)
static void begin_amended(struct exchange *exchange)
{
    const struct head *answer = own_answer_amend(&exchange->own_answer, &exchange->attempt.answer);

    exchange_state_enter(exchange, EXCHANGE_QUOTES);
    download_begin_whole(&exchange->download, attempt_stream(&exchange->attempt), answer, &exchange->request,
                         AMENDED_SIZE_MAX);
    exchange_github_read_quote(exchange);
}

static bool lacks_permission(const struct exchange *exchange)
{
    enum operation_kind kind = exchange->request.operation.kind;

    return operation_form(kind) == FORM_API && exchange->request.head.method != METHOD_HEAD &&
           github_refusal_lacks_permission(&exchange->attempt.answer, exchange->attempt.token);
}

// Whether what came of the body with the head begins an error of git ("0024ERR …", gitprotocol-pack(5)).
static bool begins_git_error(const struct exchange *exchange)
{
    const struct head *answer = &exchange->attempt.answer;
    struct bytes input = bytes_skip(stream_input(attempt_stream(&exchange->attempt)), answer->size), data = {0};
    struct body body;
    size_t used;

    body_from_response(&body, answer, exchange->request.head.method);
    while (data.size == 0 && input.size > 0 && body_next_data(&body, input, &used, &data) == BODY_MORE && used > 0)
        input = bytes_skip(input, used);
    return data.size >= 8 && bytes_equal(bytes_of(data.data + 4, 4), BYTES("ERR "));
}

// A fetch failed, and by what was kept of the repository, it may be: a server no longer has a capability, say. That is
// forgotten, and the fetch asked again. True: it is.
static bool asks_without_kept(struct exchange *exchange)
{
    const struct head *answer = &exchange->attempt.answer;
    bool fetch = operation_traits(exchange->request.operation.kind)->keeping == KEEPING_USE;
    bool failed = answer->status >= 400 || (answer->status == 200 && begins_git_error(exchange));

    return fetch && exchange->runtime->capabilities && failed && github_refusal_reason(answer) != REASON_RATE_LIMITED &&
           kept_answer_forget(exchange->runtime, &exchange->request.operation) &&
           attempt_asks_again(&exchange->attempt, RETRY_KEPT);
}

void exchange_github_head(struct exchange *exchange)
{
    const struct head *answer = &exchange->attempt.answer;
    const struct operation_traits *traits = operation_traits(exchange->request.operation.kind);
    struct kept_answer kept = exchange_state_kept_answer(exchange);
    bool unfinished = exchange->upload.state != UPLOAD_SENT && answer->status >= 300;

    exchange_state_note_movement(exchange);
    if (asks_without_kept(exchange))
        return;
    if (traits->git && answer->status >= 300)
        kept_answer_forget(exchange->runtime, &exchange->request.operation);
    if (traits->keeping == KEEPING_USE && answer->status >= 300 && answer->status < 400) {
        refuse_moved(exchange);
    } else if (exchange->judgement.without_token && answer->status == 404) {
        exchange_github_refuse_without_token(exchange);
    } else if (traits->git && answer->status >= 400) {
        exchange_state_enter(exchange, EXCHANGE_QUOTES);
        download_begin_quote(&exchange->download, attempt_stream(&exchange->attempt), answer, &exchange->request,
                             clock_wall(loop_clock(exchange->client->loop)));
        exchange_github_read_quote(exchange);
    } else if (lacks_permission(exchange)) {
        begin_amended(exchange);
    } else if (exchange_lfs_is_asked(exchange)) {
        exchange_lfs_begin(exchange);
    } else {
        exchange->verdict.reason = github_refusal_recorded(answer, exchange->attempt.token);
        exchange_state_enter(exchange, EXCHANGE_PASSES);
        download_begin(&exchange->download, answer, &exchange->request,
                       exchange->client_closes || *exchange->client->draining || unfinished,
                       kept_answer_copy_size(&kept, answer));
        exchange->client_closes = exchange->download.close;
        exchange_github_pass(exchange);
    }
}
