#include "agent.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent_message.h"
#include "agent_socket.h"
#include "listener.h"
#include "loop.h"
#include "lru.h"
#include "mem.h"
#include "pace.h"
#include "signer.h"
#include "ssh_wire.h"
#include "stream.h"

// A workspace signs one commit after another; several agents in it sign side by side. What comes beyond is closed.
#define CONNECTIONS_MAX        128
#define CONNECTIONS_CLIENT_MAX 64
// For one request and its answer: `sign_command` has 15 s of it.
#define DEADLINE_MS (30 * SECOND_MS)
// A rebase of some hundred commits is not slowed down.
static const struct pace_rate pace_rate = {.interval_ms = 50, .burst = 300};
// Users of one machine or pod; the pace of one that came longest ago is forgotten.
#define CLIENTS_MAX 64

#define SHA256_SIZE      32
#define CLIENT_TEXT_SIZE sizeof("uid 4294967295")

struct agent_client {
    struct lru_entry entry; // first
    struct pace pace;
};

struct agent_connection {
    LIST_ENTRY(agent_connection) link;
    struct agent *agent;
    struct stream *stream;
    uid_t user;
    struct timer deadline;
    struct timer pace;              // pending: the message waits for its turn
    bool paced;                     // the message had its turn
    struct signer_request *signing; // NULL: none
    char blob[2 * SHA256_SIZE + 1];
};

struct agent {
    struct loop *loop;
    struct signer *signer;
    agent_event_fn *on_event;
    void *arg;
    struct agent_socket socket;
    struct listener *listener;
    LIST_HEAD(, agent_connection) connections;
    struct lru clients;
};

static void agent_client_free(struct lru_entry *entry)
{
    mem_free((struct agent_client *)entry);
}

static struct pace *pace_of(struct agent *agent, uid_t user)
{
    struct bytes key = bytes_of((const char *)&user, sizeof(user));
    struct lru_entry *entry = lru_find(&agent->clients, key);

    if (!entry) {
        entry = mem_alloc_zero(1, sizeof(struct agent_client));
        lru_add(&agent->clients, entry, key);
    }
    lru_use(&agent->clients, entry);
    return &((struct agent_client *)entry)->pace;
}

static void connection_close(struct agent_connection *connection)
{
    LIST_REMOVE(connection, link);
    timer_stop(&connection->deadline);
    timer_stop(&connection->pace);
    if (connection->signing)
        signer_cancel(connection->signing);
    stream_free(connection->stream);
    mem_free(connection);
}

static void on_deadline(void *arg)
{
    connection_close(arg);
}

static void report(const struct agent_connection *connection, const char *result, const char *why)
{
    char client[CLIENT_TEXT_SIZE];
    const struct agent_event event = {client, connection->blob, result, why};

    snprintf(client, sizeof(client), "uid %u", (unsigned)connection->user);
    connection->agent->on_event(connection->agent->arg, &event);
}

// Sends the answer to the message at the front of the input. False: the connection is closed.
static bool answer_message(struct agent_connection *connection, const struct text *answer)
{
    struct bytes message;

    if (agent_message_find(stream_input(connection->stream), &message) != AGENT_WHOLE ||
        !stream_write(connection->stream, text_bytes(answer))) {
        connection_close(connection);
        return false;
    }
    stream_consume(connection->stream, sizeof(uint32_t) + message.size);
    stream_flush(connection->stream);
    timer_start(&connection->deadline, DEADLINE_MS);
    connection->paced = false;
    return true;
}

static bool answer_failure(struct agent_connection *connection)
{
    struct text answer = {0};
    bool open;

    agent_message_append_failure(&answer);
    open = answer_message(connection, &answer);
    text_free(&answer);
    return open;
}

static bool answer_list(struct agent_connection *connection)
{
    struct text answer = {0};
    bool open;

    agent_message_append_list(&answer, signer_public(connection->agent->signer));
    open = answer_message(connection, &answer);
    text_free(&answer);
    return open;
}

static void connection_serve(struct agent_connection *connection);

static void on_signed(void *arg, const char *signature, const struct error *error)
{
    struct agent_connection *connection = arg;
    struct text answer = {0};

    connection->signing = NULL;
    report(connection, signature ? "ok" : "failed", signature ? NULL : error->text);
    if (signature)
        agent_message_append_signature(&answer, signature);
    else
        agent_message_append_failure(&answer);
    if (answer_message(connection, &answer))
        connection_serve(connection);
    text_free(&answer);
}

static void on_pace(void *arg)
{
    connection_serve(arg);
}

// Whether the message may be answered now. Else it waits.
static bool has_turn(struct agent_connection *connection)
{
    struct pace *pace = pace_of(connection->agent, connection->user);
    struct mono now = loop_now(connection->agent->loop);

    if (!connection->paced)
        connection->paced = pace_take(pace, &pace_rate, now);
    if (!connection->paced)
        timer_start(&connection->pace, pace_wait_ms(pace, &pace_rate, now));
    return connection->paced;
}

static void name_blob(struct agent_connection *connection, struct bytes blob)
{
    unsigned char digest[SHA256_SIZE];

    if (EVP_Digest(blob.data, blob.size, digest, NULL, EVP_sha256(), NULL) != 1)
        abort(); // never: SHA-256 is built in
    for (size_t i = 0; i < sizeof(digest); i++)
        snprintf(connection->blob + 2 * i, 3, "%02x", digest[i]);
}

// Answers one message, or lets it wait. True: the next may be answered.
static bool serve_message(struct agent_connection *connection, struct bytes message)
{
    struct agent *agent = connection->agent;
    struct agent_request request = agent_message_read(message, signer_public(agent->signer));

    if (request.question == AGENT_LIST)
        return answer_list(connection);
    if (request.question == AGENT_UNSUPPORTED)
        return answer_failure(connection);
    if (!has_turn(connection))
        return false;
    name_blob(connection, request.blob);
    if (request.question == AGENT_REFUSED) {
        report(connection, "refused", request.why);
        return answer_failure(connection);
    }
    connection->signing = signer_sign(agent->signer, request.blob, on_signed, connection);
    return false;
}

static void connection_serve(struct agent_connection *connection)
{
    struct bytes message;

    // While an answer is awaited or not taken, nothing more is read.
    while (!connection->signing && !timer_pending(&connection->pace) && stream_output_empty(connection->stream)) {
        switch (agent_message_find(stream_input(connection->stream), &message)) {
        case AGENT_WHOLE:
            stream_want_input(connection->stream, false);
            if (!serve_message(connection, message))
                return;
            break;
        case AGENT_MORE:
            if (stream_end(connection->stream) == STREAM_OPEN) {
                stream_want_input(connection->stream, true);
                return;
            }
            connection_close(connection);
            return;
        case AGENT_TOO_LARGE:
            connection_close(connection);
            return;
        }
    }
}

static void on_agent_stream(void *arg)
{
    struct agent_connection *connection = arg;

    if (stream_end(connection->stream) == STREAM_FAILED)
        connection_close(connection);
    else
        connection_serve(connection);
}

static bool has_room(const struct agent *agent, uid_t user)
{
    const struct agent_connection *connection;
    unsigned all = 0, own = 0;

    LIST_FOREACH(connection, &agent->connections, link) {
        all++;
        own += connection->user == user;
    }
    return all < CONNECTIONS_MAX && own < CONNECTIONS_CLIENT_MAX;
}

static void on_agent_accept(void *arg, int fd, const struct address *peer)
{
    static const struct stream_callbacks callbacks = {.on_input = on_agent_stream, .on_output = on_agent_stream};
    struct agent *agent = arg;
    struct agent_connection *connection;
    struct ucred user;
    socklen_t size = sizeof(user);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &user, &size) != 0 || !has_room(agent, user.uid)) {
        close(fd);
        return;
    }
    connection = mem_alloc_zero(1, sizeof(*connection));
    connection->agent = agent;
    connection->user = user.uid;
    timer_init(&connection->deadline, agent->loop, on_deadline, connection);
    timer_init(&connection->pace, agent->loop, on_pace, connection);
    timer_start(&connection->deadline, DEADLINE_MS);
    LIST_INSERT_HEAD(&agent->connections, connection, link);
    connection->stream = stream_new(agent->loop, fd, &callbacks, connection);
    stream_want_input(connection->stream, true);
}

struct agent *agent_new(const struct agent_options *options, struct error *ret_error)
{
    struct agent_socket socket;
    struct agent *agent;

    if (!agent_socket_open(options->path, options->mode, &socket, ret_error))
        return NULL;
    agent = mem_alloc_zero(1, sizeof(*agent));
    *agent = (struct agent){.loop = options->loop,
                            .signer = options->signer,
                            .on_event = options->on_event,
                            .arg = options->arg,
                            .socket = socket};
    lru_init(&agent->clients, CLIENTS_MAX, NULL, agent_client_free);
    agent->listener = listener_adopt(agent->loop, socket.fd, on_agent_accept, agent);
    return agent;
}

void agent_free(struct agent *agent)
{
    if (!agent)
        return;
    listener_free(agent->listener);
    while (!LIST_EMPTY(&agent->connections))
        connection_close(LIST_FIRST(&agent->connections));
    agent_socket_remove(&agent->socket);
    lru_clear(&agent->clients);
    mem_free(agent);
}
