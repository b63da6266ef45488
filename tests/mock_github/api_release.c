// Releases and their assets.
#include "api.h"

#include <sys/stat.h>

#include "git_command.h"
#include "mock_setting.h"
#include "signed_url.h"

static uint64_t last_id = 40000;

static void give(struct api_answer *answer, json_t *item)
{
    if (item)
        api_give(answer, 200, json_incref(item));
    else
        api_fail(answer, 404, "Not Found");
}

// Finds by a number or a string.
static json_t *find(json_t *list, const char *key, const char *wanted)
{
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item) {
        json_t *value = json_object_get(item, key);

        if (json_is_string(value) ? strcmp(json_string_value(value), wanted) == 0
                                  : json_integer_value(value) == atoll(wanted))
            return item;
    }
    return NULL;
}

static json_t *release_of_path(const struct api_request *request)
{
    return find(request->repository->releases, "id", request->call->segments[request->rest + 1]);
}

static json_t *asset_of_path(const struct api_request *request, json_t **ret_assets)
{
    size_t i;
    json_t *release;

    json_array_foreach(request->repository->releases, i, release) {
        json_t *assets = json_object_get(release, "assets");
        json_t *asset = find(assets, "id", request->call->segments[request->rest + 2]);

        if (asset) {
            *ret_assets = assets;
            return asset;
        }
    }
    return NULL;
}

void api_list_releases(const struct api_request *request, struct api_answer *answer)
{
    char *path = mock_text_format("/repositories/%llu/releases", (unsigned long long)request->repository->id);

    api_give(answer, 200, api_page(request, answer, json_incref(request->repository->releases), path));
    free(path);
}

void api_get_release(const struct api_request *request, struct api_answer *answer)
{
    give(answer, release_of_path(request));
}

void api_get_latest_release(const struct api_request *request, struct api_answer *answer)
{
    json_t *releases = request->repository->releases;
    size_t i = json_array_size(releases);

    while (i > 0 && json_is_true(json_object_get(json_array_get(releases, i - 1), "draft")))
        i--;
    give(answer, i > 0 ? json_array_get(releases, i - 1) : NULL);
}

// Drafts are not found by their tag.
void api_get_release_by_tag(const struct api_request *request, struct api_answer *answer)
{
    char *tag = call_path_from(request->call, request->rest + 2);
    json_t *release = find(request->repository->releases, "tag_name", tag);

    give(answer, json_is_true(json_object_get(release, "draft")) ? NULL : release);
    free(tag);
}

// A published release has its tag.
static void make_tag(const struct repository *repository, json_t *release)
{
    char *ref = mock_text_format("refs/tags/%s", json_string_value(json_object_get(release, "tag_name")));
    const char *target = json_string_value(json_object_get(release, "target_commitish"));

    if (!git_command_run(repository->directory, GIT_ARGUMENTS("rev-parse", "-q", "--verify", ref), NULL, NULL))
        git_command_run(repository->directory, GIT_ARGUMENTS("update-ref", ref, target), NULL, NULL);
    free(ref);
}

void api_create_release(const struct api_request *request, struct api_answer *answer)
{
    const char *tag = api_string(request, "tag_name");
    const char *target = api_string(request, "target_commitish");
    const char *title = api_string(request, "name");
    const char *body = api_string(request, "body");
    bool draft = json_is_true(json_object_get(request->body, "draft"));
    const struct virtual_host *host = request->call->host;
    char *name = world_full_name(request->repository);
    char *author = principal_login(&request->who);
    unsigned long long id = ++last_id;
    json_t *release;

    if (!tag || find(request->repository->releases, "tag_name", tag)) {
        api_fail(answer, 422, "Validation Failed");
    } else {
        release = json_pack(
            "{s:I,s:o,s:s,s:s,s:s,s:s,s:b,s:b,s:s,s:s,s:{s:s},s:[],s:o,s:o,s:o,s:o}", "id", (json_int_t)id, "node_id",
            json_sprintf("RE_%llu", id), "tag_name", tag, "name", title ? title : tag, "body", body ? body : "",
            "target_commitish", target && *target ? target : "HEAD", "draft", draft, "prerelease", 0, "created_at",
            "2024-01-01T00:00:00Z", "published_at", "2024-01-01T00:00:00Z", "author", "login", author, "assets", "url",
            json_sprintf("%s/repos/%s/releases/%llu", host->api_url, name, id), "upload_url",
            json_sprintf("%s/repos/%s/releases/%llu/assets{?name,label}", host->uploads_url, name, id), "assets_url",
            json_sprintf("%s/repos/%s/releases/%llu/assets", host->api_url, name, id), "html_url",
            json_sprintf("https://%s/%s/releases/tag/%s", host->web, name, tag));
        if (!draft)
            make_tag(request->repository, release);
        json_array_append(request->repository->releases, release);
        api_give(answer, 201, release);
    }
    free(author);
    free(name);
}

void api_update_release(const struct api_request *request, struct api_answer *answer)
{
    static const char *const keys[] = {"tag_name", "name", "body", "draft", "prerelease", "target_commitish"};
    json_t *release = release_of_path(request);

    for (size_t i = 0; release && i < GL_ARRAY_SIZE(keys); i++) {
        if (json_object_get(request->body, keys[i]))
            json_object_set(release, keys[i], json_object_get(request->body, keys[i]));
    }
    if (release && json_is_false(json_object_get(release, "draft")))
        make_tag(request->repository, release);
    give(answer, release);
}

static bool remove_from(json_t *list, const json_t *item)
{
    size_t i;
    json_t *one;

    json_array_foreach(list, i, one) {
        if (one == item)
            return json_array_remove(list, i) == 0;
    }
    return false;
}

void api_delete_release(const struct api_request *request, struct api_answer *answer)
{
    if (remove_from(request->repository->releases, release_of_path(request)))
        answer->status = 204;
    else
        api_fail(answer, 404, "Not Found");
}

void api_list_assets(const struct api_request *request, struct api_answer *answer)
{
    give(answer, json_object_get(release_of_path(request), "assets"));
}

// The body is already in the file `request->upload`.
void api_upload_asset(const struct api_request *request, struct api_answer *answer)
{
    json_t *release = release_of_path(request);
    json_t *assets = json_object_get(release, "assets");
    const struct virtual_host *host = request->call->host;
    char *name = call_query(request->call, "name");
    char *full_name = world_full_name(request->repository);
    unsigned long long id = ++last_id;
    char *file = mock_text_format("%s/assets/%llu", world_state_directory(), id);
    json_t *asset;

    if (!release) {
        api_fail(answer, 404, "Not Found");
    } else if (!name || find(assets, "name", name)) {
        api_fail(answer, 422, "Validation Failed");
    } else if (rename(request->upload, file) != 0) {
        api_fail(answer, 500, "Server Error");
    } else {
        asset = json_pack(
            "{s:I,s:s,s:s,s:s,s:I,s:s,s:o,s:o}", "id", (json_int_t)id, "name", name, "label", "", "state", "uploaded",
            "size", (json_int_t)request->call->body_size, "content_type", "application/octet-stream", "url",
            json_sprintf("%s/repos/%s/releases/assets/%llu", host->api_url, full_name, id), "browser_download_url",
            json_sprintf("https://%s/%s/releases/download/%s/%s", host->web, full_name,
                         json_string_value(json_object_get(release, "tag_name")), name));
        json_array_append(assets, asset);
        api_give(answer, 201, asset);
    }
    free(file);
    free(full_name);
    free(name);
}

// With "Accept: application/octet-stream" a redirect to the asset's host.
void api_get_asset(const struct api_request *request, struct api_answer *answer)
{
    json_t *assets;
    json_t *asset = asset_of_path(request, &assets);
    const char *accept = call_header(request->call, "Accept");
    char *path;
    char *url;

    if (!asset || !accept || !strstr(accept, "octet-stream")) {
        give(answer, asset);
        return;
    }
    path = mock_text_format("/github-production-release-asset/%lld",
                            (long long)json_integer_value(json_object_get(asset, "id")));
    url = signed_url_make("GET", "release-assets.githubusercontent.com", path);
    mock_text_printf(&answer->headers, "Location: %s\r\n", url);
    answer->status = 302;
    free(url);
    free(path);
}

void api_delete_asset(const struct api_request *request, struct api_answer *answer)
{
    json_t *assets = NULL;
    json_t *asset = asset_of_path(request, &assets);

    if (remove_from(assets, asset))
        answer->status = 204;
    else
        api_fail(answer, 404, "Not Found");
}
