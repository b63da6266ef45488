#include "agent_message.h"

#include "cmocka_unit.h"

static const struct ed25519_public key = {"0123456789abcdef0123456789abcde"};

#define KEY                                                                                                            \
    "\0\0\0\x33\0\0\0\013ssh-ed25519\0\0\0\x20"                                                                        \
    "0123456789abcdef0123456789abcde\0"
#define OTHER                                                                                                          \
    "\0\0\0\x33\0\0\0\013ssh-ed25519\0\0\0\x20"                                                                        \
    "X123456789abcdef0123456789abcde\0"
#define BLOB                                                                                                           \
    "\0\0\0\x3f"                                                                                                       \
    "SSHSIG\0\0\0\3git\0\0\0\0\0\0\0\6sha256\0\0\0\x20"                                                                \
    "0123456789abcdef0123456789abcdef"
#define LOGIN                                                                                                          \
    "\0\0\0\x24\0\0\0\x20"                                                                                             \
    "0123456789abcdef0123456789abcdef"
#define NOTHING "\0\0\0\0"

static void only_a_list_and_a_git_signature_are_given(void **state)
{
    static const struct {
        struct bytes message;
        enum agent_question question;
    } cases[] = {
        {BYTES("\13"), AGENT_LIST},
        {BYTES("\13x"), AGENT_UNSUPPORTED},
        {BYTES(""), AGENT_UNSUPPORTED},
        {BYTES("\1"), AGENT_UNSUPPORTED},  // SSH_AGENTC_REQUEST_RSA_IDENTITIES
        {BYTES("\21"), AGENT_UNSUPPORTED}, // SSH_AGENTC_ADD_IDENTITY
        {BYTES("\23"), AGENT_UNSUPPORTED}, // SSH_AGENTC_REMOVE_ALL_IDENTITIES
        {BYTES("\33"), AGENT_UNSUPPORTED}, // SSH_AGENTC_EXTENSION
        {BYTES("\15" KEY BLOB NOTHING), AGENT_SIGN},
        {BYTES("\15" KEY BLOB NOTHING "x"), AGENT_UNSUPPORTED},
        {BYTES("\15" KEY BLOB), AGENT_UNSUPPORTED},
        {BYTES("\15" KEY BLOB "\0\0\0\2"), AGENT_REFUSED},
        {BYTES("\15" OTHER BLOB NOTHING), AGENT_REFUSED},
        {BYTES("\15" KEY LOGIN NOTHING), AGENT_REFUSED},
        {BYTES("\15" NOTHING BLOB NOTHING), AGENT_REFUSED},
    };

    (void)state;
    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct agent_request request = agent_message_read(cases[i].message, &key);

        assert_int_equal(request.question, cases[i].question);
        assert_int_equal(request.why != NULL, request.question == AGENT_REFUSED);
        if (request.question == AGENT_SIGN)
            assert_int_equal(request.blob.size, 0x3f);
    }
}

static void a_message_has_a_bound(void **state)
{
    struct bytes message;

    (void)state;
    assert_int_equal(agent_message_find(BYTES("\0\0\0"), &message), AGENT_MORE);
    assert_int_equal(agent_message_find(BYTES("\0\0\0\2x"), &message), AGENT_MORE);
    assert_int_equal(agent_message_find(BYTES("\0\0\0\1xy"), &message), AGENT_WHOLE);
    assert_int_equal(message.size, 1);
    assert_int_equal(agent_message_find(BYTES("\0\0\xff\xfc"), &message), AGENT_MORE);
    assert_int_equal(agent_message_find(BYTES("\0\0\xff\xfd"), &message), AGENT_TOO_LARGE);
    assert_int_equal(agent_message_find(BYTES("\0\0\0\0"), &message), AGENT_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_list_and_a_git_signature_are_given),
        cmocka_unit_test(a_message_has_a_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
