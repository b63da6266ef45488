// The password that a listener may ask of its clients (RFC 7617, Basic; user `gitlatch`).
#ifndef GITLATCH_PROXY_PASSWORD_H
#define GITLATCH_PROXY_PASSWORD_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "bytes.h"
#include "error.h"

struct secret;

// Of a file: 1 to 512 characters, without the blanks around them. NULL: it cannot be read. Owned by the caller.
struct secret *proxy_password_read(const char *path, struct error *ret_error) GL_MUST_CHECK;

// Whether the value of Proxy-Authorization has the right user and password; takes the same time for every wrong one.
bool proxy_password_accepts(const struct secret *password, struct bytes authorization) GL_MUST_CHECK;

#endif
