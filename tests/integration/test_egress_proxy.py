"""`upstream.proxy`: the way out through a company's proxy, with its password, its TLS and its odd answers."""
import base64
import json
from contextlib import closing

import pytest
from lib import leaks
from lib.certificates import Authority
from lib.gitlatch import BINARY
from lib.relay import Relay

WIDGETS = "https://github.com/acme/widgets.git"
PASSWORD = "s3cret:with/odd @chars"
BASIC = "Basic " + base64.b64encode(f"jo e:{PASSWORD}".encode()).decode()


def wants(*schemes):
    fields = "".join(f"Proxy-Authenticate: {scheme}\r\n" for scheme in schemes)
    return f"HTTP/1.1 407 Proxy Authentication Required\r\n{fields}Content-Length: 0\r\n\r\n".encode()


def through(start, proxy, user="", **upstream):
    """A gitlatch that has no other way out than the proxy."""
    url = proxy.url.replace("://", f"://{user}@") if user else proxy.url
    return start(github={"connect_to": {}}, upstream={"proxy": url, **upstream})


@pytest.fixture
def password_file(folder):
    path = folder / "proxy-password"
    path.write_text(PASSWORD + "\n")
    path.chmod(0o600)
    return str(path)


def test_a_proxy_that_wants_a_password(start, folder, github, password_file):
    with closing(Relay(github.port, proxy=True, authorization=BASIC, refusal=wants('Basic realm="corp"'))) as proxy:
        gitlatch = through(start, proxy, "jo%20e", password_file=password_file)
        workspace = gitlatch.workspace(folder / "workspace")
        assert github.head("acme/widgets") in workspace.git("ls-remote", WIDGETS).out
    assert {head.split()[1] for head in proxy.asked} == {"github.com:443", "api.github.com:443"}, "mints go there, too"
    assert all(BASIC in head for head in proxy.asked)
    assert github.requests() and not any(request.header("Proxy-Authorization") for request in github.requests()), \
        "the password is for the proxy alone"
    assert not leaks.find_in((gitlatch.log + json.dumps(gitlatch.audit())).encode(), [PASSWORD, BASIC.split()[1]])


def test_a_changed_password_is_read_by_a_reload(start, folder, github, password_file):
    with closing(Relay(github.port, proxy=True, authorization="Basic bm9ib2R5Og==", refusal=wants("Basic"))) as proxy:
        gitlatch = through(start, proxy, "jo%20e", password_file=password_file)
        workspace = gitlatch.workspace(folder / "workspace")
        workspace.git("ls-remote", WIDGETS, check=False)
        proxy.authorization = "Basic " + base64.b64encode(b"jo e:new").decode()
        (folder / "proxy-password").write_text("new")
        gitlatch.reload()
        gitlatch.wait_log("in force")
        assert github.head("acme/widgets") in workspace.git("ls-remote", WIDGETS).out


@pytest.mark.parametrize("schemes,with_password,said", [
    (["Basic realm=x"], False, "upstream.password_file"),
    (["Basic realm=x"], True, "refuses the user in `upstream.proxy` or the password"),
    (["NTLM", "Negotiate"], True, "takes NTLM alone, which gitlatch does not speak"),
])
def test_a_407_names_what_mends_it(start, folder, github, password_file, schemes, with_password, said):
    with closing(Relay(github.port, proxy=True, authorization="Basic none", refusal=wants(*schemes))) as proxy:
        user, upstream = ("jo%20e", {"password_file": password_file}) if with_password else ("", {})
        gitlatch = through(start, proxy, user, **upstream)
        refused = gitlatch.workspace(folder / "workspace").git("ls-remote", WIDGETS, check=False).err
    assert "502" in refused and "upstream.proxy" in refused and said in refused, refused


def test_check_says_which_failures_are_the_proxys(start, folder, github, outside):
    with closing(Relay(github.port, proxy=True, authorization="Basic none", refusal=wants("Basic"))) as proxy:
        gitlatch = through(start, proxy)
        told = outside.run(BINARY, "check", "-c", gitlatch.config_path, check=False)
    lines = [line for line in told.all.splitlines() if "github.com" in line and "407" in line]
    assert lines and all("upstream.proxy" in line for line in lines), told


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nProxy-Agent : Corp\r\n\r\n",
], ids=["both lengths", "blank before the colon"])
def test_odd_answers_are_taken_as_curl_takes_them(start, folder, github, answer):
    with closing(Relay(github.port, proxy=True, answer=answer)) as proxy:
        workspace = through(start, proxy).workspace(folder / "workspace")
        assert github.head("acme/widgets") in workspace.git("ls-remote", WIDGETS).out


def test_an_https_proxy(start, folder, github, password_file):
    """TLS within TLS: a clone, a push and a tunnel."""
    authority = Authority(folder / "corp")
    with closing(Relay(github.port, proxy=True, authorization=BASIC, certificate=authority.issue("proxy"))) as proxy:
        gitlatch = through(start, proxy, "jo%20e", password_file=password_file, trust=str(authority.ca))
        workspace = gitlatch.workspace(folder / "workspace")
        clone = workspace.folder / "widgets"
        workspace.git("clone", "--quiet", WIDGETS, clone)
        workspace.git("commit", "--quiet", "--allow-empty", "-m", "through two TLS", cwd=clone)
        workspace.git("push", "--quiet", "origin", "HEAD:refs/heads/agent/tls", cwd=clone)
        assert github.head("acme/widgets", "refs/heads/agent/tls") == workspace.head(clone)
        got = workspace.curl("--silent", "https://codeload.github.com/", check=None)
        assert got.code == 0, got
    assert {head.split()[1] for head in proxy.asked} >= {"github.com:443", "api.github.com:443", "codeload.github.com:443"}


def test_an_https_proxy_that_is_not_trusted(start, folder, github):
    authority = Authority(folder / "corp")
    with closing(Relay(github.port, proxy=True, certificate=authority.issue("proxy"))) as proxy:
        gitlatch = through(start, proxy)
        refused = gitlatch.workspace(folder / "workspace").git("ls-remote", WIDGETS, check=False).err
        assert "502" in refused and proxy.asked == [], refused


def test_who_is_trusted_as_the_proxy_is_not_trusted_as_github(start, folder, github):
    authority = Authority(folder / "corp")
    with closing(Relay(github.port, proxy=True, certificate=authority.issue("proxy"))) as proxy:
        gitlatch = start(github={"connect_to": {}, "trust": str(authority.ca)},
                         upstream={"proxy": proxy.url, "trust": str(authority.ca)})
        refused = gitlatch.workspace(folder / "workspace").git("ls-remote", WIDGETS, check=False).err
    assert proxy.asked and "502" in refused and "certificate" in refused, refused
