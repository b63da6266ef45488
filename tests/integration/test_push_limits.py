"""How much a push may be: `max_pack`, the number of refs, the length of their names; and what it costs to say no."""
import time

import pytest
from lib import receive_pack, seed
from lib.gitlatch import sanitized
from lib.process import wait_until
from lib.raw import Raw
from lib.receive_pack import ZERO, Report

WIDGETS = "https://github.com/acme/widgets.git"


def behind(start, folder, **rule):
    gitlatch = start(repositories=[{"match": "acme/widgets", "fetch": True, "push": True, "delete": True, **rule}])
    return gitlatch, gitlatch.workspace(folder / "workspace")


def pushes(github):
    return [request for request in github.requests(method="POST") if request.path.endswith("git-receive-pack")]


@pytest.mark.parametrize("how, size, settings", [
    ("at once", 5_000, []),  # the pack comes with the commands
    ("with a length", 300_000, []),
    ("chunked", 300_000, ["http.postBuffer=1000"]),
    ("by a little", 1000, ["http.postBuffer=1000"]),
])
def test_a_pack_that_is_too_large(start, folder, github, how, size, settings):
    """However it comes, GitHub never has the whole of it."""
    limit = 1024 if size < 10_000 else 256 << 10
    gitlatch, workspace = behind(start, folder, max_pack=f"{limit >> 10}KiB")
    clone = workspace.clone(WIDGETS)
    before = seed.git(github.path("acme/widgets"), "for-each-ref")
    workspace.commit(clone, {"noise": seed.noise(size)})
    options = [word for setting in settings for word in ("-c", setting)]
    done = workspace.git(*options, "push", "origin", "main", "main:other", cwd=clone, check=False)
    event = gitlatch.wait_audit(reason="max_pack")
    said = f"the pack is larger than the {limit} bytes of `max_pack`"
    code = f"reason max_pack, request {event['id']}"
    assert done.code == 1
    assert f"remote: gitlatch: {said}" in done.err
    assert "remote: gitlatch: push less at once, or large files through Git LFS" in done.err
    assert f" ! [remote rejected] main -> main (gitlatch: {said} [{code}])" in done.err, done
    assert f" ! [remote rejected] main -> other (gitlatch: {said} [{code}])" in done.err, done
    assert "Everything up-to-date" not in done.all and "RPC failed" not in done.all
    time.sleep(0.3)
    assert seed.git(github.path("acme/widgets"), "for-each-ref") == before
    assert all(not request.body_whole for request in pushes(github)), "or nothing arrived at all"
    assert event["decision"] == "deny" and [ref["ref"] for ref in event["refs"]] == ["refs/heads/main",
                                                                                     "refs/heads/other"]


def test_a_pack_that_fits_passes(start, folder, github):
    gitlatch, workspace = behind(start, folder, max_pack="400KiB")
    clone = workspace.clone(WIDGETS)
    commit = workspace.commit(clone, {"noise": seed.noise(350_000)})
    workspace.git("-c", "http.postBuffer=1000", "push", "--quiet", "origin", "main", cwd=clone)
    assert github.head("acme/widgets") == commit
    workspace.git("push", "--quiet", "origin", "main:same", cwd=clone)
    workspace.git("push", "--quiet", "--delete", "origin", "same", cwd=clone)


@pytest.mark.slow
def test_a_pack_of_100_mb_is_cut_off_and_drained(start, folder, github):
    gitlatch, workspace = behind(start, folder, max_pack="20MiB")
    clone = workspace.clone(WIDGETS)
    workspace.git("config", "core.compression", "0", cwd=clone)
    workspace.commit(clone, {f"n{number}": seed.noise(50 << 20, seed=number) for number in range(2)})
    gitlatch.process.reset_peak()
    done = workspace.git("push", "origin", "main", cwd=clone, check=False)
    assert " ! [remote rejected] main -> main (gitlatch: the pack is larger than the 20971520 bytes" in done.err, done
    event = gitlatch.wait_audit(reason="max_pack")
    assert event["bytes_up"] > 100 << 20
    seen, = pushes(github)
    assert not seen.body_whole and seen.body_size <= 21 << 20
    if not sanitized():
        assert gitlatch.process.peak_kib() <= 24 << 10


def test_a_pack_that_is_gzipped_is_counted_as_it_comes_out(start, folder, github):
    gitlatch, _ = behind(start, folder, max_pack="64KiB")
    body = receive_pack.commands((ZERO, github.head("acme/widgets"), "refs/heads/x")) + b"PACK" + b"\0" * 10_000_000
    for chunk in (None, 1000):
        with Raw.intercepted(gitlatch) as raw:
            answer = receive_pack.push(raw, "acme/widgets", receive_pack.gzip(body), "Content-Encoding: gzip\r\n",
                                       chunk)
        assert answer.status == 200
        assert Report(answer.body).lines[1].startswith("ng refs/heads/x gitlatch: the pack is larger than the 65536")
    assert github.head("acme/widgets", "refs/heads/x") is None


def many_refs(workspace, count, *more):
    """A clone with refs/mine/agent/… and `more` refs. git itself takes a time that grows with the square of `count`."""
    clone = workspace.clone(WIDGETS)
    head = workspace.head(clone)
    names = [f"refs/mine/agent/{index:05}" for index in range(count)] + list(more)
    workspace.git("update-ref", "--stdin", cwd=clone, input="".join(f"create {name} {head}\n" for name in names))
    workspace.git("pack-refs", "--all", cwd=clone)
    return clone


def test_two_thousand_refs_one_of_them_forbidden(start, folder, github):
    """Each is answered by name, with real git."""
    gitlatch, workspace = behind(start, folder, push=["refs/heads/agent/**"])
    clone = many_refs(workspace, 1999, "refs/mine/x")
    done = workspace.git("push", "origin", "refs/mine/*:refs/heads/*", cwd=clone, check=False)
    lines = [line for line in done.err.splitlines() if line.startswith(" ! [remote rejected]")]
    assert done.code == 1 and len(lines) == 2000, done.err[-2000:]
    assert sum("refused with refs/heads/x" in line for line in lines) == 1999
    event = gitlatch.wait_audit(operation="push", decision="deny", reason="ref")
    assert event.get("refs_count", len(event["refs"])) == 2000
    assert pushes(github) == []


def test_two_thousand_refs_pass(start, folder, github):
    gitlatch, workspace = behind(start, folder, push=["refs/heads/agent/**"])
    clone = many_refs(workspace, 2000)
    workspace.git("push", "--quiet", "origin", "refs/mine/*:refs/heads/*", cwd=clone)
    assert github.head("acme/widgets", "refs/heads/agent/01999") == workspace.head(clone)


def test_ten_thousand_refs(start, folder, github):
    """By hand, since git is slow with so many: all pass, and one that is forbidden refuses each by name."""
    gitlatch, _ = behind(start, folder, push=["refs/heads/agent/**"])
    head = github.head("acme/widgets")
    names = [f"refs/heads/agent/{index:05}" for index in range(10_000)]
    with Raw.intercepted(gitlatch) as raw:
        answer = receive_pack.push(raw, "acme/widgets", receive_pack.commands(
            *((ZERO, head, name) for name in (*names, "refs/heads/x"))) + receive_pack.EMPTY_PACK)
        lines = Report(answer.body).lines
        assert len(lines) == 10_002 and lines[1].startswith(f"ng {names[0]} gitlatch: refused with refs/heads/x")
        assert pushes(github) == []
        answer = receive_pack.push(raw, "acme/widgets", receive_pack.commands(
            *((ZERO, head, name) for name in names)) + receive_pack.EMPTY_PACK)
        assert Report(answer.body).lines == ["unpack ok", *(f"ok {name}" for name in names)]
    assert github.head("acme/widgets", names[-1]) == head


def test_more_refs_than_can_be_decided(start, folder, github):
    gitlatch, _ = behind(start, folder)
    head = github.head("acme/widgets")
    body = receive_pack.commands(*((ZERO, head, f"refs/heads/{index:05}") for index in range(20_001)))
    with Raw.intercepted(gitlatch) as raw:
        answer = receive_pack.push(raw, "acme/widgets", body)
        assert raw.ask("GET", "/acme/widgets/info/refs?service=git-upload-pack").status == 200, "it is still in step"
    report = Report(answer.body)
    assert answer.status == 200 and "the push names more than 20000 refs" in report.remote
    assert report.lines[-1].startswith("ng refs/heads/19999 gitlatch: the push names more than 20000 refs")
    assert pushes(github) == []


def test_a_hostile_list_of_refs_does_not_hold_the_loop(start, folder, github):
    """4 MiB of names against patterns with a wildcard inside: nobody else waits for it."""
    patterns = [f"refs/heads/**/team-{index}/*/release-{'x' * 400}" for index in range(4)]
    gitlatch, _ = behind(start, folder, push=patterns)
    head = github.head("acme/widgets")
    ref = "refs/heads/" + "/".join(["team-0"] * 560)
    body = receive_pack.commands(*((ZERO, head, f"{ref}/{index}") for index in range(1000)))
    assert 4_000_000 < len(body) < 4 << 20
    with Raw.intercepted(gitlatch) as raw:
        before = gitlatch.process.cpu_seconds()
        answer = receive_pack.push(raw, "acme/widgets", body)
        spent = gitlatch.process.cpu_seconds() - before
    assert len(Report(answer.body).lines) == 1001
    if not sanitized():
        assert spent < 0.7, f"{spent} s for all: TLS, parsing, deciding and answering 4 MiB"


def test_a_ref_name_of_more_than_4_kib(start, folder, github):
    gitlatch, _ = behind(start, folder)
    body = receive_pack.commands((ZERO, github.head("acme/widgets"), "refs/heads/" + "x" * 5000))
    with Raw.intercepted(gitlatch) as raw:
        report = Report(receive_pack.push(raw, "acme/widgets", body).body)
    assert report.lines[0].startswith("unpack gitlatch: a ref of the push has a name that git does not allow")
    assert pushes(github) == []
