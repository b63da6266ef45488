#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_check.h"
#include "config_hosts.h"
#include "config_table.h"
#include "mem.h"
#include "secret.h"
#include "text.h"

// Ten thousand rules have about this size.
#define FILE_SIZE_MAX (4 * MIB)

static bool names_connections(struct yaml_reader *reader, const yaml_node_t *root)
{
    const yaml_node_t *limits = root ? yaml_reader_child(reader, root, "limits") : NULL;

    return limits && yaml_reader_child(reader, limits, "connections");
}

static bool read_tree(struct config *config, enum config_use use, struct yaml_reader *reader)
{
    const yaml_node_t *root = yaml_reader_root(reader);

    config->broker.present = root && yaml_reader_child(reader, root, "broker") != NULL;
    if (!setting_table_read(&config_table, reader, root, config))
        return false;
    config->rules.present = config->rules.rules != NULL;
    if (!names_connections(reader, root))
        config_fit_connections(config);
    config_hosts_name_credentials(config);
    return config_check(config, use, reader) && config_hosts_share_rules(config, reader);
}

bool config_parse(struct bytes text, const char *path, enum config_use use, struct config **ret_config,
                  struct error *ret_error)
{
    struct yaml_reader reader;
    struct config *config;
    bool ok;

    if (!yaml_reader_open(&reader, path ? path : "configuration", text, ret_error))
        return false;
    config = mem_alloc_zero(1, sizeof(*config));
    config->references = 1;
    config->path = mem_string(path);
    ok = read_tree(config, use, &reader);
    yaml_reader_close(&reader);
    if (!ok) {
        config_unref(config);
        return false;
    }
    *ret_config = config;
    return true;
}

// A pipe (`-c <(…)`) is read as well as a file.
static bool read_file(const char *path, struct text *text, struct error *error)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    char block[16 * 1024];
    ssize_t count = -1;

    if (file < 0)
        return error_set(error, "%s: cannot be opened: %s; name another file with -c FILE or GITLATCH_CONFIG", path,
                         strerror(errno));
    text_init(text, FILE_SIZE_MAX);
    while (!text->cut && (count = read(file, block, sizeof(block))) > 0)
        text_append_bytes(text, bytes_of(block, (size_t)count));
    if (count < 0)
        error_set(error, "%s: cannot be read: %s", path, strerror(errno));
    else if (text->cut)
        error_set(error, "%s: is larger than 4 MiB, and no configuration", path);
    close(file);
    if (count >= 0 && !text->cut)
        return true;
    text_free(text);
    return false;
}

bool config_load(const char *path, enum config_use use, struct config **ret_config, struct error *ret_error)
{
    struct text text;
    bool ok;

    if (!read_file(path, &text, ret_error))
        return false;
    ok = config_parse(text_bytes(&text), path, use, ret_config, ret_error);
    text_free(&text);
    return ok;
}

static bool read_admin(struct yaml_reader *reader, struct config_address *admin)
{
    const yaml_node_t *root = yaml_reader_root(reader), *node = root ? yaml_reader_child(reader, root, "admin") : NULL;
    struct setting row = *setting_find(&config_table, "admin");

    row.offset = 0;
    if (!node)
        return setting_read_string(reader, &row, row.fallback, admin);
    yaml_reader_enter(reader, BYTES("admin"));
    return row.type->read(reader, node, &row, admin);
}

bool config_load_admin(const char *path, struct address *ret_address, struct error *ret_error)
{
    struct config_address admin = {.off = false};
    struct yaml_reader reader;
    struct text text;
    bool ok;

    if (!read_file(path, &text, ret_error))
        return false;
    if (yaml_reader_open(&reader, path, text_bytes(&text), ret_error)) {
        ok = read_admin(&reader, &admin);
        yaml_reader_close(&reader);
    } else {
        // The proxy that read an older state of the file goes on serving, most likely here.
        ok = config_parse_address(CONFIG_DEFAULT_ADMIN, &admin.address);
    }
    text_free(&text);
    if (ok && admin.off)
        ok = error_set(ret_error, "%s: `admin` is off, so there is nothing to ask", path);
    if (ok)
        *ret_address = admin.address;
    mem_free(admin.text);
    return ok;
}

bool config_signing_present(const struct config_signing *signing)
{
    return signing->key || signing->command;
}

struct config *config_ref(struct config *config)
{
    config->references++;
    return config;
}

void config_unref(struct config *config)
{
    if (!config || --config->references > 0)
        return;
    config_hosts_clear_rules(config);
    setting_table_clear(&config_table, config);
    secret_unref(config->upstream_password);
    mem_free(config->path);
    mem_free(config);
}
