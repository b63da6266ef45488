#include "config_credential.h"

#include <stdio.h>
#include <string.h>

#include "credential_options.h"
#include "setting_type.h"
#include "web_url.h"

// In the order of enum credential_type.
static const char *const types[] = {"app", "broker", "platform", "command", "file", "environment", NULL};

// JSON numbers, in which GitHub gives the id, are whole up to 2^53.
static const struct setting_bounds installation_bounds = {1, UINT64_C(1) << 53};
// GitHub's own tokens live an hour; a personal one may live a year.
static const struct setting_bounds lifetime_bounds = {60 * 1000, UINT64_C(365) * 24 * 3600 * 1000};

#define ROW(key, type, member, fallback, detail, text)                                                                 \
    {                                                                                                                  \
        key, &(type), offsetof(struct credential_options, member), fallback, detail, text                              \
    }

const struct setting credential_rows[CREDENTIAL_ROWS] = {
    ROW("also_when_refused", setting_flag, also_when_refused, "false", NULL,
        "asked also when the credential before it refused, not only when it could not be reached"),
    ROW("app_id", setting_string, app_id, NULL, NULL, "app: the App's id or client id"),
    ROW("argv", setting_argv, argv, NULL, NULL, "command: prints a token"),
    ROW("host", setting_string, host, NULL, NULL, "the `github.host` it is for, where there are several"),
    ROW("installation", setting_count, installation, NULL, &installation_bounds,
        "app: pins the installation; absent: found by owner"),
    ROW("lifetime", setting_duration, lifetime_ms, NULL, &lifetime_bounds,
        "command: how long its token is good for; absent: asked again when GitHub refuses it"),
    ROW("name", setting_string, name, NULL, NULL, "environment: the variable that holds the token"),
    ROW("path", setting_file, path, NULL, NULL, "file: holds the token; read again when it changes"),
    ROW("private_key", setting_file, private_key, NULL, NULL, "app: PEM file with the App's RSA key"),
    ROW("sign_command", setting_argv, sign_command, NULL, NULL,
        "app: signs what it reads with RS256, instead of `private_key`"),
    ROW("token_file", setting_file, token_file, NULL, NULL,
        "broker: the service-account token to show; platform: the admin bearer token"),
    ROW("trust", setting_file, trust, NULL, NULL, "broker, platform: PEM file with the roots to trust"),
    ROW("type", setting_word, type, NULL, types, "what gives the token"),
    ROW("url", setting_web_url, url, NULL, NULL, "broker, platform: where it is asked for"),
    ROW("wide_api", setting_flag, wide_api, "false", NULL,
        "platform, command, file, environment: serve every API call, though the token cannot be narrowed"),
};

#define TYPE(name) (1u << CREDENTIAL_##name)
#define WIDE       (TYPE(PLATFORM) | TYPE(COMMAND) | TYPE(FILE) | TYPE(ENVIRONMENT))
#define EVERY      (WIDE | TYPE(APP) | TYPE(BROKER))

static const struct {
    const char *key;
    unsigned taken;  // types that take it
    unsigned needed; // types that need it
} keys[] = {
    {"also_when_refused", EVERY, 0},
    {"app_id", TYPE(APP), TYPE(APP)},
    {"argv", TYPE(COMMAND), TYPE(COMMAND)},
    {"host", EVERY, 0},
    {"installation", TYPE(APP), 0},
    {"lifetime", TYPE(COMMAND), 0},
    {"name", TYPE(ENVIRONMENT), TYPE(ENVIRONMENT)},
    {"path", TYPE(FILE), TYPE(FILE)},
    {"private_key", TYPE(APP), 0},
    {"sign_command", TYPE(APP), 0},
    {"token_file", TYPE(BROKER) | TYPE(PLATFORM), TYPE(BROKER) | TYPE(PLATFORM)},
    {"trust", TYPE(BROKER) | TYPE(PLATFORM), 0},
    {"type", EVERY, EVERY},
    {"url", TYPE(BROKER) | TYPE(PLATFORM), TYPE(BROKER) | TYPE(PLATFORM)},
    {"wide_api", WIDE, 0},
};

static bool check_keys(struct yaml_reader *reader, const yaml_node_t *node, enum credential_type type)
{
    for (size_t i = 0; i < GL_ARRAY_SIZE(keys); i++) {
        bool there = yaml_reader_child(reader, node, keys[i].key) != NULL;

        if (there && !(keys[i].taken & 1u << type))
            return yaml_reader_refuse_key(reader, keys[i].key, "is not for type \"%s\"; remove it", types[type]);
        if (!there && keys[i].needed & 1u << type)
            return yaml_reader_refuse(reader, node, "has no `%s`, which type \"%s\" needs", keys[i].key, types[type]);
    }
    return true;
}

// A name that no shell could set is a mistake.
static bool check_name(struct yaml_reader *reader, const char *name)
{
    size_t size = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

    if (name[size] == '\0' && (name[0] < '0' || name[0] > '9'))
        return true;
    // What is not a name may be the token itself: it is not shown.
    return yaml_reader_refuse_key(reader, "name", "must be the name of an environment variable, such as GITHUB_TOKEN");
}

bool credential_finish(struct yaml_reader *reader, const yaml_node_t *node, void *entry)
{
    static const enum web_url_kind tls = WEB_URL_TLS;
    const struct credential_options *options = entry;
    struct error problem;

    if (!yaml_reader_child(reader, node, "type"))
        return yaml_reader_refuse(reader, node, "has no `type`: app, broker, platform, command, file or environment");
    if (!check_keys(reader, node, options->type))
        return false;
    if (options->type == CREDENTIAL_APP && !options->private_key == !options->sign_command)
        return yaml_reader_refuse(reader, node, "must have one of `private_key` and `sign_command`");
    if (options->type == CREDENTIAL_BROKER && !web_url_check(bytes_of_string(options->url), &tls, &problem))
        return yaml_reader_refuse_key(reader, "url", "%s", problem.text);
    return options->type != CREDENTIAL_ENVIRONMENT || check_name(reader, options->name);
}
