#include "agent_message.h"

#include "ssh_wire.h"
#include "sshsig.h"

enum {
    SSH_AGENT_FAILURE = 5,
    SSH_AGENTC_REQUEST_IDENTITIES = 11,
    SSH_AGENT_IDENTITIES_ANSWER = 12,
    SSH_AGENTC_SIGN_REQUEST = 13,
    SSH_AGENT_SIGN_RESPONSE = 14,
};

#define LENGTH_SIZE 4
// By which `ssh-add -l` shows it.
#define COMMENT "gitlatch"

enum agent_framing agent_message_find(struct bytes input, struct bytes *ret_message)
{
    struct bytes rest = input;
    uint32_t size;

    if (!ssh_wire_uint32(&rest, &size))
        return AGENT_MORE;
    if (size == 0 || size > AGENT_MESSAGE_MAX - LENGTH_SIZE)
        return AGENT_TOO_LARGE;
    if (rest.size < size)
        return AGENT_MORE;
    *ret_message = bytes_of(rest.data, size);
    return AGENT_WHOLE;
}

static bool is_our_key(struct bytes blob, const struct ed25519_public *key)
{
    struct text own = {0};
    bool same;

    ed25519_public_append_blob(key, &own);
    same = bytes_equal(blob, text_bytes(&own));
    text_free(&own);
    return same;
}

static const char *refusal_of(enum sshsig_result result)
{
    switch (result) {
    case SSHSIG_GIT:
        return NULL;
    case SSHSIG_NOT:
        return "no git signature, such as an SSH login";
    case SSHSIG_NAMESPACE:
        return "a signature for another namespace than git";
    case SSHSIG_MALFORMED:
        return "a malformed git signature";
    }
    return "";
}

// string key, string data, uint32 flags, of which none is for Ed25519.
static struct agent_request read_sign(struct bytes rest, const struct ed25519_public *key)
{
    struct agent_request request = {.question = AGENT_REFUSED};
    struct bytes named;
    uint32_t flags;

    if (!ssh_wire_string(&rest, &named) || !ssh_wire_string(&rest, &request.blob) || !ssh_wire_uint32(&rest, &flags) ||
        rest.size != 0)
        return (struct agent_request){.question = AGENT_UNSUPPORTED};
    request.why = refusal_of(sshsig_judge(request.blob));
    if (!request.why && flags != 0)
        request.why = "flags that Ed25519 has none of";
    else if (!request.why && !is_our_key(named, key))
        request.why = "another key, such as one that was replaced";
    if (!request.why)
        request.question = AGENT_SIGN;
    return request;
}

struct agent_request agent_message_read(struct bytes message, const struct ed25519_public *key)
{
    if (message.size == 1 && message.data[0] == SSH_AGENTC_REQUEST_IDENTITIES)
        return (struct agent_request){.question = AGENT_LIST};
    if (message.size > 0 && message.data[0] == SSH_AGENTC_SIGN_REQUEST)
        return read_sign(bytes_skip(message, 1), key);
    return (struct agent_request){.question = AGENT_UNSUPPORTED};
}

void agent_message_append_failure(struct text *output)
{
    ssh_wire_put_string(output, bytes_of((const char[]){SSH_AGENT_FAILURE}, 1));
}

void agent_message_append_list(struct text *output, const struct ed25519_public *key)
{
    struct text answer = {0}, blob = {0};

    ed25519_public_append_blob(key, &blob);
    text_append_char(&answer, SSH_AGENT_IDENTITIES_ANSWER);
    ssh_wire_put_uint32(&answer, 1);
    ssh_wire_put_string(&answer, text_bytes(&blob));
    ssh_wire_put_string(&answer, BYTES(COMMENT));
    ssh_wire_put_string(output, text_bytes(&answer));
    text_free(&blob);
    text_free(&answer);
}

void agent_message_append_signature(struct text *output, const char signature[static ED25519_SIGNATURE_SIZE])
{
    struct text answer = {0}, blob = {0};

    ssh_wire_put_string(&blob, BYTES(ED25519_KEY_TYPE));
    ssh_wire_put_string(&blob, bytes_of(signature, ED25519_SIGNATURE_SIZE));
    text_append_char(&answer, SSH_AGENT_SIGN_RESPONSE);
    ssh_wire_put_string(&answer, text_bytes(&blob));
    ssh_wire_put_string(output, text_bytes(&answer));
    text_free(&blob);
    text_free(&answer);
}
