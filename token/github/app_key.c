#include "app_key.h"

#include <string.h>

#include "jwt_sign.h"
#include "child.h"
#include "flight.h"
#include "log.h"
#include "loop.h"
#include "mem.h"
#include "secret.h"
#include "secret_file.h"
#include "spawner.h"

// A JWT lives nine minutes: one of seven arrives with two left.
#define JWT_REUSE_MS (7 * MINUTE_MS)
// A key in a cloud's KMS signs in well under a second; below limits.token.
#define SIGN_TIMEOUT_MS (15 * SECOND_MS)

struct app_key_request {
    struct flight_waiter waiter; // first
    struct app_key *key;
    app_key_done_fn *done;
    void *arg;
    struct secret *jwt; // NULL: it waits, or failed
    struct source_failure failure;
};

struct app_key {
    struct loop *loop;
    char *issuer;

    struct secret_file file; // path NULL: a command signs
    struct secret *pem;      // the last usable key
    char *complaint;         // about the file, as logged last; NULL: it is good
    struct spawner *spawner;
    size_t command;
    struct child *signing; // NULL: none runs
    char *signing_input;

    int64_t ahead_ms; // of GitHub's clock before ours
    struct secret *jwt;
    struct mono jwt_at;
    struct flight flight; // for the command's signature
};

static bool read_key(struct app_key *key, struct error *ret_error)
{
    bool changed;

    if (!secret_file_refresh(&key->file, &changed, ret_error))
        return false;
    if (!changed)
        return true;
    if (!jwt_sign_key_check(secret_bytes(key->file.secret), ret_error))
        return error_prefix(ret_error, "%s", key->file.path);
    secret_unref(key->pem);
    key->pem = secret_ref(key->file.secret);
    secret_unref(key->jwt);
    key->jwt = NULL;
    return true;
}

struct app_key *app_key_new(struct loop *loop, struct spawner *spawner, const struct credential_options *options,
                            struct error *ret_error)
{
    struct app_key *key = mem_alloc_zero(1, sizeof(*key));

    key->loop = loop;
    key->spawner = spawner;
    key->issuer = mem_string(options->app_id);
    flight_init(&key->flight);
    bool usable;
    if (options->sign_command) {
        usable = spawner_find(spawner, options->sign_command, &key->command, ret_error);
    } else {
        secret_file_init(&key->file, options->private_key);
        usable = read_key(key, ret_error) || error_prefix(ret_error, "private_key");
    }
    if (usable)
        return key;
    app_key_free(key);
    return NULL;
}

void app_key_free(struct app_key *key)
{
    if (key->signing)
        child_cancel(key->signing);
    mem_free(key->signing_input);
    secret_file_clear(&key->file);
    secret_unref(key->pem);
    secret_unref(key->jwt);
    mem_free(key->complaint);
    mem_free(key->issuer);
    mem_free(key);
}

void app_key_refresh(struct app_key *key, char ret_version[static SOURCE_VERSION_SIZE])
{
    struct error error;

    if (!key->file.path || read_key(key, &error)) {
        mem_free(key->complaint);
        key->complaint = NULL;
    } else if (!key->complaint || strcmp(key->complaint, error.text) != 0) {
        log_error("token", "App %s keeps its old key: %s", key->issuer, error.text);
        mem_free(key->complaint);
        key->complaint = mem_string(error.text);
    }
    if (key->pem)
        secret_fingerprint(key->pem, ret_version);
}

struct wall app_key_now(const struct app_key *key)
{
    return (struct wall){clock_wall(loop_clock(key->loop)).ms + key->ahead_ms};
}

void app_key_set_clock(struct app_key *key, struct wall github)
{
    key->ahead_ms = github.ms - clock_wall(loop_clock(key->loop)).ms;
    log_warn("token", "this machine's clock is %+lld s off GitHub's; the App's JWT goes by GitHub's",
             (long long)(-key->ahead_ms / SECOND_MS));
    secret_unref(key->jwt);
    key->jwt = NULL;
}

static void jwt_deliver(void *arg)
{
    struct app_key_request *request = arg;

    request->done(request->arg, request->jwt, request->jwt ? NULL : &request->failure);
    secret_unref(request->jwt);
    mem_free(request);
}

static void jwt_settle(struct app_key_request *request, const struct source_failure *failure)
{
    if (failure)
        request->failure = *failure;
    else
        request->jwt = secret_ref(request->key->jwt);
    flight_settle(request->key->loop, &request->waiter);
}

// Takes the new JWT.
static void keep(struct app_key *key, struct secret *jwt)
{
    secret_unref(key->jwt);
    key->jwt = jwt;
    key->jwt_at = loop_now(key->loop);
}

static void on_signature(void *arg, struct secret *output, const struct error *error)
{
    struct app_key *key = arg;
    struct flight_waiter *waiter;
    struct source_failure failure;
    struct error unusable;
    struct secret *jwt = NULL;

    key->signing = NULL;
    if (output)
        jwt = jwt_sign_assemble(key->signing_input, secret_bytes(output), &unusable);
    mem_free(key->signing_input);
    key->signing_input = NULL;
    if (jwt)
        keep(key, jwt);
    else
        source_failure_set(&failure, false, REASON_APP_KEY, "sign_command of App %s: %s", key->issuer,
                           output ? unusable.text : error->text);
    while ((waiter = flight_take(&key->flight)))
        jwt_settle((struct app_key_request *)waiter, jwt ? NULL : &failure);
}

static void sign_by_command(struct app_key *key, struct app_key_request *request)
{
    flight_join(&key->flight, &request->waiter);
    if (key->signing)
        return;
    key->signing_input = jwt_sign_input(key->issuer, app_key_now(key));
    key->signing =
        child_run(key->spawner, key->command, bytes_of_string(key->signing_input), SIGN_TIMEOUT_MS, on_signature, key);
}

static void sign(struct app_key *key, struct app_key_request *request)
{
    struct source_failure failure;
    struct error error;
    struct secret *jwt = jwt_sign(secret_bytes(key->pem), key->issuer, app_key_now(key), &error);

    if (jwt) {
        keep(key, jwt);
        jwt_settle(request, NULL);
    } else {
        source_failure_set(&failure, true, REASON_APP_KEY, "App %s: %s", key->issuer, error.text);
        jwt_settle(request, &failure);
    }
}

struct app_key_request *app_key_jwt(struct app_key *key, app_key_done_fn *done, void *arg)
{
    struct app_key_request *request = mem_alloc_zero(1, sizeof(*request));

    *request = (struct app_key_request){.key = key, .done = done, .arg = arg};
    flight_waiter_init(&request->waiter, jwt_deliver, request);
    if (key->jwt && loop_now(key->loop).ms - key->jwt_at.ms < JWT_REUSE_MS)
        jwt_settle(request, NULL);
    else if (key->pem)
        sign(key, request);
    else
        sign_by_command(key, request);
    return request;
}

void app_key_cancel(struct app_key_request *request)
{
    flight_leave(&request->waiter);
    secret_unref(request->jwt);
    mem_free(request);
}
