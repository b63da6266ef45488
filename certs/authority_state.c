#include "authority_state.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"
#include "own_directory.h"
#include "secret.h"
#include "staged_file.h"

#define CERTIFICATE_NAME "ca.pem"
#define KEY_NAME         "ca.key"
#define LOCK_NAME        "lock"

// A P-256 key in PEM has 241 bytes, the certificate some 900 and 20 a host.
#define FILE_SIZE_MAX (64 * KIB)
// Between two looks at a lock that another process holds.
#define LOCK_PAUSE_MS 5

struct authority_state {
    char *path;
    int directory;
};

struct authority_state *authority_state_open(const char *directory, struct error *ret_error)
{
    struct authority_state *state;
    char *path;
    int descriptor;

    if (!own_directory_open(directory, 0700, &path, &descriptor, ret_error))
        return NULL;
    state = mem_alloc(sizeof(*state));
    *state = (struct authority_state){path, descriptor};
    staged_file_sweep(descriptor);
    return state;
}

void authority_state_close(struct authority_state *state)
{
    if (!state)
        return;
    close(state->directory);
    mem_free(state->path);
    mem_free(state);
}

const char *authority_state_directory(const struct authority_state *state)
{
    return state->path;
}

// The lock goes with the descriptor that is returned; -1: it was not had.
static int take_lock(const struct authority_state *state, int64_t wait_ms, struct error *ret_error)
{
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000L};
    int lock = openat(state->directory, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    while (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EWOULDBLOCK && wait_ms > 0) {
            nanosleep(&pause, NULL);
            wait_ms -= LOCK_PAUSE_MS;
            continue;
        }
        error_set(ret_error, "%s/" LOCK_NAME ": %s", state->path,
                  errno == EWOULDBLOCK ? "another process holds it" : strerror(errno));
        close(lock);
        return -1;
    }
    if (lock < 0)
        error_set(ret_error, "%s/" LOCK_NAME ": %s", state->path, strerror(errno));
    return lock;
}

// The whole of a file, which others may not read from now on. NULL with errno; ENOENT: it is not there.
static struct secret *authority_state_read_file(const struct authority_state *state, const char *name)
{
    int descriptor = openat(state->directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;
    struct secret *content = NULL;
    char *data;

    if (descriptor < 0)
        return NULL;
    errno = EINVAL;
    if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= (off_t)FILE_SIZE_MAX &&
        fchmod(descriptor, 0600) == 0) {
        content = secret_new_sized((size_t)status.st_size, &data);
        if (read(descriptor, data, (size_t)status.st_size) != status.st_size) {
            secret_unref(content);
            content = NULL;
        }
    }
    close(descriptor);
    return content;
}

// What is kept. NULL: nothing that can be used; `*ret_damage` says why, and is empty where nothing is kept.
static struct authority *authority_state_read_pair(const struct authority_state *state, struct error *ret_damage)
{
    struct secret *certificate = authority_state_read_file(state, CERTIFICATE_NAME);
    struct secret *key = NULL;
    struct authority *authority = NULL;

    ret_damage->text[0] = '\0';
    if (!certificate && errno == ENOENT)
        return NULL;
    if (certificate)
        key = authority_state_read_file(state, KEY_NAME);
    if (certificate && key)
        authority = authority_parse(secret_bytes(certificate), secret_bytes(key), ret_damage);
    else
        error_set(ret_damage, "%s: %s", certificate ? KEY_NAME : CERTIFICATE_NAME, strerror(errno));
    secret_unref(certificate);
    secret_unref(key);
    return authority;
}

static bool write_certificate(const struct authority_state *state, const struct authority *authority,
                              struct error *ret_error)
{
    struct staged_file certificate = {0};
    bool done = staged_file_write(&certificate, state->directory, CERTIFICATE_NAME, 0600, STAGED_FILE_KEPT,
                                  authority_pem(authority), ret_error) &&
                staged_file_commit(&certificate, ret_error) && staged_file_flush(state->directory, ret_error);

    staged_file_discard(&certificate);
    return done;
}

// The old certificate goes before the new key comes: the two files are never of two CAs.
static bool write_pair(const struct authority_state *state, const struct authority *authority, struct error *ret_error)
{
    struct secret *pem = authority_key_pem(authority);
    struct staged_file key = {0};
    bool done = false;

    if (!pem) {
        error_set(ret_error, KEY_NAME ": cannot be encoded");
        goto cleanup;
    }
    if (!staged_file_write(&key, state->directory, KEY_NAME, 0600, STAGED_FILE_KEPT, secret_bytes(pem), ret_error))
        goto cleanup;
    if (unlinkat(state->directory, CERTIFICATE_NAME, 0) < 0 && errno != ENOENT) {
        error_set(ret_error, CERTIFICATE_NAME ": %s", strerror(errno));
        goto cleanup;
    }
    done = staged_file_commit(&key, ret_error) && write_certificate(state, authority, ret_error);
cleanup:
    staged_file_discard(&key);
    secret_unref(pem);
    return done;
}

static struct authority *renew(const struct authority_state *state, const struct authority *old, struct wall now,
                               struct error *ret_error)
{
    struct authority *fresh = authority_renew(old, now, ret_error);

    if (fresh && !write_certificate(state, fresh, ret_error)) {
        authority_free(fresh);
        return NULL;
    }
    return fresh;
}

static struct authority *replace(const struct authority_state *state, const struct name_list *hosts, struct wall now,
                                 struct error *ret_error)
{
    struct authority *fresh = authority_new(hosts, now, ret_error);

    if (fresh && !write_pair(state, fresh, ret_error)) {
        authority_free(fresh);
        return NULL;
    }
    return fresh;
}

static struct authority *load_locked(const struct authority_state *state, const struct name_list *hosts,
                                     struct wall now, struct error *ret_error)
{
    struct error damage;
    struct authority *kept = authority_state_read_pair(state, &damage);
    struct authority *fresh;

    if (kept && authority_fits(kept, hosts)) {
        if (!authority_due(kept, now))
            return kept;
        fresh = renew(state, kept, now, ret_error);
    } else {
        if (kept)
            error_set(&damage, "it is not for the hosts that are configured");
        if (damage.text[0])
            log_warn("certs", "the CA in %s is replaced: %s; tools that run must be started anew to trust the new one",
                     state->path, damage.text);
        fresh = replace(state, hosts, now, ret_error);
    }
    authority_free(kept);
    return fresh;
}

struct authority *authority_state_load(struct authority_state *state, const struct name_list *hosts, struct wall now,
                                       int64_t wait_ms, struct error *ret_error)
{
    int lock = take_lock(state, wait_ms, ret_error);
    struct authority *authority;

    if (lock < 0)
        return NULL;
    authority = load_locked(state, hosts, now, ret_error);
    if (!authority)
        error_prefix(ret_error, "%s", state->path);
    close(lock);
    return authority;
}
