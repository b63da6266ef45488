// One entry of `credentials`, as the configuration gives it (product.md, "Sources").
#ifndef GITLATCH_CREDENTIAL_OPTIONS_H
#define GITLATCH_CREDENTIAL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum credential_type {
    CREDENTIAL_APP,
    CREDENTIAL_BROKER,
    CREDENTIAL_PLATFORM,
    CREDENTIAL_COMMAND,
    CREDENTIAL_FILE,
    CREDENTIAL_ENVIRONMENT,
    CREDENTIAL_TYPE_COUNT,
};

// Strings are NULL where the type has no such member or the file does not name it.
struct credential_options {
    enum credential_type type;
    char *host; // the `web` name of the GitHub it is for; NULL: the only one

    char *app_id;          // app: the App's id or its client id
    char *private_key;     // app: PEM file
    char **sign_command;   // app: argv, ends with NULL; instead of private_key
    uint64_t installation; // app: 0: found by owner

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

#endif
