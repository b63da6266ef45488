#include "http_setup.h"

#include <inttypes.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "dial.h"
#include "mem.h"
#include "resolve.h"
#include "secret.h"
#include "tls_client.h"

// A connection that was idle for longer is not used again: load balancers drop them without a word.
#define CONNECTION_AGE_S 55L

static size_t on_http_setup_body(char *data, size_t one, size_t size, void *arg)
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

// The roots were loaded once, for life: curl's own way parses them for each connection. Of a connection through an
// https:// proxy the first TLS is the proxy's.
static CURLcode on_ssl_context(CURL *easy, void *context, void *arg)
{
    struct http_request *request = arg;
    const struct tls_client *tls = request->proxy_context ? request->client->dialer->proxy_tls : request->tls;

    request->proxy_context = false;
    SSL_CTX_set1_cert_store(context, tls_client_roots(tls));
    if (tls == request->tls && !tls_client_use_certificate(tls, context))
        return CURLE_SSL_CERTPROBLEM;
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
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_http_setup_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
    curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_context);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, request);
    request->tls = call->tls;
    if (call->own_connection) {
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    }
    if (!call->tls)
        return;
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    // curl 7.87 to 8.2 keep the store of the first connection, ours, and give it to all that follow.
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
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

static void set_proxy_authorization(struct http_request *request, struct bytes authorization)
{
    char *line = mem_alloc(sizeof("Proxy-Authorization: ") + authorization.size);

    snprintf(line, sizeof("Proxy-Authorization: ") + authorization.size, "Proxy-Authorization: %.*s",
             (int)authorization.size, authorization.data);
    request->proxy_headers = curl_slist_append(request->proxy_headers, line);
    mem_wiping_free(line);
}

static void go_through_proxy(struct http_request *request)
{
    const struct dialer *dialer = request->client->dialer;
    char *proxy =
        mem_format("%s://%s:%" PRIu16, dialer->proxy_tls ? "https" : "http", dialer->proxy_host, dialer->proxy_port);

    curl_easy_setopt(request->easy, CURLOPT_PROXY, proxy);
    curl_easy_setopt(request->easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
    curl_easy_setopt(request->easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    curl_easy_setopt(request->easy, CURLOPT_PROXY_CAINFO, NULL);
    curl_easy_setopt(request->easy, CURLOPT_PROXY_CAPATH, NULL);
    request->proxy_headers = curl_slist_append(NULL, "User-Agent:");
    if (dialer->proxy_authorization)
        set_proxy_authorization(request, secret_bytes(dialer->proxy_authorization));
    curl_easy_setopt(request->easy, CURLOPT_PROXYHEADER, request->proxy_headers);
    mem_free(proxy);
    http_address_set(&request->address, dialer->proxy_host, dialer->proxy_port);
    request->absolute = false;
}

static void http_setup_connect_to(struct http_request *request, const struct dial_override *override)
{
    struct http_address *address = &request->address;
    const char *host = override->to_host[0] ? override->to_host : address->host;
    uint16_t port = override->to_port ? override->to_port : address->port;
    char *line = mem_format("%s:%" PRIu16 ":%s:%" PRIu16, address->host, address->port, host, port);

    request->connect_to = curl_slist_append(NULL, line);
    curl_easy_setopt(request->easy, CURLOPT_CONNECT_TO, request->connect_to);
    mem_free(line);
    if (override->to_host[0])
        request->absolute = false;
    http_address_set(address, host, port);
}

// The way is the forwarding path's; `request->address` becomes what is connected to. A proxy is always said, if only
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
        http_setup_connect_to(request, override);
}

// curl is given a name's address before it asks: any will do, since our socket is connected (http_socket.h).
static void keep_from_resolving(struct http_request *request)
{
    union resolve_address literal;

    if (resolve_literal(request->address.host, &literal))
        return;
    char *line = mem_format("%s:%" PRIu16 ":0.0.0.0", request->address.host, request->address.port);
    request->resolve = curl_slist_append(NULL, line);
    mem_free(line);
    curl_easy_setopt(request->easy, CURLOPT_RESOLVE, request->resolve);
}

bool http_setup(struct http_request *request, const struct http_call *call)
{
    if (!request->easy || !http_address_of_url(call->url, &request->address))
        return false;
    request->absolute = call->absolute;
    set_fixed(request, call);
    set_body(request, call);
    set_way(request);
    set_headers(request, call);
    keep_from_resolving(request);
    return true;
}
