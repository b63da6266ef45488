"""Sources beside the App, and their order."""
import http.server
import json
import threading
import urllib.parse

import pytest
from lib.github import APP_ID
from lib.process import wait_until

WIDGETS = "https://github.com/acme/widgets.git"
API = "https://api.github.com"
RULES = [{"match": "acme/*", "fetch": True, "push": ["refs/heads/agent/*"], "graphql": True,
          "permissions": {"pull_requests": "write", "issues": "write"}}]


class Platform(http.server.ThreadingHTTPServer):
    """GET /admin/github-installation-token, as a platform has it."""

    def __init__(self, token):
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.body, self.asked = 200, {"token": token, "expires_at": "2099-01-01T00:00:00Z"}, []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/admin/github-installation-token"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        status = self.server.status if self.headers["Authorization"] == "Bearer admin-token" else 401
        body = json.dumps(self.server.body if status == 200 else {"error": "no"}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def platform(github):
    server = Platform(github.token(owner="acme"))
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def wide(folder, github, platform):
    """wide(kind): a credential of a wide source, and the environment that it needs."""
    token = github.token(user="octocat")
    (folder / "admin-token").write_text("admin-token\n")
    (folder / "pat").write_text(github.token(owner="acme") + "\n")
    (folder / "print-token").write_text(f"#!/bin/sh\necho {github.token(owner='acme')}\n")
    (folder / "print-token").chmod(0o755)
    return lambda kind: {
        "file": ({"type": "file", "path": str(folder / "pat")}, {}),
        "environment": ({"type": "environment", "name": "OPERATOR_TOKEN"},
                        {"OPERATOR_TOKEN": github.token(owner="acme")}),
        "command": ({"type": "command", "argv": [str(folder / "print-token")]}, {}),
        "platform": ({"type": "platform", "url": platform.url, "token_file": str(folder / "admin-token")}, {}),
        "person": ({"type": "environment", "name": "OPERATOR_TOKEN"}, {"OPERATOR_TOKEN": token}),
    }[kind]


WIDE = ("file", "environment", "command", "platform")


@pytest.mark.parametrize("kind", WIDE)
def test_a_wide_token_serves_git_and_no_way_round_the_rules(start, folder, github, wide, kind):
    credential, env = wide(kind)
    gitlatch = start(credentials=[credential], repositories=RULES, env=env)
    workspace = gitlatch.workspace(folder / "workspace")
    clone = workspace.clone(WIDGETS)
    head = workspace.commit(clone, {"a": "1"}, branch="agent/1")
    workspace.git("push", "origin", "agent/1", cwd=clone)
    assert github.head("acme/widgets", "refs/heads/agent/1") == head
    assert "remote rejected" in workspace.git("push", "origin", "agent/1:main", cwd=clone, check=False).err
    assert gitlatch.wait_audit(event="request", operation="push", decision="allow")["source"] == kind
    assert workspace.status(f"{API}/repos/acme/widgets")[0] == 200

    before, number = github.head("acme/widgets"), github.id("acme/widgets")
    update = json.dumps({"sha": head, "force": True})
    mutation = json.dumps({"query": "mutation { updateRef(input: {}) { clientMutationId } }",
                           "variables": {"owner": "acme"}})
    branch = github.head("acme/widgets", "refs/heads/feature")
    for arguments in (["-X", "PATCH", "-d", update, f"{API}/repos/acme/widgets/git/refs/heads/main"],
                      ["-X", "PATCH", "-d", update, f"{API}/repositories/{number}/git/refs/heads/main"],
                      ["-X", "POST", "-d", json.dumps({"ref": "refs/heads/new", "sha": head}),
                       f"{API}/repos/acme/widgets/git/refs"],
                      ["-X", "DELETE", f"{API}/repos/acme/widgets/git/refs/heads/feature"],
                      ["-X", "DELETE", f"{API}/repos/acme/widgets"],
                      ["-X", "PUT", "-d", "{}", f"{API}/repos/acme/widgets/contents/a"],
                      ["-X", "PUT", "-d", "{}", f"{API}/repos/acme/widgets/pulls/1/merge"],
                      ["-X", "POST", "-d", "{}", f"{API}/repos/acme/widgets/merges"],
                      ["-X", "POST", "-d", "{}", f"{API}/repos/acme/widgets/merge-upstream"],
                      ["-X", "POST", "-d", "{}", f"{API}/repos/acme/widgets/dispatches"],
                      ["-X", "POST", "-d", "{}", "https://uploads.github.com/repos/acme/widgets/releases/1/assets?name=a"],
                      ["-X", "POST", "-d", mutation, f"{API}/graphql"],
                      [f"{API}/graphql?query=mutation"],
                      [f"{API}/user"], [f"{API}/installation/repositories"]):
        code, body = workspace.status(*arguments)
        assert code in (403, 405) and "wide_token" in body, (arguments, code, body)
    # A method in disguise is none: GitHub is asked for what the rule lets be read.
    workspace.status("-H", "X-HTTP-Method-Override: DELETE", f"{API}/repos/acme/widgets/git/refs/heads/feature")
    assert github.head("acme/widgets") == before and github.head("acme/widgets", "refs/heads/new") is None
    assert github.head("acme/widgets", "refs/heads/feature") == branch
    written = [request for request in github.requests() if request.method != "GET" and request.host != "github.com"]
    assert all(request.path.endswith("/access_tokens") for request in written), written


def test_wide_api_is_a_choice(start, folder, wide):
    credential, env = wide("file")
    workspace = start(credentials=[{**credential, "wide_api": True}], repositories=RULES, env=env).workspace(
        folder / "workspace")
    assert workspace.status(f"{API}/installation/repositories")[0] == 200


def test_a_wide_token_is_said_at_start_and_by_check(start, wide):
    credential, env = wide("file")
    gitlatch = start(credentials=[credential], repositories=RULES, env=env)
    gitlatch.wait_log("credentials[0]: gives one wide token")


def test_a_platform_is_asked_by_owner_and_once(start, folder, wide, platform):
    credential, _ = wide("platform")
    workspace = start(credentials=[credential], repositories=RULES).workspace(folder / "workspace")
    for _ in range(3):
        workspace.git("ls-remote", WIDGETS)
    assert [urllib.parse.urlsplit(path).query for path in platform.asked] == ["owner=acme"]


@pytest.mark.parametrize("status, serves", [(404, True), (500, True), (401, False)])
def test_a_platform_that_gives_none(start, folder, wide, platform, status, serves):
    """The original's fall-through: to the operator's own token when the platform is down or has no App."""
    platform.status = status
    operator, env = wide("environment")
    gitlatch = start(credentials=[wide("platform")[0], operator], repositories=RULES, env=env)
    result = gitlatch.workspace(folder / "workspace").git("ls-remote", WIDGETS, check=None)
    assert (result.code == 0) == serves, result
    if serves:
        assert gitlatch.wait_audit(event="request", repository="acme/widgets")["source"] == "environment"
    else:
        assert "does not take the token" in result.err


def test_a_refusal_by_github_is_no_reason_for_the_operators_token(start, folder, github, wide):
    github.control("POST", "/installation", owner="acme", suspended=True)
    operator, env = wide("environment")
    app = {"type": "app", "app_id": APP_ID, "private_key": str(github.app_key)}
    workspace = start("one", credentials=[app, operator], repositories=RULES, env=env).workspace(folder / "one-workspace")
    assert "suspended" in workspace.git("ls-remote", WIDGETS, check=False).err


def test_unless_it_says_so(start, folder, github, wide):
    operator, env = wide("person")
    github.repository("octocat/notes", files={"a": "1"})
    github.control("POST", "/installation", owner="octocat", suspended=True)
    app = {"type": "app", "app_id": APP_ID, "private_key": str(github.app_key)}
    rules = [{"match": "octocat/*", "fetch": True}]
    gitlatch = start(credentials=[app, {**operator, "also_when_refused": True}], repositories=rules, env=env)
    gitlatch.workspace(folder / "workspace").git("ls-remote", "https://github.com/octocat/notes")
    assert gitlatch.wait_audit(event="request", repository="octocat/notes")["source"] == "environment"


def test_an_owner_without_the_app_is_served_by_the_next(start, folder, github, wide):
    operator, env = wide("person")
    github.control("POST", "/installation", owner="octocat", removed=True)
    app = {"type": "app", "app_id": APP_ID, "private_key": str(github.app_key)}
    gitlatch = start(credentials=[app, operator], env=env,
                     repositories=[{"match": "*/*", "fetch": True}])
    workspace = gitlatch.workspace(folder / "workspace")
    workspace.git("ls-remote", "https://github.com/octocat/dotfiles")
    workspace.git("ls-remote", WIDGETS)
    assert gitlatch.wait_audit(event="request", repository="octocat/dotfiles")["source"] == "environment"
    assert gitlatch.wait_audit(event="request", repository="acme/widgets")["source"] == "app"


def test_a_file_is_read_again_when_it_changes(start, folder, github, wide):
    credential, _ = wide("file")
    gitlatch = start(credentials=[credential], repositories=RULES)
    workspace = gitlatch.workspace(folder / "workspace")
    workspace.git("ls-remote", WIDGETS)
    github.revoke()
    said = workspace.git("ls-remote", WIDGETS, check=False).err
    assert "did not accept" in said
    (folder / "pat").write_text(github.token(owner="acme"))
    workspace.git("ls-remote", WIDGETS)
