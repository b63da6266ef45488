"""What the broker answers, asked over real TLS, with the mock GitHub behind it and a mock of the
cluster's TokenReview beside it."""
import hashlib
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from lib import leaks
from lib.broker import ADMIN_TOKEN, SIDECAR
from lib.github import APP_ID
from lib.process import wait_until

MINT = "/app/installations/*/access_tokens"


def mints(github):
    return [request for request in github.requests(method="POST") if request.path.endswith("/access_tokens")]


def is_error(answer, status, code):
    """`{"error": CODE, "message"}`, and what goes with its status."""
    assert answer.status == status, answer
    assert answer.json["error"] == code and answer.json["message"], answer
    if status in (429, 503):
        assert int(answer.headers["Retry-After"]) >= 1, answer
    if status == 401:
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "ghs_" not in answer.body.decode()
    return True


# POST /v1/token

def test_a_sidecar_is_given_a_narrow_token(broker, kubernetes, github):
    answer = broker.token(kubernetes.issue())
    assert answer.status == 200, answer
    given = answer.json
    assert given["token"] == github.tokens()[-1]
    assert given["permissions"] == {"contents": "read", "metadata": "read"}
    assert given["repositories"] == [{"id": github.id("acme/widgets"), "name": "widgets"}]
    assert (given["host"], given["owner"]) == ("github.com", "acme")
    assert 3000 < time.mktime(time.strptime(given["expires_at"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone - time.time() < 3700
    assert set(given) == {"token", "expires_at", "host", "owner", "repositories", "permissions"}


def test_several_repositories_are_one_token(broker, kubernetes, github):
    given = broker.token(kubernetes.issue(), ["widgets", "gadgets"], permissions={"issues": "read"}).json
    assert {one["name"] for one in given["repositories"]} == {"widgets", "gadgets"}
    assert given["permissions"] == {"issues": "read", "metadata": "read"}
    assert len(mints(github)) == 1


def test_a_token_that_github_rejected_is_replaced(broker, kubernetes, github):
    bearer, other = kubernetes.issue(pod="one"), kubernetes.issue(pod="two")
    first = broker.token(bearer).json["token"]
    name = hashlib.sha256(first.encode()).hexdigest()[:12]
    # Only the very token, in the very scope.
    assert broker.token(bearer, rejected="0123456789ab").json["token"] == first
    assert broker.token(bearer, ["gadgets"], rejected=name).json["token"] != first
    assert broker.token(bearer).json["token"] == first
    second = broker.token(bearer, rejected=name).json["token"]
    assert second != first and len(mints(github)) == 3
    assert broker.token(other, rejected=name).json["token"] == second
    assert broker.token(other).json["token"] == second
    assert is_error(broker.token(bearer, rejected=first), 400, "question")
    # Who says so again and again is not heard without end.
    for _ in range(10):
        latest = broker.token(bearer).json["token"]
        broker.token(bearer, rejected=hashlib.sha256(latest.encode()).hexdigest()[:12])
    assert 5 <= len(mints(github)) <= 6  # one more on a machine so slow that the pace allows it


def test_a_renamed_repository_has_its_new_name_told(broker, kubernetes, github):
    github.rename("acme/widgets", "wheels")
    answer = broker.token(kubernetes.issue())
    assert is_error(answer, 409, "renamed") and answer.json["repository"] == "acme/wheels"
    assert broker.token(kubernetes.issue(), ["wheels"]).status == 200


@pytest.mark.parametrize("body, says", [
    ("", "JSON"), ("{", "JSON"), ("[]", "object"), ('{"owner": "acme", "owner": "acme"}', "JSON"),
    ({"owner": "acme", "repositories": ["widgets"], "scope": "all"}, "`scope`"),
    ({"host": "github.example", "owner": "acme"}, "`host`"), ({"owner": "a/b"}, "`owner`"),
    ({"owner": "acme", "repositories": []}, "`repositories`"), ({"owner": "acme", "repositories": ["a/b"]}, "`repositories`"),
    ({"owner": "acme", "repositories": ["x"] * 501}, "`repositories`"),
    ({"owner": "acme", "repositories": ["widgets"], "permissions": {"contents": "all"}}, "`permissions`"),
], ids=lambda value: None if isinstance(value, str) else "body")
def test_what_is_not_understood_is_400(broker, kubernetes, github, body, says):
    answer = broker.ask("POST", "/v1/token", kubernetes.issue(), body)
    assert is_error(answer, 400, "question") and says in answer.json["message"], answer
    assert not mints(github)


def test_a_body_without_end_is_cut(broker, kubernetes):
    assert broker.ask("POST", "/v1/token", kubernetes.issue(), "x" * 300_000).status == 413


def test_more_than_granted_is_403_and_says_what(broker, kubernetes, github):
    bearer = kubernetes.issue()
    for question, missing in (
            (dict(permissions={"contents": "write", "issues": "write"}), "issues:write for acme/widgets"),
            (dict(permissions={"administration": "read"}), "administration:read for acme/widgets"),
            (dict(owner="globex", repositories=["lib"]), "contents:read for globex/lib"),
            (dict(repositories=None, permissions={"contents": "read"}), "contents:read for acme/*")):
        answer = broker.token(bearer, **question)
        assert is_error(answer, 403, "broker_denied"), answer
        assert f"team-a/workspace is not granted {missing}" in answer.json["message"], answer
    assert not mints(github)


def test_no_token_without_names(broker, kubernetes, github):
    """It would be good for repositories that no grant holds."""
    for bearer in (kubernetes.issue(), kubernetes.issue(audiences=["gitlatch-credential"])):
        for question in (dict(permissions={"metadata": "read"}), dict(permissions={}), dict(owner="")):
            answer = broker.token(bearer, repositories=None, **question)
            assert is_error(answer, 403, "broker_denied"), answer
    assert not mints(github)


# POST /v1/repositories

def names(broker, bearer, **body):
    return broker.ask("POST", "/v1/repositories", bearer, {"host": "github.com", "owner": "acme", **body})


def test_the_broker_lists_what_the_grant_holds(start_broker, kubernetes, github):
    grants = [{"namespace": "team-a", "service_account": "workspace",
               "repositories": [{"match": "acme/widgets", "fetch": True}, {"match": "acme/gadgets", "fetch": False}]},
              {"namespace": "team-b", "service_account": "ci", "repositories": [{"match": "acme/*", "fetch": True}]},
              {"audience": "gitlatch-credential", "namespace": "team-a", "service_account": "workspace",
               "repositories": [{"match": "acme/gadgets", "fetch": True}]}]
    broker = start_broker(grants=grants)
    given = names(broker, kubernetes.issue())
    assert given.status == 200, given
    assert given.json == {"host": "github.com", "owner": "acme", "total_count": 1,
                          "repositories": [{"id": github.id("acme/widgets"), "name": "widgets"}]}
    holder = names(broker, kubernetes.issue(audiences=["gitlatch-credential"])).json
    assert [one["name"] for one in holder["repositories"]] == ["gadgets"]
    wide = names(broker, kubernetes.issue("team-b", "ci")).json
    assert {"widgets", "gadgets"} <= {one["name"] for one in wide["repositories"]}
    assert names(broker, kubernetes.issue(), page=2).json["repositories"] == []
    # One listing at GitHub serves all for five minutes, and its token stays here.
    assert len(github.requests(path="/installation/repositories")) == 1 and len(mints(github)) == 1
    for answer in (given, names(broker, kubernetes.issue())):
        assert not any(token in answer.body.decode() for token in github.tokens())


def test_what_is_not_granted_is_not_listed(broker, kubernetes, github):
    assert is_error(names(broker, kubernetes.issue(), owner="globex"), 403, "broker_denied")
    assert is_error(names(broker, kubernetes.issue("team-b", "ci")), 403, "broker_denied")
    assert is_error(names(broker, None), 401, "caller_unproven")
    for odd in (dict(page=0), dict(page="1"), dict(repositories=["widgets"]), dict(owner="a/b"), dict(host="other.example")):
        assert is_error(names(broker, kubernetes.issue(), **odd), 400, "question")
    assert not github.requests(path="/installation/repositories") and not mints(github)


def test_who_is_not_proven_is_401(broker, kubernetes, github):
    good = kubernetes.issue()
    deleted = kubernetes.issue(pod="gone")
    kubernetes.delete_pod(deleted)
    for bearer in (None, "forged.token.here", deleted, kubernetes.issue(audiences=["https://kubernetes.default.svc"]),
                   kubernetes.issue(lifetime=-5), kubernetes.issue(user="system:admin"), ADMIN_TOKEN):
        for answer in (broker.token(bearer), broker.ask("GET", "/v1/rules", bearer)):
            assert is_error(answer, 401, "caller_unproven"), (bearer, answer)
    assert not mints(github)
    assert broker.token(good).status == 200


def test_another_service_account_is_granted_nothing(broker, kubernetes):
    for caller in (dict(namespace="team-b"), dict(account="default")):
        assert is_error(broker.token(kubernetes.issue(**caller)), 403, "broker_denied")
        assert broker.ask("GET", "/v1/rules", kubernetes.issue(**caller)).json == {"repositories": []}


def test_a_token_is_honoured_to_its_end(broker, kubernetes):
    bearer = kubernetes.issue(lifetime=4)
    assert broker.token(bearer).status == 200
    wait_until(lambda: broker.token(bearer).status == 401, "refused", 10)


@pytest.mark.slow
def test_a_deleted_pod_is_served_for_a_minute_at_most(broker, kubernetes):
    bearer = kubernetes.issue()
    began = time.monotonic()
    assert broker.token(bearer).status == 200
    kubernetes.delete_pod(bearer)
    reviews = len(kubernetes.reviews)
    assert broker.token(bearer).status == 200 and len(kubernetes.reviews) == reviews  # its verdict is kept
    served = began

    def refused():
        nonlocal served
        time.sleep(1)
        asked = time.monotonic()
        if broker.token(bearer).status == 401:
            return True
        served = asked
    wait_until(refused, "refused", 100)
    assert served - began < 61, "what was asked later than a minute was not served"


def test_the_cluster_is_asked_well_and_seldom(broker, kubernetes):
    bearer = kubernetes.issue()
    kubernetes.delay = 1
    with ThreadPoolExecutor(20) as pool:
        assert {answer.status for answer in pool.map(lambda _: broker.token(bearer), range(20))} == {200}
    review, = kubernetes.reviews
    assert json.loads(review)["spec"] == {"token": bearer, "audiences": ["gitlatch-credential", "gitlatch"]}


def test_a_cluster_in_trouble(broker, kubernetes):
    known = kubernetes.issue()
    assert broker.token(known).status == 200
    for broken in ((500, {"kind": "Status"}), (403, {"kind": "Status"}), (201, b"<html>"), (201, {"status": 7})):
        kubernetes.broken = broken
        assert is_error(broker.token(kubernetes.issue()), 503, "cluster"), broken
        assert broker.token(known).status == 200  # by the verdict that is kept
        time.sleep(1.1)  # the pause after a failure
    wait_until(lambda: "the cluster's API gives no verdict on callers: it answered 500" in broker.log, "said")
    kubernetes.broken = None
    wait_until(lambda: broker.token(kubernetes.issue()).status == 200, "served again")
    kubernetes.stop()
    assert is_error(broker.token(kubernetes.issue()), 503, "cluster")
    assert broker.token(known).status == 200


def test_a_cluster_that_is_slow(broker, kubernetes):
    kubernetes.delay = 13
    began = time.monotonic()
    assert is_error(broker.token(kubernetes.issue()), 503, "cluster")
    assert 9 < time.monotonic() - began < 13


@pytest.mark.parametrize("fault, code", [
    (dict(status=503), "token_unreachable"), (dict(reset=True), "token_unreachable"),
    (dict(preset="secondary_rate_limit"), "rate_limited"), (dict(status=201, body="{"), "token_source"),
], ids=["503", "reset", "limit", "half"])
def test_what_github_does_not_give_is_503(broker, kubernetes, github, fault, code):
    github.fault(path=MINT, **fault)
    assert is_error(broker.token(kubernetes.issue()), 503, code)


def test_what_github_refuses_is_503_with_its_words(broker, kubernetes, github):
    github.control("POST", "/installation", owner="acme", suspended=True)
    answer = broker.token(kubernetes.issue())
    assert is_error(answer, 503, "suspended") and "has been suspended" in answer.json["message"]


# GET /v1/rules

def test_the_grant_as_rules(broker, kubernetes):
    assert broker.ask("GET", "/v1/rules", kubernetes.issue()).json == {"repositories": SIDECAR}


# Audiences.

HOLDER = [{"audience": "gitlatch-credential", "namespace": "team-a", "service_account": "workspace", "repositories": [
    {"match": "acme/widgets", "fetch": True, "push": ["refs/heads/agent/*"]},
    {"match": "acme/gadgets", "fetch": True, "push": True, "delete": True},
    {"match": "acme/public", "fetch": True, "push": True},
    {"match": "acme/new-name", "fetch": True, "permissions": {"issues": "write"}, "paths": ["issues/**"]}]}]


def test_who_holds_the_token_gets_none_that_passes_ref_rules(start_broker, kubernetes):
    """What only a proxy can enforce leaves no write to a caller that holds the token itself."""
    broker = start_broker(grants=HOLDER)
    bearer = kubernetes.issue(audiences=["gitlatch-credential"])
    write = {"permissions": {"contents": "write"}}
    for name in ("widgets", "public"):
        assert broker.token(bearer, [name]).status == 200
        answer = broker.token(bearer, [name], **write)
        assert is_error(answer, 403, "broker_denied") and "holds the token itself" in answer.json["message"]
    assert broker.token(bearer, ["gadgets"], **write).json["permissions"]["contents"] == "write"
    assert is_error(broker.token(bearer, ["new-name"], permissions={"issues": "write"}), 403, "broker_denied")


def test_audiences_are_apart(start_broker, kubernetes):
    """A token for both is one whose owner may hold what he is given; and a sidecar's opens nothing of the other kind."""
    broker = start_broker(grants=HOLDER + [{"namespace": "team-a", "service_account": "workspace", "repositories": SIDECAR}])
    write = {"permissions": {"contents": "write"}}
    assert broker.token(kubernetes.issue(), **write).status == 200
    assert broker.token(kubernetes.issue(audiences=["gitlatch", "gitlatch-credential"]), **write).status == 403
    assert broker.token(kubernetes.issue(audiences=["gitlatch-credential"]), **write).status == 403


# GET /admin/github-installation-token

OTHERS = ("globex", "umbrella", "hooli", "octocat")


def test_the_platform_endpoint(broker, github):
    answer = broker.platform(query="?owner=acme")
    assert answer.status == 200 and set(answer.json) == {"token", "expires_at"}
    assert answer.json["token"] == github.tokens()[-1]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", answer.json["expires_at"])
    # Always fresh, from a cache.
    assert broker.platform(query="?owner=acme").json == answer.json
    assert len(mints(github)) == 1
    assert broker.platform(query="?owner=globex").json["token"] != answer.json["token"]


def test_without_an_owner_the_only_installation(broker, github):
    for owner in OTHERS:
        github.control("POST", "/installation", owner=owner, removed=True)
    assert broker.platform().json["token"] == github.tokens()[-1]


def test_without_an_owner_several_are_named(broker, github):
    answer = broker.platform()
    assert is_error(answer, 400, "owner")
    assert all(name in answer.json["message"] for name in ("acme", *OTHERS)), answer
    assert not mints(github)
    assert is_error(broker.platform(query="?owner=a/b"), 400, "question")


def test_the_platform_bearer(broker, kubernetes, github):
    for bearer in (None, "", ADMIN_TOKEN[:-1], ADMIN_TOKEN + "x", ADMIN_TOKEN.upper(), kubernetes.issue()):
        assert is_error(broker.platform(bearer, "?owner=acme"), 401, "caller_unproven"), bearer
    assert not mints(github)
    # Read again when it changes.
    (broker.folder / "admin-token").write_text("another")
    assert broker.platform("another", "?owner=acme").status == 200
    assert broker.platform(ADMIN_TOKEN, "?owner=acme").status == 401


def test_who_guesses_the_bearer_is_slowed_down(broker):
    answers = [broker.platform(f"guess-{number}") for number in range(66)]
    assert [answer.status for answer in answers[:50]] == [401] * 50
    assert is_error(answers[-1], 429, "caller_limit")
    assert broker.platform(query="?owner=acme").status == 200  # who knows it is not


def test_without_an_app_it_is_404(start_broker, kubernetes):
    broker = start_broker(credentials=None)
    assert is_error(broker.platform(), 404, "no_credential")
    answer = broker.token(kubernetes.issue())
    assert is_error(answer, 404, "no_credential") and "Retry-After" not in answer.headers
    assert broker.platform("wrong").status == 401
    assert broker.ask("GET", "/readyz").status == 503


def test_where_the_app_is_not_installed_it_is_404(broker):
    assert is_error(broker.platform(query="?owner=initech"), 404, "not_installed")


def test_no_other_credential_is_given_away(start_broker, github, tmp_path):
    (tmp_path / "pat").write_text("ghp_of_an_operator")
    broker = start_broker(credentials=[{"type": "app", "app_id": "12345", "private_key": str(github.app_key)},
                                       {"type": "file", "path": str(tmp_path / "pat")}])
    assert broker.platform(query="?owner=acme").json["token"] == github.tokens()[-1]
    answer = broker.platform(query="?owner=initech")
    assert is_error(answer, 500, "scope") and b"ghp_" not in answer.body


def test_the_platform_address_takes_no_body(broker):
    answer = broker.ask("GET", "/admin/github-installation-token", body="x" * 100_000, port=broker.admin_api_port)
    assert answer.status == 400


@pytest.mark.parametrize("fault", [dict(status=500), dict(reset=True), dict(preset="secondary_rate_limit")],
                         ids=["500", "reset", "limit"])
def test_when_github_cannot_be_asked_it_is_500_and_logged(broker, github, fault):
    github.fault(path=MINT, **fault)
    answer = broker.platform(query="?owner=acme")
    assert answer.status == 500 and answer.json["error"] and answer.json["message"]
    line = wait_until(lambda: next((line for line in broker.log.splitlines(True) if "[github]" in line), None), "said")
    assert "acme" in line and json.loads(line)["level"] == "error"


def test_without_an_admin_token_the_endpoint_is_closed(start_broker):
    broker = start_broker(broker={"admin_token": None, "admin_listen": None})
    assert broker.ask("GET", "/admin/github-installation-token", ADMIN_TOKEN).status == 404


def test_each_port_has_its_own_calls(broker, kubernetes):
    assert broker.ask("GET", "/admin/github-installation-token?owner=acme", ADMIN_TOKEN).status == 404
    assert broker.ask("POST", "/v1/token", kubernetes.issue(), port=broker.admin_api_port).status == 404
    assert broker.ask("GET", "/v1/rules", kubernetes.issue(), port=broker.admin_api_port).status == 404


# What is told.

def test_no_token_in_log_event_or_metric(broker, kubernetes, github):
    bearers = [kubernetes.issue() for _ in range(3)]
    for bearer in bearers:
        assert broker.token(bearer).status == 200
        assert broker.token(bearer, permissions={"issues": "write"}).status == 403
    broker.platform(query="?owner=acme")
    broker.platform("a-guess-that-must-not-be-seen-either")
    github.fault(path=MINT, status=500, body={"message": f"no {github.tokens()[-1]}"})
    broker.platform(query="?owner=globex")
    pages = [broker.admin(path)[1] for path in ("/metrics", "/status", "/")] + [broker.ask("GET", "/metrics").body.decode()]
    broker.stop()
    secrets = [*bearers, *github.tokens(), ADMIN_TOKEN, "a-guess-that-must-not-be-seen-either"]
    told = [path for path in leaks.files_under(broker.folder) if path.name not in ("admin-token", "own-token")]
    assert len(told) >= 3 and not leaks.find_in_files(told, secrets)
    assert not leaks.find_in("\n".join(pages).encode(), secrets)


def test_an_event_for_each_token_handed_out(broker, kubernetes, github):
    bearer = kubernetes.issue(pod="pod-7")
    for _ in range(2):
        broker.token(bearer)
    broker.token(bearer, permissions={"issues": "write"})
    broker.platform(query="?owner=acme")
    wait_until(lambda: len(broker.audit(event="request")) == 4, "all events")
    first, second, refused, platform = broker.audit(event="request")
    for event in (first, second):
        assert event["workspace"] == {"namespace": "team-a", "pod": "pod-7", "service_account": "workspace"}
        assert (event["repository"], event["scope"]) == ("acme/widgets", "acme/widgets contents:read")
        assert (event["decision"], event["status"], event["source"]) == ("allow", 200, "app")
        assert event["client"] == "127.0.0.1" and re.fullmatch("[0-9a-f]{12}", event["token"])
    assert first["token"] == second["token"] and first["id"] != second["id"]
    assert (refused["decision"], refused["status"], refused["reason"]) == ("deny", 403, "broker_denied")
    assert platform["status"] == 200 and platform["scope"] == "acme all permissions" and platform["token"] != first["token"]
    mint, = broker.audit(event="mint", repository="acme/widgets")
    assert mint["token"] == first["token"] and mint["result"] == "ok"


def test_probes_and_metrics(broker, kubernetes):
    broker.token(kubernetes.issue())
    assert broker.ask("GET", "/healthz").status == broker.ask("GET", "/readyz").status == 200
    metrics = broker.ask("GET", "/metrics").body.decode()
    assert 'gitlatch_token_mints_total{source="app",result="ok"} 1' in metrics
    assert 'gitlatch_certificate_expiration_timestamp_seconds{kind="broker"}' in metrics
    assert "widgets" not in metrics
    assert broker.metrics().sum("gitlatch_requests_total", status="200") >= 1
    assert broker.admin("/readyz")[0] == 200
    assert broker.ask("GET", "/else").status == 404 and broker.ask("GET", "/v1/token").status == 404


@pytest.mark.parametrize("credential", ["an encrypted key", "no key"])
def test_it_is_ready_only_with_a_usable_key(folder, github, kubernetes, authority, credential, start_broker):
    key = folder / "app.pem"
    key.write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"
                   if credential == "an encrypted key" else "not a key")
    with pytest.raises(AssertionError, match="ended with [12]"):
        start_broker(credentials=[{"type": "app", "app_id": APP_ID, "private_key": str(key)}])


def test_two_credentials_are_refused(broker, kubernetes):
    bearer = kubernetes.issue()
    connection = broker.connect()
    connection.putrequest("GET", "/v1/rules")
    connection.putheader("Authorization", f"Bearer {bearer}")
    connection.putheader("Authorization", "Bearer another")
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 400 and b"two Authorization" in answer.read()
    connection.close()
