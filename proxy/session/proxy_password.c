#include "proxy_password.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "secret_file.h"

#define PASSWORD_MAX 512
// "gitlatch:" and a password of that length, in base64.
#define ENCODED_MAX 704

struct secret *proxy_password_read(const char *path, struct error *ret_error)
{
    struct secret *password = NULL;
    struct secret_file file;
    bool changed;

    secret_file_init(&file, path);
    if (secret_file_refresh(&file, &changed, ret_error)) {
        if (secret_bytes(file.secret).size <= PASSWORD_MAX)
            password = secret_ref(file.secret);
        else
            error_set(ret_error, "%s: must hold a password of 1 to %d characters", path, PASSWORD_MAX);
    }
    secret_file_clear(&file);
    return password;
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
    right =
        bytes_start_with(given, bytes_of_string(user)) && secret_equal(password, bytes_skip(given, sizeof(user) - 1));
    OPENSSL_cleanse(decoded, sizeof(decoded));
    return right;
}
