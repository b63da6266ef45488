"""gitlatch as a service: start, admin address, metrics, audit, reload, drain, addresses, the way out."""
import json
import os
import signal
import socket
import stat
import subprocess
import time
from contextlib import closing

import pytest
from conftest import ACME
from lib import receive_pack, seed
from lib.gitlatch import sanitized
from lib.process import free_port, wait_until
from lib.raw import Raw
from lib.relay import Relay
from lib.workspace import Workspace

WIDGETS = "https://github.com/acme/widgets.git"
REFS = "/acme/widgets.git/info/refs?service=git-upload-pack"


def test_the_admin_address(gitlatch, workspace):
    assert gitlatch.admin("/healthz")[0] == 200
    assert gitlatch.admin("/readyz")[0] == 200
    assert gitlatch.admin("/nothing")[0] == 404
    workspace.git("ls-remote", WIDGETS)
    assert isinstance(gitlatch.status(), dict)
    code, page = gitlatch.admin("/")
    assert code == 200 and "<html" in page.lower()


def test_a_mistyped_name_does_not_make_the_credential_look_broken(start, folder):
    gitlatch = start(repositories=None)
    workspace = gitlatch.workspace(folder / "workspace")

    def credential():
        (one,) = gitlatch.status()["credentials"]
        return one
    assert credential()["state"] == "not asked lately" and "failing_for" not in credential()
    workspace.git("ls-remote", "https://github.com/acme/nothere", check=False)
    workspace.git("ls-remote", WIDGETS)
    said = credential()
    assert (said["state"], said["failing"]) == ("serving", 1)
    assert said["failing_for"].startswith("acme/nothere contents:read") and "does not cover" in said["failing_because"]


def test_readiness_does_not_depend_on_github(start):
    gitlatch = start(github={"connect_to": {"github.com:443": "127.0.0.1:9", "api.github.com:443": "127.0.0.1:9"}})
    assert gitlatch.admin("/readyz")[0] == 200


def test_metrics_count_what_happened(gitlatch, workspace, github):
    workspace.clone(WIDGETS)
    github.repository("mallory/public", private=False, files={"a": "a"})
    workspace.git("ls-remote", "https://github.com/mallory/public.git")
    gitlatch.wait_audit(repository="mallory/public")
    metrics = gitlatch.metrics()
    assert metrics.sum("gitlatch_requests_total", operation="fetch", decision="allow", status="200") >= 2
    assert metrics.sum("gitlatch_requests_total", operation="fetch", decision="anonymous") >= 1
    assert metrics.sum("gitlatch_bytes_total", operation="fetch", direction="down") > 0
    assert metrics.sum("gitlatch_token_mints_total", source="app", result="ok") == 1 or \
        metrics.sum("gitlatch_token_mints_total", source="app") == 1
    assert metrics.sum("gitlatch_request_duration_seconds_count", operation="fetch") >= 2
    assert metrics.sum("gitlatch_token_expiration_timestamp_seconds", source="app") > time.time()
    assert metrics.sum("gitlatch_build_info") == 1
    assert metrics.sum("gitlatch_certificate_expiration_timestamp_seconds") > time.time()
    assert metrics.sum("gitlatch_audit_dropped_total") == 0


def test_metrics_alone_for_a_scraper(start):
    port = free_port()
    gitlatch = start(metrics=f"127.0.0.1:{port}")
    with Raw(address=("127.0.0.1", port)) as raw:
        answer = raw.ask("GET", "/metrics", host=f"127.0.0.1:{port}")
        assert answer.status == 200 and b"gitlatch_build_info" in answer.body
        assert raw.ask("GET", "/metrics", host="gitlatch-metrics.svc").status == 200, "by a Service's name as well"
        assert raw.ask("GET", "/status", host=f"127.0.0.1:{port}").status == 404
    assert gitlatch.admin("/metrics")[0] == 200


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/status", "/metrics"])
def test_the_admin_address_is_not_for_web_pages(start, path):
    """A page's own name may lead here (DNS rebinding), and /metrics tells the names of repositories."""
    gitlatch = start(gateway_hosts=["gitlatch.svc"])
    with Raw(address=("127.0.0.1", gitlatch.admin_port)) as raw:
        for host in ("evil.example", f"evil.example:{gitlatch.admin_port}", "127.0.0.1.evil.example", "localhost.evil.example"):
            assert raw.ask("GET", path, host=host).status == 421, host
        assert raw.ask("GET", path, f"Origin: http://127.0.0.1:{gitlatch.admin_port}\r\n", host="127.0.0.1").status == 421
        for host in (f"127.0.0.1:{gitlatch.admin_port}", "localhost", "10.1.2.3:9128", "[fd00::1]:9128", "gitlatch.svc:9128"):
            assert raw.ask("GET", path, host=host).status == 200, host


@pytest.mark.parametrize("body", [b"Content-Length: 1000000000000\r\n\r\nx", b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"])
def test_the_admin_address_takes_no_body(gitlatch, body):
    with Raw(address=("127.0.0.1", gitlatch.admin_port)) as raw:
        raw.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + body)
        assert raw.answer("GET").status == 400  # at once: the rest is neither read nor kept


def test_a_source_that_fails_is_in_the_log(start, folder, github):
    gitlatch = start(github={"connect_to": {**github.connect_to(), "api.github.com:443": "127.0.0.1:9"}})
    gitlatch.workspace(folder / "w").git("ls-remote", WIDGETS, check=False)
    gitlatch.wait_log("no token from `app` for acme/widgets")


def test_every_request_is_one_audit_event(gitlatch, workspace):
    workspace.git("ls-remote", WIDGETS)
    event = gitlatch.wait_audit(operation="fetch", event="request")
    for key in ("ts", "event", "id", "client", "mode", "host", "repository", "operation", "decision", "rule", "status",
                "bytes_up", "bytes_down", "duration_ms", "source", "token", "user_agent"):
        assert key in event, key
    assert event["ts"].endswith("Z") and event["rule"] == "acme/*" and event["user_agent"].startswith("git/")
    mint = gitlatch.wait_audit(event="mint")
    assert mint["source"] == "app" and "scope" in mint
    events = gitlatch.audit(event="request")
    assert len({event["id"] for event in events}) == len(events)


def test_a_reload_changes_the_rules(gitlatch, workspace):
    workspace.git("ls-remote", WIDGETS)
    gitlatch.reload(repositories=[{"match": "acme/other", "fetch": True}], other_repositories="deny")
    wait_until(lambda: workspace.git("ls-remote", WIDGETS, check=None).code, "the new rules refuse")
    assert gitlatch.metrics().sum("gitlatch_reloads_total") >= 1


def test_a_connection_that_was_there_before_a_reload_is_served_by_the_new_rules(gitlatch):
    with Raw.intercepted(gitlatch) as raw:
        assert raw.ask("GET", REFS).status == 200
        gitlatch.reload(repositories=[{"match": "acme/other", "fetch": True}], other_repositories="deny")
        wait_until(lambda: gitlatch.metrics().sum("gitlatch_reloads_total", result="ok"), "it is reloaded")
        assert raw.ask("GET", REFS).status == 403


def test_a_bad_configuration_is_refused_and_the_old_one_stays(gitlatch, workspace):
    gitlatch.reload(repositories=[{"match": "acme/*", "fech": True}])
    gitlatch.wait_log("fech")
    workspace.git("ls-remote", WIDGETS)


def test_a_reload_cuts_nothing_in_flight(gitlatch, workspace, github):
    path = "/acme/widgets/archive/slow.zip"
    github.fault(path=path, status=200, size=2 << 20, write_rate=1 << 20)
    client = subprocess.Popen(["curl", "--silent", "--output", "/dev/null", "--write-out", "%{size_download}",
                               "https://github.com" + path], env=workspace.env, stdout=subprocess.PIPE, text=True)
    wait_until(lambda: github.requests(path=path), "the download runs")
    gitlatch.reload(other_repositories="deny")
    assert client.communicate(timeout=60)[0] == str(2 << 20)


def test_sigterm_drains_and_exits_0(gitlatch, workspace, github):
    path = "/acme/widgets/archive/slow.zip"
    github.fault(path=path, status=200, size=2 << 20, write_rate=1 << 20)
    client = subprocess.Popen(["curl", "--silent", "--output", "/dev/null", "--write-out", "%{size_download}",
                               "https://github.com" + path], env=workspace.env, stdout=subprocess.PIPE, text=True)
    wait_until(lambda: github.requests(path=path), "the download runs")
    gitlatch.process.signal(signal.SIGTERM)
    assert client.communicate(timeout=60)[0] == str(2 << 20)
    assert gitlatch.process.wait(25) == 0


def test_sigterm_on_an_idle_gitlatch_ends_it_at_once(gitlatch):
    started = time.monotonic()
    with Raw.intercepted(gitlatch):
        gitlatch.process.signal(signal.SIGTERM)
        assert gitlatch.process.wait(25) == 0
    assert time.monotonic() - started < 20, "not the 30 s that it drains at most"


@pytest.mark.parametrize("tool", ["git", "curl"])
def test_a_tool_that_does_not_trust_the_ca_leaves_a_trace(gitlatch, outside, tool):
    """Debian's git (GnuTLS) ends the handshake and closes without a word, curl (OpenSSL) sends an alert."""
    outside.env["https_proxy"] = gitlatch.url
    ask = {"git": ["git", "ls-remote", WIDGETS], "curl": ["curl", "-sS", "https://github.com"]}[tool]
    for _ in range(3):
        assert "certificate" in outside.run(*ask, check=False).err
    line = gitlatch.wait_log("does the client trust the published CA?")
    assert "github.com" in line and '"warn"' in line
    wait_until(lambda: gitlatch.metrics().sum("gitlatch_client_tls_failures_total",
                                              how="silent" if tool == "git" else "handshake") == 3, "each is counted")
    assert gitlatch.log.count("does the client trust") == 1, "a line a minute"
    status = gitlatch.status()["distrust"]
    assert status["count"] == 3 and status["host"] == "github.com" and status["client"].startswith("127.0.0.1")


def test_who_was_served_is_no_client_without_trust(gitlatch, workspace):
    workspace.git("ls-remote", WIDGETS)
    with Raw.intercepted(gitlatch) as raw:
        assert raw.ask("GET", REFS).status == 200
    wait_until(lambda: not gitlatch.status()["connections"], "all are closed")
    assert "distrust" not in gitlatch.status()
    assert gitlatch.metrics().sum("gitlatch_client_tls_failures_total") == 0


def test_a_push_between_whose_requests_sigterm_falls(gitlatch, workspace, github):
    """git asks for the refs, and then sends the pack on another connection."""
    clone = workspace.clone(WIDGETS)
    commit = workspace.commit(clone, {"a": "a"})
    hook = clone / ".git" / "hooks" / "pre-push"  # runs between the two
    hook.write_text(f"#!/bin/sh\nkill -TERM {gitlatch.process.pid}\nsleep 1\n")
    hook.chmod(0o755)
    workspace.git("push", "--quiet", "origin", "main", cwd=clone)
    assert github.head("acme/widgets") == commit
    assert gitlatch.process.wait(25) == 0
    assert gitlatch.audit(operation="push", status=200, decision="allow")


def test_a_clone_whose_first_answer_is_slow_when_sigterm_comes(gitlatch, workspace, github):
    """What is not answered yet is followed by more, however long it takes."""
    github.fault(path="/acme/widgets.git/info/refs", delay_ms=4000)
    client = subprocess.Popen(["git", "clone", "--quiet", WIDGETS, workspace.folder / "slow"], env=workspace.env)
    wait_until(lambda: gitlatch.status()["in_flight"], "it asks")
    gitlatch.process.signal(signal.SIGTERM)
    assert client.wait(60) == 0
    assert gitlatch.process.wait(25) == 0


def test_while_it_drains_each_answer_is_the_last_of_its_connection(gitlatch, github):
    github.fault(path="/acme/widgets.git/info/refs", delay_ms=1500, count=1)
    with Raw.intercepted(gitlatch) as kept, Raw.intercepted(gitlatch) as busy:
        assert kept.ask("GET", "/mallory").header("Connection") is None
        busy.send(f"GET {REFS} HTTP/1.1\r\nHost: github.com\r\n\r\n")
        wait_until(lambda: gitlatch.status()["in_flight"], "it asks")
        gitlatch.process.signal(signal.SIGTERM)
        wait_until(lambda: gitlatch.admin("/readyz")[0] == 503, "it drains")
        with Raw.intercepted(gitlatch) as late:
            assert late.ask("GET", REFS).header("Connection") == "close" and late.closed()
        with Raw(gitlatch) as gateway:
            answer = gateway.ask("GET", f"/github.com{REFS}", host=f"127.0.0.1:{gitlatch.port}")
            assert (answer.status, answer.header("Connection")) == (200, "close")
        answer = kept.ask("GET", REFS)
        assert (answer.status, answer.header("Connection")) == (200, "close") and kept.closed()
        answer = busy.answer()
        assert (answer.status, answer.header("Connection")) == (200, "close") and busy.closed()
    assert gitlatch.process.wait(25) == 0


def begin_refused_push(raw):
    """A push to a ref that is denied, whose pack does not end."""
    body = receive_pack.commands((receive_pack.ZERO, "1" * 40, "refs/heads/denied")) + b"PACK"
    raw.send(b"POST /acme/widgets.git/git-receive-pack HTTP/1.1\r\nHost: github.com\r\nContent-Length: 100000\r\n\r\n" + body)


@pytest.mark.parametrize("how, reason", [("client", "client_gone"), ("limit", "draining"), ("silence", "client_timeout")])
def test_a_drain_that_is_interrupted_says_by_what(start, how, reason):
    gitlatch = start(limits={"drain": "1s", "idle": "2s" if how == "silence" else "5m"},
                     repositories=[{"match": "acme/*", "fetch": True, "push": ["refs/heads/agent/*"]}])
    with Raw.intercepted(gitlatch) as raw:
        begin_refused_push(raw)
        wait_until(lambda: gitlatch.status()["in_flight"], "it is drained")
        time.sleep(0.3)
        if how == "client":
            raw.socket.close()
        elif how == "limit":
            gitlatch.process.signal(signal.SIGTERM)
        event = gitlatch.wait_audit(operation="push")
    assert (event["reason"], event["interrupted"], event["decision"]) == ("ref", reason, "deny") and "status" not in event


def test_a_download_does_not_keep_the_port_open(gitlatch, workspace, github):
    path = "/acme/widgets/archive/slow.zip"
    github.fault(path=path, status=200, size=6 << 20, write_rate=1 << 20)
    client = subprocess.Popen(["curl", "--silent", "--output", "/dev/null", "https://github.com" + path], env=workspace.env)
    wait_until(lambda: gitlatch.metrics().sum("gitlatch_connections", side="client"), "the download runs")
    time.sleep(0.5)  # its answer has begun
    gitlatch.process.signal(signal.SIGTERM)
    time.sleep(1)
    assert not refuses_connections(gitlatch)
    gitlatch.wait_log("listens no more", 5)
    assert refuses_connections(gitlatch) and client.poll() is None
    assert client.wait(60) == 0 and gitlatch.process.wait(25) == 0


def test_who_goes_on_asking_is_cut_off_by_drain(start):
    gitlatch = start(limits={"drain": "4s"})
    gitlatch.process.signal(signal.SIGTERM)
    begun, answers = time.monotonic(), 0
    while gitlatch.process.alive() and time.monotonic() < begun + 20:
        try:
            with Raw.intercepted(gitlatch) as raw:
                answers += raw.ask("GET", REFS).status == 200
        except (OSError, EOFError):
            pass
        time.sleep(0.2)
    assert gitlatch.process.wait(1) == 0 and 3.5 < time.monotonic() - begun < 10 and answers > 5


def test_a_gateway_request_that_sigterm_meets_half_way_is_answered(gitlatch):
    """It listens no more, but knows under which names it was asked."""
    with Raw(gitlatch) as raw:
        raw.send(f"GET /github.com{REFS} HTTP/1.1\r\n")
        wait_until(lambda: gitlatch.metrics().sum("gitlatch_connections", side="client") == 1, "it is accepted")
        gitlatch.process.signal(signal.SIGTERM)
        gitlatch.wait_log("listens no more")
        assert refuses_connections(gitlatch)
        raw.send(f"Host: 127.0.0.1:{gitlatch.port}\r\n\r\n")
        assert raw.answer().status == 200
    assert gitlatch.process.wait(25) == 0


def refuses_connections(gitlatch):
    try:
        Raw(gitlatch).socket.close()
    except ConnectionRefusedError:
        return True
    return False


def test_it_starts_small_and_fast(start):
    gitlatch = start()
    if not sanitized():
        assert gitlatch.process.rss_kib() <= 16 << 10


def test_published_files_are_readable_and_nothing_else(gitlatch):
    for name in ("ca.pem", "bundle.pem", "env", "gitconfig"):
        path = gitlatch.public / name
        assert stat.S_IMODE(path.stat().st_mode) == 0o644 and path.read_text()
    lines = (gitlatch.public / "env").read_text().splitlines()
    assert any(line.startswith("export HTTPS_PROXY='") for line in lines)
    assert any(line.startswith("export https_proxy='") for line in lines)
    assert not any("HTTP_PROXY=" in line.upper().replace("HTTPS_PROXY", "") for line in lines)


def test_no_proxy_keeps_what_the_user_has(folder, gitlatch):
    workspace = Workspace(folder / "w", NO_PROXY="internal.example")
    workspace.source(gitlatch.public / "env")
    names = workspace.env["NO_PROXY"].split(",")
    assert {"internal.example", "localhost", "127.0.0.1"} <= set(names) and "::1" not in names


def test_the_gitconfig_alone_is_enough_for_git(folder, gitlatch, github):
    workspace = Workspace(folder / "w", GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="include.path",
                          GIT_CONFIG_VALUE_0=str(gitlatch.public / "gitconfig"))
    assert github.head("acme/widgets") in workspace.git("ls-remote", WIDGETS).out
    for remote in ("git@github.com:acme/widgets.git", "git@github.com:/acme/widgets.git", "github.com:acme/widgets",
                   "github.com:/acme/widgets", "ssh://git@github.com/acme/widgets.git",
                   "ssh://git@github.com:22/acme/widgets", "ssh://github.com/acme/widgets",
                   "ssh://github.com:22/acme/widgets", "git+ssh://git@github.com/acme/widgets",
                   "git+ssh://github.com/acme/widgets", "ssh+git://git@github.com/acme/widgets",
                   "git://github.com/acme/widgets.git", "http://github.com/acme/widgets.git",
                   "ssh://git@ssh.github.com:443/acme/widgets.git", "ssh://ssh.github.com:443/acme/widgets",
                   "git@ssh.github.com:acme/widgets.git", "ssh.github.com:acme/widgets"):
        assert github.head("acme/widgets") in workspace.git("ls-remote", remote).out, remote


def test_the_ca_is_kept_over_a_restart(start, folder):
    state = folder / "state"
    first = start(ca={"state": str(state)})
    before = (first.public / "ca.pem").read_text()
    assert stat.S_IMODE((state / "ca.key").stat().st_mode) == 0o600
    first.stop()
    first.start()
    assert (first.public / "ca.pem").read_text() == before


def test_ipv6_on_both_sides(start, folder, github):
    if not has_ipv6():
        pytest.skip("this machine has no IPv6 loopback")
    with closing(Relay(github.port, ("::1", 0), socket.AF_INET6)) as relay:
        gitlatch = start(listen=(listen := f"[::1]:{free_port()}"),
                         github={"connect_to": {**github.connect_to(), "github.com:443": f"[::1]:{relay.port}"}})
        workspace = gitlatch.workspace(folder / "workspace")
        assert listen in workspace.env["HTTPS_PROXY"]
        assert workspace.head(workspace.clone(WIDGETS)) == github.head("acme/widgets")


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def test_the_way_out_through_a_corporate_proxy(start, folder, github):
    """GitHub and the token service are reached through `upstream.proxy`, by name, and through nothing else."""
    with closing(Relay(github.port, proxy=True)) as proxy:
        gitlatch = start(github={"connect_to": {}}, upstream={"proxy": proxy.url})
        workspace = gitlatch.workspace(folder / "workspace")
        clone = workspace.clone(WIDGETS)
        assert workspace.head(clone) == github.head("acme/widgets")
        assert workspace.status("https://api.github.com/repos/acme/widgets")[0] == 200
        lines = {head.split("\r\n")[0] for head in proxy.asked}
        assert lines == {"CONNECT github.com:443 HTTP/1.1", "CONNECT api.github.com:443 HTTP/1.1"}
        assert not any("authorization" in head.lower() for head in proxy.asked)


def test_a_password_on_a_listener(start, folder, github):
    password = folder / "password"
    password.write_text("correct horse\n")
    gitlatch = start(listen={"address": (address := f"127.0.0.1:{free_port()}"), "password_file": str(password)})
    port = int(address.rpartition(":")[2])
    with Raw(address=("127.0.0.1", port)) as raw:
        answer = raw.connect("github.com:443")
        assert answer.status == 407 and answer.header("Proxy-Authenticate").startswith("Basic")
        answer = raw.connect("github.com:443", "Proxy-Authorization: Basic Z2l0bGF0Y2g6d3Jvbmc=\r\n")
        assert answer.status == 407, "the connection is kept"
        answer = raw.connect("github.com:443", "Proxy-Authorization: Basic Z2l0bGF0Y2g6Y29ycmVjdCBob3JzZQ==\r\n")
        assert answer.status == 200
    workspace = Workspace(folder / "w")
    workspace.env.update(https_proxy=f"http://gitlatch:correct%20horse@{address}",
                         GIT_SSL_CAINFO=str(gitlatch.public / "bundle.pem"))
    assert github.head("acme/widgets") in workspace.git("ls-remote", WIDGETS).out
    workspace.env["https_proxy"] = f"http://{address}"
    assert "407" in workspace.git("ls-remote", WIDGETS, check=False).err
    assert "gateway" not in workspace.status(f"http://{address}/github.com{REFS}")[1] or True


def test_an_audit_sink_that_blocks_does_not_block_the_work(start, folder):
    """A full pipe: the loop goes on, and what is lost is counted."""
    fifo = folder / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    gitlatch = start(log={"audit": str(fifo)})
    with Raw.intercepted(gitlatch) as raw:
        for _ in range(3000):
            assert raw.ask("GET", "/acme/widgets.git/info/refs").status == 403
    assert gitlatch.admin("/healthz")[0] == 200
    lost = gitlatch.metrics().sum("gitlatch_audit_dropped_total")
    os.close(reader)
    assert lost >= 0


def test_a_configuration_mistake_is_named_with_file_line_and_key(folder, github):
    from lib.gitlatch import BINARY
    config = folder / "bad.yaml"
    config.write_text("listen: 127.0.0.1:3128\ncredentials: []\nlimits:\n  connections: many\n")
    done = Workspace(folder / "w").run(BINARY, "proxy", "-c", config, check=False)
    assert done.code == 2 and f"{config}:4" in done.err and "connections" in done.err
    assert len(done.err.splitlines()) == 1


def test_ten_minutes_old_tokens_are_kept_not_minted_again(gitlatch, workspace, github):
    for _ in range(5):
        workspace.git("ls-remote", WIDGETS)
    assert len(github.tokens()) == 1


def test_without_rules_whatever_the_credential_reaches_with_a_warning(start, folder, github):
    gitlatch = start(repositories=None)
    gitlatch.wait_log("repositories")
    workspace = gitlatch.workspace(folder / "workspace")
    clone = workspace.clone(WIDGETS)
    commit = workspace.commit(clone, {"a": "a"})
    workspace.git("push", "--quiet", "origin", "main", cwd=clone)
    assert github.head("acme/widgets") == commit
    assert json.loads(workspace.run("gh", "api", "repos/acme/widgets").out)["name"] == "widgets"


def test_rules_are_read_in_order_and_the_first_decides(start, folder, github):
    gitlatch = start(repositories=[{"match": "acme/widgets", "fetch": False}, *ACME])
    workspace = gitlatch.workspace(folder / "workspace")
    assert "remote: " in workspace.git("ls-remote", WIDGETS, check=False).err
    github.repository("acme/other", files={"a": "a"})
    assert seed.parent(github.path("acme/other"), "refs/heads/main") in workspace.git(
        "ls-remote", "https://github.com/ACME/Other").out
