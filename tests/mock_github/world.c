#include "world.h"

#include <err.h>
#include <pthread.h>
#include <sys/stat.h>

#include "mock_text.h"

// An old name that leads to a repository.
struct redirect {
    char *owner;
    char *name;
    struct repository *repository;
    struct redirect *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *state_directory;
static struct account *accounts;
static struct installation *installations;
static struct repository *repositories;
static struct redirect *redirects;
static uint64_t last_account_id = 9000;
static uint64_t last_installation_id = 700000;
static uint64_t last_repository_id = 500000;

void world_lock(void)
{
    pthread_mutex_lock(&lock);
}

void world_unlock(void)
{
    pthread_mutex_unlock(&lock);
}

void world_set_state_directory(const char *directory)
{
    state_directory = mock_text_copy(directory);
}

const char *world_state_directory(void)
{
    return state_directory;
}

struct account *world_add_account(const char *login, bool organization)
{
    struct account *account = mock_text_allocate(sizeof(*account));
    struct account **end = &accounts;

    account->id = ++last_account_id;
    account->login = mock_text_copy(login);
    account->organization = organization;
    while (*end)
        end = &(*end)->next;
    *end = account;
    return account;
}

struct account *world_account(const char *login)
{
    struct account *account = accounts;

    while (account && strcasecmp(account->login, login) != 0)
        account = account->next;
    return account;
}

static void add_redirect(struct repository *repository)
{
    struct redirect *redirect = mock_text_allocate(sizeof(*redirect));

    *redirect = (struct redirect){mock_text_copy(repository->owner->login), mock_text_copy(repository->name),
                                  repository, redirects};
    redirects = redirect;
}

// After a change of its name, or its owner's.
static void move_directory(struct repository *repository)
{
    char *directory = world_directory(repository->owner->login, repository->name);
    char *owner_directory = mock_text_format("%s/repositories/%s", state_directory, repository->owner->login);

    mkdir(owner_directory, 0755);
    if (rename(repository->directory, directory) != 0)
        err(1, "%s", directory);
    free(owner_directory);
    free(repository->directory);
    repository->directory = directory;
}

void world_rename_account(struct account *account, const char *login)
{
    for (struct repository *repository = repositories; repository; repository = repository->next) {
        if (repository->owner == account)
            add_redirect(repository);
    }
    free(account->login);
    account->login = mock_text_copy(login);
    for (struct repository *repository = repositories; repository; repository = repository->next) {
        if (repository->owner == account)
            move_directory(repository);
    }
}

struct installation *world_add_installation(struct account *account, const struct app *app)
{
    struct installation *installation = mock_text_allocate(sizeof(*installation));
    struct installation **end = &installations;

    installation->id = ++last_installation_id;
    installation->app = app;
    installation->account = account;
    installation->all_repositories = true;
    installation->rate_limit = WORLD_RATE_LIMIT;
    installation->permissions =
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "metadata", "read", "contents", "write", "issues", "write",
                  "pull_requests", "write", "workflows", "write", "actions", "read", "checks", "read");
    while (*end)
        end = &(*end)->next;
    *end = installation;
    return installation;
}

struct installation *world_installation(uint64_t id)
{
    struct installation *installation = installations;

    while (installation && installation->id != id)
        installation = installation->next;
    return installation;
}

struct installation *world_installation_of(const struct account *account, const struct app *app)
{
    struct installation *installation = installations;

    while (installation && (installation->account != account || installation->app != app))
        installation = installation->next;
    return installation;
}

struct installation *world_installation_list(void)
{
    return installations;
}

void world_remove_installation(struct installation *installation)
{
    struct installation **at = &installations;

    while (*at != installation)
        at = &(*at)->next;
    *at = installation->next;
    json_decref(installation->permissions);
    free(installation);
}

bool world_covers(const struct installation *installation, const struct repository *repository)
{
    return !repository->deleted && repository->owner == installation->account &&
           (installation->all_repositories || repository->selected);
}

struct repository *world_add_repository(struct account *owner, const char *name, bool private)
{
    struct repository *repository = mock_text_allocate(sizeof(*repository));
    struct repository **end = &repositories;

    repository->id = ++last_repository_id;
    repository->owner = owner;
    repository->name = mock_text_copy(name);
    repository->description = mock_text_format("%s of %s, on the mock GitHub", name, owner->login);
    repository->private = private;
    repository->directory = world_directory(owner->login, name);
    repository->issues = json_array();
    repository->pulls = json_array();
    repository->comments = json_object();
    repository->releases = json_array();
    repository->locks = json_array();
    repository->next_number = 1;
    while (*end)
        end = &(*end)->next;
    *end = repository;
    return repository;
}

struct repository *world_repository(struct bytes owner, struct bytes name, bool *ret_renamed)
{
    *ret_renamed = false;
    for (struct repository *repository = repositories; repository; repository = repository->next) {
        if (!repository->deleted && bytes_equal_nocase(bytes_of_string(repository->owner->login), owner) &&
            bytes_equal_nocase(bytes_of_string(repository->name), name))
            return repository;
    }
    for (const struct redirect *redirect = redirects; redirect; redirect = redirect->next) {
        if (!redirect->repository->deleted && bytes_equal_nocase(bytes_of_string(redirect->owner), owner) &&
            bytes_equal_nocase(bytes_of_string(redirect->name), name)) {
            *ret_renamed = true;
            return redirect->repository;
        }
    }
    return NULL;
}

struct repository *world_repository_by_id(uint64_t id)
{
    struct repository *repository = repositories;

    while (repository && (repository->id != id || repository->deleted))
        repository = repository->next;
    return repository;
}

struct repository *world_repository_list(void)
{
    return repositories;
}

void world_rename_repository(struct repository *repository, const char *name)
{
    add_redirect(repository);
    free(repository->name);
    repository->name = mock_text_copy(name);
    move_directory(repository);
}

char *world_full_name(const struct repository *repository)
{
    return mock_text_format("%s/%s", repository->owner->login, repository->name);
}

char *world_default_branch(const struct repository *repository)
{
    char *path = mock_text_format("%s/HEAD", repository->directory);
    FILE *file = fopen(path, "re");
    char branch[256] = "main";

    if (file) {
        if (fscanf(file, "ref: refs/heads/%255s", branch) != 1)
            snprintf(branch, sizeof(branch), "main");
        fclose(file);
    }
    free(path);
    return mock_text_copy(branch);
}

char *world_directory(const char *owner, const char *name)
{
    return mock_text_format("%s/repositories/%s/%s.git", state_directory, owner, name);
}

int world_level(const char *word)
{
    static const char *const levels[] = {"read", "write", "admin"};

    for (size_t i = 0; word && i < GL_ARRAY_SIZE(levels); i++) {
        if (strcmp(levels[i], word) == 0)
            return (int)i + 1;
    }
    return 0;
}

int world_granted(json_t *permissions, const char *name)
{
    return world_level(json_string_value(json_object_get(permissions, name)));
}
