// One request to an address of our own, as it is read from its connection: head and body. Nobody but service.c uses this
// header; what handlers may ask of a call is in service.h.
#ifndef GITLATCH_SERVICE_CALL_H
#define GITLATCH_SERVICE_CALL_H

#include "body.h"
#include "service.h"
#include "text.h"

struct connection;
struct stream;

struct service_call {
    struct connection *connection; // service.c's
    const struct address *client;  // the connection's
    char *head_bytes;              // of which `head` and `target` hold views
    struct head head;
    struct target target;
    struct body framing;
    struct text body;
    service_gone_fn *on_gone;
    void *on_gone_arg;
};

// An empty one, owned by the caller.
struct service_call *service_call_new(struct connection *connection, const struct address *client) GL_MUST_CHECK;
void service_call_free(struct service_call *call); // NULL: nothing

// Takes a whole head of `size` bytes out of the stream's input. False: its target is no path.
bool service_call_take_head(struct service_call *call, struct stream *stream, size_t size) GL_MUST_CHECK;

enum service_body {
    SERVICE_BODY_MORE, // of it is to come
    SERVICE_BODY_WHOLE,
    SERVICE_BODY_BAD,
    SERVICE_BODY_TOO_LARGE, // more than `most` bytes
};
// Takes what of the body has arrived out of the stream's input.
enum service_body service_call_read_body(struct service_call *call, struct stream *stream, size_t most) GL_MUST_CHECK;

#endif
