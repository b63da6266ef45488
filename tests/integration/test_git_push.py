"""Pushing with real git: what arrives, what is refused, and what git then tells the developer."""
import re

import pytest
from lib import seed
from lib.github import some
from lib.gitlatch import sanitized

WIDGETS = "https://github.com/acme/widgets.git"
AGENT = [{"match": "acme/widgets", "fetch": True, "push": ["refs/heads/agent/*", "refs/tags/v*"],
          "delete": ["refs/heads/agent/*"]},
         {"match": "acme/readonly", "fetch": True}]


@pytest.fixture
def agent(start, folder):
    """A gitlatch whose rule allows pushes to agent/* and v* alone; (gitlatch, workspace)."""
    gitlatch = start(repositories=AGENT)
    return gitlatch, gitlatch.workspace(folder / "agent")


def pushed(github):
    """The requests in which something was pushed."""
    return [request for request in github.requests(method="POST") if request.path.endswith("/git-receive-pack")]


def test_push_of_a_new_branch(workspace, github, gitlatch):
    clone = workspace.clone(WIDGETS)
    commit = workspace.commit(clone, {"new": "new\n"}, branch="topic")
    done = workspace.git("push", "origin", "topic", cwd=clone)
    assert "* [new branch]      topic -> topic" in done.err
    assert github.head("acme/widgets", "refs/heads/topic") == commit
    event = gitlatch.wait_audit(operation="push", status=200, refs=[
        {"ref": "refs/heads/topic", "old": "0" * 40, "new": commit}])
    assert event["decision"] == "allow" and event["bytes_up"] > 0


def test_a_push_carries_a_token_for_this_repository_alone(workspace, github):
    clone = workspace.clone(WIDGETS)
    workspace.commit(clone, {"new": "new\n"}, branch="topic")
    workspace.git("push", "--quiet", "origin", "topic", cwd=clone)
    for request in some(pushed(github)):
        assert request.scope["permissions"]["contents"] == "write"
        assert request.scope["repository_ids"] == [github.id("acme/widgets")]


def test_update_force_delete_and_tags(workspace, github):
    clone = workspace.clone(WIDGETS)
    workspace.commit(clone, {"a": "1"}, branch="topic")
    workspace.git("push", "--quiet", "origin", "topic", cwd=clone)
    updated = workspace.commit(clone, {"a": "2"})
    workspace.git("push", "--quiet", "origin", "topic", cwd=clone)
    assert github.head("acme/widgets", "refs/heads/topic") == updated
    workspace.git("commit", "--quiet", "--amend", "-m", "amended", cwd=clone)
    assert "rejected" in workspace.git("push", "origin", "topic", cwd=clone, check=False).err
    workspace.git("push", "--quiet", "--force", "origin", "topic", cwd=clone)
    assert github.head("acme/widgets", "refs/heads/topic") == workspace.head(clone)
    workspace.git("tag", "v1", cwd=clone)
    workspace.git("tag", "-a", "v2", "-m", "two", cwd=clone)
    workspace.git("push", "--quiet", "origin", "--tags", cwd=clone)
    assert github.head("acme/widgets", "refs/tags/v1^{}") == github.head("acme/widgets", "refs/tags/v2^{}")
    workspace.git("push", "--quiet", "--delete", "origin", "topic", cwd=clone)
    assert github.head("acme/widgets", "refs/heads/topic") is None


@pytest.mark.slow
@pytest.mark.limit(900)
def test_push_of_200_mb_arrives_chunked_after_a_probe(workspace, github, gitlatch):
    clone = workspace.clone(WIDGETS)
    workspace.git("config", "core.compression", "0", cwd=clone)
    files = {f"noise{number}": seed.noise(50 << 20, seed=number) for number in range(4)}
    commit = workspace.commit(clone, files, branch="large")
    gitlatch.process.reset_peak()
    workspace.git("push", "--quiet", "origin", "large", cwd=clone, timeout=500)
    assert github.head("acme/widgets", "refs/heads/large") == commit
    seed.git(github.path("acme/widgets"), "fsck", "--strict")
    requests = pushed(github)
    assert [request.header("Transfer-Encoding") for request in requests] == [["chunked"]], \
        "the probe is answered by gitlatch"
    assert requests[0].body_size > 200 << 20
    probes = [event for event in gitlatch.audit(event="request", operation="push") if event["bytes_up"] == 4]
    assert [event["status"] for event in probes] == [200]
    if not sanitized():
        assert gitlatch.process.peak_kib() <= 24 << 10


def test_a_forbidden_branch_is_refused_in_gits_own_words(agent, github):
    gitlatch, workspace = agent
    clone = workspace.clone(WIDGETS)
    before = github.head("acme/widgets")
    commit = workspace.commit(clone, {"a": "a"}, branch="main")
    refused = workspace.git("push", "origin", "main", cwd=clone, check=False)
    assert re.search(r"! \[remote rejected\] main -> main \(.+\)", refused.err), refused
    assert "refs/heads/agent/*" in "".join(line for line in refused.err.splitlines(True) if line.startswith("remote:"))
    assert "Everything up-to-date" not in refused.all and "RPC failed" not in refused.all
    assert github.head("acme/widgets") == before
    assert pushed(github) == [], "no command and no byte of the pack reached GitHub"
    event = gitlatch.wait_audit(operation="push", decision="deny", reason="ref")
    assert event["refs"] == [{"ref": "refs/heads/main", "old": before, "new": commit}]
    assert event["id"] in refused.err and "ref" in refused.err
    assert gitlatch.metrics().sum("gitlatch_denials_total", reason="ref") == 1


def test_an_allowed_branch_under_the_same_rule(agent, github):
    _, workspace = agent
    clone = workspace.clone(WIDGETS)
    commit = workspace.commit(clone, {"a": "a"}, branch="agent/fix")
    workspace.git("push", "--quiet", "origin", "agent/fix", cwd=clone)
    assert github.head("acme/widgets", "refs/heads/agent/fix") == commit


def test_one_forbidden_ref_refuses_the_whole_push(agent, github):
    _, workspace = agent
    clone = workspace.clone(WIDGETS)
    workspace.commit(clone, {"a": "a"}, branch="agent/fix")
    refused = workspace.git("push", "origin", "agent/fix", "agent/fix:refs/heads/release", cwd=clone, check=False)
    assert re.search(r"! \[remote rejected\] agent/fix -> agent/fix \(.+\)", refused.err), refused
    assert re.search(r"! \[remote rejected\] agent/fix -> release \(.+\)", refused.err), refused
    assert github.head("acme/widgets", "refs/heads/agent/fix") is None and pushed(github) == []


def test_a_forbidden_delete_is_refused(agent, github):
    _, workspace = agent
    clone = workspace.clone(WIDGETS)
    seed.git(github.path("acme/widgets"), "branch", "old", "main")
    refused = workspace.git("push", "--delete", "origin", "old", cwd=clone, check=False)
    assert re.search(r"! \[remote rejected\] old \(.+\)", refused.err), refused
    assert github.head("acme/widgets", "refs/heads/old")


@pytest.mark.slow
def test_a_refused_large_push_says_why_too(agent, github):
    """100 MB come chunked after a probe: they are read to their end, in constant memory, and refused readably."""
    gitlatch, workspace = agent
    clone = workspace.clone(WIDGETS)
    workspace.git("config", "core.compression", "0", cwd=clone)
    workspace.commit(clone, {f"n{number}": seed.noise(50 << 20, seed=number) for number in range(2)}, branch="main")
    gitlatch.process.reset_peak()
    refused = workspace.git("push", "origin", "main", cwd=clone, check=False)
    assert re.search(r"! \[remote rejected\] main -> main \(.+\)", refused.err), refused
    assert "Everything up-to-date" not in refused.all and "RPC failed" not in refused.all
    assert pushed(github) == []
    if not sanitized():
        assert gitlatch.process.peak_kib() <= 24 << 10


def test_a_repository_that_may_only_be_fetched(agent, github):
    _, workspace = agent
    github.repository("acme/readonly", files={"a": "a"})
    clone = workspace.clone("https://github.com/acme/readonly.git")
    workspace.commit(clone, {"b": "b"})
    refused = workspace.git("push", "origin", "main", cwd=clone, check=False)
    assert "remote: " in refused.err and "403" in refused.err and "push" in refused.err
    assert pushed(github) == []


def test_a_repository_that_no_rule_names_is_not_there(agent, github):
    """Private and without a rule: GitHub hides it from the anonymous, and git says so without a prompt."""
    _, workspace = agent
    github.repository("acme/hidden", files={"a": "a"})
    refused = workspace.git("clone", "https://github.com/acme/hidden.git", check=False)
    assert "remote: " in refused.err and ("403" in refused.err or "not found" in refused.err)
    assert all(request.auth == "none" for request in some(github.requests(host="github.com")))


def test_a_denied_repository_is_refused_with_the_reason(start, folder, github):
    gitlatch = start(repositories=AGENT, other_repositories="deny")
    workspace = gitlatch.workspace(folder / "workspace")
    refused = workspace.git("clone", "https://github.com/acme/hidden.git", check=False)
    assert re.search(r"remote: .*no rule allows this repository", refused.err), refused
    assert "The requested URL returned error: 403" in refused.err
    assert github.requests(host="github.com") == []
    assert gitlatch.wait_audit(decision="deny", reason="repository")["id"] in refused.err


def test_github_failing_amid_a_push_is_a_readable_rejection(workspace, github, gitlatch):
    """401, 403, 404, 429, 5xx and a broken connection: never "Everything up-to-date"."""
    clone = workspace.clone(WIDGETS)
    workspace.commit(clone, {"a": "a"}, branch="topic")
    for fault in ({"status": 403, "body": "no"}, {"status": 404}, {"status": 429}, {"status": 500}, {"status": 503},
                  {"reset": True}, {"close": True}):
        github.fault(method="POST", path="*/git-receive-pack", **fault)
        refused = workspace.git("push", "origin", "topic", cwd=clone, check=False)
        github.heal()
        assert re.search(r"! \[remote rejected\] topic -> topic \(.+\)", refused.err), (fault, str(refused))
        assert "Everything up-to-date" not in refused.all, fault
    workspace.git("push", "--quiet", "origin", "topic", cwd=clone)
