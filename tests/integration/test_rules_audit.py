"""Dry mode, drafted rules, and the audit events they live on."""
import json
import os
import socket
import subprocess
import threading
import time

import yaml
from lib import receive_pack, seed
from lib.gitlatch import BINARY
from lib.process import wait_until
from lib.raw import Raw
from lib.receive_pack import ZERO

WIDGETS = "https://github.com/acme/widgets.git"
GADGETS = "https://github.com/acme/gadgets.git"
STRICT = [{"match": "acme/widgets", "fetch": True, "push": ["refs/heads/agent/*"], "max_pack": "1KiB",
           "permissions": {"issues": "read"}, "paths": ["issues"]}]


def session(workspace, github):
    """What a developer does in a day."""
    clone = workspace.clone(WIDGETS, "day")
    workspace.commit(clone, {"a": seed.noise(5000)})
    workspace.git("push", "--quiet", "origin", "main", "main:topic/a", "main:refs/tags/v9", cwd=clone)
    workspace.git("push", "--quiet", "--delete", "origin", "topic/a", cwd=clone)
    workspace.clone(GADGETS, "other")
    code, body = workspace.status("https://api.github.com/repos/acme/widgets/pulls")
    assert code == 200, body
    assert github.head("acme/widgets") == workspace.head(clone)


def undo(github):
    """So that the day can begin again."""
    seed.git(github.path("acme/widgets"), "update-ref", "refs/heads/main", "main~1")
    seed.git(github.path("acme/widgets"), "update-ref", "-d", "refs/tags/v9")


def told(event):
    return event["operation"], event["decision"], event.get("rule"), event.get("reason")


def test_dry_mode_decides_and_audits_and_lets_through(start, folder, github):
    gitlatch = start(repositories=STRICT, other_repositories="deny", enforce=False)
    workspace = gitlatch.workspace(folder / "workspace")
    session(workspace, github)
    gitlatch.wait_audit(operation="api")
    events = [told(event) for event in gitlatch.audit(event="request")]
    assert ("push", "deny", "acme/widgets", "ref") in events
    assert ("push", "deny", "acme/widgets", "delete") in events
    assert ("fetch", "deny", None, "repository") in events
    assert ("api", "deny", "acme/widgets", "path") in events
    push = next(event for event in gitlatch.audit(operation="push", reason="ref"))
    assert push["status"] == 200 and push["token"] and len(push["refs"]) == 3
    assert gitlatch.metrics().sum("gitlatch_denials_total", reason="ref") == 1


def test_calls_of_the_api_and_pages_say_what_was_asked(start, folder, github):
    gitlatch = start()
    workspace = gitlatch.workspace(folder / "workspace")
    assert workspace.status("https://api.github.com/repos/acme/widgets/issues?state=all&q=secret")[0] == 200
    event = gitlatch.wait_audit(operation="api", event="request")
    assert (event["method"], event["path"], event["needs"]) == ("GET", "/repos/acme/widgets/issues", {"issues": "read"})
    assert workspace.status("--data", '{"query":"{ viewer { login } }"}', "https://api.github.com/graphql")[0] == 200
    event = gitlatch.wait_audit(operation="api", event="request")
    assert (event["method"], event["path"]) == ("POST", "/graphql") and "needs" not in event
    workspace.status("https://github.com/acme/widgets/pulls?q=secret")
    event = gitlatch.wait_audit(operation="other", event="request")
    assert (event["method"], event["path"]) == ("GET", "/acme/widgets/pulls")
    token = "ghp_" + "x1" * 18
    workspace.status(f"https://api.github.com/repos/acme/widgets/contents/{token}")
    assert gitlatch.wait_audit(operation="api", event="request")["path"].endswith("/contents/[redacted]")
    workspace.status("https://api.github.com/repos/acme/widgets/contents/" + "long/" * 400)
    assert len(gitlatch.wait_audit(operation="api", event="request")["path"]) == 512
    workspace.git("ls-remote", WIDGETS)
    assert not {"method", "path", "needs"} & set(gitlatch.wait_audit(operation="fetch", event="request"))
    assert "secret" not in json.dumps(gitlatch.audit())
    events = subprocess.run(["curl", "-s", "--max-time", "2", gitlatch.admin_url + "/events"], capture_output=True, text=True).stdout
    assert "[redacted]" in events and token not in events


def test_what_calls_need_becomes_permissions(start, folder, github):
    """Calls that GitHub refused for a permission, and calls that it allowed: the drafted rules allow them all."""
    gitlatch = start(repositories=[{"match": "acme/widgets", "permissions": {"issues": "read"}}])
    workspace = gitlatch.workspace(folder / "workspace")
    calls = [["https://api.github.com/repos/acme/widgets/issues"],
             ["--data", '{"title":"one"}', "https://api.github.com/repos/acme/widgets/issues"]]
    assert [workspace.status(*call)[0] for call in calls] == [200, 403]
    gitlatch.wait_audit(operation="api", status=403)
    drafted = subprocess.run([BINARY, "check", "--suggest", gitlatch.config["log"]["audit"]], capture_output=True, text=True)
    rules = yaml.safe_load(drafted.stdout)["repositories"]
    assert rules == [{"match": "acme/widgets", "permissions": {"issues": "write"}}]
    workspace = start(repositories=rules).workspace(folder / "second")
    assert [workspace.status(*call)[0] for call in calls] == [200, 201]


def test_dry_mode_lets_a_large_pack_through(start, folder, github):
    gitlatch = start(repositories=STRICT, enforce=False)
    workspace = gitlatch.workspace(folder / "workspace")
    clone = workspace.clone(WIDGETS)
    for number, size in enumerate((5000, 3 << 20)):
        commit = workspace.commit(clone, {"a": seed.noise(size)})
        workspace.git("push", "--quiet", "origin", f"main:agent/large{number}", cwd=clone)
        assert github.head("acme/widgets", f"refs/heads/agent/large{number}") == commit
        event = gitlatch.wait_audit(reason="max_pack", decision="deny")
        assert event["refs"][0]["ref"] == f"refs/heads/agent/large{number}" and event["status"] == 200


def test_dry_mode_lets_a_wide_token_through(start, github, folder):
    """Also where a credential that cannot be narrowed could pass round the rules."""
    (folder / "pat").write_text(github.token(owner="acme") + "\n")
    wide = {"credentials": [{"type": "file", "path": str(folder / "pat")}], "repositories": STRICT}
    path, body = "/repos/acme/widgets/issues", json.dumps({"title": "seen"}).encode()
    for enforce, status in ((False, 201), (True, 403)):
        gitlatch = start(**wide, enforce=enforce)
        with Raw.intercepted(gitlatch, "api.github.com") as raw:
            answer = raw.ask("POST", path, "User-Agent: test\r\n", body, "api.github.com")
        event = gitlatch.wait_audit(operation="api")
        assert answer.status == event["status"] == status, answer
        assert (event["decision"], event["reason"], event["rule"]) == ("deny", "wide_token", "acme/widgets")
        assert ("token" in event) == (not enforce)


def test_dry_mode_lets_a_tunnel_through(start, github):
    """Denied hosts are only told, and drafted; what is never safe stays refused."""
    gitlatch = start(other_hosts="deny", enforce=False)
    for _ in range(2):
        with Raw(gitlatch) as raw:
            assert raw.connect("other.test:443").status == 200
            raw.tls("other.test", ca=github.ca)
        event = gitlatch.wait_audit(event="tunnel")
        assert (event["decision"], event["reason"], event["status"], event["host"]) == (
            "deny", "host", 200, "other.test")
        assert event["bytes_up"] > 0 and event["bytes_down"] > 0
    for never in ("127.0.0.1:443", "localhost:443", f"127.0.0.1:{gitlatch.admin_port}", "169.254.169.254:80"):
        with Raw(gitlatch) as raw:
            answer = raw.connect(never)
            assert answer.status == 403 and b"reason address," in answer.body, (never, answer)
    done = subprocess.run([BINARY, "check", "--suggest", gitlatch.config["log"]["audit"]], capture_output=True,
                          text=True, timeout=60)
    assert yaml.safe_load(done.stdout)["other_hosts"] == {"allow": ["other.test"]}
    assert gitlatch.metrics().sum("gitlatch_denials_total", reason="host") == 2


def test_dry_mode_tells_githubs_own_refusal_as_githubs(start, folder, github):
    gitlatch = start(repositories=STRICT, enforce=False)
    workspace = gitlatch.workspace(folder / "workspace")
    clone = workspace.clone(WIDGETS)
    workspace.commit(clone, {"a": "a"})
    github.fault(method="POST", path="*/git-receive-pack", status=503, body="maintenance")
    done = workspace.git("push", "origin", "main", cwd=clone, check=False)
    assert "! [remote rejected] main -> main (gitlatch: GitHub answered 503" in done.err, done
    assert "does not allow" not in done.err


def test_rules_drafted_from_a_day_let_the_same_day_pass(start, folder, github):
    """Audit log → --suggest → configuration → the same session, now enforced."""
    watching = start(repositories=[], other_repositories="deny", enforce=False)
    workspace = watching.workspace(folder / "watched")
    session(workspace, github)
    watching.wait_audit(operation="api")
    done = subprocess.run([BINARY, "check", "-c", watching.config_path, "--suggest", watching.config["log"]["audit"]],
                          capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done
    drafted = yaml.safe_load(done.stdout)
    assert set(drafted) == {"repositories"}
    by_name = {rule["match"]: rule for rule in drafted["repositories"]}
    assert set(by_name) == {"acme/widgets", "acme/gadgets"}
    assert sorted(by_name["acme/widgets"]["push"]) == ["refs/heads/main", "refs/heads/topic/a", "refs/tags/v9"]
    assert by_name["acme/widgets"]["delete"] == ["refs/heads/topic/a"]
    assert by_name["acme/gadgets"] == {"match": "acme/gadgets", "fetch": True}, "no more than was needed"

    undo(github)
    assert by_name["acme/widgets"]["permissions"] == {"pull_requests": "read"}, "as GitHub said that the call needs"
    enforcing = start(repositories=drafted["repositories"], other_repositories="deny")
    session(enforcing.workspace(folder / "enforced"), github)
    assert enforcing.audit(decision="deny") == []
    for repository, ref, code in (("acme/widgets", "refs/heads/main", 0), ("acme/widgets", "refs/heads/topic/b", 1),
                                  ("acme/gadgets", "refs/heads/main", 1)):
        asked = subprocess.run([BINARY, "check", "-c", enforcing.config_path, "--explain", "push", repository, ref],
                               capture_output=True, text=True)
        assert asked.returncode == code, asked


def test_refs_of_an_allowed_and_of_a_refused_push(start, folder, github):
    gitlatch = start(repositories=[{**STRICT[0], "max_pack": "1MiB"}])
    workspace = gitlatch.workspace(folder / "workspace")
    clone = workspace.clone(WIDGETS)
    before = github.head("acme/widgets")
    commit = workspace.commit(clone, {"a": "a"})
    workspace.git("push", "--quiet", "origin", "main:agent/one", cwd=clone)
    allowed = gitlatch.wait_audit(operation="push", decision="allow", refs=[
        {"ref": "refs/heads/agent/one", "old": ZERO, "new": commit}])
    workspace.git("push", "origin", "main", ":feature", cwd=clone, check=False)
    refused = gitlatch.wait_audit(operation="push", decision="deny")
    assert sorted(refused["refs"], key=str) == sorted([
        {"ref": "refs/heads/main", "old": before, "new": commit},
        {"ref": "refs/heads/feature", "old": github.head("acme/widgets", "refs/heads/feature"), "new": ZERO}], key=str)
    for event in (allowed, refused):
        assert event["rule"] == "acme/widgets" and event["repository"] == "acme/widgets" and event["mode"] == "proxy"
        assert event["host"] == "github.com" and event["status"] == 200 and event["bytes_up"] > 0
        assert event["user_agent"].startswith("git/") and event["client"].startswith("127.0.0.1:")
    assert "reason" not in allowed and refused["reason"] in ("ref", "delete")
    assert len(allowed["token"]) == 12 and allowed["source"] == "app" and allowed["github_request_id"]
    events = gitlatch.audit(event="request")
    assert len({event["id"] for event in events}) == len(events)


def refused_pushes(gitlatch, github, count, refs=2500):
    """Each makes an event of about 250 KiB. How long the slowest took."""
    head, slowest = github.head("acme/widgets"), 0
    body = receive_pack.commands(*((ZERO, head, f"refs/heads/denied/{index:05}") for index in range(refs)))
    with Raw.intercepted(gitlatch) as raw:
        for _ in range(count):
            begun = time.monotonic()
            assert receive_pack.push(raw, "acme/widgets", body).status == 200
            slowest = max(slowest, time.monotonic() - begun)
    return slowest


def test_a_sink_that_nobody_reads(start, folder, github):
    """The loop goes on at its speed; what does not fit is counted, and counted rightly."""
    fifo = folder / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    gitlatch = start(repositories=STRICT, log={"audit": str(fifo)})
    slowest = refused_pushes(gitlatch, github, 12)
    assert slowest < 15
    dropped = gitlatch.metrics().sum("gitlatch_audit_dropped_total")
    assert 4 <= dropped < 12
    lines, done = b"", threading.Event()

    def read():
        nonlocal lines
        while not done.is_set():
            try:
                lines += os.read(reader, 1 << 16)
            except BlockingIOError:
                time.sleep(0.01)
    thread = threading.Thread(target=read)
    thread.start()
    wait_until(lambda: lines.count(b'"event":"request"') + dropped >= 12, "all that was kept comes")
    refused_pushes(gitlatch, github, 1, refs=1)
    wait_until(lambda: lines.count(b'"event":"request"') + dropped >= 13, "it goes on")
    done.set()
    thread.join()
    events = [json.loads(line) for line in lines.split(b"\n") if line]
    assert len([event for event in events if event["event"] == "request"]) + dropped == 13
    wait_until(lambda: "dropped" in gitlatch.log or "lost" in gitlatch.log, "the log says so")
    os.close(reader)


def test_a_sink_that_is_full(start, folder, github):
    gitlatch = start(repositories=STRICT, log={"audit": "/dev/full"})
    assert refused_pushes(gitlatch, github, 2, refs=1) < 3
    wait_until(lambda: gitlatch.metrics().sum("gitlatch_audit_dropped_total") >= 2, "the counter says so")
    assert gitlatch.admin("/healthz")[0] == 200


def read_slowly(path, read, rate, stop):
    """Reads a FIFO at `rate` bytes a second, as a sink does that others use as well; all at once after `stop`."""
    with open(path, "rb", buffering=0) as pipe:
        while data := pipe.read(65536):
            read.append(data)
            if not stop.is_set():
                stop.wait(len(data) / rate)


def flood(gitlatch, stop):
    """Requests that are refused, many in one go."""
    request = b"GET /github.com/acme/forbidden.git/info/refs?service=git-upload-pack HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with Raw(gitlatch) as raw:
        reader = threading.Thread(target=raw.rest)
        reader.start()
        while not stop.is_set():
            raw.send(request.replace(b"127.0.0.1", b"127.0.0.1:%d" % gitlatch.port) * 200)
        raw.socket.shutdown(socket.SHUT_WR)
        reader.join()


def test_no_push_is_lost_where_the_log_is_slow_and_refusals_flood_it(start, folder, github):
    pipe = folder / "audit.fifo"
    os.mkfifo(pipe)
    read, ends, quiet = [], threading.Event(), threading.Event()
    sink = threading.Thread(target=read_slowly, args=(pipe, read, 200_000, ends))
    sink.start()
    gitlatch = start(repositories=[{"match": "acme/widgets", "fetch": True, "push": True}], other_repositories="deny",
                     log={"audit": str(pipe), "level": "info"})
    attackers = [threading.Thread(target=flood, args=(gitlatch, quiet)) for _ in range(2)]
    try:
        for attacker in attackers:
            attacker.start()
        # The ring's share of refusals is full, so that from now on they are merged.
        wait_until(lambda: gitlatch.metrics().sum("gitlatch_denials_total") > 5000, "a flood", 60)
        with Raw.intercepted(gitlatch) as raw:
            for number in range(40):
                body = receive_pack.commands((ZERO, github.head("acme/widgets"), f"refs/heads/flood-{number}"))
                report = receive_pack.Report(receive_pack.push(raw, "acme/widgets", body + receive_pack.EMPTY_PACK).body)
                assert report.lines[0] == "unpack ok", report.lines
    finally:
        quiet.set()
        for attacker in attackers:
            attacker.join()
        refused = gitlatch.metrics().sum("gitlatch_denials_total")
        dropped = gitlatch.metrics().sum("gitlatch_audit_dropped_total")
        ends.set()
        assert gitlatch.stop() == 0
        sink.join()
    events = [json.loads(line) for line in b"".join(read).decode().splitlines()]
    pushed = {event["refs"][0]["ref"] for event in events if event.get("operation") == "push" and event["decision"] == "allow"}
    assert pushed == {f"refs/heads/flood-{number}" for number in range(40)}
    merged = [event for event in events if event.get("repeated", 1) > 1]
    assert merged and dropped == 0
    assert sum(event.get("repeated", 1) for event in events if event.get("decision") == "deny") == refused
