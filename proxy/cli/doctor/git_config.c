#include "git_config.h"

#include "mem.h"

// git-config(1), "--null": a key ends with a line feed, a value with NUL; a key without a value has no line feed.
struct git_config git_config_parse(struct bytes output)
{
    struct git_config config = {.text = mem_alloc(output.size + 1)};
    size_t capacity = 0, at = 0;

    if (output.size)
        memcpy(config.text, output.data, output.size);
    config.text[output.size] = '\0';
    while (at < output.size) {
        struct git_setting setting = {.origin = config.text + at, .value = ""};
        char *key;

        at += strlen(setting.origin) + 1;
        if (at >= output.size)
            break;
        key = config.text + at;
        at += strlen(key) + 1;
        char *line_feed = strchr(key, '\n');
        if (line_feed) {
            *line_feed = '\0';
            setting.value = line_feed + 1;
        }
        setting.key = key;
        config.settings = mem_grow(config.settings, &capacity, config.count + 1, sizeof(setting));
        config.settings[config.count++] = setting;
    }
    return config;
}

void git_config_clear(struct git_config *config)
{
    mem_free(config->settings);
    mem_free(config->text);
    *config = (struct git_config){0};
}

bool git_setting_is(const struct git_setting *setting, const char *section, const char *name, struct bytes *ret_between)
{
    struct bytes key = bytes_of_string(setting->key), first, rest;
    size_t name_size = strlen(name);

    bytes_cut(key, '.', &first, &rest);
    if (!bytes_equal(first, bytes_of_string(section)) || !bytes_end_with(rest, bytes_of_string(name)))
        return false;
    if (rest.size > name_size && rest.data[rest.size - name_size - 1] != '.')
        return false;
    *ret_between = bytes_of(rest.data, rest.size > name_size ? rest.size - name_size - 1 : 0);
    return true;
}

const char *git_setting_file(const struct git_setting *setting)
{
    const char *colon = strchr(setting->origin, ':');

    return colon && colon[1] ? colon + 1 : "the environment or the command line";
}
