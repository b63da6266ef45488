"""Bodies of every size and framing: whole, streamed, in bounded memory, and never a part passed off as the whole."""
import socket
import subprocess
import threading
import time

import pytest
from lib.gitlatch import sanitized
from lib.process import free_port, wait_until
from lib.raw import Raw

ARCHIVE = "/acme/widgets/archive/refs/heads/main.tar.gz"
UPLOAD = "https://uploads.github.com/repos/acme/widgets/releases/1/assets?name=large"
FOUR_GIB = 4 << 30
PEAK_KIB = 24 << 10


@pytest.mark.slow
def test_4_gib_down_in_bounded_memory(workspace, github, gitlatch):
    github.fault(path=ARCHIVE, status=200, size=FOUR_GIB)
    done = workspace.curl("--max-time", "280", "--output", "/dev/null", "--write-out", "%{http_code} %{size_download}",
                          "https://github.com" + ARCHIVE, timeout=290)
    assert done.out == f"200 {FOUR_GIB}"
    if not sanitized():
        assert gitlatch.process.peak_kib() <= PEAK_KIB


@pytest.mark.slow
@pytest.mark.parametrize("framing", ["chunked", "length"])
def test_4_gib_up_in_bounded_memory(workspace, github, gitlatch, framing):
    size = FOUR_GIB if framing == "chunked" else FOUR_GIB // 4
    github.fault(path="/repos/acme/widgets/releases/*", method="POST", status=201, swallow=True)
    zeros = workspace.folder / "zeros"
    with open(zeros, "wb") as file:
        file.truncate(size)
    source = f"- <{zeros}" if framing == "chunked" else zeros  # of what it reads from a pipe curl knows no length
    script = "exec curl --silent --show-error --max-time 280 --request POST --output /dev/null " \
             f'--header "Content-Type: application/octet-stream" --write-out "%{{http_code}}" "$0" --upload-file {source}'
    done = workspace.run("sh", "-c", script, UPLOAD, timeout=290)
    assert done.out == "201"
    (request,) = github.requests(host="uploads.github.com")
    assert request.header("Transfer-Encoding") == (["chunked"] if framing == "chunked" else [])
    assert request.body_size == size and request.body_whole and request.auth == "bearer"
    if not sanitized():
        assert gitlatch.process.peak_kib() <= PEAK_KIB


def test_a_slow_reader_holds_back_the_sender(workspace, github, gitlatch):
    """Back-pressure: what the client does not read is not fetched into memory."""
    github.fault(path=ARCHIVE, status=200, size=1 << 30)
    before = gitlatch.process.rss_kib()
    reader = subprocess.Popen(["curl", "--silent", "--limit-rate", "64K", "--output", "/dev/null",
                               "https://github.com" + ARCHIVE], env=workspace.env)
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            reader.wait(3)
        (request,) = github.requests(path=ARCHIVE)
        assert request.answer_size < 32 << 20
        if not sanitized():
            assert gitlatch.process.rss_kib() < before + (2 << 10)
    finally:
        reader.kill()
        reader.wait()


class Unread(Raw):
    """A connection whose client asks for small answers, one after the other, and takes few bytes that it does not read."""

    REQUEST = f"GET {ARCHIVE} HTTP/1.1\r\nHost: github.com\r\n"

    def __init__(self, gitlatch):
        self.gitlatch, self.buffer, self.socket = gitlatch, b"", socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(60)
        self.socket.connect(("127.0.0.1", gitlatch.port))
        self.connect("github.com:443")
        self.tls("github.com")

    def answers_until_it_stands(self):
        """How many answers are given to the sockets, and the last of them wait in front."""
        def answered():
            return int(self.gitlatch.metrics().sum("gitlatch_requests_total"))
        before, asked = answered(), 0
        while answered() - before == asked:
            self.send((self.REQUEST + "\r\n") * 50)
            asked += 50
            try:
                wait_until(lambda: answered() - before == asked, "all are answered", 2)
            except AssertionError:
                pass
        return answered() - before


def test_a_slow_reader_gets_all_of_its_last_answer(gitlatch, github):
    """It does not read for longer than a client that has its answer is waited for."""
    github.fault(path=ARCHIVE, status=200, body="x" * 7000)
    with Unread(gitlatch) as raw:
        count = raw.answers_until_it_stands()
    with Unread(gitlatch) as raw:
        raw.send((raw.REQUEST + "\r\n") * (count - 1) + raw.REQUEST + "Connection: close\r\n\r\n")
        time.sleep(4)
        assert sum(len(raw.answer().body) for _ in range(count)) == 7000 * count
        assert raw.closed()


def framed(raw_answer, method="GET", path=ARCHIVE):
    """What the client gets for an answer that the mock writes byte by byte."""
    def check(gitlatch, github):
        github.fault(path=path, raw=raw_answer)
        with Raw.intercepted(gitlatch) as raw:
            return raw.ask(method, path), raw
    return check


def test_an_answer_with_a_length(gitlatch, github):
    answer, _ = framed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")(gitlatch, github)
    assert answer.body == b"hello"


def test_an_answer_in_chunks_with_trailers(gitlatch, github):
    answer, _ = framed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                       "2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nX-Sum: 5\r\n\r\n")(gitlatch, github)
    assert answer.body == b"hello"


def test_an_answer_that_ends_with_the_connection(gitlatch, github):
    answer, _ = framed("HTTP/1.1 200 OK\r\n\r\nhello")(gitlatch, github)
    assert answer.body == b"hello"
    answer, _ = framed("HTTP/1.0 200 OK\r\n\r\nhello")(gitlatch, github)
    assert answer.body == b"hello"


def test_answers_without_a_body(gitlatch, github):
    for status in ("204 No Content", "304 Not Modified"):
        github.fault(path=ARCHIVE, raw=f"HTTP/1.1 {status}\r\nETag: x\r\n\r\n")
        with Raw.intercepted(gitlatch) as raw:
            answer = raw.ask("GET", ARCHIVE)
            assert answer.status == int(status[:3]) and answer.header("ETag") == "x"
        github.heal()
    answer, _ = framed("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", method="HEAD")(gitlatch, github)
    assert answer.status == 200 and answer.header("Content-Length") == "5000"


def test_interim_answers(gitlatch, github):
    answer, _ = framed("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
                       "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")(gitlatch, github)
    assert (answer.status, answer.body) == (200, b"hello")


def test_a_client_that_waits_for_100_continue(gitlatch, github):
    github.fault(path="/repos/acme/widgets/releases/*", method="POST", status=201, swallow=True)
    with Raw.intercepted(gitlatch, "uploads.github.com") as raw:
        raw.send("POST /repos/acme/widgets/releases/1/assets?name=a HTTP/1.1\r\nHost: uploads.github.com\r\n"
                 "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert raw.answer(interim=True).status == 100
        raw.send("hello")
        assert raw.answer().status == 201
    (request,) = github.requests(host="uploads.github.com")
    assert request.body_size == 5


@pytest.mark.parametrize("part", [
    "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhello"])
def test_half_an_answer_is_never_a_whole_one(workspace, github, gitlatch, part):
    github.fault(path=ARCHIVE, raw=part)
    done = workspace.curl("https://github.com" + ARCHIVE, check=False)
    assert done.code in (18, 56), done
    event = gitlatch.wait_audit(reason="upstream_lost")
    assert event["status"] == 200


@pytest.mark.parametrize("nonsense", [
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "SSH-2.0-babeld\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nx"])
def test_an_answer_that_is_not_http_is_502(gitlatch, github, nonsense):
    answer, _ = framed(nonsense)(gitlatch, github)
    assert answer.status == 502, answer
    assert gitlatch.wait_audit(status=502)["reason"].startswith("upstream")


def test_a_client_that_goes_away_ends_the_transfer(workspace, github, gitlatch):
    github.fault(path=ARCHIVE, status=200, size=1 << 40)
    curl = subprocess.Popen(["curl", "--silent", "https://github.com" + ARCHIVE], env=workspace.env,
                            stdout=subprocess.PIPE)
    assert curl.stdout.read(1 << 20)
    curl.kill()
    curl.communicate()
    event = gitlatch.wait_audit(host="github.com", reason="client_gone")
    assert event["bytes_down"] > 0
    wait_until(lambda: gitlatch.metrics().sum("gitlatch_connections", side="upstream") <= 1, "the upstream is closed")


def test_a_client_that_ends_its_half_and_then_goes_away_ends_the_transfer(github, gitlatch):
    """As a killed git's kernel does: FIN first, and a reset for what still comes."""
    github.fault(path=ARCHIVE, status=200, size=1 << 40)
    with Raw.intercepted(gitlatch) as raw:
        raw.send(f"GET {ARCHIVE} HTTP/1.1\r\nHost: github.com\r\n\r\n")
        wait_until(lambda: github.requests(path=ARCHIVE), "the download runs")
        raw.socket.shutdown(socket.SHUT_WR)
        gitlatch.metrics()  # what it answers after that, it answers after it has read the FIN
    event = gitlatch.wait_audit(host="github.com", event="request")
    assert event["reason"] == "client_gone"


def test_connections_are_kept_on_both_sides(gitlatch, github):
    refs = "/acme/widgets.git/info/refs?service=git-upload-pack"
    with Raw.intercepted(gitlatch) as raw:
        for _ in range(20):
            assert raw.ask("GET", refs).status == 200
    requests = github.requests(host="github.com")
    assert len(requests) == 20 and len({request.connection for request in requests}) <= 2
    metrics = gitlatch.metrics()
    assert metrics.sum("gitlatch_upstream_connections_total", result="reused") >= 18


def test_a_kept_connection_that_github_closed_is_no_failure(workspace, github, gitlatch):
    """A reused connection may be dead when it is used: what is safe is sent again."""
    for _ in range(3):
        github.fault(path="*/info/refs", count=1, close=True, skip=1)
        for _ in range(2):
            assert workspace.git("ls-remote", "https://github.com/acme/widgets.git").out
        github.heal()


def test_a_small_request_beside_a_large_stream_is_not_kept_waiting(workspace, github, gitlatch):
    github.fault(path=ARCHIVE, status=200, size=1 << 40)
    stream = subprocess.Popen(["curl", "--silent", "--output", "/dev/null", "https://github.com" + ARCHIVE],
                              env=workspace.env)
    try:
        for _ in range(5):
            done = workspace.curl("--output", "/dev/null", "--write-out", "%{time_total}",
                                  "https://github.com/acme/widgets.git/info/refs?service=git-upload-pack")
            assert float(done.out) < 3
        assert stream.poll() is None
    finally:
        stream.kill()
        stream.wait()


def test_many_connections_at_once_stay_small(gitlatch):
    """200 idle intercepted connections: ≤ 50 KiB each."""
    raws = [Raw.intercepted(gitlatch) for _ in range(8)]
    before = gitlatch.process.rss_kib()
    try:
        raws += [Raw.intercepted(gitlatch) for _ in range(200)]
        grown = gitlatch.process.rss_kib() - before
    finally:
        for raw in raws:
            raw.socket.close()
    if not sanitized():
        assert grown / 200 <= 50


def test_the_limit_of_connections_is_kept(start):
    gitlatch = start(limits={"connections": 4})
    raws = [Raw.intercepted(gitlatch) for _ in range(4)]
    try:
        with Raw(gitlatch) as raw:
            assert raw.connect("github.com:443").status == 503
            assert raw.closed()
    finally:
        for raw in raws:
            raw.socket.close()


def from_address(gitlatch, source):
    raw = Raw.__new__(Raw)
    raw.gitlatch, raw.buffer = gitlatch, b""
    raw.socket = socket.create_connection((OUTSIDE, gitlatch.port), timeout=20, source_address=(source, 0))
    return raw


# An address of this machine that is not loopback, so that its clients have a share.
OUTSIDE = next((word for word in subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split()
                if "." in word), None)


@pytest.mark.skipif(not OUTSIDE, reason="this machine has no address but loopback")
def test_an_address_has_its_share_and_loopback_all(start):
    gitlatch = start(listen=f"0.0.0.0:{(port := free_port())}", limits={"per_client": 4})
    gitlatch.port = port
    held = [from_address(gitlatch, OUTSIDE) for _ in range(4)]
    wait_until(lambda: gitlatch.status()["connections"] == 4, "four are there")
    over = from_address(gitlatch, OUTSIDE)
    over.send("CONNECT github.com:443 HTTP/1.1\r\nHost: github.com:443\r\n\r\n")
    answer = over.answer()
    assert answer.status == 503 and b"limits.per_client" in answer.body and answer.header("Retry-After") == "1"
    assert over.closed()
    event = gitlatch.wait_audit(reason="connections")
    assert event["status"] == 503 and event["client"].startswith(f"{OUTSIDE}:")
    held += [Raw(gitlatch) for _ in range(8)]
    with Raw(gitlatch) as raw:
        assert raw.connect("github.com:443").status == 200
    for raw in held:
        raw.socket.close()


def test_connections_over_the_limit_hold_nothing(start):
    """1,200 at a house for 200: those over it are answered and gone, and no descriptor is spent on them."""
    gitlatch = start(limits={"connections": 200})
    before = gitlatch.process.descriptors()
    raws = [Raw(gitlatch) for _ in range(1200)]
    try:
        wait_until(lambda: gitlatch.metrics().sum("gitlatch_denials_total", reason="connections") == 1000, "all are refused")
        assert gitlatch.process.descriptors() - before <= 200 + 8
        assert gitlatch.status()["connections"] == 200
        assert raws[-1].answer().status == 503
    finally:
        for raw in raws:
            raw.socket.close()
    wait_until(lambda: gitlatch.status()["connections"] == 0, "the house is empty")
    with Raw(gitlatch) as raw:
        assert raw.connect("github.com:443").status == 200


@pytest.mark.skipif(not OUTSIDE, reason="this machine has no address but loopback")
def test_a_full_house_makes_room_for_who_has_less(start):
    gitlatch = start(listen=f"0.0.0.0:{(port := free_port())}", limits={"connections": 20})
    gitlatch.port = port
    silent = [Raw(gitlatch) for _ in range(20)]
    wait_until(lambda: gitlatch.status()["connections"] == 20, "the house is full")
    try:
        for _ in range(5):
            newcomer = from_address(gitlatch, OUTSIDE)
            assert newcomer.connect("github.com:443").status == 200
            newcomer.socket.close()
        assert silent[0].closed()  # the one that has been silent longest
        silent[-1].send("CONNECT github.com:443 HTTP/1.1\r\nHost: github.com:443\r\n\r\n")
        assert silent[-1].answer("CONNECT").status == 200
        # Of one address nobody makes room for another.
        silent += [Raw(gitlatch) for _ in range(20)]
        assert silent[-1].connect("github.com:443").status == 503
    finally:
        for raw in silent:
            raw.socket.close()


def test_connections_that_bring_no_request_are_short_lived_where_the_house_fills(start):
    gitlatch = start(limits={"connections": 20, "head": "30s"})
    silent = [Raw(gitlatch) for _ in range(18)]
    began = time.monotonic()
    wait_until(lambda: gitlatch.status()["connections"] <= 11, "those of the upper half are closed", 15, pause=0.2)
    assert time.monotonic() - began < 10
    for raw in silent:
        raw.socket.close()


def test_a_silent_client_is_closed(start):
    gitlatch = start(limits={"idle": "1s", "head": "1s"})
    with Raw(gitlatch) as silent, Raw(gitlatch) as half, Raw.intercepted(gitlatch) as idle:
        half.send("CONNECT github.com:443 HT")
        threads = [threading.Thread(target=raw.rest) for raw in (silent, half, idle)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(8)
            assert not thread.is_alive()
