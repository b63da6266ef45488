#include "principal.h"

#include <openssl/evp.h>

#include "app_jwt.h"
#include "mock_setting.h"

static struct principal bad(int status, const char *problem)
{
    return (struct principal){.kind = PRINCIPAL_BAD, .status = status, .problem = problem};
}

static struct principal of_installation(struct issued_token *token)
{
    struct principal principal = {.kind = PRINCIPAL_INSTALLATION, .token = token};

    principal.installation = world_installation(token->installation_id);
    if (!principal.installation)
        return bad(401, "Bad credentials");
    principal.app = principal.installation->app;
    if (principal.installation->suspended)
        return bad(403, "This installation has been suspended");
    if (principal.installation->account->ip_allow_list)
        return bad(403, PRINCIPAL_IP_PROBLEM);
    return principal;
}

static struct principal of_token(const struct call *call, struct bytes value)
{
    struct issued_token *token = issued_token_find(value);

    if (!token || issued_token_expired(token) || strcmp(token->web, call->host->web) != 0)
        return bad(401, "Bad credentials");
    if (issued_token_is_lagging(token)) {
        if (mock_setting_get(SETTING_REPLICATION_STATUS) == 403)
            return bad(403, "Resource not accessible by integration");
        return bad(401, "Bad credentials");
    }
    if (token->user)
        return (struct principal){.kind = PRINCIPAL_USER, .token = token};
    return of_installation(token);
}

// The password of Basic credentials, owned by the caller; NULL where they are malformed.
static char *basic_password(const char *encoded)
{
    size_t size = strlen(encoded);
    unsigned char *decoded = mock_text_allocate(size + 4);
    char *colon = NULL;
    char *password;

    if (size > 0 && size % 4 == 0 && EVP_DecodeBlock(decoded, (const unsigned char *)encoded, (int)size) >= 0)
        colon = strchr((char *)decoded, ':');
    password = colon ? mock_text_copy(colon + 1) : NULL;
    free(decoded);
    return password;
}

static struct principal of_basic(struct call *call, const char *encoded)
{
    char *password = basic_password(encoded);
    struct principal principal = bad(401, "Bad credentials");

    if (password) {
        principal = of_token(call, bytes_of_string(password));
    }
    free(password);
    return principal;
}

struct principal principal_of_git(struct call *call)
{
    const char *authorization = call_header(call, "Authorization");

    if (!authorization)
        return (struct principal){.kind = PRINCIPAL_NOBODY};
    if (strncasecmp(authorization, "Basic ", 6) == 0)
        return of_basic(call, authorization + 6);
    return bad(401, "Bad credentials");
}

static bool looks_like_jwt(const char *value)
{
    const char *dot = strchr(value, '.');

    return strncmp(value, "ey", 2) == 0 && dot && strchr(dot + 1, '.');
}

static struct principal of_bearer(struct call *call, const char *value)
{
    const struct app *app;
    int status;
    const char *problem;

    if (!looks_like_jwt(value))
        return of_token(call, bytes_of_string(value));
    app = app_jwt_verify(value, &status, &problem);
    return app ? (struct principal){.kind = PRINCIPAL_APP, .app = app} : bad(status, problem);
}

struct principal principal_of_api(struct call *call)
{
    const char *authorization = call_header(call, "Authorization");

    if (!authorization)
        return (struct principal){.kind = PRINCIPAL_NOBODY};
    if (strncasecmp(authorization, "Basic ", 6) == 0)
        return of_basic(call, authorization + 6);
    if (strncasecmp(authorization, "Bearer ", 7) == 0)
        return of_bearer(call, authorization + 7);
    if (strncasecmp(authorization, "token ", 6) == 0)
        return of_bearer(call, authorization + 6);
    return bad(401, "Bad credentials");
}

char *principal_login(const struct principal *principal)
{
    if (!principal->token)
        return mock_text_copy("anonymous");
    return principal->token->user ? mock_text_copy(principal->token->user->login) : app_login(principal->app);
}

bool principal_reaches(const struct principal *principal, const struct repository *repository)
{
    return principal->kind == PRINCIPAL_INSTALLATION && world_covers(principal->installation, repository) &&
           issued_token_names(principal->token, repository->id);
}

// Octocat is at home everywhere but with mallory, and mallory at home alone.
static bool is_member(const struct account *user, const struct repository *repository)
{
    return repository->owner == user ||
           (strcmp(user->login, "octocat") == 0 && strcmp(repository->owner->login, "mallory") != 0);
}

enum access principal_access(const struct principal *principal, const struct repository *repository,
                             const char *permission, int level)
{
    if (principal_reaches(principal, repository)) {
        if (world_granted(principal->token->permissions, permission) >= level)
            return ACCESS_YES;
        return !repository->private && level == 1 ? ACCESS_YES : ACCESS_NOT_GRANTED;
    }
    if (principal->kind == PRINCIPAL_USER && is_member(principal->token->user, repository))
        return ACCESS_YES;
    if (!repository->private)
        return level == 1 ? ACCESS_YES : ACCESS_NOT_GRANTED;
    return ACCESS_HIDDEN;
}

static void note(struct call *call, const char *kind, const char *value)
{
    struct issued_token *token = value ? issued_token_find(bytes_of_string(value)) : NULL;
    json_t *scope = token ? issued_token_describe(token) : NULL;
    char *text = scope ? json_dumps(scope, JSON_COMPACT) : NULL;

    record_auth(call->record, kind, token ? token->id : 0, text);
    json_decref(scope);
    free(text);
}

void principal_note(struct call *call)
{
    const char *authorization = call_header(call, "Authorization");
    const char *value = authorization ? strchr(authorization, ' ') : NULL;
    char *password = NULL;

    if (!authorization)
        return;
    world_lock();
    if (value && strncasecmp(authorization, "Basic ", 6) == 0) {
        password = basic_password(value + 1);
        note(call, "basic", password);
    } else if (value &&
               (strncasecmp(authorization, "Bearer ", 7) == 0 || strncasecmp(authorization, "token ", 6) == 0)) {
        note(call, looks_like_jwt(value + 1) ? "jwt" : "bearer", value + 1);
    } else {
        note(call, "other", NULL);
    }
    world_unlock();
    free(password);
}
