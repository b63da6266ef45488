#include "ed25519_key.h"

#include "cmocka_unit.h"
#include "mem.h"
#include "secret.h"

// Made by ssh-keygen for this test: `-t ed25519`, the same with a passphrase, `-t ecdsa`.
static const char whole[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n"
                            "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n"
                            "QyNTUxOQAAACBVSjWHtctbmr9vrVwsAhQCnL+rgTryqUrBuIg2I/t/qAAAAIjjYxSB42MU\n"
                            "gQAAAAtzc2gtZWQyNTUxOQAAACBVSjWHtctbmr9vrVwsAhQCnL+rgTryqUrBuIg2I/t/qA\n"
                            "AAAEB3qV8JRGy/y4N+5RgB/I7DZuGP4R3xzZQmxQ2qXfsGClVKNYe1y1uav2+tXCwCFAKc\n"
                            "v6uBOvKpSsG4iDYj+3+oAAAABHRlc3QB\n"
                            "-----END OPENSSH PRIVATE KEY-----";
static const char public_line[] = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFVKNYe1y1uav2+tXCwCFAKcv6uBOvKpSsG4iDYj+3+o";
static const char encrypted[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n"
                                "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABA0b4PxBB\n"
                                "DsEXgOnsXKUiOoAAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIJ0i+DTSbobb6P58\n"
                                "nH2tlxS9Z90+WRcBcaShLFe/MfJLAAAAkIPtVceg6uVz5wGaXW3mouUEKqfyKRSKma44Zv\n"
                                "Wxtu+7f+ySVMN0pmxJ5snfBL4UU0650O4qwm+uEBEZrUAwMmP87jhWchN85vKZgV5XbydZ\n"
                                "MnExUTIAo9VrCVezmsGRqiBLFb/K1ISUItvFnN3x0MB9o/srlo3LdRd1X2UfCUBsY5t+pR\n"
                                "qMz7BCPAyd/eSc7Q==\n"
                                "-----END OPENSSH PRIVATE KEY-----";
static const char ecdsa[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n"
                            "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAaAAAABNlY2RzYS\n"
                            "1zaGEyLW5pc3RwMjU2AAAACG5pc3RwMjU2AAAAQQRXlfRBGlDHdQziIDV4UOR4FpKYVL6G\n"
                            "ixAzDVB/JLXDzEUjyorOLt/KG9LKYYLpGGX4wpB4XGlWBCTESjSHRo96AAAAoD260qY9ut\n"
                            "KmAAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBFeV9EEaUMd1DOIg\n"
                            "NXhQ5HgWkphUvoaLEDMNUH8ktcPMRSPKis4u38ob0sphgukYZfjCkHhcaVYEJMRKNIdGj3\n"
                            "oAAAAhANs21fDRospYFGf3I194LVYf4O/naA9pu7+SlF/M1t5oAAAABHRlc3QBAgM=\n"
                            "-----END OPENSSH PRIVATE KEY-----";

static bool reads(const char *file, struct error *ret_error)
{
    struct secret *seed = NULL;
    struct ed25519_public public;
    bool done = ed25519_key_read(bytes_of_string(file), &seed, &public, ret_error);

    secret_unref(seed);
    return done;
}

static void a_key_of_ssh_keygen_is_read_and_signs(void **state)
{
    static const struct bytes message = {.data = "message", .size = 7};
    struct secret *seed = NULL;
    struct ed25519_public public, from_line;
    char signature[ED25519_SIGNATURE_SIZE];
    struct error error;
    char *line;

    (void)state;
    assert_true(ed25519_key_read(bytes_of_string(whole), &seed, &public, &error));
    line = ed25519_public_line(&public);
    assert_string_equal(line, public_line);
    assert_true(ed25519_public_read(bytes_of_string(public_line), &from_line, &error));
    assert_memory_equal(&public, &from_line, sizeof(public));
    assert_true(ed25519_sign(seed, message, signature));
    assert_true(ed25519_verify(&public, message, bytes_of(signature, sizeof(signature))));
    signature[5] ^= 1;
    assert_false(ed25519_verify(&public, message, bytes_of(signature, sizeof(signature))));
    mem_free(line);
    secret_unref(seed);
}

// None of its letters is without a meaning: a key with another one is refused, or is the same key with another check
// number or comment.
static void a_key_with_another_letter_is_never_another_key(void **state)
{
    char *copy = mem_string(whole);
    struct ed25519_public public;

    (void)state;
    for (size_t i = 0; copy[i]; i++) {
        struct secret *seed = NULL;
        char had = copy[i];

        copy[i] = had == 'A' ? 'B' : 'A';
        if (ed25519_key_read(bytes_of_string(copy), &seed, &public, NULL)) {
            char *line = ed25519_public_line(&public);

            assert_string_equal(line, public_line);
            mem_free(line);
            secret_unref(seed);
        }
        copy[i] = had;
    }
    for (size_t size = strlen(whole); size > 0; size--) {
        struct secret *seed;

        assert_false(ed25519_key_read(bytes_of(whole, size - 1), &seed, &public, NULL));
    }
    mem_free(copy);
}

static void what_is_refused_says_why(void **state)
{
    struct ed25519_public public;
    struct error error;

    (void)state;
    assert_false(reads(encrypted, &error));
    assert_non_null(strstr(error.text, "is encrypted"));
    assert_false(reads(ecdsa, &error));
    assert_non_null(strstr(error.text, "another type"));
    assert_false(reads("-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----", &error));
    assert_non_null(strstr(error.text, "is no OpenSSH private key"));
    assert_false(reads("-----BEGIN OPENSSH PRIVATE KEY----------END OPENSSH PRIVATE KEY-----", &error));
    assert_false(ed25519_public_read(BYTES("ssh-rsa AAAA"), &public, &error));
    assert_false(ed25519_public_read(BYTES("ssh-ed25519 AAAA"), &public, &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_of_ssh_keygen_is_read_and_signs),
        cmocka_unit_test(a_key_with_another_letter_is_never_another_key),
        cmocka_unit_test(what_is_refused_says_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
