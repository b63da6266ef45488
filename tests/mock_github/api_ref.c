// Refs, branches, commits and comparisons of a repository.
#include "api.h"

#include "git_command.h"
#include "signed_url.h"

// "refs/heads/main" of /git/ref/heads/main; owned by the caller.
static char *ref_of_path(const struct api_request *request)
{
    char *rest = call_path_from(request->call, request->rest + 2);
    char *ref = mock_text_format("refs/%s", rest);

    free(rest);
    return ref;
}

static json_t *describe_ref(const struct api_request *request, const char *ref, const char *oid)
{
    char *name = world_full_name(request->repository);
    const char *base = request->call->host->api_url;
    char *type = git_command_line(request->repository->directory, GIT_ARGUMENTS("cat-file", "-t", oid));
    json_t *json =
        json_pack("{s:s,s:s,s:o,s:{s:s,s:s,s:o}}", "ref", ref, "node_id", ref, "url",
                  json_sprintf("%s/repos/%s/git/%s", base, name, ref), "object", "sha", oid, "type",
                  type ? type : "commit", "url", json_sprintf("%s/repos/%s/git/commits/%s", base, name, oid));

    free(type);
    free(name);
    return json;
}

static char *oid_of(const struct api_request *request, const char *name)
{
    return git_command_line(request->repository->directory,
                            GIT_ARGUMENTS("rev-parse", "-q", "--verify", "--end-of-options", name));
}

void api_get_ref(const struct api_request *request, struct api_answer *answer)
{
    char *ref = ref_of_path(request);
    char *oid = oid_of(request, ref);

    if (oid)
        api_give(answer, 200, describe_ref(request, ref, oid));
    else
        api_fail(answer, 404, "Not Found");
    free(oid);
    free(ref);
}

void api_create_ref(const struct api_request *request, struct api_answer *answer)
{
    const char *ref = api_string(request, "ref");
    const char *oid = api_string(request, "sha");

    if (ref && oid && strncmp(ref, "refs/", 5) == 0 &&
        git_command_run(request->repository->directory,
                        GIT_ARGUMENTS("update-ref", ref, oid, "0000000000000000000000000000000000000000"), NULL, NULL))
        api_give(answer, 201, describe_ref(request, ref, oid));
    else
        api_fail(answer, 422, "Reference already exists");
}

void api_update_ref(const struct api_request *request, struct api_answer *answer)
{
    char *ref = ref_of_path(request);
    char *old = oid_of(request, ref);
    const char *oid = api_string(request, "sha");

    if (old && oid &&
        git_command_run(request->repository->directory, GIT_ARGUMENTS("update-ref", ref, oid), NULL, NULL))
        api_give(answer, 200, describe_ref(request, ref, oid));
    else
        api_fail(answer, 422, "Reference does not exist");
    free(old);
    free(ref);
}

void api_delete_ref(const struct api_request *request, struct api_answer *answer)
{
    char *ref = ref_of_path(request);
    char *old = oid_of(request, ref);

    if (old && git_command_run(request->repository->directory, GIT_ARGUMENTS("update-ref", "-d", ref), NULL, NULL))
        answer->status = 204;
    else
        api_fail(answer, 422, "Reference does not exist");
    free(old);
    free(ref);
}

// What for-each-ref finds under `prefix`, each told by its short name and commit.
static json_t *list_refs(const struct api_request *request, const char *prefix)
{
    struct mock_text output = {0};
    struct bytes rest;
    struct bytes line;
    struct bytes oid;
    struct bytes name;
    json_t *list = json_array();

    git_command_run(request->repository->directory,
                    GIT_ARGUMENTS("for-each-ref", "--format=%(objectname) %(refname:strip=2)", prefix), NULL, &output);
    rest = bytes_of(output.data, output.size);
    while (bytes_cut(rest, '\n', &line, &rest)) {
        bytes_cut(line, ' ', &oid, &name);
        json_array_append_new(list, json_pack("{s:o,s:{s:o},s:b}", "name", json_stringn(name.data, name.size), "commit",
                                              "sha", json_stringn(oid.data, oid.size), "protected", 0));
    }
    mock_text_free(&output);
    return list;
}

static void give_list(const struct api_request *request, struct api_answer *answer, json_t *list, const char *what)
{
    char *path = mock_text_format("/repositories/%llu/%s", (unsigned long long)request->repository->id, what);

    api_give(answer, 200, api_page(request, answer, list, path));
    free(path);
}

void api_list_branches(const struct api_request *request, struct api_answer *answer)
{
    give_list(request, answer, list_refs(request, "refs/heads"), "branches");
}

void api_list_tags(const struct api_request *request, struct api_answer *answer)
{
    give_list(request, answer, list_refs(request, "refs/tags"), "tags");
}

void api_get_branch(const struct api_request *request, struct api_answer *answer)
{
    char *name = call_path_from(request->call, request->rest + 1);
    char *ref = mock_text_format("refs/heads/%s", name);
    char *oid = oid_of(request, ref);

    if (oid)
        api_give(answer, 200, json_pack("{s:s,s:{s:s},s:b}", "name", name, "commit", "sha", oid, "protected", 0));
    else
        api_fail(answer, 404, "Branch not found");
    free(oid);
    free(ref);
    free(name);
}

// Commits of a range, newest first.
static json_t *list_commits(const struct api_request *request, const char *range)
{
    struct mock_text output = {0};
    struct bytes rest;
    struct bytes line;
    struct bytes oid;
    struct bytes subject;
    json_t *list = json_array();

    git_command_run(request->repository->directory,
                    GIT_ARGUMENTS("log", "--max-count=1000", "--format=%H %s", "--end-of-options", range), NULL,
                    &output);
    rest = bytes_of(output.data, output.size);
    while (bytes_cut(rest, '\n', &line, &rest)) {
        bytes_cut(line, ' ', &oid, &subject);
        json_array_append_new(list, json_pack("{s:o,s:{s:o}}", "sha", json_stringn(oid.data, oid.size), "commit",
                                              "message", json_stringn(subject.data, subject.size)));
    }
    mock_text_free(&output);
    return list;
}

void api_list_commits(const struct api_request *request, struct api_answer *answer)
{
    char *from = call_query(request->call, "sha");

    give_list(request, answer, list_commits(request, from ? from : "HEAD"), "commits");
    free(from);
}

void api_get_commit(const struct api_request *request, struct api_answer *answer)
{
    char *name = call_path_from(request->call, request->rest + 1);
    json_t *list = list_commits(request, name);

    if (json_array_size(list) > 0)
        api_give(answer, 200, json_incref(json_array_get(list, 0)));
    else
        api_fail(answer, 422, "No commit found for SHA");
    json_decref(list);
    free(name);
}

// /compare/BASE...HEAD
void api_compare(const struct api_request *request, struct api_answer *answer)
{
    char *range = call_path_from(request->call, request->rest + 1);
    char *dots = strstr(range, "...");
    char *back;
    json_t *ahead;
    json_t *behind;

    if (!dots) {
        api_fail(answer, 404, "Not Found");
    } else {
        *dots = '\0';
        back = mock_text_format("%s..%s", dots + 3, range);
        behind = list_commits(request, back);
        free(back);
        back = mock_text_format("%s..%s", range, dots + 3);
        ahead = list_commits(request, back);
        free(back);
        api_give(answer, 200,
                 json_pack("{s:s,s:I,s:I,s:I,s:o,s:[]}", "status", json_array_size(ahead) ? "ahead" : "identical",
                           "ahead_by", (json_int_t)json_array_size(ahead), "behind_by",
                           (json_int_t)json_array_size(behind), "total_commits", (json_int_t)json_array_size(ahead),
                           "commits", ahead, "files"));
        json_decref(behind);
    }
    free(range);
}

// /tarball/REF and /zipball/REF lead to codeload, by a signed URL.
void api_get_archive(const struct api_request *request, struct api_answer *answer)
{
    char *name = world_full_name(request->repository);
    char *reference = call_path_from(request->call, request->rest + 1);
    const char *kind = strcmp(request->call->segments[request->rest], "zipball") == 0 ? "legacy.zip" : "legacy.tar.gz";
    char *path = mock_text_format("/%s/%s/%s", name, kind, *reference ? reference : "HEAD");
    char *url = signed_url_make("GET", "codeload.github.com", path);

    mock_text_printf(&answer->headers, "Location: %s\r\n", url);
    answer->status = 302;
    free(url);
    free(path);
    free(reference);
    free(name);
}
