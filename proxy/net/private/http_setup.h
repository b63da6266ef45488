// A call's transfer by curl: its state and how curl is set up for it. Private to http_client.c and http_setup.c.
#ifndef GITLATCH_HTTP_SETUP_H
#define GITLATCH_HTTP_SETUP_H

#include <curl/curl.h>
#include <sys/queue.h>

#include "http_address.h"
#include "http_socket.h"
#include "http_transport.h"
#include "loop.h"

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
    int64_t timeout_ms; // of the whole call, from when there is a connection
    struct mono ends;   // all zero: not yet
    int64_t connect_ms; // that this try to connect is given
    char error[CURL_ERROR_SIZE];
    struct curl_slist *headers;
    struct curl_slist *proxy_headers;
    struct curl_slist *resolve;    // "host:port:address", so that curl never resolves
    struct curl_slist *connect_to; // "host:port:host:port"
    char *body;
    struct tls_client *tls;
    bool proxy_context;          // the TLS that curl sets up next is the proxy's
    struct http_address address; // that is connected to: the host, what stands in for it, or the proxy
    bool absolute;               // as in struct connect_request
    struct http_socket socket;
    struct deferred failed; // an answer that is known before curl starts
    const char *problem;
    char *answer;
    size_t answer_size, answer_capacity;
    bool too_large;
};

// Sets all of curl's options for the call; `request->address` becomes what is connected to. False: the URL cannot be used.
bool http_setup(struct http_request *request, const struct http_call *call) GL_MUST_CHECK;

#endif
