// The control API: what its handlers are given, and how they answer.
#ifndef GITLATCH_CONTROL_H
#define GITLATCH_CONTROL_H

#include <stdbool.h>

#include <jansson.h>

#include <gitlatch/attr.h>

struct account;

struct control_answer {
    int status;
    json_t *json; // a problem, where `status` says so
};

// Fills an answer. Under the world's lock.
typedef void control_handler(json_t *body, struct control_answer *answer);

struct control_route {
    const char *method;
    const char *path;
    control_handler *handle;
};

// The calls about Apps, their installations and tokens. Ends with an empty row.
extern const struct control_route control_app_routes[];

void control_fail(struct control_answer *answer, int status, const char *problem);
// `json` is given away.
void control_give(struct control_answer *answer, json_t *json);

// "" where the body has no such string.
const char *control_string(json_t *body, const char *key);
bool control_flag(json_t *body, const char *key, bool otherwise);
// The account that "owner" names. NULL: none, answered.
struct account *control_account(json_t *body, struct control_answer *answer);

#endif
