"""The mock GitHub mints tokens as strictly as GitHub does."""
import re
import time

import pytest
from lib.direct import API, WIDGETS, direct, sign_jwt  # noqa: F401

NOT_DECODED = "A JSON web token could not be decoded"
EXPIRY = "'Expiration time' claim ('exp')"
ISSUED = "'Issued at' claim ('iat')"


def now():
    return int(time.time())


def test_the_app_by_its_id_and_by_its_client_id(direct):
    for issuer in (12345, "12345", "Iv23limockgithub0001"):
        code, app = direct.api("/app", direct.jwt(iss=issuer))
        assert (code, app["id"]) == (200, 12345)


@pytest.mark.parametrize("changes,code,message", [
    ({"iss": 999}, 404, "Integration not found"),
    ({"iss": None}, 401, "Missing 'issuer' claim"),
    ({"exp": None}, 401, EXPIRY),
    ({"exp": lambda: now() - 1}, 401, EXPIRY),
    ({"exp": lambda: now() + 630}, 401, EXPIRY),
    ({"iat": lambda: now() + 60}, 401, ISSUED),
    ({"iat": "yesterday"}, 401, ISSUED)])
def test_claims_are_checked(direct, changes, code, message):
    changes = {name: value() if callable(value) else value for name, value in changes.items()}
    status, answer = direct.api("/app", direct.jwt(**changes))
    assert status == code and answer["message"].startswith(message)


def test_signature_and_algorithm_are_checked(direct, folder):
    direct.run("openssl", "genrsa", "-out", folder / "other.pem", "2048")
    head, claims, signature = direct.jwt().split(".")
    for jwt in (sign_jwt(folder / "other.pem"), f"{head}.{claims}.", f"{head}.{claims}.{signature[:-8]}AAAAAAAA",
                sign_jwt(direct.github.app_key, algorithm="none"), sign_jwt(direct.github.app_key, algorithm="HS256")):
        code, answer = direct.api("/app", jwt)
        assert code == 401 and answer["message"] == NOT_DECODED


def test_the_clock_can_be_wrong(direct, github):
    for offset, claims, message in ((-120, {}, EXPIRY), (-120, {"exp": now() + 60}, ISSUED), (700, {}, EXPIRY)):
        github.setting(clock_offset=offset)
        code, answer = direct.api("/app", direct.jwt(**claims))
        assert code == 401 and answer["message"].startswith(message)
        dated = direct.curl("--head", API).out
        shown = time.mktime(time.strptime(re.search(r"Date: (.*) GMT", dated)[1], "%a, %d %b %Y %H:%M:%S"))
        assert abs(shown - time.mktime(time.gmtime()) - offset) < 10


def test_installations_are_looked_up(direct):
    jwt = direct.jwt()
    for path, expected in (("/repos/acme/widgets/installation", 700001), ("/orgs/acme/installation", 700001),
                           ("/users/octocat/installation", 700005), ("/app/installations/700002", 700002)):
        assert direct.api(path, jwt)[1]["id"] == expected
    for path in ("/repos/acme/none/installation", "/repos/initech/tps/installation", "/orgs/initech/installation",
                 "/repos/acme/uncovered/installation", "/users/acme/installation", "/orgs/octocat/installation",
                 "/app/installations/1"):
        assert direct.api(path, jwt)[0] == 404, path
    assert {one["id"] for one in direct.api("/app/installations", jwt)[1]} >= {700001, 700005}
    assert direct.api("/app/installations", direct.token())[0] == 401


def test_apps_are_told_apart(direct, github):
    other = github.app(23456)
    at_initech, at_acme = github.install("initech", 23456), github.install("acme", 23456)
    mine, jwt = direct.jwt(), sign_jwt(other["private_key"], iss=23456)
    assert direct.api("/app", sign_jwt(other["private_key"], iss="Iv23limock0000023456"))[1]["slug"] == "gitlatch-mock-23456"
    for wrong in (sign_jwt(other["private_key"]), direct.jwt(iss=23456)):
        assert direct.api("/app", wrong)[1]["message"] == NOT_DECODED, "another App's key"
    assert [one["id"] for one in direct.api("/app/installations", jwt)[1]] == [at_initech, at_acme]
    for path, found, ours in (("/orgs/initech/installation", at_initech, None), ("/orgs/globex/installation", None, 700002),
                              ("/repos/acme/widgets/installation", at_acme, 700001)):
        assert [direct.api(path, who)[1].get("id") for who in (jwt, mine)] == [found, ours], path
    assert direct.mint(at_initech)[0] == direct.mint(700001, jwt)[0] == 404, "another App's installation"
    token = direct.token(installation=at_initech, jwt=jwt)
    assert token.startswith("ghs_23456_") and direct.api("/repos/initech/tps", token)[0] == 200
    github.control("POST", "/installation", owner="initech", app=23456, removed=True)
    assert direct.api("/repos/initech/tps", token)[0] == 401


def test_a_token_is_long_and_opaque(direct, github):
    tokens = [direct.token() for _ in range(8)]
    assert len({len(token) for token in tokens}) > 1
    for token in tokens:
        assert re.fullmatch(r"ghs_12345_[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", token), token
        assert 480 <= len(token) <= 560 and "-" in token
    github.setting(old_token_format=1)
    assert re.fullmatch(r"ghs_[A-Za-z0-9]{36}", direct.token())


def test_a_token_is_as_narrow_as_asked(direct):
    code, answer = direct.mint(repositories=["widgets"], permissions={"contents": "read"})
    assert code == 201
    assert answer["permissions"] == {"contents": "read", "metadata": "read"}
    assert [(one["full_name"], one["id"]) for one in answer["repositories"]] == [("acme/widgets", 500001)]
    assert answer["repository_selection"] == "selected"
    left = time.mktime(time.strptime(answer["expires_at"], "%Y-%m-%dT%H:%M:%SZ")) - time.mktime(time.gmtime())
    assert 3590 < left <= 3601
    token = answer["token"]
    assert direct.api("/repos/acme/widgets", token)[0] == 200
    assert direct.api("/repos/acme/gadgets", token)[0] == 404
    assert direct.api("/repos/acme/widgets/issues", token)[0] == 403
    code, answer = direct.api("/repos/acme/widgets/contents/x", token, "PUT", {"message": "m", "content": ""})
    assert code == 403 and answer["message"] == "Resource not accessible by integration"


def test_nothing_asked_is_everything_granted(direct):
    """The trap: an empty list or an empty set of permissions does not narrow."""
    for body in ({}, {"repositories": [], "permissions": {}}):
        code, answer = direct.mint(**body)
        assert code == 201 and "repositories" not in answer and answer["permissions"]["contents"] == "write"
        assert direct.api("/repos/acme/gadgets", answer["token"])[0] == 200


def test_repositories_by_id_and_their_number(direct, github):
    assert direct.mint(repository_ids=[500001])[1]["repositories"][0]["name"] == "widgets"
    code, answer = direct.mint(repositories=["widgets"] * 501)
    assert code == 422
    assert direct.mint(repositories=["widgets"] * 500)[0] == 201


@pytest.mark.parametrize("body,message", [
    ({"repositories": ["none"]}, "There is at least one repository that does not exist or is not accessible to the "
                                 "parent installation."),
    ({"repositories": ["lib"]}, "There is at least one repository"),
    ({"repositories": ["uncovered"]}, "There is at least one repository"),
    ({"repositories": ["old-name"]}, "There is at least one repository"),
    ({"repository_ids": [1]}, "There is at least one repository"),
    ({"permissions": {"administration": "read"}}, "The permissions requested are not granted to this installation."),
    ({"permissions": {"contents": "admin"}}, "The permissions requested are not granted")])
def test_what_is_not_granted_is_422(direct, body, message):
    code, answer = direct.mint(**body)
    assert code == 422 and answer["message"].startswith(message)


def test_suspended_allow_list_and_unknown(direct):
    code, answer = direct.mint(700003)
    assert code == 403 and answer["message"] == "This installation has been suspended"
    code, answer = direct.mint(700004)
    assert code == 403 and "IP allow list enabled" in answer["message"]
    assert direct.mint(1)[0] == 404


def test_an_installation_that_changes(direct, github):
    token = direct.token()
    github.control("POST", "/installation", owner="acme", suspended=True)
    code, answer = direct.api("/repos/acme/widgets", token)
    assert code == 403 and answer["message"] == "This installation has been suspended"
    github.control("POST", "/installation", owner="acme", suspended=False)
    assert direct.api("/repos/acme/widgets", token)[0] == 200
    github.control("POST", "/installation", owner="acme", reinstalled=True)
    assert direct.api("/repos/acme/widgets", token)[0] == 401
    assert direct.mint(700001)[0] == 404
    again = direct.api("/repos/acme/widgets/installation", direct.jwt())[1]["id"]
    assert again > 700005 and direct.mint(again)[0] == 201


def test_tokens_expire_and_are_revoked(direct, github):
    github.setting(token_lifetime=2)
    token = direct.token()
    assert direct.api("/repos/acme/widgets", token)[0] == 200
    time.sleep(2.1)
    code, answer = direct.api("/repos/acme/widgets", token)
    assert code == 401 and answer["message"] == "Bad credentials"
    github.setting(token_lifetime=3600)
    token, other = direct.token(), direct.token()
    assert direct.status("--request", "DELETE", "--header", f"Authorization: Bearer {token}",
                         f"{API}/installation/token")[0] == 204
    assert direct.api("/repos/acme/widgets", token)[0] == 401
    assert direct.api("/repos/acme/widgets", other)[0] == 200
    github.revoke()
    assert direct.api("/repos/acme/widgets", other)[0] == 401
    assert "Invalid username or token" in direct.use(other).git("ls-remote", WIDGETS, check=False).err


@pytest.mark.parametrize("status", [401, 403])
def test_replicas_lag(direct, github, status):
    github.setting(replication_lag_ms=1500, replication_status=status)
    token = direct.token()
    assert direct.api("/repos/acme/widgets", token)[0] == status
    assert direct.ls_remote(token=token, check=False).code != 0
    time.sleep(1.6)
    assert direct.api("/repos/acme/widgets", token)[0] == 200
    assert "refs/heads/main" in direct.ls_remote(token=token).out


def test_a_grant_can_be_wider_than_asked(direct, github):
    github.control("POST", "/grant", permissions={"administration": "write"})
    assert direct.mint(permissions={"contents": "read"})[1]["permissions"]["administration"] == "write"
    github.control("POST", "/grant", permissions=None)
    assert "administration" not in direct.mint(permissions={"contents": "read"})[1]["permissions"]


def test_rate_limits(direct, github):
    token = direct.token()
    github.control("POST", "/installation", owner="acme", rate_remaining=1, rate_reset_in=2)
    assert direct.api("/repos/acme/widgets", token)[0] == 200
    limited = direct.curl("--include", "--header", f"Authorization: Bearer {token}", f"{API}/repos/acme/widgets").out
    assert "403 Forbidden" in limited and "API rate limit exceeded for installation ID 700001." in limited
    assert re.search(r"X-RateLimit-Remaining: 0\r", limited)
    reset = int(re.search(r"X-RateLimit-Reset: (\d+)", limited)[1])
    assert abs(reset - now()) <= 3
    time.sleep(max(0, reset - time.time()) + 0.1)
    assert direct.api("/repos/acme/widgets", token)[0] == 200
    github.fault(count=1, preset="secondary_rate_limit")
    limited = direct.curl("--include", "--header", f"Authorization: Bearer {token}", f"{API}/repos/acme/widgets").out
    assert "403 Forbidden" in limited and "Retry-After: 60" in limited and "secondary rate limit" in limited


def test_a_token_is_good_for_one_github(direct):
    server, cloud = "https://ghe.test/api/v3", "https://api.acme.ghe.com"
    for base in (server, cloud):
        code, answer = direct.mint(base=base)
        assert code == 201
        assert direct.api("/repos/acme/widgets", answer["token"], base=base)[0] == 200
        assert direct.api("/repos/acme/widgets", answer["token"])[0] == 401
    assert "refs/heads/main" in direct.ls_remote("https://ghe.test/acme/widgets", direct.mint(base=server)[1]["token"]).out


def test_the_record_knows_tokens_and_scopes(direct, github):
    token = direct.token(repositories=["widgets"], permissions={"contents": "read"})
    direct.ls_remote(token=token)
    direct.status("--header", f"Authorization: Bearer {token}", "https://other.test/leak")
    mint, *git, leak = github.requests()
    assert mint.auth == "jwt" and mint.status == 201
    assert git and all(request.auth == "basic" and request.scope["repository_ids"] == [500001]
                       and request.scope["permissions"]["contents"] == "read" for request in git)
    assert leak.host == "other.test" and leak.auth == "bearer" and leak.token == git[0].token
    assert github.tokens() == [token]
