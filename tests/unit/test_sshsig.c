#include "sshsig.h"

#include <gitlatch/attr.h>

#include "cmocka_unit.h"

#define TEN    "0123456789"
#define BYTE32 TEN TEN TEN "01"
#define BYTE64 BYTE32 BYTE32
#define GIT    "SSHSIG\0\0\0\3git"
#define SHA256 "\0\0\0\6sha256"
#define SHA512 "\0\0\0\6sha512"

static void only_a_well_formed_blob_for_git_is_one(void **state)
{
    static const struct {
        struct bytes blob;
        enum sshsig_result result;
    } cases[] = {
        {BYTES(GIT "\0\0\0\0" SHA256 "\0\0\0\x20" BYTE32), SSHSIG_GIT},
        {BYTES(GIT "\0\0\0\0" SHA512 "\0\0\0\x40" BYTE64), SSHSIG_GIT},
        {BYTES(""), SSHSIG_NOT},
        {BYTES("SSHSI"), SSHSIG_NOT},
        // A login: session id, SSH_MSG_USERAUTH_REQUEST, user, service, method.
        {BYTES("\0\0\0\x20" BYTE32 "\x32\0\0\0\3git\0\0\0\016ssh-connection\0\0\0\011publickey"), SSHSIG_NOT},
        {BYTES("SSHSIG\0\0\0\4file\0\0\0\0" SHA256 "\0\0\0\x20" BYTE32), SSHSIG_NAMESPACE},
        {BYTES("SSHSIG\0\0\0\3Git\0\0\0\0" SHA256 "\0\0\0\x20" BYTE32), SSHSIG_NAMESPACE},
        {BYTES("SSHSIG\0\0\0\4git\0\0\0\0\0" SHA256 "\0\0\0\x20" BYTE32), SSHSIG_NAMESPACE},
        {BYTES("SSHSIG\0\0\0\0\0\0\0\0" SHA256 "\0\0\0\x20" BYTE32), SSHSIG_NAMESPACE},
        {BYTES(GIT "\0\0\0\1x" SHA256 "\0\0\0\x20" BYTE32), SSHSIG_MALFORMED},
        {BYTES(GIT "\0\0\0\0\0\0\0\4sha1\0\0\0\x14" TEN TEN), SSHSIG_MALFORMED},
        {BYTES(GIT "\0\0\0\0" SHA256 "\0\0\0\x40" BYTE64), SSHSIG_MALFORMED},
        {BYTES(GIT "\0\0\0\0" SHA512 "\0\0\0\x20" BYTE32), SSHSIG_MALFORMED},
        {BYTES(GIT "\0\0\0\0" SHA256 "\0\0\0\x20" BYTE32 "x"), SSHSIG_MALFORMED},
        {BYTES("SSHSIG\xff\xff\xff\xffgit"), SSHSIG_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++)
        assert_int_equal(sshsig_judge(cases[i].blob), cases[i].result);
}

static void a_blob_that_is_cut_anywhere_is_not_signed(void **state)
{
    struct bytes whole = BYTES(GIT "\0\0\0\0" SHA256 "\0\0\0\x20" BYTE32);

    (void)state;
    for (size_t size = 0; size < whole.size; size++)
        assert_int_not_equal(sshsig_judge(bytes_of(whole.data, size)), SSHSIG_GIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_well_formed_blob_for_git_is_one),
        cmocka_unit_test(a_blob_that_is_cut_anywhere_is_not_signed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
