#include "record.h"

#include <pthread.h>
#include <time.h>

#include <jansson.h>

#include "call.h"

// Owned by the ring and by the call under way: whoever lets go last frees it.
struct record_entry {
    struct record_entry *next;
    uint64_t number;
    int owners;
    double when;
    uint64_t connection;
    bool tls;
    bool resumed;
    const char *tls_version; // of OpenSSL, static
    char *sni;
    char *alpn_offered;
    struct mock_text head; // lines ended by NUL
    const char *auth;      // static
    uint64_t token;
    char *scope;
    bool done;
    bool faulty;
    bool body_whole;
    uint64_t body_size;
    int status;
    uint64_t answer_size;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct record_entry *oldest;
static struct record_entry *newest;
static uint64_t kept;
static uint64_t counted;
static uint64_t dropped;

static void let_go(struct record_entry *entry)
{
    if (--entry->owners > 0)
        return;
    mock_text_free(&entry->head);
    free(entry->sni);
    free(entry->alpn_offered);
    free(entry->scope);
    free(entry);
}

static void drop_oldest(void)
{
    struct record_entry *entry = oldest;

    oldest = entry->next;
    if (!oldest)
        newest = NULL;
    kept--;
    let_go(entry);
}

// The head's parts are NUL-separated inside call->head; joined again as they were, but for blanks.
static void copy_head(struct record_entry *entry, const struct call *call)
{
    mock_text_printf(&entry->head, "%s%c%s", call->method, '\0', call->target);
    mock_text_add(&entry->head, "", 1);
    for (size_t i = 0; i < call->header_count; i++) {
        mock_text_add(&entry->head, call->headers[i].name, strlen(call->headers[i].name) + 1);
        mock_text_add(&entry->head, call->headers[i].value, strlen(call->headers[i].value) + 1);
    }
}

struct record_entry *record_begin(const struct call *call)
{
    struct record_entry *entry = mock_text_allocate(sizeof(*entry));
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    entry->owners = 2;
    entry->when = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    entry->connection = call->wire->id;
    entry->tls = call->wire->tls != NULL;
    entry->resumed = entry->tls && SSL_session_reused(call->wire->tls);
    entry->tls_version = entry->tls ? SSL_get_version(call->wire->tls) : "";
    entry->sni = mock_text_copy(call->wire->sni);
    entry->alpn_offered = mock_text_copy(call->wire->alpn_offered);
    entry->auth = "none";
    copy_head(entry, call);
    pthread_mutex_lock(&lock);
    entry->number = ++counted;
    *(newest ? &newest->next : &oldest) = entry;
    newest = entry;
    if (++kept > RECORD_MAX) {
        drop_oldest();
        dropped++;
    }
    pthread_mutex_unlock(&lock);
    return entry;
}

void record_auth(struct record_entry *entry, const char *kind, uint64_t token, const char *scope)
{
    pthread_mutex_lock(&lock);
    entry->auth = kind;
    entry->token = token;
    free(entry->scope);
    entry->scope = scope ? mock_text_copy(scope) : NULL;
    pthread_mutex_unlock(&lock);
}

static void take(struct record_entry *entry, const struct call *call)
{
    entry->faulty = call->fault != NULL;
    entry->body_size = call->body_size;
    entry->body_whole = call->body_ended;
    entry->status = call->status;
    entry->answer_size = call->answer_size;
}

void record_answer(struct record_entry *entry, const struct call *call)
{
    pthread_mutex_lock(&lock);
    take(entry, call);
    entry->done = call->body_ended;
    pthread_mutex_unlock(&lock);
}

void record_end(struct record_entry *entry, const struct call *call)
{
    pthread_mutex_lock(&lock);
    take(entry, call);
    entry->done = true;
    let_go(entry);
    pthread_mutex_unlock(&lock);
}

static json_t *string_or_lossy(const char *string)
{
    json_t *json = json_string(string);

    return json ? json : json_string("(not UTF-8)");
}

// Reads the next NUL-terminated part of a head.
static const char *next_part(const struct mock_text *head, size_t *at)
{
    const char *part = head->data + *at;

    *at += strlen(part) + 1;
    return part;
}

static json_t *describe(const struct record_entry *entry)
{
    json_t *json = json_object();
    json_t *headers = json_array();
    size_t at = 0;
    const char *host = NULL;
    const char *method = next_part(&entry->head, &at);
    const char *target = next_part(&entry->head, &at);
    const char *question = strchr(target, '?');
    char *path = mock_text_copy_bytes(bytes_of(target, question ? (size_t)(question - target) : strlen(target)));

    while (at < entry->head.size) {
        const char *name = next_part(&entry->head, &at);
        const char *value = next_part(&entry->head, &at);

        if (strcasecmp(name, "Host") == 0)
            host = value;
        json_array_append_new(headers, json_pack("[o,o]", string_or_lossy(name), string_or_lossy(value)));
    }
    json_object_set_new(json, "number", json_integer((json_int_t)entry->number));
    json_object_set_new(json, "when", json_real(entry->when));
    json_object_set_new(json, "connection", json_integer((json_int_t)entry->connection));
    json_object_set_new(json, "tls", entry->tls ? json_string(entry->tls_version) : json_null());
    json_object_set_new(json, "tls_resumed", json_boolean(entry->resumed));
    json_object_set_new(json, "sni", string_or_lossy(entry->sni));
    json_object_set_new(json, "alpn_offered", string_or_lossy(entry->alpn_offered));
    json_object_set_new(json, "host", host ? string_or_lossy(host) : json_null());
    json_object_set_new(json, "method", string_or_lossy(method));
    json_object_set_new(json, "path", string_or_lossy(path));
    json_object_set_new(json, "query", string_or_lossy(question ? question + 1 : ""));
    json_object_set_new(json, "headers", headers);
    json_object_set_new(json, "auth", json_string(entry->auth));
    json_object_set_new(json, "token", entry->token ? json_integer((json_int_t)entry->token) : json_null());
    json_object_set_new(json, "scope", entry->scope ? json_loads(entry->scope, 0, NULL) : json_null());
    json_object_set_new(json, "done", json_boolean(entry->done));
    json_object_set_new(json, "faulty", json_boolean(entry->faulty));
    json_object_set_new(json, "body_size", json_integer((json_int_t)entry->body_size));
    json_object_set_new(json, "body_whole", json_boolean(entry->body_whole));
    json_object_set_new(json, "status", json_integer(entry->status));
    json_object_set_new(json, "answer_size", json_integer((json_int_t)entry->answer_size));
    free(path);
    return json;
}

void record_print(struct mock_text *out, uint64_t after)
{
    pthread_mutex_lock(&lock);
    for (const struct record_entry *entry = oldest; entry; entry = entry->next) {
        json_t *json;
        char *line;

        if (entry->number <= after)
            continue;
        json = describe(entry);
        line = json_dumps(json, JSON_COMPACT);
        mock_text_printf(out, "%s\n", line);
        free(line);
        json_decref(json);
    }
    pthread_mutex_unlock(&lock);
}

void record_clear(void)
{
    pthread_mutex_lock(&lock);
    while (oldest)
        drop_oldest();
    dropped = 0;
    pthread_mutex_unlock(&lock);
}

void record_count(uint64_t *ret_requests, uint64_t *ret_dropped)
{
    pthread_mutex_lock(&lock);
    *ret_requests = counted;
    *ret_dropped = dropped;
    pthread_mutex_unlock(&lock);
}
