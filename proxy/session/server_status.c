#include "distrust.h"
#include "exchange.h"
#include "identity.h"
#include "rule_json.h"
#include "server_state.h"
#include "session.h"
#include "text.h"

static void server_status_append_rules(const struct server *server, struct text *text)
{
    const struct config *config = server->context.runtime->config;

    text_append(text, ",\"repositories\":[");
    for (size_t i = 0; i < config->rules.count; i++) {
        text_format(text, "%s{\"line\":%d,\"rule\":", i ? "," : "", config->rule_lines ? config->rule_lines[i] : 0);
        rule_json_append(&config->rules.rules[i], text);
        text_append_char(text, '}');
    }
    text_append_char(text, ']');
}

// More are counted in `connections`, not named.
#define IN_FLIGHT_SHOWN 100

static void append_in_flight(const struct server *server, struct text *text)
{
    size_t count = 0;

    text_append(text, ",\"in_flight\":[");
    for (const struct session *session = server->sessions; session && count < IN_FLIGHT_SHOWN; session = session->next)
        if (session->client.exchange)
            exchange_describe(session->client.exchange, count++ > 0, text);
    text_append_char(text, ']');
}

void server_status(const struct server *server, struct text *text)
{
    char time[WALL_TEXT_SIZE];

    wall_format_rfc3339(server->started, WALL_SECONDS, time);
    text_format(text, "\"version\":\"%s\",\"started\":\"%s\",\"ready\":%s,\"draining\":%s,\"connections\":%zu",
                GITLATCH_VERSION, time, server_ready(server) ? "true" : "false",
                server->context.draining ? "true" : "false", server->shares.count);
    text_append(text, ",\"publish\":");
    text_append_json_string(text, bytes_of_string(server_publish_directory(server)));
    wall_format_rfc3339(identity_ca_expiry(server->identity), WALL_SECONDS, time);
    text_format(text, ",\"ca_expires\":\"%s\"", time);
    wall_format_rfc3339(identity_leaf_expiry(server->identity), WALL_SECONDS, time);
    text_format(text, ",\"leaf_expires\":\"%s\"", time);
    text_format(text, ",\"rules\":%s,\"enforce\":%s",
                server->context.runtime->config->rules.present || server->context.runtime->granted ? "true" : "false",
                server->context.runtime->config->enforce ? "true" : "false");
    text_append(text, ",\"credentials\":");
    token_service_describe(server->context.runtime->tokens, text);
    distrust_append(server->context.distrust, text);
    server_status_append_rules(server, text);
    append_in_flight(server, text);
}
