#include "sshsig.h"

#include "ssh_wire.h"

#define SHA256_SIZE 32
#define SHA512_SIZE 64

static bool sshsig_hash_fits(struct bytes name, struct bytes hash)
{
    if (bytes_equal(name, BYTES("sha256")))
        return hash.size == SHA256_SIZE;
    return bytes_equal(name, BYTES("sha512")) && hash.size == SHA512_SIZE;
}

enum sshsig_result sshsig_judge(struct bytes blob)
{
    static const struct bytes magic = {.data = "SSHSIG", .size = 6};
    struct bytes name_space, reserved, hash_name, hash;

    if (!bytes_start_with(blob, magic))
        return SSHSIG_NOT;
    blob = bytes_skip(blob, magic.size);
    if (!ssh_wire_string(&blob, &name_space))
        return SSHSIG_MALFORMED;
    if (!bytes_equal(name_space, BYTES("git")))
        return SSHSIG_NAMESPACE;
    if (!ssh_wire_string(&blob, &reserved) || !ssh_wire_string(&blob, &hash_name) || !ssh_wire_string(&blob, &hash))
        return SSHSIG_MALFORMED;
    if (reserved.size != 0 || blob.size != 0 || !sshsig_hash_fits(hash_name, hash))
        return SSHSIG_MALFORMED;
    return SSHSIG_GIT;
}
