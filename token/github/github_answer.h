// What GitHub's answers to our calls say. Pure; every answer is distrusted: sizes, types and duplicate keys are checked.
// Sources: GitHub REST documentation, "Apps" and "Repositories".
#ifndef GITLATCH_GITHUB_ANSWER_H
#define GITLATCH_GITHUB_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gitlatch/attr.h>
#include <gitlatch/permissions.h>
#include <gitlatch/token.h>

#include "bytes.h"
#include "clock.h"
#include "error.h"

// An answer with more repositories or installations is not GitHub's: a page has 100, a token 500.
#define GITHUB_ANSWER_ITEMS_MAX 1000
// A token has 40 or about 520 characters; no header of ours grows beyond what servers take.
#define GITHUB_ANSWER_TOKEN_MAX 4096

// The token of a mint's answer, of the broker's and of the platform's: its value, its end as the issuer says, and what it
// grants as far as the answer says so; wide, until its source has compared. `owner` names repositories that come without
// one (the broker's); NULL: such an answer is refused. One reference, owned by the caller; NULL sets the error.
struct token *github_answer_token(struct bytes body, const char *owner, struct error *ret_error) GL_MUST_CHECK;
// The same of a token that is not narrowed: what it grants is not looked at.
struct token *github_answer_wide_token(struct bytes body, struct error *ret_error) GL_MUST_CHECK;
// What a token may consist of: printable, without space, so that it cannot end a header. Any source's is checked.
bool github_token_well_formed(struct bytes token);

struct github_installation {
    uint64_t id;
    char owner[OWNER_NAME_SIZE]; // lower case
};
bool github_answer_installation(struct bytes body, struct github_installation *ret_installation,
                                struct error *ret_error) GL_MUST_CHECK;
// The array is given to mem_free.
bool github_answer_installations(struct bytes body, struct github_installation **ret_installations, size_t *ret_count,
                                 struct error *ret_error) GL_MUST_CHECK;

// What an installation was granted at most.
struct github_grant {
    struct github_installation installation;
    bool readable; // false: more, or other, than can be held here, so that `permissions` says nothing
    struct permissions permissions;
};
// The answer of github_answer_installations, with what each was granted. The array is given to mem_free.
bool github_answer_grants(struct bytes body, struct github_grant **ret_grants, size_t *ret_count,
                          struct error *ret_error) GL_MUST_CHECK;

// A page of repositories, and how many there are in all. `owner` as above, "": the answer's own
// `owner`. The array is given to mem_free.
bool github_answer_repositories(struct bytes body, const char *owner, struct token_repository **ret_repositories,
                                size_t *ret_count, size_t *ret_total, struct error *ret_error) GL_MUST_CHECK;
bool github_answer_repository(struct bytes body, struct token_repository *ret_repository, struct error *ret_error)
    GL_MUST_CHECK;

// The `message` of an error's answer, cut at `size`; "" where there is none.
void github_answer_message(struct bytes body, char *ret_message, size_t size);

#endif
