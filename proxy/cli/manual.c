// Makes the manual from its template when gitlatch is built: `@CONFIG@` becomes the reference of the
// configuration,
// `@REASONS@` the table of reasons, `@VERSION@` the version, so that none of them can be out of date.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <gitlatch/reason.h>

#include "config_reference.h"

// mandoc's linter wants source lines of at most 80 bytes.
#define LINE_SIZE 78

// Prints a word of a text; what mdoc(7) would take for its own is escaped: the backslash, `-` (which would
// become a hyphen, that no shell takes for an option). `code` stands between backquotes and becomes bold.
static void print_word(struct bytes word, bool *in_code)
{
    for (size_t i = 0; i < word.size; i++) {
        if (word.data[i] == '`') {
            *in_code = !*in_code;
            fputs(*in_code ? "\\fB" : "\\fR", stdout);
        } else if (word.data[i] == '\\' || word.data[i] == '-') {
            fputs(word.data[i] == '-' ? "\\-" : "\\e", stdout);
        } else {
            putchar(word.data[i]);
        }
    }
}

// Prints a text in lines. Each begins with nothing visible, so that no dot or quote can make it a request.
static void print_prose(const char *string)
{
    struct bytes rest = bytes_of_string(string), word;
    bool more = true, in_code = false;
    size_t column = 0;

    while (more) {
        more = bytes_cut(rest, ' ', &word, &rest);
        if (column + word.size > LINE_SIZE - 20) {
            putchar('\n');
            column = 0;
        }
        fputs(column == 0 ? "\\&" : " ", stdout);
        print_word(word, &in_code);
        column += word.size + 1;
    }
    putchar('\n');
}

static void print_setting(void *arg, const char *key, const struct setting *setting)
{
    struct text text = {0};

    printf(".It Sy %s\n", key);
    config_reference_text(setting, &text);
    text_append_char(&text, '.');
    print_prose(text_string(&text));
    text_clear(&text);
    if (setting->type != &setting_section) {
        puts(".br");
        text_append(&text, "Takes: ");
        config_reference_values(setting, &text);
        if (setting->fallback)
            text_format(&text, "; default: `%s`", setting->fallback);
        text_append(&text, ".");
        print_prose(text_string(&text));
    }
    text_free(&text);
}

static void manual_print_config(void)
{
    puts(".Bl -tag -width Ds");
    config_reference_each(print_setting, NULL);
    puts(".El");
}

static void print_reasons(void)
{
    puts(".Bl -tag -width Ds");
    for (int reason = REASON_NONE + 1; reason < REASON_COUNT; reason++) {
        const struct reason_row *row = reason_row((enum reason)reason);
        struct text text = {0};

        printf(".It Sy %s Pq %d\n", row->code, row->status);
        text_format(&text, "%s%s%s.", row->meaning, row->remedy[0] ? "; " : "", row->remedy);
        print_prose(text_string(&text));
        text_free(&text);
    }
    puts(".El");
}

static void print_line(const char *line)
{
    const char *version = strstr(line, "@VERSION@");

    if (strcmp(line, "@CONFIG@\n") == 0)
        manual_print_config();
    else if (strcmp(line, "@REASONS@\n") == 0)
        print_reasons();
    else if (version)
        printf("%.*s%s%s", (int)(version - line), line, GITLATCH_VERSION, version + strlen("@VERSION@"));
    else
        fputs(line, stdout);
}

int main(int argc, char **argv)
{
    FILE *template = argc == 2 ? fopen(argv[1], "r") : NULL;
    char line[1024];

    if (!template) {
        fprintf(stderr, "manual: %s: %s\n", argc == 2 ? argv[1] : "name the template", strerror(errno));
        return 1;
    }
    while (fgets(line, sizeof(line), template))
        print_line(line);
    fclose(template);
    return fflush(stdout) == 0 ? 0 : 1;
}
