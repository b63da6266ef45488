// POST /graphql: the queries and mutations of gh, answered from the same world as the REST API.
#ifndef GITLATCH_GRAPHQL_H
#define GITLATCH_GRAPHQL_H

#include "api.h"

api_handler graphql_serve;

struct graphql_execution {
    const struct api_request *request; // its `repository` is the one last asked for
    json_t *fragments;
    json_t *variables;
    json_t *errors;
};

void graphql_error(struct graphql_execution *execution, const char *type, const char *message);

// An object of the schema, with its "__typename" and all fields that cost nothing; owned by the caller.
json_t *graphql_repository(const struct api_request *request, const struct repository *repository);
json_t *graphql_pull(const struct repository *repository, json_t *pull);
json_t *graphql_issue(json_t *issue);
json_t *graphql_account(const struct account *account);
// {"totalCount", "nodes", "edges", "pageInfo"}; `nodes` is given away.
json_t *graphql_connection(json_t *nodes);
// A field with arguments; NULL: there is no such field. Owned by the caller.
json_t *graphql_root_field(struct graphql_execution *execution, const char *name, json_t *arguments);
json_t *graphql_mutation(struct graphql_execution *execution, const char *name, json_t *input);
json_t *graphql_repository_field(struct graphql_execution *execution, const struct repository *repository,
                                 const char *name, json_t *arguments);

#endif
