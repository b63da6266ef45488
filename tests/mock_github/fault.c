#include "fault.h"

#include <fnmatch.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fault *faults;
static uint64_t last_id;

static char *string_member(json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));

    return value ? mock_text_copy(value) : NULL;
}

static int64_t integer_member(json_t *object, const char *key, int64_t otherwise)
{
    json_t *value = json_object_get(object, key);

    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static bool flag_member(json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

// {"Name": "value"} as lines; NULL without.
static char *header_lines(json_t *object)
{
    struct mock_text lines = {0};
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value)
        mock_text_printf(&lines, "%s: %s\r\n", name, json_is_string(value) ? json_string_value(value) : "");
    return lines.data;
}

// A body that is a string is sent as it is; anything else as JSON.
static char *body_member(json_t *object)
{
    json_t *body = json_object_get(object, "body");

    if (!body || json_is_string(body))
        return string_member(object, "body");
    return json_dumps(body, JSON_COMPACT);
}

// What a test sends most often, by name.
static const struct {
    const char *name;
    const char *description;
} presets[] = {
    {"secondary_rate_limit", "{\"status\":403,\"headers\":{\"Retry-After\":\"60\"},\"body\":{\"message\":\"You have "
                             "exceeded a secondary rate limit. Please wait a few minutes before you try again.\","
                             "\"documentation_url\":\"https://docs.github.com/rest/overview/"
                             "rate-limits-for-the-rest-api#about-secondary-rate-limits\"}}"},
    {"unavailable", "{\"status\":503,\"body\":\"<html><body>Unicorn!</body></html>\",\"headers\":{\"Content-Type\":"
                    "\"text/html\"}}"},
    {"half_answer", "{\"cut_after\":20}"},
    {"reset", "{\"reset\":true}"},
    {"hang", "{\"hang\":true}"},
    {"huge_answer", "{\"status\":200,\"size\":1073741824}"},
    {"wrong_json", "{\"status\":201,\"body\":\"{\\\"token\\\": \"}"},
};

static bool merge_preset(json_t *description)
{
    const char *name = json_string_value(json_object_get(description, "preset"));

    if (!name)
        return true;
    for (size_t i = 0; i < GL_ARRAY_SIZE(presets); i++) {
        if (strcmp(presets[i].name, name) == 0) {
            json_t *preset = json_loads(presets[i].description, 0, NULL);

            json_object_update_missing(description, preset);
            json_decref(preset);
            return json_object_del(description, "preset") == 0;
        }
    }
    return false;
}

static const char *unknown_key(json_t *description)
{
    static const char *const known[] = {"host",  "method",      "path",      "query",      "authorization", "skip",
                                        "count", "probability", "delay_ms",  "status",     "headers",       "body",
                                        "size",  "after_body",  "close",     "reset",      "hang",          "swallow",
                                        "raw",   "cut_after",   "read_rate", "write_rate", "length_error"};
    const char *key;
    json_t *value;

    json_object_foreach(description, key, value) {
        size_t i = 0;

        while (i < GL_ARRAY_SIZE(known) && strcmp(known[i], key) != 0)
            i++;
        if (i == GL_ARRAY_SIZE(known))
            return key;
    }
    return NULL;
}

static void read_match(struct fault *fault, json_t *description)
{
    json_t *authorization = json_object_get(description, "authorization");
    json_t *probability = json_object_get(description, "probability");

    fault->host = string_member(description, "host");
    fault->method = string_member(description, "method");
    fault->path = string_member(description, "path");
    fault->query = string_member(description, "query");
    fault->authorization = json_is_boolean(authorization) ? json_is_true(authorization) : -1;
    fault->skip = integer_member(description, "skip", 0);
    fault->count = integer_member(description, "count", 1);
    fault->probability = json_is_number(probability) ? json_number_value(probability) : 1;
}

static void read_effect(struct fault *fault, json_t *description)
{
    fault->delay_ms = integer_member(description, "delay_ms", 0);
    fault->status = (int)integer_member(description, "status", 0);
    fault->headers = header_lines(json_object_get(description, "headers"));
    fault->body = body_member(description);
    fault->size = integer_member(description, "size", 0);
    fault->after_body = integer_member(description, "after_body", -1);
    fault->close = flag_member(description, "close");
    fault->reset = flag_member(description, "reset");
    fault->hang = flag_member(description, "hang");
    fault->swallow = flag_member(description, "swallow");
    fault->cut_after = integer_member(description, "cut_after", -1);
    fault->length_error = integer_member(description, "length_error", 0);
    fault->read_rate = integer_member(description, "read_rate", 0);
    fault->write_rate = integer_member(description, "write_rate", 0);
    fault->raw = string_member(description, "raw");
}

uint64_t fault_add(json_t *description, const char **ret_problem)
{
    struct fault *fault;
    struct fault **end = &faults;

    if (!json_is_object(description) || !merge_preset(description)) {
        *ret_problem = "an object is wanted, with a known preset or none";
        return 0;
    }
    *ret_problem = unknown_key(description);
    if (*ret_problem)
        return 0;
    fault = mock_text_allocate(sizeof(*fault));
    read_match(fault, description);
    read_effect(fault, description);
    pthread_mutex_lock(&lock);
    fault->id = ++last_id;
    while (*end)
        end = &(*end)->next;
    *end = fault;
    pthread_mutex_unlock(&lock);
    return fault->id;
}

void fault_remove(uint64_t id)
{
    pthread_mutex_lock(&lock);
    for (struct fault *fault = faults; fault; fault = fault->next)
        fault->removed |= id == 0 || fault->id == id;
    pthread_mutex_unlock(&lock);
}

static json_t *string_or_null(const char *string)
{
    return string ? json_string(string) : json_null();
}

json_t *fault_list(void)
{
    json_t *list = json_array();

    pthread_mutex_lock(&lock);
    for (const struct fault *fault = faults; fault; fault = fault->next) {
        if (fault->removed)
            continue;
        json_array_append_new(list, json_pack("{s:I,s:o,s:o,s:o,s:I,s:I,s:i}", "id", (json_int_t)fault->id, "host",
                                              string_or_null(fault->host), "method", string_or_null(fault->method),
                                              "path", string_or_null(fault->path), "count", (json_int_t)fault->count,
                                              "hits", (json_int_t)fault->hits, "status", fault->status));
    }
    pthread_mutex_unlock(&lock);
    return list;
}

static bool is_like(const char *pattern, const char *value)
{
    return !pattern || fnmatch(pattern, value, 0) == 0;
}

static bool is_meant(const struct fault *fault, const struct call *call)
{
    bool authorized = call_header(call, "Authorization") != NULL;

    return !fault->removed && is_like(fault->host, call->host->name) && is_like(fault->method, call->method) &&
           is_like(fault->path, call->path) && is_like(fault->query, call->query) &&
           (fault->authorization < 0 || fault->authorization == authorized);
}

static bool takes_place(struct fault *fault)
{
    if (fault->skip > 0) {
        fault->skip--;
        return false;
    }
    if (fault->count == 0 || (fault->probability < 1 && drand48() >= fault->probability))
        return false;
    if (fault->count > 0)
        fault->count--;
    fault->hits++;
    return true;
}

const struct fault *fault_match(const struct call *call)
{
    struct fault *fault;

    pthread_mutex_lock(&lock);
    for (fault = faults; fault; fault = fault->next) {
        if (is_meant(fault, call) && takes_place(fault))
            break;
    }
    pthread_mutex_unlock(&lock);
    return fault;
}
