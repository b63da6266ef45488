"""GitHub's ways with Apps and tokens, as a workspace with real git meets them: it gets what it asked for, or a sentence.
Never a prompt, never a hang, never a bare 401."""
import json
import re
import subprocess
import time

import pytest
from lib.github import APP_ID
from lib.process import wait_until
from lib.raw import Raw

WIDGETS = "https://github.com/acme/widgets.git"
GADGETS = "https://github.com/acme/gadgets.git"
MINT = "/app/installations/*/access_tokens"
SECONDS = 100  # more than `limits.token`


def refused(workspace, url=WIDGETS, **options):
    """What git says, on one line, when it cannot list the refs."""
    return workspace.git("ls-remote", url, check=False, timeout=SECONDS, **options).err


def mints(github):
    return [request for request in github.requests(method="POST") if request.path.endswith("/access_tokens")]


# Narrow by default.

def test_a_fetch_never_carries_a_token_that_can_write(workspace, github):
    clone = workspace.clone(WIDGETS)
    workspace.git("fetch", cwd=clone)
    carried = [request for request in github.requests(host="github.com") if request.auth == "basic"]
    assert carried
    for request in carried:
        assert request.scope["permissions"] == {"contents": "read", "metadata": "read"}
        assert request.scope["repository_ids"] == [github.id("acme/widgets")]
    assert len(mints(github)) == 1


def test_a_push_carries_one_that_can_for_this_repository_alone(workspace, github):
    clone = workspace.clone(WIDGETS)
    workspace.commit(clone, {"a": "1"}, branch="topic")
    workspace.git("push", "origin", "topic", cwd=clone)
    pushed = [request for request in github.requests() if request.path.endswith("/git-receive-pack")][-1]
    assert pushed.scope["permissions"] == {"contents": "write", "metadata": "read"}
    assert pushed.scope["repository_ids"] == [github.id("acme/widgets")]


def test_workflows_can_be_changed_where_the_rule_grants_it(start, folder, github):
    rule = {"match": "acme/*", "fetch": True, "push": True}
    for name, permissions, served in (("no", {"issues": "read"}, False), ("yes", {"workflows": "write"}, True)):
        workspace = start(name, repositories=[{**rule, "permissions": permissions}]).workspace(folder / f"{name}-workspace")
        clone = workspace.clone(WIDGETS)
        workspace.commit(clone, {".github/workflows/ci.yml": "on: push\n"}, branch="topic")
        said = workspace.git("push", "origin", "topic", cwd=clone, check=served).err
        assert served or "workflow" in said, said
        pushed = [request for request in github.requests() if request.path.endswith("/git-receive-pack")][-1]
        assert pushed.scope["permissions"] == {"contents": "write", "metadata": "read",
                                               **({"workflows": "write"} if served else {})}


# Clocks.

@pytest.mark.parametrize("offset", [-120, 120, -700, 700])
def test_a_clock_that_is_off(workspace, github, offset):
    github.setting(clock_offset=offset)
    workspace.git("ls-remote", WIDGETS)
    workspace.git("ls-remote", GADGETS)


# Tokens.

@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("lag", [700, 4500])
def test_a_new_token_has_not_reached_all_of_github(workspace, github, status, lag):
    github.setting(replication_lag_ms=lag, replication_status=status)
    workspace.git("ls-remote", WIDGETS)


def test_a_token_revoked_under_us(workspace, github):
    clone = workspace.clone(WIDGETS)
    github.revoke()
    workspace.git("fetch", cwd=clone)
    github.revoke()
    workspace.commit(clone, {"a": "1"}, branch="topic")
    workspace.git("push", "origin", "topic", cwd=clone)


@pytest.mark.parametrize("old", [0, 1])
def test_both_formats_of_tokens(workspace, github, old):
    github.setting(old_token_format=old)
    workspace.git("ls-remote", WIDGETS)
    assert (len(github.tokens()[-1]) == 40) == bool(old)


def test_a_workspace_outlives_its_tokens(start, folder, github):
    github.setting(token_lifetime=8)
    workspace = start(token={"refresh_before": "4s", "minimum_life": "2s"}).workspace(folder / "workspace")
    end = time.monotonic() + 25
    count = 0
    while time.monotonic() < end:
        workspace.git("ls-remote", WIDGETS)
        count += 1
        time.sleep(0.2)
    # A token serves for four seconds, and what is asked meanwhile makes no other.
    assert 4 <= len(mints(github)) <= 10 and len(mints(github)) < count


def test_the_old_token_serves_while_github_mints_none(start, folder, github):
    github.setting(token_lifetime=20)
    workspace = start(token={"refresh_before": "15s", "minimum_life": "2s"}).workspace(folder / "workspace")
    workspace.git("ls-remote", WIDGETS)
    github.fault(path=MINT, status=503)
    time.sleep(9)
    workspace.git("ls-remote", WIDGETS)
    github.heal()
    time.sleep(8)
    workspace.git("ls-remote", WIDGETS)


# Installations.

def test_an_installation_under_a_new_id(workspace, github):
    workspace.git("ls-remote", WIDGETS)
    github.control("POST", "/installation", owner="acme", reinstalled=True)
    workspace.git("ls-remote", GADGETS)
    workspace.git("ls-remote", WIDGETS)


def test_an_installation_that_is_gone(workspace, github):
    github.control("POST", "/installation", owner="acme", removed=True)
    assert "the GitHub App is not installed for acme" in refused(workspace)


def test_a_suspended_installation(start, folder):
    workspace = start(repositories=[{"match": "*/*", "fetch": True}]).workspace(folder / "workspace")
    assert "This installation has been suspended" in refused(workspace, "https://github.com/umbrella/vault")


def test_an_ip_allow_list(start, folder):
    workspace = start(repositories=[{"match": "*/*", "fetch": True}]).workspace(folder / "workspace")
    assert "IP allow list" in refused(workspace, "https://github.com/hooli/search")


def test_nobody_installed_the_app(start, folder):
    workspace = start(repositories=[{"match": "*/*", "fetch": True}]).workspace(folder / "workspace")
    assert "not installed for initech" in refused(workspace, "https://github.com/initech/tps")


def test_a_repository_that_is_not_covered(workspace):
    assert "not accessible to the parent installation" in refused(workspace, "https://github.com/acme/uncovered")
    assert "covers no repository does-not-exist" in refused(workspace, "https://github.com/acme/does-not-exist")


def test_permissions_that_are_not_granted(start, folder, github):
    github.control("POST", "/installation", owner="acme", permissions={"contents": "read", "metadata": "read"})
    workspace = start().workspace(folder / "workspace")
    clone = workspace.clone(WIDGETS)
    workspace.commit(clone, {"a": "1"}, branch="topic")
    said = workspace.git("push", "origin", "topic", cwd=clone, check=False, timeout=SECONDS).err
    assert "permissions requested are not granted" in said and "Everything up-to-date" not in said


# Names.

def test_a_renamed_repository(workspace, github):
    workspace.git("ls-remote", "https://github.com/acme/old-name")
    github.rename("acme/widgets", "wheels")
    clone = workspace.clone(WIDGETS)
    workspace.git("fetch", cwd=clone)


def test_a_renamed_repository_of_the_api(gitlatch, github):
    """The redirect asks what was asked."""
    github.rename("acme/widgets", "wheels")
    with Raw.intercepted(gitlatch, "api.github.com") as raw:
        answer = raw.ask("GET", "/repos/acme/widgets/issues?state=closed&page=2", host="api.github.com")
    assert answer.status == 301
    assert answer.header("Location") == "https://api.github.com/repos/acme/wheels/issues?state=closed&page=2"


def test_a_renamed_owner(start, folder, github):
    workspace = start(repositories=[{"match": "acme/*", "fetch": True}, {"match": "apex/*", "fetch": True}]).workspace(
        folder / "workspace")
    workspace.git("ls-remote", GADGETS)
    github.control("POST", "/owner/rename", owner="acme", name="apex")
    workspace.git("ls-remote", WIDGETS)


def test_a_new_name_that_the_rules_do_not_hold(start, folder, github):
    workspace = start(repositories=[{"match": "acme/widgets", "fetch": True}], other_repositories="deny").workspace(
        folder / "workspace")
    github.rename("acme/widgets", "wheels")
    assert "no rule allows this repository" in refused(workspace)


# GitHub in trouble.

STUMBLES = {
    "503 twice": dict(count=2, status=503),
    "a reset": dict(count=1, reset=True),
    "closed": dict(count=1, close=True),
    "half an answer": dict(count=1, status=201, body={"token": "ghs_" + "x" * 36}, cut_after=10, reset=True),
    "wrong JSON": dict(count=1, status=201, body="{\"token\": "),
    "duplicate keys": dict(count=1, status=201, body="{\"token\": \"a\", \"token\": \"b\"}"),
    "too much": dict(count=1, status=201, size=1 << 30),
    "a page": dict(count=1, status=200, body="<html>It works!</html>"),
}


@pytest.mark.parametrize("fault", STUMBLES.values(), ids=STUMBLES)
def test_a_stumble_is_not_seen(workspace, github, fault):
    github.fault(path=MINT, **fault)
    workspace.git("ls-remote", WIDGETS)


FALLS = {
    "500": (dict(status=500), "token_unreachable"),
    "resets": (dict(reset=True), "token_unreachable"),
    "hangs": (dict(hang=True), "token_"),
    "wrong JSON": (dict(status=201, body="{"), "token_source"),
    "a gigabyte": (dict(status=201, size=1 << 30), "token_source"),
    "a token that is wider": (None, "scope"),
}


@pytest.mark.parametrize("fault, reason", FALLS.values(), ids=FALLS)
def test_a_fall_is_told(gitlatch, workspace, github, fault, reason):
    if fault:
        github.fault(path=MINT, **fault)
    else:
        github.control("POST", "/grant", permissions={"administration": "write"})
    said = refused(workspace)
    assert "gitlatch:" in said, said
    assert gitlatch.wait_audit(event="request", repository="acme/widgets")["reason"].startswith(reason)
    assert gitlatch.wait_audit(event="mint")["result"] != "ok"
    resident = int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{gitlatch.process.pid}/status").read())[1])
    assert resident < 200 * 1024


@pytest.fixture
def impatient(start, folder):
    """A workspace whose gitlatch waits a few seconds for a token."""
    return start(limits={"token": "4s"}).workspace(folder / "workspace")


# The calls that come before a mint: who has the App installed, and what it covers.
@pytest.mark.parametrize("fault", [fault for fault, _ in FALLS.values() if fault], ids=[name for name in FALLS if "wider" not in name])
def test_a_fall_of_the_lookup_is_told(impatient, github, fault):
    github.fault(path="*/installation", **fault)
    said = refused(impatient)
    assert "gitlatch:" in said and "api.github.com" in said or "limits.token" in said, said
    assert not mints(github)
    github.heal()
    wait_until(lambda: impatient.git("ls-remote", WIDGETS, check=None).code == 0, "served again", SECONDS)


@pytest.mark.parametrize("fault", [fault for fault, _ in FALLS.values() if fault], ids=[name for name in FALLS if "wider" not in name])
def test_a_fall_is_told_in_each_form(impatient, github, fault):
    """A push, Git LFS and the API: each ends with a sentence that its tool shows."""
    clone = impatient.clone(WIDGETS)  # its token can read, and is no use for what follows
    impatient.commit(clone, {"a": "1"}, branch="topic")
    github.fault(path=MINT, **fault)
    said = impatient.git("push", "origin", "topic", cwd=clone, check=False, timeout=SECONDS).err
    assert "gitlatch:" in said and "Everything up-to-date" not in said, said
    assert github.head("acme/widgets", "refs/heads/topic") is None
    batch = json.dumps({"operation": "upload", "objects": [{"oid": "0" * 64, "size": 1}]})
    for arguments in (["-X", "POST", "-d", batch, f"{WIDGETS}/info/lfs/objects/batch"],
                      ["https://api.github.com/repos/acme/widgets/pulls"]):
        code, body = impatient.status(*arguments)
        assert code in (502, 503) and "gitlatch" in json.loads(body)["message"], (code, body)


def test_a_key_that_github_does_not_know(start, folder):
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out",
                    folder / "other.pem"], check=True, capture_output=True)
    gitlatch = start(credentials=[{"type": "app", "app_id": APP_ID, "private_key": str(folder / "other.pem")}])
    said = refused(gitlatch.workspace(folder / "workspace"))
    assert "A JSON web token could not be decoded" in said and "app_key" in said, said


@pytest.mark.parametrize("status, fault", [
    (403, dict(body={"message": "API rate limit exceeded for installation ID 700001."},
               headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 1800)})),
    (403, dict(body={"message": "You have exceeded a secondary rate limit."}, headers={"Retry-After": "77"})),
    (429, dict(body={"message": "You have exceeded a secondary rate limit."})),
], ids=["primary", "secondary", "without a time"])
def test_rate_limits_are_obeyed(workspace, github, status, fault):
    github.fault(path=MINT, status=status, **fault)
    assert "rate limit" in refused(workspace)
    asked = len(mints(github))
    assert "rate limit" in refused(workspace) or "asked to wait" in refused(workspace, GADGETS)
    assert len(mints(github)) == asked
    code, head = workspace.status("--dump-header", "-", "--output", "/dev/null",
                                  WIDGETS + "/info/refs?service=git-upload-pack")
    assert code == 429 and int(re.search(r"(?i)retry-after: (\d+)", head)[1]) >= 50


@pytest.mark.parametrize("use", ["untrusted", "wrong_name", "expired"])
def test_a_certificate_that_is_not_trusted(workspace, github, use):
    github.control("POST", "/certificate", use=use, host="api.github.com")
    said = refused(workspace)
    assert "api.github.com" in said and "certificate" in said


# The key.

def pkcs1(folder, key):
    path = folder / "pkcs1.pem"
    subprocess.run(["openssl", "rsa", "-traditional", "-in", key, "-out", path], check=True, capture_output=True)
    return path


def test_a_key_in_either_form_is_read_again_when_it_changes(start, folder, github):
    key = folder / "app.pem"
    key.write_bytes(pkcs1(folder, github.app_key).read_bytes())
    gitlatch = start(credentials=[{"type": "app", "app_id": APP_ID, "private_key": str(key)}])
    workspace = gitlatch.workspace(folder / "workspace")
    workspace.git("ls-remote", WIDGETS)
    (folder / "next.pem").write_bytes(github.app_key.read_bytes())
    (folder / "next.pem").rename(key)
    workspace.git("ls-remote", WIDGETS)
    assert len(mints(github)) == 2
    # What cannot be used is not taken, and said.
    key.write_text("not a key")
    workspace.git("ls-remote", WIDGETS)
    gitlatch.wait_log("keeps its old key")
    assert len(mints(github)) == 2


def test_a_key_kept_elsewhere(start, folder, github):
    sign = ["openssl", "dgst", "-sha256", "-sign", str(github.app_key)]
    workspace = start(credentials=[{"type": "app", "app_id": APP_ID, "sign_command": sign}]).workspace(
        folder / "workspace")
    workspace.git("ls-remote", WIDGETS)


# Single flight.

def test_a_crowd_is_one_mint(workspace, github):
    github.fault(path=MINT, count=1, delay_ms=1500)
    crowd = [subprocess.Popen(["git", "ls-remote", WIDGETS], env=workspace.env, stdout=subprocess.DEVNULL)
             for _ in range(12)]
    assert [git.wait(60) for git in crowd] == [0] * 12
    assert len(mints(github)) == 1


def test_metrics_and_events_name_what_was_minted(gitlatch, workspace, github):
    workspace.git("ls-remote", WIDGETS)
    event = gitlatch.wait_audit(event="mint")
    assert (event["source"], event["scope"], event["result"]) == ("app", "acme/widgets contents:read", "ok")
    request = gitlatch.wait_audit(event="request", repository="acme/widgets")
    assert request["source"] == "app" and re.fullmatch("[0-9a-f]{12}", request["token"])
    wait_until(lambda: gitlatch.metrics().sum("gitlatch_token_mints_total", source="app", result="ok") == 1, "counted")
    end = gitlatch.metrics().sum("gitlatch_token_expiration_timestamp_seconds", scope="acme/widgets contents:read")
    assert 3000 < end - time.time() < 3700
    assert gitlatch.metrics().sum("gitlatch_github_rate_limit_remaining", source="app") > 0
