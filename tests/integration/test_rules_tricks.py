"""Every trick of tests/unit/test_tricks.c over the wire: ways to write a request so that a careless proxy takes it for
another one than GitHub does. None reaches the mock outside the rules with a token."""
import os
import subprocess

import pytest
from lib import receive_pack
from lib.raw import Raw
from lib.receive_pack import ZERO

RULES = [{"match": "acme/widgets", "fetch": True, "push": ["refs/heads/agent/*"],
          "permissions": {"issues": "read", "pull_requests": "write"}},
         {"match": "acme/docs", "permissions": {"pull_requests": "read"}, "paths": ["pulls/**", "issues/*"]},
         {"match": "acme/tools-*", "fetch": True}]
HOSTS = {"w": "github.com", "a": "api.github.com", "u": "uploads.github.com", "s": "ghe.test"}
AGENT = "a-thief/1.0"  # tells what the workspace sent from what gitlatch asks on its own


def tricks():
    """(host, method, target, what becomes of it)"""
    listed = subprocess.run([os.environ["TRICKS_BIN"], "--list"], check=True, capture_output=True, text=True).stdout
    return [line.split("\t") for line in listed.splitlines()]


def body_of(method, target, head):
    """What makes the request whole, as a thief would send it."""
    lower = target.lower()
    if "receive-pack" in lower:
        return receive_pack.commands((ZERO, head, "refs/heads/stolen")), "application/x-git-receive-pack-request"
    if "upload-pack" in lower:
        return (receive_pack.pkt("command=ls-refs\n") + b"0001" + receive_pack.pkt("peel\n") + b"0000",
                "application/x-git-upload-pack-request")
    if "lfs" in lower:
        return b'{"operation":"upload","objects":[{"oid":"%064d","size":1}],"ref":{"name":"refs/heads/main"}}' % 0, \
            "application/vnd.git-lfs+json"
    return b'{"query":"{viewer{login}}"}', "application/json"


def ask(raw, host, method, target, head):
    body, kind = body_of(method, target, head) if method not in ("GET", "HEAD", "OPTIONS") else (b"", "text/plain")
    foreign = ("Authorization: Basic eDpnaHBfZm9yZWlnbg==\r\nCookie: user_session=foreign\r\n"
               "X-HTTP-Method-Override: DELETE\r\nX-Forwarded-Host: evil.test\r\nX-Original-URL: /acme/secret\r\n"
               "Git-Protocol: version=2\r\n"
               f"User-Agent: {AGENT}\r\n")
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    raw.send(f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\n{length}{foreign}\r\n"
             .encode("latin-1") + body)
    return raw.answer(method)


def permitted(request, expected):
    """Whether what reached the mock with a token is what the table says of the trick."""
    scope = request.scope
    granted = {name: level for name, level in scope["permissions"].items() if name != "metadata"}
    names, _, wanted = expected.rpartition(" ")
    return granted == dict(pair.split(":") for pair in wanted.split(",")), names


@pytest.mark.parametrize("flavor", ["github.com", "Enterprise Server"])
def test_no_trick_passes_the_rules(start, github, flavor):
    for name in ("secret", "docs", "tools-x", "tools-", "widgets-secret"):
        github.repository(f"acme/{name}", files={"a": name})
    ids = {github.id(f"acme/{name}"): f"acme/{name}" for name in ("widgets", "docs", "tools-x", "tools-", "secret")}
    server = flavor != "github.com"
    settings = {"default_owner": "acme"}
    if server:
        settings |= {"host": "ghe.test", "api": "https://ghe.test/api/v3",
                     "connect_to": github.connect_to(["ghe.test"])}
    gitlatch = start(github=settings, repositories=RULES)
    head = github.head("acme/secret")
    cases = [case for case in tricks() if (case[0] == "s") == server]
    assert len(cases) >= (30 if server else 250)
    raws, wrong, tokened = {}, [], 0
    for host, method, target, expected in cases:
        github.control("DELETE", "/record")
        if host not in raws:
            raws[host] = Raw.intercepted(gitlatch, HOSTS[host])
        try:
            answer = ask(raws[host], HOSTS[host], method, target, head)
        except (EOFError, OSError) as error:
            wrong.append((method, target, f"no answer: {error}"))
            raws.pop(host).socket.close()
            continue
        if answer.header("Connection") == "close":
            raws.pop(host).socket.close()
        here = [request for request in github.requests() if request.header("User-Agent") == [AGENT]]
        tokened += any(request.auth != "none" for request in here)
        problem = judge(answer, here, expected, ids)
        if problem:
            wrong.append((host, method, target, expected, problem, answer))
    assert not wrong, "\n".join(map(str, wrong))
    assert tokened >= (5 if server else 30), "what is allowed did reach GitHub, with a token"
    for name in ("secret", "widgets", "docs"):
        assert github.head(f"acme/{name}", "refs/heads/stolen") is None


def judge(answer, here, expected, ids):
    """What is wrong with it; None: nothing."""
    reasons = [f"reason {code}," for code in (("name", "malformed") if expected == "target" else (expected,))]
    for request in here:
        said = str(request.headers).lower()
        if any(word in said for word in ("foreign", "evil.test", "method-override", "edpnahbfzm9yzwlnbg")):
            return f"what is the client's own reached GitHub: {request.headers}"
    tokened = [request for request in here if request.auth != "none"]
    if " " not in expected:  # a refusal
        said = any(reason in answer.body.decode() for reason in reasons)
        refused = not here and said and answer.status in (200, 400, 403, 404, 405)
        return None if refused else f"wanted a refusal: {here}"
    if expected == "no token":
        return f"a token went with {tokened}" if tokened else None
    for request in tokened:
        fits, names = permitted(request, expected)
        seen = {ids.get(number, str(number)) for number in request.scope["repository_ids"]}
        if not fits or (names.startswith("set ") and seen - {"acme/widgets", "acme/docs"}) or (
                not names.startswith("set ") and seen != {names}):
            return f"another token than the table's: {request.scope} of {seen}"
    return None
