// What POST /v1/token and POST /v1/repositories ask for. Pure.
#ifndef GITLATCH_TOKEN_QUESTION_H
#define GITLATCH_TOKEN_QUESTION_H

#include <stdbool.h>
#include <stddef.h>

#include <gitlatch/attr.h>
#include <gitlatch/permissions.h>
#include <gitlatch/repository_name.h>
#include <gitlatch/token_service.h>

#include "bytes.h"
#include "config.h"
#include "error.h"

struct text;

// 500 names of 104 bytes and 32 permissions, written with spaces.
#define TOKEN_QUESTION_MAX (96 * KIB)
// An installation with more than 10,000 repositories is not listed; a page holds 500.
#define TOKEN_QUESTION_PAGES_MAX 20
#define TOKEN_QUESTION_PAGE_SIZE 500

struct token_question {
    const struct github_host *host; // the configuration's
    char owner[OWNER_NAME_SIZE];    // "": none is named
    struct repository_name *names;  // owned; sorted, each once; NULL: none is named
    size_t count;
    char rejected[TOKEN_FINGERPRINT_SIZE]; // of the token of this scope that GitHub did not accept; "": none is named
    struct permissions permissions;        // never empty: {metadata: read} where none are named
    unsigned page;                         // of a listing, from 1
};

// `host` may be absent where the configuration has one GitHub. The error is a clause about the body.
bool token_question_parse(struct bytes body, const struct config *config, struct token_question *ret_question,
                          struct error *ret_error) GL_MUST_CHECK;
// The same of a listing: `host`, `owner` and `page` alone.
bool token_question_parse_listing(struct bytes body, const struct config *config, struct token_question *ret_question,
                                  struct error *ret_error) GL_MUST_CHECK;
void token_question_clear(struct token_question *question);
// For people: "acme/widgets contents:write", "acme (12 repositories) issues:read".
void token_question_label(const struct token_question *question, struct text *text);

#endif
