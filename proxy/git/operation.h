// What a request inside an intercepted connection asks of a git host. Who reads it from method, host and target:
// git_host_kind.h. Sources: gitprotocol-http(5); git-lfs docs/api; GitHub REST documentation.
#ifndef GITLATCH_OPERATION_H
#define GITLATCH_OPERATION_H

#include <stdint.h>

#include <gitlatch/git_host.h>
#include <gitlatch/github_host.h>
#include <gitlatch/permissions.h>
#include <gitlatch/repository_name.h>
#include <gitlatch/verdict.h>

#include "bytes.h"
#include "target.h"

enum operation_kind {
    OPERATION_FETCH_REFS,        // GET O/R/info/refs?service=git-upload-pack
    OPERATION_FETCH,             // POST O/R/git-upload-pack
    OPERATION_PUSH_REFS,         // GET O/R/info/refs?service=git-receive-pack
    OPERATION_PUSH,              // POST O/R/git-receive-pack
    OPERATION_LFS_BATCH,         // POST O/R/info/lfs/objects/batch; read or write is told by the body
    OPERATION_LFS_LOCKS,         // GET O/R/info/lfs/locks
    OPERATION_LFS_LOCK,          // POST O/R/info/lfs/locks
    OPERATION_LFS_LOCKS_VERIFY,  // POST O/R/info/lfs/locks/verify
    OPERATION_LFS_UNLOCK,        // POST O/R/info/lfs/locks/ID/unlock
    OPERATION_LFS_DOWNLOAD,      // GET of an object below the repository, on a host that is no GitHub
    OPERATION_LFS_UPLOAD,        // PUT of an object there, and POST of its verification
    OPERATION_API_REPOSITORY,    // /repos/O/R/…, also of uploads
    OPERATION_API_REPOSITORY_ID, // /repositories/ID/…
    OPERATION_API_OTHER,         // an API path that names no repository
    OPERATION_GRAPHQL,           // /graphql, /api/graphql
    OPERATION_PAGE,              // any other page of the web host, release downloads and archives: never a token
    OPERATION_KIND_COUNT,
    OPERATION_UNKNOWN = OPERATION_KIND_COUNT, // the target was not read, or could not be; has traits, too
};

// The value of the `operation` label and of the audit event's member.
enum operation_label {
    LABEL_FETCH,
    LABEL_PUSH,
    LABEL_LFS,
    LABEL_API,
    LABEL_TUNNEL,
    LABEL_OTHER,
    LABEL_COUNT,
};

// The form in which a refusal of this operation is answered.
enum operation_form {
    FORM_TEXT,         // the status, text/plain
    FORM_UPLOAD_PACK,  // 200 with an ERR packet
    FORM_RECEIVE_PACK, // body drained, 200 with `ng` for each ref
    FORM_LFS,          // the status, application/vnd.git-lfs+json, {"message"}
    FORM_API,          // the status, application/json, {"message","documentation_url"}
};

enum operation_authorization { AUTHORIZATION_NONE, AUTHORIZATION_BASIC, AUTHORIZATION_BEARER };

// What the rules are asked for (policy.c).
enum operation_access {
    ACCESS_NONE,          // nothing: never a token
    ACCESS_FETCH,         // `fetch` of the repository
    ACCESS_PUSH,          // `push` or `delete` of the repository, and of each ref
    ACCESS_LFS,           // `fetch` or `push` of the repository: the body says which
    ACCESS_LFS_LOCK,      // `push` of the repository
    ACCESS_API,           // `permissions` and `paths` of the repository
    ACCESS_REPOSITORY_ID, // as ACCESS_API, once the repository's name is known (operation_resolve)
    ACCESS_SET,           // `permissions` of all rules
    ACCESS_GRAPHQL,       // `graphql` of all rules
};

// What of the body is read before the operation is decided in full.
enum operation_gate {
    GATE_NONE,      // nothing: the body is sent on as it comes
    GATE_PROBE,     // git's probe of four bytes, where the body is no longer than that
    GATE_PUSH,      // the commands of a push
    GATE_LFS_BATCH, // the JSON, for `operation` and `ref`
    GATE_LFS_LOCK,  // the JSON, for `ref`
    GATE_GRAPHQL,   // the JSON, for `variables`
};

// The part that the operation has in keeping capability advertisements.
enum operation_keeping {
    KEEPING_NONE,
    KEEPING_ANSWER, // its answer may be kept
    KEEPING_USE,    // git sends it by an advertisement that may have been a kept one: where it fails, that is forgotten
};

// All in which the kinds of operations differ. A new kind is one row in operation.c; no other file switches on kinds.
struct operation_traits {
    enum operation_label label;
    enum operation_form form;
    enum operation_authorization authorization;
    enum operation_access access;
    enum permission_level contents; // level of the token's `contents`; PERMISSION_NONE: by the rule
    enum operation_gate gate;
    enum operation_keeping keeping;
    bool git; // one of git's own four; with Git LFS they are the whole of what the gateway serves
    // `info/refs`, which git asks for before all else: safe to be asked again while a fresh token has not reached all of
    // GitHub.
    bool advertisement;
    bool reads;         // reads the repository alone, although it is a POST
    bool writes;        // changes the repository (of an LFS batch only the body can tell)
    bool repeatable;    // may be sent twice, also where it is a POST: it changes nothing at GitHub
    bool drained;       // an answer of ours waits for the end of the body, however long: git shows it only then
    bool gateway;       // served by the gateway
    bool hidden;        // refused as "not found", which its client takes for "there is no such service here"
    bool token_at_once; // the token is asked for while the gate still reads
};

// Never NULL; lives for ever.
const struct operation_traits *operation_traits(enum operation_kind kind);

// The longest name of a repository on a host that is no GitHub: twenty segments of 25 characters, with slashes and the end.
#define OPERATION_PATH_SIZE 520
// Room for either kind of name.
#define OPERATION_REPOSITORY_SIZE OPERATION_PATH_SIZE

struct operation {
    enum operation_kind kind;
    const struct git_host *host;
    enum github_endpoint endpoint;     // of a GitHub
    struct repository_name repository; // where the kind names one; a wiki's ".wiki" is stripped, see `wiki`.
                                       // Of a page: the one it lies under, or empty. Empty on a host that is no GitHub
    char path[OPERATION_PATH_SIZE];    // the repository there, made normal as its kind does; "": none, or a GitHub's
    bool wiki;                         // O/R.wiki.git: the rules of O/R apply
    bool reads;                        // the method is GET or HEAD
    bool object;                       // OPERATION_PAGE: an Enterprise Server's object path, which carries its own
                                       // signature and is let through without a token under every rule
    uint64_t repository_id;            // OPERATION_API_REPOSITORY_ID
    struct bytes api_path;             // below the repository, no slash before, no query; a view of the target
};

// The repository of an OPERATION_API_REPOSITORY_ID has been looked up: from now on it is an
// OPERATION_API_REPOSITORY.
void operation_resolve(struct operation *operation, const struct repository_name *repository);

// The repository as rules and events name it: "owner/name", or the path; empty: none. A view of `text`.
struct bytes operation_repository(const struct operation *operation, char text[OPERATION_REPOSITORY_SIZE]);
// Whether there is one.
static inline bool operation_has_repository(const struct operation *operation)
{
    return operation->repository.owner[0] || operation->path[0];
}

const char *operation_label_name(enum operation_label label);

// Columns of the traits that are asked for most.
static inline enum operation_label operation_label(enum operation_kind kind)
{
    return operation_traits(kind)->label;
}
static inline enum operation_form operation_form(enum operation_kind kind)
{
    return operation_traits(kind)->form;
}
static inline enum operation_authorization operation_authorization(enum operation_kind kind)
{
    return operation_traits(kind)->authorization;
}

#endif
