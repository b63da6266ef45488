#include "api_route.h"

#include "credential_endpoint.h"

static bool api_route_malformed(struct verdict *verdict, const char *what)
{
    return verdict_set(verdict, REASON_NAME_MALFORMED, "%s", what);
}

static bool parse_id(struct bytes digits, uint64_t *ret_id)
{
    uint64_t id = 0;

    // One spelling alone: without a zero at its front.
    if (digits.size == 0 || digits.data[0] == '0')
        return false;
    for (size_t i = 0; i < digits.size; i++) {
        unsigned digit = (unsigned)(digits.data[i] - '0');

        if (digit > 9 || id > (UINT64_MAX - digit) / 10)
            return false;
        id = id * 10 + digit;
    }
    *ret_id = id;
    return true;
}

// Bytes of the plain path up to the end of one of its parts.
static size_t size_to_end_of(const struct plain_path *path, struct bytes part)
{
    return (size_t)(part.data + part.size - path->plain.data);
}

// repos/O/R/…; `rest` is the plain path from the owner on, and has a slash.
static bool api_route_parse_repository(struct operation *operation, const struct plain_path *path, struct bytes rest,
                                       struct verdict *verdict)
{
    struct bytes owner, name, below;

    operation->kind = OPERATION_API_REPOSITORY;
    bytes_cut(rest, '/', &owner, &rest);
    bytes_cut(rest, '/', &name, &below);
    if (!plain_path_below(path, size_to_end_of(path, name), &operation->api_path))
        return api_route_malformed(verdict, "percent-encoding before the end of the repository's name");
    if (!repository_name_parse(owner, name, &operation->repository))
        return api_route_malformed(verdict, "the owner or the repository is not a name that GitHub allows");
    return true;
}

// repositories/ID/…; `rest` is the plain path from the id on.
static bool parse_repository_id(struct operation *operation, const struct plain_path *path, struct bytes rest,
                                struct verdict *verdict)
{
    struct bytes digits, below;

    operation->kind = OPERATION_API_REPOSITORY_ID;
    bytes_cut(rest, '/', &digits, &below);
    if (!plain_path_below(path, size_to_end_of(path, digits), &operation->api_path))
        return api_route_malformed(verdict, "percent-encoding before the end of the repository's id");
    if (!parse_id(digits, &operation->repository_id))
        return api_route_malformed(verdict, "the id of a repository is a number");
    return true;
}

// Takes the slash off that PyGithub, go-github and bun write at the end of a path. False: more than one, or an encoded one.
static bool drop_last_slash(struct bytes *raw)
{
    struct bytes front = bytes_of(raw->data, raw->size - 1);

    if (!bytes_end_with(*raw, BYTES("/")) || bytes_end_with(front, BYTES("/")) || bytes_end_with(front, BYTES("%2f")) ||
        bytes_end_with(front, BYTES("%2F")))
        return false;
    *raw = front;
    return true;
}

bool api_route_parse(struct operation *operation, struct plain_path *path, enum head_method method,
                     struct verdict *ret_verdict)
{
    struct bytes first, rest;
    bool more = bytes_cut(path->plain, '/', &first, &rest);

    operation->kind = bytes_equal(first, BYTES("graphql")) ? OPERATION_GRAPHQL : OPERATION_API_OTHER;
    if (credential_endpoint_names(path->plain, method))
        return credential_endpoint_refuse(path->plain, ret_verdict);
    if (path->trailing && path->plain.size && !drop_last_slash(&path->raw))
        return api_route_malformed(ret_verdict, "the path ends in an encoded slash, or in more than one");
    if (more && bytes_equal(first, BYTES("repos")) && memchr(rest.data, '/', rest.size))
        return api_route_parse_repository(operation, path, rest, ret_verdict);
    if (more && bytes_equal(first, BYTES("repositories")))
        return parse_repository_id(operation, path, rest, ret_verdict);
    return true;
}
