#include "proxy_password.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "secret.h"

#define PASSWORD_MAX 512
// "gitlatch:" and a password of that length, in base64.
#define ENCODED_MAX 704

struct secret *proxy_password_read(const char *path, struct error *ret_error)
{
    char buffer[2 * PASSWORD_MAX]; // with blanks around it
    FILE *file = fopen(path, "re");
    struct secret *password = NULL;
    size_t size;

    if (!file) {
        error_set_unreadable(ret_error, path, errno);
        return NULL;
    }
    size = fread(buffer, 1, sizeof(buffer), file);
    fclose(file);
    if (size > 0 && size < sizeof(buffer))
        password = secret_new_trimmed(bytes_of(buffer, size));
    explicit_bzero(buffer, sizeof(buffer));
    if (password && secret_bytes(password).size > 0 && secret_bytes(password).size <= PASSWORD_MAX)
        return password;
    secret_unref(password);
    error_set(ret_error, "%s: must hold a password of 1 to %d characters", path, PASSWORD_MAX);
    return NULL;
}

bool proxy_password_accepts(const struct secret *password, struct bytes authorization)
{
    static const char user[] = "gitlatch:";
    unsigned char decoded[ENCODED_MAX / 4 * 3 + 1];
    struct bytes scheme, encoded, given;
    int size;
    bool right;

    bytes_cut(authorization, ' ', &scheme, &encoded);
    if (!bytes_equal_nocase(scheme, BYTES("Basic")) || encoded.size == 0 || encoded.size > ENCODED_MAX ||
        encoded.size % 4 != 0)
        return false;
    size = EVP_DecodeBlock(decoded, (const unsigned char *)encoded.data, (int)encoded.size);
    if (size < 0)
        return false;
    // EVP_DecodeBlock counts the padding as bytes of zero.
    for (size_t i = encoded.size; i > 0 && encoded.data[i - 1] == '=' && size > 0; i--)
        size--;
    given = bytes_of((const char *)decoded, (size_t)size);
    right = bytes_start_with(given, bytes_of_string(user)) &&
            secret_equal(password, bytes_skip(given, sizeof(user) - 1));
    OPENSSL_cleanse(decoded, sizeof(decoded));
    return right;
}
