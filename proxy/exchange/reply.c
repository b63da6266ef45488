#include "reply.h"

#include "refusal.h"
#include "workspace_rules.h"

#define DOCUMENTATION_URL "https://docs.github.com/rest"

// "gitlatch: SENTENCE\ngitlatch: REMEDY\ngitlatch: reason CODE, request ID\n": git shows each line after `remote:`.
static void render_text(const struct verdict *verdict, const struct reply_context *context, struct text *out)
{
    const struct reason_row *row = reason_row(verdict->reason);

    text_format(out, "gitlatch: %s\n", verdict->sentence);
    if (row->remedy[0])
        text_format(out, "gitlatch: %s\n", row->remedy);
    text_format(out, "gitlatch: reason %s, request %s\n", row->code, context->id);
}

static void render_json(const struct verdict *verdict, const struct reply_context *context, struct text *out)
{
    const struct reason_row *row = reason_row(verdict->reason);
    struct text message = {0};

    text_format(&message, "gitlatch: %s", verdict->sentence);
    if (row->remedy[0])
        text_format(&message, "; %s", row->remedy);
    text_format(&message, " (reason %s, request %s)", row->code, context->id);
    text_append(out, "{\"message\":");
    text_append_json_string(out, text_bytes(&message));
    if (context->form == FORM_API)
        text_append(out, ",\"documentation_url\":\"" DOCUMENTATION_URL "\"");
    text_append(out, "}\n");
    text_free(&message);
}

static void render_push(const struct verdict *verdict, const struct reply_context *context, struct text *out)
{
    struct refusal_push refusal = {
        .verdict = verdict,
        .id = bytes_of_string(context->id),
        .reasons = context->decision ? context->decision->reasons : NULL,
    };
    struct text example = {0};

    if (context->decision && context->decision->patterns) {
        refusal.allowed = context->decision->patterns->patterns;
        refusal.allowed_count = context->decision->patterns->count;
        if (verdict->reason == REASON_REF_DENIED && workspace_rules_example(context->decision->patterns, &example))
            refusal.example = text_string(&example);
    }
    refusal_receive_pack(out, context->push, &refusal);
    text_free(&example);
}

struct reply reply_render(const struct verdict *verdict, const struct reply_context *context, struct text *out)
{
    int status = verdict_status(verdict);

    switch (context->form) {
    case FORM_UPLOAD_PACK:
        refusal_upload_pack(out, verdict, bytes_of_string(context->id));
        return (struct reply){200, REFUSAL_UPLOAD_PACK_TYPE};
    case FORM_RECEIVE_PACK:
        if (!context->push)
            break;
        render_push(verdict, context, out);
        return (struct reply){200, REFUSAL_RECEIVE_PACK_TYPE};
    case FORM_LFS:
        render_json(verdict, context, out);
        return (struct reply){status, BYTES("application/vnd.git-lfs+json")};
    case FORM_API:
        render_json(verdict, context, out);
        return (struct reply){status, BYTES("application/json; charset=utf-8")};
    case FORM_TEXT:
        break;
    }
    render_text(verdict, context, out);
    return (struct reply){status, BYTES("text/plain; charset=utf-8")};
}
