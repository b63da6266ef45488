"""The mock GitHub's REST and GraphQL, with gh and curl."""
import json
import re

import pytest
from lib.direct import API, WIDGETS, basic, direct  # noqa: F401


@pytest.fixture
def gh(direct):
    """gh with a token of all that acme granted."""
    direct.use(direct.token())

    def gh(*arguments, **options):
        return direct.run("gh", *arguments, **options)
    return gh


def test_gh_api_and_pages_named_by_id(gh, github):
    assert json.loads(gh("api", "repos/acme/widgets").out)["full_name"] == "acme/widgets"
    for number in range(5):
        gh("api", "repos/acme/widgets/issues", "-f", f"title=issue {number}")
    titles = gh("api", "--paginate", "repos/acme/widgets/issues?per_page=2", "--jq", ".[].title").out.split("\n")
    assert titles[:-1] == [f"issue {number}" for number in (4, 3, 2, 1, 0)]
    paths = [request.path for request in github.requests(method="GET") if request.path.endswith("/issues")]
    assert paths == ["/repos/acme/widgets/issues"] + ["/repositories/500001/issues"] * 2
    names = gh("api", "--paginate", "installation/repositories?per_page=2", "--jq", ".repositories[].name").out.split()
    assert names == ["widgets", "gadgets", "public", "new-name"]


def test_gh_repo(gh, direct, github):
    assert "Look round" in gh("repo", "view", "acme/widgets").out
    gh("repo", "clone", "acme/widgets")
    assert direct.head(direct.folder / "widgets") == github.head("acme/widgets")
    assert "acme/gadgets" in gh("repo", "list", "acme").out
    assert "Could not resolve to a Repository with the name 'acme/none'." in gh("repo", "view", "acme/none",
                                                                               check=False).err


def test_gh_pr_and_issue(gh, direct, github):
    clone = direct.clone(WIDGETS)
    direct.commit(clone, {"a": "a"}, branch="topic")
    direct.git("push", "--quiet", "--set-upstream", "origin", "topic", cwd=clone)
    created = gh("pr", "create", "--title", "A feature", "--body", "Good", "--head", "topic", cwd=clone).out
    assert created == "https://github.com/acme/widgets/pull/1\n"
    assert re.search(r"1\s+A feature\s+topic\s+OPEN", gh("pr", "list", cwd=clone).out)
    assert "already exists" in gh("pr", "create", "--title", "B", "--body", "", "--head", "topic", cwd=clone,
                                  check=False).err
    assert github.head("acme/widgets", "refs/pull/1/head") == direct.head(clone)
    gh("issue", "create", "--title", "A bug", "--body", "Bad", cwd=clone)
    assert "A bug" in gh("issue", "list", cwd=clone).out
    gh("api", "repos/acme/widgets/issues/2/comments", "-f", "body=Yes")
    assert gh("api", "repos/acme/widgets/issues/2/comments", "--jq", ".[].body").out == "Yes\n"
    assert json.loads(gh("api", "repos/acme/widgets/pulls/1").out)["head"]["ref"] == "topic"


def test_gh_release(gh, direct, github):
    (direct.folder / "tool.tar").write_text("tool")
    for repository in ("acme/widgets", "acme/public"):
        gh("release", "create", "v2", "tool.tar", "--repo", repository, "--title", "v2", "--notes", "n")
        gh("release", "download", "v2", "--repo", repository, "--dir", repository.replace("/", "-"))
        assert (direct.folder / repository.replace("/", "-") / "tool.tar").read_text() == "tool"
        assert github.head(repository, "refs/tags/v2") == github.head(repository)
    assert {request.status for request in github.requests(host="uploads.github.com")} == {201}
    url = "https://github.com/acme/public/releases/download/v2/tool.tar"
    assert direct.status("--location", url) == (200, "tool")
    assert direct.status("--header", f"Authorization: {basic(direct.env['GH_TOKEN'])}", url)[0] == 404
    assert direct.status(url.replace("public", "widgets"))[0] == 404
    asset = direct.curl("--write-out", "%{redirect_url}", url).out
    assert asset.startswith("https://release-assets.githubusercontent.com/")
    assert direct.status("--header", f"Authorization: {basic('x')}", asset)[0] == 400


def test_contents_refs_and_comparisons(gh, github):
    assert gh("api", "repos/acme/widgets/git/ref/heads%2Fmain", "--jq", ".object.sha").out.strip() == \
        github.head("acme/widgets")
    assert gh("api", "repos/acme/widgets/compare/v1.0.0...main", "--jq", ".ahead_by").out == "1\n"
    gh("api", "-X", "PUT", "repos/acme/widgets/contents/d/new.txt", "-f", "message=m", "-f", "content=aGVsbG8=")
    raw = gh("api", "repos/acme/widgets/contents/d/new.txt", "-H", "Accept: application/vnd.github.raw").out
    assert raw == "hello"
    assert gh("api", "repos/acme/widgets/contents/d", "--jq", ".[].path").out == "d/new.txt\n"
    gh("api", "repos/acme/widgets/git/refs", "-f", "ref=refs/heads/x", "-f", f"sha={github.head('acme/widgets')}")
    assert "x" in gh("api", "repos/acme/widgets/branches", "--jq", ".[].name").out.split()
    gh("api", "-X", "DELETE", "repos/acme/widgets/git/refs/heads/x")
    assert github.head("acme/widgets", "refs/heads/x") is None


def test_archives(gh, direct):
    url = "https://github.com/acme/public/archive/refs/heads/main.tar.gz"
    direct.curl("--location", "--output", "a.tgz", url)
    assert "public-mock/README.md" in direct.run("tar", "tzf", "a.tgz").out
    assert direct.status(url.replace("public", "widgets"))[0] == 404
    direct.run("sh", "-c", "gh api repos/acme/widgets/tarball > b.tgz")
    assert "widgets-mock/README.md" in direct.run("tar", "tzf", "b.tgz").out


ENOUGH = {"repositories": ["widgets"], "permissions": {"contents": "write", "issues": "write", "pull_requests": "write"}}


@pytest.mark.parametrize("method,path,body,permission", [
    ("GET", "/contents/README.md", None, {"contents": "read"}),
    ("PUT", "/contents/x", {"message": "m", "content": ""}, {"contents": "write"}),
    ("GET", "/issues", None, {"issues": "read"}),
    ("POST", "/issues", {"title": "t"}, {"issues": "write"}),
    ("GET", "/pulls", None, {"pull_requests": "read"}),
    ("POST", "/pulls", {"title": "t", "head": "feature", "base": "main"}, {"pull_requests": "write"}),
    ("POST", "/git/refs", {"ref": "refs/heads/y", "sha": "x"}, {"contents": "write"}),
    ("POST", "/releases", {"tag_name": "t"}, {"contents": "write"}),
    ("PUT", "/contents/.github/workflows/ci.yml", {"message": "m", "content": ""},
     {"contents": "write", "workflows": "write"})])
def test_permissions_are_enforced(direct, method, path, body, permission):
    granted = direct.token(repositories=["widgets"], permissions=permission)
    name, level = sorted(permission.items())[-1]
    lacking = {**permission, name: "read"} if level == "write" and name != "workflows" else \
        {key: value for key, value in permission.items() if key != name}
    denied = direct.token(repositories=["widgets"], permissions={"metadata": "read", **lacking})
    elsewhere = direct.token(repositories=["gadgets"])
    path = f"/repos/acme/widgets{path}"
    assert direct.api(path, denied, method, body) == (403, {
        "message": "Resource not accessible by integration", "documentation_url": "https://docs.github.com/rest",
        "status": "403"})
    assert direct.api(path, elsewhere, method, body)[0] == 404
    assert direct.api(path, None, method, body)[0] == 404
    assert direct.api(path, granted, method, body)[0] in (200, 201, 422)


def test_permissions_in_graphql(direct):
    query = {"query": "query($o:String!,$n:String!){repository(owner:$o,name:$n){name pullRequests(first:1){totalCount}}}",
             "variables": {"o": "acme", "n": "widgets"}}
    ask = lambda token: direct.api("/graphql", token, "POST", query)  # noqa: E731
    assert ask(direct.token())[1] == {"data": {"repository": {"name": "widgets", "pullRequests": {"totalCount": 0}}}}
    code, answer = ask(direct.token(permissions={"contents": "read"}))
    assert answer["errors"][0]["type"] == "FORBIDDEN" and answer["data"]["repository"]["name"] == "widgets"
    code, answer = ask(direct.token(repositories=["gadgets"]))
    assert answer["errors"][0]["type"] == "NOT_FOUND" and answer["data"]["repository"] is None
    assert ask(None)[0] == 401
    reader = direct.token(permissions={"pull_requests": "read"})
    mutation = {"query": 'mutation{createPullRequest(input:{repositoryId:"R_500001",baseRefName:"main",'
                         'headRefName:"feature",title:"t"}){pullRequest{url}}}'}
    assert direct.api("/graphql", reader, "POST", mutation)[1]["errors"][0]["type"] == "FORBIDDEN"
    assert direct.api("/graphql", direct.token(), "POST", mutation)[1]["data"]["createPullRequest"]["pullRequest"]["url"]
    assert "errors" in direct.api("/graphql", reader, "POST", {"query": "query {"})[1]


def test_what_an_app_may_not(direct):
    token = direct.token()
    code, answer = direct.api("/user", token)
    assert code == 403 and answer["message"] == "Resource not accessible by integration"
    assert direct.api("/user", direct.github.token(user="octocat"))[1]["login"] == "octocat"
    assert direct.api("/user")[0] == 401
    assert direct.api("/repos/acme/widgets", direct.jwt())[0] == 401


def test_strictness(direct):
    code, answer = direct.status("--user-agent", "", f"{API}/repos/acme/public")
    assert code == 403 and "User-Agent header" in answer
    code, answer = direct.api("/no/such/route")
    assert code == 404 and answer["message"] == "Not Found"
    assert direct.api("/repos/acme/widgets/issues", direct.token(), "POST", [1])[0] == 400
    assert direct.api("/repos/acme/widgets", "ghs_wrong")[1]["message"] == "Bad credentials"
    answer = direct.curl("--include", f"{API}/repos/acme/public").out
    for header in ("X-GitHub-Request-Id: ", "X-RateLimit-Remaining: ", "X-RateLimit-Reset: ", "Date: "):
        assert header in answer


def test_renamed_repositories_redirect_to_their_id(direct):
    token = direct.token()
    code, answer = direct.api("/repos/acme/old-name/contents/README.md?ref=main", token)
    assert code == 301 and re.fullmatch(rf"{API}/repositories/\d+/contents/README.md\?ref=main", answer["url"])
    assert direct.api("/repos/acme/old-name/issues", token, "POST", {"title": "t"})[0] == 307


def test_an_enterprise_server_has_all_on_one_host(direct):
    server = "https://ghe.test/api"
    token = direct.mint(base=f"{server}/v3")[1]["token"]
    assert direct.api("/repos/acme/widgets", token, base=f"{server}/v3")[1]["url"].startswith(f"{server}/v3/")
    assert direct.api("/graphql", token, "POST", {"query": "{viewer{login}}"}, base=server)[1]["data"]["viewer"]["login"]
    assert direct.api("/v3/meta", base=server)[1]["installed_version"]
