"""A broker's configuration, given to `gitlatch check` and, by mistake, to `gitlatch proxy`."""
import subprocess

import pytest
from lib.broker import SIDECAR, Broker
from lib.gitlatch import BINARY


@pytest.fixture
def check(folder, github, kubernetes, authority):
    """check(*arguments, **configuration): (exit status, lines of stdout, stderr), of a Broker that is not started"""
    def check(*arguments, **options):
        broker = Broker(folder, github, kubernetes, authority, **options)
        done = subprocess.run([BINARY, "check", "-c", broker.config_path, *arguments], capture_output=True, text=True,
                              timeout=60, env=broker.env)
        # What openssl and the tests write can be read by everybody.
        lines = [line for line in done.stdout.splitlines() if "can be read by everybody" not in line]
        return done.returncode, lines, done.stderr
    return check


def failures(lines):
    return [line for line in lines if not line.startswith("ok    ")]


def grant(namespace, *rules):
    return {"namespace": namespace, "service_account": "workspace", "repositories": list(rules)}


def test_all_is_ok(check, folder):
    code, lines, err = check()
    assert (code, failures(lines), err) == (0, [], "")
    assert lines[0].endswith("gitlatch.yaml, a broker's, 1 grant with 1 rule")
    assert lines[1].startswith("ok    broker.tls: ") and "broker.crt and its key, good until 20" in lines[1]
    assert [line.split()[1] for line in lines[2:5]] == \
        ["broker.kubernetes.ca:", "broker.kubernetes.token_file:", "broker.admin_token:"]
    assert "ok    rules: 1 tried with a token for what it names" in lines


def test_rules_of_grants_that_can_never_work(check):
    high = {"match": "globex/*", "permissions": {"actions": "write"}}
    code, lines, err = check(grants=[grant("team-a", *SIDECAR, {"match": "initech/*", "fetch": True}),
                                     grant("team-b", {"match": "acme/typo", "fetch": True}, *SIDECAR, high)])
    assert (code, err) == (1, "") and ", 2 grants with 5 rules" in lines[0]
    lacks, *failed = failures(lines)
    assert lacks.startswith("FAIL  app: rule globex/* (line ") and "`actions: write`" in lacks
    assert [line.split()[1:3] for line in failed] == [["rule", "initech/*"], ["rule", "acme/typo"]]


def test_files_that_cannot_be_used(check, authority, folder):
    authority.issue("another")
    files = {"certificate": str(authority.folder / "broker.crt"), "key": str(authority.folder / "another.key")}
    code, lines, _ = check(broker={"tls": files})
    (line,) = failures(lines)
    assert code == 1 and line.startswith(f"FAIL  broker.tls.key: {files['key']}: ") and "belong" in line
    gone = str(folder / "gone")
    code, lines, _ = check(broker={"tls": {"certificate": gone, "key": gone}, "admin_token": gone,
                                   "kubernetes": {"ca": gone, "token_file": gone}})
    failed = failures(lines)
    assert code == 1 and [line.split()[1] for line in failed] == \
        ["broker.tls.certificate:", "broker.kubernetes.ca:", "broker.kubernetes.token_file:", "broker.admin_token:"]
    assert all(f" {gone}: " in line and "No such file" in line for line in failed)


def test_a_broker_that_can_give_nothing(check):
    code, lines, _ = check(credentials=None, grants=[], broker={"admin_listen": None, "admin_token": None})
    assert code == 1 and [line.split()[1] for line in failures(lines)] == ["broker.grants:", "credentials:"]


def test_explain_knows_no_caller(check):
    code, lines, err = check("--explain", "fetch", "acme/widgets")
    assert (code, lines) == (1, []) and "the rules are those under `broker.grants`" in err


def test_a_proxy_warns(start, folder, github, kubernetes, authority):
    config = Broker(folder / "broker", github, kubernetes, authority).config
    proxy = start(broker=config["broker"])
    proxy.wait_log("`broker` is not for a proxy")
