// A YAML document with a place in it, so that every complaint names file, line and key.
#ifndef GITLATCH_YAML_READER_H
#define GITLATCH_YAML_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

#include <gitlatch/attr.h>

#include "bytes.h"
#include "error.h"

// The longest key path of the schema, "broker.grants[1000].repositories[1000].accept_bypass", has 54
// characters; a name of `connect_to` or `permissions` may make it longer, and is then cut in the message.
#define YAML_PATH_SIZE 160

struct yaml_reader {
    const char *file; // for messages
    yaml_document_t document;
    char path[YAML_PATH_SIZE]; // of the key being read, "credentials[1].app_id"; "" at the root
    struct error *error;
};

// Parses one document. The error names file and line; on failure there is nothing to close.
bool yaml_reader_open(struct yaml_reader *reader, const char *file, struct bytes text, struct error *ret_error)
    GL_MUST_CHECK;
void yaml_reader_close(struct yaml_reader *reader);

// The document's root; NULL: it is empty.
const yaml_node_t *yaml_reader_root(struct yaml_reader *reader);
const yaml_node_t *yaml_reader_node(struct yaml_reader *reader, int index);

// Steps into a key or an entry of a list; gives what yaml_reader_leave goes back to.
size_t yaml_reader_enter(struct yaml_reader *reader, struct bytes key);
size_t yaml_reader_enter_entry(struct yaml_reader *reader, size_t entry);
void yaml_reader_leave(struct yaml_reader *reader, size_t mark);

// Sets the error "FILE:LINE: path: text"; always false. A NULL node stands for the file's first line.
bool yaml_reader_refuse(struct yaml_reader *reader, const yaml_node_t *node, const char *format, ...) GL_PRINTF(3, 4);
// Refuses a node because it is not `expected` ("a duration such as 30s"), and says what it is instead.
bool yaml_reader_refuse_type(struct yaml_reader *reader, const yaml_node_t *node, const char *expected);

// Refuses what stands under `key` ("host", "private_key") below the place where the reader is; "" is that
// place itself.
bool yaml_reader_refuse_key(struct yaml_reader *reader, const char *key, const char *format, ...) GL_PRINTF(3, 4);

// The value of a key of a mapping; NULL where there is none, or the node is no mapping.
const yaml_node_t *yaml_reader_child(struct yaml_reader *reader, const yaml_node_t *node, const char *key);

// The text of a scalar: not empty, without a NUL byte, not a bare `null`, `true` or `false`. The view is one
// of a C string that lives as long as the reader is open.
bool yaml_reader_text(struct yaml_reader *reader, const yaml_node_t *node, const char *expected, struct bytes *ret_text)
    GL_MUST_CHECK;
// Whether the node is a bare `true` or `false`, and which.
bool yaml_reader_flag(const yaml_node_t *node, bool *ret_flag);
// How many entries a list holds; refuses what is no list, or has more than `most` entries.
bool yaml_reader_list(struct yaml_reader *reader, const yaml_node_t *node, const char *expected, size_t most,
                      size_t *ret_count) GL_MUST_CHECK;
const yaml_node_t *yaml_reader_entry(struct yaml_reader *reader, const yaml_node_t *list, size_t entry);

#endif
