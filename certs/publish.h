// `ca.publish`: what the workspace may see of us. ca.pem (our CA), bundle.pem (the system's roots and our CA),
// truststore.p12 (the same for Java), wgetrc, env, gitconfig; each 0644. Never a key: of the roots, nothing but
// certificates is copied.
//
// All are written in full, beside the ones that are there, before the first takes its place: a failure leaves the
// old ones, and a reader sees old and new side by side only for the moment of the renames.
#ifndef GITLATCH_PUBLISH_H
#define GITLATCH_PUBLISH_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "bytes.h"
#include "error.h"
#include "name_list.h"
#include "remote_host.h"

struct publish;

// `directory` is made where it is missing; own_directory.h says which one is used. It is refused where another process
// publishes there, unless both are `shared` (`reuse_port`). `roots` are PEM files.
struct publish *publish_new(const char *directory, bool shared, const struct name_list *web_hosts,
                            const struct name_list *roots, struct error *ret_error) GL_MUST_CHECK;
void publish_free(struct publish *publish); // NULL is allowed; the files stay
// Writes, or writes anew, the files.
bool publish_write(struct publish *publish, struct bytes ca_pem, const char *proxy_url, struct error *ret_error)
    GL_MUST_CHECK;
// Writes rules.json, what the workspace may do, which changes apart from the others.
bool publish_write_rules(struct publish *publish, struct bytes rules, struct error *ret_error) GL_MUST_CHECK;

// Commits are signed by this key ("ssh-ed25519 AAAA…") from the next publish_write on: gitconfig and env say so, and two
// more files are written, `allowed_signers` and `ssh-sign` (0755), git's program.
void publish_set_signing_key(struct publish *publish, const char *public_key);

// Git hosts that are no GitHub, for gitconfig; copied. From the next publish_write on.
void publish_set_remote_hosts(struct publish *publish, const struct remote_host *hosts, size_t count);

// The directory that is used, absolute; valid as long as `publish`.
const char *publish_directory(const struct publish *publish);

// For other commands: where `gitlatch proxy` publishes, or would, by this `ca.publish`. Owned by the caller.
char *publish_directory_of(const char *named) GL_MUST_CHECK;

#endif
