// One entry of `credentials`, as the configuration gives it.
#ifndef GITLATCH_CREDENTIAL_OPTIONS_H
#define GITLATCH_CREDENTIAL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The kinds of source, one row each, in the order in which they are listed to people. A row names the enum's member and
// the kind: its word in the configuration is the second, and its description is `source_<kind>_kind` (source.h).
#define SOURCE_KINDS(ROW)                                                                                              \
    ROW(APP, app)                                                                                                      \
    ROW(BROKER, broker)                                                                                                \
    ROW(PLATFORM, platform)                                                                                            \
    ROW(COMMAND, command)                                                                                              \
    ROW(FILE, file)                                                                                                    \
    ROW(ENVIRONMENT, environment)

#define SOURCE_KINDS_MEMBER(NAME, name) CREDENTIAL_##NAME,
enum credential_type { SOURCE_KINDS(SOURCE_KINDS_MEMBER) CREDENTIAL_TYPE_COUNT };
#undef SOURCE_KINDS_MEMBER

// How a caller of a broker comes by the token that proves it.
enum identity_kind { IDENTITY_NONE, IDENTITY_FILE, IDENTITY_GITHUB_ACTIONS, IDENTITY_COMMAND };

// Strings are NULL where the type has no such member or the file does not name it.
struct credential_options {
    enum credential_type type;
    char *host; // the `web` name of the GitHub it is for; NULL: the only one

    char *app_id;          // app: the App's id or its client id
    char *private_key;     // app: PEM file
    char **sign_command;   // app: argv, ends with NULL; instead of private_key
    uint64_t installation; // app: 0: found by owner

    enum identity_kind identity; // broker: where its token comes from, instead of token_file
    char *identity_file;         // IDENTITY_FILE
    char **identity_command;     // IDENTITY_COMMAND: ends with NULL
    char *audience;              // IDENTITY_GITHUB_ACTIONS: of the token that is asked for; NULL: gitlatch's own
    bool holds_token;            // broker: for a caller that will hold what it is given, which its token says
    char *certificate, *key;     // broker: PEM files; instead of a token, or beside it

    char *url;        // broker, platform
    char *token_file; // broker, platform
    char *trust;      // broker, platform: PEM file with roots; NULL: the system's

    char **argv;         // command: ends with NULL
    int64_t lifetime_ms; // command, file, environment: how long a token is taken to live; 0: not known

    char *path; // file
    char *name; // environment: the variable

    bool wide_api;          // with rules: serve every API call, though the token cannot be narrowed
    bool also_when_refused; // asked also when the one before refused
};

// What the table of kinds says (source/source_kinds.c).

// "app", "broker", …, in the order of the enum; ends with NULL.
extern const char *const credential_type_words[CREDENTIAL_TYPE_COUNT + 1];
// Whether a credential of this type may have the key, and whether it must.
bool credential_takes(enum credential_type type, const char *key);
bool credential_needs(enum credential_type type, const char *key);
// Whether its `url` must be https://.
bool credential_needs_tls(enum credential_type type);
// What is wrong with it beyond its keys, as the end of a sentence; NULL: nothing. `*ret_key` becomes the key to name,
// NULL: the credential as a whole. A secret that was put in the wrong place is not shown.
const char *credential_problem(const struct credential_options *options, const char **ret_key);

// Whether its tokens are narrowed to what is asked for; else it gives one wide token.
bool credential_narrows(enum credential_type type);
// Whether its tokens are minted at GitHub itself: a broker makes its own of such.
bool credential_is_github(enum credential_type type);
// Whether its issuer grants by rules of its own, which it gives to the sidecar.
bool credential_gives_rules(enum credential_type type);

#endif
