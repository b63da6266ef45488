// What a part of an exchange needs around it, in virtual time: a configuration, a client whose other end is a socket of the
// test's, and a request of it. A runtime's token service and pools are not there: a test that asks them wraps them.
#ifndef GITLATCH_EXCHANGE_FIXTURE_H
#define GITLATCH_EXCHANGE_FIXTURE_H

#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"
#include "cmocka_unit.h"
#include "config.h"
#include "mem.h"
#include "metrics.h"
#include "request.h"
#include "runtime.h"
#include "stream.h"
#include "virtual_loop.h"

#define EXCHANGE_FIXTURE_CREDENTIALS "credentials: [{type: app, app_id: 1, private_key: /k.pem}]\n"

// A stream and the socket at its other end.
struct exchange_end {
    struct stream *stream;
    int peer;
    unsigned inputs, outputs; // that were reported to this owner
};

struct exchange_fixture {
    struct clock_manual manual;
    struct loop *loop;
    struct metrics *metrics;
    struct config *config;
    struct runtime_host github;
    struct runtime runtime;
    struct request_ids ids;
    struct exchange_end client_end, upstream_end;
    struct client client;
    struct request request;
};

static inline void exchange_end_on_input(void *arg)
{
    ((struct exchange_end *)arg)->inputs++;
}

static inline void exchange_end_on_output(void *arg)
{
    ((struct exchange_end *)arg)->outputs++;
}

static const struct stream_callbacks exchange_end_callbacks = {
    .on_input = exchange_end_on_input,
    .on_output = exchange_end_on_output,
};

static inline void exchange_end_open(struct exchange_end *end, struct loop *loop)
{
    int sockets[2], size = 4096;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets), 0);
    setsockopt(sockets[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    end->stream = stream_new(loop, sockets[0], &exchange_end_callbacks, end);
    end->peer = sockets[1];
    stream_want_input(end->stream, true);
}

static inline void exchange_end_close_peer(struct exchange_end *end)
{
    if (end->peer >= 0)
        close(end->peer);
    end->peer = -1;
}

// The loop does all that is ready.
static inline void exchange_fixture_settle(struct exchange_fixture *fixture)
{
    for (int i = 0; i < 10; i++) {
        event_base_loop(loop_event_base(fixture->loop), EVLOOP_NONBLOCK);
        loop_turn(fixture->loop);
    }
}

// The other end sends.
static inline void exchange_fixture_send(struct exchange_fixture *fixture, struct exchange_end *end, struct bytes bytes)
{
    assert_int_equal(send(end->peer, bytes.data, bytes.size, 0), bytes.size);
    exchange_fixture_settle(fixture);
}

// What has arrived at the other end; a view valid until the next call.
static inline struct bytes exchange_fixture_receive(struct exchange_fixture *fixture, struct exchange_end *end)
{
    static char room[1 << 20];
    size_t size = 0;
    ssize_t count;

    do {
        exchange_fixture_settle(fixture);
        count = recv(end->peer, room + size, sizeof(room) - size, 0);
        size += count > 0 ? (size_t)count : 0;
    } while (count > 0);
    return bytes_of(room, size);
}

static inline void assert_bytes(struct bytes seen, const char *wanted)
{
    if (!bytes_equal(seen, bytes_of_string(wanted)))
        fail_msg("got \"%.*s\", wanted \"%s\"", (int)seen.size, seen.data, wanted);
}

static inline void exchange_fixture_open(struct exchange_fixture *fixture, const char *yaml)
{
    struct error error = {""};

    memset(fixture, 0, sizeof(*fixture));
    clock_manual_init(&fixture->manual, (struct wall){1764000000000});
    fixture->loop = loop_new(&fixture->manual.clock);
    fixture->metrics = metrics_new();
    if (!config_parse(bytes_of_string(yaml), "gitlatch.yaml", CONFIG_FOR_PROXY, &fixture->config, &error))
        fail_msg("%s", error.text);
    fixture->github.git = &fixture->config->githubs[0].host.git;
    fixture->github.rules = &fixture->config->githubs[0].rules;
    fixture->runtime = (struct runtime){
        .references = 1,
        .config = fixture->config,
        .hosts = &fixture->github,
        .host_count = 1,
        .metrics = fixture->metrics,
    };
    request_ids_init(&fixture->ids);
    exchange_end_open(&fixture->client_end, fixture->loop);
    exchange_end_open(&fixture->upstream_end, fixture->loop);
    fixture->client = (struct client){
        .loop = fixture->loop,
        .metrics = fixture->metrics,
        .ids = &fixture->ids,
        .stream = fixture->client_end.stream,
        .runtime = &fixture->runtime,
        .mode = AUDIT_PROXY,
        .peer = "127.0.0.1:40000",
    };
    assert_true(host_name_parse(BYTES("github.com"), &fixture->client.host));
    fixture->client.port = 443;
    request_init(&fixture->request, &fixture->ids);
}

static inline void exchange_fixture_close(struct exchange_fixture *fixture)
{
    request_clear(&fixture->request);
    stream_free(fixture->client_end.stream);
    stream_free(fixture->upstream_end.stream);
    exchange_end_close_peer(&fixture->client_end);
    exchange_end_close_peer(&fixture->upstream_end);
    config_unref(fixture->config);
    metrics_free(fixture->metrics);
    loop_free(fixture->loop);
}

// The client asks for this: "POST /acme/widgets.git/git-receive-pack", with these fields ("" or "Name: value\r\n…").
static inline void exchange_fixture_ask(struct exchange_fixture *fixture, const char *host, const char *line,
                                        const char *fields)
{
    struct text text = {0};
    struct verdict verdict;
    struct head head;

    text_format(&text, "%s HTTP/1.1\r\nHost: %s\r\n%s\r\n", line, host, fields);
    assert_true(host_name_parse(bytes_of_string(host), &fixture->client.host));
    head_init(&head);
    assert_int_equal(head_parse_request(&head, text_bytes(&text), 65536), HEAD_DONE);
    request_clear(&fixture->request);
    request_init(&fixture->request, &fixture->ids);
    request_take_head(&fixture->request, &head, text.data);
    text_free(&text);
    if (!request_find_operation(&fixture->request, &fixture->client, &fixture->runtime, &verdict))
        fail_msg("%s", verdict.sentence);
}

#endif
