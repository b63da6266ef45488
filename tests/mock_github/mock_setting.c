#include "mock_setting.h"

#include <stdatomic.h>
#include <time.h>

static const struct {
    const char *key;
} rows[] = {
#define SETTING_ROW(name, key, value, meaning) {key},
    SETTING_LIST(SETTING_ROW)
#undef SETTING_ROW
};

static _Atomic int64_t values[] = {
#define SETTING_VALUE(name, key, value, meaning) value,
    SETTING_LIST(SETTING_VALUE)
#undef SETTING_VALUE
};

int64_t mock_setting_get(enum mock_setting setting)
{
    return atomic_load_explicit(&values[setting], memory_order_relaxed);
}

json_t *mock_setting_all(void)
{
    json_t *all = json_object();

    for (int i = 0; i < SETTING_COUNT; i++)
        json_object_set_new(all, rows[i].key, json_integer(mock_setting_get((enum mock_setting)i)));
    return all;
}

static bool find(const char *key, enum mock_setting *ret_setting)
{
    for (int i = 0; i < SETTING_COUNT; i++) {
        if (strcmp(rows[i].key, key) == 0) {
            *ret_setting = (enum mock_setting)i;
            return true;
        }
    }
    return false;
}

bool mock_setting_update(json_t *changes, const char **ret_key)
{
    const char *key;
    json_t *value;
    enum mock_setting setting;

    json_object_foreach(changes, key, value) {
        if (!find(key, &setting) || !(json_is_integer(value) || json_is_boolean(value))) {
            *ret_key = key;
            return false;
        }
        atomic_store_explicit(&values[setting],
                              json_is_boolean(value) ? json_is_true(value) : json_integer_value(value),
                              memory_order_relaxed);
    }
    return true;
}

int64_t mock_setting_now(void)
{
    return (int64_t)time(NULL) + mock_setting_get(SETTING_CLOCK_OFFSET);
}

int64_t mock_setting_monotonic_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void mock_setting_format_time(int64_t seconds, char *buffer, size_t size)
{
    time_t when = (time_t)seconds;
    struct tm parts;

    gmtime_r(&when, &parts);
    strftime(buffer, size, "%Y-%m-%dT%H:%M:%SZ", &parts);
}
