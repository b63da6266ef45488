"""Signed commits: keys, workspaces whose commits are signed, and the agent's protocol."""
import socket
import struct
import subprocess
import time

AGENT_FAILURE = b"\0\0\0\1\5"
AGENT_LIST = b"\0\0\0\1\x0b"


def make_key(path, kind="ed25519"):
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "test", "-f", path], check=True)
    return path


def prepare(workspace, public):
    """Gives the workspace the published gitconfig, and a repository."""
    workspace.git("config", "--global", "include.path", f"{public}/gitconfig")
    workspace.repository = workspace.folder / "repository"
    workspace.git("init", "--quiet", "--initial-branch=main", workspace.repository)
    return workspace


def change(workspace, name):
    workspace.commit(workspace.repository, {name: name}, name)


def git(workspace, *arguments, **options):
    return workspace.git(*arguments, cwd=workspace.repository, **options)


def talk(path, *parts, wait=0.0):
    """What the agent answers. One that closes with bytes unread ends the connection by a reset (unix(7))."""
    answer = b""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(40)
        client.connect(str(path))
        try:
            for part in parts:
                client.sendall(part)
                time.sleep(wait)
            client.shutdown(socket.SHUT_WR)
            while more := client.recv(65536):
                answer += more
        except (ConnectionResetError, BrokenPipeError):
            pass
    return answer


def string(data):
    return struct.pack(">I", len(data)) + data


def sign_request(blob, key=b"key", flags=0):
    """SSH_AGENTC_SIGN_REQUEST, as a message."""
    return string(b"\x0d" + string(key) + string(blob) + struct.pack(">I", flags))
