#include "proxy_tunnel.h"

#include <ctype.h>
#include <stdio.h>

// RFC 9112, 4: "HTTP/1.1 200".
#define STATUS_LINE_MIN (sizeof("HTTP/1.1 200") - 1)

void proxy_tunnel_ask(struct wire *wire, const char *host, uint16_t port, struct bytes authorization)
{
    bool literal_v6 = strchr(host, ':') != NULL;
    char authority[300];

    snprintf(authority, sizeof(authority), literal_v6 ? "[%s]:%u" : "%s:%u", host, port);
    wire_put(wire, BYTES("CONNECT "));
    wire_put(wire, bytes_of_string(authority));
    wire_put(wire, BYTES(" HTTP/1.1\r\n"));
    wire_put_field(wire, BYTES("Host"), bytes_of_string(authority));
    if (authorization.size)
        wire_put_field(wire, BYTES("Proxy-Authorization"), authorization);
    wire_put(wire, BYTES("\r\n"));
}

// Takes a line and its end, CRLF or LF. False: its end has not come.
static bool take_line(struct bytes *rest, struct bytes *ret_line)
{
    struct bytes after;

    if (!bytes_cut(*rest, '\n', ret_line, &after))
        return false;
    if (bytes_end_with(*ret_line, BYTES("\r")))
        ret_line->size--;
    *rest = after;
    return true;
}

static bool proxy_tunnel_read_status(struct bytes line, int *ret_status)
{
    int status = 0;

    if (line.size < STATUS_LINE_MIN || !bytes_start_with(line, BYTES("HTTP/1.")) || line.data[8] != ' ')
        return false;
    for (size_t i = 9; i < 12; i++) {
        if (line.data[i] < '0' || line.data[i] > '9')
            return false;
        status = status * 10 + line.data[i] - '0';
    }
    *ret_status = status;
    return line.size == STATUS_LINE_MIN || line.data[STATUS_LINE_MIN] == ' ';
}

static struct bytes trim_blanks(struct bytes text)
{
    while (text.size && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = bytes_skip(text, 1);
    while (text.size && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

void proxy_tunnel_add_scheme(struct proxy_tunnel_answer *answer, struct bytes value)
{
    struct bytes scheme, parameters;

    bytes_cut(trim_blanks(value), ' ', &scheme, &parameters);
    for (size_t i = 0; i < scheme.size; i++)
        if (!isalnum((unsigned char)scheme.data[i]) && scheme.data[i] != '-')
            return; // nothing to show to people
    if (bytes_equal_nocase(scheme, BYTES("Basic")))
        answer->offers_basic = true;
    if (answer->scheme.size == 0)
        answer->scheme = scheme;
}

static void proxy_tunnel_read_field(struct bytes line, struct proxy_tunnel_answer *answer)
{
    struct bytes name, value;

    if (bytes_cut(line, ':', &name, &value) && bytes_equal_nocase(trim_blanks(name), BYTES("Proxy-Authenticate")))
        proxy_tunnel_add_scheme(answer, value);
}

enum proxy_tunnel_result proxy_tunnel_read(struct bytes input, struct proxy_tunnel_answer *ret_answer)
{
    struct proxy_tunnel_answer answer = {0};
    struct bytes rest = input, line;
    bool first = true;

    if (input.size >= 7 && !bytes_start_with(input, BYTES("HTTP/1.")))
        return PROXY_TUNNEL_BAD;
    while (take_line(&rest, &line)) {
        if (first && !proxy_tunnel_read_status(line, &answer.status))
            return PROXY_TUNNEL_BAD;
        first = false;
        if (line.size > 0) {
            proxy_tunnel_read_field(line, &answer);
            continue;
        }
        if (answer.status / 100 == 1) { // an interim answer comes first (RFC 9110, 15.2)
            answer = (struct proxy_tunnel_answer){0};
            first = true;
            continue;
        }
        answer.size = input.size - rest.size;
        *ret_answer = answer;
        return answer.status / 100 == 2 ? PROXY_TUNNEL_OPEN : PROXY_TUNNEL_REFUSED;
    }
    return input.size > PROXY_TUNNEL_HEAD_MAX ? PROXY_TUNNEL_BAD : PROXY_TUNNEL_MORE;
}

void proxy_tunnel_reason(const struct proxy_tunnel_answer *answer, bool has_password,
                         char ret_reason[PROXY_TUNNEL_REASON_SIZE])
{
    if (answer->status != 407)
        snprintf(ret_reason, PROXY_TUNNEL_REASON_SIZE, "it answers %d to CONNECT", answer->status);
    else if (!answer->offers_basic && answer->scheme.size)
        snprintf(
            ret_reason, PROXY_TUNNEL_REASON_SIZE,
            "it answers 407 and takes %.*s alone, which gitlatch does not speak (it speaks Basic, neither NTLM nor "
            "Negotiate); a local helper such as cntlm or px does",
            (int)(answer->scheme.size < 40 ? answer->scheme.size : 40), answer->scheme.data);
    else if (has_password)
        snprintf(ret_reason, PROXY_TUNNEL_REASON_SIZE,
                 "it answers 407: it refuses the user in `upstream.proxy` or the password in `upstream.password_file`");
    else
        snprintf(
            ret_reason, PROXY_TUNNEL_REASON_SIZE,
            "it answers 407, for it wants a password: name the user in `upstream.proxy` (http://USER@HOST:PORT) and "
            "the file with the password in `upstream.password_file`");
}
