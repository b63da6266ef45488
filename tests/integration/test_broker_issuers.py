"""Callers of the broker that prove themselves by an issuer's token: a job of GitHub Actions or GitLab, a pod of another
cluster. The issuers are mocks that keep to their documents; see also tests/unit/test_broker_tokens.c for the matrix."""
import json
import time

import pytest
from lib.broker import Broker
from lib.certificates import Authority
from lib.gitlatch import BINARY, Gitlatch
from lib.issuer import RUNNER_TOKEN, Issuer
from lib.process import wait_until
from lib.workspace import Workspace

WIDGETS = "https://github.com/acme/widgets.git"
GADGETS = "https://github.com/acme/gadgets.git"
FETCH = [{"match": "acme/widgets", "fetch": True}]


@pytest.fixture
def issuer(authority):
    issuer = Issuer(authority)
    yield issuer
    issuer.stop()


@pytest.fixture
def begin(folder, github, kubernetes, authority):
    """begin(grants, issuers=[…], …): a broker."""
    started = []

    def start(grants, **section):
        broker = Broker(folder / f"broker-{len(started)}", github, kubernetes, authority, grants=grants, broker=section)
        started.append(broker)
        return broker.start()
    yield start
    for broker in started:
        broker.stop()


def actions_grant(repositories=None, **claims):
    return {"issuer": "actions", "claims": {"repository": "acme/widgets", **claims},
            "repositories": repositories or FETCH}


def test_a_job_is_given_what_its_claims_are_granted(begin, issuer, github):
    broker = begin([actions_grant(ref="refs/heads/*")], issuers=[issuer.config("actions")])
    given = broker.token(issuer.actions())
    assert given.status == 200 and given.json["repositories"][0]["name"] == "widgets", given
    assert given.json["permissions"] == {"contents": "read", "metadata": "read"}
    assert json.loads(broker.ask("GET", "/v1/rules", issuer.actions()).body)["repositories"][0]["match"] == "acme/widgets"
    # The rest is refused, and the claim that is another one is named.
    for token, claim in ((issuer.actions(ref="refs/tags/v1"), "`ref` is \"refs/tags/v1\""),
                         (issuer.actions(ref="refs/heads/a/b"), "`ref` is \"refs/heads/a/b\""),
                         (issuer.actions(repository="globex/lib"), "`repository` is \"globex/lib\""),
                         (issuer.actions(repository="acme/widgets2"), "`repository` is \"acme/widgets2\""),
                         (issuer.sign({"aud": "gitlatch", "sub": "x"}), "has no `repository`")):
        answer = broker.token(token)
        assert answer.status == 403 and claim in answer.json["message"], answer
        assert "acme/widgets\"" not in answer.json["message"], "the pattern is not for strangers"
        assert broker.ask("GET", "/v1/rules", token).json == {"repositories": []}
    assert broker.token(issuer.actions(), ["gadgets"]).status == 403
    # Keys were asked for once, by discovery.
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]
    event = broker.wait_audit(decision="allow")
    assert event["workspace"] == {"issuer": "actions", "subject": "repo:acme/widgets:ref:refs/heads/main"}
    assert broker.metrics().sum("gitlatch_broker_calls_total", issuer="actions", decision="allow") >= 1


def test_jobs_of_gitlab_and_pods_of_another_cluster(begin, issuer, authority, folder):
    pods = Issuer(authority, "pods", "ES256")
    key_file = folder / "pods.json"
    key_file.write_text(json.dumps(pods.key_set))
    broker = begin([
        {"issuer": "gitlab", "claims": {"project_path": "acme/*", "ref_protected": True, "groups_direct": "acme/ops"},
         "repositories": FETCH},
        {"issuer": "east", "claims": {"kubernetes.io.namespace": "team-*", "kubernetes.io.serviceaccount.name": "workspace"},
         "repositories": FETCH},
    ], issuers=[issuer.config("gitlab"),
                {"name": "east", "issuer": pods.url, "jwks_file": str(key_file)}])
    try:
        assert broker.token(issuer.gitlab()).status == 200
        assert broker.token(issuer.gitlab(groups_direct=["acme"])).status == 403
        assert broker.token(issuer.gitlab(ref_protected="false")).status == 403
        assert broker.token(issuer.gitlab(ref_protected=True)).status == 200, "by its JSON text"
        assert broker.token(pods.cluster()).status == 200
        assert broker.token(pods.cluster(namespace="other")).status == 403
        assert pods.asked == []
        # One issuer's key is no other's.
        stranger = issuer.sign({"iss": pods.url, "aud": "gitlatch", "sub": "x"})
        assert broker.token(stranger).status == 401
    finally:
        pods.stop()


def test_keys_rotate_and_an_issuer_that_is_down_hinders_no_other(begin, issuer, authority):
    other = Issuer(authority, "other")
    broker = begin([actions_grant(), {"issuer": "other", "repositories": FETCH}],
                   issuers=[issuer.config("actions"), other.config("other")])
    try:
        other.stop()
        answer = broker.token(other.sign({"aud": "gitlatch", "sub": "x"}))
        assert answer.status == 503 and answer.json["error"] == "issuer" and int(answer.headers["Retry-After"]) >= 1
        assert broker.token(issuer.actions()).status == 200
        # The keys that are known are used while the issuer is away.
        issuer.stop()
        assert broker.token(issuer.actions()).status == 200
        issuer.start()
        # An unknown key id is asked for once a minute.
        asked = len(issuer.asked)
        for number in range(5):
            answer = broker.token(issuer.sign({"aud": "gitlatch"}, {"kid": f"unknown-{number}"}))
            assert answer.status == 401, answer
        assert len(issuer.asked) <= asked + 2
    finally:
        other.stop()


def test_redirects_are_not_followed(begin, issuer):
    issuer.broken = (302, b"")
    broker = begin([actions_grant()], issuers=[issuer.config("actions")])
    answer = broker.token(issuer.actions())
    assert answer.status == 503 and "redirect" in answer.json["message"]


@pytest.mark.parametrize("answer", [(200, b"x"), (200, b"{}"), (500, b""), (200, b" " * (2 << 20))])
def test_key_sets_that_cannot_be_used(begin, issuer, answer):
    issuer.broken = answer
    broker = begin([actions_grant()], issuers=[issuer.config("actions")])
    assert broker.token(issuer.actions()).status == 503


def test_revocation_bites_at_the_next_token(begin, issuer):
    broker = begin([actions_grant()], issuers=[issuer.config("actions")])
    token = issuer.actions()
    assert broker.token(token).status == 200
    section = {**broker.config["broker"], "grants": [actions_grant(ref="refs/heads/other")]}
    broker.reload(broker=section)
    assert wait_until(lambda: broker.token(token).status == 403, 30)


def test_one_project_cannot_starve_another(begin, issuer):
    broker = begin([{"issuer": "actions", "claims": {"repository_owner": "acme"}, "repositories": FETCH}],
                   issuers=[issuer.config("actions")])
    token, other = issuer.actions(sub="one"), issuer.actions(sub="two")
    statuses = [broker.ask("GET", "/v1/rules", token).status for _ in range(70)]
    assert 429 in statuses
    assert broker.ask("GET", "/v1/rules", other).status == 200


@pytest.mark.parametrize("identity", ["github-actions", "file", "command"])
def test_a_job_clones_what_its_grant_names(begin, issuer, folder, identity):
    """`gitlatch run`, with no secret in the job but its own identity."""
    broker = begin([actions_grant()], issuers=[issuer.config("actions")])
    path = folder / "token"
    path.write_text(issuer.actions())
    credential = broker.credential(path, identity={
        "github-actions": "github-actions", "file": {"file": str(path)}, "command": {"command": ["cat", str(path)]}}[identity])
    del credential["token_file"]
    run = Gitlatch(folder / "run", {"credentials": [credential], "github": broker.config["github"]})
    env = {"ACTIONS_ID_TOKEN_REQUEST_URL": f"{issuer.url}/token?api-version=2.0",
           "ACTIONS_ID_TOKEN_REQUEST_TOKEN": RUNNER_TOKEN, "SSL_CERT_FILE": str(issuer.ca)}
    workspace = Workspace(folder / "workspace")
    workspace.run(BINARY, "run", "-c", run.config_path, "--", "git", "clone", "-q", WIDGETS, "widgets",
                  env=env)
    refused = workspace.run(BINARY, "run", "-c", run.config_path, "--", "git", "clone", "-q", GADGETS, "gadgets",
                            env=env, check=False)
    assert "acme/gadgets" in refused.err and not (folder / "workspace/gadgets").exists()
    # `make` in a job: what it runs is led the same way, and its exit status is the job's.
    (folder / "workspace/Makefile").write_text(f"all:\n\tgit clone -q {WIDGETS} made\n\t@exit 7\n")
    made = workspace.run(BINARY, "run", "-c", run.config_path, "--", "make", "-s", env=env, check=None)
    assert made.code == 2 and "Error 7" in made.err and (folder / "workspace/made/.git").exists()


def job(folder, broker, issuer, **credential):
    """(a workspace, its environment): a job of GitHub Actions, whose only secret is what its runner gives it."""
    entry = broker.credential("", identity="github-actions", **credential)
    del entry["token_file"]
    config = Gitlatch(folder / "job", {"credentials": [entry], "github": broker.config["github"]}).config_path
    workspace = Workspace(folder / "workspace", ACTIONS_ID_TOKEN_REQUEST_URL=f"{issuer.url}/token?api-version=2.0",
                          ACTIONS_ID_TOKEN_REQUEST_TOKEN=RUNNER_TOKEN, SSL_CERT_FILE=str(issuer.ca))
    workspace.start = (BINARY, "run", "-c", config, "--")
    return workspace


def test_a_job_is_refused_with_the_claim_that_failed(begin, issuer, folder):
    """git shows it, with rules of its own or without."""
    broker = begin([actions_grant(ref="refs/heads/main")], issuers=[issuer.config("actions")])
    issuer.job = {"ref": "refs/heads/topic"}
    workspace = job(folder, broker, issuer)
    config = json.loads((folder / "job/gitlatch.yaml").read_text())
    refused = workspace.run(*workspace.start, "git", "clone", WIDGETS, "widgets", check=False)
    claim = 'the broker grants nothing: the token\'s `ref` is "refs/heads/topic", which no grant takes'
    assert claim in refused.err, refused.err
    denied = broker.token(issuer.job_token("gitlatch"))
    assert denied.status == 403 and "the token's `ref` is \"refs/heads/topic\", which no grant takes" in denied.json["message"]
    (folder / "job/own.yaml").write_text(json.dumps({**config, "repositories": FETCH}))
    refused = workspace.run(BINARY, "run", "-c", folder / "job/own.yaml", "--", "git", "clone", WIDGETS, "widgets", check=False)
    assert claim in refused.err, refused.err
    # What a claim holds ends no field.
    issuer.job = {"ref": "refs/heads/x\r\nSet-Cookie: a=b"}
    answer = broker.ask("GET", "/v1/rules", issuer.job_token("gitlatch"))
    assert answer.status == 200 and answer.headers["Set-Cookie"] is None and "`ref`" in answer.headers["Gitlatch-Message"]
    issuer.job = {}
    assert broker.ask("GET", "/v1/rules", issuer.job_token("gitlatch")).headers["Gitlatch-Message"] is None


def test_a_job_asks_for_another_token_when_the_last_is_near_its_end(begin, issuer, folder):
    broker = begin([actions_grant(), {"issuer": "actions", "claims": {"repository": "acme/widgets"},
                                      "repositories": [{"match": "acme/gadgets", "fetch": True}]}],
                   issuers=[issuer.config("actions")])
    issuer.job = {"exp": int(time.time()) + 75}
    workspace = job(folder, broker, issuer)
    script = f"git ls-remote -q {WIDGETS} >/dev/null; sleep 22; git ls-remote -q {GADGETS} >/dev/null"
    workspace.run(*workspace.start, "sh", "-ec", script)
    # One for the rules, one for the first token, one for the second.
    assert sum("/token?" in path for path in issuer.asked) == 3


def test_a_job_asks_for_the_audience_that_its_broker_wants(begin, issuer, folder):
    audience = "https://gitlatch.corp.example/a b"
    broker = begin([actions_grant()], issuers=[issuer.config("actions", audience=audience)])
    workspace = job(folder, broker, issuer, audience=audience)
    workspace.run(*workspace.start, "git", "clone", "-q", WIDGETS, "widgets")
    workspace = job(folder / "other", broker, issuer)
    refused = workspace.run(*workspace.start, "git", "clone", "-q", WIDGETS, "widgets", check=False)
    assert refused.err and not (workspace.folder / "widgets").exists()


# `gitlatch credential`

def holds(begin, issuer):
    return begin([{**actions_grant(), "audience": "gitlatch-credential"}], issuers=[issuer.config("actions")])


def fill(folder, broker, *options, **env):
    workspace = Workspace(folder / f"helper-{time.monotonic_ns()}", **env)
    return workspace.run(BINARY, "credential", "--broker", broker.broker_url, "--trust", broker.authority.ca, *options, "get",
                         input="protocol=https\nhost=github.com\npath=acme/widgets.git\n\n")


def test_credential_with_the_jobs_own_identity(begin, issuer, folder, github):
    broker = holds(begin, issuer)
    runner = {"ACTIONS_ID_TOKEN_REQUEST_URL": f"{issuer.url}/token?x=y", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": RUNNER_TOKEN,
              "SSL_CERT_FILE": str(issuer.ca)}
    given = fill(folder, broker, "--identity", "github-actions", **runner)
    assert "password=ghs_" in given.out and given.err == ""
    assert any(path.endswith("audience=gitlatch-credential") for path in issuer.asked)
    # A job that is no job, one whose claims differ, a runner that refuses: nothing, and git goes on.
    missing = fill(folder, broker, "--identity", "github-actions")
    assert missing.out == "" and "id-token: write" in missing.err
    issuer.job = {"repository": "globex/lib"}
    assert fill(folder, broker, "--identity", "github-actions", **runner).out == ""
    refused = fill(folder, broker, "--identity", "github-actions", **{**runner, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x"})
    assert refused.out == "" and "it answered 404" in refused.err


def test_credential_with_a_token_in_a_file(begin, issuer, folder):
    broker = holds(begin, issuer)
    path = folder / "token"
    path.write_text(issuer.gitlab(audience="gitlatch-credential", repository="acme/widgets"))
    assert "password=ghs_" in fill(folder, broker, "--token-file", path).out
    path.write_text(issuer.actions())
    assert fill(folder, broker, "--token-file", path).out == "", "a sidecar's token is none of a holder"


def test_credential_with_a_certificate(begin, folder, authority, issuer):
    workloads = Authority(folder / "workloads")
    broker = begin([{"audience": "gitlatch-credential", "certificate": "spiffe://corp.example/ci", "repositories": FETCH}],
                   clients={"ca": str(workloads.ca)})
    certificate, key = workloads.issue("ci", names="URI:spiffe://corp.example/ci", usage="clientAuth")
    assert "password=ghs_" in fill(folder, broker, "--certificate", certificate, "--key", key).out
    other, key = workloads.issue("other", names="URI:spiffe://corp.example/other", usage="clientAuth")
    assert fill(folder, broker, "--certificate", other, "--key", key).out == ""
