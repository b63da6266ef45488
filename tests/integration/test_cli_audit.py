"""`gitlatch audit`: events as lines for people, and followed over a rotation."""
import json
import os
import pty
import subprocess
import time

import pytest

BINARY = os.environ.get("GITLATCH_BIN", "")
DENY = {"ts": "2026-11-28T09:57:01.123Z", "event": "request", "client": "127.0.0.1", "host": "github.com",
        "repository": "acme/widgets", "operation": "push", "refs": [{"ref": "refs/heads/main"}], "decision": "deny",
        "rule": "acme/*", "reason": "ref", "status": 200, "bytes_up": 210, "duration_ms": 3}


def event(**changes):
    return json.dumps({**DENY, **changes}) + "\n"


def audit(*arguments, text=None, **options):
    return subprocess.run([BINARY, "audit", *map(str, arguments)], input=text, capture_output=True, text=True,
                          timeout=60, **options)


def wait_for(condition):
    for _ in range(200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come")


def test_a_line_says_when_what_who_and_why(tmp_path):
    log = tmp_path / "audit.jsonl"
    log.write_text(event() + event(decision="allow", reason="", status=200, operation="fetch", refs=None,
                                   workspace={"namespace": "team", "pod": "ws-1"}))
    refused, allowed = audit(log).stdout.splitlines()
    assert refused == (
        "2026-11-28 09:57:01Z  DENY   127.0.0.1  push acme/widgets refs/heads/main  status 200  up 210 B  3 ms  "
        "rule acme/*  ref: the rule does not allow to push this ref; push to a ref that matches an allowed pattern")
    assert "allow  team/ws-1  fetch acme/widgets  status 200" in allowed and "\033" not in allowed


def test_a_failure_is_no_refusal():
    lines = audit("-", text=event(decision="allow", reason="upstream_lost") +
                  json.dumps({"ts": DENY["ts"], "event": "mint", "source": "app 1", "scope": "acme/widgets contents:read",
                              "result": "failed", "reason": "suspended", "message": "it is suspended"}) + "\n").stdout
    first, second = lines.splitlines()
    assert "  FAIL   " in first and "  FAIL   " in second
    assert "mint for acme/widgets contents:read" in second and "suspended: it is suspended; ask an owner" in second


def test_nothing_of_an_event_reaches_a_terminal_as_a_control():
    out = audit("-", text=event(repository="a/\x1b[2Jb\u009b", reason="\r\nfake")).stdout
    assert out.count("\n") == 1 and "\x1b" not in out and "\u009b" not in out and "\r" not in out
    assert "a/?[2Jb?" in out


def test_torn_lines_are_skipped_and_counted():
    done = audit("-", text="{\"ts\": \"2026\n" + event() + "not json\n" + "{}\n" + event()[:-1])
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 2
    assert done.stderr == "gitlatch audit: skipped 3 lines that are no audit events (torn, or of another program)\n"


def test_colour_on_a_terminal_only():
    master, slave = pty.openpty()
    with subprocess.Popen([BINARY, "audit", "-"], stdin=subprocess.PIPE, stdout=slave) as process:
        process.communicate(event().encode())
    os.close(slave)
    assert b"\033[1;31mDENY \033[0m" in os.read(master, 4096)
    os.close(master)


@pytest.mark.parametrize("copies", [False, True])
def test_follow_goes_on_over_a_rotation(tmp_path, copies):
    log, out = tmp_path / "audit.jsonl", tmp_path / "out"
    log.write_text(event(repository="acme/one"))
    with open(out, "w") as stdout, subprocess.Popen([BINARY, "audit", "-f", str(log)], stdout=stdout) as process:
        try:
            wait_for(lambda: "acme/one" in out.read_text())
            with open(log, "a") as old:
                old.write(event(repository="acme/two"))
                old.flush()
                wait_for(lambda: "acme/two" in out.read_text())
                if copies:
                    old.truncate(0)
                else:
                    os.rename(log, tmp_path / "audit.jsonl.1")
                    old.write(event(repository="acme/late"))
            if copies:
                time.sleep(0.5)
            log.write_text(event(repository="acme/three"))
            wait_for(lambda: "acme/three" in out.read_text())
        finally:
            process.kill()
    names = [line.split("push ")[1].split()[0] for line in out.read_text().splitlines()]
    assert names == ["acme/one", "acme/two"] + ([] if copies else ["acme/late"]) + ["acme/three"]


def test_the_file_of_the_configuration(tmp_path):
    log, config = tmp_path / "audit.jsonl", tmp_path / "gitlatch.yaml"
    log.write_text(event())
    config.write_text(f"credentials: [{{type: app, app_id: 1, private_key: /k}}]\nlog: {{audit: {log}}}\n")
    assert "acme/widgets" in audit("-c", config).stdout
    done = audit("-f", text="", env={})
    assert done.returncode == 2 and "name the audit log" in done.stderr
    done = audit(tmp_path / "none")
    assert (done.returncode, done.stderr) == (1, f"gitlatch audit: cannot open {tmp_path}/none: No such file or directory\n")
