#include "git_service.h"

#include "git_backend.h"
#include "lfs_service.h"

#define CHALLENGE                                                                                                      \
    "WWW-Authenticate: Basic realm=\"GitHub\"\r\nContent-Type: text/plain; charset=utf-8\r\n"                          \
    "Cache-Control: no-cache\r\n"
#define NO_DUMB_PROTOCOL                                                                                               \
    "Please upgrade your git client.\n"                                                                                \
    "GitHub.com no longer supports git over dumb-http: "                                                               \
    "https://github.com/blog/809-git-dumb-http-transport-to-be-turned-off-in-90-days\n"
#define BAD_CREDENTIALS "Invalid username or token. Password authentication is not supported for Git operations.\n"

static bool strip(struct bytes *name, const char *suffix)
{
    if (name->size <= strlen(suffix) || !bytes_end_with(*name, bytes_of_string(suffix)))
        return false;
    name->size -= strlen(suffix);
    return true;
}

static struct git_access refuse(struct git_access access, int status, char *text)
{
    access.status = status;
    access.text = text;
    return access;
}

static struct git_access refuse_bad(struct git_access access)
{
    return refuse(access, access.who.status,
                  access.who.status == 401 ? mock_text_copy(BAD_CREDENTIALS)
                                           : mock_text_format("%s\n", access.who.problem));
}

static struct git_access refuse_not_granted(struct git_access access, int level)
{
    char *name = world_full_name(access.repository);
    char *who = principal_login(&access.who);
    char *text = level > 1 ? mock_text_format("Permission to %s.git denied to %s.\n", name, who)
                           : mock_text_copy("Read access to repository not granted.\n");

    free(who);
    free(name);
    return refuse(access, 403, text);
}

struct git_access git_service_access(struct call *call, const char *permission, int level)
{
    struct bytes owner = bytes_of_string(call->segments[0]);
    struct bytes name = bytes_of_string(call->segments[1]);
    struct git_access access = {.who = principal_of_git(call), .status = 200};
    enum access verdict = ACCESS_HIDDEN;
    bool renamed = false;

    strip(&name, ".git");
    access.wiki = strip(&name, ".wiki");
    if (access.who.kind == PRINCIPAL_BAD)
        return refuse_bad(access);
    access.repository = world_repository(owner, name, &renamed);
    if (access.repository)
        verdict = principal_access(&access.who, access.repository, permission, level);
    if (verdict != ACCESS_YES && access.who.kind == PRINCIPAL_NOBODY)
        return refuse(access, 401, mock_text_copy("Repository not found.\n"));
    if (verdict == ACCESS_HIDDEN)
        return refuse(access, 404, mock_text_copy("Repository not found.\n"));
    if (renamed)
        return refuse(access, 301, world_full_name(access.repository));
    if (verdict == ACCESS_NOT_GRANTED)
        return refuse_not_granted(access, level);
    return access;
}

static void answer_redirect(struct call *call, const struct git_access *access)
{
    char *rest = call_path_from(call, 2);
    char *location = mock_text_format("Location: https://%s/%s%s.git/%s%s%s\r\n", call->host->web, access->text,
                                      access->wiki ? ".wiki" : "", rest, *call->query ? "?" : "", call->query);

    call_answer(call, 301, location, "", 0);
    free(location);
    free(rest);
}

static void answer_refusal(struct call *call, const struct git_access *access)
{
    if (access->status == 301)
        answer_redirect(call, access);
    else if (access->status == 401)
        call_answer(call, 401, CHALLENGE, access->text, strlen(access->text));
    else
        call_answer_text(call, access->status, access->text);
}

// Serves `suffix` of the repository (info/refs, git-upload-pack, …), which reads (1) or writes (2).
static void serve(struct call *call, int level, const char *suffix)
{
    struct git_access access;
    struct git_backend_job job = {.suffix = suffix};

    world_lock();
    access = git_service_access(call, "contents", level);
    if (access.status == 200) {
        job.directory = access.wiki ? mock_text_format("%.*s.wiki.git", (int)strlen(access.repository->directory) - 4,
                                                       access.repository->directory)
                                    : mock_text_copy(access.repository->directory);
        job.may_change_workflows = access.who.token && (access.who.token->user ||
                                                        world_granted(access.who.token->permissions, "workflows") > 1);
    }
    world_unlock();
    if (access.status == 200)
        git_backend_run(call, &job);
    else
        answer_refusal(call, &access);
    free(job.directory);
    free(access.text);
}

static void serve_refs(struct call *call)
{
    char *service = call_query(call, "service");

    if (strcmp(call->method, "GET") != 0 && strcmp(call->method, "HEAD") != 0)
        call_answer_text(call, 405, "GET is wanted here.\n");
    else if (!service)
        call_answer_text(call, 403, NO_DUMB_PROTOCOL);
    else if (strcmp(service, "git-upload-pack") == 0)
        serve(call, 1, "info/refs");
    else if (strcmp(service, "git-receive-pack") == 0)
        serve(call, 2, "info/refs");
    else
        call_answer_text(call, 403, "Unsupported service.\n");
    free(service);
}

static void serve_post(struct call *call, int level, const char *service)
{
    char *type = mock_text_format("application/x-%s-request", service);
    const char *sent = call_header(call, "Content-Type");

    if (strcmp(call->method, "POST") != 0)
        call_answer_text(call, 405, "POST is wanted here.\n");
    else if (!sent || strcmp(sent, type) != 0)
        call_answer_text(call, 415, "Unsupported media type.\n");
    else
        serve(call, level, service);
    free(type);
}

bool git_service_serve(struct call *call)
{
    if (call_path_is(call, 0, "/*/*/info/lfs/**"))
        lfs_service_serve(call);
    else if (call_path_is(call, 0, "/*/*/info/refs"))
        serve_refs(call);
    else if (call_path_is(call, 0, "/*/*/git-upload-pack"))
        serve_post(call, 1, "git-upload-pack");
    else if (call_path_is(call, 0, "/*/*/git-receive-pack"))
        serve_post(call, 2, "git-receive-pack");
    else if (call_path_is(call, 0, "/*/*/git-upload-archive"))
        call_answer_text(call, 403, "Unsupported service.\n");
    else if (call_path_is(call, 0, "/*/*/HEAD") || call_path_is(call, 0, "/*/*/objects/**"))
        call_answer_text(call, 403, NO_DUMB_PROTOCOL);
    else
        return false;
    return true;
}
