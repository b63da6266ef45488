#include "ed25519_key.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "mem.h"
#include "secret.h"
#include "ssh_wire.h"

static const unsigned char *octets(struct bytes bytes)
{
    return (const unsigned char *)bytes.data;
}

void ed25519_public_append_blob(const struct ed25519_public *key, struct text *output)
{
    ssh_wire_put_string(output, BYTES(ED25519_KEY_TYPE));
    ssh_wire_put_string(output, bytes_of(key->bytes, sizeof(key->bytes)));
}

char *ed25519_public_line(const struct ed25519_public *key)
{
    struct text blob = {0};
    unsigned char *encoded;
    char *line;

    ed25519_public_append_blob(key, &blob);
    encoded = mem_alloc(4 * ((blob.size + 2) / 3) + 1);
    EVP_EncodeBlock(encoded, octets(text_bytes(&blob)), (int)blob.size);
    line = mem_format(ED25519_KEY_TYPE " %s", (const char *)encoded);
    mem_free(encoded);
    text_free(&blob);
    return line;
}

bool ed25519_public_read(struct bytes line, struct ed25519_public *ret_public, struct error *ret_error)
{
    struct bytes type, rest, base64, comment;
    struct ed25519_public key;
    // The one spelling of a key: what is decoded is encoded again and compared.
    unsigned char blob[64];
    bool same;
    char *again;

    bytes_cut(line, ' ', &type, &rest);
    bytes_cut(rest, ' ', &base64, &comment);
    if (!bytes_equal(type, BYTES(ED25519_KEY_TYPE)))
        return error_set(ret_error, "is no public key of type " ED25519_KEY_TYPE ", as ssh-keygen -t ed25519 makes it");
    // 4 + 11 + 4 + 32 bytes, without padding.
    if (base64.size != 68 || EVP_DecodeBlock(blob, octets(base64), (int)base64.size) != 51) {
        ERR_clear_error();
        return error_set(ret_error, "is no whole public key");
    }
    memcpy(key.bytes, blob + 51 - sizeof(key.bytes), sizeof(key.bytes));
    again = ed25519_public_line(&key);
    same = bytes_equal(bytes_of_string(again), bytes_of(line.data, type.size + 1 + base64.size));
    mem_free(again);
    if (!same)
        return error_set(ret_error, "is no whole public key");
    *ret_public = key;
    return true;
}

static EVP_PKEY *private_key(const struct secret *seed)
{
    return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, octets(secret_bytes(seed)), ED25519_KEY_SIZE);
}

bool ed25519_sign(const struct secret *seed, struct bytes message, char ret_signature[static ED25519_SIGNATURE_SIZE])
{
    EVP_PKEY *key = private_key(seed);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char signature[ED25519_SIGNATURE_SIZE];
    size_t size = sizeof(signature);
    bool done = key && context && EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
                EVP_DigestSign(context, signature, &size, octets(message), message.size) == 1;

    if (done)
        memcpy(ret_signature, signature, sizeof(signature));
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return done;
}

bool ed25519_verify(const struct ed25519_public *public, struct bytes message, struct bytes signature)
{
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)public->bytes,
                                                sizeof(public->bytes));
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool valid = key && context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
                 EVP_DigestVerify(context, octets(signature), signature.size, octets(message), message.size) == 1;

    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return valid;
}

// The private-key file.

#define PEM_BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----"
#define PEM_END   "-----END OPENSSH PRIVATE KEY-----"
// Of a cipher's block; "none" has 8 (PROTOCOL.key, section 3).
#define BLOCK_SIZE 8

// What stands between the two lines, without its line ends; NULL: anything else than base64 is there.
static struct secret *pem_base64(struct bytes file)
{
    struct secret *base64 = NULL;
    size_t size = 0;
    char *data;

    if (!bytes_start_with(file, BYTES(PEM_BEGIN)) || !bytes_end_with(file, BYTES(PEM_END)) ||
        file.size < sizeof(PEM_BEGIN PEM_END))
        return NULL;
    file = bytes_skip(file, sizeof(PEM_BEGIN) - 1);
    file.size -= sizeof(PEM_END) - 1;
    base64 = secret_new_sized(file.size, &data);
    memset(data, '=', file.size);
    for (size_t i = 0; i < file.size; i++) {
        char c = file.data[i];
        bool letter =
            (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';

        if (letter || c == '=') {
            data[size++] = c;
        } else if (c != '\n' && c != '\r') {
            secret_unref(base64);
            return NULL;
        }
    }
    return base64;
}

// Base64 with more padding than it needs behind it; NULL: it is none.
static struct secret *ed25519_key_decode(const struct secret *base64)
{
    struct bytes text = secret_bytes(base64);
    const char *padding = memchr(text.data, '=', text.size);
    size_t letters = padding ? (size_t)(padding - text.data) : text.size;
    size_t whole = (letters + 3) / 4 * 4, size = letters * 3 / 4;
    struct secret *decoded, *exact = NULL;
    char *data;

    // Nothing but padding stands behind the first of it, and one letter alone is no byte.
    for (size_t i = letters; i < text.size; i++)
        if (text.data[i] != '=')
            return NULL;
    if (letters == 0 || letters % 4 == 1 || whole > text.size)
        return NULL;
    decoded = secret_new_sized(whole / 4 * 3, &data);
    if (EVP_DecodeBlock((unsigned char *)data, octets(text), (int)whole) == (int)(whole / 4 * 3))
        exact = secret_new(bytes_of(data, size));
    secret_unref(decoded);
    ERR_clear_error();
    return exact;
}

static bool take_string(struct bytes *input, struct bytes expected)
{
    struct bytes string;

    return ssh_wire_string(input, &string) && bytes_equal(string, expected);
}

// string type, string public key, and nothing else.
static bool take_public(struct bytes blob, struct bytes *ret_public)
{
    return take_string(&blob, BYTES(ED25519_KEY_TYPE)) && ssh_wire_string(&blob, ret_public) &&
           ret_public->size == ED25519_KEY_SIZE && blob.size == 0;
}

static bool is_padding(struct bytes rest)
{
    if (rest.size >= BLOCK_SIZE)
        return false;
    for (size_t i = 0; i < rest.size; i++)
        if (rest.data[i] != (char)(i + 1))
            return false;
    return true;
}

// The part that a cipher would hide. `public` is the key that stands before it; the seed is a view.
static bool take_private(struct bytes section, struct bytes public, struct bytes *ret_seed)
{
    struct bytes rest = section, again, both, comment;
    uint32_t first, second;

    if (section.size % BLOCK_SIZE != 0 || !ssh_wire_uint32(&rest, &first) || !ssh_wire_uint32(&rest, &second) ||
        first != second || !take_string(&rest, BYTES(ED25519_KEY_TYPE)) || !ssh_wire_string(&rest, &again) ||
        !ssh_wire_string(&rest, &both) || !ssh_wire_string(&rest, &comment) || !is_padding(rest))
        return false;
    if (both.size != 2 * (size_t)ED25519_KEY_SIZE || !bytes_equal(again, public) ||
        !bytes_equal(bytes_skip(both, ED25519_KEY_SIZE), public))
        return false;
    *ret_seed = bytes_of(both.data, ED25519_KEY_SIZE);
    return true;
}

// Whether the public key is the seed's own.
static bool fits(const struct secret *seed, const struct ed25519_public *public)
{
    EVP_PKEY *key = private_key(seed);
    unsigned char own[ED25519_KEY_SIZE];
    size_t size = sizeof(own);
    bool same = key && EVP_PKEY_get_raw_public_key(key, own, &size) == 1 && size == sizeof(own) &&
                memcmp(own, public->bytes, sizeof(own)) == 0;

    EVP_PKEY_free(key);
    ERR_clear_error();
    return same;
}

static bool refuse_type(struct bytes blob, struct error *ret_error)
{
    struct bytes type;

    if (!ssh_wire_string(&blob, &type) || type.size > 64 || bytes_equal(type, BYTES(ED25519_KEY_TYPE)))
        return error_set(ret_error, "is damaged");
    return error_set(ret_error,
                     "is a key of another type than " ED25519_KEY_TYPE "; make one with ssh-keygen -t ed25519 -N ''");
}

static bool ed25519_key_read_fields(struct bytes rest, struct secret **ret_seed, struct ed25519_public *ret_public,
                                    struct error *ret_error)
{
    static const struct bytes magic = {.data = "openssh-key-v1", .size = sizeof("openssh-key-v1")};
    struct bytes blob, section, public, seed, cipher;
    struct secret *kept;
    uint32_t count;

    if (!bytes_start_with(rest, magic))
        return error_set(ret_error, "is damaged");
    rest = bytes_skip(rest, magic.size);
    if (!ssh_wire_string(&rest, &cipher))
        return error_set(ret_error, "is damaged");
    if (!bytes_equal(cipher, BYTES("none")))
        return error_set(ret_error, "is encrypted, and nobody is there to be asked for its passphrase; "
                                    "take it off with ssh-keygen -p -N '' -f FILE");
    if (!take_string(&rest, BYTES("none")) || !take_string(&rest, BYTES("")) || !ssh_wire_uint32(&rest, &count) ||
        count != 1 || !ssh_wire_string(&rest, &blob) || !ssh_wire_string(&rest, &section) || rest.size != 0)
        return error_set(ret_error, "is damaged");
    if (!take_public(blob, &public))
        return refuse_type(blob, ret_error);
    if (!take_private(section, public, &seed))
        return error_set(ret_error, "is damaged");
    kept = secret_new(seed);
    memcpy(ret_public->bytes, public.data, sizeof(ret_public->bytes));
    if (fits(kept, ret_public)) {
        *ret_seed = kept;
        return true;
    }
    secret_unref(kept);
    return error_set(ret_error, "is damaged: its two halves do not fit together");
}

bool ed25519_key_read(struct bytes file, struct secret **ret_seed, struct ed25519_public *ret_public,
                      struct error *ret_error)
{
    struct secret *base64 = pem_base64(file), *decoded = base64 ? ed25519_key_decode(base64) : NULL;
    struct ed25519_public public;
    bool done;

    if (!base64)
        error_set(ret_error, "is no OpenSSH private key; make one with ssh-keygen -t ed25519 -N ''");
    else if (!decoded)
        error_set(ret_error, "is damaged");
    done = decoded && ed25519_key_read_fields(secret_bytes(decoded), ret_seed, &public, ret_error);
    if (done)
        *ret_public = public;
    secret_unref(decoded);
    secret_unref(base64);
    return done;
}
