// LFS locks (git-lfs, docs/api/locking.md).
#include "lfs_service.h"

#include "mock_setting.h"

static void give(struct lfs_exchange *exchange, int status, json_t *answer)
{
    exchange->status = status;
    exchange->answer = answer;
}

// A lock without the ref it was made for, which the API does not show.
static json_t *shown(json_t *lock)
{
    json_t *copy = json_deep_copy(lock);

    json_object_del(copy, "ref");
    return copy;
}

static const char *owner_of(json_t *lock)
{
    return json_string_value(json_object_get(json_object_get(lock, "owner"), "name"));
}

static bool fits(json_t *lock, const char *key, const char *wanted)
{
    const char *value = json_string_value(json_object_get(lock, key));

    return !wanted || (value && strcmp(value, wanted) == 0);
}

static json_t *find(const struct lfs_exchange *exchange, const char *key, const char *value, size_t *ret_index)
{
    size_t i;
    json_t *lock;

    json_array_foreach(exchange->repository->locks, i, lock) {
        if (value && fits(lock, key, value)) {
            *ret_index = i;
            return lock;
        }
    }
    return NULL;
}

void lfs_lock_list(struct lfs_exchange *exchange)
{
    char *path = call_query(exchange->call, "path");
    char *id = call_query(exchange->call, "id");
    json_t *locks = json_array();
    size_t i;
    json_t *lock;

    json_array_foreach(exchange->repository->locks, i, lock) {
        if (fits(lock, "path", path) && fits(lock, "id", id))
            json_array_append_new(locks, shown(lock));
    }
    give(exchange, 200, json_pack("{s:o}", "locks", locks));
    free(id);
    free(path);
}

void lfs_lock_create(struct lfs_exchange *exchange)
{
    static uint64_t last_id = 100;
    const char *path = json_string_value(json_object_get(exchange->body, "path"));
    json_t *ref = json_object_get(exchange->body, "ref");
    char when[32];
    size_t index;
    json_t *lock = find(exchange, "path", path, &index);

    if (!path) {
        give(exchange, 422, json_pack("{s:s}", "message", "path is missing"));
        return;
    }
    if (lock) {
        give(exchange, 409, json_pack("{s:o,s:s}", "lock", shown(lock), "message", "already created lock"));
        return;
    }
    mock_setting_format_time(mock_setting_now(), when, sizeof(when));
    lock = json_pack("{s:o,s:s,s:s,s:{s:s}}", "id", json_sprintf("%llu", (unsigned long long)++last_id), "path", path,
                     "locked_at", when, "owner", "name", exchange->actor);
    json_object_set(lock, "ref", ref ? ref : json_null());
    json_array_append_new(exchange->repository->locks, lock);
    give(exchange, 201, json_pack("{s:o}", "lock", shown(lock)));
}

void lfs_lock_verify(struct lfs_exchange *exchange)
{
    json_t *ours = json_array();
    json_t *theirs = json_array();
    size_t i;
    json_t *lock;

    json_array_foreach(exchange->repository->locks, i, lock)
        json_array_append_new(strcmp(owner_of(lock), exchange->actor) == 0 ? ours : theirs, shown(lock));
    give(exchange, 200, json_pack("{s:o,s:o}", "ours", ours, "theirs", theirs));
}

void lfs_lock_remove(struct lfs_exchange *exchange)
{
    bool force = json_is_true(json_object_get(exchange->body, "force"));
    size_t index;
    json_t *lock = find(exchange, "id", exchange->call->segments[5], &index);

    if (!lock) {
        give(exchange, 404, json_pack("{s:s}", "message", "Lock not found"));
    } else if (strcmp(owner_of(lock), exchange->actor) != 0 && !force) {
        give(exchange, 403, json_pack("{s:s}", "message", "You must have force to delete someone else's lock"));
    } else {
        give(exchange, 200, json_pack("{s:o}", "lock", shown(lock)));
        json_array_remove(exchange->repository->locks, index);
    }
}
