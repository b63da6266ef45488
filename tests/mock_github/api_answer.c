#include "api.h"

void api_fail(struct api_answer *answer, int status, const char *message)
{
    api_give(answer, status,
             json_pack("{s:s,s:s,s:o}", "message", message, "documentation_url", "https://docs.github.com/rest",
                       "status", json_sprintf("%d", status)));
}

void api_give(struct api_answer *answer, int status, json_t *json)
{
    json_decref(answer->json);
    answer->json = json;
    answer->status = status;
}

const char *api_string(const struct api_request *request, const char *key)
{
    return json_string_value(json_object_get(request->body, key));
}

static size_t number_of_query(const struct api_request *request, const char *name, size_t otherwise, size_t most)
{
    char *value = call_query(request->call, name);
    long number = value ? atol(value) : 0;

    free(value);
    if (number < 1)
        return otherwise;
    return (size_t)number < most ? (size_t)number : most;
}

// The query's other values, each with "&" behind it; owned by the caller.
static char *other_values(const struct api_request *request)
{
    struct bytes rest = bytes_of_string(request->call->query);
    struct bytes pair;
    struct mock_text values = {0};
    bool more = rest.size > 0;

    mock_text_add_string(&values, "");
    while (more) {
        more = bytes_cut(rest, '&', &pair, &rest);
        if (!bytes_start_with(pair, BYTES("page=")) && !bytes_start_with(pair, BYTES("per_page=")))
            mock_text_printf(&values, "%.*s&", (int)pair.size, pair.data);
    }
    return values.data;
}

json_t *api_page(const struct api_request *request, struct api_answer *answer, json_t *list, const char *path)
{
    size_t per_page = number_of_query(request, "per_page", 30, 100);
    size_t page = number_of_query(request, "page", 1, 1000000);
    size_t count = json_array_size(list);
    size_t last = count ? (count + per_page - 1) / per_page : 1;
    char *others = other_values(request);
    const char *base = request->call->host->api_url;
    json_t *part = json_array();

    for (size_t i = (page - 1) * per_page; i < count && i < page * per_page; i++)
        json_array_append(part, json_array_get(list, i));
    if (page < last) {
        mock_text_printf(&answer->headers,
                         "Link: <%s%s?%sper_page=%zu&page=%zu>; rel=\"next\", <%s%s?%sper_page=%zu&page=%zu>; "
                         "rel=\"last\"\r\n",
                         base, path, others, per_page, page + 1, base, path, others, per_page, last);
    } else if (page > 1) {
        mock_text_printf(&answer->headers, "Link: <%s%s?%sper_page=%zu&page=%zu>; rel=\"prev\"\r\n", base, path, others,
                         per_page, page - 1);
    }
    free(others);
    json_decref(list);
    return part;
}
