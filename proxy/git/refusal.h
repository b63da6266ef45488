// Refusals and failures in the words of git's protocol, for answers that git would not show as an HTTP status:
// of a POST it shows no body but that of a 2xx (remote-curl.c; measured with 2.39.5). All go out with 200 and `Cache-Control: no-cache`.
#ifndef GITLATCH_REFUSAL_H
#define GITLATCH_REFUSAL_H

#include <stddef.h>

#include <gitlatch/verdict.h>

#include "bytes.h"
#include "push_commands.h"
#include "text.h"

#define REFUSAL_UPLOAD_PACK_TYPE  BYTES("application/x-git-upload-pack-result")
#define REFUSAL_RECEIVE_PACK_TYPE BYTES("application/x-git-receive-pack-result")

// Appends the body that makes `git fetch` say `fatal: remote error: gitlatch: …`, in every protocol version
// (gitprotocol-pack(5), "error-line"). `id` is the request's id.
void refusal_upload_pack(struct text *out, const struct verdict *verdict, struct bytes id);

// Why a push is refused.
struct refusal_push {
    const struct verdict *verdict;
    struct bytes id;            // the request's id
    const enum reason *reasons; // one for each command, REASON_NONE: refused because of the others
                                // (push_decision); NULL: the verdict is for each
    char *const *allowed;       // ref patterns that may be pushed, to be shown; NULL: none
    size_t allowed_count;
    const char *example; // a branch that may be pushed; NULL: none
};
// Appends the body that makes git show `! [remote rejected] main -> main (…)` for each command, and the
// sentence, the allowed patterns, an example and the remedy as `remote:` lines. `commands` may have been cut off or
// refused.
void refusal_receive_pack(struct text *out, const struct push_commands *commands, const struct refusal_push *refusal);

#endif
