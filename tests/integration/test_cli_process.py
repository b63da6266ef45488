"""The processes that gitlatch is made of: reload by a change of the file, signals, what the command of `run` inherits,
and that nothing outlives anything."""
import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from conftest import ACME
from lib.github import APP_ID
from lib.gitlatch import BINARY, sanitized
from lib.process import wait_until
from lib.workspace import Workspace

WIDGETS = "https://github.com/acme/widgets.git"


def reloads(gitlatch, result="ok"):
    return gitlatch.metrics().sum("gitlatch_reloads_total", result=result)


# Reload.

def test_a_change_of_the_file_is_read(gitlatch, workspace):
    workspace.git("ls-remote", WIDGETS)
    gitlatch.config["repositories"] = [{"match": "acme/widgets"}]
    gitlatch.write_config()
    wait_until(lambda: reloads(gitlatch) == 1, "the new configuration is read")
    assert "[fetch]" in gitlatch.log or workspace.git("ls-remote", WIDGETS, check=False).code != 0


def test_what_else_happens_in_the_directory_is_no_reload(gitlatch):
    for index in range(5):
        (gitlatch.folder / f"other-{index}").write_text("x")
    os.utime(gitlatch.config_path.parent)
    time.sleep(1)
    assert reloads(gitlatch) == 0


def test_sighup_and_a_change_are_one_reload(gitlatch):
    gitlatch.reload(enforce=False)
    wait_until(lambda: reloads(gitlatch) == 1, "the new configuration is read")
    time.sleep(1)
    assert reloads(gitlatch) == 1


def test_a_config_map_is_swapped(start, folder):
    """Kubernetes: gitlatch.yaml → ..data/gitlatch.yaml, ..data → a directory of its own for each version."""
    gitlatch = start()
    gitlatch.stop()
    mount = folder / "mount"

    def publish(version, **changes):
        (mount / version).mkdir(parents=True)
        (mount / version / "gitlatch.yaml").write_text(json.dumps({**gitlatch.config, **changes}))
        (mount / "..data_tmp").symlink_to(version)
        (mount / "..data_tmp").rename(mount / "..data")
    publish("..2026_1")
    (mount / "gitlatch.yaml").symlink_to("..data/gitlatch.yaml")
    gitlatch.config_path = mount / "gitlatch.yaml"
    gitlatch.start()
    publish("..2026_2", enforce=False)
    wait_until(lambda: reloads(gitlatch) == 1, "the new version is read")
    publish("..2026_3", enfroce=False)
    wait_until(lambda: reloads(gitlatch, "failed") == 1, "the bad version is refused")
    gitlatch.wait_log("did you mean \\\"enforce\\\"?; the old configuration stays")


def test_another_admin_address_needs_a_restart(gitlatch):
    gitlatch.reload(admin="127.0.0.1:1")
    wait_until(lambda: reloads(gitlatch, "failed") == 1, "the configuration is refused")
    gitlatch.wait_log("which needs a restart")


def test_sighup_opens_the_audit_file_anew(gitlatch, workspace):
    audit = Path(gitlatch.config["log"]["audit"])
    workspace.git("ls-remote", WIDGETS)
    gitlatch.wait_audit(event="request")
    audit.rename(audit.with_suffix(".1"))
    gitlatch.process.signal(signal.SIGHUP)
    wait_until(audit.exists, "the file is made anew")
    workspace.git("ls-remote", WIDGETS)
    gitlatch.wait_audit(event="request")


# Start and end.

def test_a_second_sigterm_ends_it_at_once(gitlatch, workspace, github):
    path = "/acme/widgets/archive/slow.zip"
    github.fault(path=path, status=200, size=64 << 20, write_rate=1 << 20)
    client = subprocess.Popen(["curl", "-s", "-o", "/dev/null", "https://github.com" + path], env=workspace.env)
    wait_until(lambda: github.requests(path=path), "the download runs")
    gitlatch.process.signal(signal.SIGTERM)
    gitlatch.wait_log("draining")
    gitlatch.process.signal(signal.SIGTERM)
    assert gitlatch.process.wait(10) == 0
    assert client.wait(10) != 0, "what was cut is not passed off as whole"


@pytest.mark.parametrize("key", ["listen", "admin", "metrics"])
def test_an_address_that_is_taken(gitlatch, key):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        gitlatch.stop()
        gitlatch.config[key] = address
        gitlatch.write_config()
        done = subprocess.run([BINARY, "proxy", "-c", gitlatch.config_path], capture_output=True, text=True, timeout=90)
    lines = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert done.returncode == 1 and len(lines) == 1
    assert lines[0].startswith("gitlatch proxy: ") and address in lines[0] and "already in use" in lines[0]


def status(pid):
    return dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)


def test_the_proxy_gives_up_what_it_does_not_need(gitlatch):
    if sanitized():
        pytest.skip("a sanitizer needs what the sandbox takes")
    own = status(gitlatch.process.pid)
    assert own["Seccomp"].strip() == "2" and own["NoNewPrivs"].strip() == "1"
    limits = Path(f"/proc/{gitlatch.process.pid}/limits").read_text()
    assert re.search(r"^Max core file size +0 +0 ", limits, re.M)
    soft, hard = re.search(r"^Max open files +(\d+) +(\d+) ", limits, re.M).groups()
    assert soft == hard


# run

@pytest.fixture
def laptop(folder, github):
    config = folder / "gitlatch.yaml"
    config.write_text(json.dumps({
        "github": {"trust": str(github.ca), "connect_to": github.connect_to()},
        "credentials": [{"type": "app", "app_id": APP_ID, "private_key": str(github.app_key)},
                        {"type": "environment", "name": "MY_TOKEN"}],
        "listen": "127.0.0.1:1", "admin": "127.0.0.1:2", "repositories": ACME}))
    return Workspace(folder / "laptop", GITLATCH_CONFIG=str(config))


LOOK = """
grep -E '^(SigBlk|SigIgn|SigCgt|NoNewPrivs|Seccomp|Groups)' /proc/self/status
ulimit -a
ls /proc/self/fd
ps -o pgid=,sid=,tty= -p $$
"""


def test_the_command_inherits_what_it_would_without_gitlatch(laptop):
    """Signals ignored and blocked, limits, descriptors, no sandbox, the caller's process group and session."""
    look = laptop.folder / "look.sh"
    look.write_text(LOOK)
    done = laptop.run("bash", "-c", f"trap '' USR2; sh {look} >direct; {BINARY} run sh {look} >through")
    direct, through = ((laptop.folder / name).read_text() for name in ("direct", "through"))
    assert done.code == 0 and "SigIgn" in direct and through == direct


def test_the_variable_of_an_environment_credential_does_not_reach_the_command(laptop):
    seen = laptop.run(BINARY, "run", "env", env={"MY_TOKEN": "ghp_" + "s" * 36}).out
    assert "MY_TOKEN" not in seen and "ghp_" not in seen


def test_the_token_is_gone_from_the_environment_that_others_see(laptop):
    seen = laptop.run(BINARY, "run", "--", "sh", "-c", "tr '\\0' '\\n' </proc/$PPID/environ",
                      env={"GITHUB_TOKEN": "ghp_" + "s" * 36}).out
    assert "PATH=" in seen and "ghp_" not in seen


def test_addresses_of_the_configuration_are_not_taken(laptop):
    assert re.search(r"^http://gitlatch:[0-9a-f]{32}@127\.0\.0\.1:\d{4,5}$",
                     laptop.run(BINARY, "run", "sh", "-c", "echo $https_proxy").out.strip())


def test_what_is_published_is_for_this_user_alone(laptop):
    out = laptop.run(BINARY, "run", "sh", "-c", "stat -c %a $(dirname $(dirname $SSL_CERT_FILE)) $SSL_CERT_FILE").out
    assert out.split() == ["700", "644"]


def long_run(laptop, folder):
    """A `gitlatch run` in progress: (process, pid of the proxy, pid of the command, directory)"""
    process = subprocess.Popen([BINARY, "run", "sh", "-c", "echo $SSL_CERT_FILE; exec sleep 60"], env=laptop.env,
                               stdout=subprocess.PIPE, stderr=open(folder / "stderr", "w"), text=True)
    directory = Path(process.stdout.readline().strip()).parents[1]
    children = [int(pid) for pid in
                Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
    command = next(pid for pid in children if status(pid)["Name"].strip() in ("sh", "sleep"))
    return process, next(pid for pid in children if pid != command), command, directory


def gone(pid):
    try:
        return "Z" in status(pid)["State"]
    except FileNotFoundError:
        return True


def test_the_proxy_ends_with_the_one_who_started_it(laptop, folder):
    process, proxy, command, directory = long_run(laptop, folder)
    assert directory.exists()
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    wait_until(lambda: gone(proxy), "the proxy ends")
    wait_until(lambda: not directory.exists(), "its directory is removed")
    os.kill(command, signal.SIGKILL)


def test_the_end_of_the_proxy_is_told(laptop, folder):
    process, proxy, _, directory = long_run(laptop, folder)
    os.kill(proxy, signal.SIGKILL)
    wait_until(lambda: "the proxy ended unexpectedly" in (folder / "stderr").read_text(), "it is said")
    process.terminate()
    assert process.wait(10) == -signal.SIGTERM, "it ends as its command did"
    assert not directory.exists()


def test_stopped_and_continued_by_another_process(laptop, folder):
    process, _, command, _ = long_run(laptop, folder)
    os.kill(command, signal.SIGSTOP)
    wait_until(lambda: "T" in status(process.pid)["State"], "it stops with its command")
    os.kill(process.pid, signal.SIGCONT)
    wait_until(lambda: "S" in status(command)["State"], "the command goes on with it")
    process.terminate()
    assert process.wait(10) == -signal.SIGTERM


def test_a_proxy_that_cannot_start(laptop):
    done = laptop.run(BINARY, "run", "true", env={"TMPDIR": "/nonexistent"}, check=False)
    assert done.code == 1 and "set TMPDIR" in done.err and done.err.count("\n") == 1
    config = json.loads(Path(laptop.env["GITLATCH_CONFIG"]).read_text())
    config["credentials"][0]["private_key"] = "/nonexistent.pem"
    Path(laptop.env["GITLATCH_CONFIG"]).write_text(json.dumps(config))
    done = laptop.run(BINARY, "run", "true", check=False)
    assert done.code == 1 and "/nonexistent.pem" in done.err and done.err.count("\n") == 1
