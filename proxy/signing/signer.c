#include "signer.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "child.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "secret.h"
#include "secret_file.h"
#include "spawner.h"

// A key in a cloud's KMS signs in well under a second.
#define SIGN_TIMEOUT_MS (15 * SECOND_MS)

struct signer {
    struct loop *loop;
    struct secret_file file; // path NULL: the command says its public key
    struct secret *seed;     // NULL: a command signs
    struct ed25519_public public;
    struct spawner *spawner;
    size_t command;
    struct child *asking; // the command for its public key; NULL: it is not asked
    bool starting;        // the first answer is awaited
    bool doubted;         // a signature did not fit the public key: another key may be in use
    bool renewed;         // the command said another key than before
    char *complaint;      // about the key, as logged last; NULL: it is good
};

struct signer_request {
    struct signer *signer;
    signer_done_fn *done;
    void *arg;
    struct deferred answer;
    char *blob; // what the command signs
    size_t blob_size;
    struct child *child; // NULL: the answer is deferred
    char signature[ED25519_SIGNATURE_SIZE];
    bool failed;
};

static bool signer_read_private(struct signer *signer, bool *ret_changed, struct error *ret_error)
{
    struct ed25519_public public;
    struct secret *seed;

    if (!ed25519_key_read(secret_bytes(signer->file.secret), &seed, &public, ret_error))
        return false;
    *ret_changed = !signer->seed || memcmp(&public, &signer->public, sizeof(public)) != 0;
    secret_unref(signer->seed);
    signer->seed = seed;
    signer->public = public;
    return true;
}

static bool signer_read_public(struct signer *signer, bool *ret_changed, struct error *ret_error)
{
    struct ed25519_public public;

    if (!ed25519_public_read(secret_bytes(signer->file.secret), &public, ret_error))
        return false;
    *ret_changed = memcmp(&public, &signer->public, sizeof(public)) != 0;
    signer->public = public;
    return true;
}

static bool signer_read(struct signer *signer, bool is_private, bool *ret_changed, struct error *ret_error)
{
    bool changed;

    if (!secret_file_refresh(&signer->file, &changed, ret_error))
        return false;
    *ret_changed = false;
    if (!changed)
        return true;
    return (is_private ? signer_read_private(signer, ret_changed, ret_error)
                       : signer_read_public(signer, ret_changed, ret_error)) ||
           error_prefix(ret_error, "%s", signer->file.path);
}

// The command's own public key.

static void complain(struct signer *signer, const char *text)
{
    if (signer->complaint && strcmp(signer->complaint, text) == 0)
        return;
    if (!signer->starting)
        log_error("signing", "the old key is kept: %s", text);
    mem_free(signer->complaint);
    signer->complaint = mem_string(text);
}

static void stop_complaining(struct signer *signer)
{
    mem_free(signer->complaint);
    signer->complaint = NULL;
}

static bool take_public(struct signer *signer, struct bytes output, struct error *ret_error)
{
    struct ed25519_public public;

    while (output.size > 0 && strchr("\r\n", output.data[output.size - 1]))
        output.size--;
    if (!ed25519_public_read(output, &public, ret_error))
        return error_prefix(ret_error, "signing.sign_command: what it wrote for an empty stdin");
    signer->renewed |= memcmp(&public, &signer->public, sizeof(public)) != 0;
    signer->public = public;
    return true;
}

static void on_public(void *arg, struct secret *output, const struct error *error)
{
    struct signer *signer = arg;
    struct error problem;

    signer->asking = NULL;
    if (!output)
        error_set(&problem, "signing.sign_command: %s", error->text);
    if (output && take_public(signer, secret_bytes(output), &problem))
        stop_complaining(signer);
    else
        complain(signer, problem.text);
    if (signer->starting)
        loop_stop(signer->loop);
}

static void ask_public(struct signer *signer)
{
    signer->doubted = false;
    signer->asking = child_run(signer->spawner, signer->command, bytes_of("", 0), SIGN_TIMEOUT_MS, on_public, signer);
}

// Before anything is served, so that the loop runs the command alone.
static bool await_public(struct signer *signer, struct error *ret_error)
{
    signer->starting = true;
    ask_public(signer);
    loop_run(signer->loop);
    signer->starting = false;
    signer->renewed = false;
    return !signer->complaint ||
           error_set(ret_error,
                     "%s; it must be the line of its public key, or name a file that holds it as `signing.key`",
                     signer->complaint);
}

struct signer *signer_new(struct loop *loop, struct spawner *spawner, const struct signer_options *options,
                          struct error *ret_error)
{
    struct signer *signer = mem_alloc_zero(1, sizeof(*signer));
    bool changed, usable;

    signer->loop = loop;
    signer->spawner = spawner;
    if (options->key)
        secret_file_init(&signer->file, options->key);
    usable = !options->key || signer_read(signer, !options->command, &changed, ret_error) ||
             error_prefix(ret_error, "signing.key");
    if (usable && options->command)
        usable = spawner_find(spawner, options->command, &signer->command, ret_error) &&
                 (options->key || await_public(signer, ret_error));
    if (usable)
        return signer;
    signer_free(signer);
    return NULL;
}

void signer_free(struct signer *signer)
{
    if (signer->asking)
        child_cancel(signer->asking);
    secret_file_clear(&signer->file);
    secret_unref(signer->seed);
    mem_free(signer->complaint);
    mem_free(signer);
}

static bool refresh_from_command(struct signer *signer)
{
    bool renewed = signer->renewed;

    if (signer->doubted && !signer->asking)
        ask_public(signer);
    signer->renewed = false;
    return renewed;
}

bool signer_refresh(struct signer *signer)
{
    struct error error;
    bool changed = false;

    if (!signer->file.path)
        return refresh_from_command(signer);
    if (signer_read(signer, signer->seed != NULL, &changed, &error))
        stop_complaining(signer);
    else
        complain(signer, error.text);
    return changed;
}

const struct ed25519_public *signer_public(const struct signer *signer)
{
    return &signer->public;
}

static void signer_request_free(struct signer_request *request)
{
    mem_free(request->blob);
    mem_free(request);
}

static void on_own_signature(void *arg)
{
    struct signer_request *request = arg;
    struct error error;

    if (request->failed)
        error_set(&error, "the key cannot sign");
    request->done(request->arg, request->failed ? NULL : request->signature, request->failed ? &error : NULL);
    signer_request_free(request);
}

// Raw, or base64 with a line end.
static bool signer_take_output(struct bytes output, char ret_signature[static ED25519_SIGNATURE_SIZE])
{
    unsigned char decoded[66];
    const char *line_end = "\r\n";

    if (output.size == ED25519_SIGNATURE_SIZE) {
        memcpy(ret_signature, output.data, output.size);
        return true;
    }
    while (output.size > 88 && strchr(line_end, output.data[output.size - 1]))
        output.size--;
    // 64 bytes are 86 letters and two of padding.
    if (output.size != 88 || !bytes_end_with(output, BYTES("==")) ||
        EVP_DecodeBlock(decoded, (const unsigned char *)output.data, 88) != 66) {
        ERR_clear_error();
        return false;
    }
    memcpy(ret_signature, decoded, ED25519_SIGNATURE_SIZE);
    return true;
}

static void on_command_signature(void *arg, struct secret *output, const struct error *error)
{
    struct signer_request *request = arg;
    char signature[ED25519_SIGNATURE_SIZE];
    struct error problem;
    bool valid = output && signer_take_output(secret_bytes(output), signature) &&
                 ed25519_verify(&request->signer->public, bytes_of(request->blob, request->blob_size),
                                bytes_of(signature, sizeof(signature)));

    if (output && !valid)
        request->signer->doubted = true;
    if (!valid)
        error_set(&problem, "signing.sign_command: %s",
                  output ? "its output is no Ed25519 signature by its public key" : error->text);
    request->done(request->arg, valid ? signature : NULL, valid ? NULL : &problem);
    signer_request_free(request);
}

struct signer_request *signer_sign(struct signer *signer, struct bytes blob, signer_done_fn *done, void *arg)
{
    struct signer_request *request = mem_alloc_zero(1, sizeof(*request));

    *request = (struct signer_request){.signer = signer, .done = done, .arg = arg};
    deferred_init(&request->answer, on_own_signature, request);
    if (signer->seed) {
        request->failed = !ed25519_sign(signer->seed, blob, request->signature);
        loop_defer(signer->loop, &request->answer);
        return request;
    }
    request->blob = mem_alloc(blob.size);
    memcpy(request->blob, blob.data, blob.size);
    request->blob_size = blob.size;
    request->child = child_run(signer->spawner, signer->command, blob, SIGN_TIMEOUT_MS, on_command_signature, request);
    return request;
}

void signer_cancel(struct signer_request *request)
{
    deferred_cancel(&request->answer);
    if (request->child)
        child_cancel(request->child);
    signer_request_free(request);
}
