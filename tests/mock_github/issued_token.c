#include "issued_token.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "mock_setting.h"
#include "mock_text.h"

static struct issued_token *tokens;
static json_t *by_value; // value → id, to find among thousands
static uint64_t last_id;

static void add_random(struct mock_text *text, size_t bytes)
{
    unsigned char raw[512];
    unsigned char encoded[4 * ((sizeof(raw) + 2) / 3) + 1];
    int size;

    RAND_bytes(raw, (int)bytes);
    size = EVP_EncodeBlock(encoded, raw, (int)bytes);
    while (size > 0 && encoded[size - 1] == '=')
        size--;
    for (int i = 0; i < size; i++)
        encoded[i] = encoded[i] == '+' ? '-' : encoded[i] == '/' ? '_' : encoded[i];
    mock_text_add(text, encoded, (size_t)size);
}

static void add_alphanumeric(struct mock_text *text, size_t count)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    unsigned char raw[64];

    RAND_bytes(raw, (int)count);
    for (size_t i = 0; i < count; i++)
        mock_text_add(text, &alphabet[raw[i] % (sizeof(alphabet) - 1)], 1);
}

// ghs_APPID_header.payload.signature, about 520 characters, always with "-" and "_" (GitHub documentation, "About authentication to
// GitHub": since April 2026).
static char *make_value(const struct app *app)
{
    struct mock_text text = {0};
    unsigned char length;

    RAND_bytes(&length, 1);
    if (mock_setting_get(SETTING_OLD_TOKEN_FORMAT)) {
        mock_text_add_string(&text, "ghs_");
        add_alphanumeric(&text, 36);
        return text.data;
    }
    mock_text_printf(&text, "ghs_%llu_", (unsigned long long)app->id);
    add_random(&text, 27);
    mock_text_add_string(&text, ".-_");
    add_random(&text, 80 + length % 40u);
    mock_text_add_string(&text, ".");
    add_random(&text, 256);
    return text.data;
}

static struct issued_token *add(char *value, const char *web)
{
    struct issued_token *token = mock_text_allocate(sizeof(*token));

    token->id = ++last_id;
    token->value = value;
    token->web = web;
    token->minted_at = mock_setting_now();
    token->next = tokens;
    tokens = token;
    if (!by_value)
        by_value = json_object();
    json_object_set_new(by_value, value, json_integer((json_int_t)(intptr_t)token));
    return token;
}

struct issued_token *issued_token_mint(const struct installation *installation, const char *web, json_t *permissions,
                                       uint64_t *repository_ids, size_t repository_count, bool all_repositories)
{
    struct issued_token *token = add(make_value(installation->app), web);

    token->installation_id = installation->id;
    token->permissions = permissions;
    token->repository_ids = repository_ids;
    token->repository_count = repository_count;
    token->all_repositories = all_repositories;
    token->expires_at = token->minted_at + mock_setting_get(SETTING_TOKEN_LIFETIME);
    token->usable_from_ms = mock_setting_monotonic_ms() + mock_setting_get(SETTING_REPLICATION_LAG);
    return token;
}

struct issued_token *issued_token_for_user(struct account *user, const char *web)
{
    struct mock_text value = {0};
    struct issued_token *token;

    mock_text_add_string(&value, "ghp_");
    add_alphanumeric(&value, 36);
    token = add(value.data, web);
    token->user = user;
    token->permissions = json_object();
    token->expires_at = INT64_MAX;
    return token;
}

struct issued_token *issued_token_find(struct bytes value)
{
    char *key = mock_text_copy_bytes(value);
    json_t *found = by_value ? json_object_get(by_value, key) : NULL;

    free(key);
    return found ? (struct issued_token *)(intptr_t)json_integer_value(found) : NULL;
}

struct issued_token *issued_token_list(void)
{
    return tokens;
}

bool issued_token_expired(const struct issued_token *token)
{
    return token->revoked || mock_setting_now() >= token->expires_at;
}

bool issued_token_is_lagging(const struct issued_token *token)
{
    return mock_setting_monotonic_ms() < token->usable_from_ms;
}

bool issued_token_names(const struct issued_token *token, uint64_t repository_id)
{
    if (token->all_repositories)
        return true;
    for (size_t i = 0; i < token->repository_count; i++) {
        if (token->repository_ids[i] == repository_id)
            return true;
    }
    return false;
}

json_t *issued_token_describe(const struct issued_token *token)
{
    json_t *json = json_object();
    json_t *ids = json_array();
    char when[32];

    for (size_t i = 0; i < token->repository_count; i++)
        json_array_append_new(ids, json_integer((json_int_t)token->repository_ids[i]));
    json_object_set_new(json, "id", json_integer((json_int_t)token->id));
    json_object_set_new(json, "host", json_string(token->web));
    json_object_set_new(json, "user", token->user ? json_string(token->user->login) : json_null());
    json_object_set_new(json, "installation", json_integer((json_int_t)token->installation_id));
    json_object_set_new(json, "all_repositories", json_boolean(token->all_repositories));
    json_object_set_new(json, "repository_ids", ids);
    json_object_set(json, "permissions", token->permissions);
    mock_setting_format_time(token->minted_at, when, sizeof(when));
    json_object_set_new(json, "minted_at", json_string(when));
    mock_setting_format_time(token->user ? 0 : token->expires_at, when, sizeof(when));
    json_object_set_new(json, "expires_at", token->user ? json_null() : json_string(when));
    json_object_set_new(json, "revoked", json_boolean(token->revoked));
    return json;
}
