#include "operation.h"

#include "wire.h"

// clang-format off
static const struct operation_traits kinds[OPERATION_KIND_COUNT + 1] = {
    [OPERATION_FETCH_REFS] = {
        LABEL_FETCH, FORM_TEXT, AUTHORIZATION_BASIC, ACCESS_FETCH, PERMISSION_READ, GATE_NONE,
        .keeping = KEEPING_ANSWER, .git = true, .advertisement = true, .repeatable = true, .gateway = true},
    [OPERATION_FETCH] = {
        LABEL_FETCH, FORM_UPLOAD_PACK, AUTHORIZATION_BASIC, ACCESS_FETCH, PERMISSION_READ, GATE_PROBE,
        .keeping = KEEPING_USE, .git = true, .reads = true, .repeatable = true, .drained = true, .gateway = true,
        .token_at_once = true},
    [OPERATION_PUSH_REFS] = {
        LABEL_PUSH, FORM_TEXT, AUTHORIZATION_BASIC, ACCESS_PUSH, PERMISSION_WRITE, GATE_NONE,
        .git = true, .advertisement = true, .writes = true, .repeatable = true, .gateway = true},
    [OPERATION_PUSH] = {
        LABEL_PUSH, FORM_RECEIVE_PACK, AUTHORIZATION_BASIC, ACCESS_PUSH, PERMISSION_WRITE, GATE_PUSH,
        .git = true, .writes = true, .drained = true, .gateway = true, .token_at_once = true},
    [OPERATION_LFS_BATCH] = {
        LABEL_LFS, FORM_LFS, AUTHORIZATION_BASIC, ACCESS_LFS, PERMISSION_READ, GATE_LFS_BATCH,
        .repeatable = true, .gateway = true},
    [OPERATION_LFS_LOCKS] = {
        LABEL_LFS, FORM_LFS, AUTHORIZATION_BASIC, ACCESS_FETCH, PERMISSION_READ, GATE_NONE,
        .gateway = true},
    [OPERATION_LFS_LOCK] = {
        LABEL_LFS, FORM_LFS, AUTHORIZATION_BASIC, ACCESS_LFS_LOCK, PERMISSION_WRITE, GATE_LFS_LOCK,
        .writes = true, .gateway = true},
    [OPERATION_LFS_LOCKS_VERIFY] = {
        LABEL_LFS, FORM_LFS, AUTHORIZATION_BASIC, ACCESS_LFS_LOCK, PERMISSION_WRITE, GATE_LFS_LOCK,
        .writes = true, .gateway = true, .hidden = true},
    [OPERATION_LFS_UNLOCK] = {
        LABEL_LFS, FORM_LFS, AUTHORIZATION_BASIC, ACCESS_LFS_LOCK, PERMISSION_WRITE, GATE_LFS_LOCK,
        .writes = true, .gateway = true},
    [OPERATION_LFS_DOWNLOAD] = {
        LABEL_LFS, FORM_LFS, AUTHORIZATION_BASIC, ACCESS_FETCH, PERMISSION_READ, GATE_NONE,
        .gateway = true},
    [OPERATION_LFS_UPLOAD] = {
        LABEL_LFS, FORM_LFS, AUTHORIZATION_BASIC, ACCESS_LFS_LOCK, PERMISSION_WRITE, GATE_NONE,
        .writes = true, .gateway = true},
    [OPERATION_API_REPOSITORY] = {
        LABEL_API, FORM_API, AUTHORIZATION_BEARER, ACCESS_API, PERMISSION_NONE, GATE_NONE},
    [OPERATION_API_REPOSITORY_ID] = {
        LABEL_API, FORM_API, AUTHORIZATION_BEARER, ACCESS_REPOSITORY_ID, PERMISSION_NONE, GATE_NONE},
    [OPERATION_API_OTHER] = {
        LABEL_API, FORM_API, AUTHORIZATION_BEARER, ACCESS_SET, PERMISSION_NONE, GATE_NONE},
    [OPERATION_GRAPHQL] = {
        LABEL_API, FORM_API, AUTHORIZATION_BEARER, ACCESS_GRAPHQL, PERMISSION_NONE, GATE_GRAPHQL},
    [OPERATION_PAGE] = {
        LABEL_OTHER, FORM_TEXT, AUTHORIZATION_NONE, ACCESS_NONE, PERMISSION_NONE, GATE_NONE},
    [OPERATION_UNKNOWN] = {
        LABEL_OTHER, FORM_TEXT, AUTHORIZATION_NONE, ACCESS_NONE, PERMISSION_NONE, GATE_NONE},
};
// clang-format on

const struct operation_traits *operation_traits(enum operation_kind kind)
{
    return &kinds[kind];
}

void operation_resolve(struct operation *operation, const struct repository_name *repository)
{
    operation->kind = OPERATION_API_REPOSITORY;
    operation->repository = *repository;
}

struct bytes operation_repository(const struct operation *operation, char text[OPERATION_REPOSITORY_SIZE])
{
    struct wire full = wire_of(text, OPERATION_REPOSITORY_SIZE);

    if (operation->repository.owner[0]) {
        wire_put(&full, bytes_of_string(operation->repository.owner));
        wire_put(&full, BYTES("/"));
        wire_put(&full, bytes_of_string(operation->repository.name));
    } else {
        wire_put(&full, bytes_of_string(operation->path));
    }
    return bytes_of(text, full.size);
}

const char *operation_label_name(enum operation_label label)
{
    static const char *const names[LABEL_COUNT] = {"fetch", "push", "lfs", "api", "tunnel", "other"};

    return names[label];
}
