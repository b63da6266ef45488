"""One list of reasons: what a person reads, the audit event, the metric's label and the manual say the same word. And
what an event holds."""
import collections
import json
import re
import ssl
import subprocess
from pathlib import Path

import pytest
from lib import receive_pack
from lib.gitlatch import BINARY
from lib.process import wait_until
from lib.raw import Raw
from lib.receive_pack import ZERO

SOME = "1" * 40
RULES = [{"match": "acme/widgets", "fetch": True, "push": ["refs/heads/agent/*"], "create": False, "max_pack": "1KiB",
          "permissions": {"issues": "read"}, "paths": ["issues"]},
         {"match": "acme/gadgets"}, {"match": "acme/old", "fetch": True},
         {"match": "umbrella/*", "fetch": True}, {"match": "initech/*", "fetch": True}]
SETTINGS = {"repositories": RULES, "other_repositories": "deny", "private_addresses": "deny",
            "other_hosts": {"allow": ["other.test", "10.0.0.1", "127.0.0.1"]}}


def manual_codes():
    """code → status, as the manual lists them under REFUSALS."""
    text = (Path(BINARY).parent / "gitlatch.1").read_text()
    section = text[text.index(".Sh REFUSALS"):].split(".Sh ", 2)[1]
    return {code: int(status) for code, status in re.findall(r"^\.It Sy (\S+) Pq (\d+)$", section, re.M)}


def test_the_manual_and_the_help_list_the_same():
    done = subprocess.run([BINARY, "proxy", "--help=reasons"], capture_output=True, text=True, check=True)
    listed = {code: int(status) for code, status in re.findall(r"^(\w+) \((\d+)\): \S", done.stdout, re.M)}
    assert listed == manual_codes() and len(listed) >= 60


class Asking:
    def __init__(self, gitlatch, github):
        self.gitlatch, self.github = gitlatch, github

    def inside(self, method, path, headers="", body=b"", host="github.com"):
        with Raw.intercepted(self.gitlatch, host) as raw:
            return raw.ask(method, path, "User-Agent: asker/1\r\n" + headers, body, host)

    def api(self, method, path, body=b""):
        return self.inside(method, path, body=body, host="api.github.com")

    def lfs(self, path, body):
        return self.inside("POST", f"/acme/{path}", body=json.dumps(body).encode())

    def push(self, *commands, body=None, repository="acme/widgets", after=b""):
        with Raw.intercepted(self.gitlatch) as raw:
            return receive_pack.push(raw, repository, (receive_pack.commands(*commands) if body is None else body) + after)

    def text(self, text):
        with Raw.intercepted(self.gitlatch) as raw:
            return raw.send(text).answer()

    def proxy(self, text):
        with Raw(self.gitlatch) as raw:
            return raw.send(text).answer()

    def connect(self, target):
        with Raw(self.gitlatch) as raw:
            return raw.connect(target)

    def refs(self, repository, service="git-upload-pack", **fault):
        if fault:
            self.github.fault(path="*/info/refs", headers={"Content-Type": "text/plain"}, **fault)
        return self.inside("GET", f"/{repository}/info/refs?service={service}")


def probes(ask):
    """What is asked, by the reason for which it is refused."""
    head = ask.github.head("acme/widgets")
    gateway = f"Host: 127.0.0.1:{ask.gitlatch.port}\r\n"
    return {
        "repository": lambda: ask.refs("mallory/x.git"),
        "fetch": lambda: ask.refs("acme/gadgets.git"),
        "push": lambda: ask.refs("acme/gadgets.git", "git-receive-pack"),
        "ref": lambda: ask.push((head, SOME, "refs/heads/main")),
        "create": lambda: ask.push((ZERO, SOME, "refs/heads/agent/a")),
        "delete": lambda: ask.push((head, ZERO, "refs/heads/main")),
        "max_pack": lambda: ask.push((head, SOME, "refs/heads/agent/a"), after=b"PACK" + bytes(2000)),
        "push_certificate": lambda: ask.push(body=receive_pack.pkt("push-cert\0report-status side-band-64k\n") + b"0000"),
        "push_commands": lambda: ask.push(*((head, SOME, f"refs/heads/agent/{index}") for index in range(20_001))),
        "push_malformed": lambda: ask.push(body=b"0001"),
        "lfs": lambda: ask.lfs("old.git/info/lfs/locks", {"path": "a"}),
        "lfs_malformed": lambda: ask.lfs("widgets.git/info/lfs/objects/batch", []),
        "permission": lambda: ask.api("GET", "/repos/acme/gadgets"),
        "path": lambda: ask.api("GET", "/repos/acme/widgets/pulls"),
        "graphql": lambda: ask.api("POST", "/graphql", b"{}"),
        "repository_id": lambda: ask.api("GET", "/repositories/99999999"),
        "endpoint": lambda: ask.api("DELETE", "/installation/token"),
        "dumb_protocol": lambda: ask.inside("GET", "/acme/widgets.git/info/refs"),
        "upload_archive": lambda: ask.inside("GET", "/acme/widgets.git/info/refs?service=git-upload-archive"),
        "github_permission": lambda: ask.api("POST", "/repos/acme/widgets/issues", b'{"title":"a"}'),
        "anonymous": lambda: ask.inside("GET", "/mallory"),
        "host": lambda: ask.connect("a.other.test:443"),
        "port": lambda: ask.connect("github.com:22"),
        "address": lambda: ask.connect("127.0.0.1:443"),
        "private_address": lambda: ask.connect("10.0.0.1:443"),
        "plain_http": lambda: ask.proxy("GET http://github.com/ HTTP/1.1\r\nHost: github.com\r\n\r\n"),
        "plain_https": lambda: ask.proxy("GET https://other.test/ HTTP/1.1\r\nHost: other.test\r\n\r\n"),
        "misdirected": lambda: ask.text("GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n"),
        "gateway": lambda: ask.proxy("GET /github.com/acme/widgets HTTP/1.1\r\nHost: evil.test\r\n\r\n"),
        "gateway_route": lambda: ask.proxy(f"GET /github.com/acme/widgets HTTP/1.1\r\n{gateway}\r\n"),
        "method": lambda: ask.inside("PROPFIND", "/acme/widgets.git/info/refs"),
        "malformed": lambda: ask.text("GET / HTTP/3\r\n\r\n"),
        "name": lambda: ask.inside("GET", "/acme%2Fwidgets.git/info/refs?service=git-upload-pack"),
        "header": lambda: ask.text("GET / HTTP/1.1\r\nHost: github.com\r\n" + "a: b\r\n" * 200 + "\r\n"),
        "not_installed": lambda: ask.refs("initech/tps.git"),
        "suspended": lambda: ask.refs("umbrella/corp.git"),
        "github_refused": lambda: ask.refs("acme/widgets.git", status=403, body="SAML"),
        "github_failed": lambda: ask.refs("acme/widgets.git", status=500),
        "rate_limited": lambda: ask.refs("acme/widgets.git", status=429),
        "github_not_found": lambda: ask.refs("acme/widgets.git", status=404),
        "upstream_protocol": lambda: ask.refs("acme/widgets.git", status=101),
    }


def test_every_refusal_says_its_reason_everywhere(start, github):
    github.repository("acme/old", files={"a": "a"})
    gitlatch = start(**SETTINGS)
    known, wrong, asked = manual_codes(), [], probes(Asking(gitlatch, github))
    for reason, question in asked.items():
        answer = question()
        github.heal()
        said = re.search(r"reason (\w+), request ([\w-]+)", answer.body.decode("latin-1"))
        if not said or said[1] != reason:
            wrong.append((reason, answer))
            continue
        event = gitlatch.wait_audit(id=said[2])
        if event.get("reason") != reason or event["status"] != answer.status or event["event"] != "request":
            wrong.append((reason, event))
        # GitHub's own status is kept where it means the same.
        if answer.status not in (200, 500 if reason == "github_failed" else known[reason]):
            wrong.append((reason, answer.status, known[reason]))
    assert not wrong, "\n".join(map(str, wrong))
    # A tunnel that is cut has no answer: its event alone says why.
    with Raw(gitlatch) as raw:
        assert raw.connect("other.test:443").status == 200
        with pytest.raises((ssl.SSLError, OSError)):
            raw.tls("github.com")
    gitlatch.wait_audit(event="tunnel", reason="sni")
    audited = collections.Counter(event["reason"] for event in gitlatch.audit()
                                  if event["event"] != "mint" and "reason" in event)
    assert set(audited) == set(asked) | {"sni"} and set(audited) <= set(known)

    def counted():
        return {labels["reason"]: value for name, labels, value in gitlatch.metrics().samples
                if name == "gitlatch_denials_total"}
    wait_until(lambda: counted() == audited, f"the metric says what the events say: {counted()}, {audited}")


# What an event holds.

ALWAYS = {"ts", "event", "id", "client", "mode", "host", "operation", "decision", "status", "bytes_up", "bytes_down",
          "duration_ms", "workspace"}
OF_GIT = ALWAYS | {"repository", "rule", "user_agent"}
WITH_TOKEN = {"source", "token", "github_request_id"}
DOWNWARD = {"GITLATCH_NAMESPACE": "team-a", "GITLATCH_POD": "ws-0", "GITLATCH_SERVICE_ACCOUNT": "workspace"}


def members(event, optional=()):
    return set(event) - set(optional)


def test_what_an_event_holds(start, folder, github):
    gitlatch = start(env=DOWNWARD, repositories=[{"match": "acme/widgets", "fetch": True, "push": ["refs/heads/a/*"]}])
    at = gitlatch.workspace(folder / "workspace")
    clone = at.clone("https://github.com/acme/widgets.git")
    commit = at.commit(clone, {"a": "a"})
    at.git("push", "--quiet", "origin", "main:a/one", cwd=clone)
    at.git("push", "origin", "main", cwd=clone, check=False)
    at.status("https://github.com/acme/widgets/archive/main.zip?token=in-the-query")
    at.status("--cacert", github.ca, "https://other.test/")
    at.status("--user", "octocat:ghp_its-own", "https://api.github.com/repos/mallory/x?access_token=ghp_query")
    refused = gitlatch.wait_audit(operation="push", decision="deny")
    pushed = gitlatch.wait_audit(operation="push", decision="allow", refs=[
        {"ref": "refs/heads/a/one", "old": ZERO, "new": commit}])
    fetched = gitlatch.wait_audit(operation="fetch", decision="allow")
    page = gitlatch.wait_audit(operation="other", decision="anonymous")
    anonymous = gitlatch.wait_audit(operation="api", decision="anonymous")
    tunnel = gitlatch.wait_audit(event="tunnel")
    mint = gitlatch.wait_audit(event="mint")
    assert members(fetched) == OF_GIT | WITH_TOKEN
    assert members(pushed) == OF_GIT | WITH_TOKEN | {"refs"}
    assert members(refused, ("source", "token")) == OF_GIT | {"refs", "reason"}
    called = (OF_GIT - {"rule"}) | {"method", "path"}
    assert members(page, ("github_request_id",)) == called
    assert members(anonymous, ("github_request_id",)) == called
    assert members(tunnel) == ALWAYS
    assert members(mint, ("repository",)) == {"ts", "event", "host", "source", "scope", "result", "token",
                                              "duration_ms", "workspace"}
    for event in gitlatch.audit():
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["ts"]), event
        assert event["workspace"] == {"namespace": "team-a", "pod": "ws-0", "service_account": "workspace"}
        assert event["event"] in ("request", "tunnel", "mint")
        assert re.fullmatch("[0-9a-f]{12}", event.get("token", "0" * 12))
    written = Path(gitlatch.config["log"]["audit"]).read_text() + gitlatch.log
    for secret in [*github.tokens(), "in-the-query", "ghp_its-own", "ghp_query"]:
        assert secret not in written
