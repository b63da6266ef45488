"""`upstream.keep_capabilities`: the answer to a fetch's first request is asked for once in a while, and nobody notices
anything but the time it saves."""
import shutil

import pytest
from conftest import ACME
from lib import seed
from lib.github import some
from lib.process import wait_until
from lib.raw import Raw
from lib.workspace import Workspace

WIDGETS = "https://github.com/acme/widgets.git"


@pytest.fixture
def keep(start, folder):
    """keep(**configuration): (gitlatch, workspace), where what may be kept is kept for an hour."""
    def keep(time="1h", **config):
        gitlatch = start(upstream={"keep_capabilities": time}, **config)
        return gitlatch, gitlatch.workspace(folder / "workspace")
    return keep


def asked(github, method="GET", path="/acme/widgets.git/info/refs", **wanted):
    """What reached GitHub of this kind."""
    return github.requests(host="github.com", method=method, path=path, **wanted)


def posted(github):
    return asked(github, "POST", "/acme/widgets.git/git-upload-pack")


def ls_remote(workspace, url=WIDGETS, ref="refs/heads/main", version=2):
    return workspace.git("-c", f"protocol.version={version}", "ls-remote", url, ref).out.split("\t")[0]


def test_it_is_asked_for_once(keep, github):
    """By a clone, a fetch with nothing new, one with something new, and others of the same workspace."""
    _, workspace = keep()
    clone = workspace.clone(WIDGETS)
    assert workspace.git("fetch", cwd=clone).all == ""
    new = seed.commit(github.path("acme/widgets"), {"NEWS": "1.0\n"})
    workspace.git("pull", "--quiet", "--ff-only", cwd=clone)
    assert workspace.head(clone) == new
    assert ls_remote(workspace) == new
    assert workspace.head(workspace.clone(WIDGETS, "again", "--depth=1")) == new
    assert ls_remote(workspace, "https://github.com/Acme/Widgets") == new, "the same repository, written otherwise"
    assert len(asked(github)) == 1 and asked(github)[0].auth == "basic"
    assert all(request.auth == "basic" for request in some(posted(github)))


def test_by_default_it_is_asked_for_each_time(start, folder, github):
    workspace = start().workspace(folder / "workspace")
    assert ls_remote(workspace) == ls_remote(workspace) == github.head("acme/widgets")
    assert len(asked(github)) == 2


def test_it_is_asked_for_again_when_its_time_is_over(keep, github):
    _, workspace = keep("2s")

    def twice():
        ls_remote(workspace)
        return asked(github)[1:]
    wait_until(twice, "GitHub is asked again", 60)
    first, second = asked(github)
    assert second.when - first.when >= 2
    assert len(posted(github)) >= 3, "some came in between"


@pytest.mark.parametrize("version", [0, 1])
def test_an_older_protocol_is_always_forwarded(keep, github, version):
    """Its first answer lists the refs."""
    _, workspace = keep()
    assert ls_remote(workspace) == github.head("acme/widgets")
    for number in range(2):
        new = seed.commit(github.path("acme/widgets"), {"count": str(number)})
        assert ls_remote(workspace, version=version) == new
    assert len(asked(github)) == 3
    assert ls_remote(workspace) == new
    assert len(asked(github)) == 3


def test_a_push_is_always_forwarded(keep, github):
    _, workspace = keep()
    clone = workspace.clone(WIDGETS)
    for number in range(2):
        commit = workspace.commit(clone, {"count": str(number)})
        workspace.git("push", "--quiet", "origin", "main", cwd=clone)
        assert github.head("acme/widgets") == commit
    assert [request.query for request in asked(github)] == ["service=git-upload-pack"] + ["service=git-receive-pack"] * 2


def test_each_repository_and_its_wiki_have_their_own(keep, github):
    _, workspace = keep()
    for _ in range(2):
        for name in ("acme/widgets", "acme/gadgets", "acme/widgets.wiki"):
            assert ls_remote(workspace, f"https://github.com/{name}.git") == github.head(name)
    for name in ("acme/widgets", "acme/gadgets", "acme/widgets.wiki"):
        assert len(asked(github, path=f"/{name}.git/info/refs")) == 1


def test_a_public_repository_of_others(keep, github):
    github.repository("mallory/public", private=False, files={"a": "a"})
    _, workspace = keep()
    for _ in range(2):
        assert ls_remote(workspace, "https://github.com/mallory/public.git") == github.head("mallory/public")
    assert [request.auth for request in asked(github, path="/mallory/public.git/info/refs")] == ["none"]
    github.control("POST", "/repository/change", repository="mallory/public", private=True)
    refused = workspace.git("ls-remote", "https://github.com/mallory/public.git", check=False)
    assert "fatal: remote error: gitlatch: " in refused.err and "reason github_anonymous" in refused.err


def test_a_repository_with_another_object_format(keep, github, folder):
    source = folder / "new.git"
    seed.git(folder, "init", "--quiet", "--bare", "--object-format=sha256", "--initial-branch=main", source)
    head = seed.commit(source, {"a": "a"})
    assert len(head) == 64
    path = github.repository("acme/new")
    shutil.rmtree(path)
    shutil.copytree(source, path)
    _, workspace = keep()
    for name in ("one", "two"):
        assert workspace.head(workspace.clone("https://github.com/acme/new.git", name)) == head
    assert len(asked(github, path="/acme/new.git/info/refs")) == 1

    # Made anew with SHA-1: what was kept is wrong, git says so once, and then all is well.
    shutil.rmtree(path)
    shutil.copytree(github.path("acme/widgets"), path)
    workspace.git("ls-remote", "https://github.com/acme/new.git", check=False)
    assert ls_remote(workspace, "https://github.com/acme/new.git") == github.head("acme/widgets")


def test_with_the_gateway(keep, github, folder):
    gitlatch, _ = keep()
    plain = Workspace(folder / "plain")
    for name in ("one", "two"):
        assert plain.head(plain.clone(f"{gitlatch.url}/github.com/acme/widgets.git", name)) == github.head("acme/widgets")
    assert len(asked(github)) == 1


def test_each_request_has_its_event_and_is_counted(keep, github):
    gitlatch, workspace = keep()
    for _ in range(2):
        ls_remote(workspace)
    wait_until(lambda: len(gitlatch.audit(event="request")) == 4, "two requests each")
    events = gitlatch.audit(event="request", operation="fetch", repository="acme/widgets", decision="allow", status=200,
                            rule="acme/*", host="github.com")
    assert len(events) == 4 and len({event["id"] for event in events}) == 4
    assert all(event["bytes_down"] > 0 for event in events)
    assert "token" in events[0] and "token" not in events[2], "none was needed"
    assert gitlatch.metrics().sum("gitlatch_requests_total", operation="fetch", decision="allow", status="200") == 4


# What changes meanwhile.

def test_rules_are_asked_first(keep, github):
    gitlatch, workspace = keep()
    ls_remote(workspace)
    gitlatch.reload(repositories=[{"match": "acme/gadgets", "fetch": True}], other_repositories="deny")
    wait_until(lambda: gitlatch.metrics().sum("gitlatch_reloads_total", result="ok"), "the reload")
    refused = workspace.git("ls-remote", WIDGETS, check=False)
    assert "remote: gitlatch: " in refused.err and "403" in refused.err
    gitlatch.reload(repositories=ACME)
    wait_until(lambda: gitlatch.metrics().sum("gitlatch_reloads_total", result="ok") == 2, "the reload")
    ls_remote(workspace)
    assert len(asked(github)) == 2, "a reload starts anew"


def test_access_that_is_withdrawn_is_told_by_the_request_that_follows(keep, github):
    gitlatch, workspace = keep()
    clone = workspace.clone(WIDGETS)
    github.control("POST", "/repository/change", repository="acme/widgets", deleted=True)
    for command in (["fetch"], ["fetch"]):
        refused = workspace.git(*command, cwd=clone, check=False)
        assert "gitlatch: GitHub answered 404" in refused.err and "reason github_not_found" in refused.err, refused
        assert "RPC failed" not in refused.err
    # The first was told so by an ERR, the second by GitHub's own first answer: nothing is kept any more.
    gitlatch.wait_audit(event="request", reason="github_not_found", status=404)
    told = [(event["status"], event["reason"]) for event in gitlatch.audit(event="request", reason="github_not_found")]
    assert told == [(200, "github_not_found"), (404, "github_not_found")]
    assert 2 <= len(asked(github)) <= 5, "a 404 to a young token is waited out, up to three times"


@pytest.mark.parametrize("failure", [{"status": 500}, {"status": 400, "body": "unknown capability"},
                                     {"status": 200, "body": "0021ERR unknown capability 'old'\n"}])
def test_a_fetch_that_fails_by_what_was_kept_is_asked_again(keep, github, failure):
    """A server that lost a capability, or one of several that has it no more."""
    gitlatch, workspace = keep()
    ls_remote(workspace)
    github.fault(method="POST", path="*/git-upload-pack", count=1, **failure)
    ls_remote(workspace)
    wait_until(lambda: any("retried" in event for event in gitlatch.audit(event="request")), "the event")
    event = [event for event in gitlatch.audit(event="request") if "retried" in event]
    assert [(one["retried"], one["status"]) for one in event] == [("a fetch failed whose capabilities were kept", 200)]
    github.fault(method="POST", path="*/git-upload-pack", **failure)
    assert "fatal" in workspace.git("ls-remote", WIDGETS, check=False).err, "it is asked again once"
    github.heal()
    ls_remote(workspace)


def test_a_rate_limit_is_not_asked_again_without_what_was_kept(keep, github):
    _, workspace = keep()
    ls_remote(workspace)
    github.fault(method="POST", path="*/git-upload-pack", status=429, headers={"Retry-After": "60"}, body="")
    before = len(github.requests(method="POST"))
    workspace.git("ls-remote", WIDGETS, check=False)
    assert len([request for request in github.requests(method="POST")[before:] if "upload-pack" in request.path]) == 1


def test_an_installation_that_is_suspended(keep, github):
    _, workspace = keep()
    ls_remote(workspace)
    github.control("POST", "/installation", owner="acme", suspended=True)
    github.revoke()
    refused = workspace.git("ls-remote", WIDGETS, check=False)
    assert "fatal: remote error: gitlatch: " in refused.err and "reason suspended" in refused.err, refused


def test_a_repository_that_is_renamed(keep, github):
    _, workspace = keep()
    clone = workspace.clone(WIDGETS)
    github.rename("acme/widgets", "gizmos")
    new = seed.commit(github.path("acme/gizmos"), {"renamed": "yes"})
    refused = workspace.git("fetch", cwd=clone, check=False)
    assert "fatal: remote error: gitlatch: " in refused.err and "acme/gizmos" in refused.err, refused
    workspace.git("pull", "--quiet", cwd=clone)
    assert workspace.head(clone) == new


def test_a_repository_that_is_renamed_with_a_token_to_be_minted(keep, github):
    _, workspace = keep()
    clone = workspace.clone(WIDGETS)
    github.rename("acme/widgets", "gizmos")
    github.revoke()
    refused = workspace.git("fetch", cwd=clone, check=False)
    assert "fatal: remote error: gitlatch: " in refused.err and "acme/gizmos" in refused.err, refused
    workspace.git("fetch", "--quiet", cwd=clone)


def test_a_token_that_is_revoked_is_replaced(keep, github):
    _, workspace = keep()
    ls_remote(workspace)
    github.revoke()
    assert ls_remote(workspace) == github.head("acme/widgets")
    assert len(asked(github)) == 1


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 429}, {"status": 403}, {"status": 401}, {"reset": True}])
def test_github_fails_at_the_request_that_follows(keep, github, fault):
    _, workspace = keep()
    ls_remote(workspace)
    github.fault(method="POST", path="*/git-upload-pack", **fault)
    refused = workspace.git("ls-remote", WIDGETS, check=False)
    assert "fatal: remote error: gitlatch: " in refused.err, refused
    github.heal()
    assert ls_remote(workspace) == github.head("acme/widgets")


def test_github_does_not_answer_at_all(keep, github):
    """What is kept hides nothing: git is told what is wrong."""
    _, workspace = keep()
    ls_remote(workspace)
    github.stop()
    refused = workspace.git("ls-remote", WIDGETS, check=False)
    assert "fatal: remote error: gitlatch: " in refused.err and "reason upstream" in refused.err, refused


# Requests that only look like git's.

REFS = "/acme/widgets.git/info/refs?service=git-upload-pack"
V2 = "Git-Protocol: version=2\r\n"


def test_another_request_is_forwarded(keep, github):
    gitlatch, workspace = keep()
    ls_remote(workspace)
    others = [(f"HEAD {REFS}", V2),
              (f"GET {REFS}", ""),
              (f"GET {REFS}", "Git-Protocol: version=1\r\n"),
              (f"GET {REFS}", V2 + V2),
              (f"GET {REFS}", "Git-Protocol: version=2:x=" + "y" * 100 + "\r\n"),
              (f"GET {REFS}&more=1", V2)]
    for line, fields in others * 2:
        before = len(github.requests(path="/acme/widgets.git/info/refs"))
        with Raw.intercepted(gitlatch) as raw:
            raw.send(f"{line} HTTP/1.1\r\nHost: github.com\r\n{fields}\r\n")
            raw.answer(line.split(" ")[0])
        assert len(github.requests(path="/acme/widgets.git/info/refs")) == before + 1, (line, fields)
