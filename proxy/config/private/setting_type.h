// The types of single values and of lists of them. What belongs to rules and to hosts has files of its own.
#ifndef GITLATCH_SETTING_TYPE_H
#define GITLATCH_SETTING_TYPE_H

#include <stdint.h>

#include "setting.h"

// Entries of a list, or of a free mapping, that are read at most: 10,000 rules would already be a program.
#define SETTING_ENTRIES_MAX 10000

// `detail` of count, size and duration (in ms); NULL: any.
struct setting_bounds {
    uint64_t least;
    uint64_t most;
};

extern const struct setting_type setting_string;    // char *: any text
extern const struct setting_type setting_file;      // char *: the path of a file
extern const struct setting_type setting_directory; // char *: the path of a directory
extern const struct setting_type setting_web_url;   // char *: http:// or https://, without user, query and fragment
extern const struct setting_type setting_flag;      // bool
extern const struct setting_type setting_count;     // uint64_t
extern const struct setting_type setting_duration;  // int64_t, ms
extern const struct setting_type setting_size;      // uint64_t, bytes
extern const struct setting_type setting_word;      // an enum; `detail` is its words in order, ends with NULL
extern const struct setting_type setting_allow;     // bool: `deny` is true, `allow` is false
extern const struct setting_type setting_strings;   // struct text_list
extern const struct setting_type setting_files;     // struct text_list
extern const struct setting_type setting_argv;      // char **, ends with NULL: a command and its arguments

// `detail` of setting_list: the entries are structures that a table of their own fills.
struct setting_entries {
    struct setting_table table;
    size_t size;           // of one
    size_t count;          // offset of the size_t that holds how many
    const char *expected;  // "a list of rules"
    bool single;           // one entry may stand without a list
    const char *short_key; // an entry that is a scalar is the value of this key; NULL: it must be a mapping
    // What the table cannot say of an entry; NULL: nothing.
    bool (*finish)(struct yaml_reader *reader, const yaml_node_t *node, void *entry);
    // Gives back what `finish` allocated; NULL: nothing.
    void (*discard)(void *entry);
    size_t lines; // offset of an int * that takes the line of each entry; 0: none
};

extern const struct setting_type setting_list; // pointer to the entries

// Replaces the string at `field` by a copy of the text.
void setting_set_string(char **field, struct bytes text);
// Reads a list of strings, each of which `check` (may be NULL) accepts; `field` is a struct text_list.
struct text_list;
typedef bool setting_check_fn(struct yaml_reader *reader, const yaml_node_t *node, struct bytes text);
bool setting_read_strings(struct yaml_reader *reader, const yaml_node_t *node, const char *expected,
                          setting_check_fn *check, struct text_list *list) GL_MUST_CHECK;
void setting_clear_strings(const struct setting *setting, void *base);
void setting_clear_string(const struct setting *setting, void *base);
// Refuses a word that is not among `words` (ends with NULL), with a suggestion.
bool setting_refuse_word(struct yaml_reader *reader, const yaml_node_t *node, struct bytes word,
                         const char *const *words);

#endif
