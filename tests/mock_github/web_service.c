#include "web_service.h"

#include <unistd.h>

#include <jansson.h>

#include "app_manifest.h"
#include "git_command.h"
#include "signed_url.h"
#include "world.h"

#define HTML "Content-Type: text/html; charset=utf-8\r\n"

static void answer_page(struct call *call, int status, const char *title)
{
    char *page = mock_text_format("<!DOCTYPE html><title>%s</title><h1>%s</h1>\n", title, title);

    call_answer(call, status, HTML, page, strlen(page));
    free(page);
}

// Gives `url` away.
static void answer_redirect(struct call *call, char *url)
{
    char *headers = mock_text_format("Location: %s\r\n" HTML, url);

    call_answer(call, 302, headers, "", 0);
    free(headers);
    free(url);
}

// The repository that the first two segments name, where anybody may see it. Under the world's lock.
static struct repository *public_repository(const struct call *call)
{
    struct repository *repository;
    bool renamed;

    if (call->segment_count < 2)
        return NULL;
    repository = world_repository(bytes_of_string(call->segments[0]), bytes_of_string(call->segments[1]), &renamed);
    return repository && !repository->private ? repository : NULL;
}

// The id of a release's asset; 0: none.
static uint64_t find_asset(const struct repository *repository, const char *tag, const char *name)
{
    size_t i;
    size_t j;
    json_t *release;
    json_t *asset;

    json_array_foreach(repository->releases, i, release) {
        if (strcmp(json_string_value(json_object_get(release, "tag_name")), tag) != 0)
            continue;
        json_array_foreach(json_object_get(release, "assets"), j, asset) {
            if (strcmp(json_string_value(json_object_get(asset, "name")), name) == 0)
                return (uint64_t)json_integer_value(json_object_get(asset, "id"));
        }
    }
    return 0;
}

// Breaks when it is authenticated, as users report of github.com, and knows no private repository.
static void serve_download(struct call *call)
{
    struct repository *repository;
    uint64_t asset = 0;
    char *path;

    world_lock();
    repository = public_repository(call);
    if (repository && !call_header(call, "Authorization"))
        asset = find_asset(repository, call->segments[4], call->segments[5]);
    world_unlock();
    if (!asset) {
        answer_page(call, 404, "Not Found");
        return;
    }
    path = mock_text_format("/github-production-release-asset/%llu", (unsigned long long)asset);
    answer_redirect(call, signed_url_make("GET", "release-assets.githubusercontent.com", path));
    free(path);
}

static void serve_archive(struct call *call)
{
    char *reference = call_path_from(call, 3);
    bool zip = bytes_end_with(bytes_of_string(reference), BYTES(".zip"));
    size_t size = strlen(reference);
    struct repository *repository;
    char *name = NULL;

    world_lock();
    repository = public_repository(call);
    if (repository)
        name = world_full_name(repository);
    world_unlock();
    size -= size > 7 && !zip ? 7 : size > 4 ? 4 : 0; // ".tar.gz" or ".zip"
    if (name)
        answer_redirect(call, mock_text_format("https://codeload.github.com/%s/%s/%.*s", name, zip ? "zip" : "tar.gz",
                                               (int)size, reference));
    else
        answer_page(call, 404, "Not Found");
    free(name);
    free(reference);
}

void web_service_serve(struct call *call)
{
    bool known;

    if (app_manifest_serve(call))
        return;
    if (call_path_is(call, 0, "/*/*/releases/download/*/*")) {
        serve_download(call);
    } else if (call_path_is(call, 0, "/*/*/archive/**")) {
        serve_archive(call);
    } else {
        world_lock();
        known = call->segment_count < 2 || public_repository(call);
        world_unlock();
        answer_page(call, known ? 200 : 404, known ? "Mock GitHub" : "Not Found");
    }
}

// Streams what git prints. An answer whose git failed in the middle is cut off.
static void stream_git(struct call *call, const char *const *argv, const char *headers)
{
    char **environment = git_command_environment(NULL);
    char *buffer = mock_text_allocate(WIRE_BUFFER_SIZE);
    int in;
    int out;
    pid_t pid = git_command_start(argv, environment, &in, &out);
    ssize_t count = read(out, buffer, WIRE_BUFFER_SIZE);

    close(in);
    if (count <= 0)
        answer_page(call, 404, "Not Found");
    else
        call_start(call, 200, headers, -1);
    while (count > 0 && call_write(call, buffer, (size_t)count))
        count = read(out, buffer, WIRE_BUFFER_SIZE);
    close(out);
    if (call->status == 200 && (count < 0 || git_command_wait(pid) != 0))
        call->wire->broken = true;
    else if (call->status == 200)
        call_finish(call);
    else
        git_command_wait(pid);
    free(buffer);
    git_command_free_environment(environment);
}

// The directory of a repository that may be seen: a public one, or by a signed URL. gh sends its
// Authorization here, which counts for nothing. NULL: answered.
static char *open_repository(struct call *call)
{
    struct repository *repository;
    char *directory = NULL;
    bool renamed;

    world_lock();
    repository = public_repository(call);
    if (!repository && call->segment_count >= 2 && signed_url_check(call) == SIGNED_URL_GOOD)
        repository = world_repository(bytes_of_string(call->segments[0]), bytes_of_string(call->segments[1]), &renamed);
    directory = repository ? mock_text_copy(repository->directory) : NULL;
    world_unlock();
    if (!directory)
        call_answer_text(call, 404, "404: Not Found");
    return directory;
}

void web_service_serve_codeload(struct call *call)
{
    char *directory = open_repository(call);
    char *reference = call_path_from(call, 3);
    bool zip = call->segment_count > 2 && strstr(call->segments[2], "zip");
    char *prefix;

    if (directory) {
        prefix = mock_text_format("--prefix=%s-mock/", call->segments[1]);
        stream_git(call,
                   GIT_ARGUMENTS("git", "-C", directory, "archive", zip ? "--format=zip" : "--format=tar.gz", prefix,
                                 "--end-of-options", reference),
                   zip ? "Content-Type: application/zip\r\n" : "Content-Type: application/x-gzip\r\n");
        free(prefix);
    }
    free(reference);
    free(directory);
}

void web_service_serve_raw(struct call *call)
{
    char *directory = open_repository(call);
    char *path = call_path_from(call, 3);
    char *object;

    if (directory) {
        object = mock_text_format("%s:%s", call->segment_count > 2 ? call->segments[2] : "HEAD", path);
        stream_git(call, GIT_ARGUMENTS("git", "-C", directory, "cat-file", "blob", object),
                   "Content-Type: text/plain; charset=utf-8\r\n");
        free(object);
    }
    free(path);
    free(directory);
}

void web_service_echo(struct call *call)
{
    struct mock_text body = {0};
    json_t *headers = json_object();
    bool whole = call_read_all(call, &body);

    for (size_t i = 0; i < call->header_count; i++)
        json_object_set_new(headers, call->headers[i].name, json_string(call->headers[i].value));
    if (whole) {
        call_answer_json(call, 200,
                         json_pack("{s:s,s:s,s:s,s:o,s:I}", "method", call->method, "target", call->target, "sni",
                                   call->wire->sni, "headers", headers, "body_size", (json_int_t)body.size));
    } else {
        json_decref(headers);
    }
    mock_text_free(&body);
}
