// What a push asks for: the commands at the front of a receive-pack request, read as they arrive
// (gitprotocol-pack(5), "Reference Update Request and Packfile Transfer").
//
//   *( pkt "shallow <oid>" )  pkt "<old> <new> <ref>\0<capabilities>"  *( pkt "<old> <new> <ref>" )  "0000"
//   [ *( pkt push-option ) "0000" ]  [ "PACK"… ]
//
// Read strictly: what git would not send, or two readers could read in two ways, is refused.
#ifndef GITLATCH_PUSH_COMMANDS_H
#define GITLATCH_PUSH_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include <gitlatch/attr.h>
#include <gitlatch/verdict.h>

#include "bytes.h"

// 10,000 refs must pass, as a `push --mirror` of a large repository names them; twice that is room enough.
#define PUSH_COMMANDS_MAX 20000
// 20,000 commands of 40 + 1 + 40 + 1 + 4 bytes beside a ref of about 120: 4.1 MB; shallow lines and push
// options count, too.
#define PUSH_COMMANDS_SIZE_MAX (4 * MIB)
// A ref is a path in a repository (PATH_MAX).
#define PUSH_REF_SIZE_MAX 4096

enum ref_change { REF_CREATE, REF_UPDATE, REF_DELETE };

struct push_command {
    struct bytes old_id; // 40 or 64 hex digits, all of a push alike
    struct bytes new_id;
    struct bytes ref; // a ref name as git-check-ref-format(1) has it: no control character, no space
    enum ref_change change;
};

// Capabilities that the client chose and that shape the answer. Until they are known: what every git chooses.
struct push_capabilities {
    bool report_status;
    bool report_status_v2;
    bool side_band_64k;
    bool atomic;
    bool push_options;
};

enum push_commands_result {
    PUSH_COMMANDS_MORE,    // all of the input is taken
    PUSH_COMMANDS_DONE,    // the commands are whole; what was not taken is the pack
    PUSH_COMMANDS_REFUSED, // see the verdict; what was read so far can be asked for
};

struct push_commands;

struct push_commands *push_commands_new(void) GL_MUST_CHECK;
void push_commands_free(struct push_commands *commands);

// Takes the body (decoded) from the front of `input`. After DONE or REFUSED it takes nothing more.
enum push_commands_result push_commands_feed(struct push_commands *commands, struct bytes *input,
                                             struct verdict *ret_verdict) GL_MUST_CHECK;
// The body has ended. False where it ended too early.
bool push_commands_end(const struct push_commands *commands, struct verdict *ret_verdict) GL_MUST_CHECK;

// After DONE: the body so far is "0000" alone, git's probe before a large request. If more follows, feed
// refuses it.
bool push_commands_is_probe(const struct push_commands *commands);
// After DONE: some command does not delete, so a pack follows.
bool push_commands_pack_follows(const struct push_commands *commands);

size_t push_commands_count(const struct push_commands *commands);
// Views that live as long as `commands`, once DONE or REFUSED; until then, till the next feed.
struct push_command push_commands_at(const struct push_commands *commands, size_t index);
const struct push_capabilities *push_commands_capabilities(const struct push_commands *commands);

// Whether a name is one that git-check-ref-format(1) accepts, under refs/.
bool push_ref_valid(struct bytes ref);

#endif
