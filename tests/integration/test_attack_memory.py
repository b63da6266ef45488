"""A pod's memory limit, and a workspace that wants to end its sidecar by it: in a real memory cgroup of 256 MiB."""
import itertools
import json
import resource
import socket
import threading

import pytest
from lib import receive_pack, seed
from lib.cgroup import MemoryGroup, obstacle
from lib.gitlatch import sanitized
from lib.process import wait_until
from lib.raw import Raw
from lib.receive_pack import ZERO, pkt

LIMIT = 256 << 20
WIDGETS = "https://github.com/acme/widgets.git"
ONE = "1" * 40


@pytest.fixture
def group():
    if sanitized():
        pytest.skip("the sanitizer's memory is not the product's")
    if reason := obstacle():
        pytest.skip(reason)
    group = MemoryGroup(LIMIT)
    yield group
    group.remove()


def push_lines(size):
    """Commands of a push, without their end."""
    text, number = pkt(f"{ZERO} {ONE} refs/heads/agent/first\0 report-status"), 0
    lines = [text]
    length = len(text)
    while length < size:
        lines.append(pkt(f"{ZERO} {ONE} refs/heads/agent/{'x' * 100}-{number}"))
        length += len(lines[-1])
        number += 1
    return b"".join(lines)[:size]


def byte_chunks(data):
    """Each byte a chunk: five bytes of framing for one."""
    return b"".join(b"1\r\n%c\r\n" % byte for byte in data)


BODIES = {
    "push": ("/acme/widgets.git/git-receive-pack", "github.com", lambda size: push_lines(size)),
    "lfs": ("/acme/widgets.git/info/lfs/objects/batch", "github.com",
            lambda size: b'{"operation":"upload","objects":[' + b'{"oid":"1","size":1},' * (size // 21)),
    "graphql": ("/graphql", "api.github.com", lambda size: b'{"query":"' + b"x" * size),
    "plain": ("/repos/acme/widgets/issues", "api.github.com", lambda size: b'{"title":"' + b"x" * size),
}


def begin(gitlatch, kind, size, chunks):
    """A connection with a body that has begun and does not end. The sender gives up where gitlatch does not read on."""
    path, host, make = BODIES[kind]
    raw = Raw.intercepted(gitlatch, host)
    raw.send(f"POST {path} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n")
    raw.socket.settimeout(5)
    data = make(size)
    try:
        raw.send(byte_chunks(data) if chunks else b"%x\r\n" % (len(data) + 1) + data)
    except (socket.timeout, OSError):
        pass
    return raw


def push(workspace, clone, number):
    workspace.commit(clone, {f"file-{number}": seed.noise(20_000, number)})
    workspace.git("push", "origin", f"HEAD:refs/heads/agent/allowed-{number}", cwd=clone)


def check_alive(gitlatch, github, workspace, clone, group, number):
    push(workspace, clone, number)
    assert github.head("acme/widgets", f"refs/heads/agent/allowed-{number}") == workspace.head(clone)
    event = gitlatch.wait_audit(operation="push", decision="allow", event="request")
    assert event["refs"][0]["ref"] == f"refs/heads/agent/allowed-{number}" and event["status"] == 200
    assert gitlatch.process.alive()
    assert group.peak < LIMIT


def test_eleven_bodies_that_do_not_end(group, start, folder, github):
    gitlatch = start_in(start, group)
    workspace = gitlatch.workspace(folder / "workspace")
    clone = workspace.clone(WIDGETS)
    attackers = []
    for kind, _ in zip(itertools.cycle(["push", "push", "lfs", "graphql", "plain"]), range(22)):
        attackers.append(begin(gitlatch, kind, 4_000_000 if kind != "graphql" else 1_000_000, chunks=kind == "push"))
    print("peak with 22 bodies:", group.peak >> 20, "MiB")
    check_alive(gitlatch, github, workspace, clone, group, 1)
    for raw in attackers:
        raw.socket.close()
    wait_until(lambda: gitlatch.metrics().sum("gitlatch_connections", side="client") == 0, "all are gone")
    # What did not fit was refused: a push that does not end, once its sender is gone.
    assert {"push", "lfs"} <= {event["operation"] for event in gitlatch.audit(reason="memory")}
    # All that was held is free again: a push of many refs passes.
    with Raw.intercepted(gitlatch) as raw:
        lines = [(ZERO, github.head("acme/widgets"), f"refs/heads/agent/{'y' * 100}-{n}") for n in range(5000)]
        answer = receive_pack.push(raw, "acme/widgets", receive_pack.commands(*lines) + receive_pack.EMPTY_PACK)
        assert receive_pack.Report(answer.body).lines[0] == "unpack ok", answer
    assert gitlatch.process.alive()


def start_in(start, group, **config):
    """In the cgroup: the shell enters it and becomes gitlatch."""
    return start(popen={"preexec_fn": group.enter}, **config)


@pytest.mark.slow
def test_a_thousand_bodies_that_do_not_end(group, start, folder, github):
    """1,024 of them: as many as `connections` are by default; the push beside them has the room of 1,100."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    gitlatch = start_in(start, group, limits={"connections": 1100})
    workspace = gitlatch.workspace(folder / "workspace")
    clone = workspace.clone(WIDGETS)
    attackers, lock, numbers = [], threading.Lock(), iter(range(1024))

    def attack():
        for number in iter(lambda: next(numbers, None), None):
            kind = ["push", "lfs", "graphql", "plain"][number % 4]
            raw = begin(gitlatch, kind, 60_000, chunks=False)
            with lock:
                attackers.append(raw)
    try:
        attack()
        print("peak with 1,024 bodies:", group.peak >> 20, "MiB,", json.dumps(gitlatch.status()["connections"]))
        check_alive(gitlatch, github, workspace, clone, group, 1)
    finally:
        for raw in attackers:
            raw.socket.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.slow
def test_a_thousand_answers_that_nobody_reads(group, start, folder, github):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    gitlatch = start_in(start, group, limits={"connections": 1100})
    workspace = gitlatch.workspace(folder / "workspace")
    clone = workspace.clone(WIDGETS)
    github.fault(path="/repos/acme/widgets/issues", status=200, body={"large": "x" * (4 << 20)}, count=2000)
    attackers = []
    try:
        for _ in range(1024):
            raw = Raw.intercepted(gitlatch, "api.github.com")
            raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.send("GET /repos/acme/widgets/issues HTTP/1.1\r\nHost: api.github.com\r\n\r\n")
            attackers.append(raw)
        wait_until(lambda: gitlatch.metrics().sum("gitlatch_connections", side="upstream") > 900, "all ask", 60)
        print("peak with 1,024 answers:", group.peak >> 20, "MiB")
        check_alive(gitlatch, github, workspace, clone, group, 1)
    finally:
        for raw in attackers:
            raw.socket.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
