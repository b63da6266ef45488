"""`gitlatch doctor`: a workspace examined from inside with its real tools, healthy and broken in every way that it tells
of."""
import json
import os
import random
import shutil
import subprocess

import pytest
from conftest import running_github, starter
from lib import leaks
from lib.gitlatch import BINARY, SYSTEM_ROOTS
from lib.process import free_port
from lib.relay import Relay
from lib.workspace import PATH, Workspace

# In the shape of GitHub's; it must never be printed.
TOKEN = "ghp_" + "s3cr3t" * 6
TOOLS = ("git", "git-lfs", "gh", "curl", "node", "python")


class Findings:
    """What it said: [(word, what, text)]."""

    def __init__(self, result):
        self.result = result
        self.lines = []
        for line in result.out.splitlines():
            word, _, rest = line.partition(" ")
            what, _, text = rest.strip().partition(": ")
            assert word in ("ok", "FAIL", "note") and what and text, line
            self.lines.append((word, what, text))
        assert result.code == (1 if self.wrong else 0) and result.err == "", str(result)

    @property
    def wrong(self):
        return [(what, text) for word, what, text in self.lines if word == "FAIL"]

    @property
    def names_wrong(self):
        return {what for what, _ in self.wrong}

    def ok(self, what):
        return any(found == ("ok", what) for found in ((word, name) for word, name, _ in self.lines))

    def text(self, what):
        return next(text for _, name, text in self.lines if name == what)

    def __repr__(self):
        return str(self.result)


def doctor(workspace, **env):
    """With more in the environment, or less where it is None."""
    given = {name: str(value) for name, value in env.items() if value is not None}
    before = dict(workspace.env)
    for name, value in env.items():
        if value is None:
            workspace.env.pop(name, None)
    try:
        found = Findings(workspace.run(BINARY, "doctor", env=given, check=None))
    finally:
        workspace.env = before
    assert not leaks.find_in(found.result.all.encode(), [TOKEN]), "it never prints a credential"
    return found


@pytest.fixture(scope="module")
def shared(tmp_path_factory, fresh_github):
    """A gitlatch for the tests that do nothing to it."""
    folder = tmp_path_factory.mktemp("doctor")
    with running_github(folder, fresh_github) as github, starter(folder, github) as start:
        yield start()


@pytest.fixture
def quick(folder, shared):
    """A workspace in which git is the only tool, for what has to do with no other."""
    workspace = shared.workspace(folder / "quick")
    tools = workspace.folder / "tools"
    tools.mkdir()
    for name in ("git", "sh"):
        (tools / name).symlink_to(shutil.which(name, path=PATH))
    workspace.env["PATH"] = str(tools)
    return workspace


# A healthy workspace, in each of its kinds.

def test_a_workspace_as_published(workspace, github):
    found = doctor(workspace)
    assert found.wrong == []
    for what in ("proxy", "NO_PROXY", "clock", "credentials") + TOOLS:
        assert found.ok(what), what
    assert found.text("clock") == "as GitHub's, within a minute"
    assert list(workspace.home.iterdir()) == [], "nothing is left behind"
    assert github.tokens() == [], "nothing is minted for it"


def test_it_needs_no_more_than_reason_endpoint_in_the_audit_log(workspace, gitlatch):
    doctor(workspace)
    assert {event["reason"] for event in gitlatch.audit(event="request", decision="deny")} == {"endpoint"}


def test_git_alone(workspace, gitlatch):
    """With nothing but the published gitconfig."""
    bare = Workspace(workspace.folder / "git", GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="include.path",
                     GIT_CONFIG_VALUE_0=str(gitlatch.public / "gitconfig"))
    found = doctor(bare)
    assert found.wrong == [] and found.ok("git's proxy") and found.ok("git") and found.ok("git-lfs")
    assert ("note", "proxy", "HTTPS_PROXY is not set: git and git-lfs alone are led to gitlatch") in found.lines


def test_the_gateway(workspace, gitlatch):
    bare = Workspace(workspace.folder / "gateway")
    bare.git("config", "--global", f"url.{gitlatch.url}/github.com/.insteadOf", "https://github.com/")
    found = doctor(bare)
    assert found.wrong == [] and found.ok("gateway") and found.ok("git") and found.ok("git-lfs")


def test_inside_run(outside, gitlatch):
    """With the password in its proxy's URL, which is not shown."""
    found = Findings(outside.run(BINARY, "run", "-c", gitlatch.config_path, "--", BINARY, "doctor"))
    assert found.wrong == [] and all(found.ok(tool) for tool in TOOLS)
    assert "@" not in found.text("proxy")


def test_transparent(folder, start, outside):
    """Names lead to gitlatch by themselves, as in the pod of k8s/transparent/hosts."""
    address = f"127.{random.randint(2, 250)}.{random.randint(1, 250)}.{random.randint(1, 250)}"
    hosts = folder / "hosts"
    hosts.write_text(f"127.0.0.1 localhost\n{address} github.com api.github.com\n")
    if os.geteuid() != 0:
        pytest.skip("needs root: port 443, and a hosts file of its own")
    gitlatch = start(listen=[{"address": f"{address}:443", "mode": "transparent"}, f"127.0.0.1:{free_port()}"])
    outside.source(gitlatch.public / "env")
    for name in ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        del outside.env[name]
    found = Findings(outside.run("unshare", "--mount", "sh", "-c",
                                 f"mount --bind {hosts} /etc/hosts && exec {BINARY} doctor", check=None))
    assert found.text("transparent") == "no proxy is named, and github.com leads to gitlatch by itself"
    assert all(found.ok(tool) for tool in TOOLS) and found.ok("clock")
    assert found.names_wrong <= {"java"}, "java is led here too, and its store lacks the CA"


def test_an_enterprise_host_alone(start, outside, github):
    """What cannot be told is not called wrong; credentials are looked for all the same."""
    gitlatch = start(github={"host": "ghe.test", "connect_to": github.connect_to(["ghe.test"])}, repositories=None)
    outside.source(gitlatch.public / "env")
    found = doctor(outside)
    assert found.wrong == [] and "serves no github.com" in found.text("proxy")
    assert doctor(outside, GITHUB_TOKEN=TOKEN).names_wrong == {"environment"}


# The way.

def test_a_proxy_that_is_not_there(workspace):
    dead = f"http://gitlatch:hunter2@127.0.0.1:{free_port()}"
    found = doctor(workspace, https_proxy=dead, HTTPS_PROXY=dead)
    assert found.names_wrong == {"proxy"} and "is `gitlatch proxy` running" in found.text("proxy")
    assert "hunter2" not in found.result.out
    assert found.text("tools") == "not tried, since nothing leads to github.com through gitlatch"


def test_no_proxy_is_named(workspace, gitlatch):
    found = doctor(workspace, https_proxy=None, HTTPS_PROXY=None)
    assert found.names_wrong == {"proxy"}
    assert f"`. {gitlatch.public}/env`" in found.text("proxy"), "where it was published"


def test_a_proxy_that_is_not_gitlatch(workspace, github):
    other = Relay(github.port, proxy=True)
    found = doctor(workspace, https_proxy=other.url, HTTPS_PROXY=other.url)
    other.close()
    assert found.names_wrong == {"proxy"} and "it is not gitlatch" in found.text("proxy")


def test_a_proxy_that_wants_a_password(folder, start, outside):
    (folder / "password").write_text("hunter2\n")
    port = free_port()
    gitlatch = start(listen=[{"address": f"127.0.0.1:{port}", "password_file": str(folder / "password")},
                             f"127.0.0.1:{free_port()}"])
    outside.source(gitlatch.public / "env")
    found = doctor(outside, https_proxy=f"http://127.0.0.1:{port}", HTTPS_PROXY=f"http://127.0.0.1:{port}")
    assert found.names_wrong == {"proxy"} and "wants a password" in found.text("proxy")
    assert f" http://gitlatch:PASSWORD@127.0.0.1:{port}, with what is in the `password_file`" in found.text("proxy")
    good = f"http://gitlatch:hunter2@127.0.0.1:{port}"
    found = doctor(outside, https_proxy=good, HTTPS_PROXY=good)
    assert found.wrong == [] and "hunter2" not in found.result.out and found.ok("node")


def test_two_proxies_that_differ(quick):
    found = doctor(quick, https_proxy="http://127.0.0.1:1")
    assert "https_proxy and HTTPS_PROXY differ" in found.text("proxy") and "proxy" in found.names_wrong


@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
@pytest.mark.parametrize("entry", ["github.com", ".github.com", "*", "api.github.com"])
def test_no_proxy_that_leads_past_it(quick, name, entry):
    found = doctor(quick, **{name: f"localhost,{entry},127.0.0.1"})
    assert found.names_wrong == {name} and f'"{entry}"' in found.text(name)


def test_a_proxy_of_gits_own_that_is_not_there(workspace):
    workspace.git("config", "--global", "http.https://github.com/.proxy", "http://127.0.0.1:1")
    found = doctor(workspace)
    assert found.names_wrong == {"git's proxy"} and found.ok("curl")
    workspace.git("config", "--global", "http.https://github.com/.proxy", "")
    assert "goes past the proxy" in doctor(workspace).text("git's proxy")


def test_a_gateway_under_a_foreign_name(workspace, gitlatch):
    workspace.git("config", "--global", f"url.http://localhost.localdomain:{gitlatch.port}/github.com/.insteadOf",
                  "https://github.com/")
    hosts = workspace.folder / "hosts"
    found = doctor(workspace)
    assert found.names_wrong == {"gateway"} and not hosts.exists()


# The clock.

@pytest.mark.parametrize("offset, word", [(300, "behind"), (-300, "ahead of")])
def test_the_clock_is_compared_with_githubs(workspace, github, offset, word):
    github.setting(clock_offset=offset)
    found = doctor(workspace)
    assert "clock" in found.names_wrong
    assert f"s {word} GitHub's" in found.text("clock") and abs(int(found.text("clock").split()[2]) - 300) < 30


def test_the_clock_where_the_rules_deny_pages(start, outside):
    gitlatch = start(other_repositories="deny")
    outside.source(gitlatch.public / "env")
    assert doctor(outside).text("clock").startswith("within the days for which gitlatch's certificate is good")


# Trust, tool by tool.

@pytest.mark.parametrize("tool, variable", [
    ("git", "GIT_SSL_CAINFO"), ("git-lfs", "GIT_SSL_CAINFO"), ("gh", "SSL_CERT_FILE"), ("curl", "CURL_CA_BUNDLE"),
    ("node", "NODE_EXTRA_CA_CERTS"), ("python", "SSL_CERT_FILE")])
def test_a_tool_that_does_not_trust_the_ca(workspace, gitlatch, tool, variable):
    # Debian's node trusts what SSL_CERT_FILE names, too; that of nodejs.org does not.
    others = {"SSL_CERT_FILE": None} if tool == "node" else {}
    found = doctor(workspace, **others, **{variable: SYSTEM_ROOTS})
    assert tool in found.names_wrong
    assert f"{variable} names {SYSTEM_ROOTS}, which does not hold the CA of this gitlatch" in found.text(tool)
    assert f"set it to {gitlatch.public}/" in found.text(tool)


def test_a_bundle_that_is_missing_or_not_named(workspace):
    found = doctor(workspace, CURL_CA_BUNDLE="/nonexistent/bundle.pem")
    assert found.names_wrong == {"curl"}
    assert "cannot be read: No such file or directory" in found.text("curl")
    found = doctor(workspace, NODE_EXTRA_CA_CERTS=None, SSL_CERT_FILE=None)
    assert "node" in found.names_wrong
    assert "NODE_EXTRA_CA_CERTS is not set" in found.text("node")


def test_a_ca_that_was_made_anew(workspace, gitlatch, folder):
    """The bundle is of a former gitlatch: of every tool it is told."""
    old = folder / "old"
    shutil.copytree(gitlatch.public, old)
    gitlatch.stop()
    gitlatch.start()
    env = {name: value.replace(str(gitlatch.public), str(old)) for name, value in workspace.env.items()
           if str(gitlatch.public) in value}
    found = doctor(workspace, **env)
    assert found.names_wrong >= set(TOOLS)


def test_gh_without_a_token(workspace):
    found = doctor(workspace, GH_TOKEN=None)
    assert found.names_wrong == {"gh"} and "set GH_TOKEN to the word `gitlatch`" in found.text("gh")


def fake(workspace, name, script):
    folder = workspace.folder / "fake"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    workspace.env["PATH"] = f"{folder}:{PATH}"


def test_a_tool_that_fails_is_quoted_without_credentials(workspace):
    fake(workspace, "curl", f"echo 'curl: cannot go to https://user:{TOKEN}@github.com/ with {TOKEN}' >&2; exit 7")
    found = doctor(workspace)
    assert found.names_wrong == {"curl"}
    assert found.text("curl") == \
        "does not reach gitlatch; it says: curl: cannot go to https://github.com/ with [redacted]"


@pytest.mark.slow
def test_a_tool_that_hangs_does_not_hang_it(workspace):
    fake(workspace, "gh", "sleep 100 & sleep 100")
    found = doctor(workspace)
    assert found.names_wrong == {"gh"} and "no end within 15 s" in found.text("gh")
    assert subprocess.run(["pgrep", "-f", f"{workspace.folder}/fake"], capture_output=True).stdout == b""


@pytest.mark.parametrize("tool, variable", [("go", "SSL_CERT_FILE"), ("cargo", "CARGO_HTTP_CAINFO")])
def test_go_and_cargo_where_they_are(workspace, tool, variable):
    found = shutil.which(tool)
    if not found:
        pytest.skip(f"{tool} is not installed")
    workspace.env["PATH"] += f":{os.path.dirname(found)}"
    workspace.env["RUSTUP_HOME"] = os.environ.get("RUSTUP_HOME", os.path.expanduser("~/.rustup"))
    assert doctor(workspace).ok(tool)
    assert tool in doctor(workspace, **{variable: SYSTEM_ROOTS}).names_wrong


LANGUAGES = [("wget", "WGETRC"), ("pip", "PIP_CERT"), ("uv", "SSL_CERT_FILE"), ("bun", "NODE_EXTRA_CA_CERTS"),
             ("deno", "DENO_CERT"), ("ruby", "SSL_CERT_FILE"), ("php", "SSL_CERT_FILE")]


@pytest.mark.parametrize("tool, variable", LANGUAGES)
def test_languages_where_they_are(quick, gitlatch, tool, variable):
    """GITLATCH_TOOLS: further folders with tools, since few machines have all of them."""
    found = shutil.which(tool, path=PATH + ":" + os.environ.get("GITLATCH_TOOLS", ""))
    if not found:
        pytest.skip(f"{tool} is not installed")
    (quick.folder / "tools" / tool).symlink_to(found)
    (quick.folder / "tools" / "python3").symlink_to("/usr/bin/python3")
    assert doctor(quick).ok(tool), doctor(quick)
    empty = quick.folder / "empty"
    empty.write_text("")
    # What each would read as well.
    others = {name: SYSTEM_ROOTS for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")}
    said = doctor(quick, **{**others, variable: empty if tool == "wget" else SYSTEM_ROOTS})
    assert tool in said.names_wrong, said
    assert f"{variable} names " in said.text(tool) and f"/{'wgetrc' if tool == 'wget' else 'bundle.pem'}; `. /" in said.text(tool)


@pytest.mark.parametrize("words, state", [
    ("error NU1301: Response status code does not indicate success: 403 (Forbidden).", "ok"),
    ("error NU1301: The SSL connection could not be established, see inner exception.", "SSL_CERT_FILE"),
    ("error NU1301: Connection refused", "does not reach gitlatch")])
def test_dotnet_by_what_it_says(quick, words, state):
    folder = quick.folder / "fake"
    folder.mkdir()
    (folder / "dotnet").write_text(f"#!/bin/sh\n[ -f \"$2\" ] || exit 9\necho '{words}'; exit 1\n")
    (folder / "dotnet").chmod(0o755)
    quick.env["PATH"] += f":{folder}"
    said = doctor(quick)
    assert said.ok("dotnet") if state == "ok" else state in said.text("dotnet")


def test_an_older_cargo_is_judged_by_what_it_would_read(workspace):
    fake(workspace, "cargo", "echo 'error: sparse registries are unstable' >&2; exit 101")
    assert doctor(workspace).text("cargo") == "CARGO_HTTP_CAINFO holds gitlatch's CA"
    assert "cargo" in doctor(workspace, CARGO_HTTP_CAINFO=SYSTEM_ROOTS).names_wrong


def test_java(workspace, gitlatch):
    """Left alone where nothing leads it to gitlatch; where something does, its trust store must hold the CA."""
    if not shutil.which("java", path=PATH):
        pytest.skip("java is not installed")
    assert ("note", "java") in [line[:2] for line in doctor(workspace).lines]
    led = f"-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort={gitlatch.port}"
    found = doctor(workspace, JAVA_TOOL_OPTIONS=led)
    assert found.names_wrong == {"java"} and "keytool -importcert" in found.text("java")
    store = workspace.folder / "store"
    workspace.run("keytool", "-importcert", "-noprompt", "-alias", "gitlatch", "-keystore", store, "-storepass", "changeit",
                  "-file", gitlatch.public / "ca.pem")
    found = doctor(workspace, JAVA_TOOL_OPTIONS=f"{led} -Djavax.net.ssl.trustStore={store}"
                                                      " -Djavax.net.ssl.trustStorePassword=changeit")
    assert found.wrong == [] and found.ok("java")


# Settings by which git goes past gitlatch.

def mended_by(found, workspace, cwd=None):
    """Runs the command that each wrong finding of git names, and looks again."""
    for what, text in found.wrong:
        workspace.run("sh", "-c", text.rpartition("; ")[2], cwd=cwd)
    return Findings(workspace.run(BINARY, "doctor", check=None, cwd=cwd))


@pytest.mark.parametrize("kind", ["insteadOf", "pushInsteadOf"])
@pytest.mark.parametrize("base", ["git@github.com:", "ssh://git@github.com/", "ssh://git@ssh.github.com:443/"])
def test_a_setting_that_sends_git_by_ssh(quick, kind, base):
    quick.git("config", "--global", f"url.{base}.{kind}", "https://github.com/")
    found = doctor(quick)
    assert "git" in found.names_wrong
    text = next(text for what, text in found.wrong if "insteadof = " in text)
    assert f"url.{base}.{kind.lower()} = https://github.com/ ({quick.home}/.gitconfig) sends git to GitHub by SSH; " in text
    quick.run("sh", "-c", text.rpartition("; ")[2])
    assert doctor(quick).wrong == []


def test_a_tls_library_that_reads_no_ca(quick):
    quick.git("config", "--global", "http.sslBackend", "schannel")
    found = doctor(quick)
    text = next(text for what, text in found.wrong if "sslbackend" in text)
    assert f"http.sslbackend = schannel ({quick.home}/.gitconfig)" in text
    quick.run("sh", "-c", text.rpartition("; ")[2])
    assert doctor(quick).wrong == []


def test_git_that_verifies_nobody(quick):
    found = doctor(quick, GIT_SSL_NO_VERIFY="1")
    assert found.wrong == [("environment", "GIT_SSL_NO_VERIFY is set; whoever stands between may pass for GitHub; "
                                           "unset GIT_SSL_NO_VERIFY")]


def test_a_proxy_by_https(quick):
    url = quick.env["https_proxy"].replace("http://", "https://")
    found = doctor(quick, https_proxy=url, HTTPS_PROXY=url)
    assert "begins with https://; " in found.text("proxy") and f"write {quick.env['https_proxy']}" in found.text("proxy")


def test_a_remote_of_the_repository_at_hand(quick, folder):
    repository = folder / "repository"
    quick.git("init", "--quiet", repository)
    quick.git("remote", "add", "origin", "org-42@github.com:acme/widgets.git", cwd=repository)
    quick.git("remote", "add", "other", "git@gitlab.com:acme/widgets.git", cwd=repository)
    quick.git("remote", "add", "plain", "https://github.com/acme/widgets", cwd=repository)
    found = Findings(quick.run(BINARY, "doctor", check=None, cwd=repository))
    assert found.wrong == [("git", "the remote origin (.git/config) is org-42@github.com:acme/widgets.git; git goes there by "
                                   "SSH, past gitlatch; git remote set-url origin https://github.com/acme/widgets.git")]
    assert mended_by(found, quick, cwd=repository).wrong == []


def test_what_is_published_is_another_gitlatchs(workspace, gitlatch, start, folder):
    """The CA is named once, and first."""
    other = start(ca={"publish": str(folder / "elsewhere")})
    found = doctor(workspace, https_proxy=other.url, HTTPS_PROXY=other.url)
    assert found.wrong[0][0] == "CA" and f"{gitlatch.public}/ca.pem is not the CA of the gitlatch that answers here" in \
        found.text("CA")


def test_copilot_is_said_not_to_work(workspace):
    fake(workspace, "copilot", "exit 0")
    assert "/copilot_internal" in doctor(workspace).text("copilot")


def test_json(quick):
    result = quick.run(BINARY, "doctor", "--json", env={"GITHUB_TOKEN": TOKEN}, check=None)
    said = json.loads(result.out)
    assert result.code == 1 and said["ok"] is False and TOKEN not in result.all
    (wrong,) = [each for each in said["findings"] if each["state"] == "wrong"]
    assert wrong == {"state": "wrong", "subject": "environment", "what": "GITHUB_TOKEN holds a credential",
                     "why": "whatever runs here can take it, and no rule of gitlatch's binds it",
                     "remedy": "take it out of the workspace's environment"}
    assert json.loads(quick.run(BINARY, "doctor", "--json").out)["ok"] is True


# Credentials that are not gitlatch's.

@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "GH_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN",
                                  "MY_OWN_PAT"])
def test_a_token_in_the_environment(quick, name):
    found = doctor(quick, **{name: TOKEN})
    assert found.names_wrong == {"environment"} and found.text("environment").startswith(f"{name} holds a credential")


def test_words_in_the_environment_that_are_no_credential(quick):
    assert doctor(quick, GITHUB_TOKEN="gitlatch", GH_ENTERPRISE_TOKEN="gitlatch", GITHUB_SHA="a" * 40).wrong == []


@pytest.mark.parametrize("path, text", [
    (".git-credentials", f"https://user:{TOKEN}@github.com\n"),
    (".config/git/credentials", f"https://user:{TOKEN}@gitlab.com\nhttps://x:{TOKEN}@api.github.com\n"),
    (".netrc", f"machine github.com login x password {TOKEN}\n"),
    (".netrc", f"machine gitlab.com login x password y\ndefault login z password {TOKEN}\n"),
    (".config/gh/hosts.yml", f"github.com:\n    user: ada\n    oauth_token: {TOKEN}\n"),
])
def test_a_file_that_holds_one(quick, path, text):
    file = quick.home / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    found = doctor(quick)
    assert found.names_wrong == {str(file)} and "holds a credential" in found.text(str(file))


@pytest.mark.parametrize("path, text", [
    (".git-credentials", f"https://github:{TOKEN}@gitlab.com/github\n"),
    (".netrc", f"machine gitlab.com login default password {TOKEN}\nmachine github.com login ada\n"),
    (".config/gh/hosts.yml", "{}\n"),
])
def test_a_file_that_holds_none_for_github(quick, path, text):
    file = quick.home / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    assert doctor(quick).wrong == []


@pytest.mark.parametrize("key, value, said", [
    ("credential.helper", "store", 'credential.helper "store"'),
    ("credential.https://github.com.helper", f"!f() {{ echo password={TOKEN}; }}; f", "credential.helper ("),
    ("http.extraHeader", f"Authorization: Basic {TOKEN}", "http.extraHeader"),
    ("http.https://github.com/.extraHeader", f"AUTHORIZATION: bearer {TOKEN}", "http.extraHeader"),
    (f"url.https://x-access-token:{TOKEN}@github.com/.insteadOf", "gh:", "url.<base>.insteadOf"),
    (f"url.https://{TOKEN}@github.com/.pushInsteadOf", "https://github.com/", "url.<base>.insteadOf"),
    ("http.sslVerify", "false", "http.sslVerify is false"),
])
def test_gits_configuration(quick, key, value, said):
    quick.git("config", "--global", key, value)
    found = doctor(quick)
    assert "git" in found.names_wrong and any(said in text and ".gitconfig" in text for _, text in found.wrong)
    # And where it comes with the environment.
    quick.git("config", "--global", "--unset-all", key)
    found = doctor(quick, GIT_CONFIG_COUNT=1, GIT_CONFIG_KEY_0=key, GIT_CONFIG_VALUE_0=value)
    assert any(said in text for _, text in found.wrong)


@pytest.mark.parametrize("key, value", [
    ("credential.https://gitlab.com.helper", "store"), ("credential.helper", ""), ("http.extraHeader", "X-Trace: 1"),
    ("http.https://gitlab.com/.extraHeader", "Authorization: Basic x"),
    ("credential.https://github.com.helper", "!gitlatch credential"),
    ("url.https://github.com/.insteadOf", "git@github.com:")])
def test_gits_configuration_that_is_harmless(quick, key, value):
    quick.git("config", "--global", key, value)
    assert doctor(quick).wrong == []


def test_a_remote_with_a_token_in_its_url(quick):
    quick.git("init", "--quiet", "repository")
    quick.git("-C", "repository", "remote", "add", "origin", f"https://x:{TOKEN}@github.com/acme/widgets.git")
    found = Findings(quick.run(BINARY, "doctor", cwd=quick.folder / "repository", check=None))
    assert "the URL of the remote origin" in found.text("git") or any("remote origin" in text for _, text in found.wrong)
    assert TOKEN not in found.result.all


def test_gh_that_is_logged_in_with_a_keyring(workspace):
    real = shutil.which("gh", path=PATH)
    fake(workspace, "gh", f'test "$1 $2" = "auth token" && echo {TOKEN} && exit; exec {real} "$@"')
    found = doctor(workspace)
    assert "gh auth logout" in found.wrong[0][1] and found.names_wrong == {"gh"}


def test_ssh_is_only_a_note(quick):
    found = doctor(quick, SSH_AUTH_SOCK="/tmp/agent")
    assert found.wrong == [] and ("note", "ssh") in [line[:2] for line in found.lines]


# The command.

def test_it_takes_no_arguments(outside):
    done = outside.run(BINARY, "doctor", "more", check=False)
    assert done.code == 2 and 'one argument too many, "more"' in done.err


def test_without_any_tool(workspace):
    """Nothing is found in PATH: the way is told all the same."""
    found = doctor(workspace, PATH="/nonexistent")
    assert found.wrong == [] and found.ok("proxy") and not any(found.ok(tool) for tool in TOOLS)
