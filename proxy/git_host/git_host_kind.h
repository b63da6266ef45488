// The kinds of git hosts. All that differs between them is a row here and, for a kind that is no GitHub, one file that
// describes it: how a path is read, how a name is made normal, how a credential is written, what is rewritten from SSH.
// CONTRIBUTING.md shows how a kind is added.
#ifndef GITLATCH_GIT_HOST_KIND_H
#define GITLATCH_GIT_HOST_KIND_H

#include <gitlatch/git_host.h>

#include "error.h"
#include "operation.h"
#include "text.h"

// A form of a remote that is no https:// URL, and what it becomes. git compares beginnings, to the letter, and takes the
// longest (git-config(1), "insteadOf").
struct git_host_form {
    const char *from;  // `%s`: the host's name; `%o`: its first label
    const char *below; // what it becomes, after "https://HOST/"
};

// What is asked below a repository, beside what all hosts have (git_host_route.c).
struct git_host_route {
    const char *suffix; // segments; `*` is any, `@` an object id of Git LFS, `#` a number
    enum operation_kind kind;
    enum head_method method; // METHOD_GET stands for HEAD, too
};

#define GIT_HOST_ROUTES_MAX 4
// GitLab nests groups up to twenty deep (docs.gitlab.com, "Subgroups").
#define GIT_HOST_SEGMENTS_MAX 21

// Forms that most hosts take (git-clone(1), "Git URLs").
// clang-format off
#define GIT_HOST_COMMON_FORMS \
    {"git@%s:/", ""}, {"git@%s:", ""}, {"%s:/", ""}, {"%s:", ""}, {"ssh://git@%s/", ""}, {"ssh://git@%s:22/", ""}, \
    {"ssh://%s/", ""}, {"ssh://%s:22/", ""}, {"git+ssh://git@%s/", ""}, {"git+ssh://%s/", ""}, \
    {"ssh+git://git@%s/", ""}, {"git://%s/", ""}, {"http://%s/", ""}
// clang-format on

struct git_host_kind {
    const char *user;  // of the Basic credential, where the configuration names none
    bool bearer;       // without a `user` the credential is a Bearer token
    bool exact_case;   // names that differ in case are two repositories
    bool spaces;       // a name may hold spaces, which stand in a path as %20
    const char *front; // of a clone URL's path, and no part of a name; NULL: nothing
    bool bare_names;   // a clone URL has no `.git`
    bool wikis;        // NAME.wiki is the wiki of NAME, and under its rule
    unsigned segments; // that a name has at least
    unsigned segments_max;
    // Makes a name normal further, in place: it has no `.git`, and is in lower case unless `exact_case`. False: the host
    // has no such name. NULL: nothing is to be done.
    bool (*make_normal)(char *path);
    // Writes the path under which the host knows what is asked for with another one. False: it is the same. NULL: always.
    bool (*own_path)(struct bytes path, struct text *out);
    struct git_host_route routes[GIT_HOST_ROUTES_MAX];
    // NULL: the common ones (git_host_forms).
    const struct git_host_form *forms;
};

// "github", "gitlab", …, in the order of the enum; ends with NULL. `hosts[].type` takes those from the second on.
extern const char *const git_host_type_words[GIT_HOST_TYPE_COUNT + 1];
// Lives for ever; a GitHub's has only the user.
const struct git_host_kind *git_host_kind(enum git_host_type type);

// Makes a host that is no GitHub from "HOST" or "HOST:PORT"; `user` may be NULL. Owned by the caller.
bool git_host_init(struct git_host *host, enum git_host_type type, const char *web, const char *user, bool bearer,
                   bool pages_deny, struct error *ret_error) GL_MUST_CHECK;
void git_host_clear(struct git_host *host);

// Reads which operation a request is. `target` is in origin, absolute or asterisk form, was accepted by target_parse, and
// outlives the operation; `endpoint` is that of a GitHub's name. On failure `ret_operation` is filled in as far as it is
// known, so that the refusal takes the right form (against the convention of attr.h).
bool git_host_read(const struct git_host *host, enum github_endpoint endpoint, enum head_method method,
                   const struct target *target, struct operation *ret_operation, struct verdict *ret_verdict)
    GL_MUST_CHECK;

// The forms from which remotes of this host are rewritten; ends with one whose `from` is NULL.
const struct git_host_form *git_host_forms(const struct git_host *host);
// Appends a form's `from`.
void git_host_form_append(const struct git_host *host, const char *from, struct text *out);

#endif
