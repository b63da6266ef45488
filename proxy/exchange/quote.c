#include "quote.h"

#include "github_refusal.h"
#include "gunzip.h"
#include "rate_limit.h"

// Of GitHub's words: enough for its sentence.
#define QUOTE_MAX ((size_t)2 * KIB)

static struct bytes trim_value(struct bytes text)
{
    while (text.size && (text.data[0] == ' ' || text.data[0] == '\t' || text.data[0] == '"'))
        text = bytes_skip(text, 1);
    while (text.size && strchr(" \t\"", text.data[text.size - 1]))
        text.size--;
    return text;
}

// RFC 9110, 8.3.1 and 8.3.2. Without a charset it is taken for UTF-8, and looked at.
static bool is_quotable(struct bytes content_type)
{
    struct bytes part, name, value;
    bool more = bytes_cut(content_type, ';', &part, &content_type);

    if (!bytes_equal_nocase(trim_value(part), BYTES("text/plain")))
        return false;
    while (more) {
        more = bytes_cut(content_type, ';', &part, &content_type);
        if (!bytes_cut(part, '=', &name, &value) || !bytes_equal_nocase(trim_value(name), BYTES("charset")))
            continue;
        value = trim_value(value);
        if (!bytes_equal_nocase(value, BYTES("utf-8")) && !bytes_equal_nocase(value, BYTES("us-ascii")))
            return false;
    }
    return true;
}

void quote_begin_whole(struct quote *quote, const struct head *answer, struct wall now, size_t max)
{
    enum content_coding coding = content_coding(head_value(answer, FIELD_CONTENT_ENCODING));
    struct rate_limit limit = rate_limit_of_head(answer);

    quote->max = max;
    quote->is_gzip = coding == CONTENT_GZIP;
    quote->is_text = coding != CONTENT_OTHER && is_quotable(head_value(answer, FIELD_CONTENT_TYPE));
    quote->status = answer->status;
    quote->reason = github_refusal_reason(answer);
    quote->retry_after_s = rate_limit_wait_s(&limit, now);
}

void quote_begin(struct quote *quote, const struct head *answer, struct wall now)
{
    quote_begin_whole(quote, answer, now, QUOTE_MAX);
}

void quote_add(struct quote *quote, struct bytes bytes)
{
    size_t room = quote->max - quote->words.size;

    text_append_bytes(&quote->words, bytes_of(bytes.data, bytes.size < room ? bytes.size : room));
}

bool quote_is_full(const struct quote *quote)
{
    return quote->words.size >= quote->max;
}

void quote_words(const struct quote *quote, struct text *out)
{
    struct bytes coded = text_bytes(&quote->words), piece;
    struct gunzip *gunzip;

    if (!quote->is_gzip) {
        text_append_bytes(out, coded);
        return;
    }
    gunzip = gunzip_new(quote->max);
    while (gunzip_read(gunzip, &coded, &piece) == GUNZIP_PIECE)
        text_append_bytes(out, piece);
    gunzip_free(gunzip);
}

// The words as they can be shown; empty: not at all. Bytes of another charset would garble a terminal, and a NUL would end
// the sentence early.
static struct bytes shown_words(struct bytes words)
{
    // The last character may be cut off where the words were.
    if (words.size >= QUOTE_MAX)
        words.size = text_whole_size(words, QUOTE_MAX);
    while (words.size > 0 && (words.data[words.size - 1] == '\n' || words.data[words.size - 1] == '\r'))
        words.size--;
    if (words.size == 0 || memchr(words.data, '\0', words.size) || !text_is_utf8(words))
        return BYTES("");
    return words;
}

// Only some forms of an answer have a place for Retry-After: the sentence is in all of them.
static void set_quote(const struct quote *quote, struct bytes words, struct verdict *verdict)
{
    char wait[sizeof(" and asks to wait 4294967295 s")] = "";

    if (quote->retry_after_s)
        snprintf(wait, sizeof(wait), " and asks to wait %u s", quote->retry_after_s);
    verdict_set(verdict, quote->reason, "GitHub answered %d%s%s%.*s", quote->status, wait, words.size ? ": " : "",
                (int)words.size, words.data);
}

void quote_verdict(const struct quote *quote, struct verdict *ret_verdict)
{
    struct text words = {0};

    quote_words(quote, &words);
    set_quote(quote, quote->is_text ? shown_words(text_bytes(&words)) : BYTES(""), ret_verdict);
    text_free(&words);
    // A 403 for a rate limit is said as what it is: git and others wait for `Retry-After` of a 429 alone.
    if (quote->reason != REASON_RATE_LIMITED && (quote->status == 404 || quote->status >= 500))
        ret_verdict->status = quote->status;
    ret_verdict->retry_after_s = quote->retry_after_s;
}

void quote_clear(struct quote *quote)
{
    text_free(&quote->words);
}
