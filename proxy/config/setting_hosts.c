#include "setting_hosts.h"

#include <string.h>

#include "config.h"
#include "host_name.h"
#include "mem.h"
#include "quantity.h"

// Splits "host:port", where an IPv6 address stands in brackets. Either may be empty.
static bool split(struct bytes text, struct bytes *ret_host, struct bytes *ret_port)
{
    const char *colon = memrchr(text.data, ':', text.size);

    if (!colon)
        return false;
    *ret_host = bytes_of(text.data, (size_t)(colon - text.data));
    *ret_port = bytes_skip(text, ret_host->size + 1);
    return true;
}

static bool parse_port(struct bytes text, uint16_t *ret_port)
{
    uint64_t port;

    if (!quantity_count(text, &port) || port > UINT16_MAX)
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

bool config_parse_address(const char *text, struct address *ret_address)
{
    struct bytes host, port_text;
    uint16_t port;

    return split(bytes_of_string(text), &host, &port_text) && parse_port(port_text, &port) &&
           (memchr(host.data, ':', host.size) == NULL || host.data[0] == '[') && address_parse(host, port, ret_address);
}

static bool read_address(struct yaml_reader *reader, const yaml_node_t *node, const struct setting *setting, void *base)
{
    struct config_address *address = setting_field(setting, base);
    struct bytes text;

    if (!yaml_reader_text(reader, node, setting->type->expected, &text))
        return false;
    mem_free(address->text);
    *address = (struct config_address){0};
    if (setting->type == &setting_address_or_off && bytes_equal(text, BYTES("off"))) {
        address->off = true;
        return true;
    }
    if (!config_parse_address(text.data, &address->address))
        return yaml_reader_refuse_type(reader, node, setting->type->expected);
    address->text = mem_bytes_string(text);
    return true;
}

static void clear_address(const struct setting *setting, void *base)
{
    struct config_address *address = setting_field(setting, base);

    mem_free(address->text);
    *address = (struct config_address){0};
}

// Lists of hosts. Each is kept in its normal form, behind the prefix that was written ("*.", ".").

static bool normalise(struct yaml_reader *reader, const yaml_node_t *list_node, struct text_list *list,
                      const char *prefix, const char *expected)
{
    for (size_t i = 0; i < list->count; i++) {
        struct bytes text = bytes_of_string(list->items[i]);
        size_t skip = bytes_start_with(text, bytes_of_string(prefix)) ? strlen(prefix) : 0;
        struct host_name host;

        if (bytes_equal(text, BYTES(OTHER_HOSTS_GITHUB_OBJECTS)) && strcmp(prefix, "*.") == 0)
            continue;
        if (!host_name_parse(bytes_skip(text, skip), &host) || (skip > 0 && host.kind != HOST_NAME)) {
            yaml_reader_enter_entry(reader, i);
            return yaml_reader_refuse_type(reader, yaml_reader_entry(reader, list_node, i), expected);
        }
        mem_free(list->items[i]);
        list->items[i] = mem_format("%s%s", skip ? prefix : "", host.text);
    }
    return true;
}

static bool read_host_names(struct yaml_reader *reader, const yaml_node_t *node, const struct setting *setting,
                            void *base)
{
    struct text_list *list = setting_field(setting, base);

    return setting_read_strings(reader, node, setting->type->expected, NULL, list) &&
           normalise(reader, node, list, "", "the name of a host, without a port");
}

static bool read_host_suffixes(struct yaml_reader *reader, const yaml_node_t *node, const struct setting *setting,
                               void *base)
{
    struct text_list *list = setting_field(setting, base);

    return setting_read_strings(reader, node, setting->type->expected, NULL, list) &&
           normalise(reader, node, list, ".", "a host, or .domain for all below it");
}

// `other_hosts`: a word, or {allow: [...]}.

static bool read_allow_list(struct yaml_reader *reader, const yaml_node_t *node, const struct setting *setting,
                            struct other_hosts *hosts)
{
    const yaml_node_t *allow = yaml_reader_child(reader, node, "allow");

    if (!allow || node->data.mapping.pairs.top - node->data.mapping.pairs.start != 1)
        return yaml_reader_refuse(reader, node, "must be %s, with the one key `allow`", setting->type->expected);
    hosts->kind = OTHER_HOSTS_ALLOW;
    yaml_reader_enter(reader, BYTES("allow"));
    return setting_read_strings(reader, allow, "a list of hosts", NULL, &hosts->allow) &&
           normalise(reader, allow, &hosts->allow, "*.", "a host, *.domain or " OTHER_HOSTS_GITHUB_OBJECTS);
}

static bool read_other_hosts(struct yaml_reader *reader, const yaml_node_t *node, const struct setting *setting,
                             void *base)
{
    static const char *const words[] = {"tunnel", "deny", "{allow: [host]}", NULL};
    struct other_hosts *hosts = setting_field(setting, base);
    size_t mark = strlen(reader->path);
    struct bytes word;

    if (node->type == YAML_MAPPING_NODE) {
        if (!read_allow_list(reader, node, setting, hosts))
            return false;
        yaml_reader_leave(reader, mark);
        return true;
    }
    if (!yaml_reader_text(reader, node, setting->type->expected, &word))
        return false;
    if (!bytes_equal(word, BYTES("tunnel")) && !bytes_equal(word, BYTES("deny")))
        return setting_refuse_word(reader, node, word, words);
    hosts->kind = bytes_equal(word, BYTES("deny")) ? OTHER_HOSTS_DENY : OTHER_HOSTS_TUNNEL;
    return true;
}

static void clear_other_hosts(const struct setting *setting, void *base)
{
    struct other_hosts *hosts = setting_field(setting, base);
    const struct setting allow = {.offset = 0};

    setting_clear_strings(&allow, &hosts->allow);
}

// `connect_to`: "github.com:443": "127.0.0.1:8443".

// Each connection that is made looks through them.
#define CONNECT_TO_MAX 1000

static bool parse_end(struct bytes text, char **ret_host, uint16_t *ret_port)
{
    struct bytes host_text, port_text;
    struct host_name host = {.text = ""};
    uint16_t port = 0;

    if (!split(text, &host_text, &port_text) || (host_text.size > 0 && !host_name_parse(host_text, &host)) ||
        (port_text.size > 0 && (!parse_port(port_text, &port) || port == 0)))
        return false;
    *ret_host = mem_string(host.text);
    *ret_port = port;
    return true;
}

static bool read_connection(struct yaml_reader *reader, const yaml_node_t *key, const yaml_node_t *value,
                            struct config_connect_to *entry)
{
    static const char expected[] = "HOST:PORT, such as 127.0.0.1:8443";
    struct bytes from, to;

    if (!yaml_reader_text(reader, key, expected, &from) || !yaml_reader_text(reader, value, expected, &to))
        return false;
    if (!parse_end(from, &entry->from_host, &entry->from_port))
        return yaml_reader_refuse_type(reader, key, expected);
    if (!parse_end(to, &entry->to_host, &entry->to_port))
        return yaml_reader_refuse_type(reader, value, expected);
    return true;
}

static size_t *count_of(const struct setting *setting, void *base)
{
    return (size_t *)((char *)base + *(const size_t *)setting->detail);
}

static bool read_connect_to(struct yaml_reader *reader, const yaml_node_t *node, const struct setting *setting,
                            void *base)
{
    struct config_connect_to **entries = setting_field(setting, base);
    size_t *ret_count = count_of(setting, base);
    size_t count, capacity;

    if (node->type != YAML_MAPPING_NODE)
        return yaml_reader_refuse_type(reader, node, setting->type->expected);
    capacity = (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
    if (capacity > CONNECT_TO_MAX)
        return yaml_reader_refuse(reader, node, "has %zu entries; at most %d are read", capacity, CONNECT_TO_MAX);
    *entries = mem_alloc_zero(capacity, sizeof(**entries));
    for (count = 0; count < capacity; count++) {
        const yaml_node_pair_t *pair = &node->data.mapping.pairs.start[count];
        const yaml_node_t *key = yaml_reader_node(reader, pair->key);
        const char *name = key->type == YAML_SCALAR_NODE ? (const char *)key->data.scalar.value : "";
        size_t mark = yaml_reader_enter(reader, bytes_of_string(name));

        *ret_count = count + 1;
        if (!read_connection(reader, key, yaml_reader_node(reader, pair->value), &(*entries)[count]))
            return false;
        if (yaml_reader_child(reader, node, name) != yaml_reader_node(reader, pair->value))
            return yaml_reader_refuse(reader, key, "is given twice; keep one");
        yaml_reader_leave(reader, mark);
    }
    return true;
}

static void clear_connect_to(const struct setting *setting, void *base)
{
    struct config_connect_to **entries = setting_field(setting, base);
    size_t *count = count_of(setting, base);

    for (size_t i = 0; i < *count; i++) {
        mem_free((*entries)[i].from_host);
        mem_free((*entries)[i].to_host);
    }
    mem_free(*entries);
    *entries = NULL;
    *count = 0;
}

const struct setting_type setting_address = {"address", "an address and a port, such as 127.0.0.1:3128 or [::1]:3128",
                                             read_address, clear_address, "{\"type\":\"string\"}"};
const struct setting_type setting_address_or_off = {
    "address | off", "an address and a port, such as 127.0.0.1:9128, or off", read_address,
    clear_address, // YAML 1.1 reads an unquoted `off` as false.
    "{\"anyOf\":[{\"type\":\"string\"},{\"const\":false}]}"};
const struct setting_type setting_host_names = {"list of hosts", "a list of hosts", read_host_names,
                                                setting_clear_strings,
                                                "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"};
const struct setting_type setting_host_suffixes = {"list of hosts and .domains", "a list of hosts and .domains",
                                                   read_host_suffixes, setting_clear_strings,
                                                   "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"};
const struct setting_type setting_other_hosts = {
    "tunnel | deny | {allow: list of hosts}", "tunnel, deny, or {allow: [host, \"*.domain\"]}", read_other_hosts,
    clear_other_hosts,
    "{\"anyOf\":[{\"enum\":[\"tunnel\",\"deny\"]},{\"type\":\"object\",\"additionalProperties\":false,"
    "\"properties\":{\"allow\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}]}"};
const struct setting_type setting_connect_to = {"mapping", "a mapping such as {\"github.com:443\": \"127.0.0.1:8443\"}",
                                                read_connect_to, clear_connect_to,
                                                "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}"};
