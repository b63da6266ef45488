"""Rules beyond git's own requests: LFS, wikis, the API and its paths, uploads, GraphQL; and that neither a foreign
credential nor a redirect leads round them."""
import base64
import json
import re
import subprocess

import pytest
from lib import receive_pack, seed
from lib.github import some
from lib.gitlatch import BINARY
from lib.raw import Raw
from lib.receive_pack import ZERO

WIDGETS = "https://github.com/acme/widgets.git"
API = "https://api.github.com"
RULES = [{"match": "acme/widgets", "fetch": True, "push": ["refs/heads/agent/*"],
          "permissions": {"issues": "write", "pull_requests": "read"}, "paths": ["issues/**", "pulls"]},
         {"match": "acme/gadgets", "fetch": True},
         {"match": "acme/closed"}]
JSON = "Content-Type: application/vnd.git-lfs+json\r\nAccept: application/vnd.git-lfs+json\r\n"


@pytest.fixture
def at(start, folder):
    gitlatch = start(repositories=RULES, github={"default_owner": "acme"})
    workspace = gitlatch.workspace(folder / "workspace")
    workspace.gitlatch = gitlatch
    return workspace


def ask(gitlatch, host, method, path, body=None, headers=""):
    with Raw.intercepted(gitlatch, host) as raw:
        return raw.ask(method, path, "User-Agent: test\r\n" + headers,
                       b"" if body is None else json.dumps(body).encode(), host)


def api(at, method, path, body=None, host="api.github.com"):
    return ask(at.gitlatch, host, method, path, body)


def refused(answer, code, status=403):
    assert answer.status == status and f"reason {code}, request " in json.loads(answer.body)["message"], answer
    return True


def reached(github, path):
    return [request for request in github.requests() if request.path == path]


# LFS.

def batch(operation, ref=None):
    body = {"operation": operation, "transfers": ["basic"], "objects": [{"oid": "a" * 64, "size": 3}]}
    return {**body, "ref": {"name": ref}} if ref else body


LFS_REFUSED = [
    ("widgets.git/info/lfs/objects/batch", batch("upload", "refs/heads/main"), "ref", 403),
    ("gadgets.git/info/lfs/objects/batch", batch("upload", "refs/heads/agent/x"), "lfs", 403),
    ("gadgets.git/info/lfs/locks", {"path": "a"}, "lfs", 403),
    ("gadgets.git/info/lfs/locks/1/unlock", {"force": True}, "lfs", 403),
    ("gadgets.git/info/lfs/locks/verify", {}, "lfs", 404),
    ("widgets.git/info/lfs/locks", {"path": "a", "ref": {"name": "refs/heads/main"}}, "ref", 403),
    ("widgets.git/info/lfs/locks/1/unlock", {"ref": {"name": "refs/heads/main"}}, "ref", 403),
    ("widgets.git/info/lfs/locks/verify", {"ref": {"name": "refs/heads/main"}}, "ref", 404),
    ("closed.git/info/lfs/objects/batch", batch("download"), "lfs", 403),
    ("other.git/info/lfs/objects/batch", batch("upload"), "repository", 403),
    ("widgets.git/info/lfs/objects/batch", {"operation": "steal"}, "lfs_malformed", 400),
    ("widgets.git/info/lfs/objects/batch", [], "lfs_malformed", 400),
]


def test_lfs_that_is_refused(at, github):
    for path, body, code, status in LFS_REFUSED:
        answer = ask(at.gitlatch, "github.com", "POST", f"/acme/{path}", body, JSON)
        assert refused(answer, code, status), (path, body)
        assert answer.header("Content-Type") == "application/vnd.git-lfs+json"
    assert [request for request in github.requests() if "/info/lfs/" in request.path] == []


LFS_ALLOWED = [
    ("widgets.git/info/lfs/objects/batch", batch("upload", "refs/heads/agent/x"), "write"),
    ("widgets.git/info/lfs/objects/batch", batch("upload"), "write"),
    ("widgets.git/info/lfs/objects/batch", batch("download", "refs/heads/main"), "read"),
    ("gadgets.git/info/lfs/objects/batch", batch("download"), "read"),
    ("widgets.git/info/lfs/locks", {"path": "a", "ref": {"name": "refs/heads/agent/x"}}, "write"),
    ("widgets.git/info/lfs/locks/verify", {}, "write"),
]


def test_lfs_that_is_allowed(at, github):
    for path, body, level in LFS_ALLOWED:
        answer = ask(at.gitlatch, "github.com", "POST", f"/acme/{path}", body, JSON)
        assert answer.status < 300, (path, body, answer)
        request = reached(github, f"/acme/{path}")[-1]
        assert request.scope["permissions"]["contents"] == level and request.auth == "basic", (path, body)


def test_git_lfs_says_which_ref_is_refused(at, github):
    at.git("lfs", "install", "--skip-repo")
    clone = at.clone(WIDGETS)
    at.git("lfs", "track", "*.bin", cwd=clone)
    at.commit(clone, {".gitattributes": (clone / ".gitattributes").read_text(), "a.bin": "a"})
    done = at.git("push", "origin", "main", cwd=clone, check=False)
    assert "gitlatch: the rule does not allow to push this ref: refs/heads/main (rule acme/widgets)" in done.all, done
    assert "Everything up-to-date" not in done.all
    at.git("push", "--quiet", "origin", "main:agent/lfs", cwd=clone, check=None)


# Wikis.

def test_a_wiki_that_may_only_be_read(at, github):
    for name in ("widgets", "gadgets", "closed"):
        for service, code in (("git-upload-pack", "fetch" if name == "closed" else None),
                              ("git-receive-pack", None if name == "widgets" else "push")):
            answer = ask(at.gitlatch, "github.com", "GET", f"/acme/{name}.wiki.git/info/refs?service={service}")
            if code:
                assert answer.status == 403 and f"reason {code}," in answer.body.decode(), answer
            else:
                assert f"reason {'push'}," not in answer.body.decode()
    assert {request.scope["permissions"]["contents"] for request in github.requests(method="GET") if request.token
            and ".wiki" in request.path and "receive" in request.query} == {"write"}


# The API.

API_REFUSED = [
    ("GET", "/repos/acme/widgets", "path"), ("GET", "/repos/acme/widgets/pulls/1", "path"),
    ("PUT", "/repos/acme/widgets/contents/a", "path"), ("GET", "/repos/acme/closed", "permission"),
    ("PATCH", "/repos/acme/widgets/git/refs/heads/main", "path"),
    ("POST", "/repos/acme/widgets/keys", "endpoint"), ("POST", "/repos/acme/widgets/actions/runners/registration-token",
                                                       "endpoint"),
    ("DELETE", "/installation/token", "endpoint"), ("POST", "/app/installations/700001/access_tokens", "endpoint"),
    ("POST", "/credentials/revoke", "endpoint"), ("GET", "/user/keys", "endpoint"),
    ("POST", "/applications/abc/token", "endpoint"), ("POST", "/app-manifests/x/conversions", "endpoint"),
]


def test_an_api_call_that_is_refused(at, github):
    for method, path, code in API_REFUSED:
        answer = api(at, method, path, {} if method != "GET" else None)
        assert refused(answer, code), (method, path)
        assert answer.header("Content-Type").startswith("application/json")
        assert "documentation_url" in json.loads(answer.body)
    assert github.requests(host="api.github.com") == []


def test_login_pages_are_refused(at, github):
    for path in ("/login/oauth/access_token", "/login/device/code", "/login"):
        answer = ask(at.gitlatch, "github.com", "POST", path, {})
        assert answer.status == 403 and "reason endpoint," in answer.body.decode()
        assert reached(github, path) == []


def test_an_api_call_that_is_allowed_has_the_rules_token(at, github):
    assert api(at, "GET", "/repos/acme/widgets/pulls").status == 200
    assert api(at, "POST", "/repos/acme/widgets/issues", {"title": "seen"}).status in (201, 404)
    request = reached(github, "/repos/acme/widgets/pulls")[-1]
    assert request.auth == "bearer" and request.scope["repository_ids"] == [github.id("acme/widgets")]
    granted = request.scope["permissions"]
    assert {name: granted[name] for name in granted if name != "metadata"} == {
        "issues": "write", "pull_requests": "read", "contents": "read"}


def test_a_repository_by_its_id(at, github):
    """It is decided by its name, known or looked up."""
    github.repository("acme/secret", files={"a": "a"})
    ids = {name: github.id(f"acme/{name}") for name in ("widgets", "secret")}
    assert refused(api(at, "GET", f"/repositories/{ids['widgets']}"), "path")
    assert api(at, "GET", f"/repositories/{ids['widgets']}/pulls").status == 200
    assert reached(github, f"/repositories/{ids['widgets']}/pulls")[-1].scope["repository_ids"] == [ids["widgets"]]
    answer = api(at, "GET", f"/repositories/{ids['secret']}/issues")
    assert answer.status in (403, 404)
    assert [request.auth for request in reached(github, f"/repositories/{ids['secret']}/issues")] == ["none"]
    assert refused(api(at, "GET", "/repositories/999999/issues"), "repository_id")


def test_uploads(at, github):
    """The uploads host is the API's, by the same rules."""
    path = "/repos/acme/widgets/releases/1/assets"
    assert refused(api(at, "POST", f"{path}?name=a", {}, "uploads.github.com"), "path")
    closed = "/repos/acme/closed/releases/1/assets?name=a"
    assert refused(api(at, "POST", closed, {}, "uploads.github.com"), "permission")
    api(at, "POST", "/repos/acme/secret/releases/1/assets?name=a", {}, "uploads.github.com")
    assert reached(github, path) == []
    assert [request.auth for request in github.requests(host="uploads.github.com")] == ["none"]


def test_graphql_has_a_token_for_those_that_say_so(github, start):
    query = {"query": "query($owner:String!){repository(owner:$owner,name:\"widgets\"){name}}",
             "variables": {"owner": "acme"}}
    rule = {"match": "acme/widgets", "fetch": True, "permissions": {"issues": "write"}}
    allowed = start(repositories=[{**rule, "graphql": True}])
    assert ask(allowed, "api.github.com", "POST", "/graphql", query).status == 200
    request = reached(github, "/graphql")[-1]
    assert request.scope["repository_ids"] == [github.id("acme/widgets")]
    query["variables"]["owner"] = "globex"
    answer = ask(allowed, "api.github.com", "POST", "/graphql", query)
    assert answer.status == 403 and "gitlatch" in json.loads(answer.body)["message"], answer
    without = start(repositories=[rule])
    assert refused(ask(without, "api.github.com", "POST", "/graphql", query), "graphql")
    assert len(reached(github, "/graphql")) == 1


def node_id(prefix, *ids):
    """As GitHub writes it: base64url of the MessagePack array [0, ID, …]."""
    packed = bytes([0x91 + len(ids), 0]) + b"".join(b"\xce" + number.to_bytes(4, "big") for number in ids)
    return f"{prefix}_{base64.urlsafe_b64encode(packed).decode().rstrip('=')}"


def test_graphql_goes_to_the_owner_of_its_nodes(github, start, folder):
    """A mutation of gh's names no owner, but the id of a repository, or of what belongs to one."""
    rule = {"fetch": True, "permissions": {"issues": "write"}, "graphql": True}
    gitlatch = start(repositories=[{"match": "acme/widgets", **rule}, {"match": "globex/lib", **rule}])
    lib, widgets = github.id("globex/lib"), github.id("acme/widgets")

    def mutate(node):
        return ask(gitlatch, "api.github.com", "POST", "/graphql",
                   {"query": "query($input: Any){viewer{login}}", "variables": {"input": {"subjectId": node}}})

    # Nobody has met it yet.
    assert mutate(node_id("R", lib)).status == 403 and not reached(github, "/graphql")
    workspace = gitlatch.workspace(folder / "workspace")
    for url in ("https://github.com/globex/lib.git", WIDGETS):
        workspace.git("ls-remote", url)
    for node, repository in ((node_id("R", lib), lib), (node_id("PR", widgets, 7), widgets),
                             (node_id("I", lib, 4711), lib)):
        mutate(node)
        assert reached(github, "/graphql")[-1].scope["repository_ids"] == [repository], node
    # A hint and nothing more: of an id of somebody else's nothing comes, nor of one that is none.
    count = len(reached(github, "/graphql"))
    for node in (node_id("R", 4242), node_id("U", lib), "R_!", "4711"):
        assert mutate(node).status == 403
    assert len(reached(github, "/graphql")) == count


# No way round.

def foreign_headers(token):
    basic = base64.b64encode(f"x:{token}".encode()).decode()
    return [f"Authorization: Bearer {token}\r\n", f"authorization: Basic {basic}\r\n",
            f"Authorization: token {token}\r\nAuthorization: Bearer {token}\r\n",
            f"Cookie: user_session={token}\r\n", f"Proxy-Authorization: Basic {basic}\r\n",
            f"Connection: Authorization\r\nAuthorization: Bearer {token}\r\n"]


def test_a_foreign_credential_never_arrives(at, github):
    """octocat's own token opens octocat/dotfiles to octocat, and to nobody in here."""
    token = github.token(user="octocat")
    for headers in foreign_headers(token):
        for host, method, path in (("github.com", "GET", "/octocat/dotfiles.git/info/refs?service=git-upload-pack"),
                                   ("github.com", "GET", "/octocat/dotfiles.git/info/refs?service=git-receive-pack"),
                                   ("github.com", "GET", "/acme/widgets.git/info/refs?service=git-upload-pack"),
                                   ("api.github.com", "GET", "/repos/octocat/dotfiles"),
                                   ("api.github.com", "GET", "/user"),
                                   ("github.com", "GET", "/octocat/dotfiles/releases/download/v1/a")):
            answer = ask(at.gitlatch, host, method, path, headers=headers)
            assert answer.status in (200, 400, 403, 404), (headers, path, answer)
            if "octocat" in path:
                assert answer.status != 200, (headers, path)
    body = receive_pack.commands((ZERO, github.head("octocat/dotfiles"), "refs/heads/stolen"))
    with Raw.intercepted(at.gitlatch) as raw:
        receive_pack.push(raw, "octocat/dotfiles", body, f"Authorization: Bearer {token}\r\n")
    assert github.head("octocat/dotfiles", "refs/heads/stolen") is None
    for request in some(github.requests()):
        assert token not in str(request.headers) and not request.header("Cookie"), request
        assert request.auth == "none" or (request.scope or {}).get("user") is None, request


def test_copilot_is_told_why(start):
    answer = ask(start(), "api.github.com", "GET", "/copilot_internal/v2/token")
    assert answer.status == 403 and b"Copilot wants a person's own credential, which no workspace gets" in answer.body


def test_who_else_uses_the_app_is_for_the_log_alone(start, folder):
    """Without rules and a default owner /user belongs to no installation; the credential is well all the same."""
    gitlatch = start(repositories=None)
    answer = ask(gitlatch, "api.github.com", "GET", "/user")
    assert answer.status == 403 and b"reason owner" in answer.body
    assert b"globex" not in answer.body and b"acme" not in answer.body
    line = gitlatch.wait_log("names no repository is refused")
    assert "globex" in line and "acme" in line and "github.default_owner" in line
    (credential,) = gitlatch.status()["credentials"]
    assert credential["state"] == "no token yet"


def test_a_token_in_the_query_never_arrives(at, github):
    token = github.token(user="octocat")
    for path in (f"/repos/acme/widgets/pulls?access_token={token}&state=all",
                 f"/repos/acme/widgets/pulls?state=all&ACCESS_TOKEN={token}",
                 f"/repos/octocat/dotfiles?access%5Ftoken={token}",
                 f"/user?client_secret={token}&access_token={token}"):
        api(at, "GET", path)
    for request in some(github.requests()):
        assert token not in request.query, request.query
    assert any("state=all" in request.query for request in github.requests(host="api.github.com")), "the rest is kept"


def test_user_info_in_a_url_is_of_no_use(at, github):
    token = github.token(user="octocat")
    done = at.git("clone", f"https://octocat:{token}@github.com/octocat/dotfiles.git", check=None)
    assert done.code != 0, "a private repository that no rule names"
    at.git("clone", "--quiet", f"https://octocat:{token}@github.com/acme/widgets.git", "mine")
    done = at.git("push", f"https://octocat:{token}@github.com/octocat/dotfiles.git", "HEAD:refs/heads/stolen",
                  cwd=at.folder / "mine", check=False)
    assert "no rule allows this repository: octocat/dotfiles" in done.err
    code, _ = at.status("--user", f"octocat:{token}", f"{API}/repos/octocat/dotfiles")
    assert code in (403, 404)
    assert github.head("octocat/dotfiles", "refs/heads/stolen") is None
    assert not any(token in str(request.headers) for request in some(github.requests()))


def test_lfs_action_headers_toward_github_are_removed(at, github):
    """An LFS server may tell git-lfs to send a credential: toward GitHub's own hosts it is removed."""
    token = github.token(user="octocat")
    basic = base64.b64encode(f"octocat:{token}".encode()).decode()
    for host in ("github.com", "api.github.com", "uploads.github.com"):
        ask(at.gitlatch, host, "PUT", "/octocat/dotfiles/objects/abc", {"x": 1},
            f"Authorization: RemoteAuth {basic}\r\n")
    assert not any(basic in str(request.headers) for request in github.requests())


def test_a_redirect_is_decided_anew(start, folder, github):
    """A repository that was renamed to a name that no rule allows is out of reach, though its old name has a rule."""
    github.repository("acme/old", files={"a": "a"})
    gitlatch = start(repositories=[{"match": "acme/old", "fetch": True, "push": True}], other_repositories="deny")
    at = gitlatch.workspace(folder / "workspace")
    clone = at.clone("https://github.com/acme/old.git")
    github.rename("acme/old", "moved")
    at.commit(clone, {"b": "b"})
    for words in (["fetch", "origin"], ["push", "origin", "main"]):
        done = at.git(*words, cwd=clone, check=False)
        assert "acme/moved" in done.err or "not" in done.err, done
    before = github.head("acme/moved")
    assert seed.git(github.path("acme/moved"), "rev-parse", "main") == before
    assert not [request for request in github.requests() if request.path.startswith("/acme/moved") and request.token]
    answer = ask(gitlatch, "api.github.com", "GET", "/repos/acme/old/pulls")
    assert answer.status in (301, 403, 404, 503), answer


def test_a_redirect_that_github_answers_is_handed_on_as_it_is(at, github):
    """gitlatch follows none itself: the tool comes back and is decided under the new name."""
    github.fault(method="GET", path="/acme/widgets.git/info/refs", status=301, count=1,
                 headers={"Location": "https://github.com/mallory/exfil.git/info/refs?service=git-upload-pack"})
    done = at.git("clone", WIDGETS, "redirected", check=False)
    assert [request.path for request in github.requests() if request.token and "mallory" in request.path] == [], done
    github.fault(method="POST", path="*/git-upload-pack", status=307, count=1,
                 headers={"Location": "https://evil.test/acme/widgets.git/git-upload-pack"})
    at.git("clone", WIDGETS, "again", check=None)
    assert not any(request.token for request in github.requests() if request.host == "evil.test")


# Where `push` is a list of refs, the API is no way round it.

BYPASSES = ["contents", "administration", "secrets", "environments", "actions", "workflows", "repository_hooks"]
WRITES = [
    ("PUT", "contents/stolen", {"message": "m", "content": "eA==", "branch": "main"}),
    ("DELETE", "contents/README.md", {"message": "m", "sha": "1" * 40, "branch": "main"}),
    ("PATCH", "git/refs/heads/main", {"sha": "HEAD", "force": True}),
    ("POST", "git/refs", {"ref": "refs/heads/stolen", "sha": "HEAD"}),
    ("DELETE", "git/refs/heads/feature", {}),
    ("POST", "merges", {"base": "main", "head": "feature"}),
    ("PUT", "pulls/1/merge", {}),
    ("POST", "merge-upstream", {"branch": "main"}),
    ("POST", "branches/feature/rename", {"new_name": "stolen"}),
    ("PUT", "pulls/1/update-branch", {}),
    ("POST", "releases", {"tag_name": "v-stolen", "target_commitish": "main"}),
    ("POST", "dispatches", {"event_type": "steal"}),
    ("POST", "forks", {"organization": "mallory"}),
]


@pytest.mark.parametrize("name", BYPASSES)
def test_a_permission_that_goes_round_a_list_of_refs(folder, name):
    """It is a mistake, unless the rule says that it is meant."""
    def check(**rule):
        path = folder / "gitlatch.yaml"
        path.write_text(json.dumps({"credentials": [{"type": "environment", "name": "UNUSED"}], "repositories": [
            {"match": "acme/widgets", "permissions": {name: "write"}, **rule}]}))
        return subprocess.run([BINARY, "check", "-c", path, "--explain", "api", "GET", "/repos/acme/widgets"],
                              capture_output=True, text=True, timeout=60)
    refused = check(push=["refs/heads/agent/*"])
    assert refused.returncode == 2 and refused.stderr.endswith(
        f"repositories[0].permissions: `{name}: write` goes round the refs of `push`; take it away, or say `accept_bypass: true`\n")
    for rule in ({"push": ["refs/heads/agent/*"], "accept_bypass": True}, {"push": True}, {"fetch": True}):
        assert check(**rule).returncode == 0, rule


def test_no_api_call_writes_a_ref(start, github):
    """The token of a rule whose `push` is a list cannot write contents, whatever is asked with it."""
    gitlatch = start(repositories=[{"match": "acme/widgets", "fetch": True, "push": ["refs/heads/agent/*"],
                                    "graphql": True, "permissions": {
                                        "pull_requests": "write", "issues": "write"}}])
    refs = seed.git(github.path("acme/widgets"), "for-each-ref")
    head = github.head("acme/widgets")
    for method, path, body in WRITES:
        body = {key: head if value == "HEAD" else value for key, value in body.items()}
        answer = ask(gitlatch, "api.github.com", method, f"/repos/acme/widgets/{path}", body)
        assert answer.status in (403, 404, 405, 422), (method, path, answer)
    for query in ("mutation { createRef(input: {}) { clientMutationId } }",
                  "mutation { updateRef(input: {}) { clientMutationId } }",
                  "mutation { createCommitOnBranch(input: {}) { clientMutationId } }",
                  "mutation { mergePullRequest(input: {}) { clientMutationId } }"):
        ask(gitlatch, "api.github.com", "POST", "/graphql", {"query": query, "variables": {"owner": "acme"}})
        ask(gitlatch, "api.github.com", "GET", f"/graphql?query={query.replace(' ', '%20')}")
    assert seed.git(github.path("acme/widgets"), "for-each-ref") == refs
    seen = [request for request in github.requests(host="api.github.com") if request.token and request.scope
            and not request.path.startswith("/app/")]
    assert len(seen) > len(WRITES)
    assert {request.scope["permissions"].get("contents", "none") for request in seen} <= {"read", "none"}


def by_id(workspace, number, path=""):
    """The answer, without what differs from request to request."""
    status, body = workspace.status(f"https://api.github.com/repositories/{number}{path}")
    return status, re.sub(r"request [0-9a-f]{16}", "request ID", body)


@pytest.mark.parametrize("other", ["deny", "anonymous"])
def test_ids_tell_neither_names_nor_what_is_there(start, folder, github, other):
    """A private repository that no rule names, one that the App does not cover, and none at all: one answer."""
    gitlatch = start(repositories=[{"match": "acme/widgets", "fetch": True, "permissions": {"issues": "read"}}],
                     other_repositories=other, github={"default_owner": "acme"})
    workspace = gitlatch.workspace(folder / "workspace")
    assert by_id(workspace, github.id("acme/widgets"))[0] == 200
    for path in ("", "/issues"):
        answers = {name: by_id(workspace, number, path) for name, number in {
            "denied": github.id("acme/gadgets"), "not covered": github.id("globex/lib"), "none": 987654321}.items()}
        assert len(set(answers.values())) == 1, answers
        status, body = answers["denied"]
        assert status == 403 and "repository_id" in body and "gadgets" not in body
    # The operator sees which one it was.
    assert any(event.get("repository") == "acme/gadgets" for event in gitlatch.audit(operation="api"))


def test_ids_that_are_counted_through_cost_github_little(start, folder, github):
    gitlatch = start(repositories=[{"match": "acme/widgets", "fetch": True, "permissions": {"issues": "read"}}],
                     github={"default_owner": "acme"})
    with Raw.intercepted(gitlatch, "api.github.com") as raw:
        answers = [raw.ask("GET", f"/repositories/{1_000_000 + number}", host="api.github.com") for number in range(150)]
    assert {answer.status for answer in answers} == {403, 429}
    assert int(answers[-1].header("Retry-After")) >= 1
    assert len([request for request in github.requests() if request.path.startswith("/repositories/")]) <= 70
    # What is known needs no look-up.
    workspace = gitlatch.workspace(folder / "workspace")
    workspace.git("ls-remote", "https://github.com/acme/widgets.git")
    assert by_id(workspace, github.id("acme/widgets"))[0] == 200
