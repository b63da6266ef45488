// A GraphQL document (spec.graphql.org, October 2021), parsed into JSON.
#ifndef GITLATCH_GRAPHQL_DOCUMENT_H
#define GITLATCH_GRAPHQL_DOCUMENT_H

#include <jansson.h>

#include <gitlatch/attr.h>

// {"operations": [{"kind", "name", "defaults": {VARIABLE: value}, "selections": […]}],
//  "fragments": {NAME: {"on", "selections"}}}
// A selection is {"name", "alias", "arguments": {…}, "selections": […]}, {"spread": NAME} or
// {"on": TYPE, "selections"}. A variable stands as {"$": NAME}. Owned by the caller; NULL: not well-formed.
json_t *graphql_document_parse(const char *text);
// The value with its variables filled in, owned by the caller.
json_t *graphql_document_value(json_t *value, json_t *variables);

#endif
