// What a request inside an intercepted connection asks of GitHub, told from its method, host and target
// alone. Sources: gitprotocol-http(5); git-lfs docs/api; GitHub REST documentation; protocol.md, B.
#ifndef GITLATCH_OPERATION_H
#define GITLATCH_OPERATION_H

#include <stdint.h>

#include <gitlatch/github_host.h>
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
    OPERATION_API_REPOSITORY,    // /repos/O/R/…, also of uploads
    OPERATION_API_REPOSITORY_ID, // /repositories/ID/…
    OPERATION_API_OTHER,         // an API path that names no repository
    OPERATION_GRAPHQL,           // /graphql, /api/graphql
    OPERATION_PAGE,              // any other page of the web host, release downloads and archives: never a token
    OPERATION_KIND_COUNT,
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

// The form in which a refusal of this operation is answered (product.md, "What happens to a request").
enum operation_form {
    FORM_TEXT,         // the status, text/plain
    FORM_UPLOAD_PACK,  // 200 with an ERR packet
    FORM_RECEIVE_PACK, // body drained, 200 with `ng` for each ref
    FORM_LFS,          // the status, application/vnd.git-lfs+json, {"message"}
    FORM_API,          // the status, application/json, {"message","documentation_url"}
};

enum operation_authorization { AUTHORIZATION_NONE, AUTHORIZATION_BASIC, AUTHORIZATION_BEARER };

struct operation {
    enum operation_kind kind;
    const struct github_host *host;
    enum github_endpoint endpoint;
    struct repository_name repository; // where the kind names one; a wiki's ".wiki" is stripped, see `wiki`.
                                       // Of a page: the one it lies under, or empty
    bool wiki;                         // O/R.wiki.git: the rules of O/R apply
    bool reads;                        // the method is GET or HEAD
    bool object;                       // OPERATION_PAGE: an Enterprise Server's object path, which carries its own
                                       // signature and is let through without a token under every rule
    uint64_t repository_id;            // OPERATION_API_REPOSITORY_ID
    struct bytes api_path;             // below the repository, no slash before, no query; a view of the target
};

// Tells the operation. `target` is in origin, absolute or asterisk form, was accepted by target_parse, and
// outlives the operation. Refused are a malformed name, a forbidden endpoint, the dumb protocol, a method;
// `ret_operation` is filled as far as it is known also then, so that the refusal takes the right form (against
// the convention of attr.h).
bool operation_parse(const struct github_host *host, enum github_endpoint endpoint, enum head_method method,
                     const struct target *target, struct operation *ret_operation, struct verdict *ret_verdict)
    GL_MUST_CHECK;

// The repository of an OPERATION_API_REPOSITORY_ID has been looked up: from now on it is an
// OPERATION_API_REPOSITORY.
void operation_resolve(struct operation *operation, const struct repository_name *repository);

// Whether the request's body is read before it can be decided in full: a push, the LFS calls by POST,
// GraphQL.
bool operation_reads_body(enum operation_kind kind);

enum operation_label operation_label(enum operation_kind kind);
const char *operation_label_name(enum operation_label label);
enum operation_form operation_form(enum operation_kind kind);
enum operation_authorization operation_authorization(enum operation_kind kind);

#endif
