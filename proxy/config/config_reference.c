#include "config_reference.h"

#include "config_credential.h"
#include "config_table.h"
#include "mem.h"
#include "setting_rules.h"

static void each(const struct setting_table *table, const char *prefix, config_reference_fn *fn, void *arg)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct setting *setting = &table->rows[i];
        const struct setting_entries *entries = setting->detail;
        char *key = mem_format("%s%s", prefix, setting->key), *below = mem_format("%s[].", key);

        fn(arg, key, setting);
        // A grant's rules are those of `repositories`: listed once.
        if (setting->type == &setting_list && (entries->table.rows != setting_rule_rows || !*prefix))
            each(&entries->table, below, fn, arg);
        mem_free(below);
        mem_free(key);
    }
}

void config_reference_each(config_reference_fn *fn, void *arg)
{
    each(&config_table, "", fn, arg);
}

void config_reference_values(const struct setting *setting, struct text *text)
{
    const char *const *words = setting->detail;

    if (setting->type == &setting_list) {
        text_append(text, ((const struct setting_entries *)setting->detail)->expected);
    } else if (setting->type == &setting_word) {
        for (size_t i = 0; words[i]; i++)
            text_format(text, "%s%s", i ? " | " : "", words[i]);
    } else {
        text_append(text, setting->type->name);
    }
}

void config_reference_text(const struct setting *setting, struct text *text)
{
    if (setting >= credential_rows && setting < credential_rows + CREDENTIAL_ROWS)
        credential_append_text(setting, text);
    else
        text_append(text, setting->text);
}

static void print(void *arg, const char *key, const struct setting *setting)
{
    struct text *text = arg;

    text_format(text, "%s:", key);
    if (setting->type != &setting_section) {
        text_append_char(text, ' ');
        config_reference_values(setting, text);
    }
    if (setting->fallback)
        text_format(text, " (default: %s)", setting->fallback);
    text_append(text, "\n    ");
    config_reference_text(setting, text);
    text_append_char(text, '\n');
}

void config_reference_print(struct text *text)
{
    config_reference_each(print, text);
}
