// How a source proves itself to a service of ours (a broker, a platform): a URL, a token in a file that is read again
// when it changes, and roots.
#ifndef GITLATCH_BEARER_FILE_H
#define GITLATCH_BEARER_FILE_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "credential_options.h"
#include "error.h"
#include "http_transport.h"
#include "secret_file.h"
#include "source.h"

struct bearer_file {
    char *url; // no slash at the end
    struct secret_file file;
    struct tls_client *tls; // NULL: the URL is http://
};

// False sets the error: the URL or the roots cannot be used.
bool bearer_file_init(struct bearer_file *bearer, const struct credential_options *options, struct error *ret_error)
    GL_MUST_CHECK;
void bearer_file_clear(struct bearer_file *bearer);

// Reads the token again where it changed. A source's `ready` for these: no token, no source.
bool bearer_file_ready(struct bearer_file *bearer, struct source_failure *ret_failure) GL_MUST_CHECK;
// A call to `url`, with the token.
struct http_call bearer_file_call(const struct bearer_file *bearer, const char *method, const char *url,
                                  struct bytes body);

#endif
