// A call over HTTP and its answer, whole. The interface behind which http_client speaks to the network and a test
// answers from a script.
#ifndef GITLATCH_HTTP_TRANSPORT_H
#define GITLATCH_HTTP_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include <gitlatch/attr.h>

#include "bytes.h"

// The largest answer that is wanted, a page of 100 repositories, has about 600 KiB; more is a mistake or an attack.
#define HTTP_ANSWER_MAX (1 * MIB)

struct tls_client;

// Copied, but for `tls`.
struct http_call {
    const char *method;         // "GET", "POST"
    const char *url;            // "https://…"; "http://…" only where a configuration names it
    const char *const *headers; // "Name: value", ends with NULL; NULL: none beyond User-Agent
    struct bytes bearer;        // a secret, sent as `Authorization: Bearer`; empty: none
    struct bytes body;          // empty: none
    bool own_connection;        // it is made for this call and used by no other: it carries a certificate
    bool absolute;              // the URL's host is a name of the public DNS: resolv.conf's search list is not used
    struct tls_client *tls;     // whose roots an https URL is verified by; outlives the request
    int64_t timeout_ms;         // for the whole call
};

enum http_result {
    HTTP_ANSWERED,
    HTTP_UNREACHABLE, // no address, no connection, lost before or within the answer
    HTTP_TIMED_OUT,
    HTTP_UNTRUSTED, // its certificate is not trusted
    HTTP_BROKEN,    // answered, but not as HTTP, or with more than HTTP_ANSWER_MAX
};

// Valid during the callback; wiped then.
struct http_answer {
    enum http_result result;
    const char *problem; // what went wrong, a sentence for people; NULL where it was answered
    int status;          // 0 where it was not answered
    struct bytes body;
    // Header fields, NULL where they are not there.
    const char *date;
    const char *retry_after;
    const char *rate_limit_remaining;
    const char *rate_limit_reset;
    const char *location;
    const char *message; // Gitlatch-Message, of a broker
};

struct http_request;
typedef void http_done_fn(void *arg, const struct http_answer *answer);

struct http_transport {
    // The request ends with `done`, or with `cancel`. Redirects are not followed.
    struct http_request *(*ask)(struct http_transport *transport, const struct http_call *call, http_done_fn *done,
                                void *arg);
    void (*cancel)(struct http_transport *transport, struct http_request *request);
};

#endif
