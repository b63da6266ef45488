// git's configuration as git itself reads it: of files, what they include, and the environment.
#ifndef GITLATCH_GIT_CONFIG_H
#define GITLATCH_GIT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include <gitlatch/attr.h>

#include "bytes.h"

struct git_setting {
    const char *origin; // "file:/home/ada/.gitconfig", "command line:"
    const char *key;    // section and name in lower case
    const char *value;  // "" where there is none
};

// All zero is empty.
struct git_config {
    char *text;
    struct git_setting *settings; // in git's order: of a single value the last one counts
    size_t count;
};

// What `git config --null --show-origin --list` prints; copied.
struct git_config git_config_parse(struct bytes output) GL_MUST_CHECK;
void git_config_clear(struct git_config *config);

// Of a key such as `http.https://github.com/.proxy`: whether it is `section.….name`, and what stands between ("" where
// nothing does). Names are in lower case.
bool git_setting_is(const struct git_setting *setting, const char *section, const char *name,
                    struct bytes *ret_between);
// The file in which it stands, or what else it comes from, for people.
const char *git_setting_file(const struct git_setting *setting);

#endif
