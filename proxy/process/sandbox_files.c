#include "sandbox_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

// landlock(7). The kernel's header may be older than the kernel, so what is newer than its first version is named here.
#define LANDLOCK_CREATE_RULESET_VERSION 1U
#define LANDLOCK_RULE_PATH_BENEATH      1

enum {
    ACCESS_EXECUTE = 1 << 0,
    ACCESS_WRITE_FILE = 1 << 1,
    ACCESS_REMOVE_FILE = 1 << 5,
    ACCESS_MAKE_CHAR = 1 << 6,
    ACCESS_MAKE_DIR = 1 << 7,
    ACCESS_MAKE_REG = 1 << 8,
    ACCESS_MAKE_SOCK = 1 << 9,
    ACCESS_MAKE_FIFO = 1 << 10,
    ACCESS_MAKE_BLOCK = 1 << 11,
    ACCESS_MAKE_SYM = 1 << 12,
    ACCESS_TRUNCATE = 1 << 14, // from version 3 on
};

#define NET_BIND_TCP 1 // from version 4 on

// What the directories allow, and what nothing allows.
#define WRITES (ACCESS_WRITE_FILE | ACCESS_REMOVE_FILE | ACCESS_MAKE_REG | ACCESS_MAKE_SOCK | ACCESS_MAKE_DIR)
#define NEVER  (ACCESS_EXECUTE | ACCESS_MAKE_CHAR | ACCESS_MAKE_FIFO | ACCESS_MAKE_BLOCK | ACCESS_MAKE_SYM)

struct ruleset_attributes {
    uint64_t handled_access_fs;
    uint64_t handled_access_net; // from version 4 on
};

struct path_beneath {
    uint64_t allowed_access;
    int32_t parent;
} __attribute__((packed));

static int new_ruleset(int version)
{
    struct ruleset_attributes attributes = {
        .handled_access_fs = WRITES | NEVER | (version >= 3 ? ACCESS_TRUNCATE : 0),
        .handled_access_net = NET_BIND_TCP,
    };
    size_t size = version >= 4 ? sizeof(attributes) : sizeof(attributes.handled_access_fs);

    return (int)syscall(SYS_landlock_create_ruleset, &attributes, size, 0);
}

// What is not there cannot be written either.
static bool allow(int ruleset, const char *path, uint64_t access)
{
    struct path_beneath rule = {.allowed_access = access, .parent = open(path, O_PATH | O_CLOEXEC)};
    bool added;

    if (rule.parent < 0)
        return true;
    added = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
    close(rule.parent);
    return added;
}

static bool allow_all(int ruleset, int version, const char *const *writable, size_t count)
{
    uint64_t truncate = version >= 3 ? ACCESS_TRUNCATE : 0;
    bool ok = allow(ruleset, "/dev/null", ACCESS_WRITE_FILE | truncate);

    for (size_t i = 0; i < count && ok; i++)
        ok = !writable[i] || allow(ruleset, writable[i], WRITES | truncate);
    return ok;
}

bool sandbox_files_enter(const char *const *writable, size_t count, struct error *ret_error)
{
    int version, ruleset;
    bool ok;

    if (GL_SANITIZED)
        return true;
    version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    ruleset = version > 0 ? new_ruleset(version) : -1;
    ok = ruleset >= 0 && allow_all(ruleset, version, writable, count) &&
         syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    if (!ok)
        error_set(ret_error, "the kernel takes no Landlock rules: %s", strerrordesc_np(errno));
    if (ruleset >= 0)
        close(ruleset);
    return ok;
}
