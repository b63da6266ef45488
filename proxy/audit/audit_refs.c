#include "audit_refs.h"

#include <openssl/evp.h>

#include "log.h"
#include "mem.h"

// Beside the refs an event has 8 KiB (audit.c).
#define REFS_SIZE_MAX (LOG_AUDIT_LINE_MAX - (size_t)8 * KIB)
// `,{"ref":"","old":"","new":""}`
#define REF_MEMBERS_SIZE ((size_t)32)
// `,"refs":[]`, the count and the digest.
#define REFS_FRAME_SIZE ((size_t)160)
#define DIGEST_SIZE     32

// At most, as a JSON string: what is not plain ASCII is perhaps escaped (\u007f).
static size_t json_size(struct bytes value)
{
    size_t size = 0;

    for (size_t i = 0; i < value.size; i++) {
        unsigned char byte = (unsigned char)value.data[i];

        size += byte < ' ' || byte >= 0x7f ? 6 : byte == '"' || byte == '\\' ? 2 : 1;
    }
    return size;
}

static size_t ref_size(const struct push_command *command)
{
    return REF_MEMBERS_SIZE + command->old_id.size + command->new_id.size + json_size(command->ref);
}

// How many fit, and the bytes that they take at most.
static size_t count_fitting(const struct push_commands *push, size_t *ret_size)
{
    size_t count = push_commands_count(push), size = REFS_FRAME_SIZE, i;

    for (i = 0; i < count; i++) {
        struct push_command command = push_commands_at(push, i);

        if (size + ref_size(&command) > REFS_SIZE_MAX)
            break;
        size += ref_size(&command);
    }
    *ret_size = size;
    return i;
}

size_t audit_refs_size(const struct push_commands *push)
{
    size_t size;

    count_fitting(push, &size);
    return size;
}

static void audit_refs_append_ref(const struct push_command *command, bool more, struct text *text)
{
    text_append(text, more ? ",{\"ref\":" : "{\"ref\":");
    text_append_json_string(text, command->ref);
    text_append(text, ",\"old\":");
    text_append_json_string(text, command->old_id);
    text_append(text, ",\"new\":");
    text_append_json_string(text, command->new_id);
    text_append(text, "}");
}

static void digest_ref(EVP_MD_CTX *context, const struct push_command *command)
{
    EVP_DigestUpdate(context, command->old_id.data, command->old_id.size);
    EVP_DigestUpdate(context, " ", 1);
    EVP_DigestUpdate(context, command->new_id.data, command->new_id.size);
    EVP_DigestUpdate(context, " ", 1);
    EVP_DigestUpdate(context, command->ref.data, command->ref.size);
    EVP_DigestUpdate(context, "\n", 1);
}

static void append_digest(const struct push_commands *push, size_t from, struct text *text)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char digest[DIGEST_SIZE];

    if (!context || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
        abort(); // OpenSSL without SHA-256, or without memory
    for (size_t i = from; i < push_commands_count(push); i++) {
        struct push_command command = push_commands_at(push, i);

        digest_ref(context, &command);
    }
    EVP_DigestFinal_ex(context, digest, NULL);
    EVP_MD_CTX_free(context);
    text_append(text, ",\"refs_digest\":\"");
    for (size_t i = 0; i < sizeof(digest); i++)
        text_format(text, "%02x", digest[i]);
    text_append_char(text, '"');
}

void audit_refs_append(const struct push_commands *push, struct text *text)
{
    size_t size, count = count_fitting(push, &size);

    text_append(text, ",\"refs\":[");
    for (size_t i = 0; i < count; i++) {
        struct push_command command = push_commands_at(push, i);

        audit_refs_append_ref(&command, i > 0, text);
    }
    text_append_char(text, ']');
    if (count == push_commands_count(push))
        return;
    text_format(text, ",\"refs_count\":%zu", push_commands_count(push));
    append_digest(push, count, text);
}
