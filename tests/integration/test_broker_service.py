"""How the broker serves many for long: TLS, its certificate, limits, keys, reloads, its end."""
import base64
import contextlib
import itertools
import json
import signal
import socket
import ssl
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from lib.broker import ADMIN_TOKEN, SIDECAR
from lib.certificates import openssl
from lib.github import APP_ID
from lib.memory import places
from lib.process import free_port, wait_until

MINT = "/app/installations/*/access_tokens"
# As many scopes of one repository as one can want.
LEVELS = {"contents": ("read", "write"), "issues": (None, "read", "write"), "pull_requests": (None, "read", "write"),
          "workflows": (None, "write")}
SCOPES = [{name: level for name, level in zip(LEVELS, levels) if level} for levels in itertools.product(*LEVELS.values())]
EVERYTHING = [{"match": "acme/*", "fetch": True, "push": True, "permissions": {
    "issues": "write", "pull_requests": "write", "workflows": "write"}}]


def mints(github):
    return [request for request in github.requests(method="POST") if request.path.endswith("/access_tokens")]


def grants(*namespaces):
    return [{"namespace": name, "service_account": "workspace", "repositories": EVERYTHING} for name in namespaces]


# TLS.

@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize("port", ["broker_port", "admin_api_port"])
@pytest.mark.parametrize("version, served", [("TLSv1", False), ("TLSv1_1", False), ("TLSv1_2", True), ("TLSv1_3", True)])
def test_tls_of_today_alone(broker, port, version, served):
    context = ssl.create_default_context(cafile=broker.authority.ca)
    context.set_ciphers("ALL:@SECLEVEL=0")  # so that it is not this side that refuses
    context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
    connection = broker.connect(getattr(broker, port), context)
    if served:
        connection.connect()
        assert connection.sock.version() == version.replace("_", ".")
    else:
        with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
            connection.connect()
    connection.close()


def test_plain_http_is_not_answered(broker):
    with socket.create_connection(("127.0.0.1", broker.broker_port), 10) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try:
            assert b"HTTP/1.1" not in plain.recv(4096)
        except ConnectionResetError:
            pass


@pytest.mark.parametrize("request_", [
    b"GET /v1/rules HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"POST /v1/token HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    b"POST /v1/token HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
    b"GET /v1/rules HTTP/1.1\nHost: a\n\n",
    b"GET /v1/rules HTTP/1.1\r\nHost : a\r\n\r\n",
], ids=["two hosts", "two lengths", "length and chunks", "bare LF", "space before colon"])
def test_its_http_is_strict(broker, request_):
    context = ssl.create_default_context(cafile=broker.authority.ca)
    with socket.create_connection(("127.0.0.1", broker.broker_port), 10) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as connection:
            connection.sendall(request_)
            assert connection.recv(4096).startswith(b"HTTP/1.1 400 ")


def serial(broker):
    connection = broker.connect()
    connection.connect()
    number = int(connection.sock.getpeercert()["serialNumber"], 16)
    connection.close()
    return number


def test_its_certificate_is_read_again_and_nobody_is_cut(broker, kubernetes):
    bearer = {"Authorization": f"Bearer {kubernetes.issue()}"}
    kept = broker.connect()
    kept.request("GET", "/v1/rules", headers=bearer)
    kept.getresponse().read()
    assert serial(broker) == 1
    certificate, key = (broker.config["broker"]["tls"][name] for name in ("certificate", "key"))
    good = open(certificate).read()
    # A pair that does not belong together, as it is half-way through an exchange, is not taken.
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    time.sleep(1.1)  # it looks once a second
    assert serial(broker) == 1
    wait_until(lambda: "the old files stay in use" in broker.log, "said")
    broker.authority.issue(broker.name, 2)
    wait_until(lambda: serial(broker) == 2, "the new one is shown")
    assert open(certificate).read() != good
    kept.request("GET", "/v1/rules", headers=bearer)
    answer = kept.getresponse()
    assert answer.status == 200 and json.loads(answer.read()) == {"repositories": SIDECAR}
    assert kept.sock is not None
    kept.close()


def test_what_callers_show_is_not_left_in_memory(broker, kubernetes):
    bearers = [kubernetes.issue() for _ in range(5)]
    assert [broker.token(bearer).status for bearer in bearers] == [200] * 5
    assert broker.platform(query="?owner=acme").status == broker.platform(query="?owner=globex").status == 200
    pid = broker.process.popen.pid
    try:
        # The end of each, which no other has. The admin token is known to the broker, once.
        assert [places(pid, bearer[-30:].encode()) for bearer in bearers] == [[]] * 5
        assert len(places(pid, ADMIN_TOKEN[4:].encode())) == 1
    except PermissionError:
        pytest.skip("the memory of another process cannot be read here")


# One cache, one flight.

def test_a_crowd_of_callers_is_one_mint(start_broker, kubernetes, github):
    github.fault(path=MINT, delay_ms=1500)
    broker = start_broker(grants=grants("team-a", "team-b"))
    bearers = [kubernetes.issue(namespace, pod=f"pod-{number}") for namespace in ("team-a", "team-b")
               for number in range(30)]
    with ThreadPoolExecutor(60) as pool:
        answers = list(pool.map(broker.token, bearers))
    assert {answer.status for answer in answers} == {200} and len({answer.json["token"] for answer in answers}) == 1
    assert len(mints(github)) == 1
    assert broker.token(bearers[0]).json["token"] == answers[0].json["token"]
    assert len(mints(github)) == 1


def test_the_old_token_serves_while_github_is_down(start_broker, kubernetes, github):
    github.setting(token_lifetime=20)
    broker = start_broker(token={"refresh_before": "15s", "minimum_life": "2s"})
    bearer = kubernetes.issue()
    token = broker.token(bearer).json["token"]
    github.fault(path=MINT, status=503)
    wait_until(lambda: len(mints(github)) > 1, "refreshed ahead", 15)
    assert broker.token(bearer).json["token"] == token
    github.heal()
    # Not too often: a caller has a limit of its own.
    wait_until(lambda: broker.token(bearer).json["token"] != token, "a new one", 30, pause=0.6)


# Limits.

def in_background(call, arguments):
    """Calls from a thread each; gives the list that results are added to."""
    results = []
    for argument in arguments:
        threading.Thread(target=lambda value=argument: results.append((time.monotonic(), call(value))),
                         daemon=True).start()
    return results


def test_mints_stay_under_githubs_limit_and_namespaces_take_turns(start_broker, kubernetes, github):
    broker = start_broker(grants=grants("team-a", "team-b"))
    greedy, modest = kubernetes.issue("team-a"), kubernetes.issue("team-b")
    names = [(name, scope) for name in ("widgets", "gadgets", "public", "new-name") for scope in SCOPES]
    wanted, other = names[:100], names[100]
    began = time.monotonic()
    # By ten pods, so that none of them asks too often.
    pods = [kubernetes.issue("team-a", pod=f"pod-{number}") for number in range(10)]
    crowd = in_background(lambda one: broker.token(pods[one % 10], [wanted[one][0]], permissions=wanted[one][1]), range(100))
    wait_until(lambda: len(mints(github)) >= 48, "the burst")
    at_burst = time.monotonic()
    answer = broker.token(modest, [other[0]], permissions=other[1])
    assert answer.status == 200 and time.monotonic() - at_burst < 20, answer
    assert len(crowd) < 90  # while the crowd waited
    wait_until(lambda: len(crowd) == 100, "all have an answer", 40)
    assert {given.status for _, given in crowd} == {200, 503}
    late = [given for _, given in crowd if given.status == 503]
    assert all(int(given.headers["Retry-After"]) >= 1 for given in late)
    # 48 at once, then 96 a minute: GitHub takes 180.
    assert len(mints(github)) <= 49 + 1.6 * (time.monotonic() - began)
    assert broker.token(greedy, ["widgets"], permissions=wanted[0][1]).status == 200  # what is there is given at once


def test_replicas_share_githubs_limit(start_broker, kubernetes, github):
    """Of a dozen each may mint 4 at once, then 8 a minute."""
    broker = start_broker(grants=grants("team-a"), broker={"replicas": 12})
    bearer = kubernetes.issue()
    began = time.monotonic()
    crowd = in_background(lambda scope: broker.token(bearer, permissions=scope), SCOPES[:5])
    wait_until(lambda: len(crowd) == 4, "four")
    assert len(mints(github)) == 4
    wait_until(lambda: len(crowd) == 5, "the fifth", 60)
    assert time.monotonic() - began > 7
    assert {given.status for _, given in crowd} == {200}


def test_a_caller_that_asks_too_often_waits(broker, kubernetes):
    greedy, other = kubernetes.issue(pod="pod-1"), kubernetes.issue(pod="pod-2")
    connection = broker.connect()
    seen = []
    for _ in range(75):
        connection.request("GET", "/v1/rules", headers={"Authorization": f"Bearer {greedy}"})
        answer = connection.getresponse()
        seen.append((answer.status, answer.headers["Retry-After"], json.loads(answer.read()).get("error")))
    connection.close()
    assert seen[:60] == [(200, None, None)] * 60
    assert (429, "1", "caller_limit") in seen[60:]
    assert broker.ask("GET", "/v1/rules", other).status == 200
    wait_until(lambda: broker.ask("GET", "/v1/rules", greedy).status == 200, "served again")


def test_an_address_that_shows_bad_tokens_waits(broker, kubernetes):
    known = kubernetes.issue()
    assert broker.ask("GET", "/v1/rules", known).status == 200
    statuses = [broker.ask("GET", "/v1/rules", f"bad.{number}.token").status for number in range(40)]
    assert statuses[:30] == [401] * 30 and 429 in statuses
    assert len(kubernetes.reviews) < 40
    assert broker.ask("GET", "/v1/rules", known).status == 200


def test_idle_connections_make_room(start_broker, kubernetes):
    broker = start_broker(limits={"connections": 20})
    bearer = kubernetes.issue()
    idle = [broker.connect() for _ in range(50)]
    for connection in idle:
        connection.request("GET", "/v1/rules", headers={"Authorization": f"Bearer {bearer}"})
        assert connection.getresponse().read()
    assert broker.token(bearer).status == 200
    assert json.loads(broker.admin("/status")[1])["connections"] <= 20
    for connection in idle:
        connection.close()


def test_one_address_does_not_lock_others_out(broker, kubernetes):
    """1,100 silent connections of one pod, opened anew as they are closed, and a sidecar beside them."""
    bearer = kubernetes.issue()
    silent = [socket.create_connection(("127.0.0.1", broker.broker_port), source_address=("127.0.0.2", 0))
              for _ in range(1100)]
    assert json.loads(broker.admin("/status")[1])["connections"] <= 512
    for _ in range(5):
        assert broker.token(bearer).status == 200
    # Those over the share are closed at once, the others as no head comes.
    wait_until(lambda: json.loads(broker.admin("/status")[1])["connections"] == 0, "all are closed", 9)
    for connection in silent:
        connection.settimeout(5)
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(1) == b""
        connection.close()


# Keys.

def test_a_rotated_key_is_used_without_a_restart(start_broker, folder, kubernetes, github):
    key = folder / "app.pem"
    key.write_bytes(github.app_key.read_bytes())
    broker = start_broker(credentials=[{"type": "app", "app_id": APP_ID, "private_key": str(key)}])
    bearer = kubernetes.issue()
    first = broker.token(bearer).json["token"]
    subprocess.run(["openssl", "rsa", "-traditional", "-in", github.app_key, "-out", folder / "next.pem"], check=True,
                   capture_output=True)
    (folder / "next.pem").rename(key)
    second = broker.token(bearer).json["token"]
    assert second != first and broker.token(bearer).json["token"] == second
    key.write_text("what somebody pasted")
    assert broker.token(bearer).json["token"] == second
    wait_until(lambda: "keeps its old key" in broker.log, "said")
    assert broker.ask("GET", "/readyz").status == 200


def bad_key(folder, kind):
    path = folder / "bad.pem"
    if kind == "encrypted":
        openssl("genpkey", "-algorithm", "RSA", "-aes256", "-pass", "pass:x", "-out", path)
    elif kind == "EC":
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)
    elif kind == "short":
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024", "-out", path)
    elif kind == "text":
        path.write_text("not a key")
    return path


@pytest.mark.parametrize("kind", ["encrypted", "EC", "short", "text", "missing"])
@pytest.mark.parametrize("command", ["broker", "proxy"])
def test_a_key_that_cannot_serve_is_refused_at_start(folder, github, start, start_broker, kind, command):
    """One clear line, and no prompt."""
    path = bad_key(folder, kind)
    with pytest.raises(AssertionError) as refused:
        (start_broker if command == "broker" else start)(credentials=[
            {"type": "app", "app_id": APP_ID, "private_key": str(path)}])
    said = str(refused.value)
    assert "ended with" in said and str(path) in said, said
    assert {"encrypted": "encrypted", "EC": "RSA", "short": "1024", "text": "", "missing": ""}[kind] in said, said


# Reload and end.

def test_a_reload_takes_grants_and_keeps_tokens(broker, kubernetes, github):
    bearer = kubernetes.issue()
    token = broker.token(bearer).json["token"]
    broker.config["broker"]["grants"][0]["repositories"] = [{"match": "acme/widgets", "fetch": True}]
    broker.reload()
    wait_until(lambda: broker.token(bearer, ["gadgets"]).status == 403, "in force")
    assert broker.token(bearer).json["token"] == token and len(mints(github)) == 1
    # A bad one is refused, and the old one stays.
    broker.config["broker"]["grants"][0]["repositories"] = [{"fetch": True}]
    broker.reload()
    wait_until(lambda: "the old configuration stays" in broker.log, "said")
    assert broker.token(bearer).json["token"] == token
    broker.config["broker"]["grants"] = []
    broker.reload()
    wait_until(lambda: broker.token(bearer).status == 403, "nothing is granted")


def test_sigterm_lets_calls_end(broker, kubernetes, github):
    github.fault(path=MINT, delay_ms=3000)
    crowd = in_background(broker.token, [kubernetes.issue()])
    idle = broker.connect()
    idle.connect()
    wait_until(lambda: mints(github), "GitHub is asked")
    broker.process.signal(signal.SIGTERM)
    wait_until(lambda: "draining" in broker.log, "draining")
    with pytest.raises(OSError):
        broker.ask("GET", "/healthz")
    assert broker.process.alive()
    assert broker.process.wait(20) == 0
    wait_until(lambda: crowd, "answered")
    assert crowd[0][1].status == 200
    idle.close()


def test_sigterm_waits_no_longer_than_drain(start_broker, kubernetes, github):
    broker = start_broker(limits={"drain": "1s"})
    github.fault(path=MINT, hang=True)
    connection = broker.connect()
    connection.request("POST", "/v1/token", json.dumps({"owner": "acme", "repositories": ["widgets"]}),
                       {"Authorization": f"Bearer {kubernetes.issue()}"})
    wait_until(lambda: mints(github), "GitHub is asked")
    began = time.monotonic()
    broker.process.signal(signal.SIGTERM)
    assert broker.process.wait(25) == 0 and time.monotonic() - began < 25, "not the 30 s of the default"
    connection.close()


# Beside it.

def test_the_webhook_is_served_beside(start_broker, folder, kubernetes):
    sidecar = folder / "sidecar.json"
    sidecar.write_text(json.dumps({"initContainer": {"name": "gitlatch", "image": "gitlatch"}, "volumes": [], "env": [
        {"name": "GH_TOKEN", "value": "gitlatch"}], "volumeMounts": []}))
    port = free_port()
    broker = start_broker(broker={"admission": {"listen": f"127.0.0.1:{port}", "sidecar": str(sidecar)}})
    pod = {"kind": "Pod", "metadata": {"labels": {"gitlatch.dev/inject": "true"}},
           "spec": {"containers": [{"name": "w", "image": "i"}]}}
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {"uid": "u", "object": pod}}
    response = broker.ask("POST", "/admission", None, review, port, {"Content-Type": "application/json"}).json["response"]
    assert response["allowed"] and "gitlatch" in json.dumps(json.loads(base64.b64decode(response["patch"])))
    assert broker.ask("POST", "/admission", None, review).status == 404
    assert broker.ask("GET", "/v1/rules", kubernetes.issue(), port=port).status == 404
    assert broker.ask("GET", "/admin/github-installation-token?owner=acme", ADMIN_TOKEN, port=port).status == 404
    assert broker.token(kubernetes.issue()).status == 200
