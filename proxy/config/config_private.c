#include "config_private.h"

#include <stdlib.h>

#include "config_table.h"
#include "mem.h"

// What every private proxy has, whatever the file says.
static const struct {
    const char *key;
    const char *yaml; // NULL: absent
} overrides[] = {
    {"admin", "off"},       {"ca.state", NULL}, {"gateway_hosts", "[]"}, {"listen", "127.0.0.1:0"},
    {"log.format", "text"}, {"metrics", "off"}, {"reuse_port", "false"},
};

static void override(struct config *config, const char *key, const char *yaml)
{
    const struct setting *setting = setting_find(&config_table, key);
    struct error error;
    struct yaml_reader reader = {.file = key, .error = &error};

    if (setting->type->clear)
        setting->type->clear(setting, config);
    // The table's own types accept what stands above.
    if (yaml && !setting_read_string(&reader, setting, yaml, config))
        abort();
}

void config_make_private(struct config *config, const char *directory)
{
    for (size_t i = 0; i < GL_ARRAY_SIZE(overrides); i++)
        override(config, overrides[i].key, overrides[i].yaml);
    setting_set_string(&config->ca_publish, bytes_of_string(directory));
    if (strcmp(config->audit, "stdout") == 0)
        override(config, "log.audit", "none");
    if (config->log_level > LOG_WARN)
        config->log_level = LOG_WARN;
}

void config_set_audit(struct config *config, const char *path)
{
    setting_set_string(&config->audit, bytes_of_string(path));
}

void config_add_credential(struct config *config, const char *name, const char *const *argv)
{
    struct credential_options *options = mem_alloc_zero(1, sizeof(*options));
    size_t count = 0;

    options->type = name ? CREDENTIAL_ENVIRONMENT : CREDENTIAL_COMMAND;
    options->name = mem_string(name);
    while (argv && argv[count])
        count++;
    if (argv) {
        options->argv = mem_alloc_zero(count + 1, sizeof(*options->argv));
        for (size_t i = 0; i < count; i++)
            options->argv[i] = mem_string(argv[i]);
    }
    mem_free(config->credentials);
    config->credentials = options;
    config->credential_count = 1;
}
