#include "authorization.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "mem.h"
#include "secret.h"

static struct secret *bearer_value(struct bytes token)
{
    static const char bearer[] = "Bearer ";
    char *data;
    struct secret *value = secret_new_sized(sizeof(bearer) - 1 + token.size, &data);

    memcpy(data, bearer, sizeof(bearer) - 1);
    memcpy(data + sizeof(bearer) - 1, token.data, token.size);
    return value;
}

static struct secret *basic_value(struct bytes token)
{
    static const char user[] = "x-access-token:", basic[] = "Basic ";
    size_t plain_size = sizeof(user) - 1 + token.size, encoded_size = (plain_size + 2) / 3 * 4;
    char *plain = mem_alloc(plain_size), *data;
    unsigned char *encoded = mem_alloc(encoded_size + 1);
    struct secret *value = secret_new_sized(sizeof(basic) - 1 + encoded_size, &data);

    memcpy(plain, user, sizeof(user) - 1);
    memcpy(plain + sizeof(user) - 1, token.data, token.size);
    EVP_EncodeBlock(encoded, (const unsigned char *)plain, (int)plain_size);
    memcpy(data, basic, sizeof(basic) - 1);
    memcpy(data + sizeof(basic) - 1, encoded, encoded_size);
    OPENSSL_cleanse(encoded, encoded_size);
    OPENSSL_cleanse(plain, plain_size);
    mem_free(encoded);
    mem_free(plain);
    return value;
}

struct secret *authorization_new(enum operation_authorization kind, struct secret *token)
{
    if (kind == AUTHORIZATION_BEARER)
        return bearer_value(secret_bytes(token));
    if (!secret_form(token))
        secret_keep_form(token, basic_value(secret_bytes(token)));
    return secret_ref(secret_form(token));
}
