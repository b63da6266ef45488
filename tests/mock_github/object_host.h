// Hosts that give and take objects by signed URLs alone: LFS objects, release assets; and lfs.github.com.
#ifndef GITLATCH_OBJECT_HOST_H
#define GITLATCH_OBJECT_HOST_H

#include "call.h"

struct repository;

// github-cloud.s3.amazonaws.com: PUT and GET of LFS objects.
void object_host_serve_lfs(struct call *call);
// release-assets.githubusercontent.com: GET of assets.
void object_host_serve_asset(struct call *call);
// lfs.github.com: whether an upload arrived.
void object_host_verify(struct call *call);

// The path of a repository's LFS object on the object host; owned by the caller.
char *object_host_lfs_path(const struct repository *repository, const char *oid);
// Whether it is there, with just this size.
bool object_host_has(const struct repository *repository, const char *oid, int64_t size);
// The Authorization that lfs.github.com takes for an object; owned by the caller.
char *object_host_verify_code(const struct repository *repository, const char *oid);

// Sends a file, or the part of it that Range asks for, as the call's answer.
void object_host_send_file(struct call *call, const char *path, const char *headers);
// Stores the call's body in a file; its SHA-256 in hexadecimal, owned by the caller. NULL: it broke off.
char *object_host_receive_file(struct call *call, const char *path) GL_MUST_CHECK;

#endif
