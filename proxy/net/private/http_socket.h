// Connections for curl: it is given sockets that are connected already, so that a name is looked up, judged and dialled
// in one way everywhere (connect.h: Happy Eyeballs over all addresses, where curl tries one of a family after the other
// for seconds), and not at all where curl has a connection to use again.
//
// curl asks for a socket when it has to connect. There is none the first time: the transfer fails, http_socket_is_wanted
// answers true, its owner has one connected, and starts the transfer again.
#ifndef GITLATCH_HTTP_SOCKET_H
#define GITLATCH_HTTP_SOCKET_H

#include <curl/curl.h>
#include <stdbool.h>

#include "connect.h"
#include "loop.h"

// On failure `verdict` says why; NULL: in time there was no connection.
typedef void http_socket_done_fn(void *arg, bool connected, const struct verdict *verdict);

// Embedded by its owner, who stays where it is.
struct http_socket {
    struct loop *loop;
    struct resolver *resolver;
    http_socket_done_fn *done;
    void *arg;
    struct connect *connecting; // NULL: not in progress
    struct timer timeout;
    int fd; // connected, for curl to take; -1: none
    bool wanted;
};

// Sets the options by which `easy` asks for its sockets. All live as long as `easy`.
void http_socket_init(struct http_socket *http_socket, struct loop *loop, struct resolver *resolver, CURL *easy,
                      http_socket_done_fn *done, void *arg);
void http_socket_clear(struct http_socket *http_socket);

// Whether the transfer that has just ended failed for want of a socket alone. Answers true once.
bool http_socket_is_wanted(struct http_socket *http_socket);
// Connects one for curl's next try; ends with `done`, or with http_socket_clear.
void http_socket_connect(struct http_socket *http_socket, const struct connect_request *to, int64_t timeout_ms);

#endif
