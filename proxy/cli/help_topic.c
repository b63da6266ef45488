#include "help_topic.h"

#include <stdio.h>
#include <string.h>

#include "config_reference.h"
#include "config_schema.h"
#include "mem.h"
#include "reason_reference.h"
#include "text.h"

static const char config_preamble[] =
    "The configuration is one YAML file. Only `credentials` must be there. A key under\n"
    "[] belongs to each entry of a list. Durations are 30s, 10m, 1h; sizes are 64KiB,\n"
    "1MiB, 2GiB. In a pattern, * stays within a segment of a name or ref, ** crosses\n"
    "segments; in YAML, what begins with * is put in quotes.\n"
    "\n";

static void help_topic_print_config(struct text *text)
{
    text_append(text, config_preamble);
    config_reference_print(text);
}

static const struct {
    const char *name;
    void (*print)(struct text *text);
} topics[] = {
    {"config", help_topic_print_config}, {"reasons", reason_reference_print}, {"schema", config_schema_print}};

bool help_topic_exists(const char *name)
{
    for (size_t i = 0; i < GL_ARRAY_SIZE(topics); i++)
        if (strcmp(topics[i].name, name) == 0)
            return true;
    return false;
}

bool help_topic_print(const char *name)
{
    struct text text = {0};

    for (size_t i = 0; i < GL_ARRAY_SIZE(topics); i++)
        if (strcmp(topics[i].name, name) == 0)
            topics[i].print(&text);
    fputs(text_string(&text), stdout);
    text_free(&text);
    return fflush(stdout) == 0 && !ferror(stdout);
}

int help_topic_option(const struct command *command, const char *name)
{
    if (!name)
        return command_help(command);
    if (!help_topic_exists(name))
        return command_misused(command, "--help is about config, reasons or schema, not \"%s\"", name);
    if (!help_topic_print(name))
        return command_finish_output(command);
    return COMMAND_DONE;
}
