#include "graphql.h"

#include "graphql_document.h"

static json_t *project(struct graphql_execution *execution, json_t *value, json_t *selections);

void graphql_error(struct graphql_execution *execution, const char *type, const char *message)
{
    json_array_append_new(execution->errors, json_pack("{s:s,s:s}", "type", type, "message", message));
}

static const char *type_of(json_t *object)
{
    const char *type = json_string_value(json_object_get(object, "__typename"));

    return type ? type : "";
}

// Whether a fragment's type condition holds: the object's own type, or an interface.
static bool is_of_type(json_t *object, const char *type)
{
    static const char *const concrete[] = {"User", "Bot", "Organization", "PullRequest", "Issue", "Repository"};

    if (strcmp(type_of(object), type) == 0)
        return true;
    for (size_t i = 0; i < GL_ARRAY_SIZE(concrete); i++) {
        if (strcmp(concrete[i], type) == 0)
            return false;
    }
    return true;
}

static json_t *field_value(struct graphql_execution *execution, json_t *object, const char *name, json_t *arguments)
{
    json_t *value = json_object_get(object, name);

    if (strcmp(type_of(object), "Query") == 0)
        return graphql_root_field(execution, name, arguments);
    if (strcmp(type_of(object), "Mutation") == 0)
        return graphql_mutation(execution, name, json_object_get(arguments, "input"));
    if (value)
        return json_incref(value);
    if (strcmp(type_of(object), "Repository") == 0) {
        uint64_t id = (uint64_t)json_integer_value(json_object_get(object, "databaseId"));

        return graphql_repository_field(execution, world_repository_by_id(id), name, arguments);
    }
    return NULL;
}

static void add(json_t *result, const char *key, json_t *value)
{
    json_t *there = json_object_get(result, key);

    if (json_is_object(there) && json_is_object(value))
        json_object_update_recursive(there, value);
    else
        json_object_set(result, key, value);
    json_decref(value);
}

static void select_fields(struct graphql_execution *execution, json_t *object, json_t *selections, json_t *result)
{
    size_t i;
    json_t *selection;

    json_array_foreach(selections, i, selection) {
        json_t *fragment =
            json_object_get(execution->fragments, json_string_value(json_object_get(selection, "spread")));
        const char *name = json_string_value(json_object_get(selection, "name"));
        json_t *arguments;
        json_t *value;

        if (!fragment)
            fragment = selection;
        if (!name) {
            if (is_of_type(object, json_string_value(json_object_get(fragment, "on"))))
                select_fields(execution, object, json_object_get(fragment, "selections"), result);
            continue;
        }
        arguments = graphql_document_value(json_object_get(selection, "arguments"), execution->variables);
        value = field_value(execution, object, name, arguments);
        add(result, json_string_value(json_object_get(selection, "alias")),
            project(execution, value, json_object_get(selection, "selections")));
        json_decref(value);
        json_decref(arguments);
    }
}

// What the selections take of a value, owned by the caller.
static json_t *project(struct graphql_execution *execution, json_t *value, json_t *selections)
{
    json_t *result;
    size_t i;
    json_t *item;

    if (json_is_array(value)) {
        result = json_array();
        json_array_foreach(value, i, item)
            json_array_append_new(result, project(execution, item, selections));
        return result;
    }
    if (!json_is_object(value) || !selections)
        return value ? json_incref(value) : json_null();
    result = json_object();
    select_fields(execution, value, selections, result);
    return result;
}

// The operation that is asked for by name, or the first.
static json_t *choose_operation(json_t *document, const char *name)
{
    json_t *operations = json_object_get(document, "operations");
    size_t i;
    json_t *operation;

    json_array_foreach(operations, i, operation) {
        if (name && strcmp(json_string_value(json_object_get(operation, "name")), name) == 0)
            return operation;
    }
    return json_array_get(operations, 0);
}

static json_t *execute(const struct api_request *request, json_t *document)
{
    json_t *operation = choose_operation(document, api_string(request, "operationName"));
    struct graphql_execution execution = {.request = request};
    bool mutation = strcmp(json_string_value(json_object_get(operation, "kind")), "mutation") == 0;
    json_t *root = json_pack("{s:s}", "__typename", mutation ? "Mutation" : "Query");
    json_t *data;
    json_t *answer;

    execution.fragments = json_object_get(document, "fragments");
    execution.errors = json_array();
    execution.variables = json_deep_copy(json_object_get(operation, "defaults"));
    json_object_update(execution.variables, json_object_get(request->body, "variables"));
    data = project(&execution, root, json_object_get(operation, "selections"));
    answer = json_pack("{s:o}", "data", data);
    if (json_array_size(execution.errors) > 0)
        json_object_set(answer, "errors", execution.errors);
    json_decref(execution.errors);
    json_decref(execution.variables);
    json_decref(root);
    return answer;
}

void graphql_serve(const struct api_request *request, struct api_answer *answer)
{
    const char *query = api_string(request, "query");
    json_t *document = query ? graphql_document_parse(query) : NULL;

    if (!document) {
        api_give(
            answer, 200,
            json_pack("{s:[{s:s}]}", "errors", "message", "A query attribute must be specified and must be a string."));
        return;
    }
    api_give(answer, 200, execute(request, document));
    json_decref(document);
}
