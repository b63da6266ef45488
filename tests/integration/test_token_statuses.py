"""Why no token can be had, and the status that each form of request has for it: reads are tried without a token where
product and configuration allow it, what somebody must mend has no Retry-After, what passes has one."""
import json
import re
import subprocess

import pytest
from lib.github import APP_ID

MINT = "/app/installations/*/access_tokens"
PUBLIC = "https://github.com/acme/public.git"
API = "https://api.github.com/repos/acme/public"
RULES = [{"match": "acme/*", "fetch": True, "push": True, "permissions": {"issues": "write"}}]
UNCOVERED = "There is at least one repository that does not exist or is not accessible to the parent installation."

# reason: (the fault, the status, passes with time)
FAULTS = {
    "not_installed": (dict(path="*/installation", status=404, body={"message": "Not Found"}), 404, False),
    "not_covered": (dict(path=MINT, status=422, body={"message": UNCOVERED}), 404, False),
    "suspended": (dict(path=MINT, status=403, body={"message": "This installation has been suspended"}), 403, False),
    "not_granted": (dict(path=MINT, status=422, body={
        "message": "The permissions requested are not granted to this installation."}), 403, False),
    "ip_allow_list": (dict(path=MINT, status=403, body={
        "message": "Although you appear to have the correct authorization credentials, the `acme` organization has an IP "
                   "allow list enabled, and your IP address is not permitted to access this resource."}), 403, False),
    "app_key": (dict(path=MINT, status=401, body={"message": "A JSON web token could not be decoded"}), 502, False),
    "scope": (None, 502, False),
    "rate_limited": (dict(path=MINT, status=403, body={"message": "You have exceeded a secondary rate limit."},
                          headers={"Retry-After": "77"}), 429, True),
    "token_unreachable": (dict(path=MINT, status=500), 503, True),
    "token_source": (dict(path=MINT, status=201, body="{"), 503, True),
}
# Where a read without a token is what the workspace would have had without gitlatch.
TRIED_WITHOUT = {"not_installed", "not_covered", "suspended", "no_credential"}


def head_of(workspace, *arguments):
    code, head = workspace.status("--dump-header", "-", "--output", "/dev/null", *arguments)
    return code, "retry-after" in head.lower(), "www-authenticate" in head.lower()


def asks(workspace):
    """{form: (status, has Retry-After, would make git prompt)}"""
    return {
        "fetch": head_of(workspace, PUBLIC + "/info/refs?service=git-upload-pack"),
        "push": head_of(workspace, PUBLIC + "/info/refs?service=git-receive-pack"),
        "api": head_of(workspace, API),
        "api write": head_of(workspace, "-X", "POST", "-d", "{}", API + "/issues"),
        "lfs upload": head_of(workspace, "-X", "POST", "-H", "Content-Type: application/vnd.git-lfs+json", "-d",
                              json.dumps({"operation": "upload", "objects": [{"oid": "0" * 64, "size": 1}]}),
                              PUBLIC + "/info/lfs/objects/batch"),
    }


def holds(workspace, reason, status, passes, closed):
    for form, (code, retry_after, prompt) in asks(workspace).items():
        tried = not closed and form in ("fetch", "api") and reason in TRIED_WITHOUT
        assert code == (200 if tried else status), (reason, form, code)
        assert retry_after == (passes and not tried), (reason, form)
        assert not prompt, (reason, form)


@pytest.mark.parametrize("closed", [False, True], ids=["anonymous", "deny"])
@pytest.mark.parametrize("reason", FAULTS)
def test_each_reason_has_its_status(start, folder, github, reason, closed):
    fault, status, passes = FAULTS[reason]
    gitlatch = start(repositories=RULES, limits={"token": "4s"}, **({"other_repositories": "deny"} if closed else {}))
    workspace = gitlatch.workspace(folder / "workspace")
    if fault:
        github.fault(**fault)
    else:
        github.control("POST", "/grant", permissions={"administration": "write"})
    holds(workspace, reason, status, passes, closed)
    code, body = workspace.status("-X", "POST", "-d", "{}", API + "/issues")
    assert code == status and f"reason {reason}" in json.loads(body)["message"], body


@pytest.mark.parametrize("closed", [False, True], ids=["anonymous", "deny"])
def test_no_credential(start, folder, closed):
    gitlatch = start(credentials=[{"type": "environment", "name": "NOT_SET"}], repositories=RULES,
                     **({"other_repositories": "deny"} if closed else {}))
    holds(gitlatch.workspace(folder / "workspace"), "no_credential", 502, False, closed)


def test_a_clock_that_is_wrong(start, folder, github):
    """An hour off is more than GitHub and we bridge."""
    github.fault(path=MINT, status=401, body={
        "message": "'Expiration time' claim ('exp') is too far in the future"})
    gitlatch = start(repositories=RULES, limits={"token": "4s"})
    holds(gitlatch.workspace(folder / "workspace"), "clock", 502, False, False)


def test_a_broker_that_denies(start, start_broker, kubernetes, folder, github):
    """Its rules were told; then the sidecar's own token is one that the cluster does not know."""
    broker = start_broker(grants=[{"namespace": "team-a", "service_account": "workspace", "repositories": [
        {"match": "acme/*", "fetch": True, "push": True, "permissions": {"issues": "write"}}]}])
    token_file = folder / "sa-token"
    token_file.write_text(kubernetes.issue())
    workspace = start(credentials=[broker.credential(token_file)], repositories=None).workspace(folder / "workspace")
    workspace.git("ls-remote", "https://github.com/acme/widgets.git")
    token_file.write_text("forged.token.here")
    holds(workspace, "broker_denied", 403, False, False)


def test_a_key_of_another_app(start, folder):
    key = folder / "other.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key],
                   check=True, capture_output=True)
    gitlatch = start(credentials=[{"type": "app", "app_id": APP_ID, "private_key": str(key)}], repositories=RULES)
    holds(gitlatch.workspace(folder / "workspace"), "app_key", 502, False, False)
    assert re.search("app_key", (gitlatch.folder / "audit.jsonl").read_text())
