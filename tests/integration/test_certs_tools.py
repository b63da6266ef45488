"""The CA in real tools: each takes our leaf, and refuses what a thief of the CA's key could sign with it."""
import base64
import itertools
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
import urllib.parse
from pathlib import Path

import pytest

from lib.leaks import files_under
from lib.process import Process
from lib.workspace import PATH, Workspace

SERVER = os.environ["CERTS_SERVER_BIN"]
SYSTEM_ROOTS = "/etc/ssl/certs/ca-certificates.crt"
ACCEPTED = "TLS accepted"
# What our key must never vouch for: another name, a name that only looks like ours, an address.
OUTSIDE = ("evil.example", "github.com.evil.example", "192.0.2.7")

PYTHON = """
import ssl, sys, urllib.request
context = ssl.create_default_context()
context.verify_flags |= ssl.VERIFY_X509_STRICT
print(urllib.request.urlopen(f"https://{sys.argv[1]}/repos/acme/widgets", context=context).read().decode())
"""

# Node before 22.21 has no proxy of its own: CONNECT by hand, then TLS with Node's own trust.
NODE = """
const http = require('http'), https = require('https'), net = require('net'), url = new URL(process.env.HTTPS_PROXY);
const host = process.argv[1], fail = error => { console.error(String(error)); process.exit(1); };
http.request({host: url.hostname, port: url.port, method: 'CONNECT', path: host + ':443'})
  .on('connect', (answer, socket) => https.get({host, path: '/', socket, agent: false,
    servername: net.isIP(host) ? '' : host}, answer => answer.pipe(process.stdout)).on('error', fail))
  .on('error', fail).end();
"""

JAVA = """
import java.net.URL;
import javax.net.ssl.HttpsURLConnection;

class Get {
    public static void main(String[] arguments) throws Exception {
        var connection = (HttpsURLConnection) new URL("https://" + arguments[0] + "/repos/acme/widgets").openConnection();
        var stream = connection.getResponseCode() < 400 ? connection.getInputStream() : connection.getErrorStream();
        System.out.write(stream.readAllBytes());
        System.out.flush();
    }
}
"""


def git(workspace, host):
    return workspace.git("ls-remote", f"https://{host}/acme/widgets", check=None)


def git_lfs(workspace, host):
    repository = Path(tempfile.mkdtemp(dir=workspace.folder))
    workspace.git("init", "--quiet", repository)
    return workspace.git("-c", f"lfs.url=https://{host}/acme/widgets.git/info/lfs", "lfs", "locks", cwd=repository,
                         check=None)


def gh(workspace, host):
    if host == "api.github.com":
        return workspace.run("gh", "api", "repos/acme/widgets", env={"GH_TOKEN": "gitlatch"}, check=None)
    return workspace.run("gh", "api", "repos/acme/widgets", check=None,
                         env={"GH_HOST": host, "GH_ENTERPRISE_TOKEN": "gitlatch"})


def curl(workspace, host):
    return workspace.curl(f"https://{host}/repos/acme/widgets", check=None)


def python(workspace, host):
    return workspace.run("/usr/bin/python3", "-c", PYTHON, host, check=None)


def node(workspace, host):
    return workspace.run("/usr/bin/node", "-e", NODE, "--", host, check=None)


def wget(workspace, host):
    return workspace.run("wget", "-nv", "-O", "-", "--content-on-error", "--tries=1", f"https://{host}/repos/acme/widgets",
                         check=None)


def java(workspace, host):
    """Led by nothing but the published store; Java reads no variable for the proxy."""
    if not shutil.which("javac", path=PATH):
        pytest.skip("no JDK is installed")
    source = workspace.folder / "Get.java"
    source.write_text(JAVA)
    proxy = urllib.parse.urlsplit(workspace.env["https_proxy"])
    store = Path(workspace.env["WGETRC"]).parent / "truststore.p12"
    return workspace.run("java", f"-Dhttps.proxyHost={proxy.hostname}", f"-Dhttps.proxyPort={proxy.port}",
                         f"-Djavax.net.ssl.trustStore={store}", source, host, check=None)


# Each tool: the hosts that it speaks to, and how it words a certificate that it does not believe.
TOOLS = {
    git: (("github.com",), "certificate verification failed"),
    git_lfs: (("github.com",), "x509: "),
    gh: (("api.github.com",), "x509: "),
    curl: (("github.com", "api.github.com", "uploads.github.com"), "subtree violation"),
    python: (("api.github.com",), "subtree violation"),
    node: (("api.github.com",), "subtree violation"),
    wget: (("github.com", "api.github.com"), "is not trusted"),
}
every_tool = pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.__name__)


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, env={"PATH": PATH})


def sign(folder, name, ca, ca_key):
    """A server certificate for a name or an address, signed by whatever CA: (certificate, key)."""
    certificate, key, request, extensions = (folder / f"{name}.{suffix}" for suffix in ("pem", "key", "csr", "ext"))
    kind = "IP" if name[0].isdigit() else "DNS"
    extensions.write_text(f"subjectAltName = {kind}:{name}\nextendedKeyUsage = serverAuth\n"
                          "subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n"
                          "basicConstraints = critical, CA:FALSE\nkeyUsage = critical, digitalSignature\n")
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
            "-subj", "/CN=thief", "-out", request)
    openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-days", "2", "-extfile", extensions,
            "-out", certificate)
    return certificate, key


serial = itertools.count()  # each process has files of its own for what it prints


class Certs:
    """A server with its folders. `foreign`: {host: (certificate, key)}."""

    def __init__(self, folder, foreign=None):
        self.folder = Path(folder)
        self.state, self.public = self.folder / "state", self.folder / "public"
        self.foreign = foreign or {}
        self.process = None
        self.url = None  # of the proxy

    def launch(self):
        argv = [SERVER, self.state, self.public, SYSTEM_ROOTS]
        for host, files in self.foreign.items():
            argv += [host, *files]
        self.process = Process(f"server{next(serial)}", argv, self.folder, {"PATH": PATH})
        return self

    def wait_ready(self):
        self.url = self.process.wait_ready(lambda: self.process.stdout.rpartition("ready ")[2].strip())
        return self

    def start(self):
        return self.launch().wait_ready()

    def stop(self):
        self.process.stop()

    def workspace(self, **extra):
        return Workspace(tempfile.mkdtemp(dir=self.folder), self.public / "env", **extra)


@pytest.fixture(scope="module")
def certs():
    # Not pytest's folder: another user must be able to look into it.
    folder = Path(tempfile.mkdtemp(prefix="gitlatch-certs-"))
    folder.chmod(0o755)
    certs = Certs(folder).start()
    certs.stop()
    certs.foreign = {host: sign(folder, host, certs.state / "ca.pem", certs.state / "ca.key") for host in OUTSIDE}
    yield certs.start()
    certs.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def unconstrained(tmp_path_factory):
    """The same server and the same names, signed by a CA without a constraint, which the workspace trusts."""
    folder = tmp_path_factory.mktemp("unconstrained")
    ca, key = folder / "any.pem", folder / "any.key"
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
            "-subj", "/CN=any", "-days", "2", "-out", ca, "-addext", "keyUsage=critical,keyCertSign")
    certs = Certs(folder, {host: sign(folder, host, ca, key) for host in OUTSIDE}).start()
    for name in ("ca.pem", "bundle.pem"):
        shutil.copy(ca, certs.public / name)
    yield certs
    certs.stop()


@every_tool
def test_takes_our_leaf(certs, tool):
    for host in TOOLS[tool][0]:
        result = tool(certs.workspace(), host)
        assert ACCEPTED in result.all, str(result)


def test_java_takes_our_leaf_with_the_published_store(certs):
    """It reads no name constraint of a root, so that it is not among the tools below."""
    result = java(certs.workspace(), "api.github.com")
    assert ACCEPTED in result.out, str(result)


@every_tool
@pytest.mark.parametrize("host", OUTSIDE)
def test_refuses_what_is_outside_the_constraint(certs, tool, host):
    result = tool(certs.workspace(), host)
    assert result.code != 0 and ACCEPTED not in result.all, str(result)
    assert TOOLS[tool][1] in result.all, str(result)


@every_tool
@pytest.mark.parametrize("host", OUTSIDE)
def test_would_take_it_without_the_constraint(unconstrained, tool, host):
    """So that the refusal above is the constraint's doing."""
    result = tool(unconstrained.workspace(), host)
    assert ACCEPTED in result.all, str(result)


def test_gitconfig_alone_is_enough_for_git(certs):
    workspace = Workspace(tempfile.mkdtemp(dir=certs.folder), GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="include.path",
                          GIT_CONFIG_VALUE_0=str(certs.public / "gitconfig"))
    for url in ("https://github.com/acme/widgets", "git@github.com:acme/widgets.git",
                "ssh://git@github.com/acme/widgets.git"):
        result = workspace.git("ls-remote", url, check=False)
        assert f"remote: {ACCEPTED}" in result.err, str(result)
    result = git_lfs(workspace, "github.com")
    assert ACCEPTED in result.all, str(result)
    # Other hosts are left alone, but for those that hold github.com's LFS objects.
    urls = {"https://gitlab.com/a/b": "", "https://github-cloud.s3.amazonaws.com/alambic/x": workspace.git(
        "config", "--get-urlmatch", "http.proxy", "https://github.com/acme/widgets").out}
    for url, proxy in urls.items():
        assert workspace.git("config", "--get-urlmatch", "http.proxy", url, check=None).out == proxy


def test_the_bundle_holds_the_systems_roots(certs):
    begin = "-----BEGIN CERTIFICATE-----"
    bundle = (certs.public / "bundle.pem").read_text()
    assert bundle.count(begin) == Path(SYSTEM_ROOTS).read_text().count(begin) + 1
    assert bundle.endswith((certs.public / "ca.pem").read_text())


def test_the_key_is_nowhere_but_in_the_state(certs):
    lines = (certs.state / "ca.key").read_text().splitlines()[1:-1]
    scalar = base64.b64decode("".join(lines))[36:68]  # of a P-256 key in PKCS#8 (RFC 5208, RFC 5915)
    needles = [line.encode() for line in lines] + [scalar, scalar.hex().encode()]
    searched = [path for path in files_under(certs.folder) if path != certs.state / "ca.key"]
    assert certs.public / "bundle.pem" in searched
    for path in searched:
        content = path.read_bytes()
        assert not any(needle in content for needle in needles), path


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_reads_what_is_published_and_not_the_state(certs):
    def nobody():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)

    for name in ("ca.pem", "bundle.pem", "truststore.p12", "wgetrc", "env", "gitconfig"):
        subprocess.run(["cat", certs.public / name], preexec_fn=nobody, check=True, capture_output=True)
    for name in ("ca.key", "ca.pem"):
        assert subprocess.run(["cat", certs.state / name], preexec_fn=nobody, capture_output=True).returncode != 0
    assert stat.S_IMODE(os.stat(certs.state).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(certs.state / "ca.key").st_mode) == 0o600


def test_processes_that_start_together_show_the_same_ca(tmp_path):
    servers = [Certs(tmp_path).launch() for _ in range(6)]
    try:
        for server in servers:
            server.wait_ready()
        for server in servers:
            result = curl(server.workspace(HTTPS_PROXY=server.url, https_proxy=server.url), "github.com")
            assert ACCEPTED in result.out, str(result)
    finally:
        for server in servers:
            server.stop()


def test_killed_at_any_moment_of_its_start_it_starts_again(tmp_path):
    for round in range(30):
        certs = Certs(tmp_path).launch()
        time.sleep(round * 0.001)
        certs.process.signal(signal.SIGKILL)
        certs.process.wait()
        for name in ("ca.pem", "bundle.pem", "env", "gitconfig"):
            path = certs.public / name
            assert not path.exists() or path.read_bytes()[-1:] == b"\n", f"{name} is cut"
    certs = Certs(tmp_path).start()
    try:
        assert ACCEPTED in curl(certs.workspace(), "github.com").out
    finally:
        certs.stop()
