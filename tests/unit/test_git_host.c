// The kinds of git hosts: how each reads a path, makes a name normal and is reached from SSH.
#include "git_host_kind.h"

#include "cmocka_unit.h"
#include "mem.h"
#include "target.h"

struct read_case {
    enum git_host_type type;
    const char *method;
    const char *target;
    const char *expected; // "kind repository", or the reason's code
};

static const char *const kind_names[OPERATION_KIND_COUNT] = {
    [OPERATION_FETCH_REFS] = "fetch-refs", [OPERATION_FETCH] = "fetch",
    [OPERATION_PUSH_REFS] = "push-refs",   [OPERATION_PUSH] = "push",
    [OPERATION_LFS_BATCH] = "batch",       [OPERATION_LFS_LOCKS] = "locks",
    [OPERATION_LFS_LOCK] = "lock",         [OPERATION_LFS_LOCKS_VERIFY] = "verify-locks",
    [OPERATION_LFS_UNLOCK] = "unlock",     [OPERATION_LFS_DOWNLOAD] = "download",
    [OPERATION_LFS_UPLOAD] = "upload",     [OPERATION_PAGE] = "page",
};

#define OID  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define REFS "/info/refs?service=git-upload-pack"

static const struct read_case cases[] = {
    // Any host.
    {GIT_HOST_GIT, "GET", "/a.git" REFS, "fetch-refs a"},
    {GIT_HOST_GIT, "GET", "/A/b" REFS, "fetch-refs A/b"},
    {GIT_HOST_GIT, "GET", "/a/info/refs?service=git-receive-pack", "push-refs a"},
    {GIT_HOST_GIT, "GET", "/a/info/refs", "dumb_protocol"},
    {GIT_HOST_GIT, "POST", "/a/git-upload-pack", "fetch a"},
    {GIT_HOST_GIT, "POST", "/a/git-receive-pack", "push a"},
    {GIT_HOST_GIT, "GET", "/a/git-receive-pack", "method"},
    {GIT_HOST_GIT, "POST", "/a/git-receive-pack?x=1", "name"},
    {GIT_HOST_GIT, "POST", "/a.git/info/lfs/objects/batch", "batch a"},
    {GIT_HOST_GIT, "GET", "/a.git/info/lfs/locks?path=x", "locks a"},
    {GIT_HOST_GIT, "POST", "/a.git/info/lfs/locks", "lock a"},
    {GIT_HOST_GIT, "POST", "/a.git/info/lfs/locks/verify", "verify-locks a"},
    {GIT_HOST_GIT, "POST", "/a.git/info/lfs/locks/12/unlock", "unlock a"},
    {GIT_HOST_GIT, "GET", "/a.git/info/lfs/objects/" OID, "download a"},
    {GIT_HOST_GIT, "PUT", "/a.git/info/lfs/objects/" OID, "upload a"},
    {GIT_HOST_GIT, "GET", "/a.git/info/lfs/objects/basic/" OID, "download a"},
    {GIT_HOST_GIT, "GET", "/a.git/info/lfs/objects/short", "lfs_malformed"},
    {GIT_HOST_GIT, "GET", "/a.git/info/lfs/objects/info/refs?service=git-receive-pack", "lfs_malformed"},
    {GIT_HOST_GIT, "GET", "/a.git/info/refs/x", "dumb_protocol"},
    {GIT_HOST_GIT, "GET", "/a.git/HEAD", "page "},
    {GIT_HOST_GIT, "GET", "/", "page "},
    {GIT_HOST_GIT, "GET", "/api/v4/user", "page "},
    // What two servers could read differently.
    {GIT_HOST_GIT, "GET", "/a%2fb" REFS, "name"},
    {GIT_HOST_GIT, "GET", "/a/%69nfo/refs?service=git-upload-pack", "name"},
    {GIT_HOST_GIT, "GET", "/a/INFO/refs?service=git-upload-pack", "name"},
    {GIT_HOST_GIT, "GET", "/a;x" REFS, "name"},
    {GIT_HOST_GIT, "GET", "/a.git/b" REFS, "name"},
    {GIT_HOST_GIT, "GET", "/a.git.git" REFS, "name"},
    {GIT_HOST_GIT, "GET", "/a/info/refs/?service=git-upload-pack", "name"},
    {GIT_HOST_GIT, "GET", "/a%20b" REFS, "name"},
    {GIT_HOST_GIT, "GET", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20" REFS,
     "fetch-refs 1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20"},
    {GIT_HOST_GIT, "GET", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22" REFS, "name"},
    // GitLab.
    {GIT_HOST_GITLAB, "GET", "/Group/Sub/App.git" REFS, "fetch-refs group/sub/app"},
    {GIT_HOST_GITLAB, "GET", "/group/app.wiki.git" REFS, "fetch-refs group/app"},
    {GIT_HOST_GITLAB, "GET", "/app.git" REFS, "name"},
    {GIT_HOST_GITLAB, "GET", "/group/app.git/gitlab-lfs/objects/" OID, "download group/app"},
    {GIT_HOST_GITLAB, "PUT", "/group/app.git/gitlab-lfs/objects/" OID "/12", "upload group/app"},
    {GIT_HOST_GITLAB, "PUT", "/group/app.git/gitlab-lfs/objects/" OID "/12/authorize", "dumb_protocol"},
    // Gitea.
    {GIT_HOST_GITEA, "GET", "/Owner/App.git" REFS, "fetch-refs owner/app"},
    {GIT_HOST_GITEA, "PUT", "/owner/app.git/info/lfs/objects/" OID "/12", "upload owner/app"},
    {GIT_HOST_GITEA, "POST", "/owner/app.git/info/lfs/verify", "upload owner/app"},
    // Bitbucket.
    {GIT_HOST_BITBUCKET, "GET", "/Team/app.git" REFS, "fetch-refs team/app"},
    {GIT_HOST_BITBUCKET, "GET", "/team/app/more" REFS, "name"},
    {GIT_HOST_BITBUCKET_SERVER, "GET", "/scm/KEY/app.git" REFS, "fetch-refs scm/key/app"},
    {GIT_HOST_BITBUCKET_SERVER, "GET", "/bitbucket/scm/~User/app.git" REFS, "fetch-refs bitbucket/scm/~user/app"},
    {GIT_HOST_BITBUCKET_SERVER, "GET", "/rest/key/app.git" REFS, "name"},
    // Azure DevOps.
    {GIT_HOST_AZURE_DEVOPS, "GET", "/Org/My%20Project/_git/My%20App" REFS, "fetch-refs org/my project/_git/my app"},
    {GIT_HOST_AZURE_DEVOPS, "GET", "/org/_git/app" REFS, "fetch-refs org/app/_git/app"},
    {GIT_HOST_AZURE_DEVOPS, "GET", "/org/p/_git/_full/app" REFS, "fetch-refs org/p/_git/app"},
    {GIT_HOST_AZURE_DEVOPS, "GET", "/org/p/_git/_optimized/app" REFS, "fetch-refs org/p/_git/app"},
    {GIT_HOST_AZURE_DEVOPS, "GET", "/org/01234567-89ab-cdef-0123-456789abcdef/_git/app" REFS, "name"},
    {GIT_HOST_AZURE_DEVOPS, "GET", "/org/p/app" REFS, "name"},
    {GIT_HOST_AZURE_DEVOPS, "POST", "/org/p/_git/app/info/lfs/objects/batch", "batch org/p/_git/app"},
    // Gerrit.
    {GIT_HOST_GERRIT, "GET", "/a/Plugins/lfs" REFS, "fetch-refs Plugins/lfs"},
    {GIT_HOST_GERRIT, "GET", "/p/Plugins/lfs" REFS, "fetch-refs Plugins/lfs"},
    {GIT_HOST_GERRIT, "GET", "/a/p/Plugins/lfs" REFS, "fetch-refs Plugins/lfs"},
};

static enum head_method method_of(const char *name)
{
    return strcmp(name, "GET") == 0 ? METHOD_GET : strcmp(name, "PUT") == 0 ? METHOD_PUT : METHOD_POST;
}

static void paths_are_read(void **state)
{
    size_t wrong = 0;

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct git_host host;
        struct target target;
        struct operation operation;
        struct verdict verdict;
        char name[OPERATION_REPOSITORY_SIZE], *seen;

        assert_true(git_host_init(&host, cases[i].type, "git.corp.example", NULL, false, false, NULL));
        assert_true(target_parse(method_of(cases[i].method), bytes_of_string(cases[i].target), &target, NULL));
        if (git_host_read(&host, GITHUB_ENDPOINT_WEB, method_of(cases[i].method), &target, &operation, &verdict)) {
            struct bytes repository = operation_repository(&operation, name);

            seen = mem_format("%s %.*s", kind_names[operation.kind], (int)repository.size, repository.data);
        } else {
            seen = mem_string(reason_row(verdict.reason)->code);
        }
        if (strcmp(seen, cases[i].expected) != 0) {
            print_error("%s %s %s: expected \"%s\", got \"%s\"\n", git_host_type_words[cases[i].type], cases[i].method,
                        cases[i].target, cases[i].expected, seen);
            wrong++;
        }
        mem_free(seen);
        git_host_clear(&host);
    }
    assert_int_equal(wrong, 0);
}

static void hosts_have_a_port_and_a_user(void **state)
{
    struct git_host host;
    struct error error;

    assert_true(git_host_init(&host, GIT_HOST_GITLAB, "Git.Corp.example:8443", NULL, false, true, &error));
    assert_string_equal(host.web, "git.corp.example:8443");
    assert_string_equal(host.name, "git.corp.example");
    assert_int_equal(host.port, 8443);
    assert_string_equal(host.user, "oauth2");
    assert_false(host.bearer);
    assert_true(host.pages_deny);
    git_host_clear(&host);
    assert_true(git_host_init(&host, GIT_HOST_BITBUCKET_SERVER, "git.corp:443", NULL, false, false, &error));
    assert_string_equal(host.web, "git.corp");
    assert_true(host.bearer);
    git_host_clear(&host);
    assert_true(git_host_init(&host, GIT_HOST_BITBUCKET_SERVER, "git.corp", "me", false, false, &error));
    assert_false(host.bearer);
    git_host_clear(&host);
    assert_false(git_host_init(&host, GIT_HOST_GIT, "10.1.2.3", NULL, false, false, &error));
    assert_false(git_host_init(&host, GIT_HOST_GIT, "https://git.corp", NULL, false, false, &error));
}

// An SSH remote of Azure DevOps, whose beginning git has rewritten.
static void own_paths_are_found(void **state)
{
    static const struct {
        const char *path;
        const char *own; // NULL: the same
    } paths[] = {
        {"/v3/org/project/app/info/refs", "/org/project/_git/app/info/refs"},
        {"/v3/org/project/app/git-receive-pack", "/org/project/_git/app/git-receive-pack"},
        {"/v3/project/app/info/refs", "/project/_git/app/info/refs"},
        {"/v3/org/project/app/info/lfs/objects/batch", "/org/project/_git/app/info/lfs/objects/batch"},
        {"/v3/org/project/_git/app/info/refs", NULL},
        {"/org/project/_git/app/info/refs", NULL},
        {"/v3/org", NULL},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(paths); i++) {
        const struct git_host_kind *kind = git_host_kind(GIT_HOST_AZURE_DEVOPS);
        struct text own = {0};
        bool changed = kind->own_path(bytes_of_string(paths[i].path), &own);

        assert_int_equal(changed, paths[i].own != NULL);
        if (changed)
            assert_string_equal(text_string(&own), paths[i].own);
        text_free(&own);
    }
}

static bool has_form(const struct git_host *host, const char *from, const char *below)
{
    for (const struct git_host_form *form = git_host_forms(host); form->from; form++) {
        struct text text = {0};
        bool same;

        git_host_form_append(host, form->from, &text);
        same = strcmp(text_string(&text), from) == 0 && strcmp(form->below, below) == 0;
        text_free(&text);
        if (same)
            return true;
    }
    return false;
}

static void ssh_remotes_have_forms(void **state)
{
    static const struct {
        enum git_host_type type;
        const char *web, *from, *below;
    } forms[] = {
        {GIT_HOST_GITLAB, "gitlab.com", "git@gitlab.com:", ""},
        {GIT_HOST_GITLAB, "gitlab.com", "ssh://git@altssh.gitlab.com:443/", ""},
        {GIT_HOST_GITEA, "git.corp:3000", "git@git.corp:", ""},
        {GIT_HOST_BITBUCKET_SERVER, "git.corp", "ssh://git@git.corp:7999/", "scm/"},
        {GIT_HOST_AZURE_DEVOPS, "dev.azure.com", "git@ssh.dev.azure.com:v3/", "v3/"},
        {GIT_HOST_AZURE_DEVOPS, "acme.visualstudio.com", "acme@vs-ssh.visualstudio.com:v3/acme/", "v3/"},
        {GIT_HOST_GERRIT, "review.corp", "ssh://review.corp:29418/", "a/"},
        {GIT_HOST_GIT, "git.corp", "ssh://git@git.corp/", ""},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(forms); i++) {
        struct git_host host;

        assert_true(git_host_init(&host, forms[i].type, forms[i].web, NULL, false, false, NULL));
        assert_true(has_form(&host, forms[i].from, forms[i].below));
        git_host_clear(&host);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_read),
        cmocka_unit_test(hosts_have_a_port_and_a_user),
        cmocka_unit_test(own_paths_are_found),
        cmocka_unit_test(ssh_remotes_have_forms),
    };

    return cmocka_run_group_tests_name("git_host", tests, NULL, NULL);
}
