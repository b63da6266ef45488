#include "transparent.h"

#include "client_hello.h"
#include "original_destination.h"
#include "session.h"
#include "stream.h"
#include "tunnel.h"

// What a TLS client shows; of an answer in HTTP it shows nothing. RFC 8446 6: fatal (2), access_denied (49).
#define ALERT_ACCESS_DENIED BYTES("\x15\x03\x03\x00\x02\x02\x31")

static void refuse_hello(struct session *session, bool tls, const struct verdict *verdict)
{
    if (tls && !stream_write(session->client.stream, ALERT_ACCESS_DENIED))
        session_close(session, verdict->reason);
    else
        session_refuse(session, NULL, verdict);
}

void transparent_read_hello(struct session *session)
{
    struct bytes input = stream_input(session->client.stream);
    enum client_hello_result result;
    struct address destination;
    struct verdict verdict;
    char name[SERVER_NAME_SIZE];
    bool named;

    session->idle = false;
    result = client_hello_name(input, name);
    if (result == CLIENT_HELLO_MORE) {
        if (stream_end(session->client.stream) != STREAM_OPEN || stream_input_full(session->client.stream))
            session_close(session, REASON_CLIENT_GONE);
        return;
    }
    session_use_present_runtime(session);
    named = result == CLIENT_HELLO_NAME && host_name_parse(bytes_of_string(name), &session->client.host);
    timer_stop(&session->timer);
    if (!original_destination(stream_fd(session->client.stream), &destination)) {
        session_close(session, REASON_INTERNAL);
        return;
    }
    if (!named)
        original_destination_host(&destination, &session->client.host);
    session->client.port = address_port(&destination);
    if (named && runtime_find_port(session->client.runtime, &session->client.host, &session->client.port))
        session_start_tls(session);
    else if (tunnel_allowed(session->client.runtime, &session->client.host, address_port(&destination), &verdict))
        session_begin_tunnel(session, address_port(&destination), NULL);
    else
        refuse_hello(session, result != CLIENT_HELLO_NOT, &verdict);
}
