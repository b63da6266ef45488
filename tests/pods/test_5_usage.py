"""Requests and limits are from measured use: what sidecar and broker take at rest and under load, held against them."""
import socket
import ssl
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from cluster.usage import MIB, Usage

UNITS = {"Mi": MIB, "Gi": 1 << 30}
SIZE = 24 * MIB  # of the repository that is cloned
WIDE = 8  # clones at a time
CONNECTIONS = 1000  # of the 1024 that a sidecar takes
STALLED = 200  # of them at work, with their buffers full
SIDECARS = 500  # that hold a connection to a broker
MINTS = 200

# Run in the pod's network: connections on which nothing was asked yet, or a large answer was and is not read.
HOLD = """
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[1])
held = []
for number in range(int(sys.argv[2])):
    plain = socket.create_connection(("127.0.0.1", 3128))
    plain.sendall(b"CONNECT github.com:443 HTTP/1.1\\r\\nHost: github.com:443\\r\\n\\r\\n")
    assert plain.recv(1000).startswith(b"HTTP/1.1 200"), number
    held.append(context.wrap_socket(plain, server_hostname="github.com"))
for connection in held if sys.argv[3] == "ask" else []:
    connection.sendall(b"GET /acme/widgets/info/refs?service=git-upload-pack HTTP/1.1\\r\\nHost: github.com\\r\\n\\r\\n")
    connection.recv(10)
print("held", flush=True)
sys.stdin.readline()
"""

SERVICE = "gitlatch-broker.gitlatch.svc"
# What curl is told for one of many requests.
ASK = r"""
url = "https://{service}:8443/v1/token"
resolve = "{service}:8443:{address}"
header = "Authorization: Bearer {bearer}"
noproxy = "*"
insecure
silent
output = "/dev/null"
write-out = "%{{http_code}}\n"
data = "{{\"host\":\"github.com\",\"owner\":\"acme\",\"repositories\":[\"widgets\"],\"permissions\":{{\"contents\":\"read\"}}}}"
"""


def amount(text):
    return int(text[:-2]) * UNITS[text[-2:]]


def resources(pod, container):
    found = pod.container(container)["resources"]
    return amount(found["requests"]["memory"]), amount(found["limits"]["memory"])


def report(what, usage, before=None):
    cpu = f", {usage.cpu - before:.2f} s of CPU" if before is not None else ""
    print(f"{what}: own {usage.own / MIB:.1f} MiB, peak {usage.peak / MIB:.1f} MiB{cpu}")


@contextmanager
def held(pod, connections, how):
    process = subprocess.Popen(["nsenter", f"--target={pod.pid('workspace')}", "--net", sys.executable, "-c", HOLD,
                                str(pod.folder / "gitlatch-public/gitlatch/ca.pem"), str(connections), how],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield
    process.communicate("\n")


@pytest.fixture
def sidecar(cluster):
    """A sidecar that has done nothing yet."""
    document = next(one for one in cluster.render("examples/try") if one["kind"] == "Pod")
    document["metadata"]["name"] = "measured"
    pod = cluster.play(document)
    yield pod
    cluster.remove(pod)


def test_sidecar(cluster, github, sidecar):
    request, limit = resources(sidecar, "gitlatch")
    usage = Usage(sidecar.pid("gitlatch"))
    sidecar.shell("git ls-remote https://github.com/acme/widgets")
    report("sidecar, after a first request", usage)
    assert usage.own <= request
    github.control("POST", "/repository", owner="acme", name="large", example=True)
    github.add_data("acme/large", SIZE)
    before = usage.cpu
    clones = " ".join(f"git clone --quiet --bare https://github.com/acme/large {number} &" for number in range(WIDE))
    sidecar.shell(f"{clones} wait; for each in *; do git -C $each cat-file -e HEAD:data || exit 1; done; rm -rf *")
    report(f"sidecar, {WIDE} clones of {SIZE // MIB} MiB at a time", usage, before)
    with held(sidecar, CONNECTIONS, "wait"):
        report(f"sidecar, {CONNECTIONS} idle connections", usage)
    github.fault(host="github.com", path="/acme/widgets/info/refs", status=200, size=8 * MIB)
    with held(sidecar, STALLED, "ask"):
        report(f"sidecar, {STALLED} answers that nobody reads", usage)
    assert usage.peak <= 0.8 * limit


def test_broker(brokers, cluster, workspace, github):
    broker = brokers[0]
    request, limit = resources(broker, "broker")
    usage = Usage(broker.pid("broker"))
    report("broker, as it is after the tests", usage)
    assert usage.own <= request
    context = ssl.create_default_context(cafile=cluster.keys / "broker-ca.pem")
    idle = [context.wrap_socket(socket.create_connection((broker.address, 8443)), server_hostname=SERVICE)
            for _ in range(SIDECARS)]
    report(f"broker, {SIDECARS} idle connections", usage)
    for connection in idle:
        connection.close()
    bearers = [cluster.api.issue("team-a", "workspace", pod=f"pod-{number}") for number in range(MINTS)]
    before, started = usage.cpu, time.monotonic()
    requests = "next\n".join(ASK.format(service=SERVICE, address=broker.address, bearer=bearer) for bearer in bearers)
    done = workspace.run("workspace", "curl", "--parallel", "--parallel-max", "50", "--config", "-", input=requests)
    assert done.stdout.split().count("200") == MINTS, done.stdout[-500:]
    report(f"broker, {MINTS} sidecars in {time.monotonic() - started:.1f} s", usage, before)
    assert usage.peak <= 0.8 * limit
