#include "object_host.h"

#include <sys/stat.h>

#include <jansson.h>

#include "lfs_service.h"
#include "signed_url.h"
#include "world.h"

// "/alambic/media/REPOSITORY/aa/bb/OID"
#define LFS_PATTERN "/alambic/media/*/*/*/*"
#define LFS_HOST    "lfs.github.com"

static char *lfs_file(const struct repository *repository, const char *oid)
{
    return mock_text_format("%s/lfs/%s", repository->directory, oid);
}

char *object_host_lfs_path(const struct repository *repository, const char *oid)
{
    return mock_text_format("/alambic/media/%llu/%.2s/%.2s/%s", (unsigned long long)repository->id, oid, oid + 2, oid);
}

bool object_host_has(const struct repository *repository, const char *oid, int64_t size)
{
    char *file = lfs_file(repository, oid);
    struct stat status;
    bool there = stat(file, &status) == 0 && (size < 0 || status.st_size == size);

    free(file);
    return there;
}

char *object_host_verify_code(const struct repository *repository, const char *oid)
{
    char *text = mock_text_format("verify %llu %s", (unsigned long long)repository->id, oid);
    char *code = signed_url_code(text);
    char *value = mock_text_format("RemoteAuth gitauth-v1 %s", code);

    free(code);
    free(text);
    return value;
}

// An error as S3 writes it.
static void answer_error(struct call *call, int status, const char *code, const char *message)
{
    char *body = mock_text_format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                                  "<Error><Code>%s</Code><Message>%s</Message></Error>",
                                  code, message);

    call_answer(call, status, "Content-Type: application/xml\r\n", body, strlen(body));
    free(body);
}

// What every object host refuses. False: answered.
static bool check(struct call *call)
{
    if (call_header(call, "Authorization")) {
        answer_error(call, 400, "InvalidArgument",
                     "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query "
                     "string parameter or the Authorization header should be specified");
        return false;
    }
    switch (signed_url_check(call)) {
    case SIGNED_URL_GOOD:
        return true;
    case SIGNED_URL_BAD:
        answer_error(call, 403, "SignatureDoesNotMatch",
                     "The request signature we calculated does not match the signature you provided.");
        return false;
    case SIGNED_URL_EXPIRED:
        answer_error(call, 403, "AccessDenied", "Request has expired");
        return false;
    }
    return false;
}

static void put_object(struct call *call, const char *file, const char *oid)
{
    const char *announced = call_header(call, "x-amz-content-sha256");
    char *digest = NULL;

    if (call->body == CALL_BODY_CHUNKED) {
        answer_error(call, 501, "NotImplemented",
                     "A header you provided implies functionality that is not implemented");
    } else if (!announced || strcmp(announced, oid) != 0) {
        answer_error(call, 403, "SignatureDoesNotMatch", "x-amz-content-sha256 was signed and is not there");
    } else {
        digest = object_host_receive_file(call, file);
        if (digest && strcmp(digest, oid) == 0) {
            call_answer(call, 200, "ETag: \"0\"\r\n", "", 0);
        } else {
            remove(file);
            answer_error(call, 400, "XAmzContentSHA256Mismatch",
                         "The provided 'x-amz-content-sha256' header does not match what was computed.");
        }
    }
    free(digest);
}

// The file of an LFS object's path; NULL: none.
static char *file_of_path(const struct call *call)
{
    struct repository *repository;
    char *file;

    world_lock();
    repository = world_repository_by_id(strtoull(call->segments[2], NULL, 10));
    file = repository ? lfs_file(repository, call->segments[5]) : NULL;
    world_unlock();
    return file;
}

void object_host_serve_lfs(struct call *call)
{
    char *file = NULL;

    if (!check(call))
        return;
    if (call_path_is(call, 0, LFS_PATTERN) && !strchr(call->segments[5], '/'))
        file = file_of_path(call);
    if (!file)
        answer_error(call, 404, "NoSuchKey", "The specified key does not exist.");
    else if (strcmp(call->method, "PUT") == 0)
        put_object(call, file, call->segments[5]);
    else
        object_host_send_file(call, file, "Content-Type: application/octet-stream\r\n");
    free(file);
}

void object_host_serve_asset(struct call *call)
{
    char *file;

    if (!check(call))
        return;
    file = mock_text_format("%s/assets/%s", world_state_directory(), call->segments[call->segment_count - 1]);
    object_host_send_file(call, file, "Content-Type: application/octet-stream\r\n");
    free(file);
}

void object_host_verify(struct call *call)
{
    struct mock_text text = {0};
    const char *authorization = call_header(call, "Authorization");
    json_t *body = call_read_all(call, &text) ? json_loadb(text.data, text.size, 0, NULL) : NULL;
    const char *oid = json_string_value(json_object_get(body, "oid"));
    int64_t size = json_integer_value(json_object_get(body, "size"));
    struct repository *repository = NULL;
    char *code = NULL;
    bool renamed;
    bool there = false;

    world_lock();
    if (call_path_is(call, 0, "/*/*/verify"))
        repository = world_repository(bytes_of_string(call->segments[0]), bytes_of_string(call->segments[1]), &renamed);
    if (repository && oid) {
        code = object_host_verify_code(repository, oid);
        there = object_host_has(repository, oid, size);
    }
    world_unlock();
    if (!code || !authorization || strcmp(code, authorization) != 0)
        lfs_service_answer(call, 401, json_pack("{s:s}", "message", "Bad credentials"));
    else
        lfs_service_answer(call, there ? 200 : 404, json_pack("{s:s}", "message", there ? "" : "Object not found"));
    free(code);
    json_decref(body);
    mock_text_free(&text);
}
