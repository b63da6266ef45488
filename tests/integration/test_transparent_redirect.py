"""`mode: transparent` behind real nftables: k8s/transparent/redirect in network namespaces of the test's own.

The machine must allow network namespaces, else these tests fail; GITLATCH_TESTS_WITHOUT_NAMESPACES=1 leaves them out."""
import re
import socket
import threading

import pytest
import yaml
from lib.namespace import FOREIGN, GITHUB, OTHER, SIDECAR, command
from lib.process import wait_until

from conftest import ACME, K8S

CONFIG = yaml.safe_load((K8S / "transparent/redirect/config/gitlatch.yaml").read_text())
RULES = K8S / "transparent/redirect/config/redirect.nft"

# A TLS client that says SNI, address, port and how many bytes of its ClientHello go out at a time; prints the issuer.
TLS = """
import socket, ssl, sys
name, address, port, step = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
tls = context.wrap_bio(incoming, outgoing, server_hostname=name or None)
connection = socket.create_connection((address, port), timeout=20)
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
while True:
    try:
        tls.do_handshake()
        done = True
    except ssl.SSLWantReadError:
        done = False
    except ssl.SSLError as error:
        print("alert", error.reason)
        sys.exit()
    data = outgoing.read()
    for at in range(0, len(data), step):
        connection.sendall(data[at:at + step])
    if done:
        break
    data = connection.recv(65536)
    if not data:
        print("closed")
        sys.exit()
    incoming.write(data)
import subprocess
pem = ssl.DER_cert_to_PEM_cert(tls.getpeercert(True))
print(subprocess.run(["openssl", "x509", "-noout", "-issuer"], input=pem, capture_output=True, text=True).stdout.strip())
"""
OURS, THEIRS, REFUSED = "gitlatch", "Mock GitHub CA", "alert TLSV1_ALERT_ACCESS_DENIED"


@pytest.fixture
def redirected(world):
    world.redirect(RULES)
    return world


@pytest.fixture
def sidecar(redirected):
    return redirected.start(**CONFIG, repositories=ACME)


@pytest.fixture
def workspace(redirected, sidecar):
    return redirected.workspace(sidecar)


@pytest.mark.parametrize("v4,v6", [(GITHUB[0], None), (None, GITHUB[1]), GITHUB], ids=["IPv4", "IPv6", "both"])
def test_git_that_knows_of_no_proxy_clones_and_pushes(redirected, sidecar, workspace, v4, v6):
    redirected.name_hosts(v4, v6)
    before = redirected.counters()
    clone = workspace.clone("https://github.com/acme/widgets")
    commit = workspace.commit(clone, {"a": "b"}, branch="agent/hello")
    workspace.git("push", "--quiet", "origin", "agent/hello", cwd=clone)
    assert redirected.github.head("acme/widgets", "refs/heads/agent/hello") == commit
    event = sidecar.wait_audit(operation="push", decision="allow", status=200)
    assert event["mode"] == "transparent" and event["host"] == "github.com"
    after = redirected.counters()
    assert after["redirected"] > before["redirected"] and after["sidecar"] > before["sidecar"]
    # What reached GitHub carried a token; the workspace sent none.
    assert {request.auth for request in redirected.github.requests(host="github.com")} == {"basic"}


def test_curl_and_api_and_other_hosts(redirected, sidecar, workspace):
    code, body = workspace.status("https://api.github.com/repos/acme/widgets")
    assert code == 200 and '"acme/widgets"' in body
    assert workspace.status("https://other.test/hello")[0] == 200
    event = sidecar.wait_audit(event="tunnel", host="other.test")
    assert event["mode"] == "transparent" and event["decision"] == "allow" and event["bytes_down"] > 0


@pytest.mark.parametrize("step", [1, 3, 100, 100000])
def test_the_name_is_read_however_the_hello_is_split(redirected, sidecar, workspace, step):
    assert OURS in workspace.python(TLS, "github.com", GITHUB[0], 443, step)
    assert THEIRS in workspace.python(TLS, "other.test", OTHER[0], 443, step)


def test_the_name_leads_and_not_the_address(redirected, sidecar, workspace):
    """An intercepted host's SNI, sent to a foreign address: GitHub's own answers, nobody else hears of it."""
    for address, name in ((FOREIGN[0], "github.com"), (FOREIGN[1], "api.github.com"), (FOREIGN[0], "other.test")):
        assert (OURS if "github" in name else THEIRS) in workspace.python(TLS, name, address, 443, 100000)
    path = "https://github.com/acme/widgets/info/refs?service=git-upload-pack"
    code, body = workspace.status("--connect-to", f"github.com:443:{FOREIGN[0]}:443", path)
    assert code == 200, body
    assert redirected.foreign() == 0
    assert "github.com" in redirected.dns.asked and "other.test" in redirected.dns.asked


def test_without_a_name_the_address_decides(redirected, sidecar, workspace):
    for address in OTHER:
        assert THEIRS in workspace.python(TLS, "", address, 443, 100000)
        assert sidecar.wait_audit(event="tunnel", host=address)["mode"] == "transparent"
    sidecar.reload(other_hosts="deny")
    wait_until(lambda: "gitlatch_reloads_total{result=\"ok\"} 1" in sidecar.metrics().text, "the reload")
    for address in (*OTHER, FOREIGN[0]):
        assert workspace.python(TLS, "", address, 443, 100000) == REFUSED
        assert sidecar.wait_audit(host=address, decision="deny", reason="host")
    assert redirected.foreign() == 0
    # Names still lead to GitHub, and nowhere else.
    assert OURS in workspace.python(TLS, "github.com", FOREIGN[0], 443, 100000)
    assert workspace.python(TLS, "other.test", OTHER[0], 443, 100000) == REFUSED


def test_side_doors_and_own_addresses_are_refused(redirected, sidecar, workspace):
    for name in ("ssh.github.com", "gist.github.com"):
        assert workspace.python(TLS, name, GITHUB[0], 443, 100000) == REFUSED
        assert sidecar.wait_audit(host=name, decision="deny", reason="host")
    # A name that leads back to the pod: no loop, no way to its ports.
    redirected.dns.names["mine.test"] = ("198.51.100.2", "2001:db8:1::2")
    redirected.dns.names["loop.test"] = ("127.0.0.1", "::1")
    for name in ("mine.test", "loop.test"):
        assert workspace.python(TLS, name, OTHER[0], 443, 100000) == "closed"
        assert sidecar.wait_audit(host=name, decision="deny", reason="address")
    denials = sidecar.metrics()
    assert denials.sum("gitlatch_denials_total", reason="host") >= 2
    assert denials.sum("gitlatch_denials_total", reason="address") >= 2


def test_no_tls_on_port_443_is_decided_as_an_address(redirected, sidecar, workspace):
    sidecar.reload(other_hosts="deny")
    wait_until(lambda: "gitlatch_reloads_total{result=\"ok\"} 1" in sidecar.metrics().text, "the reload")
    code, body = workspace.status("--ipv4", "http://github.com:443/acme/widgets")
    assert code == 403 and GITHUB[0] in body, body
    assert sidecar.wait_audit(host=GITHUB[0], decision="deny", reason="host")["mode"] == "transparent"
    assert not redirected.github.requests(host="github.com")


PARTIAL = """
import socket, sys, time
connection = socket.create_connection((sys.argv[1], 443), timeout=20)
connection.sendall(bytes.fromhex(sys.argv[2]))
print("closed" if connection.recv(100) == b"" else "answered", connection.close())
"""


def test_a_hello_that_stops_half_way_is_not_waited_for(redirected):
    sidecar = redirected.start(**CONFIG, limits={"head": "1s"})
    workspace = redirected.workspace(sidecar)
    for start in ("", "16", "160301", "1603010200010001fc0303"):
        assert workspace.python(PARTIAL, OTHER[0], start).startswith("closed"), start
    assert sidecar.metrics().sum("gitlatch_connections", side="client") == 0
    assert not redirected.github.requests()


UDP = """
import socket, sys
found = []
for family, address in ((socket.AF_INET, sys.argv[1]), (socket.AF_INET6, sys.argv[2])):
    probe = socket.socket(family, socket.SOCK_DGRAM)
    probe.settimeout(20)
    probe.connect((address, 443))
    try:
        probe.send(b"an Initial of QUIC")
        probe.recv(100)
        found.append("answered")
    except ConnectionRefusedError:
        found.append("refused")
    except PermissionError:
        found.append("refused")
print(*found)
"""
TCP = """
import socket, sys
found = []
for port in map(int, sys.argv[2:]):
    try:
        socket.create_connection((sys.argv[1], port), timeout=20).close()
        found.append("connected")
    except ConnectionError:
        found.append("refused")
print(*found)
"""


def test_ways_past_the_proxy_are_refused_and_counted(redirected, sidecar, workspace):
    with redirected.internet:
        # Servers that would be glad to be reached.
        listening = [socket.create_server(("", port)) for port in (22, 9418)]
        quic = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        quic.bind(("", 443))
        quic.settimeout(0)
    before = redirected.counters()
    assert workspace.python(UDP, *GITHUB) == "refused refused"
    assert workspace.python(TCP, GITHUB[0], 22, 9418) == "refused refused"
    after = redirected.counters()
    assert after["refused http/3"] - before["refused http/3"] == 2
    assert after["refused ssh and git"] - before["refused ssh and git"] >= 2
    with pytest.raises(BlockingIOError):
        quic.recv(100)
    for one in (*listening, quic):
        one.close()


def test_other_ports_go_past_and_are_counted(redirected, sidecar, workspace):
    """They are no way to GitHub, which serves git on 443, 22 and 9418; the count tells that somebody tries."""
    with redirected.internet:
        listening = socket.create_server(("", 8443))
    before = redirected.counters()
    assert workspace.python(TCP, FOREIGN[0], 8443) == "connected"
    assert workspace.python(TLS, "other.test", OTHER[0], 443, 100000)
    after = redirected.counters()
    assert after["past gitlatch"] - before["past gitlatch"] == 1
    listening.close()


def test_only_the_sidecars_uid_is_exempt(redirected, sidecar, workspace):
    """As the sidecar's uid a program would be past it; as any other it is not."""
    argv = ["/usr/bin/python3", "-c", TLS, "github.com", FOREIGN[0], "443", "100000"]
    for uid, expected in ((SIDECAR + 1, OURS), (0, OURS), (SIDECAR, THEIRS)):
        assert redirected.foreign() == 0, uid
        assert expected in redirected.pod.run(*redirected.wrap(uid, argv)), uid
    assert redirected.foreign() > 0


def test_rules_are_loaded_as_one(redirected, sidecar, workspace, folder):
    """Again and again while connections are made: none slips through. A file with a mistake changes nothing."""
    stop, reloads = threading.Event(), []

    def reload():
        while not stop.is_set():
            command("ip", "netns", "exec", redirected.pod.name, "nft", "-f", RULES)
            reloads.append(1)
    thread = threading.Thread(target=reload)
    thread.start()
    try:
        for _ in range(10):
            assert OURS in workspace.python(TLS, "github.com", FOREIGN[0], 443, 100000)
    finally:
        stop.set()
        thread.join()
    assert len(reloads) > 10 and redirected.foreign() == 0
    ruleset = redirected.pod.run("nft", "list", "ruleset")
    assert ruleset.count("chain to_gitlatch") == 1 and ruleset.count("redirect to :3129") == 1
    broken = folder / "broken.nft"
    broken.write_text(RULES.read_text().replace("redirect to :3129", "accept") + "\ntable inet gitlatch { nonsense }\n")
    with pytest.raises(AssertionError, match="nonsense"):
        redirected.redirect(broken)
    assert OURS in workspace.python(TLS, "github.com", FOREIGN[0], 443, 100000)
    strip = lambda text: re.sub(r"packets \d+ bytes \d+", "", text)  # noqa: E731
    assert strip(redirected.pod.run("nft", "list", "ruleset")) == strip(ruleset)
    assert redirected.foreign() == 0


def test_dns_that_fails_is_said(redirected, sidecar, workspace):
    redirected.dns.names = {}
    result = workspace.curl("--connect-to", f"github.com:443:{GITHUB[0]}:443",
                            "https://github.com/acme/widgets/info/refs?service=git-upload-pack")
    assert "the name does not exist" in result.out, result
