// Source: GitHub documentation, "Registering a GitHub App from a manifest"; REST, "Create a GitHub App from a manifest".
#include "app_manifest.h"

#include <stdio.h>
#include <sys/random.h>

#include "api.h"
#include "app.h"
#include "world.h"

#define HTML "Content-Type: text/html; charset=utf-8\r\n"
// The first App made of a manifest; each further one is one more.
#define FIRST_ID 500001

struct pending {
    char *code;
    char *state; // NULL: none came
    char *owner; // NULL: octocat
    json_t *manifest;
    struct pending *next;
};

static struct pending *pendings;

static void answer_html(struct call *call, int status, const char *text)
{
    char *page = mock_text_format("<!DOCTYPE html><title>GitHub App</title>%s\n", text);

    call_answer(call, status, HTML, page, strlen(page));
    free(page);
}

// What GitHub says to a manifest that it does not take; NULL: it takes it.
static const char *problem_of(json_t *manifest)
{
    const char *redirect = json_string_value(json_object_get(manifest, "redirect_url"));
    json_t *hook = json_object_get(manifest, "hook_attributes");
    json_t *permissions = json_object_get(manifest, "default_permissions");
    const char *name, *level;
    json_t *value;

    if (!json_is_object(manifest))
        return "the manifest is no JSON object";
    if (!json_is_string(json_object_get(manifest, "url")))
        return "url wasn't supplied";
    if (!redirect || strncmp(redirect, "http", 4) != 0)
        return "redirect_url must be a valid URL";
    if (hook && !json_is_string(json_object_get(hook, "url")))
        return "hook url can't be blank";
    json_object_foreach(permissions, name, value) {
        level = json_string_value(value);
        if (!level || (strcmp(level, "read") != 0 && strcmp(level, "write") != 0 && strcmp(level, "admin") != 0))
            return "default_permissions are not valid";
    }
    return NULL;
}

// A parameter of the form in the body, decoded.
static char *form_value(struct call *call, const char *name)
{
    const char *query = call->query;
    struct mock_text body = {0};
    char *value;

    if (!call_read_all(call, &body))
        return NULL;
    call->query = body.data ? body.data : "";
    value = call_query(call, name);
    call->query = query;
    mock_text_free(&body);
    return value;
}

static void show(struct call *call)
{
    char *text = form_value(call, "manifest"), *page;
    json_t *manifest = text ? json_loads(text, 0, NULL) : NULL;
    const char *problem = problem_of(manifest);
    struct pending *pending;
    unsigned char bytes[20];

    free(text);
    if (problem) {
        page = mock_text_format("<h1>Error</h1><p id=\"problem\">%s</p>", problem);
        answer_html(call, 422, page);
        free(page);
        json_decref(manifest);
        return;
    }
    pending = mock_text_allocate(sizeof(*pending));
    *pending = (struct pending){.code = mock_text_allocate(2 * sizeof(bytes) + 1), .manifest = manifest};
    if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
        abort();
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(pending->code + 2 * i, 3, "%02x", bytes[i]);
    pending->state = call_query(call, "state");
    if (strcmp(call->segments[0], "organizations") == 0)
        pending->owner = mock_text_copy(call->segments[1]);
    world_lock();
    pending->next = pendings;
    pendings = pending;
    world_unlock();
    page = mock_text_format("<h1>Create GitHub App</h1><form method=\"post\" action=\"/settings/apps/create?code=%s\">"
                            "<button type=\"submit\">Create GitHub App</button></form>",
                            pending->code);
    answer_html(call, 200, page);
    free(page);
}

static struct pending **find(const char *code)
{
    struct pending **at = &pendings;

    while (*at && (!code || strcmp((*at)->code, code) != 0))
        at = &(*at)->next;
    return at;
}

static void create(struct call *call)
{
    char *code = call_query(call, "code"), *headers = NULL;
    const struct pending *pending;

    world_lock();
    pending = *find(code);
    if (pending)
        headers = mock_text_format("Location: %s?code=%s%s%s\r\n" HTML,
                                   json_string_value(json_object_get(pending->manifest, "redirect_url")), pending->code,
                                   pending->state ? "&state=" : "", pending->state ? pending->state : "");
    world_unlock();
    if (headers)
        call_answer(call, 302, headers, "", 0);
    else
        answer_html(call, 404, "<h1>Not Found</h1>");
    free(headers);
    free(code);
}

bool app_manifest_serve(struct call *call)
{
    if (strcmp(call->method, "POST") != 0)
        return false;
    if (call_path_is(call, 0, "/settings/apps/new") || call_path_is(call, 0, "/organizations/*/settings/apps/new"))
        show(call);
    else if (call_path_is(call, 0, "/settings/apps/create"))
        create(call);
    else
        return false;
    return true;
}

static json_t *describe(const struct api_request *request, const struct app *app, const struct pending *pending,
                        char *key)
{
    const char *name = json_string_value(json_object_get(pending->manifest, "name"));
    json_t *owner = api_account(request->call->host, world_account(pending->owner ? pending->owner : "octocat"));
    json_t *permissions = json_object_get(pending->manifest, "default_permissions");

    return json_pack("{s:I,s:s,s:s,s:s,s:o,s:s,s:s,s:n,s:s,s:o,s:O?,s:[],s:s}", "id", (json_int_t)app->id, "slug",
                     app->slug, "node_id", "A_mock", "client_id", app->client_id, "owner", owner, "name",
                     name ? name : app->name, "client_secret", "not-a-secret", "webhook_secret", "external_url",
                     json_string_value(json_object_get(pending->manifest, "url")), "html_url",
                     json_sprintf("https://%s/apps/%s", request->call->host->web, app->slug), "permissions",
                     permissions, "events", "pem", key);
}

static char *read_key(const char *path)
{
    FILE *file = fopen(path, "re");
    char *key = mock_text_allocate(8192);
    size_t size = file ? fread(key, 1, 8191, file) : 0;

    key[size] = '\0';
    if (file)
        fclose(file);
    return key;
}

void app_manifest_convert(const struct api_request *request, struct api_answer *answer)
{
    static uint64_t next_id = FIRST_ID;
    struct pending **at = find(request->call->segments[1]), *pending = *at;
    const struct app *app;
    char *key;

    if (!pending) {
        api_fail(answer, 404, "Not Found");
        return;
    }
    *at = pending->next;
    app = app_add(next_id++);
    key = read_key(app->key_file);
    api_give(answer, 201, describe(request, app, pending, key));
    free(key);
    json_decref(pending->manifest);
    free(pending->code);
    free(pending->state);
    free(pending->owner);
    free(pending);
}
