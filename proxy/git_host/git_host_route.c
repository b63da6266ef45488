#include "git_host_route.h"

#include <ctype.h>

#include "plain_path.h"
#include "service_query.h"

#define OBJECT_ID_SIZE 64 // of SHA-256, in hex: git-lfs docs/spec.md

// What all hosts have. Object routes stand below the repository at Gitea (routers/web/web.go), Gogs (internal/route/lfs),
// soft-serve (pkg/web/git.go) and Azure DevOps; elsewhere an object lies at a place that carries its own signature.
static const struct git_host_route common_routes[] = {
    {"info/refs", OPERATION_FETCH_REFS, METHOD_GET},
    {"git-upload-pack", OPERATION_FETCH, METHOD_POST},
    {"git-receive-pack", OPERATION_PUSH, METHOD_POST},
    {"info/lfs/objects/batch", OPERATION_LFS_BATCH, METHOD_POST},
    {"info/lfs/locks", OPERATION_LFS_LOCKS, METHOD_GET},
    {"info/lfs/locks", OPERATION_LFS_LOCK, METHOD_POST},
    {"info/lfs/locks/verify", OPERATION_LFS_LOCKS_VERIFY, METHOD_POST},
    {"info/lfs/locks/*/unlock", OPERATION_LFS_UNLOCK, METHOD_POST},
    {"info/lfs/objects/@", OPERATION_LFS_DOWNLOAD, METHOD_GET},
    {"info/lfs/objects/@", OPERATION_LFS_UPLOAD, METHOD_PUT},
    {"info/lfs/objects/@/#", OPERATION_LFS_UPLOAD, METHOD_PUT},
    {"info/lfs/objects/basic/@", OPERATION_LFS_DOWNLOAD, METHOD_GET},
    {"info/lfs/objects/basic/@", OPERATION_LFS_UPLOAD, METHOD_PUT},
    {"info/lfs/objects/basic/verify", OPERATION_LFS_UPLOAD, METHOD_POST},
    {"info/lfs/objects/verify", OPERATION_LFS_UPLOAD, METHOD_POST},
    {"info/lfs/verify", OPERATION_LFS_UPLOAD, METHOD_POST},
};

static bool malformed(struct verdict *verdict, const char *what)
{
    return verdict_set(verdict, REASON_NAME_MALFORMED, "%s", what);
}

static bool is_object_id(struct bytes segment)
{
    for (size_t i = 0; i < segment.size; i++)
        if (!isxdigit((unsigned char)segment.data[i]))
            return false;
    return segment.size == OBJECT_ID_SIZE;
}

static bool is_number(struct bytes segment)
{
    for (size_t i = 0; i < segment.size; i++)
        if (!isdigit((unsigned char)segment.data[i]))
            return false;
    return segment.size > 0;
}

static bool segment_match(struct bytes pattern, struct bytes segment)
{
    if (bytes_equal(pattern, BYTES("@")))
        return is_object_id(segment);
    if (bytes_equal(pattern, BYTES("#")))
        return is_number(segment);
    return bytes_equal(pattern, BYTES("*")) ? segment.size > 0 : bytes_equal(pattern, segment);
}

static bool suffix_match(const char *pattern, struct bytes suffix)
{
    struct bytes rest = bytes_of_string(pattern), part, segment;
    bool more_pattern = true, more_suffix = true;

    while (more_pattern && more_suffix) {
        more_pattern = bytes_cut(rest, '/', &part, &rest);
        more_suffix = bytes_cut(suffix, '/', &segment, &suffix);
        if (!segment_match(part, segment))
            return false;
    }
    return !more_pattern && !more_suffix;
}

static bool has_method(const struct git_host_route *route, enum head_method method)
{
    return route->method == (method == METHOD_HEAD ? METHOD_GET : method);
}

// The route of a suffix among `routes`, with this method if there is one; else `found`.
static const struct git_host_route *find_among(const struct git_host_route *routes, size_t count, struct bytes suffix,
                                               enum head_method method, const struct git_host_route *found)
{
    for (size_t i = 0; i < count && routes[i].suffix; i++) {
        if (!suffix_match(routes[i].suffix, suffix))
            continue;
        if (has_method(&routes[i], method))
            return &routes[i];
        found = found ? found : &routes[i];
    }
    return found;
}

static const struct git_host_route *find_route(const struct git_host_kind *kind, struct bytes suffix,
                                               enum head_method method)
{
    const struct git_host_route *found = find_among(common_routes, GL_ARRAY_SIZE(common_routes), suffix, method, NULL);

    if (found && has_method(found, method))
        return found;
    return find_among(kind->routes, GIT_HOST_ROUTES_MAX, suffix, method, found);
}

// Whether what git writes below a repository begins here.
static bool begins_suffix(const struct git_host_kind *kind, struct bytes path)
{
    struct bytes first, second, rest;

    bytes_cut(path, '/', &first, &rest);
    bytes_cut(rest, '/', &second, &rest);
    if (bytes_equal(first, BYTES("info")))
        return bytes_equal(second, BYTES("refs")) || bytes_equal(second, BYTES("lfs"));
    for (size_t i = 0; i < GIT_HOST_ROUTES_MAX && kind->routes[i].suffix; i++)
        if (bytes_cut(bytes_of_string(kind->routes[i].suffix), '/', &rest, &second) && bytes_equal(first, rest))
            return true;
    return bytes_equal(first, BYTES("git-upload-pack")) || bytes_equal(first, BYTES("git-receive-pack")) ||
           bytes_equal(first, BYTES("git-upload-archive"));
}

// Cuts a path before the first segment at which a suffix begins. False: at none; it is a page.
static bool cut_suffix(const struct git_host_kind *kind, struct bytes path, struct bytes *ret_name,
                       struct bytes *ret_suffix)
{
    for (size_t i = 1; i < path.size; i++) {
        if (path.data[i - 1] != '/' || !begins_suffix(kind, bytes_skip(path, i)))
            continue;
        *ret_name = bytes_of(path.data, i - 1);
        *ret_suffix = bytes_skip(path, i);
        return true;
    }
    return false;
}

// Copies a name as it is written in a path. False: it does not fit, or a character is not one of a name.
static bool copy_name(const struct git_host_kind *kind, struct bytes name, char to[OPERATION_PATH_SIZE])
{
    size_t size = 0;

    if (name.size >= OPERATION_PATH_SIZE)
        return false;
    while (name.size > 0) {
        char c = name.data[0];
        size_t used = 1;

        if (kind->spaces && bytes_start_with(name, BYTES("%20"))) {
            c = ' ';
            used = BYTES("%20").size;
        } else if (!isalnum((unsigned char)c) && !strchr("-_.~+@/", c)) {
            return false;
        }
        to[size++] = kind->exact_case ? c : (char)tolower((unsigned char)c);
        name = bytes_skip(name, used);
    }
    to[size] = '\0';
    return size > 0;
}

static size_t cut_end(char *path, const char *end)
{
    size_t size = strlen(path), end_size = strlen(end);

    if (size <= end_size || strcasecmp(path + size - end_size, end) != 0 || path[size - end_size - 1] == '/')
        return 0;
    path[size - end_size] = '\0';
    return end_size;
}

static bool has_right_segments(const struct git_host_kind *kind, const char *path)
{
    struct bytes rest = bytes_of_string(path), segment;
    unsigned count = 0;
    bool more = true;

    while (more) {
        more = bytes_cut(rest, '/', &segment, &rest);
        // A server may take all behind it for a path inside that repository.
        if (segment.size == 0 || bytes_end_with(segment, BYTES(".git")))
            return false;
        count++;
    }
    return count >= kind->segments && count <= kind->segments_max;
}

static bool read_name(const struct git_host_kind *kind, struct bytes name, struct operation *operation)
{
    char *path = operation->path;

    if (!copy_name(kind, name, path))
        goto failed;
    cut_end(path, ".git");
    operation->wiki = kind->wikis && cut_end(path, ".wiki");
    if ((kind->make_normal && !kind->make_normal(path)) || !has_right_segments(kind, path))
        goto failed;
    return true;

failed:
    path[0] = '\0';
    return false;
}

static bool read_route(const struct git_host_kind *kind, const struct git_host_route *route, enum head_method method,
                       const struct target *target, struct operation *operation, struct verdict *verdict)
{
    bool has_query = route->kind == OPERATION_FETCH_REFS || route->kind == OPERATION_LFS_LOCKS;

    if (!has_method(route, method))
        return verdict_set(verdict, REASON_METHOD, NULL);
    // No git sends one, and a server could take a parameter for what the body says.
    if (!has_query && target->query.size)
        return malformed(verdict, "a query where git and git-lfs send none");
    return route->kind != OPERATION_FETCH_REFS || service_query_parse(target->query, &operation->kind, verdict);
}

// Reads a path at which a suffix begins in the generous reading; `raw` is what was written.
static bool read_git_path(const struct git_host_kind *kind, struct bytes plain_suffix, struct bytes raw,
                          enum head_method method, const struct target *target, struct operation *operation,
                          struct verdict *verdict)
{
    const struct git_host_route *route = find_route(kind, plain_suffix, method);
    struct bytes name, suffix;

    operation->kind = route                                               ? route->kind
                      : bytes_start_with(plain_suffix, BYTES("info/lfs")) ? OPERATION_LFS_BATCH
                                                                          : OPERATION_FETCH_REFS;
    if (!cut_suffix(kind, raw, &name, &suffix) || plain_path_encoded(suffix))
        return malformed(verdict, "percent-encoding, or letters in another case, where git and git-lfs write none");
    if (!read_name(kind, name, operation))
        return malformed(verdict, "the repository is not a name that its host allows");
    if (!route) {
        verdict_set(verdict, operation->kind == OPERATION_LFS_BATCH ? REASON_LFS_MALFORMED : REASON_DUMB_PROTOCOL,
                    "neither git nor git-lfs asks for this below a repository");
        verdict->status = operation->kind == OPERATION_LFS_BATCH ? 404 : verdict->status;
        return false;
    }
    if (!suffix_match(route->suffix, suffix))
        return malformed(verdict, "the path below the repository is not written as git writes it");
    return read_route(kind, route, method, target, operation, verdict);
}

bool git_host_route_parse(const struct git_host *host, enum head_method method, const struct target *target,
                          struct operation *ret_operation, struct verdict *ret_verdict)
{
    const struct git_host_kind *kind = git_host_kind(host->type);
    struct bytes name, suffix;
    struct plain_path path;
    bool read = true;

    *ret_operation = (struct operation){
        .kind = OPERATION_PAGE,
        .host = host,
        .endpoint = GITHUB_ENDPOINT_WEB,
        .reads = method == METHOD_GET || method == METHOD_HEAD,
    };
    if (target->form == TARGET_ASTERISK)
        return verdict_set(ret_verdict, REASON_NAME_MALFORMED, "the target `*` names nothing that a git host serves");
    plain_path_init(&path, target->path);
    if (cut_suffix(kind, path.plain, &name, &suffix))
        read = read_git_path(kind, suffix, path.raw, method, target, ret_operation, ret_verdict);
    plain_path_clear(&path);
    if (read && (method == METHOD_OTHER || method == METHOD_CONNECT))
        return verdict_set(ret_verdict, REASON_METHOD, NULL);
    return read;
}
