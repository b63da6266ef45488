#include "authorization.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "git_host_kind.h"
#include "mem.h"
#include "rewrite.h"
#include "secret.h"
#include "stream.h"

static struct secret *bearer_value(struct bytes token)
{
    static const char bearer[] = "Bearer ";
    char *data;
    struct secret *value = secret_new_sized(sizeof(bearer) - 1 + token.size, &data);

    memcpy(data, bearer, sizeof(bearer) - 1);
    memcpy(data + sizeof(bearer) - 1, token.data, token.size);
    return value;
}

static struct secret *basic_value(const char *user, struct bytes token)
{
    static const char basic[] = "Basic ";
    size_t user_size = strlen(user), plain_size = user_size + 1 + token.size, encoded_size = (plain_size + 2) / 3 * 4;
    char *plain = mem_alloc(plain_size), *data;
    unsigned char *encoded = mem_alloc(encoded_size + 1);
    struct secret *value = secret_new_sized(sizeof(basic) - 1 + encoded_size, &data);

    memcpy(plain, user, user_size);
    plain[user_size] = ':';
    memcpy(plain + user_size + 1, token.data, token.size);
    EVP_EncodeBlock(encoded, (const unsigned char *)plain, (int)plain_size);
    memcpy(data, basic, sizeof(basic) - 1);
    memcpy(data + sizeof(basic) - 1, encoded, encoded_size);
    OPENSSL_cleanse(encoded, encoded_size);
    OPENSSL_cleanse(plain, plain_size);
    mem_free(encoded);
    mem_free(plain);
    return value;
}

struct secret *authorization_new(const struct git_host *host, enum operation_authorization kind, struct secret *token)
{
    if (kind == AUTHORIZATION_BEARER || host->bearer)
        return bearer_value(secret_bytes(token));
    // Another host's user may change under the same token.
    if (!git_host_is_github(host))
        return basic_value(host->user, secret_bytes(token));
    if (!secret_form(token))
        secret_keep_form(token, basic_value(git_host_kind(GIT_HOST_GITHUB)->user, secret_bytes(token)));
    return secret_ref(secret_form(token));
}

bool authorization_write_head(const struct request *request, struct secret *token, struct stream *stream)
{
    enum operation_authorization kind = operation_authorization(request->operation.kind);
    struct secret *value = token ? authorization_new(request->operation.host, kind, token) : NULL;
    struct rewrite_request options = {
        .target = &request->target,
        .host = bytes_of_string(request_upstream_authority(request)),
        .authorization = value ? secret_bytes(value) : BYTES(""),
    };
    size_t room;
    char *at = stream_output_room(stream, &room);
    struct wire wire = wire_of(at, room);
    bool fits = rewrite_request(&request->head, &options, &wire);

    stream_commit(stream, fits ? wire.size : 0, value != NULL);
    secret_unref(value);
    return fits;
}
