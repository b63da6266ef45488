"""`gitlatch check` of a broker: the keys of its issuers, and what its grants say to a caller's token."""
import json
import shutil

import pytest
from lib.broker import Broker
from lib.gitlatch import BINARY
from lib.issuer import Issuer

FETCH = [{"match": "acme/widgets", "fetch": True}]


@pytest.fixture
def issuer(authority):
    issuer = Issuer(authority)
    yield issuer
    issuer.stop()


@pytest.fixture
def broker(folder, github, kubernetes, authority, issuer):
    """A broker's configuration; nothing is started."""
    return Broker(folder / "broker", github, kubernetes, authority,
                  grants=[{"issuer": "actions", "claims": {"repository": "acme/widgets", "ref": "refs/heads/*"},
                           "repositories": FETCH}], broker={"issuers": [issuer.config("actions")]})


def check(outside, broker, *arguments, **options):
    return outside.run(BINARY, "check", "-c", broker.config_path, *arguments, **options)


def test_check_fetches_each_key_set(outside, broker, issuer, authority, folder):
    (folder / "keys.json").write_text(json.dumps(issuer.key_set))
    other = Issuer(authority, "other")
    other.stop()
    broker.config["broker"]["issuers"] += [{"name": "file", "issuer": "https://ci.corp.example",
                                            "jwks_file": str(folder / "keys.json")}, other.config("other")]
    broker.write_config()
    tried = check(outside, broker, check=False)
    assert "ok    broker.issuers: actions: 1 key fetched" in tried.out
    assert "ok    broker.issuers: file: 1 key in its file" in tried.out
    assert "FAIL  broker.issuers: other: the discovery document: " in tried.out
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]
    # No grant is for a service account: the cluster's files are not asked for.
    assert "broker.kubernetes" not in tried.out
    issuer.broken = (500, b"")
    broker.config["broker"]["issuers"] = [issuer.config("actions"),
                                          {"name": "file", "issuer": "https://x.example", "jwks_file": "/nowhere"}]
    broker.write_config()
    tried = check(outside, broker, check=False)
    assert "FAIL  broker.issuers: actions: the key set: it answered 500; its callers are refused until that is mended" \
        in tried.out
    assert "FAIL  broker.issuers: file: jwks_file: /nowhere: " in tried.out


def test_explain_says_which_grant_and_which_claim(outside, broker, issuer, folder):
    token = folder / "token"
    token.write_text(issuer.actions() + "\n")
    said = check(outside, broker, "--explain", "--token", token).out
    assert "caller: actions repo:acme/widgets:ref:refs/heads/main" in said and "match broker.grants[0]" in said
    said = check(outside, broker, "--explain", "--token", "-", "fetch", "acme/widgets", input=issuer.actions()).out
    assert "fetch acme/widgets: allowed" in said
    assert "denied" in check(outside, broker, "--explain", "--token", token, "push", "acme/widgets", check=False).out
    token.write_text(issuer.actions(ref="refs/tags/v1"))
    said = check(outside, broker, "--explain", "--token", token, check=False).out
    assert "the token's `ref` is \"refs/tags/v1\", and must be refs/heads/*" in said
    claims = folder / "claims.json"
    claims.write_text(json.dumps({"repository": "globex/lib", "ref": "refs/heads/main"}))
    said = check(outside, broker, "--explain", "--claims", claims, check=False).out
    assert "the token's `repository` is \"globex/lib\", and must be acme/widgets" in said and "`ref`" not in said
    # Nobody was asked.
    assert issuer.asked == []


def test_explain_of_what_is_no_token(outside, broker, folder):
    path = folder / "token"
    path.write_text("x")
    assert "the token is no signed JWT" in check(outside, broker, "--explain", "--token", path, check=False).err
    assert "No such file" in check(outside, broker, "--explain", "--token", folder / "none", check=False).err
    assert "go with --explain" in check(outside, broker, "--token", path, check=False).err
    shutil.copy("/dev/null", path)
    assert "the token is no signed JWT" in check(outside, broker, "--explain", "--token", path, check=False).err
