"""What happens to a request inside an intercepted connection: what is answered, and what is passed on, seen with curl and by hand."""
import base64
import json
import re
import ssl

import pytest
from lib import seed
from lib.github import some
from lib.raw import Raw

WIDGETS = "https://github.com/acme/widgets.git"
REFS = "/acme/widgets.git/info/refs?service=git-upload-pack"
API = "https://api.github.com"


def on_github(github):
    return github.requests(host="github.com") + github.requests(host="api.github.com")


# Credentials of the client's own.

def test_a_clients_own_credentials_never_arrive(workspace, github):
    smuggled = "ghp_" + "x" * 36
    basic = base64.b64encode(f"x-access-token:{smuggled}".encode()).decode()
    url = WIDGETS + "/info/refs?service=git-upload-pack"
    for options in (["--header", f"Authorization: Basic {basic}"], ["--header", f"authorization: Bearer {smuggled}"],
                    ["--user", f"me:{smuggled}"], ["--cookie", f"user_session={smuggled}"],
                    ["--header", f"Proxy-Authorization: Basic {basic}"]):
        assert workspace.status(*options, url)[0] == 200
        assert workspace.status(*options, API + "/repos/acme/widgets")[0] == 200
    workspace.git("-c", f"http.extraHeader=Authorization: Basic {basic}", "ls-remote", WIDGETS)
    workspace.git("ls-remote", f"https://me:{smuggled}@github.com/acme/widgets.git")
    workspace.run("gh", "api", "repos/acme/widgets", env={"GH_TOKEN": smuggled})
    assert len(on_github(github)) >= 10
    for request in some(github.requests()):
        assert smuggled not in json.dumps(request.headers) and basic not in json.dumps(request.headers)
        assert len(request.header("Authorization")) <= 1 and not request.header("Cookie")
        assert not request.header("Proxy-Authorization")


def test_an_access_token_in_a_query_does_not_arrive(workspace, github):
    assert workspace.status(API + "/repos/acme/widgets?access_token=ghp_smuggled&per_page=1")[0] == 200
    (request,) = [request for request in on_github(github) if request.path == "/repos/acme/widgets"
                  and "per_page=1" in request.query]
    assert "smuggled" not in request.query


def test_headers_that_could_mislead_are_dropped(workspace, github):
    dropped = ["X-HTTP-Method-Override: DELETE", "Forwarded: for=1.2.3.4", "X-Forwarded-For: 1.2.3.4",
               "X-Forwarded-Host: evil.example", "Upgrade: h2c", "X-Secret: named", "Connection: X-Secret, Upgrade"]
    kept = {"X-GitHub-Api-Version": "2022-11-28", "Accept-Language": "de"}
    options = [word for field in dropped + [f"{name}: {value}" for name, value in kept.items()]
               for word in ("--header", field)]
    assert workspace.status(*options, API + "/repos/acme/widgets")[0] == 200
    (request,) = [request for request in on_github(github) if request.path == "/repos/acme/widgets"
                  and request.header("Accept-Language")]
    for field in dropped[:-1]:
        assert not request.header(field.split(":")[0]), field
    for name, value in kept.items():
        assert request.header(name) == [value]


def test_a_request_is_authorised_exactly_once(workspace, github):
    workspace.git("ls-remote", WIDGETS)
    for request in some(github.requests(host="github.com")):
        (value,) = request.header("Authorization")
        scheme, encoded = value.split()
        user, _, token = base64.b64decode(encoded).decode().partition(":")
        assert (scheme, user) == ("Basic", "x-access-token") and token in github.tokens()


# Names.

def test_sni_host_and_connect_must_agree(gitlatch, github):
    with Raw.intercepted(gitlatch) as raw:
        assert raw.ask("GET", REFS, host="api.github.com").status == 421
    with Raw.intercepted(gitlatch) as raw:
        assert raw.ask("GET", "https://api.github.com/user").status == 421
    with Raw(gitlatch) as raw:
        assert raw.connect("github.com:443").status == 200
        context = ssl.create_default_context(cafile=str(gitlatch.public / "ca.pem"))
        context.check_hostname = False
        try:
            raw.socket = context.wrap_socket(raw.socket, server_hostname="api.github.com")
            assert raw.ask("GET", REFS).status == 421
        except ssl.SSLError:
            pass
    assert on_github(github) == []


@pytest.mark.parametrize("host", ["GitHub.com", "github.com.", "github.com:443"])
def test_a_host_is_made_normal_once(gitlatch, github, host):
    with Raw.intercepted(gitlatch) as raw:
        assert raw.ask("GET", REFS, host=host).status == 200
    assert {request.host for request in github.requests() if request.path.startswith("/acme")} == {"github.com"}


@pytest.mark.parametrize("path", [
    "/acme%2Fwidgets.git/info/refs", "/%61cme/widgets.git/info/refs", "/acme/widgets%2Egit/info/refs",
    "/acme/widgets.git/info%2Frefs", "/acme/../other/widgets.git/info/refs", "//acme/widgets.git/info/refs",
    "/acme/widgets.git/./info/refs", "/acme\\widgets.git/info/refs", "/acme/widgets.git//info/refs",
    "/acme/widgets.git/%2e%2e/info/refs", "/acme/widgets.git/info/refs%00"])
def test_a_path_that_cannot_be_made_normal_is_refused(gitlatch, github, path):
    with Raw.intercepted(gitlatch) as raw:
        answer = raw.ask("GET", path + "?service=git-upload-pack")
        assert answer.status == 400 and answer.body, answer
    assert on_github(github) == []


def test_slashes_in_an_api_parameter_pass_unchanged(gitlatch, github):
    for path in ("/repos/acme/widgets/git/ref/heads%2Fmain", "/repos/acme/widgets/compare/main...main"):
        with Raw.intercepted(gitlatch, "api.github.com") as raw:
            raw.ask("GET", path, host="api.github.com", headers="User-Agent: test\r\n")
        assert [request for request in github.requests(host="api.github.com") if request.path == path]


@pytest.mark.parametrize("path", ["/repos/acme/widgets/contents/", "/repos/acme/widgets/tarball/",
                                  "/repos/acme/widgets/"])
def test_one_slash_at_the_end_of_an_api_path_passes_unchanged(gitlatch, github, path):
    with Raw.intercepted(gitlatch, "api.github.com") as raw:
        assert raw.ask("GET", path, host="api.github.com", headers="User-Agent: test\r\n").status != 400
    # GitHub's 404 to a young token is waited out, and asked for again.
    asked = [request for request in github.requests(host="api.github.com") if request.path == path]
    assert asked and all(request.header("Authorization") for request in asked)


@pytest.mark.parametrize("path", ["/repos/acme/widgets//contents", "/repos/acme/widgets/contents//", "//user",
                                  "/repos/acme/widgets/contents%2F", "/repos/acme/widgets/../../user"])
def test_a_bad_api_path_is_refused_as_the_api_refuses(gitlatch, github, path):
    with Raw.intercepted(gitlatch, "api.github.com") as raw:
        answer = raw.ask("GET", path, host="api.github.com")
    assert answer.status == 400 and answer.header("Content-Type").startswith("application/json"), answer
    assert "reason name" in json.loads(answer.body)["message"] and json.loads(answer.body)["documentation_url"]
    assert on_github(github) == []


# A URL of https:// without TLS, as axios before 1.17 sends it.

def absolute(raw, url, host=None, headers="", method="GET", body=b""):
    return raw.ask(method, url, host=host or url.split("/")[2], headers="User-Agent: axios/1.7\r\n" + headers, body=body)


def test_an_https_url_in_plain_is_served_on_loopback(gitlatch, github):
    with Raw(gitlatch) as raw:  # one connection, as axios keeps it
        assert absolute(raw, WIDGETS + "/info/refs?service=git-upload-pack").status == 200
        assert json.loads(absolute(raw, API + "/repos/acme/widgets").body)["full_name"] == "acme/widgets"
        made = absolute(raw, API + "/repos/acme/widgets/issues", method="POST", body=b'{"title":"one"}',
                        headers="Authorization: Bearer ghp_mine\r\nProxy-Connection: keep-alive\r\n")
        assert made.status == 201, made
        denied = absolute(raw, API + "/repos/acme/widgets/keys", method="POST", body=b"{}")
        assert denied.status == 403 and "reason endpoint" in json.loads(denied.body)["message"]
        assert raw.connect("github.com:443").status == 200
        assert raw.tls("github.com").ask("GET", REFS).status == 200
    for request in some([request for request in on_github(github) if "mint" not in request.path and request.path[1:5] == "repo"]):
        assert request.header("Authorization") != ["Bearer ghp_mine"] and not request.header("Proxy-Connection")
    assert gitlatch.wait_audit(operation="api", method="POST", status=201)["host"] == "api.github.com"


def test_an_https_url_in_plain_of_another_host_or_a_page_is_refused(gitlatch, github):
    with Raw(gitlatch) as raw:
        answer = absolute(raw, "https://other.test/")
        assert answer.status == 403 and b"CONNECT" in answer.body and b"plain_https" in answer.body, answer
    for url, host, headers, status in (("https://github.com/acme/widgets", None, "", 403),
                                       (API + "/user", "github.com", "", 421),
                                       ("https://github.com:444/acme/widgets.git/info/refs?service=git-upload-pack", None, "", 421),
                                       (API + "/repos/acme/widgets", None, "Origin: https://evil.test\r\n", 403)):
        with Raw(gitlatch) as raw:
            answer = absolute(raw, url, host, headers)
            assert answer.status == status, (url, answer)
    assert on_github(github) == []


def test_an_https_url_in_plain_is_served_to_who_knows_the_password(start, folder, github):
    (folder / "password").write_text("secret\n")
    gitlatch = start(listen={"address": "0.0.0.0:0", "password_file": str(folder / "password")})
    port = re.search(r"0\.0\.0\.0:(\d+)", gitlatch.wait_log("listens at"))[1]
    proof = base64.b64encode(b"gitlatch:secret").decode()
    with Raw(address=("127.0.0.1", int(port))) as raw:
        assert absolute(raw, API + "/repos/acme/widgets").status == 407
    with Raw(address=("127.0.0.1", int(port))) as raw:
        answer = absolute(raw, API + "/repos/acme/widgets", headers=f"Proxy-Authorization: Basic {proof}\r\n")
        assert answer.status == 200, answer


def test_an_https_url_in_plain_is_not_served_to_the_network(start, github):
    gitlatch = start(listen="0.0.0.0:0")
    port = re.search(r"0\.0\.0\.0:(\d+)", gitlatch.wait_log("listens at"))[1]
    with Raw(address=("127.0.0.1", int(port))) as raw:
        answer = absolute(raw, API + "/repos/acme/widgets")
        assert answer.status == 403 and b"CONNECT" in answer.body
    assert on_github(github) == []


# HTTP that is not served.

@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "LOCK", "FOO"])
def test_other_methods_are_refused(gitlatch, github, method):
    with Raw.intercepted(gitlatch) as raw:
        assert raw.ask(method, REFS if method != "CONNECT" else "github.com:443").status in (400, 405)
    assert on_github(github) == []


AMBIGUOUS = {
    "two equal lengths": "POST /acme/widgets.git/git-upload-pack HTTP/1.1\r\nHost: github.com\r\n"
                         "Content-Length: 4\r\nContent-Length: 4\r\n\r\n0000",
    "a list of lengths": "POST /acme/widgets.git/git-upload-pack HTTP/1.1\r\nHost: github.com\r\n"
                         "Content-Length: 4, 4\r\n\r\n0000",
    "length and chunked": "POST /acme/widgets.git/git-upload-pack HTTP/1.1\r\nHost: github.com\r\n"
                          "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n0000\r\n0\r\n\r\n",
    "an unknown coding": "POST /acme/widgets.git/git-upload-pack HTTP/1.1\r\nHost: github.com\r\n"
                         "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": "POST /acme/widgets.git/git-upload-pack HTTP/1.1\r\nHost: github.com\r\n"
                     "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "a signed length": "POST /acme/widgets.git/git-upload-pack HTTP/1.1\r\nHost: github.com\r\n"
                       "Content-Length: +4\r\n\r\n0000",
    "bare LF": f"GET {REFS} HTTP/1.1\nHost: github.com\n\n",
    "bare CR in a value": f"GET {REFS} HTTP/1.1\r\nHost: github.com\r\nX: a\rb\r\n\r\n",
    "a folded line": f"GET {REFS} HTTP/1.1\r\nHost: github.com\r\nX: a\r\n b\r\n\r\n",
    "a space before the colon": f"GET {REFS} HTTP/1.1\r\nHost : github.com\r\n\r\n",
    "no Host": f"GET {REFS} HTTP/1.1\r\n\r\n",
    "an empty Host": f"GET {REFS} HTTP/1.1\r\nHost:\r\n\r\n",
    "two Hosts": f"GET {REFS} HTTP/1.1\r\nHost: github.com\r\nHost: github.com\r\n\r\n",
    "NUL in a value": f"GET {REFS} HTTP/1.1\r\nHost: github.com\r\nX: a\0b\r\n\r\n",
    "a space in the target": "GET /acme/widgets.git/info/refs ?x HTTP/1.1\r\nHost: github.com\r\n\r\n",
    "a field without a name": f"GET {REFS} HTTP/1.1\r\nHost: github.com\r\n: x\r\n\r\n",
    "an unknown version": f"GET {REFS} HTTP/2.0\r\nHost: github.com\r\n\r\n",
    "a chunk size that is none": "POST /acme/widgets.git/git-upload-pack HTTP/1.1\r\nHost: github.com\r\n"
                                 "Transfer-Encoding: chunked\r\n\r\n0x4\r\n0000\r\n0\r\n\r\n",
    "a chunk size that overflows": "POST /acme/widgets.git/git-upload-pack HTTP/1.1\r\nHost: github.com\r\n"
                                   "Transfer-Encoding: chunked\r\n\r\n10000000000000004\r\n0000\r\n0\r\n\r\n",
    "a chunk longer than its size": "POST /acme/widgets.git/git-upload-pack HTTP/1.1\r\nHost: github.com\r\n"
                                    "Transfer-Encoding: chunked\r\n\r\n4\r\n0000000\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("what", AMBIGUOUS)
def test_ambiguous_http_is_refused_and_the_connection_closed(gitlatch, github, what):
    with Raw.intercepted(gitlatch) as raw:
        # A smuggled second request behind it must never be looked at.
        raw.send(AMBIGUOUS[what] + f"GET /acme/smuggled.git{REFS[18:]} HTTP/1.1\r\nHost: github.com\r\n\r\n")
        answers = raw.rest()
    assert len(re.findall(rb"^HTTP/1\.1 \d", answers, re.M)) <= 1
    if not what.startswith("a chunk "):
        assert answers.startswith(b"HTTP/1.1 400 "), answers[:200]
        assert [request for request in on_github(github)] == []
    assert not [request for request in on_github(github) if "smuggled" in request.path]


def test_a_head_that_is_too_large(gitlatch, github):
    with Raw.intercepted(gitlatch) as raw:
        raw.send(f"GET {REFS} HTTP/1.1\r\nHost: github.com\r\nX: {'x' * (65 << 10)}\r\n\r\n")
        assert raw.answer().status == 431
    assert on_github(github) == []


def test_pipelined_requests_are_answered_in_order(gitlatch, github):
    with Raw.intercepted(gitlatch) as raw:
        one = f"GET {REFS} HTTP/1.1\r\nHost: github.com\r\n\r\n"
        raw.send(one + one.replace("acme/", "mallory/") + one)
        assert [raw.answer().status for _ in range(3)] == [200, 403, 200]


def test_only_http_1_1_is_offered(gitlatch):
    with Raw(gitlatch) as raw:
        raw.connect("github.com:443")
        raw.tls("github.com", alpn=["h2", "http/1.1"])
        assert raw.socket.selected_alpn_protocol() == "http/1.1"


@pytest.mark.parametrize("alpn", [["http/1.0"], ["h2"], ["http/1.0", "spdy/1"]])
def test_a_client_that_offers_other_protocols_alone_is_served(gitlatch, alpn):
    with Raw(gitlatch) as raw:
        raw.connect("github.com:443")
        raw.tls("github.com", alpn=alpn)
        assert raw.socket.selected_alpn_protocol() is None
        assert raw.ask("GET", REFS).status == 200


def test_curl_with_http_1_0_is_served(workspace):
    assert workspace.status("--http1.0", WIDGETS + "/info/refs?service=git-upload-pack")[0] == 200


def test_the_dumb_protocol_is_refused(workspace, github):
    code, text = workspace.status(f"{WIDGETS}/info/refs")
    assert code == 403 and "dumb" in text
    assert on_github(github) == []


# Refusals and failures take the form that can be shown.

def test_a_refused_fetch_is_shown_as_remote_lines(start, folder, github):
    gitlatch = start(repositories=[{"match": "acme/other", "fetch": True}], other_repositories="deny")
    workspace = gitlatch.workspace(folder / "workspace")
    refused = workspace.git("ls-remote", WIDGETS, check=False)
    remote = [line for line in refused.err.splitlines() if line.startswith("remote: ")]
    assert remote and "no rule allows this repository" in remote[0]
    with Raw.intercepted(gitlatch) as raw:
        answer = raw.ask("GET", REFS)
        assert answer.status == 403 and answer.header("Content-Type").startswith("text/plain")
        answer = raw.ask("POST", "/acme/widgets.git/git-upload-pack", body=b"0000")
        assert answer.status in (200, 403)
        want = b"0032want 0123456789012345678901234567890123456789\n0000"
        answer = raw.ask("POST", "/acme/widgets.git/git-upload-pack", body=want)
        assert answer.status == 200 and b"ERR " in answer.body[:10] and b"no rule" in answer.body
        answer = raw.ask("POST", "/acme/widgets.git/info/lfs/objects/batch", body=b"{}")
        assert answer.status in (400, 403) and answer.header("Content-Type").startswith("application/vnd.git-lfs+json")
        assert json.loads(answer.body)["message"]
    with Raw.intercepted(gitlatch, "api.github.com") as raw:
        answer = raw.ask("GET", "/repos/acme/widgets", host="api.github.com")
        assert answer.status == 403 and answer.header("Content-Type").startswith("application/json")
        assert set(json.loads(answer.body)) >= {"message", "documentation_url"}
    assert on_github(github) == []


def test_no_token_is_503_with_the_reason_and_never_a_prompt(workspace, github):
    github.fault(path="*/access_tokens", status=500)
    refused = workspace.git("ls-remote", WIDGETS, check=False)
    assert "remote: " in refused.err and "503" in refused.err
    code, text = workspace.status("--include", f"https://github.com{REFS}")
    assert code == 503 and "retry-after:" in text.lower()


def test_an_app_that_is_not_installed_is_named(start, folder, github):
    gitlatch = start(repositories=[{"match": "initech/*", "fetch": True}])
    workspace = gitlatch.workspace(folder / "workspace")
    refused = workspace.git("ls-remote", "https://github.com/initech/tps.git", check=False)
    assert "not installed" in refused.err


@pytest.mark.parametrize("answer", [401, 403, 404])
def test_github_refusing_the_token_never_becomes_a_prompt(workspace, github, answer):
    github.fault(host="github.com", status=answer, headers={"WWW-Authenticate": 'Basic realm="GitHub"'})
    refused = workspace.git("ls-remote", WIDGETS, check=False)
    assert "remote: gitlatch: " in refused.err
    assert ("not found" if answer == 404 else "The requested URL returned error: 403") in refused.err


def test_one_401_is_mended_by_a_new_token(workspace, github):
    workspace.git("ls-remote", WIDGETS)
    github.revoke()
    assert github.head("acme/widgets") in workspace.git("ls-remote", WIDGETS).out
    assert len(github.tokens()) == 2


def test_github_that_cannot_be_reached_is_502(start, folder, github):
    gitlatch = start(github={"connect_to": {**github.connect_to(), "github.com:443": "127.0.0.1:9"}})
    workspace = gitlatch.workspace(folder / "workspace")
    refused = workspace.git("ls-remote", WIDGETS, check=False)
    assert "remote: " in refused.err and "502" in refused.err
    assert gitlatch.wait_audit(operation="fetch", status=502)["reason"] == "upstream"


def test_a_github_whose_certificate_is_not_trusted_is_502(start, folder, github):
    gitlatch = start(github={"trust": "/etc/ssl/certs/ca-certificates.crt"},
                     credentials=[{"type": "environment", "name": "TOKEN"}], env={"TOKEN": "ghp_" + "x" * 36})
    workspace = gitlatch.workspace(folder / "workspace")
    refused = workspace.git("ls-remote", WIDGETS, check=False)
    assert "certificate" in refused.err and "reason upstream_tls" in refused.err and "502" in refused.err
    assert on_github(github) == []


def test_a_renamed_repository_is_followed(workspace, github):
    clone = workspace.clone(WIDGETS)
    github.rename("acme/widgets", "gizmos")
    new = seed.commit(github.path("acme/gizmos"), {"renamed": "yes"})
    workspace.git("pull", "--quiet", cwd=clone)
    assert workspace.head(clone) == new
    code, text = workspace.status("--include", f"https://github.com{REFS}")
    assert code == 301 and "location: https://github.com/acme/gizmos" in text.lower()


def test_release_downloads_and_archives_get_no_token(workspace, github):
    for path in ("/acme/widgets/releases/download/v1/x.tar", "/acme/widgets/archive/refs/heads/main.tar.gz",
                 "/acme/widgets", "/"):
        workspace.status("https://github.com" + path)
    requests = github.requests(host="github.com")
    assert len(requests) == 4 and all(request.auth == "none" for request in requests)


def test_pages_are_denied_where_others_are(start, folder, github):
    gitlatch = start(other_repositories="deny")
    code, body = gitlatch.workspace(folder / "workspace").status("https://github.com/acme")
    assert code == 403 and "denied" in body
    assert on_github(github) == []


def test_dry_mode_decides_and_lets_through(start, folder, github):
    gitlatch = start(repositories=[{"match": "acme/*", "fetch": True, "push": ["refs/heads/agent/*"]}], enforce=False)
    workspace = gitlatch.workspace(folder / "workspace")
    clone = workspace.clone(WIDGETS)
    commit = workspace.commit(clone, {"a": "a"})
    workspace.git("push", "--quiet", "origin", "main", cwd=clone)
    assert github.head("acme/widgets") == commit
    assert gitlatch.wait_audit(operation="push", decision="deny")["reason"] == "ref"
