// Ways to write a request so that a careless proxy takes it for another one than GitHub does: case,
// encodings, dots, slashes, prefixes, methods, queries. For each, what becomes of it. None gets a token for a
// repository that no rule names, nor reaches an endpoint that handles credentials.
#include "policy_case.h"

#define READ_WIDGETS  "acme/widgets contents:read"
#define WRITE_WIDGETS "acme/widgets contents:write"
#define API_WIDGETS   "acme/widgets contents:read,issues:read,pull_requests:write"
#define API_DOCS      "acme/docs pull_requests:read"
#define API_SET       "set acme contents:read,issues:read,pull_requests:write"

static const struct rules tricked_rules = {
    .present = true,
    .count = 3,
    .rules =
        (struct rule[]){
            {.match = (char[]){"acme/widgets"},
             .fetch = true,
             .create = true,
             .push = {.kind = REF_SET_PATTERNS, .patterns = (char *[]){(char[]){"refs/heads/agent/*"}}, .count = 1},
             .permissions = {2, {{"issues", PERMISSION_READ}, {"pull_requests", PERMISSION_WRITE}}}},
            {.match = (char[]){"acme/docs"},
             .create = true,
             .permissions = {1, {{"pull_requests", PERMISSION_READ}}},
             .paths = {(char *[]){(char[]){"pulls/**"}, (char[]){"issues/*"}}, 2}},
            {.match = (char[]){"acme/tools-*"}, .fetch = true, .create = true},
        },
};

static const struct policy_case git_names[] = {
    // written as git writes it
    {'w', "GET", "/acme/widgets.git/info/refs?service=git-upload-pack", READ_WIDGETS},
    {'w', "GET", "/acme/widgets/info/refs?service=git-upload-pack", READ_WIDGETS},
    {'w', "POST", "/acme/widgets.git/git-upload-pack", READ_WIDGETS},
    {'w', "GET", "/acme/widgets.git/info/refs?service=git-receive-pack", WRITE_WIDGETS},
    {'w', "POST", "/acme/widgets.git/git-receive-pack", WRITE_WIDGETS},
    {'w', "GET", "/acme/widgets.wiki.git/info/refs?service=git-upload-pack", READ_WIDGETS},
    // case does not make another repository
    {'w', "GET", "/ACME/Widgets.GIT/info/refs?service=git-upload-pack", READ_WIDGETS},
    {'w', "POST", "/Acme/WIDGETS/git-receive-pack", WRITE_WIDGETS},
    {'w', "GET", "/acme/widgets.Wiki.git/info/refs?service=git-upload-pack", READ_WIDGETS},
    {'w', "GET", "/acme/TOOLS-x.git/info/refs?service=git-upload-pack", "acme/tools-x contents:read"},
    // a wildcard stays in its segment
    {'w', "GET", "/acme/tools-/info/refs?service=git-upload-pack", "acme/tools- contents:read"},
    {'w', "GET", "/acme/tools/info/refs?service=git-upload-pack", "no token"},
    {'w', "GET", "/acme/tools-x/y/info/refs?service=git-upload-pack", "no token"},
    {'w', "GET", "/acme/xtools-x/info/refs?service=git-upload-pack", "no token"},
    // one `.git` is a suffix, two are a name
    {'w', "GET", "/acme/widgets.git.git/info/refs?service=git-upload-pack", "name"},
    {'w', "POST", "/acme/widgets.git.git/git-receive-pack", "name"},
    {'w', "GET", "/acme/.git/info/refs?service=git-upload-pack", "name"},
    {'w', "GET", "/acme/widgets.git./info/refs?service=git-upload-pack", "no token"},
    {'w', "GET", "/acme/widgets./info/refs?service=git-upload-pack", "no token"},
    {'w', "GET", "/acme/widgets.wiki.wiki.git/info/refs?service=git-upload-pack", "no token"},
    {'w', "GET", "/acme/.wiki.git/info/refs?service=git-upload-pack", "no token"},
    // another repository
    {'w', "GET", "/acme/secret.git/info/refs?service=git-upload-pack", "no token"},
    {'w', "POST", "/acme/secret.git/git-upload-pack", "no token"},
    {'w', "GET", "/acme/secret.git/info/refs?service=git-receive-pack", "repository"},
    {'w', "POST", "/acme/secret.git/git-receive-pack", "repository"},
    {'w', "GET", "/acme-/widgets.git/info/refs?service=git-upload-pack", "no token"},
    {'w', "GET", "/acme/widgets-secret.git/info/refs?service=git-upload-pack", "no token"},
    {'w', "POST", "/evil/widgets.git/git-receive-pack", "repository"},
    // percent-encoding in the names or in what git asks for
    {'w', "GET", "/acme/%77idgets.git/info/refs?service=git-upload-pack", "name"},
    {'w', "GET", "/%61cme/widgets.git/info/refs?service=git-upload-pack", "name"},
    {'w', "GET", "/acme%2Fwidgets.git/info/refs?service=git-upload-pack", "name"},
    {'w', "GET", "/acme%2fsecret.git%2finfo%2frefs?service=git-upload-pack", "name"},
    {'w', "GET", "/acme/widgets%2Egit/info/refs?service=git-upload-pack", "name"},
    {'w', "GET", "/acme/widgets.git/info%2Frefs?service=git-upload-pack", "name"},
    {'w', "GET", "/acme/widgets.git/%69nfo/refs?service=git-upload-pack", "name"},
    {'w', "POST", "/acme/widgets.git/git-%72eceive-pack", "name"},
    {'w', "POST", "/acme/secret.git/git%2Dreceive%2Dpack", "name"},
    {'w', "POST", "/acme/secret.git%2Fgit-receive-pack", "name"},
    {'w', "POST", "/acme/secret%2egit/git-upload-pack", "name"},
    {'w', "POST", "/acme/secret/git-receive-pack%2F", "name"},
    {'w', "POST", "/acme/secret.git/git-receive-pack%00", "target"},
    {'w', "POST", "/acme/widgets%20/git-receive-pack", "name"},
    {'w', "POST", "/acme/widgets%0a/git-receive-pack", "name"},
    {'w', "POST", "/acme/widgets+/git-receive-pack", "name"},
    {'w', "POST", "/acme/widgets;x/git-receive-pack", "name"},
    {'w', "POST", "/acme/widgets:x/git-receive-pack", "name"},
    {'w', "POST", "/acme/w@x/git-receive-pack", "name"},
    {'w', "POST", "/acme/wid*/git-receive-pack", "name"},
    {'w', "POST", "/a.b/widgets/git-receive-pack", "name"},
    {'w', "GET", "/acme/%252e%252e/info/refs?service=git-upload-pack", "name"},
    {'w', "GET", "/acme/widgets.git/info/refs%3Fservice=git-receive-pack", "no token"},
    // case or slashes in what git asks for
    {'w', "POST", "/acme/widgets.git/Git-Receive-Pack", "name"},
    {'w', "POST", "/acme/widgets.git/GIT-RECEIVE-PACK", "name"},
    {'w', "GET", "/acme/widgets.git/INFO/REFS?service=git-upload-pack", "name"},
    {'w', "POST", "/acme/widgets.git/git-receive-pack/", "name"},
    {'w', "GET", "/acme/widgets.git/info/refs/?service=git-upload-pack", "name"},
    {'w', "POST", "/acme/widgets.git//git-receive-pack", "target"},
    {'w', "POST", "//acme/widgets.git/git-receive-pack", "target"},
    {'w', "POST", "/acme//widgets.git/git-receive-pack", "target"},
    {'w', "GET", "/x/acme/widgets.git/info/refs?service=git-upload-pack", "no token"},
    {'w', "GET", "/widgets.git/info/refs?service=git-upload-pack", "no token"},
    {'w', "POST", "/git-receive-pack", "no token"},
    // dot segments
    {'w', "GET", "/acme/widgets.git/../secret.git/info/refs?service=git-upload-pack", "target"},
    {'w', "GET", "/acme/./widgets.git/info/refs?service=git-upload-pack", "target"},
    {'w', "GET", "/acme/../evil/widgets/info/refs?service=git-upload-pack", "target"},
    {'w', "GET", "/acme/widgets/%2e%2e/secret/info/refs?service=git-upload-pack", "target"},
    {'w', "GET", "/acme/widgets/%2E./secret/info/refs?service=git-upload-pack", "target"},
    {'w', "GET", "/acme/widgets/..%2Fsecret/info/refs?service=git-upload-pack", "target"},
    {'w', "GET", "/acme/widgets%2F..%2Fsecret/info/refs?service=git-upload-pack", "target"},
    {'w', "GET", "/acme\\secret.git/info/refs?service=git-upload-pack", "target"},
    {'w', "GET", "/acme/widgets%5C..%5Csecret/info/refs?service=git-upload-pack", "target"},
    {'w', "GET", "/acme/wid%gets/info/refs?service=git-upload-pack", "target"},
    {'w', "GET", "/acme/widgets%2/info/refs?service=git-upload-pack", "target"},
    {'w', "GET", "/acme/widgets.git/info/refs#?service=git-upload-pack", "target"},
    {'w', "GET", "acme/widgets.git/info/refs?service=git-upload-pack", "target"},
    {'w', "GET", "https://user:secret@github.com/acme/widgets.git/info/refs?service=git-upload-pack", "target"},
    {'w', "GET", "ftp://github.com/acme/widgets.git/info/refs?service=git-upload-pack", "target"},
    {'w', "GET", "*", "target"},
    {'w', "OPTIONS", "*", "name"},
    {'a', "OPTIONS", "*", "name"},
    {'w', "OPTIONS", "*/acme/widgets.git/info/refs?service=git-upload-pack", "target"},
    // which service, and how often it is said
    {'w', "GET", "/acme/widgets.git/info/refs", "dumb_protocol"},
    {'w', "GET", "/acme/widgets.git/info/refs?", "dumb_protocol"},
    {'w', "GET", "/acme/widgets.git/info/refs?service=", "dumb_protocol"},
    {'w', "GET", "/acme/widgets.git/info/refs?service=git-upload-archive", "upload_archive"},
    {'w', "GET", "/acme/widgets.git/info/refs?service=GIT-UPLOAD-PACK", "dumb_protocol"},
    {'w', "GET", "/acme/widgets.git/info/refs?service=git-upload-pack;service=git-receive-pack", "name"},
    {'w', "GET", "/acme/widgets.git/info/refs?x=1;service=git-receive-pack&service=git-upload-pack", "name"},
    {'w', "GET", "/acme/widgets.git/info/refs?service[]=git-receive-pack", "name"},
    {'w', "GET", "/acme/widgets.git/info/refs?service=git-upload-pack&service[]=git-receive-pack", "name"},
    {'w', "GET", "/acme/widgets.git/info/refs?+service=git-receive-pack&service=git-upload-pack", "name"},
    {'w', "GET", "/acme/widgets.git/info/refs?service=git-upload-pack&service=git-receive-pack", "name"},
    {'w', "GET", "/acme/widgets.git/info/refs?service=git-upload-pack&Service=git-receive-pack", "name"},
    {'w', "GET", "/acme/widgets.git/info/refs?service=git-upload-pack&%73ervice=git-receive-pack", "name"},
    {'w', "GET", "/acme/widgets.git/info/refs?service=git%2Dreceive-pack", "name"},
    {'w', "GET", "/acme/widgets.git/info/refs?x=1&service=git-upload-pack", READ_WIDGETS},
    {'w', "POST", "/acme/widgets.git/git-receive-pack?service=git-upload-pack", "name"},
    {'w', "POST", "/acme/widgets.git/git-upload-pack?service=git-receive-pack", "name"},
    {'w', "POST", "/acme/widgets.git/git-receive-pack?", WRITE_WIDGETS},
    {'w', "GET", "/acme/widgets.git/HEAD", "dumb_protocol"},
    {'w', "GET", "/acme/widgets.git/objects/info/packs", "dumb_protocol"},
    {'w', "GET", "/acme/secret.git/Objects/ab/cdef", "name"},
    {'w', "POST", "/acme/widgets.git/git-upload-archive", "upload_archive"},
    // methods
    {'w', "POST", "/acme/widgets.git/info/refs?service=git-receive-pack", "method"},
    {'w', "GET", "/acme/widgets.git/git-receive-pack", "method"},
    {'w', "PUT", "/acme/widgets.git/git-receive-pack", "method"},
    {'w', "post", "/acme/widgets.git/git-receive-pack", "method"},
    {'w', "PROPFIND", "/acme/widgets.git/info/refs?service=git-upload-pack", "method"},
    {'w', "TRACE", "/acme/widgets", "method"},
    {'a', "LOCK", "/repos/acme/widgets", "method"},
    {'w', "HEAD", "/acme/widgets.git/info/refs?service=git-upload-pack", READ_WIDGETS},
};

static const struct policy_case lfs_names[] = {
    {'w', "POST", "/acme/widgets.git/info/lfs/objects/batch", READ_WIDGETS},
    {'w', "POST", "/Acme/Widgets/info/lfs/objects/batch", READ_WIDGETS},
    {'w', "GET", "/acme/widgets.git/info/lfs/locks?path=a", READ_WIDGETS},
    {'w', "POST", "/acme/widgets.git/info/lfs/locks", WRITE_WIDGETS},
    {'w', "POST", "/acme/widgets.git/info/lfs/locks/verify", WRITE_WIDGETS},
    {'w', "POST", "/acme/widgets.git/info/lfs/locks/F00-1/unlock", WRITE_WIDGETS},
    {'w', "POST", "/acme/tools-x.git/info/lfs/locks", "lfs"},
    {'w', "POST", "/acme/tools-x.git/info/lfs/locks/1/unlock", "lfs"},
    {'w', "POST", "/acme/secret.git/info/lfs/objects/batch", "no token"},
    {'w', "POST", "/acme/secret.git/info/lfs/locks", "repository"},
    {'w', "POST", "/acme/widgets.git/info/lfs/objects%2Fbatch", "name"},
    {'w', "POST", "/acme/secret.git/info/lfs%2Fobjects/batch", "name"},
    {'w', "POST", "/acme/widgets.git/info/LFS/objects/batch", "name"},
    {'w', "POST", "/acme/widgets.git/info/lfs/objects/batch/", "name"},
    {'w', "POST", "/acme/widgets.git/info/lfs/locks/a%2Fb/unlock", "name"},
    {'w', "POST", "/acme/widgets.git/info/lfs/locks/a/b/unlock", "lfs_malformed"},
    {'w', "POST", "/acme/tools-x.git/info/lfs/objects/batch?operation=upload", "name"},
    {'w', "POST", "/acme/widgets.git/info/lfs/locks/verify?ref=refs/heads/main", "name"},
    {'w', "GET", "/acme/widgets.git/info/lfs/objects/batch", "method"},
    {'w', "DELETE", "/acme/widgets.git/info/lfs/locks", "method"},
    {'w', "PUT", "/acme/widgets.git/info/lfs/objects/abc", "lfs_malformed"},
    {'w', "GET", "/acme/secret.git/info/lfs/objects/abc", "lfs_malformed"},
};

static const struct policy_case api_names[] = {
    {'a', "GET", "/repos/acme/widgets", API_WIDGETS},
    {'a', "POST", "/repos/acme/widgets/pulls", API_WIDGETS},
    {'a', "GET", "/repos/ACME/Widgets/pulls?state=all", API_WIDGETS},
    {'a', "GET", "/repos/acme/widgets.git", API_WIDGETS},
    {'a', "GET", "/repos/acme/widgets/git/ref/heads%2Ffeature", API_WIDGETS},
    {'a', "GET", "/repos/acme/widgets/compare/v1...v2", API_WIDGETS},
    {'u', "POST", "/repos/acme/widgets/releases/1/assets?name=a", API_WIDGETS},
    {'a', "GET", "/Repos/acme/widgets", API_WIDGETS},
    {'a', "GET", "/repos/acme/secret", "no token"},
    {'a', "DELETE", "/repos/acme/secret", "no token"},
    {'u', "POST", "/repos/acme/secret/releases/1/assets?name=a", "no token"},
    {'a', "GET", "/REPOS/acme/secret", "no token"},
    {'a', "GET", "/%72epos/acme/secret", "name"},
    {'a', "GET", "/repos/acme/%73ecret", "name"},
    {'a', "GET", "/repos/%61cme/widgets", "name"},
    {'a', "GET", "/repos/acme%2Fwidgets", "name"},
    {'a', "GET", "/repos/acme%2Fwidgets/secret", "name"},
    {'a', "GET", "/repos%2Facme%2Fsecret", "name"},
    {'a', "GET", "/repos%2Facme/secret", "name"},
    {'a', "GET", "/repos/acme/widgets%2Fpulls", "name"},
    {'a', "GET", "/repos/acme/widgets%00", "target"},
    {'a', "GET", "/repos/acme/widgets/../secret", "target"},
    {'a', "GET", "/repos/acme/widgets/%2e%2e/secret", "target"},
    {'a', "GET", "/repos/acme/widgets/..%2fsecret", "target"},
    {'a', "GET", "/repos/acme/widgets/contents/a%2F..%2Fb", "target"},
    {'a', "GET", "/repos/acme/widgets/contents/a%5Cb", "target"},
    {'a', "GET", "/repos//acme/widgets", "target"},
    {'a', "GET", "/repos/acme/widgets//pulls", "target"},
    {'a', "GET", "/repos/acme/widgets/", API_WIDGETS},
    {'a', "GET", "/repos/acme/widgets/contents/", API_WIDGETS},
    {'a', "GET", "/repos/acme/widgets/tarball/?x=1", API_WIDGETS},
    {'a', "GET", "/repos/acme/widgets/contents//", "target"},
    {'a', "GET", "/repos/acme/widgets/contents%2F/", "name"},
    {'a', "GET", "/repos/acme/widgets/contents%2f/", "name"},
    {'a', "GET", "/repos/acme/widgets/contents/%2F", "name"},
    {'a', "GET", "/repos/acme/secret/contents/", "no token"},
    {'a', "GET", "/repos/acme/widgets%2F", "name"},
    {'a', "GET", "/repos/acme", API_SET},
    {'a', "GET", "/repos/ac me/widgets", "target"},
    {'a', "GET", "/repos/acme/wid~gets", "name"},
    {'a', "GET", "/repositories/42", "repository_id"},
    {'a', "GET", "/Repositories/42/pulls", "repository_id"},
    {'a', "GET", "/repositories/42/", "repository_id"},
    {'a', "GET", "/repositories/0100", "name"},
    {'a', "GET", "/repositories/00", "name"},
    {'a', "GET", "/repositories/0/pulls", "name"},
    {'a', "GET", "/repositories/%34%32", "name"},
    {'a', "GET", "/repositories/42%2Fkeys", "name"},
    {'a', "GET", "/repositories/-1", "name"},
    {'a', "GET", "/repositories/0x2a", "name"},
    {'a', "GET", "/repositories/99999999999999999999", "name"},
    {'a', "GET", "/repositories/18446744073709551616", "name"},
    {'a', "GET", "/repositories/18446744073709551615", "repository_id"},
    {'a', "GET", "/repositories", API_SET},
    {'a', "GET", "/repositories/", API_SET},
    // paths of a rule
    {'a', "GET", "/repos/acme/docs/pulls", API_DOCS},
    {'a', "GET", "/repos/acme/docs/pulls/", API_DOCS},
    {'a', "GET", "/repos/acme/docs/contents/", "path"},
    {'a', "GET", "/repos/acme/docs/pulls/1/files", API_DOCS},
    {'a', "GET", "/repos/acme/docs/issues/1", API_DOCS},
    {'a', "GET", "/repos/acme/docs/issues/1/lock", "path"},
    {'a', "GET", "/repos/acme/docs/issues/1%2Flock", "path"},
    {'a', "GET", "/repos/acme/docs/issues", "path"},
    {'a', "GET", "/repos/acme/docs", "path"},
    {'a', "GET", "/repos/acme/docs/pullsx", "path"},
    {'a', "GET", "/repos/acme/docs/Pulls", "path"},
    {'a', "GET", "/repos/acme/docs/%70ulls", "path"},
    {'a', "GET", "/repos/acme/docs/contents%2Fpulls", "path"},
    {'a', "GET", "/repos/acme/docs/pulls%2F1", "path"},
    {'a', "GET", "/repos/acme/docs/contents/pulls?pulls/1", "path"},
    {'w', "GET", "/acme/docs.git/info/refs?service=git-upload-pack", "fetch"},
    {'w', "POST", "/acme/docs.git/git-receive-pack", "push"},
    // what names no repository
    {'a', "GET", "/", API_SET},
    {'a', "GET", "/user", API_SET},
    {'a', "GET", "/%75ser", API_SET},
    {'a', "GET", "/user/", API_SET},
    {'a', "GET", "/search/issues?q=repo:acme/secret", API_SET},
    {'a', "GET", "/acme/widgets.git/info/refs?service=git-upload-pack", API_SET},
    {'a', "POST", "/graphql", "graphql"},
    {'a', "POST", "/GraphQL", "graphql"},
    {'a', "POST", "/graph%71l", "graphql"},
    {'a', "GET", "/graphql", "graphql"},
    {'a', "POST", "/graphql/", "graphql"},
    {'a', "POST", "/graphql/x", "graphql"},
    {'a', "POST", "/api/graphql", "graphql"},
    {'a', "GET", "/api/v3/repos/acme/secret", "no token"},
    {'u', "POST", "/graphql", "graphql"},
    {'w', "GET", "/repos/acme/widgets", "no token"},
    {'w', "POST", "/graphql", "no token"},
    {'w', "POST", "/api/graphql", "no token"},
};

static const struct policy_case credential_endpoints[] = {
    {'w', "POST", "/login/oauth/access_token", "endpoint"},
    {'w', "POST", "/login/device/code", "endpoint"},
    {'w', "POST", "/Login/Device/Code", "endpoint"},
    {'w', "POST", "/login%2Fdevice%2Fcode", "endpoint"},
    {'w', "POST", "/%6Cogin/oauth/access_token/", "endpoint"},
    {'w', "GET", "/login", "endpoint"},
    {'w', "POST", "/login//device/code", "target"},
    {'w', "GET", "/login/oauth/info/refs?service=git-upload-pack", "endpoint"},
    {'w', "GET", "/login/oauth.git/info/refs?service=git-upload-pack", "endpoint"},
    {'a', "POST", "/app/installations/1/access_tokens", "endpoint"},
    {'a', "POST", "/App/Installations/1/access_tokens", "endpoint"},
    {'a', "POST", "/%61pp/installations/1/access_tokens", "endpoint"},
    {'a', "POST", "/app%2Finstallations/1/access_tokens", "endpoint"},
    {'a', "POST", "/app/installations/1/access_tokens/", "endpoint"},
    {'a', "POST", "//app/installations/1/access_tokens", "target"},
    {'a', "POST", "/./app/installations/1/access_tokens", "target"},
    {'a', "GET", "/app", "endpoint"},
    {'a', "GET", "/app/hook/config", "endpoint"},
    {'a', "POST", "/api/v3/app/installations/1/access_tokens", "endpoint"},
    {'u', "POST", "/app/installations/1/access_tokens", "endpoint"},
    {'a', "POST", "/app-manifests/abc/conversions", "endpoint"},
    {'a', "POST", "/applications/abc/token/scoped", "endpoint"},
    {'a', "DELETE", "/applications/abc/grant", "endpoint"},
    {'a', "POST", "/credentials/revoke", "endpoint"},
    {'a', "POST", "/user/keys", "endpoint"},
    {'a', "GET", "/user/keys", "endpoint"},
    {'a', "DELETE", "/user/keys/1", "endpoint"},
    {'a', "POST", "/user%2fkeys", "endpoint"},
    {'a', "POST", "/user/%6Beys/", "endpoint"},
    {'a', "DELETE", "/installation/token", "endpoint"},
    {'a', "DELETE", "/Installation/Token", "endpoint"},
    {'a', "DELETE", "/installation/token/", "endpoint"},
    {'a', "GET", "/installation/repositories", API_SET},
    {'a', "POST", "/repos/acme/widgets/actions/runners/registration-token", "endpoint"},
    {'a', "POST", "/repos/acme/widgets/actions/runners/remove-token", "endpoint"},
    {'a', "POST", "/repos/acme/widgets/actions/runners/Registration-TOKEN", "endpoint"},
    {'a', "POST", "/repos/acme/widgets/actions/runners/registration%2Dtoken", "endpoint"},
    {'a', "POST", "/repos/acme/widgets/actions%2Frunners/registration-token", "endpoint"},
    {'a', "POST", "/repositories/42/actions/runners/registration-token", "endpoint"},
    {'a', "POST", "/orgs/acme/actions/runners/registration-token", "endpoint"},
    {'a', "POST", "/organizations/1/actions/runners/registration-token/", "endpoint"},
    {'a', "POST", "/enterprises/acme/actions/runners/remove-token", "endpoint"},
    {'a', "POST", "/orgs/acme/actions/runners/generate-jitconfig", "endpoint"},
    {'a', "GET", "/repos/acme/widgets/actions/runners", API_WIDGETS},
    {'a', "POST", "/repos/acme/widgets/keys", "endpoint"},
    {'a', "POST", "/repos/acme/widgets/Keys", "endpoint"},
    {'a', "POST", "/repos/acme/widgets/%6beys", "endpoint"},
    {'a', "POST", "/repos/acme/widgets/keys/", "endpoint"},
    {'a', "DELETE", "/repos/acme/widgets/keys/1", "endpoint"},
    {'a', "POST", "/repositories/42/keys", "endpoint"},
    {'a', "PUT", "/Repositories/42/KEYS", "endpoint"},
    {'a', "GET", "/repos/acme/widgets/keys", API_WIDGETS},
    {'a', "HEAD", "/repos/acme/widgets/keys/1", API_WIDGETS},
    {'a', "POST", "/authorizations", "endpoint"},
    {'a', "PUT", "/authorizations/clients/abc", "endpoint"},
    {'a', "POST", "/orgs/acme/personal-access-tokens", "endpoint"},
    {'a', "POST", "/orgs/acme/personal-access-tokens/1", "endpoint"},
    {'a', "POST", "/Organizations/1/Personal-Access-Token-Requests", "endpoint"},
    {'a', "POST", "/orgs%2Facme/personal-access-token-requests/1/", "endpoint"},
    {'a', "GET", "/orgs/acme/personal-access-tokens", API_SET},
    {'a', "DELETE", "/orgs/acme/credential-authorizations/1", "endpoint"},
    {'a', "DELETE", "/organizations/1/credential-authorizations/1", "endpoint"},
    {'a', "GET", "/copilot_internal/v2/token", "endpoint"},
    {'a', "GET", "/Copilot%5Finternal/v2/token", "endpoint"},
};

// An Enterprise Server answers everything on one host.
static const struct policy_case server_paths[] = {
    {'s', "GET", "/acme/widgets.git/info/refs?service=git-upload-pack", READ_WIDGETS},
    {'s', "GET", "/api/v3/repos/acme/widgets/pulls", API_WIDGETS},
    {'s', "GET", "/API/V3/repos/acme/widgets", API_WIDGETS},
    {'s', "GET", "/api/v3", API_SET},
    {'s', "GET", "/api/v3/", API_SET},
    {'s', "GET", "/api/v3/user", API_SET},
    {'s', "POST", "/api/uploads/repos/acme/widgets/releases/1/assets?name=a", API_WIDGETS},
    {'s', "POST", "/api/graphql", "graphql"},
    {'s', "POST", "/api/v3/graphql", "graphql"},
    {'s', "POST", "/API/GraphQL", "graphql"},
    {'s', "POST", "/api%2Fgraphql", "graphql"},
    {'s', "GET", "/api/v3/repos/acme/secret", "no token"},
    {'s', "GET", "/%61pi/v3/repos/acme/widgets", "name"},
    {'s', "GET", "/api%2Fv3/repos/acme/widgets", "name"},
    {'s', "GET", "/api/v%33/repos/acme/secret", "name"},
    {'s', "GET", "/api//v3/repos/acme/widgets", "target"},
    {'s', "GET", "/api/v3/../../acme/secret", "target"},
    {'s', "POST", "/api/v3/app/installations/1/access_tokens", "endpoint"},
    {'s', "POST", "/Api/V3/App/installations/1/access_tokens", "endpoint"},
    {'s', "POST", "/api/v3/%61pp/installations/1/access_tokens", "endpoint"},
    {'s', "POST", "/%61pi%2fv3%2fapp%2finstallations%2f1%2faccess_tokens", "endpoint"},
    {'s', "POST", "/api/v3/user/keys", "endpoint"},
    {'s', "DELETE", "/api/v3/installation/token", "endpoint"},
    {'s', "POST", "/api/v3/repos/acme/widgets/keys", "endpoint"},
    {'s', "POST", "/api/v3/orgs/acme/actions/runners/registration-token", "endpoint"},
    {'s', "POST", "/api/v3/admin/users/octocat/authorizations", "endpoint"},
    {'s', "GET", "/api/v3/admin/tokens", "endpoint"},
    {'s', "DELETE", "/api/v3/Admin/Keys/1", "endpoint"},
    {'s', "POST", "/login/oauth/access_token", "endpoint"},
    {'s', "GET", "/api/unknown", "no token"},
    {'s', "GET", "/api/acme/widgets.git/info/refs?service=git-upload-pack", "no token"},
    {'s', "GET", "/repos/acme/widgets", "no token"},
    {'s', "GET", "/raw/acme/secret/main/a?token=x", "no token"},
    {'s', "GET", "/media/acme/secret/main/a?token=x", "no token"},
    {'s', "GET", "/_codeload/acme/secret/zip/main?token=x", "no token"},
    {'s', "GET", "/storage/lfs/1/objects/abc?token=x", "no token"},
    {'s', "GET", "/storage/x.git/info/refs?service=git-upload-pack", "no token"},
};

// Pages never get a token, however they are written.
static const struct policy_case pages[] = {
    {'w', "GET", "/", "no token"},
    {'w', "GET", "/acme", "no token"},
    {'w', "GET", "/acme/widgets", "no token"},
    {'w', "GET", "/acme/widgets/", "no token"},
    {'w', "GET", "/acme/widgets.git", "no token"},
    {'w', "GET", "/acme/widgets/releases/download/v1/a.tar.gz", "no token"},
    {'w', "GET", "/acme/widgets/archive/refs/heads/main.zip", "no token"},
    {'w', "GET", "/acme/widgets/archive/refs%2Fheads%2Fmain.zip", "no token"},
    {'w', "GET", "/acme/widgets/raw/main/info/refs", "no token"},
    {'w', "GET", "/acme/widgets/HEAD", "no token"},
    {'w', "GET", "/topics/c%2B%2B", "no token"},
    {'w', "POST", "/session", "no token"},
    {'w', "OPTIONS", "/acme/widgets", "no token"},
};

static void check(const struct policy_case *cases, size_t count)
{
    struct policy_hosts hosts;

    policy_hosts_init(&hosts, "acme");
    policy_cases_check(&hosts, &tricked_rules, cases, count);
    policy_hosts_clear(&hosts);
}

static void names_of_git_are_read_in_one_way(void **state)
{
    check(git_names, GL_ARRAY_SIZE(git_names));
}

static void names_of_lfs_are_read_in_one_way(void **state)
{
    check(lfs_names, GL_ARRAY_SIZE(lfs_names));
}

static void names_of_the_api_are_read_in_one_way(void **state)
{
    check(api_names, GL_ARRAY_SIZE(api_names));
}

static void credentials_are_out_of_reach(void **state)
{
    check(credential_endpoints, GL_ARRAY_SIZE(credential_endpoints));
}

static void an_enterprise_server_is_told_by_path(void **state)
{
    check(server_paths, GL_ARRAY_SIZE(server_paths));
}

static void pages_get_no_token(void **state)
{
    check(pages, GL_ARRAY_SIZE(pages));
}

static void list(const struct policy_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf("%c\t%s\t%s\t%s\n", cases[i].host, cases[i].method, cases[i].target, cases[i].expected);
}

// The integration tests send all of them over the wire.
static int list_all(void)
{
    list(git_names, GL_ARRAY_SIZE(git_names));
    list(lfs_names, GL_ARRAY_SIZE(lfs_names));
    list(api_names, GL_ARRAY_SIZE(api_names));
    list(credential_endpoints, GL_ARRAY_SIZE(credential_endpoints));
    list(server_paths, GL_ARRAY_SIZE(server_paths));
    list(pages, GL_ARRAY_SIZE(pages));
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_git_are_read_in_one_way),     cmocka_unit_test(names_of_lfs_are_read_in_one_way),
        cmocka_unit_test(names_of_the_api_are_read_in_one_way), cmocka_unit_test(credentials_are_out_of_reach),
        cmocka_unit_test(an_enterprise_server_is_told_by_path), cmocka_unit_test(pages_get_no_token),
    };

    if (argc == 2 && strcmp(argv[1], "--list") == 0)
        return list_all();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
