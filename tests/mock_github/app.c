#include "app.h"

#include <string.h>

#include "mock_ca.h"
#include "mock_text.h"
#include "world.h"

static struct app *apps;

static struct app *new_app(uint64_t id)
{
    unsigned long long number = id;
    struct app *app = mock_text_allocate(sizeof(*app));

    app->id = id;
    if (id == APP_ID) {
        app->client_id = mock_text_copy(APP_CLIENT_ID);
        app->slug = mock_text_copy("gitlatch-mock");
        app->name = mock_text_copy("gitlatch mock");
        app->key_file = mock_text_format("%s/app.pem", world_state_directory());
    } else {
        app->client_id = mock_text_format("Iv23limock%010llu", number);
        app->slug = mock_text_format("gitlatch-mock-%llu", number);
        app->name = mock_text_format("gitlatch mock %llu", number);
        app->key_file = mock_text_format("%s/app-%llu.pem", world_state_directory(), number);
    }
    return app;
}

struct app *app_add(uint64_t id)
{
    struct app *app = new_app(id);
    struct app **end = &apps;

    app->public_key = mock_ca_app_key(app->key_file);
    while (*end)
        end = &(*end)->next;
    *end = app;
    return app;
}

struct app *app_find(uint64_t id)
{
    struct app *app = apps;

    while (app && app->id != id)
        app = app->next;
    return app;
}

struct app *app_find_client(const char *client_id)
{
    struct app *app = apps;

    while (app && strcmp(app->client_id, client_id) != 0)
        app = app->next;
    return app;
}

char *app_login(const struct app *app)
{
    return mock_text_format("%s[bot]", app->slug);
}
