"""`gitlatch run -- CMD`: a private proxy for one command, which sees no token and behaves as if started alone."""
import json
import os
import pty
import re
import select
import signal
import subprocess
import time

import pytest
from conftest import ACME
from lib import leaks
from lib.github import APP_ID, BINARY as MOCK
from lib.gitlatch import BINARY
from lib.process import wait_until
from lib.workspace import Workspace

WIDGETS = "https://github.com/acme/widgets.git"


@pytest.fixture
def laptop(folder, github):
    """A workspace in which `gitlatch run` finds its configuration in GITLATCH_CONFIG."""
    config = folder / "gitlatch.yaml"
    config.write_text(json.dumps({
        "github": {"trust": str(github.ca), "connect_to": github.connect_to()},
        "credentials": [{"type": "app", "app_id": APP_ID, "private_key": str(github.app_key)}],
        "repositories": ACME, "log": {"audit": str(folder / "audit.jsonl"), "level": "debug"}}))
    return Workspace(folder / "laptop", GITLATCH_CONFIG=str(config))


def run(workspace, *command, **options):
    return workspace.run(BINARY, "run", "--", *command, **options)


def test_a_clone_and_an_environment_without_a_token(laptop, github):
    done = run(laptop, "sh", "-c", f"git clone --quiet {WIDGETS} && env && cat /proc/self/environ")
    assert laptop.head(laptop.folder / "widgets") == github.head("acme/widgets")
    assert "HTTPS_PROXY=http://gitlatch:" in done.out
    assert github.tokens() and not leaks.find_in(done.all.encode(), github.tokens())


def test_credentials_of_the_caller_do_not_reach_the_command(laptop):
    given = {name: "ghp_" + "s" * 36 for name in ("GITHUB_TOKEN", "GH_TOKEN", "GH_ENTERPRISE_TOKEN",
                                                  "GITHUB_ENTERPRISE_TOKEN")}
    seen = run(laptop, "env", env=given).out
    assert "ghp_" not in seen
    assert re.search(r"^GH_TOKEN=gitlatch$", seen, re.M), "gh needs one to start"


def test_the_exit_status_is_the_commands(laptop):
    assert run(laptop, "true").code == 0
    assert run(laptop, "sh", "-c", "exit 42", check=False).code == 42
    assert run(laptop, "sh", "-c", "kill -TERM $$", check=False).code in (143, -15)
    missing = run(laptop, "/nonexistent/command", check=False)
    assert missing.code == 127 and "/nonexistent/command" in missing.err


def test_standard_streams_pass_through(laptop):
    done = run(laptop, "sh", "-c", "cat; echo error >&2", input="some input\n")
    assert (done.out, done.err) == ("some input\n", "error\n")


def test_git_and_gh_in_one_script(laptop):
    done = run(laptop, "sh", "-ec", f"git clone --quiet {WIDGETS}; gh api repos/acme/widgets --jq .full_name")
    assert done.out == "acme/widgets\n"


def test_the_proxy_is_closed_to_others(laptop, github):
    """Another user of the machine does not know the password."""
    script = 'curl -s -o /dev/null -w "%{http_code} %{http_connect}\\n" ' \
             '--proxy "$(echo $HTTPS_PROXY | sed s,//.*@,//,)" https://github.com/acme/widgets; true'
    assert run(laptop, "sh", "-c", script).out == "000 407\n"
    gateway = 'curl -s -o /dev/null -w "%{http_code}" "$(echo $HTTPS_PROXY | sed s,//.*@,//,)' \
              '/github.com/acme/widgets.git/info/refs?service=git-upload-pack"'
    assert run(laptop, "sh", "-c", gateway).out != "200"
    assert github.requests(host="github.com") == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_reaches_the_command(laptop, number):
    name = signal.Signals(number).name[3:]
    ready = laptop.folder / "ready"
    script = f"trap 'echo got {name}; exit 7' {name}; touch {ready}; while :; do sleep 0.05; done"
    process = subprocess.Popen([BINARY, "run", "--", "sh", "-c", script], env=laptop.env, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, start_new_session=True)
    wait_until(ready.exists, "the command runs")
    os.kill(process.pid, number)
    out, err = process.communicate(timeout=90)
    assert (process.returncode, out) == (7, f"got {name}\n"), err


def test_a_stop_by_another_process_reaches_the_command_and_then_us(laptop):
    """`kill -TSTP` to the one that a shell knows of, as a batch system suspends its jobs."""
    process = subprocess.Popen([BINARY, "run", "sh", "-c", "echo $$; exec sleep 60"], env=laptop.env,
                               stdout=subprocess.PIPE, text=True)
    command = int(process.stdout.readline())

    def state(pid):
        return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0]
    os.kill(process.pid, signal.SIGTSTP)
    wait_until(lambda: state(command) == "T" and state(process.pid) == "T", "both stop")
    os.kill(process.pid, signal.SIGCONT)
    wait_until(lambda: state(command) == "S" and state(process.pid) == "S", "both go on")
    process.terminate()
    assert process.wait(10) == -signal.SIGTERM


def test_git_is_led_whatever_its_own_configuration_says(laptop, github):
    """A proxy of a company's in ~/.gitconfig would come before the environment's; a remote of SSH would go past it."""
    laptop.git("config", "--global", "http.proxy", "http://127.0.0.1:1")
    more = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": "Grace"}
    done = run(laptop, "sh", "-ec", f"git ls-remote {WIDGETS} main; git ls-remote git@github.com:acme/widgets.git main; "
                                    "git config user.name", env=more)
    assert done.out.count(github.head("acme/widgets")) == 2 and done.out.endswith("Grace\n")


def test_the_placeholder_of_a_workspace_is_no_credential(outside):
    """gitlatch run behind a gitlatch: GitHub would be shown the word `gitlatch`, and gh tells it as its token."""
    done = outside.run(BINARY, "run", "true", env={"GH_TOKEN": "gitlatch"}, check=False)
    assert done.code == 2 and "run the command as it is" in done.err and done.err.count("\n") == 1


@pytest.mark.parametrize("given, lines", [({"NO_PROXY": ".corp,github.com"}, 1), ({"NO_PROXY": "*", "no_proxy": "x"}, 1),
                                          ({"NO_PROXY": "com", "no_proxy": ".com"}, 2), ({"NO_PROXY": ".corp"}, 0)])
def test_no_proxy_that_leads_past_it_is_told(laptop, given, lines):
    done = run(laptop, "sh", "-c", "echo $NO_PROXY", env=given)
    assert done.out == given["NO_PROXY"] + ",localhost,127.0.0.1\n", "and kept"
    assert done.err.count("leads past the proxy to github.com") == done.err.count("\n") == lines


def test_nothing_stays_behind(laptop, folder):
    done = run(laptop, "sh", "-c", "echo $SSL_CERT_FILE; echo $HTTPS_PROXY")
    bundle, proxy = done.out.split()
    assert not os.path.exists(bundle)
    port = int(proxy.rpartition(":")[2].rstrip("/"))
    assert laptop.run("curl", "-s", f"http://127.0.0.1:{port}/", check=False).code == 7


class Terminal:
    """A shell with job control at a terminal of its own."""

    def __init__(self, env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve("/bin/bash", ["bash", "--norc", "--noprofile", "-i"], {**env, "PS1": "ready> ", "TERM": "dumb"})
        self.seen = ""
        self.expect("ready> ")

    def type(self, text):
        os.write(self.fd, text.encode())

    def expect(self, text, seconds=60):
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < deadline, f"no {text!r} in {self.seen!r}"
            if select.select([self.fd], [], [], 0.1)[0]:
                self.seen += os.read(self.fd, 65536).decode(errors="replace")
        before, _, self.seen = self.seen.partition(text)
        return before

    def close(self):
        os.close(self.fd)  # hangs up the shell and its jobs
        os.waitpid(self.pid, 0)


@pytest.fixture
def terminal(laptop):
    terminal = Terminal(laptop.env)
    yield terminal
    terminal.close()


def test_ctrl_c_ends_the_command(terminal):
    terminal.type(f"{BINARY} run -- sh -c 'echo sta''rted; exec sleep 100'\n")
    terminal.expect("started")
    terminal.type("\x03")
    terminal.expect("ready> ")
    terminal.type("echo status=$?\n")
    terminal.expect("status=130")


def test_ctrl_z_stops_the_command_and_fg_goes_on(terminal):
    # `exec`: Debian's sh starts a program by vfork, and a stop between vfork and exec leaves that sh itself stuck.
    terminal.type(f"{BINARY} run -- sh -c 'echo sta''rted; exec cat'\n")
    terminal.expect("started")
    terminal.type("\x1a")
    terminal.expect("Stopped")
    terminal.expect("ready> ")
    terminal.type("fg\n")
    terminal.expect("run -- sh")
    terminal.type("hello again\n")
    terminal.expect("hello again")  # the terminal's echo
    terminal.expect("hello again")  # cat's
    terminal.type("\x04")
    terminal.expect("ready> ")
    terminal.type("echo status=$?\n")
    terminal.expect("status=0")


def test_the_command_has_the_terminal(terminal):
    terminal.type(f"{BINARY} run -- sh -c 'test -t 0 && test -t 1 && tty'\n")
    terminal.expect("/dev/pts/")


# With no configuration gitlatch goes to the real GitHub: so the test makes a machine on which those names lead to
# the mock, in network and mount namespaces of its own. $TOKEN is one of acme's.
LAPTOP = r"""
set -e
ip link set lo up
ip address add 10.9.9.9/32 dev lo
printf '127.0.0.1 localhost\n10.9.9.9 github.com api.github.com uploads.github.com\n' >"$TMPDIR/hosts"
"$MOCK" --state "$TMPDIR/github" --listen 10.9.9.9:443 --port-file "$TMPDIR/ports" --quiet &
mock=$!
trap 'kill $mock' EXIT
while [ ! -s "$TMPDIR/ports" ]; do sleep 0.05; done
. "$TMPDIR/ports"
cat /etc/ssl/certs/ca-certificates.crt "$TMPDIR/github/ca.pem" >"$TMPDIR/roots.pem"
mount --bind "$TMPDIR/hosts" /etc/hosts
mount --bind "$TMPDIR/roots.pem" /etc/ssl/certs/ca-certificates.crt
curl -s --data '{"owner": "acme"}' http://127.0.0.1:$MOCK_GITHUB_CONTROL_PORT/token |
    sed 's/.*"token": *"\([^"]*\)".*/\1/' >"$TMPDIR/token"
TOKEN=$(cat "$TMPDIR/token")
"""


@pytest.fixture
def machine(folder):
    """A laptop without any gitlatch configuration: machine(prepare, *command), `prepare` being a line of shell that
    may use $TOKEN. (result, token)"""
    workspace = Workspace(folder / "laptop", MOCK=MOCK)

    def machine(prepare, *command, **options):
        done = workspace.run("unshare", "--net", "--mount-proc", "--fork", "--kill-child", "sh", "-c",
                             LAPTOP + prepare + '\n"$@"', "sh", *command, **options)
        return done, (workspace.folder / "token").read_text().strip()
    machine.workspace = workspace
    return machine


CLONE_AND_LOOK = (BINARY, "run", "--", "sh", "-ec", f"git clone --quiet {WIDGETS} && env && cat /proc/self/environ")


@pytest.mark.parametrize("prepare", [
    "export GITHUB_TOKEN=$TOKEN", "export GH_TOKEN=$TOKEN",
    r'mkdir -p ~/.config/gh; printf "github.com:\n    user: ada\n    oauth_token: $TOKEN\n" >~/.config/gh/hosts.yml'],
    ids=["GITHUB_TOKEN", "GH_TOKEN", "gh is logged in"])
def test_no_configuration_is_needed_on_a_laptop(machine, prepare):
    done, token = machine(prepare, *CLONE_AND_LOOK)
    assert (machine.workspace.folder / "widgets/README.md").exists()
    assert len(token) > 300 and not leaks.find_in(done.all.encode(), [token])


def test_no_configuration_and_no_credential_says_what_to_do(machine):
    done, _ = machine("", BINARY, "run", "--", "git", "ls-remote", WIDGETS, check=False)
    assert "GITHUB_TOKEN" in done.err and "gh auth login" in done.err
