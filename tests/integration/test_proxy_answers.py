"""What becomes of GitHub's own refusals and failures, in each form that an operation can show, and which are waited out."""
import gzip
import json
import time
from email.utils import formatdate

import pytest
from lib import receive_pack
from lib.raw import Raw
from lib.scripted import answer as scripted_answer
from lib.scripted import scripted

WIDGETS = "https://github.com/acme/widgets.git"
REFS = "/acme/widgets.git/info/refs?service=git-upload-pack"
API = "https://api.github.com"
LIMIT = {"x-ratelimit-remaining": "0", "Retry-After": "60"}


def refs(gitlatch):
    with Raw.intercepted(gitlatch) as raw:
        return raw.ask("GET", REFS)


def api(gitlatch, path="/repos/acme/widgets", method="GET", body=b""):
    with Raw.intercepted(gitlatch, "api.github.com") as raw:
        return raw.ask(method, path, host="api.github.com", headers="User-Agent: test\r\n", body=body)


def asked(github, path="/acme/widgets.git/info/refs"):
    return len(github.requests(path=path))


# Status, time and words are kept.

@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 507])
@pytest.mark.parametrize("wait", ["17", "date"])
def test_the_status_and_its_time_are_kept_in_each_form(gitlatch, github, status, wait):
    retry_after = formatdate(time.time() + 17, usegmt=True) if wait == "date" else wait
    fault = {"status": status, "headers": {"Content-Type": "text/plain", "Retry-After": retry_after}}
    github.fault(host="github.com", body="back soon", **fault)
    github.fault(host="api.github.com", path="/repos/acme/widgets", body="back soon", **fault)
    reason = "rate_limited" if status == 429 else "github_failed"
    answer = refs(gitlatch)
    assert answer.status == status and 15 <= int(answer.header("Retry-After")) <= 17, answer
    said = f"GitHub answered {status} and asks to wait {answer.header('Retry-After')} s: back soon"
    assert said.encode() in answer.body and f"reason {reason}".encode() in answer.body

    answer = api(gitlatch)  # GitHub's own, as it is
    assert (answer.status, answer.header("Retry-After"), answer.body) == (status, retry_after, b"back soon")
    assert gitlatch.wait_audit(operation="api", event="request")["reason"] == reason

    with Raw.intercepted(gitlatch) as raw:
        answer = raw.ask("POST", "/acme/widgets.git/info/lfs/objects/batch", body=b'{"operation":"download","objects":[]}',
                         headers="Content-Type: application/vnd.git-lfs+json\r\n")
    assert (answer.status, answer.header("Retry-After")) == (status, retry_after)

    with Raw.intercepted(gitlatch) as raw:
        answer = raw.ask("POST", "/acme/widgets.git/git-upload-pack", body=b"0014command=ls-refs\n0000",
                         headers="Git-Protocol: version=2\r\n")
    assert answer.status == 200 and f"ERR gitlatch: GitHub answered {status} and asks to wait 1".encode() in answer.body

    with Raw.intercepted(gitlatch) as raw:
        line = (receive_pack.ZERO, "1" * 40, "refs/heads/agent/a")
        answer = receive_pack.push(raw, "acme/widgets", receive_pack.commands(line) + receive_pack.EMPTY_PACK)
    report = receive_pack.Report(answer.body)
    assert answer.status == 200
    assert report.lines[1].startswith(f"ng refs/heads/agent/a gitlatch: GitHub answered {status} and asks to wait 1")


@pytest.mark.parametrize("content_type, body, shown", [
    ("text/plain; charset=utf-8", "geschlossen für heute", True), ("text/plain", "closed", True),
    ("text/plain; charset=iso-8859-1", "closed", False)])
def test_only_text_that_can_be_shown_is_quoted(gitlatch, github, content_type, body, shown):
    github.fault(host="github.com", status=403, headers={"Content-Type": content_type}, body=body)
    answer = refs(gitlatch)
    assert (f"GitHub answered 403: {body}".encode() in answer.body) == shown, answer
    assert shown or b"GitHub answered 403\n" in answer.body


# What is waited out while a token is young.

@pytest.mark.parametrize("status", [401, 403])
def test_the_api_waits_for_a_new_token_as_git_does(gitlatch, github, status):
    github.setting(replication_lag_ms=1500, replication_status=status)
    assert api(gitlatch).status == 200
    assert asked(github, "/repos/acme/widgets") >= 2
    event = gitlatch.wait_audit(operation="api", event="request")
    assert event["retried"] == f"GitHub answered {status} to a young token" and event["status"] == 200


def test_a_write_to_the_api_whose_body_is_whole_waits_too(gitlatch, github):
    github.setting(replication_lag_ms=1500, replication_status=403)
    answer = api(gitlatch, "/repos/acme/widgets/issues", "POST", b'{"title":"once"}')
    assert answer.status == 201, answer
    github.setting(replication_lag_ms=0)
    assert len(json.loads(api(gitlatch, "/repos/acme/widgets/issues").body)) == 1


def test_the_age_of_a_token_counts_from_its_mint(gitlatch, github):
    """A mint that takes longer than a token is young does not make it old."""
    for path in ("/repos/acme/widgets/installation", "/app/installations/*/access_tokens"):
        github.fault(path=path, delay_ms=6_000)
    github.setting(replication_lag_ms=1500, replication_status=403)
    assert refs(gitlatch).status == 200


@pytest.mark.parametrize("path, times", [("/acme/widgets.git/info/refs", 4), ("/repos/acme/widgets", 4),
                                         ("/repos/acme/widgets/contents/none", 1)])
def test_a_404_is_waited_out_for_the_repository_alone_that_the_token_was_minted_for(gitlatch, github, path, times):
    github.fault(path=path, status=404, body="{}")
    answer = refs(gitlatch) if "refs" in path else api(gitlatch, path)
    assert answer.status == 404 and asked(github, path) == times


@pytest.mark.parametrize("headers", [LIMIT, {"Retry-After": "60"}, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "+600"}])
def test_a_rate_limit_is_not_asked_again(gitlatch, github, headers):
    # The moment is counted from now, not from when the tests were collected.
    headers = {name: str(int(time.time()) + int(value)) if value[0] == "+" else value for name, value in headers.items()}
    github.fault(path="/acme/widgets.git/info/refs", status=403, headers=headers, body="")
    github.fault(path="/repos/acme/widgets", status=403, headers=headers, body='{"message":"slow down"}')
    answer = refs(gitlatch)
    assert answer.status == 429 and int(answer.header("Retry-After")) >= 60 and b"rate_limited" in answer.body
    answer = api(gitlatch)
    assert answer.status == 403 and answer.body == b'{"message":"slow down"}'
    assert asked(github) == 1 and asked(github, "/repos/acme/widgets") == 1
    assert gitlatch.wait_audit(operation="api", event="request")["reason"] == "rate_limited"
    assert gitlatch.metrics().sum("gitlatch_denials_total", reason="rate_limited") == 2


@pytest.mark.parametrize("kind", ["environment", "file"])
def test_a_token_that_was_there_before_has_no_age(start, folder, github, kind):
    """An expired token of the environment is not waited for at each start."""
    token = github.token(user="octocat")
    (folder / "pat").write_text(token)
    source = {"type": "file", "path": str(folder / "pat")} if kind == "file" else {"type": kind, "name": "PAT"}
    gitlatch = start(credentials=[source], env={"PAT": token})
    github.fault(path="/acme/widgets.git/info/refs", status=403, body="")
    begun = time.monotonic()
    assert refs(gitlatch).status == 403
    assert asked(github) == 1 and time.monotonic() - begun < 3


def test_a_token_file_that_changes_while_running_is_young(start, folder, github):
    (folder / "pat").write_text(github.token(user="octocat"))
    gitlatch = start(credentials=[{"type": "file", "path": str(folder / "pat")}])
    assert refs(gitlatch).status in (200, 404)
    (folder / "pat").write_text(github.token(owner="acme", permissions={"contents": "read"}))
    github.fault(path="/acme/widgets.git/info/refs", status=403, body="", count=1)
    assert refs(gitlatch).status == 200


# A permission that the token lacks.

def lacking(gitlatch, path="/repos/acme/widgets/issues", headers="", **options):
    with Raw.intercepted(gitlatch, "api.github.com") as raw:
        return raw.ask("POST", path, host="api.github.com", headers="User-Agent: test\r\n" + headers,
                       body=b'{"title":"one"}', **options)


def test_a_missing_permission_is_named_with_its_rule(start, github):
    gitlatch = start(repositories=[{"match": "acme/*", "fetch": True}])
    answer = lacking(gitlatch)
    said = json.loads(answer.body)
    line = gitlatch.config_path.read_text().splitlines().index('   "match": "acme/*",')
    event = gitlatch.wait_audit(operation="api", event="request")
    assert answer.status == 403 and answer.header("X-Accepted-GitHub-Permissions") == "issues=write"
    assert said["message"] == (
        f"Resource not accessible by integration (gitlatch: the rule acme/* ({gitlatch.config_path}, line {line}) does not "
        "grant what this call needs: `permissions: {issues: write}` would allow it; "
        f"reason github_permission, request {event['id']})")
    assert said["documentation_url"] and set(said) >= {"message", "documentation_url"}
    assert (event["reason"], event["decision"], event["status"]) == ("github_permission", "allow", 403)
    assert gitlatch.metrics().sum("gitlatch_denials_total", reason="github_permission") == 1
    assert asked(github, "/repos/acme/widgets/issues") == 1, "it is not waited out"


def test_a_missing_permission_without_rules_and_for_a_set(start, github):
    github.control("POST", "/installation", owner="acme", permissions={"contents": "read", "metadata": "read"})
    assert ("the App's installation was not granted what this call needs: `permissions: {issues: write}`"
            in json.loads(lacking(start(repositories=None)).body)["message"])


MINTED = {"token": "ghs_" + "Zz9" * 12, "expires_at": "2999-01-01T00:00:00Z", "permissions": {"contents": "read", "metadata": "read"},
          "repository_selection": "selected", "repositories": [{"id": 7, "name": "widgets", "full_name": "acme/widgets"}]}


@pytest.fixture
def serve_api(folder, github, start):
    """serve_api(bytes): a gitlatch whose api.github.com answers calls below /issues with these bytes."""
    opened = []

    def serve_api(raw):
        def script(peer):
            while True:
                head, _ = peer.request()
                if "/issues" in head:
                    peer.send(raw)
                    return
                peer.send(scripted_answer(201, json.dumps(MINTED)) if "access_tokens" in head
                          else scripted_answer(200, '{"id":700001,"account":{"login":"acme"}}'))
        context = scripted(folder, github, script, "api.github.com")
        _, connect_to = context.__enter__()
        opened.append(context)
        return start(github={"connect_to": connect_to}, repositories=[{"match": "acme/*", "fetch": True}])
    yield serve_api
    for context in opened:
        context.__exit__(None, None, None)


@pytest.mark.parametrize("coding", ["identity", "gzip"])
@pytest.mark.parametrize("chunked", [True, False])
def test_an_amended_answer_in_each_framing(serve_api, coding, chunked):
    words = b'{"z":1,"message":"no","a":[1,2]}'
    body = gzip.compress(words) if coding == "gzip" else words
    framed = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked else body
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
    gitlatch = serve_api((f"HTTP/1.1 403 Forbidden\r\nX-Accepted-GitHub-Permissions: issues=write\r\nX-Other: kept\r\n"
                          f"Content-Type: application/json\r\nContent-Encoding: {coding}\r\n{length}\r\n\r\n").encode() + framed)
    answer = lacking(gitlatch)
    assert answer.status == 403 and answer.header("X-Other") == "kept" and not answer.header("Content-Encoding")
    said = json.loads(answer.body)
    assert list(said) == ["z", "message", "a"] and said["message"].startswith("no (gitlatch: the rule acme/*")


@pytest.mark.parametrize("words", [b"<html>no</html>", b'["no"]', b'{"message":1}', b'{"message":"' + b"x" * 20_000 + b'"}'])
def test_what_cannot_be_amended_is_said_by_gitlatch(serve_api, words):
    gitlatch = serve_api(b"HTTP/1.1 403 Forbidden\r\nX-Accepted-GitHub-Permissions: issues=write\r\n"
                         b"Content-Length: %d\r\n\r\n" % len(words) + words)
    answer = lacking(gitlatch)
    assert answer.status == 403 and "permissions: {issues: write}" in json.loads(answer.body)["message"]


def test_a_403_for_another_reason_is_left_as_it_is(serve_api):
    words = b'{"message":"Repository was archived"}'
    gitlatch = serve_api(b"HTTP/1.1 403 Forbidden\r\nX-Accepted-GitHub-Permissions: contents=read\r\nRetry-After: 1\r\n"
                         b"Content-Length: %d\r\n\r\n" % len(words) + words)
    assert lacking(gitlatch).body == words
