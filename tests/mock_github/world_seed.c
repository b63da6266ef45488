#include "world_seed.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "git_command.h"
#include "mock_text.h"
#include "world.h"

// Marks a public repository; git itself reads the file of this name as "may be served to anyone".
#define PUBLIC_MARK "git-daemon-export-ok"

static const struct {
    const char *owner;
    const char *name;
    bool private;
    bool selected;
} seeds[] = {
    {"acme", "widgets", true, true},     {"acme", "gadgets", true, true},    {"acme", "public", false, true},
    {"acme", "new-name", true, true},    {"acme", "uncovered", true, false}, {"globex", "lib", true, true},
    {"umbrella", "vault", true, true},   {"hooli", "search", true, true},    {"initech", "tps", true, true},
    {"octocat", "dotfiles", true, true}, {"mallory", "exfil", true, true},
};

// Two commits on main, a branch and a tag, told to git fast-import.
#define FIRST_DAY  "The Octocat <octocat@github.com> 1700000000 +0000\n"
#define SECOND_DAY "The Octocat <octocat@github.com> 1700086400 +0000\n"

static const char example_history[] =
    "blob\nmark :1\ndata <<END\n"
    "# Example\n\nA repository of the mock GitHub. Look round.\n"
    "END\n"
    "blob\nmark :2\ndata <<END\n"
    "int main(void)\n{\n    return 0;\n}\n"
    "END\n"
    "blob\nmark :3\ndata <<END\n"
    "Hello, docs.\n"
    "END\n"
    "reset refs/heads/main\n"
    "commit refs/heads/main\nmark :10\n"
    "author " FIRST_DAY "committer " FIRST_DAY "data <<END\nfirst commit\nEND\nM 100644 :1 README.md\n"
    "commit refs/heads/main\nmark :11\n"
    "author " SECOND_DAY "committer " SECOND_DAY "data <<END\nadd a source and a guide\nEND\nfrom :10\n"
    "M 100644 :2 src/main.c\nM 100644 :3 docs/guide.md\n"
    "reset refs/heads/feature\nfrom :10\n"
    "tag v1.0.0\nfrom :10\ntagger " FIRST_DAY "data <<END\nfirst release\nEND\n";

static void make_directory(const char *path)
{
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        err(1, "%s", path);
}

static bool fill(const char *directory, const char *import, bool example)
{
    struct mock_text history = {0};
    bool done;

    if (import) {
        return git_command_run(
            directory, GIT_ARGUMENTS("fetch", "-q", "--no-write-fetch-head", import, "+refs/*:refs/*"), NULL, NULL);
    }
    if (!example)
        return true;
    mock_text_add_string(&history, example_history);
    done = git_command_run(directory, GIT_ARGUMENTS("fast-import", "--quiet"), &history, NULL);
    mock_text_free(&history);
    return done;
}

// The imported repository's HEAD, where it names a branch.
static void adopt_head(const char *directory, const char *import)
{
    char *head = git_command_line(import, GIT_ARGUMENTS("symbolic-ref", "HEAD"));

    if (head)
        git_command_run(directory, GIT_ARGUMENTS("symbolic-ref", "HEAD", head), NULL, NULL);
    free(head);
}

bool world_seed_directory(const char *owner, const char *name, const char *import, bool example, bool private)
{
    char *owner_directory = mock_text_format("%s/repositories/%s", world_state_directory(), owner);
    char *directory = world_directory(owner, name);
    char *mark = mock_text_format("%s/" PUBLIC_MARK, directory);
    FILE *file;
    bool done;

    make_directory(owner_directory);
    done = git_command_run(owner_directory, GIT_ARGUMENTS("init", "-q", "--bare", directory), NULL, NULL) &&
           fill(directory, import, example);
    if (done && import)
        adopt_head(directory, import);
    if (done && !private) {
        file = fopen(mark, "we");
        if (file)
            fclose(file);
    }
    free(mark);
    free(directory);
    free(owner_directory);
    return done;
}

static struct account *account_named(const char *login)
{
    struct account *account = world_account(login);

    return account ? account : world_add_account(login, true);
}

static void seed_accounts(void)
{
    static const char *const installed[] = {"acme", "globex", "umbrella", "hooli"};
    const struct app *app = app_add(APP_ID);

    for (size_t i = 0; i < GL_ARRAY_SIZE(installed); i++)
        world_add_installation(world_add_account(installed[i], true), app);
    world_installation_of(world_account("acme"), app)->all_repositories = false;
    world_installation_of(world_account("umbrella"), app)->suspended = true;
    world_account("hooli")->ip_allow_list = true;
    world_add_account("initech", true);
    world_add_installation(world_add_account("octocat", false), app);
    world_add_account("mallory", false);
}

static void seed_repositories(void)
{
    for (size_t i = 0; i < GL_ARRAY_SIZE(seeds); i++) {
        char *directory = world_directory(seeds[i].owner, seeds[i].name);
        struct repository *repository;

        if (access(directory, F_OK) != 0 &&
            !world_seed_directory(seeds[i].owner, seeds[i].name, NULL, true, seeds[i].private))
            errx(1, "%s: cannot be made", directory);
        repository = world_add_repository(account_named(seeds[i].owner), seeds[i].name, seeds[i].private);
        repository->selected = seeds[i].selected;
        free(directory);
    }
}

static void seed_wiki(void)
{
    char *directory = world_directory("acme", "widgets.wiki");

    if (access(directory, F_OK) != 0 && !world_seed_directory("acme", "widgets.wiki", NULL, true, true))
        errx(1, "%s: cannot be made", directory);
    free(directory);
}

// acme/old-name became acme/new-name long ago.
static void seed_rename(void)
{
    bool renamed;

    world_rename_repository(world_repository(BYTES("acme"), BYTES("new-name"), &renamed), "old-name");
    world_rename_repository(world_repository(BYTES("acme"), BYTES("old-name"), &renamed), "new-name");
}

static void adopt(const char *owner, const char *entry)
{
    size_t size = strlen(entry);
    char *name;
    char *mark;
    bool renamed;
    struct repository *repository;

    if (size < 5 || strcmp(entry + size - 4, ".git") != 0 || strstr(entry, ".wiki.git"))
        return;
    name = mock_text_copy_bytes(bytes_of(entry, size - 4));
    mark = mock_text_format("%s/repositories/%s/%s/" PUBLIC_MARK, world_state_directory(), owner, entry);
    if (!world_repository(bytes_of_string(owner), bytes_of_string(name), &renamed) || renamed) {
        repository = world_add_repository(account_named(owner), name, access(mark, F_OK) != 0);
        repository->selected = true;
    }
    free(mark);
    free(name);
}

// What an earlier run left in the state directory.
static void adopt_repositories(void)
{
    char *root = mock_text_format("%s/repositories", world_state_directory());
    DIR *owners = opendir(root);
    struct dirent *owner;

    while (owners && (owner = readdir(owners))) {
        char *path = mock_text_format("%s/%s", root, owner->d_name);
        DIR *names = owner->d_name[0] == '.' ? NULL : opendir(path);
        struct dirent *name;

        while (names && (name = readdir(names)))
            adopt(owner->d_name, name->d_name);
        if (names)
            closedir(names);
        free(path);
    }
    if (owners)
        closedir(owners);
    free(root);
}

void world_seed(void)
{
    char *root = mock_text_format("%s/repositories", world_state_directory());

    make_directory(root);
    seed_accounts();
    seed_repositories();
    seed_wiki();
    seed_rename();
    adopt_repositories();
    free(root);
}
