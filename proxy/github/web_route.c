#include "web_route.h"

#include "credential_endpoint.h"
#include "glob.h"
#include "service_query.h"

static bool web_route_malformed(struct verdict *verdict, const char *what)
{
    return verdict_set(verdict, REASON_NAME_MALFORMED, "%s", what);
}

// What git and git-lfs ask for below a repository.
struct git_route {
    const char *suffix; // a glob over what stands below the repository
    enum operation_kind kind;
    enum head_method method; // METHOD_GET stands for HEAD, too
    bool dot_git;            // only where the name ends in `.git`; elsewhere it is a page
    enum reason refused;     // with any method; REASON_NONE: served
    const char *sentence;    // of the refusal; NULL: the reason's meaning
};

static const struct git_route git_routes[] = {
    {"info/refs", OPERATION_FETCH_REFS, METHOD_GET},
    {"git-upload-pack", OPERATION_FETCH, METHOD_POST},
    {"git-receive-pack", OPERATION_PUSH, METHOD_POST},
    {"git-upload-archive", OPERATION_FETCH, .refused = REASON_UPLOAD_ARCHIVE},
    {"info/lfs/objects/batch", OPERATION_LFS_BATCH, METHOD_POST},
    {"info/lfs/locks", OPERATION_LFS_LOCKS, METHOD_GET},
    {"info/lfs/locks", OPERATION_LFS_LOCK, METHOD_POST},
    {"info/lfs/locks/verify", OPERATION_LFS_LOCKS_VERIFY, METHOD_POST},
    {"info/lfs/locks/*/unlock", OPERATION_LFS_UNLOCK, METHOD_POST},
    {"info/lfs/**", OPERATION_LFS_BATCH, .refused = REASON_LFS_MALFORMED,
     .sentence = "GitHub has no such Git LFS route"},
    {"HEAD", OPERATION_FETCH_REFS, .dot_git = true, .refused = REASON_DUMB_PROTOCOL},
    {"objects/**", OPERATION_FETCH_REFS, .dot_git = true, .refused = REASON_DUMB_PROTOCOL},
};

// The route of a suffix, with this method if there is one; NULL: it is a page.
static const struct git_route *find_git_route(struct bytes suffix, bool dot_git, enum head_method method)
{
    const struct git_route *found = NULL;

    for (size_t i = 0; i < GL_ARRAY_SIZE(git_routes); i++) {
        const struct git_route *route = &git_routes[i];

        if ((route->dot_git && !dot_git) || !glob_match_nocase(bytes_of_string(route->suffix), suffix))
            continue;
        if (route->refused == REASON_NONE && route->method == (method == METHOD_HEAD ? METHOD_GET : method))
            return route;
        if (!found)
            found = route;
    }
    return found;
}

// The repository of a web path; of a wiki's name, the one that the wiki belongs to.
static bool web_route_parse_repository(struct operation *operation, struct bytes owner, struct bytes name)
{
    struct repository_name repository;
    struct bytes plain;

    if (!repository_name_parse(owner, name, &repository))
        return false;
    plain = bytes_of_string(repository.name);
    if (bytes_end_with(plain, BYTES(".wiki")) && plain.size > BYTES(".wiki").size) {
        repository.name[plain.size - BYTES(".wiki").size] = '\0';
        operation->wiki = true;
    }
    operation->repository = repository;
    return true;
}

static bool refuse_route(const struct git_route *route, struct verdict *verdict)
{
    verdict_set(verdict, route->refused, route->sentence ? "%s" : NULL, route->sentence);
    if (route->refused == REASON_LFS_MALFORMED)
        verdict->status = 404;
    return false;
}

static bool parse_git_route(struct operation *operation, const struct git_route *route, const struct plain_path *path,
                            enum head_method method, const struct target *target, struct verdict *verdict)
{
    bool reads = method == METHOD_GET || method == METHOD_HEAD;
    struct bytes owner, name, suffix, rest;

    operation->kind = route->kind;
    if (plain_path_encoded(path->raw))
        return web_route_malformed(verdict, "percent-encoding in the path of a repository");
    bytes_cut(path->raw, '/', &owner, &rest);
    bytes_cut(rest, '/', &name, &suffix);
    if (!web_route_parse_repository(operation, owner, name))
        return web_route_malformed(verdict, "the owner or the repository is not a name that GitHub allows");
    if (!glob_match(bytes_of_string(route->suffix), suffix))
        return web_route_malformed(verdict, "the path below the repository is not written as git writes it");
    if (route->refused)
        return refuse_route(route, verdict);
    if (route->method == METHOD_GET ? !reads : method != route->method)
        return verdict_set(verdict, REASON_METHOD, "this is asked for with %s alone",
                           route->method == METHOD_GET ? "GET" : "POST");
    // No git sends one, and a server could take a parameter for what the body says.
    if (route->method == METHOD_POST && target->query.size)
        return web_route_malformed(verdict, "a query where git and git-lfs send none");
    return route->kind != OPERATION_FETCH_REFS || service_query_parse(target->query, &operation->kind, verdict);
}

// Paths of an Enterprise Server that stand for the object hosts of github.com.
static bool is_object_path(struct bytes plain)
{
    static const char *const patterns[] = {"storage/**", "_codeload/**", "raw/**", "media/**"};

    for (size_t i = 0; i < GL_ARRAY_SIZE(patterns); i++)
        if (glob_match(bytes_of_string(patterns[i]), plain))
            return true;
    return false;
}

bool web_route_parse_page(struct operation *operation, const struct plain_path *path, enum head_method method,
                          struct verdict *ret_verdict)
{
    struct bytes owner, name, rest;

    operation->kind = OPERATION_PAGE;
    if (credential_endpoint_names(path->plain, method))
        return credential_endpoint_refuse(path->plain, ret_verdict);
    operation->object =
        github_host_of(operation->host)->flavor == GITHUB_ENTERPRISE_SERVER && is_object_path(path->plain);
    bytes_cut(path->raw, '/', &owner, &rest);
    bytes_cut(rest, '/', &name, &rest);
    if (!web_route_parse_repository(operation, owner, name))
        operation->repository = (struct repository_name){0}; // a page need not lie under a repository
    return true;
}

bool web_route_parse(struct operation *operation, const struct plain_path *path, enum head_method method,
                     const struct target *target, struct verdict *ret_verdict)
{
    struct bytes owner, name, suffix, rest;
    const struct git_route *route = NULL;

    bytes_cut(path->plain, '/', &owner, &rest);
    bytes_cut(rest, '/', &name, &suffix);
    // Nobody is called `login`: GitHub keeps the name for itself.
    if (suffix.size && !bytes_equal(owner, BYTES("login")))
        route = find_git_route(suffix, bytes_end_with(name, BYTES(".git")), method);
    if (route)
        return parse_git_route(operation, route, path, method, target, ret_verdict);
    return web_route_parse_page(operation, path, method, ret_verdict);
}
