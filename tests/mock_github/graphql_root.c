// The fields of Query and Mutation.
#include "graphql.h"

static const char *string_of(json_t *arguments, const char *key)
{
    const char *value = json_string_value(json_object_get(arguments, key));

    return value ? value : "";
}

static json_t *find_repository(struct graphql_execution *execution, json_t *arguments)
{
    const char *owner = string_of(arguments, "owner");
    const char *name = string_of(arguments, "name");
    bool renamed;
    struct repository *repository = world_repository(bytes_of_string(owner), bytes_of_string(name), &renamed);
    char *message;

    if (repository && principal_access(&execution->request->who, repository, "metadata", 1) == ACCESS_YES)
        return graphql_repository(execution->request, repository);
    message = mock_text_format("Could not resolve to a Repository with the name '%s/%s'.", owner, name);
    graphql_error(execution, "NOT_FOUND", message);
    free(message);
    return NULL;
}

static json_t *viewer(struct graphql_execution *execution, json_t *arguments)
{
    const struct principal *who = &execution->request->who;
    char *login;
    json_t *json;

    if (who->token->user)
        return graphql_account(who->token->user);
    login = app_login(who->app);
    json = json_pack("{s:s,s:s,s:s,s:s}", "__typename", "User", "id", "BOT_1", "login", login, "name", who->app->slug);
    free(login);
    return json;
}

static json_t *find_account(struct graphql_execution *execution, json_t *arguments)
{
    struct account *account = world_account(string_of(arguments, "login"));

    if (account)
        return graphql_account(account);
    graphql_error(execution, "NOT_FOUND", "Could not resolve to an account with that login.");
    return NULL;
}

static json_t *find_owner(struct graphql_execution *execution, json_t *arguments)
{
    json_t *json = find_account(execution, arguments);
    struct account *account = world_account(string_of(arguments, "login"));
    json_t *nodes = json_array();

    for (struct repository *one = world_repository_list(); json && one; one = one->next) {
        if (one->owner == account && !one->deleted &&
            principal_access(&execution->request->who, one, "metadata", 1) == ACCESS_YES)
            json_array_append_new(nodes, graphql_repository(execution->request, one));
    }
    if (json)
        json_object_set_new(json, "repositories", graphql_connection(nodes));
    else
        json_decref(nodes);
    return json;
}

// Nothing is ever found: `gh pr status` is content with that.
static json_t *search(struct graphql_execution *execution, json_t *arguments)
{
    json_t *found = graphql_connection(json_array());

    json_object_set_new(found, "issueCount", json_integer(0));
    return found;
}

// gh looks here for what a GitHub can do; what is not listed it does without.
static json_t *describe_type(struct graphql_execution *execution, json_t *arguments)
{
    return json_pack("{s:s,s:s,s:[],s:[],s:[]}", "__typename", "__Type", "name", string_of(arguments, "name"), "fields",
                     "enumValues", "inputFields");
}

static json_t *rate_limit(struct graphql_execution *execution, json_t *arguments)
{
    return json_pack("{s:s,s:i,s:i,s:i}", "__typename", "RateLimit", "limit", 5000, "remaining", 4999, "cost", 1);
}

static const struct {
    const char *name;
    json_t *(*resolve)(struct graphql_execution *execution, json_t *arguments);
} fields[] = {
    {"repositoryOwner", find_owner}, {"search", search},     {"repository", find_repository}, {"viewer", viewer},
    {"organization", find_account},  {"user", find_account}, {"__type", describe_type},       {"rateLimit", rate_limit},
};

json_t *graphql_root_field(struct graphql_execution *execution, const char *name, json_t *arguments)
{
    char *message;

    for (size_t i = 0; i < GL_ARRAY_SIZE(fields); i++) {
        if (strcmp(fields[i].name, name) == 0)
            return fields[i].resolve(execution, arguments);
    }
    message = mock_text_format("Field '%s' doesn't exist on type 'Query'", name);
    graphql_error(execution, "undefinedField", message);
    free(message);
    return NULL;
}

// The repository of a mutation's "repositoryId", where the caller may do this there. The error is written.
static struct repository *repository_to_change(struct graphql_execution *execution, json_t *input,
                                               const char *permission)
{
    const char *id = string_of(input, "repositoryId");
    struct repository *repository =
        strncmp(id, "R_", 2) == 0 ? world_repository_by_id(strtoull(id + 2, NULL, 10)) : NULL;
    enum access access =
        repository ? principal_access(&execution->request->who, repository, permission, 2) : ACCESS_HIDDEN;

    if (access == ACCESS_HIDDEN)
        graphql_error(execution, "NOT_FOUND", "Could not resolve to a node with the global id.");
    else if (access == ACCESS_NOT_GRANTED)
        graphql_error(execution, "FORBIDDEN", "Resource not accessible by integration");
    return access == ACCESS_YES ? repository : NULL;
}

static json_t *create_pull(struct graphql_execution *execution, json_t *input)
{
    struct api_request request = *execution->request;
    json_t *pull;
    json_t *shown;

    request.repository = repository_to_change(execution, input, "pull_requests");
    if (!request.repository)
        return NULL;
    pull = api_make_pull(&request, string_of(input, "title"), string_of(input, "body"), string_of(input, "headRefName"),
                         string_of(input, "baseRefName"), json_is_true(json_object_get(input, "draft")));
    if (!pull) {
        graphql_error(execution, "UNPROCESSABLE",
                      "Head sha can't be blank, Base sha can't be blank, Head ref must be a branch");
        return NULL;
    }
    shown = graphql_pull(request.repository, pull);
    json_decref(pull);
    return json_pack("{s:s,s:o}", "__typename", "CreatePullRequestPayload", "pullRequest", shown);
}

static json_t *create_issue(struct graphql_execution *execution, json_t *input)
{
    struct api_request request = *execution->request;
    json_t *issue;
    json_t *shown;

    request.repository = repository_to_change(execution, input, "issues");
    if (!request.repository)
        return NULL;
    issue = api_make_issue(&request, string_of(input, "title"), string_of(input, "body"));
    shown = graphql_issue(issue);
    json_decref(issue);
    return json_pack("{s:s,s:o}", "__typename", "CreateIssuePayload", "issue", shown);
}

json_t *graphql_mutation(struct graphql_execution *execution, const char *name, json_t *input)
{
    char *message;

    if (strcmp(name, "createPullRequest") == 0)
        return create_pull(execution, input);
    if (strcmp(name, "createIssue") == 0)
        return create_issue(execution, input);
    message = mock_text_format("Field '%s' doesn't exist on type 'Mutation'", name);
    graphql_error(execution, "undefinedField", message);
    free(message);
    return NULL;
}
