// Any bytes as a request and as a response: parsed the same however they are cut, and what is sent on parses
// to what was parsed, less what is dropped.
#include "fuzz.h"
#include "rewrite.h"

#define LIMIT    ((size_t)4096)
#define HOST     BYTES("github.com")
#define BEARER   BYTES("Bearer secret")
#define OUT_SIZE (LIMIT + REWRITE_ROOM + 64)

typedef enum head_result parse_fn(struct head *head, struct bytes input, size_t limit);

// As if `step` bytes arrived at a time.
static enum head_result parse_in_steps(parse_fn *parse, struct head *head, struct bytes input, size_t step)
{
    enum head_result result = HEAD_MORE;
    size_t searched = 0;

    for (size_t size = 0; result == HEAD_MORE; size += step) {
        size = size < input.size ? size : input.size;
        head_init(head);
        head->searched = searched;
        result = parse(head, bytes_of(input.data, size), LIMIT);
        searched = head->searched;
        if (size == input.size)
            break;
    }
    return result;
}

static enum head_result parse(parse_fn *parse_head, struct head *head, struct bytes input)
{
    static struct head other;
    enum head_result result;

    head_init(head);
    result = parse_head(head, input, LIMIT);
    for (size_t step = 1; step < 12; step += 5) {
        FUZZ_CHECK(parse_in_steps(parse_head, &other, input, step) == result);
        FUZZ_CHECK(result != HEAD_BAD || strcmp(head->bad, other.bad) == 0);
        FUZZ_CHECK(result != HEAD_DONE || head->size == other.size);
        FUZZ_CHECK(result != HEAD_DONE || head->field_count == other.field_count);
    }
    FUZZ_CHECK(result != HEAD_DONE || head->size <= input.size);
    return result;
}

static bool is_framing(enum field_id id)
{
    return id == FIELD_CONTENT_LENGTH || id == FIELD_TRANSFER_ENCODING;
}

// Each field that was sent on was there before, in this order, and belongs to no single connection.
static void check_fields(const struct head *before, const struct head *after)
{
    size_t at = 0;

    for (size_t i = 0; i < after->field_count; i++) {
        const struct head_field *field = &after->fields[i];

        FUZZ_CHECK(field->id != FIELD_TE && field->id != FIELD_UPGRADE && field->id != FIELD_PROXY_OTHER);
        FUZZ_CHECK(field->id != FIELD_KEEP_ALIVE);
        if (is_framing(field->id) || field->id == FIELD_HOST || field->id == FIELD_AUTHORIZATION ||
            field->id == FIELD_CONNECTION)
            continue;
        while (at < before->field_count && (!bytes_equal(before->fields[at].name, field->name) ||
                                            !bytes_equal(before->fields[at].value, field->value)))
            at++;
        FUZZ_CHECK(at < before->field_count && !before->fields[at].hop_by_hop);
        at++;
    }
}

static struct wire send_request(const struct head *head, const struct target *target, char *buffer)
{
    struct wire out = wire_of(buffer, head->size + HOST.size + BEARER.size + REWRITE_ROOM);
    struct rewrite_request options = {.target = target, .host = HOST, .authorization = BEARER};

    FUZZ_CHECK(rewrite_request(head, &options, &out));
    return out;
}

// Host, Authorization or Connection may have to be added to what is parsed again.
#define FIELDS_MAX (HEAD_FIELDS_MAX - 2)

static void check_request(const struct head *head)
{
    static struct head after;
    static char once[OUT_SIZE], twice[OUT_SIZE];
    struct target target, target_after;
    struct wire out, again;

    if (head->field_count > FIELDS_MAX || !target_parse(head->method, head->target, &target, NULL) ||
        target.form == TARGET_AUTHORITY)
        return;
    out = send_request(head, &target, once);
    head_init(&after);
    FUZZ_CHECK(head_parse_request(&after, bytes_of(out.data, out.size), OUT_SIZE) == HEAD_DONE);
    FUZZ_CHECK(after.size == out.size && after.minor == 1 && after.keep_alive);
    FUZZ_CHECK(bytes_equal(after.method_name, head->method_name));
    FUZZ_CHECK(after.content_length == head->content_length && after.chunked == head->chunked);
    FUZZ_CHECK(bytes_equal(after.host, HOST));
    FUZZ_CHECK(after.count[FIELD_AUTHORIZATION] == 1);
    FUZZ_CHECK(bytes_equal(head_value(&after, FIELD_AUTHORIZATION), BEARER));
    check_fields(head, &after);
    FUZZ_CHECK(target_parse(after.method, after.target, &target_after, NULL));
    FUZZ_CHECK(bytes_equal(target_after.path, target.path));
    // What is sent on is already as it would be sent on.
    again = send_request(&after, &target_after, twice);
    FUZZ_CHECK(bytes_equal(bytes_of(once, out.size), bytes_of(twice, again.size)));
}

static bool serves(const void *arg, const struct host_name *host, uint16_t port)
{
    return bytes_equal(host_name_bytes(host), HOST);
}

static void check_response(const struct head *head, bool gateway, bool close)
{
    static struct head after;
    static char once[OUT_SIZE], twice[OUT_SIZE];
    struct rewrite_response options = {.close = close, .serves = serves};
    struct wire out, again;

    if (head->field_count > FIELDS_MAX)
        return;
    if (gateway) {
        options.gateway = BYTES("http://gw");
        options.host = HOST;
    }
    out = wire_of(once, head->size + options.gateway.size + options.host.size + REWRITE_ROOM);
    again = wire_of(twice, sizeof(twice));
    FUZZ_CHECK(rewrite_response(head, &options, &out));
    head_init(&after);
    FUZZ_CHECK(head_parse_response(&after, bytes_of(out.data, out.size), OUT_SIZE) == HEAD_DONE);
    FUZZ_CHECK(after.size == out.size && after.status == head->status);
    FUZZ_CHECK(bytes_equal(after.reason, head->reason));
    FUZZ_CHECK(after.keep_alive == (!close || head->status < 200));
    if (head->status >= 200 && head->status != 204)
        FUZZ_CHECK(after.content_length == head->content_length && after.chunked == head->chunked);
    if (gateway)
        return;
    check_fields(head, &after);
    FUZZ_CHECK(rewrite_response(&after, &options, &again));
    FUZZ_CHECK(bytes_equal(bytes_of(once, out.size), bytes_of(twice, again.size)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct head head;
    struct bytes input = bytes_of((const char *)data, size);

    if (parse(head_parse_request, &head, input) == HEAD_DONE)
        check_request(&head);
    if (parse(head_parse_response, &head, input) == HEAD_DONE) {
        check_response(&head, false, false);
        check_response(&head, false, true);
        check_response(&head, true, true);
    }
    return 0;
}
