"""What GitHub, or the way to it, may do to a request: die, stall, answer early, answer oddly."""
import contextlib
import gzip
import os
import signal
import ssl
import time

import pytest

from lib.process import wait_until
from lib.raw import Raw
from lib.scripted import answer, scripted
from lib.workspace import PROMPTS

WIDGETS = "https://github.com/acme/widgets.git"
REFS = "/acme/widgets.git/info/refs?service=git-upload-pack"
OK = answer(200, "fine")


@pytest.fixture
def serve(folder, github, start):
    """serve(script, **configuration): a gitlatch whose github.com is the script. Gives (gitlatch, server)."""
    opened = []

    def serve(script, **config):
        context = scripted(folder, github, script)
        server, connect_to = context.__enter__()
        opened.append(context)
        return start(github={"connect_to": connect_to}, **config), server
    yield serve
    for context in opened:
        context.__exit__(None, None, None)


def fetch_refs(gitlatch, **options):
    with Raw.intercepted(gitlatch) as raw:
        return raw.ask("GET", REFS, **options)


def breaks(raw):
    """Whether the connection ends otherwise than a TLS connection should."""
    raw.socket.suppress_ragged_eofs = False
    try:
        while raw.socket.recv(65536):
            pass
    except (ConnectionResetError, ssl.SSLEOFError):
        return True
    return False


# Answers that git is to be shown.

def test_chunked_error_is_quoted_without_its_framing(serve):
    def script(peer):
        peer.request()
        peer.send("HTTP/1.1 403 F\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "5\r\nFirst\r\n7\r\n second\r\n0\r\n\r\n")
    gitlatch, _ = serve(script)
    body = fetch_refs(gitlatch).body.decode()
    assert "GitHub answered 403: First second\n" in body


def test_compressed_error_is_quoted_in_plain(serve):
    words = b"Organization has enabled SAML."

    def script(peer):
        peer.request()
        peer.send(answer(403, gzip.compress(words), b"Content-Type: text/plain\r\nContent-Encoding: gzip\r\n"))
    gitlatch, _ = serve(script)
    assert "GitHub answered 403: Organization has enabled SAML.\n" in fetch_refs(gitlatch).body.decode()


def test_error_in_an_unknown_coding_is_not_quoted(serve):
    def script(peer):
        peer.request()
        peer.send(answer(403, b"\x8b\x02\x80gibberish\x03", b"Content-Type: text/plain\r\nContent-Encoding: br\r\n"))
    gitlatch, _ = serve(script)
    body = fetch_refs(gitlatch).body
    assert b"GitHub answered 403" in body and b"gibberish" not in body


def test_token_in_githubs_words_is_not_passed_on(serve, github):
    secret = "ghs_" + "Ab3" * 14

    def script(peer):
        peer.request()
        peer.send(answer(403, f"the token {secret} is not enough"))
    gitlatch, _ = serve(script)
    body = fetch_refs(gitlatch).body.decode()
    assert "is not enough" in body and secret not in body and secret[4:30] not in body


@pytest.mark.parametrize("status, expected", [(400, 403), (404, 404), (429, 429), (500, 500), (503, 503)])
def test_errors_on_refs_keep_their_meaning(serve, status, expected):
    def script(peer):
        peer.request()
        peer.send(answer(status, "said by GitHub", b"Content-Type: text/plain\r\nRetry-After: 17\r\n"))
    gitlatch, _ = serve(script)
    got = fetch_refs(gitlatch)
    assert got.status == expected and b"said by GitHub" in got.body
    assert got.header("Retry-After") == "17"


def test_error_whose_body_stalls_is_quoted_as_far_as_it_came(serve):
    def script(peer):
        peer.request()
        peer.send("HTTP/1.1 403 F\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nHalf a sentence")
        time.sleep(20)
    gitlatch, _ = serve(script, limits={"idle": "1s"})
    got = fetch_refs(gitlatch)
    assert got.status == 403 and b"GitHub answered 403: Half a sentence" in got.body


def test_a_head_that_comes_byte_by_byte_is_silence(serve):
    """A head that does not end within `limits.idle` ends the request, however many bytes of it have come."""
    def script(peer):
        peer.request()
        peer.send("HTTP/1.1 200 OK\r\n")
        for _ in range(60):
            time.sleep(0.25)
            peer.send("X")
    gitlatch, _ = serve(script, limits={"idle": "1s"})
    begun = time.monotonic()
    got = fetch_refs(gitlatch)
    assert got.status == 502 and b"reason upstream_timeout" in got.body
    assert time.monotonic() - begun < 10


# Forms of an answer.

def test_interim_answers_are_passed_over(serve):
    def script(peer):
        peer.request()
        peer.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        time.sleep(0.1)
        peer.send(b"HTTP/1.1 102 P\r\n\r\n" + OK)
    gitlatch, _ = serve(script)
    assert fetch_refs(gitlatch).body == b"fine"


def test_switching_protocols_unasked_is_an_error(serve):
    def script(peer):
        peer.request()
        peer.send("HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\nanything")
    gitlatch, _ = serve(script)
    got = fetch_refs(gitlatch)
    assert got.status == 502 and b"upstream_protocol" in got.body


@pytest.mark.parametrize("head", ["204 No Content\r\n", "304 Not Modified\r\nContent-Length: 17\r\n",
                                  "304 Not Modified\r\nTransfer-Encoding: chunked\r\n"])
def test_answers_without_a_body_keep_the_connection(serve, head):
    def script(peer):
        while True:
            peer.request()
            peer.send(f"HTTP/1.1 {head}\r\n")
            peer.request()
            peer.send(OK)
    gitlatch, server = serve(script)
    with Raw.intercepted(gitlatch) as raw:
        assert raw.ask("GET", REFS).status == int(head[:3])
        assert raw.ask("GET", REFS).body == b"fine"
        assert raw.ask("GET", REFS).status == int(head[:3])


def test_head_keeps_the_connection(serve):
    def script(peer):
        while True:
            head, _ = peer.request()
            peer.send(OK if head.startswith("GET") else "HTTP/1.1 200 X\r\nContent-Length: 4711\r\n\r\n")
    gitlatch, _ = serve(script)
    with Raw.intercepted(gitlatch) as raw:
        got = raw.ask("HEAD", REFS)
        assert got.status == 200 and got.header("Content-Length") == "4711"
        assert raw.ask("GET", REFS).body == b"fine"


def test_answer_until_close_ends_with_a_close(serve):
    def script(peer):
        peer.request()
        peer.send("HTTP/1.1 200 X\r\n\r\n" + "x" * 300000)
    gitlatch, _ = serve(script)
    with Raw.intercepted(gitlatch) as raw:
        got = raw.ask("GET", REFS)
        assert got.body == b"x" * 300000 and got.header("Connection") == "close"


def test_answer_until_close_cut_by_a_reset_is_no_whole_answer(serve):
    def script(peer):
        peer.request()
        peer.send("HTTP/1.1 200 X\r\n\r\n" + "x" * 3000)
        time.sleep(0.3)
        peer.reset()
    gitlatch, _ = serve(script)
    with Raw.intercepted(gitlatch) as raw:
        raw.send(f"GET {REFS} HTTP/1.1\r\nHost: github.com\r\n\r\n")
        assert breaks(raw)
    assert gitlatch.wait_audit(reason="upstream_lost")


@pytest.mark.parametrize("tail", ["Content-Length: 100\r\n\r\nhalf", "Transfer-Encoding: chunked\r\n\r\n64\r\nhalf",
                                  "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
                                  "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n"])
def test_truncated_answer_is_never_whole(serve, tail):
    def script(peer):
        peer.request()
        peer.send("HTTP/1.1 200 X\r\n" + tail)
    gitlatch, _ = serve(script)
    with Raw.intercepted(gitlatch) as raw:
        raw.send(f"GET {REFS} HTTP/1.1\r\nHost: github.com\r\n\r\n")
        assert breaks(raw)


@pytest.mark.parametrize("head", [
    "HTTP/1.1 200 X\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nfine",
    "HTTP/1.1 200 X\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n\r\n",
    "HTTP/1.1 200 X\r\nTransfer-Encoding: gzip, chunked\r\n\r\n4\r\nfine\r\n0\r\n\r\n",
    "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n4\r\nfine\r\n0\r\n\r\n",
    "HTTP/1.1 200 X\nContent-Length: 4\n\nfine", "HTTP/2 200\r\n\r\n", "ICY 200 OK\r\n\r\n", "\r\n\r\n",
    "HTTP/1.1 200 X\r\nA: b\r\n c\r\n\r\n", "HTTP/1.1 200 X\r\nA : b\r\n\r\n", "HTTP/1.1 99 X\r\n\r\n",
    "HTTP/1.1 200 X\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 X\r\nA: b\rc\r\n\r\n",
    "HTTP/1.1 200 X\r\nA: " + "b" * 70000 + "\r\n\r\n"])
def test_malformed_answer_is_502(serve, head):
    def script(peer):
        peer.request()
        peer.send(head)
        time.sleep(1)
    gitlatch, _ = serve(script)
    got = fetch_refs(gitlatch)
    assert got.status == 502 and b"reason upstream_protocol" in got.body, got


def test_response_fields_that_stay_behind(serve):
    def script(peer):
        peer.request()
        peer.send(answer(200, "fine", b"Set-Cookie: a=b\r\nAlt-Svc: h3=\":443\"\r\nKeep-Alive: 5\r\n"
                         b"Connection: X-Private\r\nX-Private: 1\r\nX-Kept: 2\r\nProxy-Authenticate: Basic\r\n"))
    gitlatch, _ = serve(script)
    got = fetch_refs(gitlatch)
    names = {name.lower() for name, _ in got.headers}
    assert names == {"x-kept", "content-length"}, got.headers


# Connections.

def test_pooled_connection_that_died_is_replaced(serve):
    def script(peer):
        peer.request()
        peer.send(OK)
        if peer.index > 2:
            peer.request()
            peer.send(OK)
        else:
            peer.head()  # the second request is read, then the connection dies
            peer.reset()
    gitlatch, server = serve(script)
    with Raw.intercepted(gitlatch) as raw:
        for _ in range(4):
            assert raw.ask("GET", REFS).body == b"fine"


def test_push_on_a_dead_connection_is_not_sent_twice(serve):
    """A push of which bytes were written may have been carried out."""
    pushes = []

    def script(peer):
        while True:
            head, body = peer.request()
            if "receive-pack HTTP" in head and head.startswith("POST"):
                pushes.append(body)
                peer.reset()
                return
            peer.send(OK)
    gitlatch, _ = serve(script)
    with Raw.intercepted(gitlatch) as raw:
        raw.ask("GET", REFS)
        got = raw.ask("POST", "/acme/widgets.git/git-receive-pack", body=command("refs/heads/x") + b"0000PACK")
        assert got.status == 200 and b"ng refs/heads/x gitlatch: " in got.body and b"upstream_lost" in got.body
    assert len(pushes) == 1


@pytest.mark.parametrize("method, path, sent", [
    ("POST", "/acme/widgets.git/git-upload-pack", 2), ("POST", "/acme/widgets.git/info/lfs/objects/batch", 2),
    ("GET", "/acme/widgets.git/info/lfs/locks", 2), ("POST", "/acme/widgets.git/info/lfs/locks", 1),
    ("POST", "/acme/widgets.git/info/lfs/locks/7/unlock", 1)])
def test_only_what_is_safe_is_sent_twice(serve, method, path, sent):
    seen = []

    def script(peer):
        while True:
            head, body = peer.request()
            seen.append((head.split("\r\n")[0], body))
            if len(seen) == 1:
                peer.reset()
                return
            peer.send(OK)
    gitlatch, _ = serve(script)
    body = b'{"operation":"download","objects":[]}' if "lfs" in path else b"0032want " + b"1" * 40
    with Raw.intercepted(gitlatch) as raw:
        got = raw.ask(method, path, body=body if method == "POST" else b"")
    assert len(seen) == sent and len(set(seen)) == 1, seen
    if sent == 2:
        assert got.body == b"fine"
    else:
        assert got.status == 502 and b"upstream_lost" in got.body


def test_refused_connection_is_502(serve):
    gitlatch, server = serve(lambda peer: None)
    server.close()
    for _ in range(3):
        got = fetch_refs(gitlatch)
        assert got.status == 502 and b"reason upstream" in got.body, got


def command(ref, old="0" * 40, new="1" * 40, capabilities="report-status side-band-64k"):
    line = f"{old} {new} {ref}\0{capabilities}".encode()
    return b"%04x" % (len(line) + 4) + line


# A push that GitHub breaks in the middle.

def push_body(megabytes=0):
    return command("refs/heads/x") + b"0000PACK" + b"p" * (megabytes * 1024 * 1024)


def assert_rejected(got, *words):
    assert got.status == 200, got
    assert got.header("Content-Type") == "application/x-git-receive-pack-result"
    assert b"ng refs/heads/x gitlatch: " in got.body
    for word in words:
        assert word.encode() in got.body, got.body


@pytest.mark.parametrize("status, megabytes, stays", [
    *((status, megabytes, 2) for status in (401, 403, 404, 429, 500, 503) for megabytes in (0, 8)), (503, 8, 0)])
def test_early_error_in_a_push_becomes_a_rejection(serve, status, megabytes, stays):
    def script(peer):
        peer.head()
        peer.send(answer(status, "GitHub says no"))
        time.sleep(stays)  # reads nothing more; a close resets the connection, and its words may be lost
    gitlatch, _ = serve(script)
    with Raw.intercepted(gitlatch) as raw:
        got = raw.ask("POST", "/acme/widgets.git/git-receive-pack", body=push_body(megabytes))
        assert_rejected(got, *(["GitHub says no"] if status != 401 and stays else []))


def test_stalled_upload_of_a_push_becomes_a_rejection(serve):
    """GitHub does not read on: neither a reset nor `Everything up-to-date`."""
    def script(peer):
        peer.head()
        time.sleep(15)
    gitlatch, _ = serve(script, limits={"idle": "1s"})
    with Raw.intercepted(gitlatch) as raw:
        assert_rejected(raw.ask("POST", "/acme/widgets.git/git-receive-pack", body=push_body(16)), "upstream_timeout")


def test_silence_after_a_push_becomes_a_rejection(serve):
    def script(peer):
        peer.request()
        time.sleep(15)
    gitlatch, _ = serve(script, limits={"idle": "1s"})
    with Raw.intercepted(gitlatch) as raw:
        assert_rejected(raw.ask("POST", "/acme/widgets.git/git-receive-pack", body=push_body(1)), "upstream_timeout")


def test_lost_in_the_middle_of_a_push_becomes_a_rejection(serve):
    def script(peer):
        peer.head()
        peer.exactly(300000)
        peer.reset()
    gitlatch, _ = serve(script)
    with Raw.intercepted(gitlatch) as raw:
        assert_rejected(raw.ask("POST", "/acme/widgets.git/git-receive-pack", body=push_body(16)), "upstream_lost")


def test_early_success_in_a_push_reads_the_rest(serve):
    """receive-pack may answer before it has read all; git must not see the connection break."""
    report = b"002b\x01000eunpack ok\n0018ng refs/heads/x no\n0000"

    def script(peer):
        peer.head()
        peer.send(answer(200, report, b"Content-Type: application/x-git-receive-pack-result\r\n"))
        time.sleep(1)
    gitlatch, _ = serve(script)
    with Raw.intercepted(gitlatch) as raw:
        half = push_body(16)
        raw.send("POST /acme/widgets.git/git-receive-pack HTTP/1.1\r\nHost: github.com\r\n"
                 f"Content-Length: {len(half)}\r\n\r\n".encode() + half[:100000])
        time.sleep(4)
        raw.send(half[100000:])
        assert raw.answer().body == report
    assert gitlatch.wait_audit(operation="push")["status"] == 200
    assert len(gitlatch.audit(event="request", operation="push")) == 1


def test_what_github_has_done_is_on_record_before_the_rest_is_drained(serve):
    """A client that keeps its rest back, and a kill, must not cost the event of a push that was done."""
    report = b"002b\x01000eunpack ok\n0018ok refs/heads/x!!\n0000"

    def script(peer):
        peer.head()
        peer.send(answer(200, report, b"Content-Type: application/x-git-receive-pack-result\r\n"))
        time.sleep(1)
    gitlatch, _ = serve(script)
    with Raw.intercepted(gitlatch) as raw:
        half = push_body(16)
        raw.send("POST /acme/widgets.git/git-receive-pack HTTP/1.1\r\nHost: github.com\r\n"
                 f"Content-Length: {len(half)}\r\n\r\n".encode() + half[:100000])
        event = gitlatch.wait_audit(event="request", operation="push")
        assert event["status"] == 200 and event["refs"][0]["ref"].startswith("refs/heads/"), event
        gitlatch.process.signal(signal.SIGKILL)
    assert len(gitlatch.audit(event="request", operation="push")) == 1


def test_the_rest_of_a_push_that_has_its_answer_is_not_drained_without_end(serve):
    """A byte now and then keeps no connection beyond the limit, although something always moves."""
    report = b"002b\x01000eunpack ok\n0018ng refs/heads/x no\n0000"

    def script(peer):
        peer.head()
        peer.send(answer(200, report, b"Content-Type: application/x-git-receive-pack-result\r\n"))
        time.sleep(1)
    gitlatch, _ = serve(script, limits={"idle": "3s"})
    with Raw.intercepted(gitlatch) as raw:
        half = push_body(16)
        raw.send("POST /acme/widgets.git/git-receive-pack HTTP/1.1\r\nHost: github.com\r\n"
                 f"Content-Length: {len(half)}\r\n\r\n".encode() + half[:100000])
        gitlatch.wait_audit(event="request", operation="push")
        began = time.monotonic()
        with contextlib.suppress(OSError):
            for at in range(100_000, 100_060):
                raw.send(half[at:at + 1])
                time.sleep(0.25)
        assert time.monotonic() - began < 10
    wait_until(lambda: gitlatch.status()["connections"] == 0, "it is closed")


def test_real_git_sees_a_sentence_when_github_breaks_a_push(github, gitlatch, workspace):
    """Mock faults, each in the middle of a chunked push."""
    repository = workspace.clone(WIDGETS)
    faults = [dict(status=503, after_body=1_500_000, body="Unicorn"), dict(status=401), dict(status=404, close=True),
              dict(status=429, after_body=100_000, headers={"Retry-After": "9"}), dict(reset=True, after_body=1_000_000),
              dict(close=True, after_body=1_000_000)]
    for index, fault in enumerate(faults):
        workspace.commit(repository, {f"large{index}": os.urandom(3_000_000)}, branch="topic")
        github.fault(method="POST", path="*/git-receive-pack", **fault)
        result = workspace.git("push", "origin", "topic", cwd=repository, check=False,
                               env={"GIT_TERMINAL_PROMPT": "0"})
        github.heal()
        assert "! [remote rejected] topic -> topic (gitlatch: " in result.err, result
        assert "Everything up-to-date" not in result.err and not any(prompt in result.err for prompt in PROMPTS)
