"""Gateway mode: git through a plain loopback URL, with no CA anywhere."""
import json

import pytest
from lib import seed
from lib.raw import Raw
from lib.workspace import Workspace


@pytest.fixture
def plain(folder, gitlatch):
    """A workspace whose only setting is the rewriting of GitHub's URL to the gateway."""
    workspace = Workspace(folder / "plain")
    workspace.git("config", "--global", f"url.{gitlatch.url}/github.com/.insteadOf", "https://github.com/")
    return workspace


def test_clone_push_and_lfs_with_no_ca_anywhere(plain, github, gitlatch):
    assert not any("CA" in name or "proxy" in name.lower() for name in plain.env)
    clone = plain.clone("https://github.com/acme/widgets.git")
    assert plain.head(clone) == github.head("acme/widgets")
    commit = plain.commit(clone, {"a": seed.noise(3 << 20)}, branch="topic")
    plain.git("push", "--quiet", "origin", "topic", cwd=clone)
    assert github.head("acme/widgets", "refs/heads/topic") == commit
    assert gitlatch.wait_audit(operation="push", decision="allow", status=200)["mode"] == "gateway"


def test_a_refused_push_reads_the_same(folder, start, github):
    gitlatch = start(repositories=[{"match": "acme/*", "fetch": True, "push": ["refs/heads/agent/*"]}])
    plain = Workspace(folder / "plain")
    clone = plain.clone(f"{gitlatch.url}/github.com/acme/widgets.git")
    plain.commit(clone, {"a": "a"})
    refused = plain.git("push", "origin", "main", cwd=clone, check=False)
    assert "! [remote rejected] main -> main (" in refused.err and "refs/heads/agent/*" in refused.err


@pytest.mark.parametrize("header", ["Host: evil.example", "Host: localhost.evil.example:80",
                                    "Origin: https://evil.example", "Sec-Fetch-Site: cross-site"])
def test_a_web_page_cannot_reach_it(gitlatch, github, header):
    """DNS rebinding and cross-site requests of the workspace's browser: 421, nothing forwarded."""
    host = "" if header.startswith("Host") else f"Host: 127.0.0.1:{gitlatch.port}\r\n"
    with Raw(gitlatch) as raw:
        raw.send("GET /github.com/acme/widgets.git/info/refs?service=git-upload-pack HTTP/1.1\r\n"
                 f"{host}{header}\r\n\r\n")
        assert raw.answer().status == 421
    assert github.requests(host="github.com") == []


def test_the_api_is_not_served(gitlatch, github):
    for path in ("/api.github.com/repos/acme/widgets", "/github.com/acme/widgets", "/github.com/", "/", "/evil/"):
        with Raw(gitlatch) as raw:
            answer = raw.ask("GET", path, host=f"127.0.0.1:{gitlatch.port}")
            assert answer.status == 404, (path, answer)
    assert github.requests(host="github.com") == [] and github.requests(host="api.github.com") == []


def test_a_renamed_repository_redirects_to_the_gateway(github, gitlatch, plain):
    github.rename("acme/widgets", "gizmos")
    clone = plain.clone("https://github.com/acme/widgets.git")
    assert plain.head(clone) == github.head("acme/gizmos")
    with Raw(gitlatch) as raw:
        answer = raw.ask("GET", "/github.com/acme/widgets.git/info/refs?service=git-upload-pack",
                         host=f"127.0.0.1:{gitlatch.port}")
    assert answer.status == 301
    assert answer.header("Location").startswith(f"http://127.0.0.1:{gitlatch.port}/github.com/acme/gizmos")


def test_lfs_through_the_gateway(plain, github, gitlatch, folder):
    """The batch comes through the gateway; its hrefs lead to the object hosts, which want a way of their own."""
    with Raw(gitlatch) as raw:
        body = json.dumps({"operation": "download", "transfers": ["basic"],
                           "objects": [{"oid": "0" * 64, "size": 1}]}).encode()
        lfs = "application/vnd.git-lfs+json"
        answer = raw.ask("POST", "/github.com/acme/widgets.git/info/lfs/objects/batch",
                         headers=f"Content-Type: {lfs}\r\nAccept: {lfs}\r\n", body=body,
                         host=f"127.0.0.1:{gitlatch.port}")
    assert answer.status == 200, answer
    (request,) = [request for request in github.requests() if request.path.endswith("/objects/batch")]
    assert request.auth == "basic" and request.scope["permissions"]["contents"] == "read"
