#include "config_credential.h"

#include <stdio.h>
#include <string.h>

#include "credential_options.h"
#include "setting_identity.h"
#include "setting_type.h"
#include "text.h"
#include "web_url.h"

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
    ROW("app_id", setting_string, app_id, NULL, NULL, "the App's id or client id"),
    ROW("argv", setting_argv, argv, NULL, NULL, "prints a token"),
    ROW("audience", setting_string, audience, NULL, NULL,
        "with `identity: github-actions` the audience that it asks for, the one of the broker's issuer; absent: gitlatch"),
    ROW("certificate", setting_file, certificate, NULL, NULL,
        "PEM file with a client certificate that proves it, instead of a token or beside it; read again when it changes"),
    ROW("host", setting_string, host, NULL, NULL, "the `github.host` it is for, where there are several"),
    ROW("identity", setting_identity, identity, NULL, NULL,
        "the token that proves it, instead of `token_file`: the job's own of GitHub Actions, one in a file, or what a "
        "command prints"),
    ROW("installation", setting_count, installation, NULL, &installation_bounds,
        "pins the installation; absent: found by owner"),
    ROW("key", setting_file, key, NULL, NULL, "PEM file with the certificate's key"),
    ROW("lifetime", setting_duration, lifetime_ms, NULL, &lifetime_bounds,
        "how long its token is good for; absent: asked again when GitHub refuses it"),
    ROW("name", setting_string, name, NULL, NULL, "the variable that holds the token"),
    ROW("path", setting_file, path, NULL, NULL, "holds the token; read again when it changes"),
    ROW("private_key", setting_file, private_key, NULL, NULL, "PEM file with the App's RSA key"),
    ROW("sign_command", setting_argv, sign_command, NULL, NULL,
        "signs what it reads with RS256, instead of `private_key`"),
    ROW("token_file", setting_file, token_file, NULL, NULL,
        "the service-account token for a broker, the admin bearer token for a platform"),
    ROW("trust", setting_file, trust, NULL, NULL, "PEM file with the roots to trust"),
    ROW("type", setting_word, type, NULL, credential_type_words, "what gives the token"),
    ROW("url", setting_web_url, url, NULL, NULL, "where it is asked for"),
    ROW("wide_api", setting_flag, wide_api, "false", NULL, "serve every API call, though the token cannot be narrowed"),
};

static bool check_keys(struct yaml_reader *reader, const yaml_node_t *node, enum credential_type type)
{
    const char *word = credential_type_words[type];

    for (size_t i = 0; i < CREDENTIAL_ROWS; i++) {
        const char *key = credential_rows[i].key;
        bool there = yaml_reader_child(reader, node, key) != NULL;

        if (there && !credential_takes(type, key))
            return yaml_reader_refuse_key(reader, key, "is not for type \"%s\"; remove it", word);
        if (!there && credential_needs(type, key))
            return yaml_reader_refuse(reader, node, "has no `%s`, which type \"%s\" needs", key, word);
    }
    return true;
}

static bool refuse_untyped(struct yaml_reader *reader, const yaml_node_t *node)
{
    struct text words = {0};

    for (size_t i = 0; i < CREDENTIAL_TYPE_COUNT; i++)
        text_format(&words, "%s%s",
                    i == 0                          ? ""
                    : i + 1 < CREDENTIAL_TYPE_COUNT ? ", "
                                                    : " or ",
                    credential_type_words[i]);
    yaml_reader_refuse(reader, node, "has no `type`: %s", text_string(&words));
    text_free(&words);
    return false;
}

void credential_append_text(const struct setting *setting, struct text *text)
{
    size_t takers = 0;

    for (size_t i = 0; i < CREDENTIAL_TYPE_COUNT; i++)
        takers += credential_takes(i, setting->key);
    for (size_t i = 0, n = 0; takers < CREDENTIAL_TYPE_COUNT && i < CREDENTIAL_TYPE_COUNT; i++) {
        if (credential_takes(i, setting->key))
            text_format(text, "%s%s", credential_type_words[i], ++n < takers ? ", " : ": ");
    }
    text_append(text, setting->text);
}

bool credential_finish(struct yaml_reader *reader, const yaml_node_t *node, void *entry)
{
    static const enum web_url_kind tls = WEB_URL_TLS;
    const struct credential_options *options = entry;
    const char *sentence, *key;
    struct error problem;

    if (!yaml_reader_child(reader, node, "type"))
        return refuse_untyped(reader, node);
    if (!check_keys(reader, node, options->type))
        return false;
    if (credential_needs_tls(options->type) && !web_url_check(bytes_of_string(options->url), &tls, &problem))
        return yaml_reader_refuse_key(reader, "url", "%s", problem.text);
    sentence = credential_problem(options, &key);
    if (!sentence)
        return true;
    return key ? yaml_reader_refuse_key(reader, key, "%s", sentence) : yaml_reader_refuse(reader, node, "%s", sentence);
}
