#include "app_manifest.h"

#include <string.h>

// An App's homepage must be a URL; GitHub shows it to who installs the App.
#define HOMEPAGE "https://github.com/apps"

// Merges the highest level of each permission.
struct wishes {
    struct permission items[64];
    size_t count;
};

static void wish(struct wishes *wishes, const char *name, enum permission_level level)
{
    for (size_t i = 0; i < wishes->count; i++) {
        if (strcmp(wishes->items[i].name, name) == 0) {
            if (wishes->items[i].level < level)
                wishes->items[i].level = level;
            return;
        }
    }
    if (wishes->count == GL_ARRAY_SIZE(wishes->items))
        return;
    struct permission *item = &wishes->items[wishes->count++];
    *item = (struct permission){.level = level};
    memccpy(item->name, name, '\0', sizeof(item->name) - 1);
}

static struct wishes collect(const struct rules *rules)
{
    struct wishes wishes = {0};

    wish(&wishes, "metadata", PERMISSION_READ); // every App has it
    if (!rules->present)
        wish(&wishes, "contents", PERMISSION_READ);
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *rule = &rules->rules[i];

        if (rule->push.kind != REF_SET_NONE || rule->delete.kind != REF_SET_NONE)
            wish(&wishes, "contents", PERMISSION_WRITE);
        else if (rule->fetch)
            wish(&wishes, "contents", PERMISSION_READ);
        for (size_t j = 0; j < rule->permissions.count; j++)
            wish(&wishes, rule->permissions.items[j].name, rule->permissions.items[j].level);
    }
    return wishes;
}

static void append_string(struct text *out, const char *key, const char *value)
{
    text_format(out, "\"%s\":", key);
    text_append_json_string(out, bytes_of_string(value));
    text_append_char(out, ',');
}

void app_manifest_append(const struct app_manifest *manifest, struct text *out)
{
    struct wishes wishes = collect(manifest->rules);

    text_append_char(out, '{');
    if (manifest->name)
        append_string(out, "name", manifest->name);
    append_string(out, "url", HOMEPAGE);
    append_string(out, "redirect_url", manifest->redirect_url);
    // A webhook that is off needs a URL all the same.
    text_append(out, "\"hook_attributes\":{\"url\":\"" HOMEPAGE "\",\"active\":false},\"public\":false,"
                     "\"default_events\":[],\"default_permissions\":{");
    for (size_t i = 0; i < wishes.count; i++)
        text_format(out, "%s\"%s\":\"%s\"", i ? "," : "", wishes.items[i].name,
                    permission_level_name(wishes.items[i].level));
    text_append(out, "}}");
}

void app_manifest_append_html(struct text *out, const char *value)
{
    for (; *value; value++) {
        if (*value == '&')
            text_append(out, "&amp;");
        else if (*value == '<')
            text_append(out, "&lt;");
        else if (*value == '"')
            text_append(out, "&quot;");
        else
            text_append_char(out, *value);
    }
}

static void append_permissions(const struct rules *rules, struct text *out)
{
    struct wishes wishes = collect(rules);

    text_append(out, "<ul>\n");
    for (size_t i = 0; i < wishes.count; i++)
        text_format(out, "<li>%s: %s</li>\n", wishes.items[i].name, permission_level_name(wishes.items[i].level));
    text_append(out, "</ul>\n");
}

void app_manifest_append_page(const struct app_manifest *manifest, struct text *out)
{
    struct text json = {0}, action = {0};

    app_manifest_append(manifest, &json);
    text_format(&action, "https://%s", manifest->host);
    if (manifest->organization)
        text_format(&action, "/organizations/%s", manifest->organization);
    text_format(&action, "/settings/apps/new?state=%s", manifest->state);
    text_append(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width\">\n<title>gitlatch: create a GitHub App</title>\n"
        "<main>\n<h1>Create a GitHub App for gitlatch</h1>\n<p>GitHub shows the App before it is made. It asks for ");
    text_append(out, "no webhook, and for no more than:</p>\n");
    append_permissions(manifest->rules, out);
    text_append(out, "<form method=\"post\" action=\"");
    app_manifest_append_html(out, text_string(&action));
    text_append(out, "\">\n<input type=\"hidden\" name=\"manifest\" value=\"");
    app_manifest_append_html(out, text_string(&json));
    text_append(out, "\">\n<button type=\"submit\">Continue at ");
    app_manifest_append_html(out, manifest->host);
    text_append(out, "</button>\n</form>\n</main>\n</html>\n");
    text_free(&action);
    text_free(&json);
}

void app_manifest_append_policy(const struct app_manifest *manifest, struct text *out)
{
    text_format(out, "default-src 'none'; base-uri 'none'; form-action https://%s; frame-ancestors 'none'",
                manifest->host);
}
