#include "completion.h"

#include <string.h>

#include "command.h"
#include "help_topic.h"
#include "mem.h"

static const char *find_words(const struct command *command, const char *option)
{
    for (const struct command_choice *each = command->choices; each && each->words; each++)
        if (option ? each->option && strcmp(each->option, option) == 0 : !each->option)
            return each->words;
    return NULL;
}

static bool has_short(const struct command *command, const struct option *option)
{
    // Some options have a number beyond the letters, for they have no short form.
    return option->val > ' ' && option->val <= '~' && strchr(command->short_options, option->val);
}

static void append_names(struct text *text)
{
    for (const struct command *const *each = command_all(); *each; each++)
        text_format(text, " %s", (*each)->name);
}

// bash

static void append_bash_options(struct text *text, const struct command *command)
{
    for (const struct option *option = command->options; option->name; option++)
        text_format(text, " --%s", option->name);
}

// `--option` and, where it has one, `-o`, each with the words of its value.
static void append_bash_values(struct text *text, const struct command *command)
{
    for (const struct option *option = command->options; option->name; option++) {
        const char *words = find_words(command, option->name);

        if (option->has_arg == no_argument || (option->has_arg == optional_argument && !words))
            continue;
        text_format(text, "            %s:--%s%s) ", command->name, option->name,
                    option->has_arg == required_argument ? "" : "=");
        if (words)
            text_format(text, "COMPREPLY=($(compgen -W '%s' -- \"$current\")); return ;;\n", words);
        else
            text_append(text, "COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n");
        if (option->has_arg == required_argument && has_short(command, option))
            text_format(text, "            %s:-%c) COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n",
                        command->name, option->val);
    }
}

static void append_bash(struct text *text)
{
    text_append(text, "# bash completion of gitlatch, made by `gitlatch completion bash`\n"
                      "_gitlatch() {\n"
                      "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
                      "    local command=${COMP_WORDS[1]} words=\n"
                      "    COMPREPLY=()\n"
                      "    # An \"=\" is a word of its own.\n"
                      "    if [[ $current == = ]]; then current=; previous=${previous}=\n"
                      "    elif [[ $previous == = ]]; then previous=${COMP_WORDS[COMP_CWORD-2]}=; fi\n"
                      "    if ((COMP_CWORD == 1)); then\n"
                      "        COMPREPLY=($(compgen -W 'help version --help --version");
    append_names(text);
    text_append(text, "' -- \"$current\")); return\n"
                      "    fi\n"
                      "    for previous in \"$previous\" \"${previous%=}\"; do\n"
                      "        case $command:$previous in\n"
                      "            help:help) COMPREPLY=($(compgen -W '" HELP_TOPICS);
    append_names(text);
    text_append(text, "' -- \"$current\")); return ;;\n");
    for (const struct command *const *each = command_all(); *each; each++)
        append_bash_values(text, *each);
    text_append(text, "        esac\n"
                      "    done\n"
                      "    case $command in\n");
    for (const struct command *const *each = command_all(); *each; each++) {
        const char *words = find_words(*each, NULL);

        text_format(text, "        %s) words='%s", (*each)->name, words ? words : "");
        append_bash_options(text, *each);
        text_append(text, "' ;;\n");
    }
    text_append(text, "    esac\n"
                      "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
                      "}\n"
                      "complete -o default -F _gitlatch gitlatch\n");
}

// zsh

// A description stands in single quotes and brackets.
static void append_zsh_text(struct text *text, const char *description)
{
    for (; *description; description++) {
        if (*description == '\'')
            text_append(text, "'\\'");
        if (strchr("[]:\\", *description))
            text_append_char(text, '\\');
        text_append_char(text, *description);
    }
}

static void append_zsh_option(struct text *text, const struct command *command, const struct option *option)
{
    const char *words = find_words(command, option->name);

    text_format(text, " \\\n            '--%s%s", option->name,
                option->has_arg == no_argument         ? ""
                : option->has_arg == optional_argument ? "=-"
                                                       : "=");
    if (option->has_arg != no_argument)
        text_format(text, "%s:%s:", option->has_arg == optional_argument ? ":" : "", option->name);
    if (option->has_arg != no_argument && words)
        text_format(text, "(%s)", words);
    else if (option->has_arg != no_argument)
        text_append(text, "_files");
    text_append_char(text, '\'');
    if (has_short(command, option) && option->has_arg == required_argument)
        text_format(text, " \\\n            '-%c:%s:_files'", option->val, option->name);
    else if (has_short(command, option))
        text_format(text, " \\\n            '-%c'", option->val);
}

static void append_zsh_command(struct text *text, const struct command *command)
{
    const char *words = find_words(command, NULL);

    text_format(text, "        %s)\n            _arguments", command->name);
    for (const struct option *option = command->options; option->name; option++)
        append_zsh_option(text, command, option);
    if (words)
        text_format(text, " \\\n            '1:word:(%s)'", words);
    else if (command->short_options[0] == '+') // what follows the options is a command line
        text_append(text, " \\\n            '*::command:_normal'");
    else
        text_append(text, " \\\n            '*:file:_files'");
    text_append(text, " ;;\n");
}

static void append_zsh(struct text *text)
{
    text_append(text, "#compdef gitlatch\n"
                      "# zsh completion of gitlatch, made by `gitlatch completion zsh`\n"
                      "_gitlatch() {\n"
                      "    local -a commands=(\n");
    for (const struct command *const *each = command_all(); *each; each++) {
        text_format(text, "        '%s:", (*each)->name);
        append_zsh_text(text, (*each)->summary);
        text_append(text, "'\n");
    }
    text_append(text, "        'help:more about a command'\n"
                      "        'version:print the version'\n"
                      "    )\n"
                      "    if ((CURRENT == 2)); then _describe command commands; return; fi\n"
                      "    shift words; ((CURRENT--))\n"
                      "    case $words[1] in\n"
                      "        help) _values topic " HELP_TOPICS);
    append_names(text);
    text_append(text, " ;;\n");
    for (const struct command *const *each = command_all(); *each; each++)
        append_zsh_command(text, *each);
    text_append(text, "    esac\n"
                      "}\n"
                      "if [[ $funcstack[1] == _gitlatch ]]; then _gitlatch; else compdef _gitlatch gitlatch; fi\n");
}

// fish

static void append_fish_text(struct text *text, const char *description)
{
    text_append_char(text, '\'');
    for (; *description; description++) {
        if (*description == '\'' || *description == '\\')
            text_append_char(text, '\\');
        text_append_char(text, *description);
    }
    text_append_char(text, '\'');
}

static void append_fish_command(struct text *text, const struct command *command)
{
    const char *words = find_words(command, NULL);

    text_format(text, "complete -c gitlatch -n __fish_use_subcommand -f -a %s -d ", command->name);
    append_fish_text(text, command->summary);
    text_append_char(text, '\n');
    for (const struct option *option = command->options; option->name; option++) {
        const char *values = find_words(command, option->name);

        text_format(text, "complete -c gitlatch -n '__fish_seen_subcommand_from %s' -l %s", command->name,
                    option->name);
        if (has_short(command, option))
            text_format(text, " -s %c", option->val);
        if (option->has_arg == required_argument)
            text_append(text, values ? " -x" : " -r -F");
        if (option->has_arg != no_argument && values)
            text_format(text, " -a '%s'", values);
        text_append_char(text, '\n');
    }
    if (words)
        text_format(text, "complete -c gitlatch -n '__fish_seen_subcommand_from %s' -f -a '%s'\n", command->name,
                    words);
}

static void completion_append_fish(struct text *text)
{
    text_append(text, "# fish completion of gitlatch, made by `gitlatch completion fish`\n");
    for (const struct command *const *each = command_all(); *each; each++)
        append_fish_command(text, *each);
    text_append(text, "complete -c gitlatch -n __fish_use_subcommand -f -a help -d 'more about a command'\n"
                      "complete -c gitlatch -n __fish_use_subcommand -f -a version -d 'print the version'\n"
                      "complete -c gitlatch -n '__fish_seen_subcommand_from help' -f -a '" HELP_TOPICS);
    append_names(text);
    text_append(text, "'\n");
}

bool completion_append(const char *shell, struct text *text)
{
    static const struct {
        const char *name;
        void (*append)(struct text *text);
    } shells[] = {{"bash", append_bash}, {"zsh", append_zsh}, {"fish", completion_append_fish}};

    for (size_t i = 0; i < GL_ARRAY_SIZE(shells); i++) {
        if (strcmp(shells[i].name, shell) == 0) {
            shells[i].append(text);
            return true;
        }
    }
    return false;
}
