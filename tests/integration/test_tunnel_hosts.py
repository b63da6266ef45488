"""Hosts that are no GitHub: tunnelled blind, or refused."""
import base64
import socket
import ssl
import struct
import subprocess
from contextlib import closing

import pytest
from lib.listener import Listener
from lib.process import free_port
from lib.raw import Raw


def test_another_hosts_own_certificate_is_seen(workspace, github, gitlatch):
    """The tunnel is blind: what the workspace verifies is the other host's certificate, not one of ours."""
    code, body = workspace.status("--cacert", github.ca, "https://other.test/hello")
    assert code == 200, body
    with Raw(gitlatch) as raw:
        assert raw.connect("other.test:443").status == 200
        raw.tls("other.test", ca=github.ca)
        issuer = dict(pair[0] for pair in raw.socket.getpeercert()["issuer"])
        assert issuer["commonName"] == "Mock GitHub CA"
    event = gitlatch.wait_audit(event="tunnel", host="other.test")
    assert event["decision"] == "allow" and event["bytes_down"] > 0 and "token" not in event


def test_what_a_client_sends_in_a_tunnel_arrives_unchanged(workspace, github):
    workspace.status("--cacert", github.ca, "--header", "Authorization: Bearer its-own", "https://other.test/")
    (request,) = github.requests(host="other.test")
    assert request.header("Authorization") == ["Bearer its-own"]


def test_half_an_answer_in_a_tunnel_is_never_a_whole_one(start, github):
    """A plain protocol ends its message with the connection: a reset stays one."""
    def half(connection, _):
        with connection:
            connection.recv(1)
            connection.sendall(b"half")
            connection.recv(1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with closing(Listener(half)) as server:
        gitlatch = start(github={"connect_to": {**github.connect_to(), "other.test:80": f"127.0.0.1:{server.port}"}})
        with Raw(gitlatch) as raw:
            assert raw.connect("other.test:80").status == 200
            assert raw.send("x").socket.recv(4) == b"half"
            with pytest.raises(ConnectionResetError):
                raw.send("x").socket.recv(1)


def test_http2_passes_through_a_tunnel(gitlatch, github):
    """ALPN inside is between the two ends."""
    with Raw(gitlatch) as raw:
        assert raw.connect("other.test:443").status == 200
        raw.tls("other.test", ca=github.ca, alpn=["h2", "http/1.1"])
    assert "h2" in github.requests()[-1].alpn_offered if github.requests() else True


@pytest.mark.parametrize("target", [
    "127.0.0.1:{port}", "127.1.2.3:{port}", "localhost:{port}", "[::1]:{port}", "[::ffff:127.0.0.1]:{port}",
    "0.0.0.0:{port}", "[::]:{port}", "169.254.169.254:80", "169.254.1.1:443", "[fe80::1]:443",
    "[::ffff:169.254.169.254]:80", "[fd00:ec2::254]:80", "[64:ff9b::7f00:1]:{port}", "[2002:7f00:1::]:{port}",
    "2130706433:{port}", "0x7f000001:{port}", "127.1:{port}", "100.100.100.200:80"])
def test_loopback_link_local_and_metadata_are_refused(gitlatch, github, target):
    with Raw(gitlatch) as raw:
        answer = raw.connect(target.format(port=gitlatch.admin_port))
        # As a name, what is neither a name nor a plain address is not made normal but refused.
        expected = (400, b"reason name") if target[0] in "2" or "x" in target or "127.1:" in target else \
            (403, b"reason address")
        assert answer.status == expected[0] and expected[1] in answer.body, answer
    assert gitlatch.wait_audit(operation="tunnel")["decision"] == "deny"


def test_a_name_that_resolves_to_loopback_is_refused(start, folder):
    """Judged is the address that is dialled, whatever the name: `localhost.localdomain` and friends of /etc/hosts."""
    gitlatch = start()
    name = socket.gethostname()
    try:
        loopback = all(info[4][0].startswith("127.") for info in socket.getaddrinfo(name, 80))
    except socket.gaierror:
        loopback = False
    if not loopback:
        name = "localhost"
    with Raw(gitlatch) as raw:
        answer = raw.connect(f"{name}:{gitlatch.admin_port}")
        assert answer.status == 403, answer
        assert b"loopback" in answer.body


def test_the_proxys_own_addresses_are_refused(start, folder):
    address = own_address()
    gitlatch = start()
    for port in (gitlatch.port, gitlatch.admin_port):
        with Raw(gitlatch) as raw:
            assert raw.connect(f"{address}:{port}").status == 403


def own_address():
    """An address of this machine that is not loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return probe.getsockname()[0]
        except OSError:
            return "127.0.0.1"


@pytest.mark.parametrize("sni,reason", [("github.com", "sni"), ("api.github.com", "sni"), ("GitHub.COM", "sni"),
                                        ("ssh.github.com", "host"), ("gist.github.com", "host")])
def test_a_tunnel_whose_sni_is_a_github_host_is_refused(gitlatch, github, sni, reason):
    """CONNECT by another name or address, then TLS to GitHub inside: a smuggled token would reach it."""
    with Raw(gitlatch) as raw:
        assert raw.connect("other.test:443").status == 200
        context = ssl.create_default_context(cafile=str(github.ca))
        context.check_hostname = False
        with pytest.raises((ssl.SSLError, ConnectionError, EOFError)):
            context.wrap_socket(raw.socket, server_hostname=sni)
    event = gitlatch.wait_audit(reason=reason)
    assert event["decision"] == "deny" and event["host"] == "other.test"
    assert not github.requests(host="github.com")


def hello(name):
    """The ClientHello that asks for `name`, as a handshake message."""
    out = ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return out.read()[5:]


def padded(message, size):
    """The same with an extension before all others that servers pass over (RFC 8701)."""
    at = 4 + 2 + 32
    at += 1 + message[at]
    at += 2 + int.from_bytes(message[at:at + 2])
    at += 1 + message[at]
    extensions = b"\x0a\x0a" + size.to_bytes(2) + bytes(size) + message[at + 2:]
    body = message[4:at] + len(extensions).to_bytes(2) + extensions
    return b"\x01" + len(body).to_bytes(3) + body


def records(message, piece):
    return b"".join(b"\x16\x03\x01" + len(part).to_bytes(2) + part
                    for part in (message[at:at + piece] for at in range(0, len(message), piece)))


@pytest.mark.parametrize("first", [
    b"\x16\x03\x01\0\0" + records(hello("github.com"), 16384), records(padded(hello("github.com"), 20000), 16384),
    records(padded(hello("github.com"), 14000), 1)], ids=["after an empty record", "behind padding", "byte by byte"])
def test_the_name_in_a_tunnel_cannot_be_hidden(gitlatch, github, first):
    """Each of them is a ClientHello that a server of GitHub's would answer."""
    with Raw(address=("127.0.0.1", github.port)) as raw:
        assert raw.send(first).socket.recv(1) == b"\x16"
    with Raw(gitlatch) as raw:
        assert raw.connect("other.test:443").status == 200
        raw.send(first)
        assert raw.closed()
    event = gitlatch.wait_audit(reason="sni")
    assert event["decision"] == "deny" and event["host"] == "other.test" and event["bytes_up"] == 0


@pytest.mark.parametrize("other_hosts, reached", [("tunnel", True), ({"allow": ["@github-objects", "*.other.test"]}, False),
                                                  ("deny", False)])
def test_without_an_sni_github_is_bounded_by_other_hosts_alone(start, folder, github, other_hosts, reached):
    """GitHub's address, and TLS that names nobody: nothing in it can be judged, and it comes through. README, "Security
    model", says so. What GitHub makes of it is its own affair: the mock wants an SNI, and answers 421."""
    address = "140.82.121.4:443"
    connect_to = {**github.connect_to(), address: f"127.0.0.1:{github.port}"}
    gitlatch = start(github={"connect_to": connect_to}, other_hosts=other_hosts)
    foreign = base64.b64encode(f"x:{github.token(user='mallory')}".encode()).decode()
    request = ("GET /mallory/exfil.git/info/refs?service=git-upload-pack HTTP/1.1\r\nHost: github.com\r\n"
               f"Authorization: Basic {foreign}\r\nConnection: close\r\n\r\n")
    for name in (["-noservername"], ["-servername", "github.com"]):
        done = subprocess.run(["openssl", "s_client", "-quiet", "-proxy", f"127.0.0.1:{gitlatch.port}", "-connect", address,
                               *name], input=request.encode(), capture_output=True, timeout=60)
        assert done.stdout.startswith(b"HTTP/1.1 ") == (reached and name[0] == "-noservername"), done
    assert len(github.requests(path="/mallory/exfil.git/info/refs")) == reached
    event = gitlatch.wait_audit(decision="deny")
    assert event["reason"] == ("sni" if reached else "host")


def test_ssh_and_gist_hosts_are_refused(gitlatch):
    """A foreign account could push there."""
    for host in ("ssh.github.com", "gist.github.com"):
        with Raw(gitlatch) as raw:
            answer = raw.connect(f"{host}:443")
            assert answer.status == 403, answer


def test_another_port_of_github_is_refused(gitlatch):
    for target in ("github.com:22", "github.com:80", "api.github.com:8443", "uploads.github.com:9418"):
        with Raw(gitlatch) as raw:
            answer = raw.connect(target)
            assert answer.status == 403 and b"port" in answer.body, answer


def test_other_hosts_denied(start, folder):
    gitlatch = start(other_hosts="deny")
    with Raw(gitlatch) as raw:
        answer = raw.connect("other.test:443")
        assert answer.status == 403 and b"other_hosts" in answer.body
    assert gitlatch.wait_audit(reason="host")["decision"] == "deny"


def test_other_hosts_by_a_list(start, folder, github):
    gitlatch = start(other_hosts={"allow": ["@github-objects", "*.other.test"]})
    for host, status in (("a.other.test", 200), ("other.test", 403), ("codeload.github.com", 200),
                         ("github-cloud.s3.amazonaws.com", 200), ("raw.githubusercontent.com", 200)):
        with Raw(gitlatch) as raw:
            assert raw.connect(f"{host}:443").status == status, host


def test_plain_http_is_refused(workspace, github, gitlatch):
    for url in ("http://github.com/acme/widgets", "http://other.test/"):
        code, body = workspace.status("--proxy", gitlatch.url, url)
        assert code == 403 and "use https://" in body
    assert not github.requests(host="github.com") and not github.requests(host="other.test")


def test_an_address_that_leads_back_to_the_proxy_ends_there(start):
    """As the address of a Service of which the proxy is an endpoint does: a tunnel through a tunnel through a tunnel."""
    port = free_port()
    gitlatch = start(listen=f"127.0.0.1:{port}", github={"connect_to": {"loop.example:443": f"127.0.0.1:{port}"}})
    gitlatch.port = port
    with Raw(gitlatch) as raw:
        assert raw.connect("loop.example:443").status == 200
        raw.send("CONNECT loop.example:443 HTTP/1.1\r\nHost: loop.example:443\r\n\r\n")
        answer = raw.answer()
        assert answer.status == 403 and b"the proxy itself" in answer.body and raw.closed()
    assert gitlatch.wait_audit(reason="address")["status"] == 403
    assert gitlatch.metrics().sum("gitlatch_requests_total") == 2
