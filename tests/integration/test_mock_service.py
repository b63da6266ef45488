"""The mock GitHub as a program: hosts and certificates, HTTP, faults, the record, its limits, and its end."""
import concurrent.futures
import json
import socket
import ssl
import subprocess
import threading
import time

import pytest
from lib.direct import API, direct  # noqa: F401
from lib.github import BINARY
from lib.process import Process, wait_until
from lib.raw import Raw

PUBLIC = f"{API}/repos/acme/public"


def reach(github, name="api.github.com", timeout=20):
    return Raw(address=("127.0.0.1", github.port), timeout=timeout).tls(name, ca=github.ca)


def ask(github, name, host=None, path="/zen", headers="User-Agent: x\r\n"):
    with reach(github, name) as raw:
        return raw.ask("GET", path, headers, host=host or name)


def test_an_option_is_known_by_its_whole_name(tmp_path):
    for arguments, named in ((["--port", "1"], "--port"), (["--port=1"], "--port"), (["--quie"], "--quie"),
                             (["--state", tmp_path, "--lis", "127.0.0.1:0"], "--lis"), (["--foo"], "--foo"),
                             (["x"], "x")):
        done = subprocess.run([BINARY, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=30)
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert done.stderr.count("\n") == 1 and named in done.stderr, done.stderr
    assert not list(tmp_path.iterdir())
    assert "--port-file FILE" in subprocess.run([BINARY, "--help"], capture_output=True, text=True, timeout=30).stdout


def test_names_of_the_certificate(github):
    for name in ("github.com", "api.github.com", "uploads.github.com", "codeload.github.com", "lfs.github.com",
                 "raw.githubusercontent.com", "github-cloud.s3.amazonaws.com", "ghe.test", "acme.ghe.com",
                 "api.acme.ghe.com", "other.test", "a.other.test"):
        assert ask(github, name).status in (200, 400, 401, 403, 404), name
    with pytest.raises(ssl.SSLCertVerificationError):
        ask(github, "example.com")


def test_sni_and_host_must_agree(github):
    assert ask(github, "github.com", "api.github.com").status == 421
    assert ask(github, "github.com", "evil.test").status == 421
    assert ask(github, "api.github.com", "API.GitHub.com:443").status == 200


def test_bad_certificates(direct, github):
    for use, problem in (("wrong_name", "no alternative certificate subject name matches"),
                         ("untrusted", "self-signed certificate in certificate chain"), ("expired", "expired")):
        github.control("POST", "/certificate", use=use)
        refused = direct.curl(PUBLIC, check=False)
        assert refused.code == 60 and problem in refused.err
    github.control("POST", "/certificate", use="expired", host="api.github.com")
    assert direct.curl(PUBLIC, check=False).code == 60
    assert direct.status("https://github.com/acme/public")[0] == 200
    github.control("POST", "/certificate", use="good")
    assert direct.status(PUBLIC)[0] == 200


def test_old_tls_is_refused_and_sessions_resume(github):
    for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
        context = ssl.create_default_context(cafile=str(github.ca))
        context.minimum_version = context.maximum_version = version
        session = None
        for resumed in (False, True):
            with socket.create_connection(("127.0.0.1", github.port)) as plain:
                with context.wrap_socket(plain, server_hostname="api.github.com", session=session) as tls:
                    tls.sendall(b"GET /zen HTTP/1.1\r\nHost: api.github.com\r\nUser-Agent: x\r\n\r\n")
                    assert tls.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")
                    session = tls.session
            assert github.requests()[-1].tls == name and github.requests()[-1].tls_resumed == resumed
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError), socket.create_connection(("127.0.0.1", github.port)) as plain:
        context.wrap_socket(plain, server_hostname="api.github.com")


def test_alpn_is_http_1_1_alone(github):
    with Raw(address=("127.0.0.1", github.port)).tls("github.com", github.ca, alpn=["h2", "http/1.1"]) as raw:
        assert raw.socket.selected_alpn_protocol() == "http/1.1"
        raw.ask("GET", "/")
    assert github.requests()[-1].alpn_offered == "h2,http/1.1"


def test_ipv6(direct, github):
    assert github.stop() == 0
    github.start("--listen6")
    port = dict(line.split("=") for line in (github.folder / "ports").read_text().splitlines())["MOCK_GITHUB_PORT6"]
    assert direct.status("--noproxy", "*", "--connect-to", f"::[::1]:{port}", PUBLIC)[0] == 200


def test_an_idle_connection_is_closed_politely(github):
    github.setting(idle_timeout=1)
    with reach(github) as raw:
        assert raw.ask("GET", "/zen", "User-Agent: x\r\n", host="api.github.com").status == 200
        assert raw.socket.recv(1) == b""


@pytest.mark.parametrize("head", [
    "GET /zen HTTP/1.1\nHost: api.github.com\n\n",
    "GET /zen HTTP/1.1\r\n\r\n",
    "GET /zen HTTP/1.1\r\nHost: api.github.com\r\nHost: api.github.com\r\n\r\n",
    "GET /zen HTTP/2.0\r\nHost: api.github.com\r\n\r\n",
    "GET zen HTTP/1.1\r\nHost: api.github.com\r\n\r\n",
    "GET /zen HTTP/1.1\r\nHost: api.github.com\r\nBad Name: x\r\n\r\n",
    "GET /zen HTTP/1.1\r\nHost: api.github.com\r\n folded: x\r\n\r\n",
    "POST /zen HTTP/1.1\r\nHost: api.github.com\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
    "POST /zen HTTP/1.1\r\nHost: api.github.com\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /zen HTTP/1.1\r\nHost: api.github.com\r\nContent-Length: +1\r\n\r\nx"])
def test_malformed_heads_are_400_and_closed(github, head):
    with reach(github) as raw:
        assert raw.send(head).answer().status == 400
        assert raw.closed()


def test_pipelined_requests_and_trailers(github):
    request = ("POST {} HTTP/1.1\r\nHost: other.test\r\nTransfer-Encoding: chunked\r\n\r\n"
               "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: x\r\n\r\n")
    with reach(github, "other.test") as raw:
        raw.send(request.format("/1") + request.format("/2"))
        for target in ("/1", "/2"):
            answer = json.loads(raw.answer().body)
            assert answer["target"] == target and answer["body_size"] == 5
    first, second = github.requests()
    assert first.connection == second.connection and first.body_whole and first.body_size == 5


def test_head_has_no_body(github):
    with reach(github) as raw:
        assert raw.ask("HEAD", "/repos/acme/public", "User-Agent: x\r\n", host="api.github.com").status == 200
        assert raw.ask("GET", "/zen", "User-Agent: x\r\n", host="api.github.com").body == b"Speak like a human."


def test_faults_match_and_count(direct, github):
    github.fault(count=2, skip=1, path="/repos/*/public", method="GET", host="api.*", status=503)
    assert [direct.status(PUBLIC)[0] for _ in range(4)] == [200, 503, 503, 200]
    github.fault(authorization=True, status=418)
    assert direct.status(PUBLIC)[0] == 200
    assert direct.status("--header", "Authorization: Bearer x", PUBLIC)[0] == 418
    github.heal()
    assert direct.status("--header", "Authorization: Bearer x", PUBLIC)[0] == 401
    with pytest.raises(AssertionError, match="nonsense"):
        github.fault(nonsense=1)


def test_faults_that_answer(direct, github):
    github.fault(status=429, headers={"Retry-After": "7"}, body={"message": "slow"}, count=1)
    answer = direct.curl("--include", PUBLIC).out
    assert "429 Too Many Requests" in answer and "Retry-After: 7" in answer and answer.endswith('{"message":"slow"}')
    github.fault(status=200, body='{"a": 1, "a": 2', count=1)
    assert direct.status(PUBLIC) == (200, '{"a": 1, "a": 2')
    github.fault(raw="HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nhello", count=1)
    with reach(github) as raw:
        raw.send("GET / HTTP/1.1\r\nHost: api.github.com\r\n\r\n")
        assert raw.rest() == b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nhello"
    github.fault(delay_ms=600, count=1)
    began = time.monotonic()
    assert direct.status(PUBLIC)[0] == 200 and time.monotonic() - began > 0.6


def test_faults_that_break_off(direct, github):
    straight = ["--noproxy", "*", "--connect-to", f"::127.0.0.1:{github.port}", "--max-time", "3", PUBLIC]
    reset, closed, short, late = 56, 52, 18, 28
    for fault, code in (({"reset": True}, reset), ({"close": True}, closed), ({"cut_after": 20}, short),
                        ({"length_error": 5}, late), ({"cut_after": 20, "reset": True}, reset),
                        ({"status": 200, "size": 5000, "cut_after": 9}, short), ({"hang": True}, late)):
        github.fault(count=1, **fault)
        assert direct.curl(*straight, check=False).code == code, fault
        assert direct.status(*straight)[0] == 200


def test_an_early_answer_in_the_middle_of_a_body(direct, github):
    (direct.folder / "body").write_bytes(b"x" * (4 << 20))
    github.fault(count=1, method="POST", after_body=100000, status=403, body="no")
    code, answer = direct.status("--header", "Expect:", "--data-binary", f"@{direct.folder}/body", "https://other.test/")
    assert (code, answer) == (403, "no")
    (request,) = wait_until(lambda: github.requests(done=True), "the call ends")
    assert request.status == 403 and request.body_size >= 100000 and request.faulty
    github.fault(count=1, method="POST", after_body=100000, reset=True)
    assert direct.curl("--header", "Expect:", "--data-binary", f"@{direct.folder}/body", "https://other.test/",
                       check=False).code in (52, 55, 56)
    assert not wait_until(lambda: github.requests(done=True)[1:], "the call ends")[0].body_whole


def test_slow_reading_and_writing(direct, github):
    (direct.folder / "body").write_bytes(b"x" * 100000)
    for fault in ({"read_rate": 100000}, {"write_rate": 100000, "status": 200, "size": 100000}):
        github.fault(count=1, **fault)
        began = time.monotonic()
        direct.status("--data-binary", f"@{direct.folder}/body", "https://other.test/")
        assert 0.8 < time.monotonic() - began < 5


@pytest.mark.slow
def test_four_gigabytes_each_way_in_constant_memory(direct, github):
    size = 4 << 30
    github.fault(host="uploads.github.com", swallow=True, status=201)
    github.fault(host="github.com", status=200, size=size)
    before = github.process.peak_kib()
    send = f"head -c {size} /dev/zero | curl -sS -T - -X POST --noproxy '*' --connect-to ::127.0.0.1:{github.port}"
    direct.run("sh", "-c", f"{send} https://uploads.github.com/x", timeout=280)
    direct.run("sh", "-c", f"curl -sS -o /dev/null --noproxy '*' --connect-to ::127.0.0.1:{github.port} "
                           "https://github.com/x", timeout=280)
    up, down = github.requests()
    assert up.body_size == size and up.body_whole and down.answer_size == size
    assert github.process.peak_kib() - before < 2048


def test_64_at_once_and_5000_connections(github):
    context = ssl.create_default_context(cafile=str(github.ca))
    together = threading.Barrier(64)

    def run(number):
        together.wait()
        for _ in range(80):
            with socket.create_connection(("127.0.0.1", github.port), timeout=60) as plain:
                with context.wrap_socket(plain, server_hostname="api.github.com") as tls:
                    tls.sendall(b"GET /zen HTTP/1.1\r\nHost: api.github.com\r\nUser-Agent: x\r\n\r\n")
                    assert tls.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")
        return 80
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        assert sum(pool.map(run, range(64))) == 5120
    status = json.loads(github.control("GET", "/status"))
    assert status["requests"] == 5120
    wait_until(lambda: json.loads(github.control("GET", "/status"))["open"] <= 1, "connections are let go")
    assert github.process.descriptors() < 20


def test_the_record_can_be_read_on_and_forgotten(direct, github):
    for _ in range(3):
        direct.status(PUBLIC)
    lines = github.control("GET", "/record?after=2").splitlines()
    assert [json.loads(line)["number"] for line in lines] == [3]
    github.control("DELETE", "/record")
    assert github.requests() == []


def test_repositories_are_made_imported_and_kept(direct, github, folder):
    github.repository("acme/empty")
    source = folder / "source.git"
    direct.git("clone", "--quiet", "--mirror", "https://github.com/acme/public", source)
    made = json.loads(github.control("POST", "/repository", owner="acme", name="copy", **{"import": str(source)}))
    assert made["id"] and github.head("acme/copy") == github.head("acme/public")
    with pytest.raises(AssertionError, match="not there"):
        github.repository("acme/copy")
    ca = github.ca.read_bytes()
    assert github.stop() == 0
    github.start()
    assert github.ca.read_bytes() == ca
    direct.proxy.target = ("127.0.0.1", github.port)
    assert github.head("acme/copy") in direct.ls_remote("https://github.com/acme/copy", direct.token()).out


def test_what_a_person_is_told(github, folder):
    """The greeting's own words work: the curl it shows, and the configuration it wrote."""
    assert github.stop() == 0
    process = Process("greeting", [BINARY, "--state", github.folder], folder, {"PATH": "/usr/bin:/bin"})
    wait_until(lambda: "Ctrl-C" in process.stdout, "the greeting")
    (curl,) = [line.strip() for line in process.stdout.splitlines() if line.strip().startswith("curl --cacert")]
    shown = subprocess.run(curl + " -sS --noproxy '*'", shell=True, capture_output=True, text=True, check=True).stdout
    assert json.loads(shown)["full_name"] == "acme/public"
    assert f"gitlatch proxy -c {github.folder}/gitlatch.yaml" in process.stdout
    github_address = curl.partition("::")[2].split()[0]
    assert (github.folder / "gitlatch.yaml").read_text().count(github_address) > 5
    assert process.stop() == 0
