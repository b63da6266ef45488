"""More than one core: several processes on one port; and bursts of many connections."""
import json
import signal
import subprocess
import threading
from itertools import count

from lib.gitlatch import BINARY
from lib.process import free_port, wait_until
from lib.raw import Raw

REFS = "/acme/widgets.git/info/refs?service=git-upload-pack"


def pair(start, folder):
    """Two processes on one port with one CA, started at the same moment with nothing there before."""
    port, started = free_port(), {}
    shared = {"listen": f"127.0.0.1:{port}", "reuse_port": True, "ca": {"state": str(folder / "state")}}

    def launch(name):
        started[name] = start(name, **shared)
        started[name].port = port
    threads = [threading.Thread(target=launch, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return started["one"], started["two"]


def served(gitlatch):
    return gitlatch.metrics().sum("gitlatch_requests_total", operation="fetch", decision="allow", status="200")


def ask(gitlatch):
    """A connection and a request; the certificate is verified by the CA that `gitlatch` has published."""
    with Raw.intercepted(gitlatch) as raw:
        return raw.ask("GET", REFS).status


def test_two_processes_on_one_port_are_one_proxy(start, folder, github):
    one, two = pair(start, folder)
    assert (one.public / "ca.pem").read_text() == (two.public / "ca.pem").read_text()
    # The kernel deals connections out by their addresses: each process gets some of them.
    for number in count(1):
        assert ask(one if number % 2 else two) == 200
        if served(one) and served(two):
            break
        assert number < 200, "one process gets no connection"
    assert served(one) + served(two) == number
    workspace = one.workspace(folder / "workspace")
    assert workspace.clone("https://github.com/acme/widgets.git")

    # One is gone, without a word; the other serves all, also who trusts the CA by the files of the one that is gone.
    one.process.signal(signal.SIGKILL)
    one.process.wait()
    before = served(two)
    for _ in range(20):
        assert ask(one) == 200
    assert served(two) == before + 20
    assert github.head("acme/widgets") in workspace.git("ls-remote", "https://github.com/acme/widgets.git").out

    # It comes back, with the same CA.
    one.start()
    wait_until(lambda: ask(two) == 200 and served(one) > 0, "the restarted process gets no connection", 120)
    assert (one.public / "ca.pem").read_text() == (two.public / "ca.pem").read_text()


def test_one_process_that_drains_leaves_the_port_to_the_other(start, folder, github):
    """A rolling restart: SIGTERM answers what is in flight, and new connections go to the other."""
    one, two = pair(start, folder)
    kept = [Raw.intercepted(one) for _ in range(16)]
    for raw in kept:
        assert raw.ask("GET", REFS).status == 200
    one.process.signal(signal.SIGTERM)
    assert one.process.wait(60) == 0
    for _ in range(20):
        assert ask(two) == 200
    # Who was connected to the one that ended has been told so between two requests; the others go on.
    alive = [raw for raw in kept if not closed(raw)]
    assert len(alive) == two.metrics().sum("gitlatch_connections", side="client")
    for raw in alive:
        assert raw.ask("GET", REFS).status == 200
    for raw in kept:
        raw.socket.close()


def closed(raw):
    raw.socket.settimeout(0.2)
    try:
        return raw.socket.recv(1) == b""
    except TimeoutError:
        raw.socket.settimeout(60)
        return False
    except OSError:
        return True


def test_a_port_is_not_shared_unasked(start, folder):
    """Without `reuse_port` a second process says that the port is taken, rather than take half of its connections."""
    first = start()
    config = {**first.config, "admin": "off", "ca": {"publish": str(folder / "other")}}
    path = folder / "second.yaml"
    path.write_text(json.dumps(config))
    done = subprocess.run([BINARY, "proxy", "-c", path], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert f"cannot listen on 127.0.0.1:{first.port}: Address already in use; end what has this port" in done.stderr


def made_upstream(gitlatch):
    return gitlatch.metrics().sum("gitlatch_upstream_connections_total", result="new")


def test_connections_of_a_burst_serve_the_next_one(start, github):
    """150 requests at once, again and again: hardly anybody waits for another handshake with GitHub."""
    gitlatch = start()
    raws = [Raw.intercepted(gitlatch) for _ in range(150)]
    try:
        for raw in raws:
            assert raw.ask("GET", REFS).status == 200
        burst(github, raws)
        burst(github, raws)
        made = made_upstream(gitlatch)
        burst(github, raws)
        # On a busy machine some requests of the first bursts may have come when others were answered.
        assert made_upstream(gitlatch) <= made + 40
    finally:
        for raw in raws:
            raw.socket.close()


def burst(github, raws):
    """So late are the answers that all requests are there before the first of them."""
    github.fault(path="/acme/widgets.git/info/refs", delay_ms=3000, count=len(raws))
    for raw in raws:
        raw.send(f"GET {REFS} HTTP/1.1\r\nHost: github.com\r\n\r\n")
    for raw in raws:
        assert raw.answer().status == 200
    github.heal()
