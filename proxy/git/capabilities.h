// The capability advertisement with which a server that speaks protocol version 2 answers
// `GET info/refs?service=git-upload-pack`: what it can do, and no ref (gitprotocol-v2(5), "Capability Advertisement").
#ifndef GITLATCH_CAPABILITIES_H
#define GITLATCH_CAPABILITIES_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "bytes.h"

#define CAPABILITIES_TYPE BYTES("application/x-git-upload-pack-advertisement")
// GitHub's has 200 bytes; a server that names bundles or promisor remotes some hundreds more.
#define CAPABILITIES_SIZE_MAX ((size_t)4 * KIB)

// Whether the body is one, whole, and nothing else. An answer in version 0 or 1, which lists refs, is none.
bool capabilities_check(struct bytes body) GL_MUST_CHECK;

#endif
