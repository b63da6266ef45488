// The objects and fields of GitHub's schema that gh asks for.
#include "graphql.h"

#include "git_command.h"

#define CREATED "2024-01-01T00:00:00Z"

static json_t *get(json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);

    return value ? json_incref(value) : json_null();
}

json_t *graphql_account(const struct account *account)
{
    return json_pack("{s:s,s:o,s:I,s:s,s:s,s:s}", "__typename", account->organization ? "Organization" : "User", "id",
                     json_sprintf("U_%llu", (unsigned long long)account->id), "databaseId", (json_int_t)account->id,
                     "login", account->login, "name", account->login, "email", "");
}

json_t *graphql_connection(json_t *nodes)
{
    json_t *edges = json_array();
    size_t i;
    json_t *node;

    json_array_foreach(nodes, i, node)
        json_array_append_new(edges, json_pack("{s:O,s:s}", "node", node, "cursor", ""));
    return json_pack("{s:I,s:o,s:o,s:{s:b,s:b,s:s}}", "totalCount", (json_int_t)json_array_size(nodes), "nodes", nodes,
                     "edges", edges, "pageInfo", "hasNextPage", 0, "hasPreviousPage", 0, "endCursor", "");
}

static json_t *branch_ref(const struct repository *repository, const char *branch)
{
    char *ref = mock_text_format("refs/heads/%s", branch);
    char *oid = git_command_line(repository->directory, GIT_ARGUMENTS("rev-parse", "-q", "--verify", ref));
    json_t *json = oid ? json_pack("{s:s,s:s,s:s,s:s,s:{s:s,s:s}}", "__typename", "Ref", "id", ref, "name", branch,
                                   "prefix", "refs/heads/", "target", "__typename", "Commit", "oid", oid)
                       : NULL;

    free(oid);
    free(ref);
    return json;
}

static const char *viewer_permission(const struct api_request *request, const struct repository *repository)
{
    if (principal_access(&request->who, repository, "contents", 2) != ACCESS_YES)
        return "READ";
    return request->who.kind == PRINCIPAL_USER ? "ADMIN" : "WRITE";
}

static void add_flags(json_t *json, const struct repository *repository)
{
    static const char *const yes[] = {"hasIssuesEnabled", "hasWikiEnabled", "mergeCommitAllowed", "rebaseMergeAllowed",
                                      "squashMergeAllowed"};
    static const char *const no[] = {
        "isFork",          "isArchived",          "isEmpty",          "isTemplate",          "isMirror",
        "isLocked",        "deleteBranchOnMerge", "autoMergeAllowed", "viewerCanAdminister", "hasProjectsEnabled",
        "viewerHasStarred"};
    static const char *const nothing[] = {"parent",        "templateRepository", "licenseInfo",  "homepageUrl",
                                          "latestRelease", "primaryLanguage",    "codeOfConduct"};

    for (size_t i = 0; i < GL_ARRAY_SIZE(yes); i++)
        json_object_set_new(json, yes[i], json_true());
    for (size_t i = 0; i < GL_ARRAY_SIZE(no); i++)
        json_object_set_new(json, no[i], json_false());
    for (size_t i = 0; i < GL_ARRAY_SIZE(nothing); i++)
        json_object_set_new(json, nothing[i], json_null());
    json_object_set_new(json, "isPrivate", json_boolean(repository->private));
    json_object_set_new(json, "isInOrganization", json_boolean(repository->owner->organization));
}

json_t *graphql_repository(const struct api_request *request, const struct repository *repository)
{
    const char *web = request->call->host->web;
    char *name = world_full_name(repository);
    char *branch = world_default_branch(repository);
    json_t *json = json_pack(
        "{s:s,s:o,s:I,s:s,s:s,s:o,s:s,s:s,s:s,s:o,s:o,s:o*,s:s,s:s,s:s,s:i,s:i,s:i,s:[],s:[]}", "__typename",
        "Repository", "id", json_sprintf("R_%llu", (unsigned long long)repository->id), "databaseId",
        (json_int_t)repository->id, "name", repository->name, "nameWithOwner", name, "owner",
        graphql_account(repository->owner), "description", repository->description, "viewerPermission",
        viewer_permission(request, repository), "visibility", repository->private ? "PRIVATE" : "PUBLIC", "url",
        json_sprintf("https://%s/%s", web, name), "sshUrl", json_sprintf("git@%s:%s.git", web, name),
        "defaultBranchRef", branch_ref(repository, branch), "createdAt", CREATED, "updatedAt", CREATED, "pushedAt",
        CREATED, "stargazerCount", 0, "forkCount", 0, "diskUsage", 1, "pullRequestTemplates", "issueTemplates");

    add_flags(json, repository);
    free(branch);
    free(name);
    return json;
}

static const char *state_of(json_t *item)
{
    const char *state = json_string_value(json_object_get(item, "state"));

    return state && strcmp(state, "closed") == 0 ? "CLOSED" : "OPEN";
}

// What issues and pull requests have in common.
static json_t *describe_item(const char *type, json_t *item)
{
    static const char *const lists[] = {"labels",  "assignees",     "reviewRequests", "projectCards", "comments",
                                        "reviews", "latestReviews", "projectItems",   "files",        "commits"};
    json_t *json =
        json_pack("{s:s,s:o,s:o,s:o,s:o,s:s,s:b,s:o,s:o,s:o,s:{s:s,s:o},s:n}", "__typename", type, "id",
                  get(item, "node_id"), "number", get(item, "number"), "title", get(item, "title"), "body",
                  get(item, "body"), "state", state_of(item), "closed", strcmp(state_of(item), "CLOSED") == 0, "url",
                  get(item, "html_url"), "createdAt", get(item, "created_at"), "updatedAt", get(item, "updated_at"),
                  "author", "__typename", "Bot", "login", get(json_object_get(item, "user"), "login"), "milestone");

    for (size_t i = 0; i < GL_ARRAY_SIZE(lists); i++)
        json_object_set_new(json, lists[i], graphql_connection(json_array()));
    return json;
}

json_t *graphql_issue(json_t *issue)
{
    return describe_item("Issue", issue);
}

json_t *graphql_pull(const struct repository *repository, json_t *pull)
{
    json_t *json = describe_item("PullRequest", pull);
    json_t *head = json_object_get(pull, "head");
    json_t *base = json_object_get(pull, "base");
    char *name = world_full_name(repository);

    json_object_set_new(json, "headRefName", get(head, "ref"));
    json_object_set_new(json, "headRefOid", get(head, "sha"));
    json_object_set_new(json, "baseRefName", get(base, "ref"));
    json_object_set_new(json, "headRepositoryOwner", graphql_account(repository->owner));
    json_object_set_new(json, "headRepository",
                        json_pack("{s:s,s:o,s:s,s:s}", "__typename", "Repository", "id",
                                  json_sprintf("R_%llu", (unsigned long long)repository->id), "name", repository->name,
                                  "nameWithOwner", name));
    json_object_set_new(json, "isCrossRepository", json_false());
    json_object_set_new(json, "isDraft", get(pull, "draft"));
    json_object_set_new(json, "maintainerCanModify", json_false());
    json_object_set_new(json, "mergeable", json_string("MERGEABLE"));
    json_object_set_new(json, "mergeStateStatus", json_string("CLEAN"));
    json_object_set_new(json, "reviewDecision", json_string(""));
    json_object_set_new(json, "additions", json_integer(0));
    json_object_set_new(json, "deletions", json_integer(0));
    json_object_set_new(json, "changedFiles", json_integer(0));
    free(name);
    return json;
}

// Whether an item's state is among `states` (a list, one word, or null for any).
static bool has_state(json_t *item, json_t *states)
{
    size_t i;
    json_t *state;

    if (json_is_string(states))
        return strcmp(json_string_value(states), state_of(item)) == 0;
    json_array_foreach(states, i, state) {
        if (strcmp(json_string_value(state), state_of(item)) == 0)
            return true;
    }
    return !json_is_array(states);
}

static bool has_ref(json_t *pull, const char *side, json_t *wanted)
{
    const char *ref = json_string_value(json_object_get(json_object_get(pull, side), "ref"));

    return !json_is_string(wanted) || strcmp(json_string_value(wanted), ref) == 0;
}

static json_t *list_pulls(const struct repository *repository, json_t *arguments)
{
    json_t *nodes = json_array();

    for (size_t i = json_array_size(repository->pulls); i > 0; i--) {
        json_t *pull = json_array_get(repository->pulls, i - 1);

        if (has_state(pull, json_object_get(arguments, "states")) &&
            has_ref(pull, "head", json_object_get(arguments, "headRefName")) &&
            has_ref(pull, "base", json_object_get(arguments, "baseRefName")))
            json_array_append_new(nodes, graphql_pull(repository, pull));
    }
    return graphql_connection(nodes);
}

static json_t *list_issues(const struct repository *repository, json_t *arguments)
{
    json_t *nodes = json_array();

    for (size_t i = json_array_size(repository->issues); i > 0; i--) {
        json_t *issue = json_array_get(repository->issues, i - 1);

        if (has_state(issue, json_object_get(arguments, "states")))
            json_array_append_new(nodes, graphql_issue(issue));
    }
    return graphql_connection(nodes);
}

static json_t *find_number(json_t *list, json_t *arguments)
{
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item) {
        if (json_integer_value(json_object_get(item, "number")) ==
            json_integer_value(json_object_get(arguments, "number")))
            return item;
    }
    return NULL;
}

static json_t *one_pull(const struct repository *repository, json_t *arguments)
{
    json_t *pull = find_number(repository->pulls, arguments);

    return pull ? graphql_pull(repository, pull) : NULL;
}

static json_t *one_issue(const struct repository *repository, json_t *arguments)
{
    json_t *issue = find_number(repository->issues, arguments);

    return issue ? graphql_issue(issue) : one_pull(repository, arguments);
}

static json_t *one_ref(const struct repository *repository, json_t *arguments)
{
    const char *name = json_string_value(json_object_get(arguments, "qualifiedName"));

    if (name && strncmp(name, "refs/heads/", 11) == 0)
        name += 11;
    return name ? branch_ref(repository, name) : NULL;
}

static json_t *no_items(const struct repository *repository, json_t *arguments)
{
    return graphql_connection(json_array());
}

static const struct {
    const char *name;
    const char *permission;
    json_t *(*resolve)(const struct repository *repository, json_t *arguments);
} repository_fields[] = {
    {"pullRequests", "pull_requests", list_pulls},
    {"pullRequest", "pull_requests", one_pull},
    {"issues", "issues", list_issues},
    {"issue", "issues", one_issue},
    {"issueOrPullRequest", "issues", one_issue},
    {"ref", "contents", one_ref},
    {"labels", "metadata", no_items},
    {"milestones", "metadata", no_items},
    {"assignableUsers", "metadata", no_items},
    {"projects", "metadata", no_items},
    {"projectsV2", "metadata", no_items},
    {"releases", "contents", no_items},
    {"languages", "metadata", no_items},
    {"repositoryTopics", "metadata", no_items},
    {"watchers", "metadata", no_items},
    {"fundingLinks", "metadata", no_items},
};

json_t *graphql_repository_field(struct graphql_execution *execution, const struct repository *repository,
                                 const char *name, json_t *arguments)
{
    for (size_t i = 0; repository && i < GL_ARRAY_SIZE(repository_fields); i++) {
        if (strcmp(repository_fields[i].name, name) != 0)
            continue;
        if (principal_access(&execution->request->who, repository, repository_fields[i].permission, 1) != ACCESS_YES) {
            graphql_error(execution, "FORBIDDEN", "Resource not accessible by integration");
            return NULL;
        }
        return repository_fields[i].resolve(repository, arguments);
    }
    return NULL;
}
