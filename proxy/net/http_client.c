#include "http_client.h"

#include <stdlib.h>
#include <string.h>

#include "curl_loop.h"
#include "dial.h"
#include "http_setup.h"
#include "loop.h"
#include "mem.h"
#include "proxy_tunnel.h"
#include "resolve.h"
#include "tls_client.h"

// The first try to connect is given this part of `limits.connect`, and the next twice as long, up to all of it. What does
// not answer is often one replica or address of several: another try reaches another.
#define FIRST_TRY_PART 4
// With less left of the call's time there is no other.
#define TRY_MIN_MS 100

static void http_client_request_free(struct http_request *request)
{
    if (request->running)
        curl_loop_remove(request->client->curl, request->easy);
    http_socket_clear(&request->socket);
    deferred_cancel(&request->failed);
    LIST_REMOVE(request, link);
    curl_easy_cleanup(request->easy);
    curl_slist_free_all(request->headers);
    curl_slist_free_all(request->proxy_headers);
    curl_slist_free_all(request->resolve);
    curl_slist_free_all(request->connect_to);
    http_address_clear(&request->address);
    mem_wiping_free(request->body); // a TokenReview holds a token
    mem_wiping_free(request->answer);
    mem_free(request);
}

static const char *http_client_header_value(const struct http_request *request, const char *name)
{
    struct curl_header *header;

    return curl_easy_header(request->easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK ? header->value : NULL;
}

// The request ends, with what curl came to.
static void http_client_finish(struct http_request *request, enum http_result result, const char *problem)
{
    struct http_answer answer = {.result = result, .problem = problem};

    if (result == HTTP_ANSWERED) {
        long status = 0;
        curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
        answer.status = (int)status;
        answer.body = bytes_of(request->answer, request->answer_size);
        answer.date = http_client_header_value(request, "date");
        answer.retry_after = http_client_header_value(request, "retry-after");
        answer.rate_limit_remaining = http_client_header_value(request, "x-ratelimit-remaining");
        answer.rate_limit_reset = http_client_header_value(request, "x-ratelimit-reset");
        answer.location = http_client_header_value(request, "location");
        answer.message = http_client_header_value(request, "gitlatch-message");
    }
    request->done(request->arg, &answer);
    http_client_request_free(request);
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
    return request->ends.ms ? request->ends.ms - loop_now(request->client->dialer->loop).ms : request->timeout_ms;
}

static bool has_another_try(const struct http_request *request)
{
    return request->connect_ms < request->client->dialer->timeout_ms && left_ms(request) > TRY_MIN_MS;
}

// curl's try to connect got no answer, before which nothing was sent: there is time for another.
static bool may_try_again(const struct http_request *request, CURLcode code)
{
    curl_off_t before_sending_us = 0;

    curl_easy_getinfo(request->easy, CURLINFO_PRETRANSFER_TIME_T, &before_sending_us);
    return code == CURLE_OPERATION_TIMEDOUT && before_sending_us == 0 && has_another_try(request);
}

static int64_t try_ms(const struct http_request *request)
{
    int64_t most = request->client->dialer->timeout_ms;

    return request->connect_ms < most ? request->connect_ms : most;
}

static void connect_socket(struct http_request *request)
{
    const struct connect_request to = {
        .host = request->address.host, .port = request->address.port, .absolute = request->absolute};

    http_socket_connect(&request->socket, &to, try_ms(request));
}

static void start_transfer(struct http_request *request)
{
    int64_t left = left_ms(request);

    *request->error = '\0';
    request->proxy_context = request->client->dialer->proxy_tls != NULL && request->proxy_headers;
    curl_easy_setopt(request->easy, CURLOPT_TIMEOUT_MS, (long)(left > 0 ? left : 1));
    curl_easy_setopt(request->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)try_ms(request));
    request->running = curl_loop_add(request->client->curl, request->easy);
    if (!request->running) {
        request->problem = "curl does not start the call";
        loop_defer(request->client->dialer->loop, &request->failed);
    }
}

static void stop_transfer(struct http_request *request)
{
    curl_loop_remove(request->client->curl, request->easy);
    request->running = false;
}

static void on_connected_socket(void *arg, bool connected, const struct verdict *verdict)
{
    struct http_request *request = arg;

    if (connected) {
        if (request->ends.ms == 0)
            request->ends.ms = loop_now(request->client->dialer->loop).ms + request->timeout_ms;
        start_transfer(request);
    } else if (verdict) {
        http_client_finish(request, HTTP_UNREACHABLE, verdict->sentence);
    } else if (has_another_try(request)) {
        request->connect_ms *= 2;
        connect_socket(request);
    } else {
        http_client_finish(request, HTTP_TIMED_OUT, "no connection within `limits.connect`");
    }
}

// Room for what a proxy's refusal means, with the proxy's name before it.
#define PROBLEM_SIZE (PROXY_TUNNEL_REASON_SIZE + 300)

// A proxy's refusal, in our words; else curl's.
static void describe_problem(const struct http_request *request, CURLcode code, char ret_problem[PROBLEM_SIZE])
{
    const struct dialer *dialer = request->client->dialer;
    struct proxy_tunnel_answer answer = {0};
    struct curl_header *field;
    char reason[PROXY_TUNNEL_REASON_SIZE];
    long status = 0;

    curl_easy_getinfo(request->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    if (status < 300) {
        snprintf(ret_problem, PROBLEM_SIZE, "%s", *request->error ? request->error : curl_easy_strerror(code));
        return;
    }
    answer.status = (int)status;
    for (size_t i = 0; curl_easy_header(request->easy, "proxy-authenticate", i, CURLH_CONNECT, -1, &field) == CURLHE_OK;
         i++)
        proxy_tunnel_add_scheme(&answer, bytes_of_string(field->value));
    proxy_tunnel_reason(&answer, dialer->proxy_authorization != NULL, reason);
    snprintf(ret_problem, PROBLEM_SIZE, "the proxy %.255s (`upstream.proxy`): %s", dialer->proxy_host, reason);
}

static void on_transferred(void *arg, CURL *easy, CURLcode code)
{
    struct http_request *request = NULL;
    char problem[PROBLEM_SIZE];

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&request);
    if (http_socket_is_wanted(&request->socket)) {
        stop_transfer(request);
        connect_socket(request);
        return;
    }
    if (may_try_again(request, code)) {
        stop_transfer(request);
        request->connect_ms *= 2;
        resolve_forget(request->client->dialer->resolver, request->address.host);
        start_transfer(request);
        return;
    }
    enum http_result result = result_of(request, code);
    if (result == HTTP_ANSWERED) {
        http_client_finish(request, result, NULL);
    } else if (request->too_large || code == CURLE_FILESIZE_EXCEEDED) {
        http_client_finish(request, HTTP_BROKEN, "the answer is larger than 1 MiB");
    } else {
        describe_problem(request, code, problem);
        http_client_finish(request, result, problem);
    }
}

static void on_http_client_failed(void *arg)
{
    struct http_request *request = arg;

    http_client_finish(request, HTTP_UNREACHABLE, request->problem);
}

static void http_client_prepare(struct http_request *request, const struct http_call *call)
{
    if (http_setup(request, call)) {
        start_transfer(request);
        return;
    }
    request->problem = "the URL cannot be used";
    loop_defer(request->client->dialer->loop, &request->failed);
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
    http_socket_init(&request->socket, client->dialer->loop, client->dialer->resolver, request->easy,
                     on_connected_socket, request);
    deferred_init(&request->failed, on_http_client_failed, request);
    LIST_INSERT_HEAD(&client->requests, request, link);
    http_client_prepare(request, call);
    return request;
}

static void client_cancel(struct http_transport *transport, struct http_request *request)
{
    http_client_request_free(request);
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
        http_client_request_free(request);
    curl_loop_free(client->curl);
    mem_free(client);
}

struct http_transport *http_client_transport(struct http_client *client)
{
    return &client->transport;
}
