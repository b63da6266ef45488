"""Refused pushes with other implementations of git: libgit2 and JGit tell each ref's reason and the allowed patterns,
and libgit2's user sees the failure in its exit status, too."""
import json
import re
import subprocess

import pytest
from lib import seed

WIDGETS = "https://github.com/acme/widgets.git"
RULE = {"match": "acme/widgets", "fetch": True, "push": ["refs/heads/agent/*", "refs/tags/v*"]}
MEANING = "the rule does not allow to push this ref"

# Pushes with libgit2; what its user is told goes to stdout as JSON.
LIBGIT2 = """
import json, sys, pygit2

class Callbacks(pygit2.RemoteCallbacks):
    lines, refs = "", {}

    def sideband_progress(self, text):
        Callbacks.lines += text

    def push_update_reference(self, ref, message):
        Callbacks.refs[ref] = message

repository = pygit2.Repository(sys.argv[1])
error = None
try:
    repository.remotes["origin"].push(sys.argv[2:], Callbacks())
except pygit2.GitError as failure:
    error = str(failure)
print(json.dumps({"lines": Callbacks.lines, "refs": Callbacks.refs, "error": error}))
sys.exit(1 if error or any(Callbacks.refs.values()) else 0)
"""

JARS = ("org.eclipse.jgit.pgm", "org.eclipse.jgit", "org.eclipse.jgit.lfs",
        "org.eclipse.jgit.http.apache",
        "httpclient", "httpcore", "commons-logging", "commons-codec", "args4j", "slf4j-api", "slf4j-nop", "javaewah", "jsch")


class Libgit2:
    """Through the gateway: Debian builds it with an mbed TLS that reads no CA with name constraints."""
    exit_status = 1

    def __init__(self, workspace, gitlatch):
        self.workspace, self.gateway = workspace, f"{gitlatch.url}/github.com/acme/widgets.git"

    def push(self, clone, *refspecs):
        self.workspace.git("remote", "set-url", "origin", self.gateway, cwd=clone)
        done = self.workspace.run("/usr/bin/python3", "-c", LIBGIT2, clone, *refspecs, check=None)
        assert done.out, done
        told = json.loads(done.out)
        assert not told["error"], told
        return done.code, told["lines"], {ref: reason for ref, reason in told["refs"].items() if reason}


class JGit:
    """Debian's own starter leaves out most of the class path, so it is given here."""
    exit_status = 0  # of its `push`, whatever a server rejects; what counts is that it knows of each ref

    def __init__(self, workspace, gitlatch):
        self.workspace = workspace
        trust = workspace.folder / "trust.p12"
        subprocess.run(["keytool", "-importcert", "-noprompt", "-alias", "gitlatch",
                        "-file", gitlatch.public / "ca.pem", "-keystore", trust, "-storetype", "PKCS12", "-storepass", "changeit"], check=True,
                       capture_output=True)
        self.java = ["java", f"-Djavax.net.ssl.trustStore={trust}", "-Djavax.net.ssl.trustStorePassword=changeit",
                     "-Dhttps.proxyHost=127.0.0.1", f"-Dhttps.proxyPort={gitlatch.port}",
                     f"-Duser.home={workspace.home}",
                     "-cp", ":".join(f"/usr/share/java/{jar}.jar" for jar in JARS), "org.eclipse.jgit.pgm.Main"]

    def push(self, clone, *refspecs):
        done = self.workspace.run(*self.java, "push", "origin", *refspecs, cwd=clone, check=None)
        refs = {f"refs/heads/{name}": reason for name, reason in re.findall(
            r"^ ! \[remote rejected\] .*? -> (\S+) \((.*)\)$", done.all, re.M)}
        return done.code, done.all, refs


@pytest.mark.parametrize("client", [Libgit2, JGit])
@pytest.mark.parametrize("size", [10, 3 << 20])
def test_a_refused_push(start, folder, github, client, size):
    gitlatch = start(repositories=[RULE])
    workspace = gitlatch.workspace(folder / "workspace")
    clone = workspace.clone(WIDGETS)
    workspace.commit(clone, {"a": seed.noise(size)})
    client = client(workspace, gitlatch)
    code, lines, refs = client.push(
        clone, "refs/heads/main:refs/heads/main", "refs/heads/main:refs/heads/agent/a")
    event = gitlatch.wait_audit(operation="push", decision="deny")
    quoted = f"[reason ref, request {event['id']}]"
    assert code == client.exit_status
    assert refs == {"refs/heads/main": f"gitlatch: {MEANING} {quoted}",
                    "refs/heads/agent/a": f"gitlatch: refused with refs/heads/main {quoted}"}, lines
    for line in (f"gitlatch: {MEANING}: refs/heads/main (rule acme/widgets)", "allowed: refs/heads/agent/*",
                 "allowed: refs/tags/v*", "gitlatch: push to a ref that matches an allowed pattern"):
        assert line in lines
    assert [request.path for request in github.requests(method="POST") if "receive-pack" in request.path] == []
    assert github.head("acme/widgets", "refs/heads/agent/a") is None


@pytest.mark.parametrize("client", [Libgit2, JGit])
def test_an_allowed_push_and_a_failure_of_github(start, folder, github, client):
    gitlatch = start(repositories=[RULE])
    workspace = gitlatch.workspace(folder / "workspace")
    clone = workspace.clone(WIDGETS)
    commit = workspace.commit(clone, {"a": "a"})
    client = client(workspace, gitlatch)
    github.fault(method="POST", path="*/git-receive-pack", status=503, body="down for maintenance",
                 headers={"Content-Type": "text/plain"})
    code, lines, refs = client.push(clone, "refs/heads/main:refs/heads/agent/a")
    assert code == client.exit_status and list(refs) == ["refs/heads/agent/a"]
    assert refs["refs/heads/agent/a"].startswith("gitlatch: GitHub answered 503: down for maintenance [reason "), lines
    github.heal()
    code, lines, refs = client.push(clone, "refs/heads/main:refs/heads/agent/a")
    assert (code, refs) == (0, {}) and github.head("acme/widgets", "refs/heads/agent/a") == commit, lines
