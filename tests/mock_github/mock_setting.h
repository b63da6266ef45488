// Numbers that a test may change while the mock runs (control API, /settings), and the clock that hangs on
// them.
#ifndef GITLATCH_MOCK_SETTING_H
#define GITLATCH_MOCK_SETTING_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include <gitlatch/attr.h>

// clang-format off
// SETTING(NAME, name in JSON, default, what it means)
#define SETTING_LIST(SETTING)                                                                                \
    SETTING(CLOCK_OFFSET, "clock_offset", 0, "seconds by which GitHub's clock is ahead")                     \
    SETTING(OLD_TOKEN_FORMAT, "old_token_format", 0, "1: ghs_ and 36 characters")                            \
    SETTING(TOKEN_LIFETIME, "token_lifetime", 3600, "seconds a minted token lives")                          \
    SETTING(REPLICATION_LAG, "replication_lag_ms", 0, "ms for which a fresh token is refused")               \
    SETTING(REPLICATION_STATUS, "replication_status", 401, "401 or 403, meanwhile")                          \
    SETTING(MAX_PACK, "max_pack", 2147483648, "bytes of the largest push that is taken")                     \
    SETTING(MAX_OBJECT, "max_object", 104857600, "bytes of the largest object in a push that is taken")      \
    SETTING(IDLE_TIMEOUT, "idle_timeout", 300, "seconds without a byte until a connection is closed")        \
    SETTING(LOCKS, "locks", 1, "0: LFS locks are not served (404)")

enum mock_setting {
#define SETTING_ENUM(name, key, value, meaning) SETTING_##name,
    SETTING_LIST(SETTING_ENUM)
#undef SETTING_ENUM
    SETTING_COUNT,
};
// clang-format on

int64_t mock_setting_get(enum mock_setting setting);
// All of them, as an object the caller owns.
json_t *mock_setting_all(void);
// Takes the numbers (or booleans) of an object. False and the key, where one is unknown or has a wrong type.
bool mock_setting_update(json_t *changes, const char **ret_key) GL_MUST_CHECK;

// GitHub's clock: seconds since the epoch, the offset included.
int64_t mock_setting_now(void);
// Milliseconds of a clock that only goes on.
int64_t mock_setting_monotonic_ms(void);
// RFC 3339 in UTC, as the API writes times; at least 21 bytes.
void mock_setting_format_time(int64_t seconds, char *buffer, size_t size);

#endif
