"""The agent of signed commits from its other sides: bounds, users, reload, sandbox, what is recorded of it, `doctor`."""
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time

import pytest
from lib.gitlatch import BINARY
from lib.process import wait_until
from lib.signing import AGENT_FAILURE, AGENT_LIST, change, git, make_key, prepare, sign_request, talk
from lib.workspace import Workspace

NOBODY = 65534
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="another user is needed")


@pytest.fixture
def key(folder):
    return make_key(folder / "signing_key")


@pytest.fixture
def signing(start, key):
    return start(signing={"key": str(key)})


@pytest.fixture
def agent(signing):
    return signing.public / "agent.sock"


def open_to_all(path, stop):
    while path != stop.parent:
        path.chmod(path.stat().st_mode | 0o055)
        path = path.parent


def talk_as(user, path, message):
    """What another user is answered; the name of the error where it cannot connect."""
    script = ("import socket,sys\nc=socket.socket(socket.AF_UNIX)\n"
              "try: c.connect(sys.argv[1])\nexcept OSError as e: sys.exit(type(e).__name__)\n"
              "c.sendall(bytes.fromhex(sys.argv[2]));c.shutdown(1)\n"
              "d=b''\nwhile m:=c.recv(65536): d+=m\nprint(d.hex())")
    done = subprocess.run([sys.executable, "-c", script, str(path), message.hex()], user=user, capture_output=True, text=True,
                          cwd="/")
    return bytes.fromhex(done.stdout.strip()) if done.returncode == 0 else done.stderr.strip()


# Bounds.

@needs_root
def test_one_user_is_paced_and_another_is_not(agent, signing, folder):
    open_to_all(signing.public, folder)
    many, began = 360, time.monotonic()
    assert talk(agent, sign_request(b"junk") * many) == AGENT_FAILURE * many
    # 300 at once, then 20 a second.
    assert 2.5 < time.monotonic() - began < 20
    slow = threading.Thread(target=talk, args=(agent, sign_request(b"junk") * 60))
    slow.start()
    began = time.monotonic()
    assert talk_as(NOBODY, agent, sign_request(b"junk")) == AGENT_FAILURE
    assert time.monotonic() - began < 2, "another user waits for nobody"
    slow.join()


def test_a_message_has_64_kib_at_most(agent):
    largest = 64 * 1024 - 4
    assert talk(agent, largest.to_bytes(4, "big") + b"\x1b" * largest) == AGENT_FAILURE
    assert talk(agent, (largest + 1).to_bytes(4, "big") + b"\x1b" * (largest + 1)) == b""
    assert talk(agent, AGENT_LIST)[4:5] == b"\x0c", "the agent goes on"


def test_a_request_that_is_never_finished_ends(agent):
    began = time.monotonic()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(60)
        client.connect(str(agent))
        client.sendall(b"\0\0")
        assert client.recv(1) == b""
    assert 25 < time.monotonic() - began < 45


# Who may ask.

@needs_root
def test_each_user_of_the_workspace_may_sign_and_is_named(agent, signing, folder):
    open_to_all(signing.public, folder)
    assert talk_as(NOBODY, agent, AGENT_LIST)[4:5] == b"\x0c"
    assert talk_as(NOBODY, agent, sign_request(b"junk")) == AGENT_FAILURE
    assert signing.wait_audit(event="sign", result="refused")["client"] == f"uid {NOBODY}"


@needs_root
def test_under_run_no_other_user_connects(folder, github, key):
    config = folder / "gitlatch.yaml"
    config.write_text(json.dumps({"github": {"trust": str(github.ca)}, "signing": {"key": str(key)},
                                  "credentials": [{"type": "environment", "name": "TOKEN"}]}))
    laptop = Workspace(folder / "laptop", GITLATCH_CONFIG=str(config), TOKEN="ghp_" + "x" * 36)
    script = 'd=${SSH_AUTH_SOCK%/*}; while [ "$d" != /tmp ] && [ "$d" != / ]; do chmod a+rx "$d"; d=$(dirname "$d"); done; ' \
             'echo "$SSH_AUTH_SOCK"; read -r _'
    with subprocess.Popen([BINARY, "run", "--", "sh", "-c", script], env={**laptop.env}, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as run:
        path = run.stdout.readline().strip()
        assert talk_as(NOBODY, path, AGENT_LIST) == "PermissionError"
        assert talk_as(0, path, AGENT_LIST)[4:5] == b"\x0c"
        run.stdin.write("\n")
        run.stdin.close()


def test_the_process_is_in_its_sandbox_while_it_signs(signing, folder):
    workspace = prepare(signing.workspace(folder / "workspace"), signing.public)
    change(workspace, "one")
    git(workspace, "verify-commit", "HEAD")
    status = (open(f"/proc/{signing.process.pid}/status").read()).splitlines()
    assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status


def test_the_replaced_key_signs_no_more(signing, folder, key):
    workspace = prepare(signing.workspace(folder / "workspace"), signing.public)
    old = folder / "old.pub"
    shutil.copy(f"{key}.pub", old)
    fresh = make_key(folder / "fresh")
    os.replace(fresh, key)
    public = open(f"{fresh}.pub").read().split()[1]
    wait_until(lambda: public in (signing.public / "gitconfig").read_text(), "the new key in gitconfig")
    (workspace.folder / "text").write_text("a text")
    workspace.run("ssh-keygen", "-Y", "sign", "-n", "git", "-f", old, workspace.folder / "text", check=False)
    change(workspace, "new")
    git(workspace, "verify-commit", "HEAD")


def test_another_key_file_needs_a_restart(signing, folder):
    other = make_key(folder / "other")
    signing.config["signing"] = {"key": str(other)}
    signing.write_config()
    signing.wait_log("signing: another key file or command needs a restart")


# What is recorded.

def test_what_is_shown_of_signatures(signing, folder, agent):
    workspace = prepare(signing.workspace(folder / "workspace"), signing.public)
    change(workspace, "one")
    talk(agent, sign_request(b"SSHSIG" + b"\0\0\0\4file"))
    signing.wait_audit(event="sign", result="refused")
    assert signing.metrics().sum("gitlatch_signatures_total", result="ok") == 1
    assert signing.metrics().sum("gitlatch_signatures_total", result="refused") == 1
    log = folder / "audit.jsonl"
    log.write_text("".join(json.dumps(event) + "\n" for event in signing.audit(event="sign")))
    given, refused = workspace.run(BINARY, "audit", log).out.splitlines()
    assert "ok     uid" in given and given.endswith("sign")
    assert "DENY   uid" in refused and refused.endswith("sign  a signature for another namespace than git")


# doctor

def doctor(workspace, **env):
    said = workspace.run(BINARY, "doctor", check=None, env=env).out.splitlines()
    return [line for line in said if line.split(None, 1)[1].startswith("signing:")]


@pytest.fixture
def patient(signing, folder):
    """A workspace with git, ssh-keygen and sh, and no other tool, so that doctor is quick."""
    workspace = prepare(signing.workspace(folder / "workspace"), signing.public)
    tools = workspace.folder / "tools"
    tools.mkdir()
    for name in ("git", "sh", "ssh", "ssh-keygen"):
        (tools / name).symlink_to(shutil.which(name))
    workspace.env["PATH"] = str(tools)
    return workspace


def replace(patient, name, script):
    (patient.folder / "tools" / name).unlink()
    if script:
        (patient.folder / "tools" / name).write_text(f"#!/bin/sh\n{script}\n")
        (patient.folder / "tools" / name).chmod(0o755)


def test_doctor_finds_signing_well_and_says_what_verified_needs(patient, key):
    good, note = doctor(patient, GIT_COMMITTER_EMAIL="bot@corp.example")
    assert good.startswith("ok ") and note.startswith("note ")
    assert open(f"{key}.pub").read().split()[1] in note and "bot@corp.example" in note and "*signing* key" in note


@pytest.mark.parametrize("name, script, said", [
    ("git", f'[ "$1" = --version ] && echo git version 2.33.1 || exec {shutil.which("git")} "$@"', "2.34 or later"),
    ("ssh-keygen", None, "no ssh-keygen"),
    ("ssh", "echo OpenSSH_8.7p1 >&2", "install 8.8 or later"),
    ("ssh", "echo OpenSSH_7.9p1 >&2", "install 8.8 or later"),
])
def test_doctor_finds_tools_that_cannot_sign(patient, name, script, said):
    replace(patient, name, script)
    only, = doctor(patient)
    assert only.startswith("FAIL ") and said in only


def test_doctor_finds_settings_in_the_way_and_an_agent_that_is_gone(patient, signing, folder):
    patient.git("config", "--global", "commit.gpgSign", "false")
    assert "commit.gpgSign is not true" in doctor(patient)[0]
    patient.git("config", "--global", "commit.gpgSign", "true")
    patient.git("config", "--global", "user.signingKey", "0xABCDEF")
    assert "user.signingKey is not gitlatch's" in doctor(patient)[0]
    other = open(f"{make_key(folder / 'other')}.pub").read().strip()
    patient.git("config", "--global", "user.signingKey", other)
    assert "has another key" in doctor(patient)[0]
    patient.git("config", "--global", "--unset", "user.signingKey")
    patient.git("config", "--global", "gpg.format", "openpgp")
    assert "git is not set up for it" in doctor(patient)[0]
    patient.git("config", "--global", "--unset", "gpg.format")
    assert doctor(patient)[0].startswith("ok ")
    signing.stop()
    assert "does not answer" in doctor(patient)[0]


def test_doctor_is_silent_where_nothing_signs(outside):
    assert doctor(outside) == []
