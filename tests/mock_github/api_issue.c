// Issues and pull requests.
#include "api.h"

#include "git_command.h"
#include "mock_setting.h"

static void give_list(const struct api_request *request, struct api_answer *answer, json_t *list, const char *what)
{
    char *state = call_query(request->call, "state");
    const char *wanted = state ? state : "open";
    json_t *fitting = json_array();
    char *path = mock_text_format("/repositories/%llu/%s", (unsigned long long)request->repository->id, what);
    size_t i;
    json_t *item;

    // Newest first, as the API sorts.
    for (i = json_array_size(list); i > 0; i--) {
        item = json_array_get(list, i - 1);
        if (strcmp(wanted, "all") == 0 || strcmp(wanted, json_string_value(json_object_get(item, "state"))) == 0)
            json_array_append(fitting, item);
    }
    api_give(answer, 200, api_page(request, answer, fitting, path));
    free(path);
    free(state);
}

static json_t *find(json_t *list, int64_t number)
{
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item) {
        if (json_integer_value(json_object_get(item, "number")) == number)
            return item;
    }
    return NULL;
}

static json_t *find_of_path(const struct api_request *request, json_t *list)
{
    return find(list, atoll(request->call->segments[request->rest + 1]));
}

// What issues and pull requests have in common.
static json_t *make_item(const struct api_request *request, const char *kind, const char *title, const char *body)
{
    struct repository *repository = request->repository;
    char *name = world_full_name(repository);
    char *actor = principal_login(&request->who);
    int64_t number = repository->next_number++;
    const struct virtual_host *host = request->call->host;
    char when[32];
    json_t *json;

    mock_setting_format_time(mock_setting_now(), when, sizeof(when));
    json = json_pack("{s:I,s:I,s:o,s:s,s:s,s:s,s:{s:s},s:[],s:s,s:s,s:o,s:o}", "id",
                     (json_int_t)(repository->id * 1000 + (uint64_t)number), "number", (json_int_t)number, "node_id",
                     json_sprintf("%c_%llu_%lld", kind[0], (unsigned long long)repository->id, (long long)number),
                     "title", title, "body", body ? body : "", "state", "open", "user", "login", actor, "labels",
                     "created_at", when, "updated_at", when, "html_url",
                     json_sprintf("https://%s/%s/%s/%lld", host->web, name, strcmp(kind, "pulls") == 0 ? "pull" : kind,
                                  (long long)number),
                     "url", json_sprintf("%s/repos/%s/%s/%lld", host->api_url, name, kind, (long long)number));
    free(actor);
    free(name);
    return json;
}

void api_list_issues(const struct api_request *request, struct api_answer *answer)
{
    give_list(request, answer, request->repository->issues, "issues");
}

json_t *api_make_issue(const struct api_request *request, const char *title, const char *body)
{
    json_t *issue = make_item(request, "issues", title, body);

    json_array_append(request->repository->issues, issue);
    return issue;
}

void api_create_issue(const struct api_request *request, struct api_answer *answer)
{
    const char *title = api_string(request, "title");

    if (title)
        api_give(answer, 201, api_make_issue(request, title, api_string(request, "body")));
    else
        api_fail(answer, 422, "Validation Failed");
}

static void give_item(struct api_answer *answer, json_t *item)
{
    if (item)
        api_give(answer, 200, json_incref(item));
    else
        api_fail(answer, 404, "Not Found");
}

void api_get_issue(const struct api_request *request, struct api_answer *answer)
{
    give_item(answer, find_of_path(request, request->repository->issues));
}

static void update_item(const struct api_request *request, struct api_answer *answer, json_t *item)
{
    static const char *const keys[] = {"title", "body", "state"};

    for (size_t i = 0; item && i < GL_ARRAY_SIZE(keys); i++) {
        if (api_string(request, keys[i]))
            json_object_set(item, keys[i], json_object_get(request->body, keys[i]));
    }
    give_item(answer, item);
}

void api_update_issue(const struct api_request *request, struct api_answer *answer)
{
    update_item(request, answer, find_of_path(request, request->repository->issues));
}

// The comments of the issue or pull request that the path names, made where there are none yet; NULL: no such
// thing.
static json_t *comments_of_path(const struct api_request *request)
{
    const char *number = request->call->segments[request->rest + 1];
    json_t *comments = json_object_get(request->repository->comments, number);

    if (!comments &&
        (find_of_path(request, request->repository->issues) || find_of_path(request, request->repository->pulls))) {
        comments = json_array();
        json_object_set_new(request->repository->comments, number, comments);
    }
    return comments;
}

void api_list_comments(const struct api_request *request, struct api_answer *answer)
{
    give_item(answer, comments_of_path(request));
}

void api_create_comment(const struct api_request *request, struct api_answer *answer)
{
    json_t *comments = comments_of_path(request);
    const char *body = api_string(request, "body");
    char *actor = principal_login(&request->who);
    json_t *comment;

    if (!comments) {
        api_fail(answer, 404, "Not Found");
    } else if (!body) {
        api_fail(answer, 422, "Validation Failed");
    } else {
        comment = json_pack("{s:I,s:s,s:{s:s}}", "id", (json_int_t)json_array_size(comments) + 1, "body", body, "user",
                            "login", actor);
        json_array_append(comments, comment);
        api_give(answer, 201, comment);
    }
    free(actor);
}

// The branch of "branch" or "owner:branch".
static const char *branch_of(const char *label)
{
    const char *colon = strchr(label, ':');

    return colon ? colon + 1 : label;
}

// One side of a pull request; NULL where there is no such branch.
static json_t *describe_side(const struct api_request *request, const char *label)
{
    const char *branch = branch_of(label);
    char *ref = mock_text_format("refs/heads/%s", branch);
    char *oid = git_command_line(request->repository->directory, GIT_ARGUMENTS("rev-parse", "-q", "--verify", ref));
    json_t *side = NULL;

    if (oid)
        side = json_pack("{s:s,s:o,s:s,s:o}", "ref", branch, "label",
                         json_sprintf("%s:%s", request->repository->owner->login, branch), "sha", oid, "repo",
                         api_repository(request, request->repository));
    free(oid);
    free(ref);
    return side;
}

static void link_head(const struct repository *repository, json_t *pull)
{
    char *ref = mock_text_format("refs/pull/%lld/head", (long long)json_integer_value(json_object_get(pull, "number")));
    const char *oid = json_string_value(json_object_get(json_object_get(pull, "head"), "sha"));

    git_command_run(repository->directory, GIT_ARGUMENTS("update-ref", ref, oid), NULL, NULL);
    free(ref);
}

json_t *api_make_pull(const struct api_request *request, const char *title, const char *body, const char *head,
                      const char *base, bool draft)
{
    json_t *from = head ? describe_side(request, head) : NULL;
    json_t *onto = base ? describe_side(request, base) : NULL;
    json_t *pull = NULL;

    if (title && from && onto && strcmp(branch_of(head), branch_of(base)) != 0) {
        pull = make_item(request, "pulls", title, body);
        json_object_set(pull, "head", from);
        json_object_set(pull, "base", onto);
        json_object_set_new(pull, "draft", json_boolean(draft));
        json_object_set_new(pull, "merged", json_false());
        json_object_set_new(pull, "mergeable", json_true());
        json_array_append(request->repository->pulls, pull);
        link_head(request->repository, pull);
    }
    json_decref(from);
    json_decref(onto);
    return pull;
}

void api_list_pulls(const struct api_request *request, struct api_answer *answer)
{
    give_list(request, answer, request->repository->pulls, "pulls");
}

void api_create_pull(const struct api_request *request, struct api_answer *answer)
{
    json_t *pull =
        api_make_pull(request, api_string(request, "title"), api_string(request, "body"), api_string(request, "head"),
                      api_string(request, "base"), json_is_true(json_object_get(request->body, "draft")));

    if (pull)
        api_give(answer, 201, pull);
    else
        api_fail(answer, 422, "Validation Failed");
}

void api_get_pull(const struct api_request *request, struct api_answer *answer)
{
    give_item(answer, find_of_path(request, request->repository->pulls));
}

void api_update_pull(const struct api_request *request, struct api_answer *answer)
{
    update_item(request, answer, find_of_path(request, request->repository->pulls));
}
