"""Requests as an attacker inside the workspace writes them: framing that two readers could read in two ways, other
protocols, fields that name fields, names in disguise. Whatever is answered: what the attacker hid never becomes a
request of its own at GitHub, and the connections there are still in step."""
import base64
import re
import time

import pytest
from lib import receive_pack
from lib.process import free_port, wait_until
from lib.raw import Raw
from lib.receive_pack import ZERO

REFS = "/acme/widgets.git/info/refs?service=git-upload-pack"
FETCH = "POST /acme/widgets.git/git-upload-pack HTTP/1.1\r\nHost: github.com\r\n"
HIDDEN = "GET /acme/smuggled.git/info/refs?service=git-receive-pack HTTP/1.1\r\nHost: github.com\r\n\r\n"
LENGTH = f"Content-Length: {len(HIDDEN)}\r\n"
CHUNKS = f"{len(HIDDEN):x}\r\n{HIDDEN}\r\n0\r\n\r\n"
REFUSED = {400}
CUT = {None, 200, 400}  # the framing breaks after the head was good: an answer of ours, or the end


@pytest.fixture
def at(start):
    return start(repositories=[{"match": "acme/widgets", "fetch": True, "push": ["refs/heads/agent/*"],
                                "permissions": {"issues": "read"}}])


@pytest.mark.parametrize("host", ["github.com", "api.github.com", "uploads.github.com"])
def test_a_target_that_names_no_path(gitlatch, github, host):
    with Raw.intercepted(gitlatch, host) as raw:
        answer = raw.ask("OPTIONS", "*", host=host)
        assert answer.status == 400 and b"reason name," in answer.body, answer
        assert raw.ask("OPTIONS", "*", host=host).status == 400, "it is still in step"
    assert github.requests(host=host) == []


# What is hidden comes where one reader sees a body and another the next request. The first status that is answered.
SMUGGLED = {
    "chunked, and a length in another field": (FETCH + "Transfer-Encoding: chunked\r\nContent_Length: 0\r\n\r\n" +
                                               CHUNKS, {200}),
    "a length, and chunked in disguise": (FETCH + LENGTH + "Transfer_Encoding: chunked\r\n\r\n" + HIDDEN, {200}),
    "a length that is named": (FETCH + LENGTH + "Connection: Content-Length\r\n\r\n" + HIDDEN, {200}),
    "chunked that is named": (FETCH + "Transfer-Encoding: chunked\r\nConnection: Transfer-Encoding\r\n\r\n" + CHUNKS,
                              {200}),
    "Host that is named": (FETCH + LENGTH + "Connection: Host, close\r\n\r\n" + HIDDEN, {200}),
    "chunked with a tab": (FETCH + "Transfer-Encoding:\tchunked\r\n\r\n" + CHUNKS, {200}),
    "chunked after a vertical tab": (FETCH + "Transfer-Encoding: \x0bchunked\r\n\r\n" + CHUNKS, REFUSED),
    "chunked with a parameter": (FETCH + "Transfer-Encoding: chunked;q=1\r\n\r\n" + CHUNKS, REFUSED),
    "chunked in quotes": (FETCH + "Transfer-Encoding: \"chunked\"\r\n\r\n" + CHUNKS, REFUSED),
    "chunked with a comma": (FETCH + "Transfer-Encoding: ,chunked\r\n\r\n" + CHUNKS, REFUSED),
    "chunked twice": (FETCH + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS, REFUSED),
    "chunked, then identity": (FETCH + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + CHUNKS,
                               REFUSED),
    "identity alone": (FETCH + "Transfer-Encoding: identity\r\n" + LENGTH + "\r\n" + HIDDEN, REFUSED),
    "an empty coding": (FETCH + "Transfer-Encoding:\r\n" + LENGTH + "\r\n" + HIDDEN, REFUSED),
    "xchunked": (FETCH + "Transfer-Encoding: xchunked\r\n\r\n" + CHUNKS, REFUSED),
    "chunked in HTTP/1.0": (FETCH.replace("1.1", "1.0") + "Transfer-Encoding: chunked\r\n\r\n" + CHUNKS, REFUSED),
    "chunked behind a folded line": (FETCH + LENGTH + "X: y\r\n Transfer-Encoding: chunked\r\n\r\n" + HIDDEN, REFUSED),
    "chunked behind a bare CR": (FETCH + LENGTH + "X: y\rTransfer-Encoding: chunked\r\n\r\n" + HIDDEN, REFUSED),
    "chunked behind a bare LF": (FETCH + LENGTH + "X: y\nTransfer-Encoding: chunked\r\n\r\n" + HIDDEN, REFUSED),
    "chunked behind a NUL": (FETCH + LENGTH + "X: y\0Transfer-Encoding: chunked\r\n\r\n" + HIDDEN, REFUSED),
    "a space before the colon": (FETCH + "Transfer-Encoding : chunked\r\n" + LENGTH + "\r\n" + HIDDEN, REFUSED),
    "a space before the name": (FETCH + " Transfer-Encoding: chunked\r\n" + LENGTH + "\r\n" + HIDDEN, REFUSED),
    "lengths that differ": (FETCH + "Content-Length: 0\r\n" + LENGTH + "\r\n" + HIDDEN, REFUSED),
    "a length in octal, hexadecimal, words": (FETCH + "Content-Length: 0x10\r\n\r\n" + HIDDEN, REFUSED),
    "a negative length": (FETCH + "Content-Length: -1\r\n\r\n" + HIDDEN, REFUSED),
    "a length with a space inside": (FETCH + "Content-Length: 1 0\r\n\r\n" + HIDDEN, REFUSED),
    "a length with an underscore": (FETCH + "Content-Length: 1_0\r\n\r\n" + HIDDEN, REFUSED),
    "an empty length": (FETCH + "Content-Length:\r\n\r\n" + HIDDEN, REFUSED),
    "a length beyond 64 bits": (FETCH + "Content-Length: 18446744073709551617\r\n\r\n" + HIDDEN, REFUSED),
    "a GET with a body": (f"GET {REFS} HTTP/1.1\r\nHost: github.com\r\n{LENGTH}\r\n{HIDDEN}", {400}),
    "a HEAD with a body": (f"HEAD {REFS} HTTP/1.1\r\nHost: github.com\r\n{LENGTH}\r\n{HIDDEN}", {400}),
    "an empty line first": (f"\r\nGET {REFS} HTTP/1.1\r\nHost: github.com\r\n\r\n", {200}),
    "two empty lines first": (f"\r\n\r\nGET {REFS} HTTP/1.1\r\nHost: github.com\r\n\r\n" + HIDDEN, REFUSED),
    "a chunk size with a sign": (FETCH + "Transfer-Encoding: chunked\r\n\r\n+" + CHUNKS, CUT),
    "a chunk size with a space": (FETCH + "Transfer-Encoding: chunked\r\n\r\n" + CHUNKS.replace("\r", " \r", 1), CUT),
    "a chunk size without CR": (FETCH + "Transfer-Encoding: chunked\r\n\r\n" + CHUNKS.replace("\r\n", "\n", 1), CUT),
    "a chunk size that wraps": (FETCH + "Transfer-Encoding: chunked\r\n\r\n1" + "0" * 16 + CHUNKS, CUT),
    "no size at all": (FETCH + "Transfer-Encoding: chunked\r\n\r\n\r\n" + HIDDEN, CUT),
    "an extension with a line in it": (FETCH + "Transfer-Encoding: chunked\r\n\r\n5;a=\"\r\n" + CHUNKS, CUT),
    "an extension with a bare LF": (FETCH + "Transfer-Encoding: chunked\r\n\r\n5;a\n" + CHUNKS, CUT),
    "an extension that does not end": (FETCH + "Transfer-Encoding: chunked\r\n\r\n5;" + "a" * 100_000, CUT),
    "an end without its empty line": (FETCH + "Transfer-Encoding: chunked\r\n\r\n0\r\n" + HIDDEN, CUT | {200}),
    "a chunk that is too long for its size": (FETCH + "Transfer-Encoding: chunked\r\n\r\n1\r\n" + HIDDEN, CUT),
}

# Other protocols, other hosts, too much of anything.
STRANGE = {
    "HTTP/2 by prior knowledge": ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", REFUSED),
    "HTTP/0.9": (f"GET {REFS}\r\n\r\n", REFUSED),
    "HTTP/1.2": (f"GET {REFS} HTTP/1.2\r\nHost: github.com\r\n\r\n", REFUSED),
    "TLS inside TLS": ("\x16\3\1\2\0\1\0\1\xfc\3\3" + "x" * 100, REFUSED),
    "h2c": (f"GET {REFS} HTTP/1.1\r\nHost: github.com\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n"
            "Connection: Upgrade, HTTP2-Settings\r\n\r\n", {200}),
    "websocket": (f"GET {REFS} HTTP/1.1\r\nHost: github.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  "Sec-WebSocket-Key: eA==\r\n\r\n", {200}),
    "CONNECT inside": ("CONNECT github.com:443 HTTP/1.1\r\nHost: github.com:443\r\n\r\n" + HIDDEN, {400, 405}),
    "absolute, plain": (f"GET http://github.com{REFS} HTTP/1.1\r\nHost: github.com\r\n\r\n", {421}),
    "absolute, another port": (f"GET https://github.com:444{REFS} HTTP/1.1\r\nHost: github.com\r\n\r\n", {421}),
    "absolute, another host": (f"GET https://api.github.com{REFS} HTTP/1.1\r\nHost: github.com\r\n\r\n", {421}),
    "absolute, with a user": (f"GET https://github.com@evil.test{REFS} HTTP/1.1\r\nHost: github.com\r\n\r\n", REFUSED),
    "absolute, the same": (f"GET HTTPS://GitHub.com.:443{REFS} HTTP/1.1\r\nHost: github.com\r\n\r\n", {200}),
    "a Host with a user": (f"GET {REFS} HTTP/1.1\r\nHost: x@github.com\r\n\r\n", {400, 421}),
    "a Host with another port": (f"GET {REFS} HTTP/1.1\r\nHost: github.com:22\r\n\r\n", {421}),
    "two Hosts in one": (f"GET {REFS} HTTP/1.1\r\nHost: github.com, api.github.com\r\n\r\n", {400, 421}),
    "a Host in brackets": (f"GET {REFS} HTTP/1.1\r\nHost: [github.com]\r\n\r\n", {400, 421}),
    "an encoded Host": (f"GET {REFS} HTTP/1.1\r\nHost: github%2ecom\r\n\r\n", {400, 421}),
    "an empty Host": (f"GET {REFS} HTTP/1.1\r\nHost:\r\n\r\n", {200, 400, 421}),
    "a long target": (f"GET /acme/widgets.git/{'x' * 60_000} HTTP/1.1\r\nHost: github.com\r\n\r\n", {404, 414, 431}),
    "a deep target": (f"GET {'/a' * 30_000} HTTP/1.1\r\nHost: github.com\r\n\r\n", {400, 404, 414, 431}),
    "a query of separators": (f"GET /acme/widgets?{'&;' * 30_000} HTTP/1.1\r\nHost: github.com\r\n\r\n",
                              {200, 404, 414, 431}),
    "encoded all over": (f"GET /acme/widgets/blob/{'%41' * 20_000} HTTP/1.1\r\nHost: github.com\r\n\r\n",
                         {404, 414, 431}),
    "a long name": (f"GET {REFS} HTTP/1.1\r\nHost: github.com\r\n{'x' * 60_000}: y\r\n\r\n", {200, 431}),
    "a long value": (f"GET {REFS} HTTP/1.1\r\nHost: github.com\r\nX: {'y' * 60_000}\r\n\r\n", {200, 431}),
    "many fields": (f"GET {REFS} HTTP/1.1\r\nHost: github.com\r\n" + "a:b\r\n" * 5000 + "\r\n", {431}),
    "many options": (f"GET {REFS} HTTP/1.1\r\nHost: github.com\r\nConnection: {'a,' * 20_000}b\r\n\r\n", {400, 431}),
    "a head without an end": (f"GET {REFS} HTTP/1.1\r\nHost: github.com\r\n" + "X: y\r\n" * 20_000, {400, 431}),
}


def first_status(raw):
    found = re.match(rb"HTTP/1\.1 (\d+) ", raw.rest())
    return int(found[1]) if found else None


def send(gitlatch, text):
    """What is answered first; the client says that it has no more."""
    with Raw.intercepted(gitlatch) as raw:
        raw.socket.settimeout(10)
        try:
            raw.send(text)
            raw.send(f"GET {REFS} HTTP/1.1\r\nHost: github.com\r\nConnection: close\r\n\r\n")
        except OSError:
            pass  # it was cut off before all was sent
        return first_status(raw)


def check(at, github, cases, advertised):
    wrong = []
    for name, (text, expected) in cases.items():
        github.control("DELETE", "/record")
        status = send(at, text)
        reached = [request for request in github.requests() if request.host in ("github.com", "api.github.com")
                   and not request.path.startswith("/app/")]
        if status not in expected:
            wrong.append((name, f"answered {status}"))
        if [request for request in reached if "smuggled" in request.path or request.host != "github.com"]:
            wrong.append((name, [(request.host, request.path) for request in reached]))
        if any(request.header(field) for request in reached for field in (
                "Upgrade", "HTTP2-Settings", "Transfer_Encoding", "Content_Length", "Connection")):
            wrong.append((name, [request.headers for request in reached]))
        # Another client's answer is its own: nothing is left over on the connections to GitHub.
        with Raw.intercepted(at) as raw:
            for _ in range(2):
                answer = raw.ask("GET", REFS)
                if answer.status != 200 or answer.body != advertised:
                    wrong.append((name, f"out of step: {answer}"))
    assert not wrong, "\n".join(map(str, wrong))
    assert at.admin("/healthz")[0] == 200


def advertised(at):
    with Raw.intercepted(at) as raw:
        answer = raw.ask("GET", REFS)
    assert answer.status == 200 and b"refs/heads/main" in answer.body
    return answer.body


def test_nothing_is_smuggled(at, github):
    assert len(SMUGGLED) >= 40
    check(at, github, SMUGGLED, advertised(at))


def test_nothing_strange_leads_anywhere(at, github):
    check(at, github, STRANGE, advertised(at))


def test_trailers_stay_behind(at, github):
    """A field that comes after the body is a field all the same."""
    want = receive_pack.pkt("command=ls-refs\n") + b"0001" + receive_pack.pkt("peel\n") + b"0000"
    with Raw.intercepted(at) as raw:
        raw.send(FETCH + "Git-Protocol: version=2\r\nContent-Type: application/x-git-upload-pack-request\r\n"
                 "Trailer: Authorization\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n")
        raw.send(b"%x;Authorization=x\r\n%s\r\n0\r\n" % (len(want), want))
        raw.send("Authorization: Bearer ghp_foreign\r\nCookie: user_session=foreign\r\nContent-Length: 3\r\n\r\n")
        answer = raw.answer("POST")
    assert answer.status == 200 and b"refs/heads/main" in answer.body
    request = github.requests(method="POST", host="github.com")[-1]
    assert "foreign" not in str(request.headers) and len(request.header("Authorization")) == 1
    assert not request.header("Trailer") and not request.header("TE")


DISGUISES = ["AUTHORIZATION: Bearer ghp_foreign", "Proxy_Authorization: Basic ghp_foreign",
             "X_HTTP_Method_Override: DELETE", "X-HTTP_Method-Override: PUT", "X_Forwarded_Host: evil.test",
             "X-Original_URL: /acme/secret", "Content_Encoding: gzip", "content_length: 7", "Connection_: close"]


def test_a_field_in_disguise_stays_behind(at, github):
    """CGI and Rack take `_` for `-`."""
    for field in DISGUISES:
        github.control("DELETE", "/record")
        with Raw.intercepted(at) as raw:
            assert raw.ask("GET", REFS, headers=field + "\r\n").status == 200, field
        request, = github.requests(method="GET", host="github.com")
        name, _, value = field.partition(": ")
        assert len(request.header("Authorization")) == 1
        assert name.endswith("_") or value not in [sent for _, sent in request.headers], (field, request.headers)


def test_a_push_with_two_codings_is_decided_by_none(at, github):
    """GitHub could read another body than was decided."""
    body = receive_pack.commands((ZERO, github.head("acme/widgets"), "refs/heads/agent/a")) + b"PACK"
    other = receive_pack.commands((ZERO, github.head("acme/widgets"), "refs/heads/main")) + b"PACK"
    for fields in ("Content-Encoding: gzip\r\nContent-Encoding: identity\r\n", "Content-Encoding: gzip, gzip\r\n",
                   "Content-Encoding: deflate\r\n", "Content-Encoding: gzip\r\nConnection: Content-Encoding\r\n",
                   "Content-Encoding: identity, gzip\r\n", "Content-Encoding: GZIP \r\nContent-Encoding:\r\n"):
        for content in (body, receive_pack.gzip(body), receive_pack.gzip(other)):
            with Raw.intercepted(at) as raw:
                answer = receive_pack.push(raw, "acme/widgets", content, fields)
            assert answer.status == 200 and b"Content-Encoding is not one that can be read" in answer.body, fields
    # What stands behind the end of a gzip member is another one's body, or nobody's.
    with Raw.intercepted(at) as raw:
        answer = receive_pack.push(raw, "acme/widgets", receive_pack.gzip(b"") + receive_pack.gzip(other),
                                   "Content-Encoding: gzip\r\n")
    assert answer.status == 200 and b"is not gzip that can be read" in answer.body
    assert [request for request in github.requests(method="POST") if "receive-pack" in request.path] == []


# One host, however CONNECT writes it: never a tunnel to GitHub.

SPELLED = ["github.com:443", "GITHUB.COM:443", "GitHub.com.:443", "API.github.com:443", "uploads.GITHUB.com.:443"]
MISSPELLED = ["github.com", "github.com:", "github.com:0", "github.com:65979", "github.com:-443", "github.com:443/",
              "github.com:443:443", "x@github.com:443", "x:y@github.com:443", "github%2ecom:443", "github.com..:443",
              ".github.com:443", "[github.com]:443", "github.com%00:443", "github.com\\:443", "github.com,:443",
              "https://github.com:443", "//github.com:443", "github.com#:443", "github.com?:443", ":443", "*:443"]


def test_a_host_is_intercepted_however_it_is_written(at, github):
    for target in SPELLED:
        name = target.rpartition(":")[0].lower().rstrip(".")
        with Raw(at) as raw:
            assert raw.connect(target).status == 200, target
            raw.tls(name)
            issuer = dict(pair[0] for pair in raw.socket.getpeercert()["issuer"])
            assert "Mock GitHub" not in issuer["commonName"], f"{target} is a tunnel"
    for target in MISSPELLED:
        with Raw(at) as raw:
            assert raw.connect(target).status in (400, 403), target
    for target in ("github.com:22", "github.com:80", "github.com:0443"):
        with Raw(at) as raw:
            assert raw.connect(target).status in (400, 403) or target.endswith("0443"), target
    assert at.audit(event="tunnel") == []


def test_a_false_name_inside_a_tunnel(at, github):
    """The tunnel is told by its ClientHello, however that names GitHub."""
    for name in ("github.com", "GitHub.COM", "api.github.com", "ssh.github.com", "gist.github.com", "GIST.github.com"):
        with Raw(at) as raw:
            assert raw.connect("other.test:443").status == 200
            try:
                raw.tls(name, ca=github.ca)
                raise AssertionError(f"{name} is reached")
            except OSError:
                pass
    wait_until(lambda: len(at.audit(event="tunnel", decision="deny")) == 6, "each is told")
    assert {event["reason"] for event in at.audit(event="tunnel")} == {"sni", "host"}
    assert github.requests(host="github.com") == []


# The gateway takes the host from the path.

FETCH_QUERY = "info/refs?service=git-upload-pack"
GATEWAY_ALLOWED = ["/github.com/acme/widgets.git/", "/GitHub.com/Acme/Widgets/", "/github.com./acme/widgets.git/"]
GATEWAY_REFUSED = [
    "/github.com/acme/secret.git/", "/github.com:443/acme/secret.git/", "/github.com:22/acme/widgets.git/",
    "/x@github.com/acme/widgets.git/", "/github%2ecom/acme/widgets.git/", "/github.com%2Facme/widgets.git/",
    "/github.com/../github.com/acme/widgets.git/", "/github.com//acme/widgets.git/", "//github.com/acme/widgets.git/",
    "/./github.com/acme/widgets.git/", "/github.com/acme/widgets.git/../secret.git/", "/github.com\\acme/widgets.git/",
    "/api.github.com/acme/widgets.git/", "/gist.github.com/acme/widgets.git/", "/other.test/acme/widgets.git/",
    "/127.0.0.1/acme/widgets.git/", "/localhost/acme/widgets.git/", "/169.254.169.254/acme/widgets.git/",
    "/https://github.com/acme/widgets.git/", "/github.com/https:/github.com/acme/widgets.git/",
    "/github.com/acme/widgets.git/%2e%2e/secret.git/", "/github.com/mallory/widgets.git/", "/github.com/", "/acme/widgets.git/",
]


def test_the_gateway_serves_no_more_than_the_rules(at, github):
    own = f"127.0.0.1:{at.port}"
    for path in GATEWAY_ALLOWED:
        with Raw(at) as raw:
            assert raw.ask("GET", path + FETCH_QUERY, host=own).status == 200, path
    github.control("DELETE", "/record")
    for path in GATEWAY_REFUSED:
        for target in (path + FETCH_QUERY, f"http://{own}{path}{FETCH_QUERY}"):
            with Raw(at) as raw:
                answer = raw.ask("GET", target, host=own)
            assert answer.status in (400, 403, 404, 421), (target, answer)
    assert [request for request in github.requests() if request.token] == []


def test_an_answer_tells_nothing_of_the_one_before(gitlatch, github):
    """Memory is used again from request to request; git's probe is answered without a decision that would set it."""
    github.fault(path="/app/installations/*/access_tokens", status=503)
    for ask in (refused, probed) * 3:
        with Raw.intercepted(gitlatch) as raw:
            ask(raw)


def refused(raw):
    answer = raw.ask("GET", REFS)
    assert answer.status == 503 and answer.header("Retry-After")


def probed(raw):
    answer = raw.ask("POST", "/acme/widgets.git/git-upload-pack", body=b"0000",
                     headers="Content-Type: application/x-git-upload-pack-request\r\n")
    assert answer.status == 200 and answer.header("Retry-After") is None, answer


def test_who_guesses_the_proxy_password_is_slowed_down_and_logged_once(start, folder):
    (folder / "password").write_text("right\n")
    gitlatch = start(listen={"address": f"127.0.0.1:{(port := free_port())}", "password_file": str(folder / "password")})
    gitlatch.port = port

    def connect(password):
        shown = base64.b64encode(f"gitlatch:{password}".encode()).decode()
        with Raw(gitlatch) as raw:
            return raw.connect("github.com:443", f"Proxy-Authorization: Basic {shown}\r\n")
    began = time.monotonic()
    answers = [connect(f"wrong-{number}") for number in range(300)]
    looked_at = [answer for answer in answers if answer.status == 407]
    assert {answer.status for answer in answers} == {407, 429}
    assert 20 <= len(looked_at) <= 21 + 10 * (time.monotonic() - began)
    assert answers[-1].header("Retry-After") == "1" and b"password_guesses" in answers[-1].body
    with Raw(gitlatch) as raw:
        assert raw.connect("github.com:443").status == 407  # no password is no guess
    wait_until(lambda: connect("right").status == 200, "the right password is taken again", 5, pause=0.3)
    assert gitlatch.log.count('"message":"wrong proxy passwords') == 1
