// What `gitlatch check --cluster` looks at: what injects and guards, the broker, the namespaces of workspaces and their pods.
// It only reads, and asks through a function of the caller's.
#ifndef GITLATCH_CLUSTER_SURVEY_H
#define GITLATCH_CLUSTER_SURVEY_H

#include <jansson.h>
#include <stdbool.h>

#include <gitlatch/attr.h>

struct error;

// What the API server has at `path`: the caller owns it. NULL with `*ret_missing` where there is no such thing, and NULL with
// `ret_error` where it cannot be known.
typedef json_t *cluster_get_fn(void *arg, const char *path, bool *ret_missing, struct error *ret_error);
// One line: what was looked at, and what was found or what is wrong with it and how to mend it. On loan.
typedef void cluster_line_fn(void *arg, bool ok, const char *subject, const char *text);

struct cluster_callbacks {
    void *arg;
    cluster_get_fn *get;
    cluster_line_fn *line;
};

void cluster_survey(const struct cluster_callbacks *callbacks);

#endif
