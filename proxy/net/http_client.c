#include "http_client.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "curl_loop.h"
#include "dial.h"
#include "http_address.h"
#include "loop.h"
#include "mem.h"
#include "resolve.h"
#include "tls_client.h"

// A connection that was idle for longer is not used again: load balancers drop them without a word.
#define CONNECTION_AGE_S 55L
// The first try to connect is given this part of `limits.connect`, and the next twice as long, up to all of it. What does
// not answer is often one replica or address of several: another try reaches another.
#define FIRST_TRY_PART 4
// With less left of the call's time there is no other.
#define TRY_MIN_MS 100

struct http_client {
    struct http_transport transport; // first: what others see
    const struct dialer *dialer;
    struct curl_loop *curl;
    LIST_HEAD(, http_request) requests;
};

struct http_request {
    LIST_ENTRY(http_request) link;
    struct http_client *client;
    http_done_fn *done;
    void *arg;
    CURL *easy;
    bool running;       // among curl's transfers
    int64_t timeout_ms; // of the whole call, from when an address is known
    struct mono ends;   // all zero: not yet
    int64_t connect_ms; // that this try to connect is given
    char error[CURL_ERROR_SIZE];
    struct curl_slist *headers;
    struct curl_slist *resolve;    // "host:port:address,…", so that curl never resolves
    struct curl_slist *connect_to; // "host:port:host:port"
    char *body;
    struct tls_client *tls;
    struct http_address address; // whose addresses are asked for: of the host, what stands in for it, or the proxy
    struct resolve_request *resolving;
    struct deferred failed; // an answer that is known before curl starts
    const char *problem;
    char *answer;
    size_t answer_size, answer_capacity;
    bool too_large;
};

static void request_free(struct http_request *request)
{
    if (request->running)
        curl_loop_remove(request->client->curl, request->easy);
    if (request->resolving)
        resolve_cancel(request->resolving);
    deferred_cancel(&request->failed);
    LIST_REMOVE(request, link);
    curl_easy_cleanup(request->easy);
    curl_slist_free_all(request->headers);
    curl_slist_free_all(request->resolve);
    curl_slist_free_all(request->connect_to);
    http_address_clear(&request->address);
    mem_wiping_free(request->body); // a TokenReview holds a token
    mem_wiping_free(request->answer);
    mem_free(request);
}

static const char *header_value(const struct http_request *request, const char *name)
{
    struct curl_header *header;

    return curl_easy_header(request->easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK ? header->value : NULL;
}

// The request ends, with what curl came to.
static void finish(struct http_request *request, enum http_result result, const char *problem)
{
    struct http_answer answer = {.result = result, .problem = problem};

    if (result == HTTP_ANSWERED) {
        long status = 0;
        curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
        answer.status = (int)status;
        answer.body = bytes_of(request->answer, request->answer_size);
        answer.date = header_value(request, "date");
        answer.retry_after = header_value(request, "retry-after");
        answer.rate_limit_remaining = header_value(request, "x-ratelimit-remaining");
        answer.rate_limit_reset = header_value(request, "x-ratelimit-reset");
        answer.location = header_value(request, "location");
    }
    request->done(request->arg, &answer);
    request_free(request);
}

static enum http_result result_of(const struct http_request *request, CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return HTTP_ANSWERED;
    case CURLE_OPERATION_TIMEDOUT:
        return HTTP_TIMED_OUT;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return HTTP_UNTRUSTED;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_FILESIZE_EXCEEDED:
    case CURLE_BAD_CONTENT_ENCODING:
        return HTTP_BROKEN;
    default:
        return request->too_large ? HTTP_BROKEN : HTTP_UNREACHABLE;
    }
}

static int64_t left_ms(const struct http_request *request)
{
    return request->ends.ms - loop_now(request->client->dialer->loop).ms;
}

// A try to connect that got no answer, before which nothing was sent: there is time for another.
static bool may_try_again(const struct http_request *request, CURLcode code)
{
    curl_off_t before_sending_us = 0;

    curl_easy_getinfo(request->easy, CURLINFO_PRETRANSFER_TIME_T, &before_sending_us);
    return code == CURLE_OPERATION_TIMEDOUT && before_sending_us == 0 &&
           request->connect_ms < request->client->dialer->timeout_ms && left_ms(request) > TRY_MIN_MS;
}

static void find_address(struct http_request *request);

static void try_again(struct http_request *request)
{
    curl_loop_remove(request->client->curl, request->easy);
    request->running = false;
    *request->error = '\0';
    request->connect_ms *= 2;
    resolve_forget(request->client->dialer->resolver, request->address.host);
    find_address(request);
}

static void on_transferred(void *arg, CURL *easy, CURLcode code)
{
    struct http_request *request = NULL;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&request);
    if (may_try_again(request, code)) {
        try_again(request);
        return;
    }
    enum http_result result = result_of(request, code);
    if (result == HTTP_ANSWERED)
        finish(request, result, NULL);
    else if (request->too_large || code == CURLE_FILESIZE_EXCEEDED)
        finish(request, HTTP_BROKEN, "the answer is larger than 1 MiB");
    else
        finish(request, result, *request->error ? request->error : curl_easy_strerror(code));
}

static size_t on_body(char *data, size_t one, size_t size, void *arg)
{
    struct http_request *request = arg;

    if (size > HTTP_ANSWER_MAX - request->answer_size) {
        request->too_large = true;
        return 0;
    }
    if (request->answer_size + size > request->answer_capacity) {
        size_t capacity = 2 * (request->answer_size + size);
        request->answer = mem_wiping_realloc(request->answer, capacity);
        if (!request->answer)
            abort(); // memory ran out
        request->answer_capacity = capacity;
    }
    memcpy(request->answer + request->answer_size, data, size);
    request->answer_size += size;
    return size;
}

// The roots were loaded once, for life: curl's own way parses them for each connection.
static CURLcode on_ssl_context(CURL *easy, void *context, void *arg)
{
    SSL_CTX_set1_cert_store(context, tls_client_roots(arg));
    return CURLE_OK;
}

static void set_body(struct http_request *request, const struct http_call *call)
{
    if (strcmp(call->method, "POST") != 0)
        return;
    request->body = mem_bytes_string(call->body);
    curl_easy_setopt(request->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(request->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.size);
    curl_easy_setopt(request->easy, CURLOPT_POSTFIELDS, request->body);
}

static void set_fixed(struct http_request *request, const struct http_call *call)
{
    CURL *easy = request->easy;

    curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->error);
    curl_easy_setopt(easy, CURLOPT_URL, call->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, call->tls ? "https" : "http");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "gitlatch/" GITLATCH_VERSION);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, CONNECTION_AGE_S);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)HTTP_ANSWER_MAX);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    if (!call->tls)
        return;
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    // curl 7.87 to 8.2 keep the store of the first connection, ours, and give it to all that follow.
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_context);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, call->tls);
}

static void set_headers(struct http_request *request, const struct http_call *call)
{
    for (const char *const *header = call->headers; header && *header; header++)
        request->headers = curl_slist_append(request->headers, *header);
    if (call->bearer.size) {
        // curl wipes its own copy when it frees it (see curl_loop_new).
        size_t size = sizeof("Authorization: Bearer ") + call->bearer.size;
        char *line = mem_alloc(size);
        snprintf(line, size, "Authorization: Bearer %.*s", (int)call->bearer.size, call->bearer.data);
        request->headers = curl_slist_append(request->headers, line);
        mem_wiping_free(line);
    }
    // Else curl waits a second for a 100 before a larger body.
    request->headers = curl_slist_append(request->headers, "Expect:");
    curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, request->headers);
}

static void go_through_proxy(struct http_request *request)
{
    const struct dialer *dialer = request->client->dialer;
    char *proxy = mem_format("http://%s:%" PRIu16, dialer->proxy_host, dialer->proxy_port);

    curl_easy_setopt(request->easy, CURLOPT_PROXY, proxy);
    curl_easy_setopt(request->easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
    mem_free(proxy);
    http_address_set(&request->address, dialer->proxy_host, dialer->proxy_port);
}

static void connect_to(struct http_request *request, const struct dial_override *override)
{
    struct http_address *address = &request->address;
    const char *host = override->to_host[0] ? override->to_host : address->host;
    uint16_t port = override->to_port ? override->to_port : address->port;
    char *line = mem_format("%s:%" PRIu16 ":%s:%" PRIu16, address->host, address->port, host, port);

    request->connect_to = curl_slist_append(NULL, line);
    curl_easy_setopt(request->easy, CURLOPT_CONNECT_TO, request->connect_to);
    mem_free(line);
    http_address_set(address, host, port);
}

// The way is the forwarding path's; `request->address` becomes what is to be resolved. A proxy is always said, if only
// "": else curl reads the environment.
static void set_way(struct http_request *request)
{
    const struct dialer *dialer = request->client->dialer;
    const struct http_address *address = &request->address;
    const struct dial_override *override = dial_override_find(dialer, address->host, address->port);

    curl_easy_setopt(request->easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(request->easy, CURLOPT_PROXY, "");
    if (dial_goes_through_proxy(dialer, address->host, address->port))
        go_through_proxy(request);
    else if (override)
        connect_to(request, override);
}

static void on_failed(void *arg)
{
    struct http_request *request = arg;

    finish(request, HTTP_UNREACHABLE, request->problem);
}

static void start(struct http_request *request)
{
    int64_t left, connect = request->client->dialer->timeout_ms;

    if (request->ends.ms == 0)
        request->ends.ms = loop_now(request->client->dialer->loop).ms + request->timeout_ms;
    left = left_ms(request);
    curl_easy_setopt(request->easy, CURLOPT_TIMEOUT_MS, (long)(left > 0 ? left : 1));
    curl_easy_setopt(request->easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(request->connect_ms < connect ? request->connect_ms : connect));
    request->running = curl_loop_add(request->client->curl, request->easy);
    if (!request->running) {
        request->problem = "curl does not start the call";
        loop_defer(request->client->dialer->loop, &request->failed);
    }
}

static void on_resolved(void *arg, const struct resolve_answer *answer)
{
    struct http_request *request = arg;

    request->resolving = NULL;
    if (answer->count == 0) {
        char problem[160];
        snprintf(problem, sizeof(problem), "%.60s cannot be found: %s", request->address.host, answer->problem);
        finish(request, HTTP_UNREACHABLE, problem);
        return;
    }
    char *line = http_address_resolved(&request->address, answer);
    curl_slist_free_all(request->resolve);
    request->resolve = curl_slist_append(NULL, line);
    mem_free(line);
    curl_easy_setopt(request->easy, CURLOPT_RESOLVE, request->resolve);
    start(request);
}

static void find_address(struct http_request *request)
{
    union resolve_address literal;

    if (resolve_literal(request->address.host, &literal))
        start(request);
    else
        request->resolving =
            resolve_ask(request->client->dialer->resolver, request->address.host, on_resolved, request);
}

static void prepare(struct http_request *request, const struct http_call *call)
{
    if (!request->easy || !http_address_of_url(call->url, &request->address)) {
        request->problem = "the URL cannot be used";
        loop_defer(request->client->dialer->loop, &request->failed);
        return;
    }
    set_fixed(request, call);
    set_body(request, call);
    set_way(request);
    set_headers(request, call);
    find_address(request);
}

static struct http_request *client_ask(struct http_transport *transport, const struct http_call *call,
                                       http_done_fn *done, void *arg)
{
    struct http_client *client = (struct http_client *)transport;
    struct http_request *request = mem_alloc_zero(1, sizeof(*request));

    request->client = client;
    request->done = done;
    request->arg = arg;
    request->easy = curl_easy_init();
    request->timeout_ms = call->timeout_ms;
    request->connect_ms = client->dialer->timeout_ms / FIRST_TRY_PART;
    deferred_init(&request->failed, on_failed, request);
    LIST_INSERT_HEAD(&client->requests, request, link);
    prepare(request, call);
    return request;
}

static void client_cancel(struct http_transport *transport, struct http_request *request)
{
    request_free(request);
}

struct http_client *http_client_new(const struct dialer *dialer, struct error *ret_error)
{
    struct http_client *client = mem_alloc_zero(1, sizeof(*client));

    // TLS secrets are written to no file, whatever a debugging session left in the environment.
    unsetenv("SSLKEYLOGFILE");
    client->transport = (struct http_transport){.ask = client_ask, .cancel = client_cancel};
    client->dialer = dialer;
    client->curl = curl_loop_new(dialer->loop, on_transferred, client);
    LIST_INIT(&client->requests);
    if (client->curl)
        return client;
    error_set(ret_error, "curl cannot be set up");
    mem_free(client);
    return NULL;
}

void http_client_free(struct http_client *client)
{
    struct http_request *request;

    if (!client)
        return;
    while ((request = LIST_FIRST(&client->requests)))
        request_free(request);
    curl_loop_free(client->curl);
    mem_free(client);
}

struct http_transport *http_client_transport(struct http_client *client)
{
    return &client->transport;
}
