"""Callers of the broker that prove themselves by a certificate: SPIFFE's X.509-SVIDs, and others by their DNS names and
subject."""
import json
import shutil
import ssl
import time

import pytest
from lib.broker import Broker
from lib.certificates import Authority
from lib.gitlatch import BINARY, Gitlatch
from lib.process import wait_until
from lib.workspace import Workspace

FETCH = [{"match": "acme/widgets", "fetch": True}]
ID = "spiffe://corp.example/ns/team-b/sa/build"
WIDGETS = "https://github.com/acme/widgets.git"
GADGETS = "https://github.com/acme/gadgets.git"


@pytest.fixture
def workloads(folder):
    return Authority(folder / "workloads")


@pytest.fixture
def broker(folder, github, kubernetes, authority, workloads):
    bundle = folder / "bundle.pem"
    shutil.copy(workloads.ca, bundle)
    broker = Broker(folder / "broker", github, kubernetes, authority, grants=[
        {"certificate": "spiffe://corp.example/ns/team-b/**", "repositories": [*FETCH, {"match": "acme/gadgets", "fetch": True}]},
        {"certificate": "ci.corp.example", "repositories": FETCH},
        {"certificate": "CN=builder", "repositories": FETCH},
        {"certificate": "CN=both", "namespace": "team-a", "service_account": "workspace", "repositories": FETCH},
    ], broker={"clients": {"ca": str(bundle)}})
    broker.bundle = bundle
    yield broker.start()
    broker.stop()


def show(broker, authority, name, names, usage="clientAuth", token=None, **more):
    certificate, key = authority.issue(name, names=names, usage=usage, **more)
    context = ssl.create_default_context(cafile=broker.authority.ca)
    context.load_cert_chain(certificate, key)
    connection = broker.connect(context=context)
    body = json.dumps({"owner": "acme", "repositories": ["widgets"], "permissions": {"contents": "read"}})
    try:
        connection.request("POST", "/v1/token", body, {"Authorization": f"Bearer {token}"} if token else {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_certificates_are_granted_by_their_names(broker, workloads):
    assert show(broker, workloads, "a", f"URI:{ID}")[0] == 200
    assert broker.wait_audit(decision="allow")["workspace"] == {"certificate": ID}
    assert show(broker, workloads, "b", "DNS:other.corp.example,DNS:ci.corp.example")[0] == 200
    assert show(broker, workloads, "builder", "DNS:x.corp.example")[0] == 200
    for number, names in enumerate(("URI:spiffe://corp.example/ns/team-c/sa/build", "URI:spiffe://evil.example/ns/team-b/x",
                                    "DNS:spiffe.corp.example", "DNS:ci.corp.example.evil.test")):
        status, text = show(broker, workloads, f"other-{number}", names)
        assert status == 403, text


@pytest.mark.parametrize("names", [f"URI:{ID},URI:spiffe://corp.example/other", f"URI:https://corp.example/x",
                                   f"URI:{ID}?x", f"URI:{ID}/", f"URI:{ID},URI:https://corp.example"])
def test_an_svid_has_exactly_one_uri(broker, workloads, names):
    status, text = show(broker, workloads, "two", names)
    assert status == 401, text


def test_certificates_that_prove_nothing(broker, folder, workloads):
    for authority, more in ((Authority(folder / "foreign"), {}), (workloads, {"usage": "serverAuth"}),
                            (workloads, {"days": -1})):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            show(broker, authority, "bad", f"URI:{ID}", **more)
    # Nobody has to show one.
    assert broker.token(None).status == 401


def test_a_grant_may_want_both(broker, workloads, kubernetes):
    token = kubernetes.issue()
    assert show(broker, workloads, "both", "DNS:x.corp.example", token=token)[0] == 200
    assert show(broker, workloads, "neither", "DNS:x.corp.example", token=token)[0] == 403
    assert show(broker, workloads, "both", "DNS:x.corp.example")[0] == 403
    assert broker.token(token).status == 403
    assert show(broker, workloads, "a", f"URI:{ID}", token="a.bad.token")[0] == 401


def test_a_bundle_that_changes_ends_what_it_proved(broker, folder, workloads):
    certificate, key = workloads.issue("a", names=f"URI:{ID}", usage="clientAuth")
    context = ssl.create_default_context(cafile=broker.authority.ca)
    context.load_cert_chain(certificate, key)
    connection = broker.connect(context=context)
    connection.request("GET", "/v1/rules")
    answer = connection.getresponse()
    assert answer.status == 200 and answer.read()
    shutil.copy(Authority(folder / "next").ca, broker.bundle)

    def refused():
        connection.request("GET", "/v1/rules")
        answer = connection.getresponse()
        answer.read()
        return answer.status == 401 and answer.headers["Connection"] == "close"
    assert wait_until(refused, 30)
    connection.close()


def test_a_certificate_that_ends_during_a_connection_ends_it(broker, workloads):
    certificate, key = workloads.issue("a", names=f"URI:{ID}", usage="clientAuth", seconds=6)
    context = ssl.create_default_context(cafile=broker.authority.ca)
    context.load_cert_chain(certificate, key)
    connection = broker.connect(context=context)

    def ask():
        connection.request("GET", "/v1/rules")
        answer = connection.getresponse()
        return answer.status, answer.headers["Connection"], answer.read().decode()
    assert ask()[0] == 200
    time.sleep(7)
    status, ended, text = ask()
    assert (status, ended) == (401, "close") and "expired" in text
    assert connection.sock is None, "the connection is closed"


def test_a_job_whose_certificate_is_renewed_shows_the_new_one(broker, workloads, folder):
    """As spiffe-helper does: other files in the place of the old ones."""
    certificate, key = workloads.issue("a", names=f"URI:{ID}", usage="clientAuth", seconds=12)
    credential = broker.credential("", certificate=str(certificate), key=str(key))
    del credential["token_file"]
    proxy = Gitlatch(folder / "proxy", {"credentials": [credential], "github": broker.config["github"]}).start()
    try:
        workspace = proxy.workspace(folder / "workspace")
        workspace.git("ls-remote", WIDGETS)
        for old, new in zip((certificate, key), workloads.issue("next", names=f"URI:{ID}/next", usage="clientAuth")):
            new.rename(old)
        time.sleep(13)
        workspace.git("ls-remote", GADGETS)
        broker.wait_audit(decision="allow", workspace={"certificate": f"{ID}/next"})
    finally:
        proxy.stop()


def test_a_job_clones_with_a_certificate(broker, workloads, folder, github):
    certificate, key = workloads.issue("a", names=f"URI:{ID}", usage="clientAuth")
    credential = broker.credential("", certificate=str(certificate), key=str(key))
    del credential["token_file"]
    run = Gitlatch(folder / "run", {"credentials": [credential], "github": broker.config["github"]})
    workspace = Workspace(folder / "workspace")
    workspace.run(BINARY, "run", "-c", run.config_path, "--", "git", "clone", "-q", WIDGETS, "widgets")
