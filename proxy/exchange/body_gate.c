#include "body_gate.h"

#include "graphql_body.h"
#include "gunzip.h"
#include "mem.h"
#include "text.h"

// What comes out of a gzip body before its gate has decided: the largest that any gate reads, and room for its frame.
#define INFLATED_MAX (LFS_BODY_SIZE_MAX + PUSH_COMMANDS_SIZE_MAX)
// A pack is not compressed further by its transport: a gzip body that grows beyond what `max_pack` could allow at any
// rate is cut off by the count.
#define INFLATED_PACK_MAX (UINT64_C(1) << 40)
// git's probe before a chunked body: one flush packet.
#define PROBE BYTES("0000")

struct body_gate {
    enum operation_gate kind;
    struct body body; // a copy of the framing's state, moved on by body_gate_feed
    struct gunzip *gunzip;
    bool gunzipped; // to its end
    bool coding_unknown;
    bool decided;
    struct push_commands *push;
    struct lfs_body lfs;
    struct graphql_hint graphql;
    struct text content; // of a JSON body, as it arrives
    size_t read;         // bytes of the commands of a push
    uint64_t pack;       // bytes of the pack that were counted
};

// GATE_NONE: the body is passed on unseen.
static enum operation_gate kind_of(const struct operation *operation, const struct head *request)
{
    enum operation_gate kind = operation_traits(operation->kind)->gate;

    return kind == GATE_PROBE && request->content_length != (int64_t)PROBE.size ? GATE_NONE : kind;
}

// CONTENT_OTHER also where GitHub could read another coding than the gate: the field is there twice, or is one that
// `Connection` names and that stays behind.
static enum content_coding coding_of(const struct head *request)
{
    unsigned count = request->count[FIELD_CONTENT_ENCODING];

    if (count == 0)
        return CONTENT_IDENTITY;
    if (count > 1 || request->fields[request->first[FIELD_CONTENT_ENCODING]].hop_by_hop)
        return CONTENT_OTHER;
    return content_coding(head_value(request, FIELD_CONTENT_ENCODING));
}

struct body_gate *body_gate_new(const struct operation *operation, const struct head *request)
{
    enum operation_gate kind = kind_of(operation, request);
    struct body_gate *gate;

    if (kind == GATE_NONE)
        return NULL;
    gate = mem_alloc_zero(1, sizeof(*gate));
    gate->kind = kind;
    body_from_request(&gate->body, request);
    switch (coding_of(request)) {
    case CONTENT_IDENTITY:
        break;
    case CONTENT_GZIP:
        gate->gunzip = gunzip_new(kind == GATE_PUSH ? INFLATED_PACK_MAX : INFLATED_MAX);
        break;
    case CONTENT_OTHER:
        gate->coding_unknown = true;
        break;
    }
    if (kind == GATE_PUSH)
        gate->push = push_commands_new();
    text_init(&gate->content, kind == GATE_GRAPHQL ? GRAPHQL_BODY_SIZE_MAX : LFS_BODY_SIZE_MAX);
    return gate;
}

void body_gate_free(struct body_gate *gate)
{
    if (!gate)
        return;
    if (gate->gunzip)
        gunzip_free(gate->gunzip);
    if (gate->push)
        push_commands_free(gate->push);
    lfs_body_clear(&gate->lfs);
    text_free(&gate->content);
    mem_free(gate);
}

size_t body_gate_size(const struct body_gate *gate)
{
    return gate->read + gate->content.size;
}

enum operation_gate body_gate_kind(const struct body_gate *gate)
{
    return gate->kind;
}

// One stretch of the decoded body.
static enum body_gate_result take_content(struct body_gate *gate, struct bytes content, struct verdict *ret_verdict)
{
    if (gate->decided) {
        gate->pack += content.size;
        return BODY_GATE_DECIDED;
    }
    if (gate->kind != GATE_PUSH) {
        text_append_bytes(&gate->content, content);
        if (!gate->content.cut)
            return BODY_GATE_MORE;
        if (gate->kind == GATE_GRAPHQL) {
            gate->decided = true; // too long to look for an owner: it names none
            text_free(&gate->content);
            return BODY_GATE_DECIDED;
        }
        verdict_set(ret_verdict, REASON_LFS_MALFORMED, "the Git LFS request is larger than %zu bytes",
                    LFS_BODY_SIZE_MAX);
        return BODY_GATE_REFUSED;
    }
    gate->read += content.size;
    switch (push_commands_feed(gate->push, &content, ret_verdict)) {
    case PUSH_COMMANDS_MORE:
        return BODY_GATE_MORE;
    case PUSH_COMMANDS_REFUSED:
        return BODY_GATE_REFUSED;
    case PUSH_COMMANDS_DONE:
        break;
    }
    gate->read -= content.size;
    gate->pack += content.size;
    gate->decided = !push_commands_is_probe(gate->push); // a probe is one only if nothing follows
    return gate->decided ? BODY_GATE_DECIDED : BODY_GATE_MORE;
}

static enum body_gate_result inflate_content(struct body_gate *gate, struct bytes data, struct verdict *ret_verdict)
{
    enum body_gate_result result = gate->decided ? BODY_GATE_DECIDED : BODY_GATE_MORE;

    while (result != BODY_GATE_REFUSED) {
        struct bytes piece;
        enum gunzip_result gunzipped = gunzip_read(gate->gunzip, &data, &piece);

        if (gunzipped == GUNZIP_MALFORMED || gunzipped == GUNZIP_TOO_LARGE) {
            verdict_set(ret_verdict, REASON_MALFORMED, "the request's body is not gzip that can be read");
            return BODY_GATE_REFUSED;
        }
        gate->gunzipped = gunzipped == GUNZIP_END;
        if (gunzipped != GUNZIP_PIECE)
            break;
        result = take_content(gate, piece, ret_verdict);
    }
    return result;
}

static enum body_gate_result body_gate_take_data(struct body_gate *gate, struct bytes data, struct verdict *ret_verdict)
{
    if (data.size == 0)
        return gate->decided ? BODY_GATE_DECIDED : BODY_GATE_MORE;
    return gate->gunzip ? inflate_content(gate, data, ret_verdict) : take_content(gate, data, ret_verdict);
}

// The body is whole.
static enum body_gate_result take_end(struct body_gate *gate, struct verdict *ret_verdict)
{
    struct bytes content = text_bytes(&gate->content);
    bool done = true;

    if (gate->gunzip && !gate->gunzipped) {
        verdict_set(ret_verdict, REASON_MALFORMED, "the request's body is gzip that is cut off");
        return BODY_GATE_REFUSED;
    }
    switch (gate->kind) {
    case GATE_PUSH:
        done = gate->decided || push_commands_end(gate->push, ret_verdict);
        break;
    case GATE_NONE:
    case GATE_PROBE:
        break;
    case GATE_LFS_BATCH:
        done = lfs_body_parse_batch(content, &gate->lfs, ret_verdict);
        break;
    case GATE_LFS_LOCK:
        done = lfs_body_parse_lock(content, &gate->lfs, ret_verdict);
        break;
    case GATE_GRAPHQL:
        graphql_body_read(content, &gate->graphql);
        break;
    }
    if (gate->kind != GATE_PROBE)
        text_free(&gate->content);
    gate->decided = true;
    return done ? BODY_GATE_DECIDED : BODY_GATE_REFUSED;
}

enum body_gate_result body_gate_feed(struct body_gate *gate, struct bytes raw, bool end, struct verdict *ret_verdict)
{
    enum body_gate_result result = BODY_GATE_MORE;

    if (gate->coding_unknown) {
        verdict_set(ret_verdict, REASON_MALFORMED, "the request's Content-Encoding is not one that can be read");
        return BODY_GATE_REFUSED;
    }
    while (raw.size > 0 && result != BODY_GATE_REFUSED) {
        size_t used;
        struct bytes data;

        if (body_next_data(&gate->body, raw, &used, &data) == BODY_BAD || used == 0)
            break; // the framing's own reader reports it
        raw = bytes_skip(raw, used);
        result = body_gate_take_data(gate, data, ret_verdict);
    }
    if (end && result == BODY_GATE_MORE)
        return take_end(gate, ret_verdict);
    return result;
}

bool body_gate_is_probe(const struct body_gate *gate)
{
    if (gate->kind == GATE_PUSH)
        return push_commands_is_probe(gate->push);
    return gate->kind == GATE_PROBE && bytes_equal(text_bytes(&gate->content), PROBE);
}

const struct push_commands *body_gate_push(const struct body_gate *gate)
{
    return gate->push;
}

const struct lfs_body *body_gate_lfs(const struct body_gate *gate)
{
    return &gate->lfs;
}

const struct graphql_hint *body_gate_graphql(const struct body_gate *gate)
{
    return &gate->graphql;
}

bool body_gate_count(struct body_gate *gate, struct bytes raw, uint64_t max_pack)
{
    struct verdict verdict;

    if (raw.size > 0 && body_gate_feed(gate, raw, false, &verdict) == BODY_GATE_REFUSED)
        return false;
    return gate->pack <= max_pack;
}
