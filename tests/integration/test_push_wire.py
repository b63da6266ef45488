"""Pushes as other clients could write them, byte by byte: chunked to one byte, gzipped, with shallow lines,
SHA-256 ids, push options, certificates; and what they are answered."""
import pytest
from lib import receive_pack, seed
from lib.raw import Raw
from lib.receive_pack import ZERO, Report, commands, gzip, pkt

ZERO256 = "0" * 64
SOME, SOME256 = "1" * 40, "2" * 64


@pytest.fixture
def raw(start, github):
    gitlatch = start(repositories=[{"match": "acme/widgets", "fetch": True, "push": ["refs/heads/agent/*"]}])
    with Raw.intercepted(gitlatch) as raw:
        yield raw


def pushes(github):
    return [request for request in github.requests(method="POST") if request.path.endswith("git-receive-pack")]


def refused(raw, github, body, reason="ref", **options):
    """The report of a push that is refused; the connection goes on, and GitHub saw nothing of it."""
    answer = receive_pack.push(raw, "acme/widgets", body, **options)
    assert answer.status == 200 and answer.header("Content-Type") == "application/x-git-receive-pack-result"
    assert answer.header("Cache-Control") == "no-store"
    event = raw.gitlatch.wait_audit(operation="push", decision="deny", reason=reason)
    assert raw.ask("GET", "/acme/widgets.git/info/refs?service=git-upload-pack").status == 200, "it is still in step"
    assert pushes(github) == []
    return Report(answer.body), event


def test_any_chunking(raw, github):
    body = commands((ZERO, SOME, "refs/heads/agent/a"), (ZERO, SOME, "refs/heads/main")) + b"PACK" + seed.noise(300)
    for chunk in (1, 2, 3, 7, 100, 5000):
        report, _ = refused(raw, github, body, chunk=chunk)
        code = report.remote.rpartition("gitlatch: ")[2].strip()
        assert report.lines == [
            "unpack ok", f"ng refs/heads/agent/a gitlatch: refused with refs/heads/main [{code}]",
            f"ng refs/heads/main gitlatch: the rule does not allow to push this ref [{code}]"], chunk
        assert "allowed: refs/heads/agent/*\nfor example: git push origin HEAD:refs/heads/agent/my-change\n" in report.remote


@pytest.mark.parametrize("chunk", [1, None])
def test_an_allowed_push_to_one_byte_chunks(raw, github, chunk):
    """What was read to decide is sent on as it came."""
    head = github.head("acme/widgets")
    body = commands((ZERO, head, "refs/heads/agent/x")) + bytes.fromhex(
        "5041434b0000000200000000029d08823bd8a8eab510ad6ac75c823cfd3ed31e")  # a pack of no object
    report = Report(receive_pack.push(raw, "acme/widgets", body, chunk=chunk).body)
    assert report.lines == ["unpack ok", "ok refs/heads/agent/x"], report.lines
    assert github.head("acme/widgets", "refs/heads/agent/x") == head
    assert pushes(github)[-1].body_size >= len(body)


@pytest.mark.parametrize("chunk", [None, 1])
def test_gzip(raw, github, chunk):
    body = gzip(commands((ZERO, SOME, "refs/heads/main")) + b"PACK" + seed.noise(100))
    report, _ = refused(raw, github, body, headers="Content-Encoding: gzip\r\n", chunk=chunk)
    assert report.lines[1].startswith("ng refs/heads/main gitlatch: the rule does not allow to push this ref [")


def test_a_gzipped_push_that_is_allowed(raw, github):
    head = github.head("acme/widgets")
    body = gzip(commands((ZERO, head, "refs/heads/agent/z")) + bytes.fromhex(
        "5041434b0000000200000000029d08823bd8a8eab510ad6ac75c823cfd3ed31e"))
    report = Report(receive_pack.push(raw, "acme/widgets", body, headers="Content-Encoding: gzip\r\n").body)
    assert report.lines == ["unpack ok", "ok refs/heads/agent/z"]


def test_a_bomb(raw, github):
    """4 MiB of zeros in 4 KiB are no push."""
    report, _ = refused(raw, github, gzip(b"\0" * (4 << 20)), "push_malformed", headers="Content-Encoding: gzip\r\n")
    assert report.lines[0].startswith("unpack gitlatch: the push is not in git's packet format [")
    report, _ = refused(raw, github, gzip(pkt("shallow " + SOME) * 100_000), "push_commands",
                        headers="Content-Encoding: gzip\r\n")
    assert "the commands of the push take more than 4 MiB" in report.remote


def test_shallow_lines_and_sha256(raw, github):
    body = pkt("shallow " + SOME) + pkt("shallow " + "3" * 40) + commands((ZERO, SOME, "refs/heads/main"))
    report, _ = refused(raw, github, body + b"PACK")
    assert report.lines[1].startswith("ng refs/heads/main ")
    body = commands((ZERO256, SOME256, "refs/heads/main"), capabilities="report-status object-format=sha256")
    answer = receive_pack.push(raw, "acme/widgets", body + b"PACK")
    assert b"ng refs/heads/main gitlatch: the rule does not allow to push this ref [" in answer.body
    raw.gitlatch.wait_audit(operation="push", decision="deny",
                            refs=[{"ref": "refs/heads/main", "old": ZERO256, "new": SOME256}])


def test_push_options(raw, github):
    body = commands((ZERO, SOME, "refs/heads/main"), capabilities="report-status side-band-64k push-options atomic")
    report, _ = refused(raw, github, body + pkt("ci.skip") + b"0000PACK" + seed.noise(5000))
    assert report.lines[1].startswith("ng refs/heads/main ")


def test_a_push_certificate(raw, github):
    body = pkt("push-cert\0report-status side-band-64k\n") + pkt("certificate version 0.1\n") + pkt("push-cert-end\n")
    report, _ = refused(raw, github, body + b"0000", "push_certificate")
    assert "gitlatch: a signed push (push certificate) cannot be decided\n" in report.remote
    assert "gitlatch: push without --signed\n" in report.remote


def test_without_side_band(raw, github):
    body = commands((ZERO, SOME, "refs/heads/main"), capabilities="report-status")
    answer = receive_pack.push(raw, "acme/widgets", body)
    lines = [packet.decode().rstrip("\n") for packet in receive_pack.packets(answer.body) if packet]
    assert lines[0] == "unpack ok" and lines[1].startswith("ng refs/heads/main gitlatch: the rule does not allow")


NOT_GIT = [
    (b"0000PACK", "bytes follow a flush that no command came before"),
    (commands((ZERO, SOME, "refs/heads/agent/a"), (ZERO, SOME, "refs/heads/agent/a")),
     "a ref is named twice in the push"),
    (commands((ZERO, SOME, "refs/heads/agent/../main")), "a ref of the push has a name that git does not allow"),
    (commands((ZERO, SOME, "refs/heads/agent/a b")), "a ref of the push has a name that git does not allow"),
    (commands((ZERO, SOME, "HEAD")), "a ref of the push has a name that git does not allow"),
    (commands((ZERO, ZERO, "refs/heads/agent/a")), "a command of the push has ids that git would not send"),
    (commands((ZERO, SOME256, "refs/heads/agent/a")), "a command of the push has ids that git would not send"),
    (pkt(f"{ZERO} {SOME} refs/heads/agent/a\0{receive_pack.CAPABILITIES}") +
     pkt(f"{ZERO} {SOME} refs/heads/agent/b\0 refs/heads/main") + b"0000", "a ref of the push has a name"),
    (b"0003" + commands((ZERO, SOME, "refs/heads/agent/a")), "the push is not in git's packet format"),
    (b"0001" + commands((ZERO, SOME, "refs/heads/agent/a")), "the push is not in git's packet format"),
    (b"00A4" + commands((ZERO, SOME, "refs/heads/agent/a"))[4:], "the push"),
    (commands((ZERO, SOME, "refs/heads/agent/a"))[:-4], "the push ended before its commands did"),
    (b"PACK" + bytes(50), "the push is not in git's packet format"),
]


def test_what_git_does_not_send(raw, github):
    for body, what in NOT_GIT:
        report, _ = refused(raw, github, body, "push_malformed")
        assert what in report.remote, body


def test_probes_are_answered_here(raw, github):
    answer = receive_pack.push(raw, "acme/widgets", b"0000")
    assert (answer.status, answer.body, answer.header("Content-Type")) == (
        200, b"", "application/x-git-receive-pack-result")
    assert pushes(github) == []


def test_another_coding_is_refused(raw, github):
    answer = receive_pack.push(raw, "acme/widgets", commands((ZERO, SOME, "refs/heads/agent/a")),
                               "Content-Encoding: br\r\n")
    assert answer.status == 200 and b"Content-Encoding is not one that can be read" in answer.body
    assert pushes(github) == []
