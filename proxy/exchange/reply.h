// The one table that turns a verdict into the answer that an operation can show. No other place writes an error answer.
#ifndef GITLATCH_REPLY_H
#define GITLATCH_REPLY_H

#include <gitlatch/verdict.h>

#include "bytes.h"
#include "operation.h"
#include "policy.h"
#include "push_commands.h"
#include "text.h"

// What the form needs to know beside the verdict.
struct reply_context {
    const char *id;
    enum operation_form form;
    const struct push_commands *push;     // FORM_RECEIVE_PACK: the commands as far as they were read; NULL: none
    const struct push_decision *decision; // of that push; NULL: the verdict is for each command
};

struct reply {
    int status;
    struct bytes content_type;
};

// Appends the body to `out`.
struct reply reply_render(const struct verdict *verdict, const struct reply_context *context, struct text *out);

#endif
