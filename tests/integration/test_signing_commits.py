"""Signed commits: real git and OpenSSH sign with a key that only gitlatch holds, and get nothing else from it."""
import base64
import json
import os
import re
import socket
import stat
import subprocess

import pytest
from lib.gitlatch import BINARY
from lib.process import free_port, wait_until
from lib.signing import AGENT_FAILURE, AGENT_LIST, change, git, make_key, prepare, talk
from lib.workspace import Workspace


@pytest.fixture
def key(folder):
    return make_key(folder / "signing_key")


@pytest.fixture
def signing(start, key):
    return start(signing={"key": str(key)})


@pytest.fixture
def signed(folder, signing):
    """A workspace with the published env and gitconfig, and a repository in it."""
    return prepare(signing.workspace(folder / "workspace"), signing.public)


def verify_all(workspace, *revisions):
    ids = git(workspace, "rev-list", *revisions).out.split()
    git(workspace, "verify-commit", *ids)
    return ids


def test_commits_tags_merges_and_a_long_rebase_are_signed(signed, signing, key):
    change(signed, "base")
    git(signed, "checkout", "--quiet", "-b", "topic")
    for number in range(100):
        git(signed, "commit", "--quiet", "--allow-empty", "-m", f"topic {number}")
    git(signed, "checkout", "--quiet", "main")
    change(signed, "other")
    git(signed, "rebase", "--quiet", "main", "topic")
    git(signed, "checkout", "--quiet", "main")
    git(signed, "merge", "--quiet", "--no-ff", "-m", "merged", "topic")
    assert len(verify_all(signed, "--all")) == 103
    git(signed, "tag", "-s", "-m", "one", "v1")
    git(signed, "verify-tag", "v1")
    assert 'Good "git" signature' in git(signed, "log", "-1", "--show-signature").out
    # Each signature is an event, and OpenSSH itself finds it good.
    assert len(signing.audit(event="sign", result="ok")) >= 204
    event = signing.audit(event="sign")[-1]
    assert event["client"] == f"uid {os.getuid()}" and re.fullmatch("[0-9a-f]{64}", event["blob"])


def test_openssh_signs_and_verifies(signed, signing, key):
    (signed.folder / "text").write_text("a text")
    public = f"{key}.pub"
    assert signed.run("ssh-add", "-l").out.split()[1:] == \
        [subprocess.run(["ssh-keygen", "-lf", public], capture_output=True, text=True).stdout.split()[1], "gitlatch",
         "(ED25519)"]
    (signed.folder / "k.pub").write_text(open(public).read())
    signed.run("ssh-keygen", "-Y", "sign", "-n", "git", "-f", signed.folder / "k.pub", signed.folder / "text")
    signature = signed.folder / "text.sig"
    signed.run("ssh-keygen", "-Y", "verify", "-n", "git", "-I", "ada@example.com", "-f", signing.public / "allowed_signers",
               "-s", signature, input="a text")
    signed.run("ssh-keygen", "-Y", "verify", "-n", "git", "-I", "ada@example.com", "-f", signing.public / "allowed_signers",
               "-s", signature, input="another text", check=False)
    signed.run("ssh-keygen", "-Y", "sign", "-n", "file", "-f", signed.folder / "k.pub", signed.folder / "text", check=False)
    assert "another namespace" in signing.wait_audit(event="sign", result="refused")["message"]


@pytest.fixture
def sshd(folder, key):
    """A real sshd on loopback, which lets the signing key in."""
    host, port = make_key(folder / "host_key"), free_port()
    os.makedirs("/run/sshd", exist_ok=True)
    keys = folder / "authorized_keys"
    keys.write_text(open(f"{key}.pub").read())
    config = folder / "sshd_config"
    config.write_text(f"Port {port}\nListenAddress 127.0.0.1\nHostKey {host}\nAuthorizedKeysFile {keys}\n"
                      f"PasswordAuthentication no\nKbdInteractiveAuthentication no\nStrictModes no\nUsePAM no\n"
                      f"PermitRootLogin yes\nPidFile none\n")
    process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", str(config)], stderr=subprocess.DEVNULL)

    def answers():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0
    wait_until(answers, "sshd")
    yield ["ssh", "-F", "none", "-p", str(port), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
           "-o", "BatchMode=yes", "127.0.0.1", "echo inside"]
    process.terminate()
    process.wait()


@pytest.mark.skipif(os.getuid() != 0, reason="an sshd that lets its own user in needs root")
def test_the_key_opens_no_login(signed, signing, sshd, key):
    assert "inside" in signed.run(sshd[0], "-i", key, *sshd[1:], env={"SSH_AUTH_SOCK": ""}).out, "with the key itself"
    refused = signed.run(*sshd, check=False)
    assert "Permission denied (publickey)" in refused.err
    assert "SSH login" in signing.wait_audit(event="sign", result="refused")["message"]


def test_without_the_proxy_nothing_is_made_unsigned(signed, signing):
    change(signed, "base")
    git(signed, "checkout", "--quiet", "-b", "side")
    change(signed, "aside")
    git(signed, "checkout", "--quiet", "-")
    signing.stop()
    head = signed.head(signed.repository)
    failed = git(signed, "commit", "--allow-empty", "-m", "more", check=False)
    assert "gitlatch: nothing is signed: the proxy does not answer" in failed.err and signed.head(signed.repository) == head
    tag = git(signed, "tag", "-s", "-m", "one", "v1", check=False)
    assert "gitlatch: nothing is signed: the proxy does not answer" in tag.err
    assert git(signed, "tag").out == ""
    assert "nothing is signed" in git(signed, "merge", "--no-ff", "-m", "m", "side", check=False).err
    assert signed.head(signed.repository) == head
    git(signed, "verify-commit", "HEAD")


def test_without_ssh_keygen_the_sentence_says_so(signed):
    tools = signed.folder / "tools"
    tools.mkdir()
    for name in ("git", "sh", "rm"):
        (tools / name).symlink_to(subprocess.run(["which", name], capture_output=True, text=True).stdout.strip())
    failed = git(signed, "commit", "--allow-empty", "-m", "x", check=False, env={"PATH": str(tools)})
    assert "no ssh-keygen here" in failed.err


def test_a_uid_without_a_name_is_said_to_have_none(signed, folder):
    """Many images run under a uid that is not in their /etc/passwd."""
    binaries = folder / "bin"
    binaries.mkdir()
    (binaries / "ssh-keygen").write_text("#!/bin/sh\necho 'No user exists for uid 54321' >&2\nexit 255\n")
    (binaries / "ssh-keygen").chmod(0o755)
    signed.git("init", "--quiet", "nameless")
    failed = signed.git("commit", "--allow-empty", "-m", "x", cwd=signed.folder / "nameless", check=False,
                        env={"PATH": f"{binaries}:{signed.env['PATH']}"})
    assert "has no name here" in failed.err and "/etc/passwd" in failed.err, failed


def test_a_rotated_key_is_published(signed, signing, key, folder):
    change(signed, "old")
    fresh = make_key(folder / "fresh")
    os.replace(fresh, key)
    public = open(f"{fresh}.pub").read().split()[1]
    wait_until(lambda: public in (signing.public / "gitconfig").read_text(), "the new key in gitconfig")
    change(signed, "new")
    git(signed, "verify-commit", "HEAD")
    git(signed, "verify-commit", "HEAD~1", check=False)
    key.write_text("nonsense")
    signing.wait_log("the old key is kept")
    change(signed, "newer")


@pytest.fixture
def kms(folder):
    """kms(): a command that signs as a key management service would, by openssl; each call gives it another key."""
    command, public = folder / "sign", folder / "kms.pub"

    def make(number=[0]):
        number[0] += 1
        key = folder / f"kms-{number[0]}.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True)
        raw = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"], capture_output=True).stdout[-32:]
        blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + raw
        public.write_text(f"ssh-ed25519 {base64.b64encode(blob).decode()} kms\n")
        command.with_suffix(".new").write_text(
            f'#!/bin/sh\nt=$(mktemp) || exit\ncat >"$t"\nif [ -s "$t" ]; then\n'
            f'openssl pkeyutl -sign -rawin -inkey {key} -in "$t" | base64 -w0\nelse cat {public}; fi\nrm -f "$t"\n')
        command.with_suffix(".new").chmod(0o755)
        command.with_suffix(".new").rename(command)
        return command, public
    return make


def test_a_command_signs(start, folder, kms):
    """gitlatch knows the public key alone."""
    command, public = kms()
    gitlatch = start(signing={"sign_command": [str(command)], "key": str(public)})
    workspace = prepare(gitlatch.workspace(folder / "workspace"), gitlatch.public)
    change(workspace, "one")
    verify_all(workspace, "HEAD")
    command.write_text("#!/bin/sh\nbase64 -w0 /dev/zero | head -c 88\n")
    git(workspace, "commit", "--allow-empty", "-m", "bad", check=False)
    assert "no Ed25519 signature" in gitlatch.wait_audit(event="sign", result="failed")["message"]


def test_a_command_alone_says_its_public_key(start, folder, kms):
    command, _ = kms()
    gitlatch = start(signing={"sign_command": [str(command)]})
    workspace = prepare(gitlatch.workspace(folder / "workspace"), gitlatch.public)
    change(workspace, "one")
    verify_all(workspace, "HEAD")
    # The service has another key: the signature that does not fit is not given out, and the new key is asked for.
    _, public = kms()
    git(workspace, "commit", "--allow-empty", "-m", "bad", check=False)
    wait_until(lambda: public.read_text().split()[1] in (gitlatch.public / "gitconfig").read_text(), "the new key", 20)
    change(workspace, "two")
    verify_all(workspace, "HEAD~1..HEAD")


@pytest.mark.parametrize("script, why", [
    ("echo nonsense", "what it wrote for an empty stdin: is no public key"),
    ("echo broken >&2; exit 3", "broken"),
])
def test_a_command_without_a_public_key_is_refused_at_the_start(folder, outside, script, why):
    command, config = folder / "sign", folder / "g.yaml"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o755)
    config.write_text(json.dumps({"signing": {"sign_command": [str(command)]}, "admin": "off",
                                  "listen": f"127.0.0.1:{free_port()}", "ca": {"publish": str(folder / "public")},
                                  "credentials": [{"type": "environment", "name": "TOKEN"}]}))
    failed = outside.run(BINARY, "proxy", "-c", config, check=False, env={"TOKEN": "ghp_" + "x" * 36})
    assert "signing.sign_command" in failed.err and why in failed.err and "`signing.key`" in failed.err


def test_under_run_the_socket_is_its_callers_alone(folder, github, key):
    config = folder / "gitlatch.yaml"
    config.write_text(json.dumps({"github": {"trust": str(github.ca)}, "signing": {"key": str(key)},
                                  "credentials": [{"type": "environment", "name": "TOKEN"}]}))
    laptop = Workspace(folder / "laptop", GITLATCH_CONFIG=str(config), TOKEN="ghp_" + "x" * 36)
    script = 'stat -c %a "$SSH_AUTH_SOCK"; git init -q r; cd r; git commit -q --allow-empty -m x; git verify-commit HEAD'
    assert laptop.run(BINARY, "run", "--", "sh", "-ec", script).out == "600\n"


def test_all_else_is_a_failure_and_bounded(signing):
    path = signing.public / "agent.sock"
    assert stat.S_IMODE(path.stat().st_mode) == 0o666
    assert talk(path, b"\0\0\0\1\x13", b"\0\0\0\1\x1b") == AGENT_FAILURE * 2  # remove all, extension
    assert talk(path, b"\0", b"\0\0\1", b"\x13", wait=0.1) == AGENT_FAILURE, "in pieces"
    assert talk(path, b"\0\0\xff\xfd") == b"", "too large"
    assert talk(path, b"\0\0\0\0") == b""
    many = [socket.socket(socket.AF_UNIX) for _ in range(80)]
    for client in many:
        client.connect(str(path))
    closed = 0
    for client in many[64:]:
        client.settimeout(10)
        closed += client.recv(1) == b""
    assert closed == 16
    for client in many:
        client.close()
    wait_until(lambda: talk(path, AGENT_LIST)[4:5] == b"\x0c", "the agent serves again")


def test_an_unusable_key_is_said_at_the_start(folder, outside):
    key = make_key(folder / "ecdsa", "ecdsa")
    config = folder / "g.yaml"
    config.write_text(json.dumps({"signing": {"key": str(key)}, "listen": f"127.0.0.1:{free_port()}", "admin": "off",
                                  "ca": {"publish": str(folder / "public")},
                                  "credentials": [{"type": "environment", "name": "TOKEN"}]}))
    failed = outside.run(BINARY, "proxy", "-c", config, check=False, env={"TOKEN": "ghp_" + "x" * 36})
    assert "signing.key" in failed.err and "another type than ssh-ed25519" in failed.err
