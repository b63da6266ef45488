// Any bytes as what an ssh-agent's client sends: no crash, every message is within the input, and what would be signed is
// a git signature's blob.
#include "agent_message.h"

#include "fuzz.h"
#include "sshsig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ed25519_public key = {"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"};
    struct bytes input = bytes_of((const char *)data, size), message;

    while (agent_message_find(input, &message) == AGENT_WHOLE) {
        struct agent_request request = agent_message_read(message, &key);

        FUZZ_CHECK(message.size > 0 && message.size <= AGENT_MESSAGE_MAX - 4 && message.size + 4 <= input.size);
        FUZZ_CHECK((request.question == AGENT_REFUSED) == (request.why != NULL));
        if (request.question == AGENT_SIGN) {
            FUZZ_CHECK(sshsig_judge(request.blob) == SSHSIG_GIT);
            FUZZ_CHECK(memmem(message.data, message.size, key.bytes, sizeof(key.bytes)));
        }
        input = bytes_skip(input, message.size + 4);
    }
    return 0;
}
