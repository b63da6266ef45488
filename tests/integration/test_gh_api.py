"""GitHub's API with gh, curl, Python and Node: unchanged tools, a placeholder where gh insists on a token."""
import json
import re

import pytest
from lib.github import some

API = "https://api.github.com"

PYTHON = """
import json, ssl, urllib.request
context = ssl.create_default_context()
context.verify_flags |= ssl.VERIFY_X509_STRICT
opener = urllib.request.build_opener(urllib.request.ProxyHandler(), urllib.request.HTTPSHandler(context=context))
print(json.load(opener.open("https://api.github.com/repos/acme/widgets"))["full_name"])
"""

# Node before 22.21 has no proxy of its own: what an agent of npm does, in its shortest form.
NODE = """
const http = require('http'), https = require('https');
const proxy = new URL(process.env.HTTPS_PROXY);
const connect = http.request({host: proxy.hostname, port: proxy.port, method: 'CONNECT', path: 'api.github.com:443'});
connect.on('connect', (answer, socket) => {
    https.get({socket, agent: false, servername: 'api.github.com', host: 'api.github.com', path: '/repos/acme/widgets',
               headers: {'User-Agent': 'node'}}, (answer) => {
        let body = '';
        answer.on('data', (chunk) => { body += chunk; });
        answer.on('end', () => { console.log(JSON.parse(body).full_name); });
    });
});
connect.end();
"""


GH = {"GH_TOKEN": "gitlatch", "GH_NO_UPDATE_NOTIFIER": "1"}  # gh without any token does not start


@pytest.fixture
def gh(workspace):
    return lambda *arguments, **options: workspace.run("gh", *arguments, env=GH, **options)


def test_gh_api(gh, github):
    assert json.loads(gh("api", "repos/acme/widgets").out)["full_name"] == "acme/widgets"
    (request,) = [request for request in github.requests(host="api.github.com") if request.path == "/repos/acme/widgets"
                  and request.scope]
    assert request.auth == "bearer" and len(request.header("Authorization")) == 1
    assert request.scope["repository_ids"] == [github.id("acme/widgets")]


def test_gh_api_with_pages_that_are_named_by_id(gh, github):
    for number in range(5):
        gh("api", "repos/acme/widgets/issues", "-f", f"title=issue {number}")
    titles = gh("api", "--paginate", "repos/acme/widgets/issues?per_page=2", "--jq", ".[].title").out.split("\n")[:-1]
    assert sorted(titles) == [f"issue {number}" for number in range(5)]
    assert any(re.match(r"/repositories/\d+/", request.path) for request in github.requests(host="api.github.com"))


def test_gh_repo_view(gh):
    assert json.loads(gh("repo", "view", "acme/widgets", "--json", "name").out) == {"name": "widgets"}
    assert "Look round" in gh("repo", "view", "acme/widgets").out


def test_gh_repo_clone(gh, workspace, github):
    gh("repo", "clone", "acme/widgets")
    assert workspace.head(workspace.folder / "widgets") == github.head("acme/widgets")


def test_gh_pr_create_and_list(gh, workspace):
    clone = workspace.clone("https://github.com/acme/widgets.git")
    workspace.commit(clone, {"a": "a"}, branch="topic")
    workspace.git("push", "--quiet", "--set-upstream", "origin", "topic", cwd=clone)
    created = gh("pr", "create", "--title", "A feature", "--body", "It is good", "--head", "topic", cwd=clone)
    assert re.search(r"https://github\.com/acme/widgets/pull/\d+", created.out), created
    assert "A feature" in gh("pr", "list", cwd=clone).out


def test_curl(workspace):
    code, body = workspace.status(f"{API}/repos/acme/widgets")
    assert code == 200 and json.loads(body)["full_name"] == "acme/widgets"


def test_a_python_script_in_strict_mode(workspace):
    assert workspace.run("/usr/bin/python3", "-c", PYTHON).out == "acme/widgets\n"


def test_a_node_script(workspace):
    assert workspace.run("node", "-e", NODE).out == "acme/widgets\n"


def test_a_release_is_uploaded_and_downloaded(start, folder, github):
    """Uploads go to uploads.github.com with a token; /releases/download/ breaks with one and gets none."""
    gitlatch = start(repositories=[{"match": "acme/widgets", "fetch": True, "push": True,
                                    "graphql": True,
                                    "permissions": {"contents": "write"}}])
    workspace = gitlatch.workspace(folder / "releases")
    (workspace.folder / "tool.tar").write_text("tool")
    workspace.run("gh", "release", "create", "v1", "tool.tar", "--repo", "acme/widgets", "--title", "v1",
                  "--notes", "n", env=GH)
    uploads = github.requests(host="uploads.github.com")
    assert uploads and all(request.auth == "bearer" for request in uploads)
    workspace.run("gh", "release", "download", "v1", "--repo", "acme/widgets", "--dir", "got", env=GH)
    assert (workspace.folder / "got/tool.tar").read_text() == "tool"
    workspace.status("--location", "https://github.com/acme/widgets/releases/download/v1/tool.tar")
    downloads = [request for request in github.requests() if "/releases/download/" in request.path]
    assert downloads and all(request.auth == "none" for request in downloads)
    assets = [request for request in github.requests() if "githubusercontent" in (request.host or "")]
    assert all(not request.header("Authorization") for request in some(assets))


def test_graphql_by_a_rule_alone(start, folder, github):
    for graphql, expected in ((True, 200), (False, 403)):
        gitlatch = start(repositories=[{"match": "acme/widgets", "fetch": True, "graphql": graphql,
                                        "permissions": {"issues": "read"}}])
        workspace = gitlatch.workspace(folder / f"graphql-{graphql}")
        query = {"query": "query($owner:String!,$name:String!){repository(owner:$owner,name:$name){id name}}",
                 "variables": {"owner": "acme", "name": "widgets"}}
        code, body = workspace.status("--header", "Content-Type: application/json", "--data", json.dumps(query),
                                      f"{API}/graphql")
        assert code == expected, body
        if expected == 403:
            assert "graphql" in json.loads(body)["message"].lower()


@pytest.mark.parametrize("method,path", [
    ("GET", "/app/installations"), ("POST", "/app/installations/1/access_tokens"),
    ("POST", "/app-manifests/x/conversions"), ("POST", "/applications/x/token"), ("GET", "/user/keys"),
    ("DELETE", "/installation/token"),
    ("POST", "/repos/acme/widgets/actions/runners/registration-token"), ("POST", "/repos/acme/widgets/keys"),
    ("POST", "/credentials/revoke")])
def test_endpoints_that_handle_credentials_are_closed(workspace, github, method, path):
    before = len(github.requests())
    code, body = workspace.status("--request", method, API + path)
    assert code == 403 and "credentials" in json.loads(body)["message"]
    assert len(github.requests()) == before
