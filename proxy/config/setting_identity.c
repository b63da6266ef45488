#include "setting_identity.h"

#include "credential_options.h"

static const struct setting identity_rows[] = {
    {"command", &setting_argv, offsetof(struct credential_options, identity_command), NULL, NULL, "prints a token"},
    {"file", &setting_file, offsetof(struct credential_options, identity_file), NULL, NULL, "holds a token"},
};

static const struct setting_table identity_table = SETTING_TABLE(identity_rows);

static bool read_identity(struct yaml_reader *reader, const yaml_node_t *node, const struct setting *setting,
                          void *base)
{
    static const char *const words[] = {"github-actions", NULL};
    struct credential_options *options = base;
    struct bytes word;

    if (node->type != YAML_MAPPING_NODE) {
        if (!yaml_reader_text(reader, node, setting->type->expected, &word))
            return false;
        if (!bytes_equal(word, BYTES("github-actions")))
            return setting_refuse_word(reader, node, word, words);
        options->identity = IDENTITY_GITHUB_ACTIONS;
        return true;
    }
    if (!setting_table_read(&identity_table, reader, node, base))
        return false;
    if (!options->identity_file == !options->identity_command)
        return yaml_reader_refuse(reader, node, "must name a `file` or a `command`");
    options->identity = options->identity_file ? IDENTITY_FILE : IDENTITY_COMMAND;
    return true;
}

static void clear_identity(const struct setting *setting, void *base)
{
    setting_table_clear(&identity_table, base);
}

const struct setting_type setting_identity = {
    "github-actions | {file: path} | {command: argv}", "github-actions, {file: PATH} or {command: [argv]}",
    read_identity, clear_identity,
    "{\"oneOf\":[{\"enum\":[\"github-actions\"]},"
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"file\"],"
    "\"properties\":{\"file\":{\"type\":\"string\"}}},"
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"command\"],"
    "\"properties\":{\"command\":{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"string\"}}}}]}"};
