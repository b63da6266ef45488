"""Requests of every kind, damaged at random: gitlatch survives all of them, and no token leaves the rules. A failure names
its seed; MUTATED_SECONDS and MUTATED_SEED in the environment run it longer, or again."""
import os
import random
import time

import pytest
import test_attack_requests as attack
import test_push_wire as wire
import test_rules_tricks as tricks
from lib import receive_pack
from lib.raw import Raw
from lib.receive_pack import ZERO

SECONDS = int(os.environ.get("MUTATED_SECONDS", "8"))
SEED = int(os.environ.get("MUTATED_SEED", "1"))
SPICE = [b"\r\n", b"\n", b"\0", b"0", b"0000", b"%2e", b"/", b"..", b":", b" ", b"\t", b"chunked", b"Content-Length: 0\r\n",
         b"Transfer-Encoding: chunked\r\n", b"Host: github.com\r\n", b"OPTIONS * HTTP/1.1\r\n", b"ffff", b"\xff",
         b"Connection: close\r\n", b"Expect: 100-continue\r\n", b"HTTP/1.0", b"*", b"HEAD ", b"CONNECT ", b"shallow ",
         b"push-cert\0", b"&service=", b"?", b"%"]
LFS = b'{"operation":"upload","transfers":["basic"],"ref":{"name":"refs/heads/main"},"objects":[{"oid":"a","size":1}]}'


def post(path, body, fields=""):
    return (f"POST /acme/widgets.git/{path} HTTP/1.1\r\nHost: github.com\r\n{fields}"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


def requests(head):
    """What is damaged: well-formed and odd requests, pushes above all."""
    push = receive_pack.commands((ZERO, head, "refs/heads/main"), (head, ZERO, "refs/heads/agent/x")) + b"PACK" + bytes(50)
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(push[at:at + 9]), push[at:at + 9]) for at in range(0, len(push), 9))
    found = [text.encode("latin-1") for text, _ in [*attack.SMUGGLED.values(), *attack.STRANGE.values()]
             if len(text) < 5000]
    found += [post("git-receive-pack", body) for body, _ in wire.NOT_GIT]
    found += [post("git-receive-pack", push), post("git-receive-pack", b"0000"), post("git-upload-pack", b"0000"),
              post("git-receive-pack", receive_pack.gzip(push), "Content-Encoding: gzip\r\n"),
              post("git-receive-pack", b"", "").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + chunks
              + b"0\r\n\r\n"]
    found += [post(f"info/lfs/{path}", LFS) for path in ("objects/batch", "locks", "locks/verify", "locks/1/unlock")]
    found += [f"{method} {target} HTTP/1.1\r\nHost: {tricks.HOSTS[host]}\r\nContent-Length: 2\r\n\r\n{{}}".encode("latin-1")
              for host, method, target, _ in tricks.tricks() if host != "s"]
    return found


def damage(chance, pool):
    data = bytearray(chance.choice(pool))
    for _ in range(chance.choice((0, 1, 1, 2, 3, 8))):
        at, how = chance.randrange(len(data) + 1), chance.randrange(6)
        if how == 0 and data:
            data[at % len(data)] = chance.randrange(256)
        elif how == 1:
            data[at:at] = chance.choice(SPICE)
        elif how == 2:
            del data[at:at + chance.randrange(1, 9)]
        elif how == 3:
            data[at:at] = data[at:at + chance.randrange(1, 60)]
        elif how == 4:
            data = data[:at]
        else:
            data += chance.choice(pool)
    return bytes(data)


def send_some(chance, pool, raw):
    raw.socket.settimeout(0.3)
    try:
        for _ in range(chance.choice((1, 1, 2, 4))):
            data = damage(chance, pool)
            cut = chance.randrange(len(data) + 1) if chance.random() < 0.2 else len(data)
            raw.send(data[:cut])
            raw.send(data[cut:])
        if chance.random() < 0.7:
            raw.socket.recv(4096)
    except OSError:
        pass  # refused and closed, or still waiting for the rest


@pytest.mark.limit(SECONDS * 2 + 300)
def test_damaged_requests(start, github):
    github.repository("acme/secret", files={"a": "a"})
    gitlatch = start(repositories=tricks.RULES, github={"default_owner": "acme"}, limits={"idle": "3s", "head": "3s"})
    chance, pool = random.Random(SEED), requests(github.head("acme/widgets"))
    refs, end, count = github.head("acme/secret"), time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        host = chance.choice(["github.com", "github.com", "api.github.com", "uploads.github.com", None])
        with Raw(gitlatch) if host is None else Raw.intercepted(gitlatch, host) as raw:
            send_some(chance, pool, raw)
        count += 1
        assert gitlatch.process.popen.poll() is None, f"seed {SEED}, connection {count}: {gitlatch.log[-4000:]}"
    assert gitlatch.admin("/healthz")[0] == 200 and count >= SECONDS
    strangers = [request for request in github.requests() if request.token and request.path.startswith("/acme/secret")]
    assert not strangers and github.head("acme/secret") == refs
