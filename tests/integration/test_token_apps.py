"""Several Apps: each serves where it is installed, and one that refuses is not gone round."""
import json

import pytest
from lib.github import APP_ID

FIRST, SECOND = int(APP_ID), 23456
RULES = [{"match": "*/*", "fetch": True, "push": True}]
WIDGETS = "https://github.com/acme/widgets.git"
TPS = "https://github.com/initech/tps.git"
SECONDS = 100  # more than `limits.token`


@pytest.fixture
def apps(github):
    """The `credentials` of two Apps; the second is installed at initech alone, where the first is not."""
    second = github.app(SECOND)
    github.install("initech", SECOND)
    return [{"type": "app", "app_id": APP_ID, "private_key": str(github.app_key)}, second]


@pytest.fixture
def both(github, apps):
    """The same, and both are installed at acme."""
    github.install("acme", SECOND)
    return apps


def app_of(github, request):
    """The id of the App whose token a request carried."""
    owners = {one["id"]: one["app"] for one in json.loads(github.control("GET", "/installation"))}
    return owners[request.scope["installation"]]


def carried(github, path):
    """The Apps whose tokens came with requests for a path, in order."""
    return [app_of(github, request) for request in github.requests()
            if request.path.startswith(path) and request.auth in ("basic", "bearer")]


def mints(github):
    return [request for request in github.requests(method="POST") if request.path.endswith("/access_tokens")]


def refused(workspace, url=WIDGETS):
    return workspace.git("ls-remote", url, check=False, timeout=SECONDS).err


def test_each_owner_is_served_by_the_app_that_is_installed_there(start, folder, github, apps):
    gitlatch = start(credentials=apps, repositories=RULES)
    workspace = gitlatch.workspace(folder / "workspace")
    for repository, app, source in (("acme/widgets", FIRST, "app"), ("initech/tps", SECOND, "app-2")):
        clone = workspace.clone(f"https://github.com/{repository}.git")
        workspace.commit(clone, {"a": "1"}, branch="topic")
        workspace.git("push", "origin", "topic", cwd=clone)
        assert set(carried(github, f"/{repository}")) == {app}
        gitlatch.wait_audit(operation="push", repository=repository, source=source)
        assert {event["source"] for event in gitlatch.audit(event="request", repository=repository)} == {source}
    assert {len(request.scope["repository_ids"]) for request in github.requests(host="github.com") if request.scope} == {1}
    metrics = gitlatch.metrics()
    assert [metrics.sum("gitlatch_token_mints_total", source=source, result="ok") for source in ("app", "app-2")] == [2, 2]


def test_the_api_is_served_by_the_owners_app(start, folder, github, apps):
    rules = [{**RULES[0], "permissions": {"issues": "read"}}]
    workspace = start(credentials=apps, repositories=rules, github={"default_owner": "initech"}).workspace(
        folder / "workspace")
    for path in ("/repos/initech/tps/issues", "/repos/acme/widgets/issues", "/search/repositories?q=tps"):
        assert workspace.status(f"https://api.github.com{path}")[0] == 200, path
    assert carried(github, "/repos/initech/tps/issues") == carried(github, "/search/") == [SECOND]
    assert carried(github, "/repos/acme/widgets/issues") == [FIRST]


def test_an_owner_where_none_is_installed(start, folder, github, apps):
    workspace = start(credentials=apps, repositories=RULES).workspace(folder / "workspace")
    said = refused(workspace, "https://github.com/mallory/exfil")
    assert "the GitHub App is not installed for mallory" in said
    looked = {request.path for request in github.requests() if request.auth == "jwt"}
    assert looked == {"/repos/mallory/exfil/installation", "/orgs/mallory/installation", "/users/mallory/installation"}
    assert not mints(github)


def test_an_app_that_is_suspended_is_not_gone_round(start, folder, github, both):
    github.install("acme", FIRST, suspended=True)
    workspace = start("one", credentials=both, repositories=RULES).workspace(folder / "one-workspace")
    assert "This installation has been suspended" in refused(workspace)
    workspace.git("ls-remote", TPS)
    assert carried(github, "/acme/") == [] and carried(github, "/initech/")[0] == SECOND
    second = {**both[1], "also_when_refused": True}
    gitlatch = start("two", credentials=[both[0], second], repositories=RULES)
    gitlatch.workspace(folder / "two-workspace").git("ls-remote", WIDGETS)
    assert gitlatch.wait_audit(event="request", repository="acme/widgets")["source"] == "app-2"


def test_nor_is_one_that_does_not_cover_the_repository(start, folder, github, both):
    workspace = start(credentials=both, repositories=RULES).workspace(folder / "workspace")
    assert "not accessible to the parent installation" in refused(workspace, "https://github.com/acme/uncovered")
    assert carried(github, "/acme/") == []


def test_nor_one_that_was_not_granted_the_permission(start, folder, github, both):
    github.install("acme", FIRST, permissions={"contents": "read", "metadata": "read"})
    workspace = start(credentials=both, repositories=RULES).workspace(folder / "workspace")
    clone = workspace.clone(WIDGETS)
    workspace.commit(clone, {"a": "1"}, branch="topic")
    said = workspace.git("push", "origin", "topic", cwd=clone, check=False, timeout=SECONDS).err
    assert "permissions requested are not granted" in said
    assert set(carried(github, "/acme/")) == {FIRST}


def test_an_app_that_was_removed_is_passed_over(start, folder, github, both):
    gitlatch = start(credentials=both, repositories=RULES)
    workspace = gitlatch.workspace(folder / "workspace")
    workspace.git("ls-remote", WIDGETS)
    github.control("POST", "/installation", owner="acme", app=FIRST, removed=True)
    workspace.git("ls-remote", "https://github.com/acme/gadgets")
    assert set(carried(github, "/acme/gadgets/")) == {SECOND}


def test_an_app_that_is_rate_limited_is_passed_over(start, folder, github, both):
    first = github.install("acme", FIRST)
    github.fault(path=f"/app/installations/{first}/access_tokens", preset="secondary_rate_limit")
    gitlatch = start(credentials=both, repositories=RULES)
    gitlatch.workspace(folder / "workspace").git("ls-remote", WIDGETS)
    assert gitlatch.wait_audit(event="request", repository="acme/widgets")["source"] == "app-2"
    # The first one's wait is its own.
    github.heal()
    gitlatch.workspace(folder / "other").git("ls-remote", TPS)


def test_a_key_of_another_app_is_said_and_not_gone_round(start, folder, github, both):
    wrong = {**both[0], "private_key": both[1]["private_key"]}
    workspace = start(credentials=[wrong, both[1]], repositories=RULES).workspace(folder / "workspace")
    assert "JSON web token could not be decoded" in refused(workspace)
    assert not mints(github)


def test_the_order_of_apps_can_change_under_way(start, folder, github, both):
    """A reload: what one App minted serves on as that App's, and is not taken for the other's."""
    gitlatch = start(credentials=both, repositories=RULES)
    workspace = gitlatch.workspace(folder / "workspace")
    workspace.git("ls-remote", WIDGETS)
    gitlatch.reload(credentials=both[::-1])
    gitlatch.wait_log("read again, and in force")
    workspace.git("ls-remote", WIDGETS)
    assert carried(github, "/acme/widgets.git/info/refs") == [FIRST, SECOND]


def test_a_broker_has_several_apps_as_well(start_broker, kubernetes, github, apps):
    grants = [{"audience": "gitlatch", "namespace": "team-a", "service_account": "workspace", "repositories": RULES}]
    broker = start_broker(credentials=apps, grants=grants)
    bearer = kubernetes.issue()
    for owner, name, app in (("acme", "widgets", FIRST), ("initech", "tps", SECOND)):
        assert broker.token(bearer, [name], owner=owner).json["token"].startswith(f"ghs_{app}_")
        assert broker.platform(query=f"?owner={owner}").json["token"].startswith(f"ghs_{app}_")
    answer = broker.token(bearer, ["exfil"], owner="mallory")
    assert answer.status != 200 and "not installed for mallory" in answer.json["message"]


def start_several(start, hosts, apps):
    """`start` knows of one GitHub; with several the configuration has a list."""
    gitlatch = start(github=hosts[0], credentials=[{key: value for key, value in apps[0].items() if key != "host"}])
    gitlatch.stop()
    gitlatch.config.update(github=hosts, credentials=apps, repositories=RULES)
    gitlatch.write_config()
    return gitlatch.start()


def test_several_githubs_have_an_app_each(start, folder, github, both):
    names = {"ghe.test": "https://ghe.test/api/v3", "github.com": "https://api.github.com"}
    hosts = [{"host": name, "api": api, "trust": str(github.ca),
              "connect_to": github.connect_to([name, "api.github.com"])} for name, api in names.items()]
    credentials = [{**app, "host": name} for name, app in zip(names, both)]
    gitlatch = start_several(start, hosts, credentials)
    workspace = gitlatch.workspace(folder / "workspace")
    for name, app in zip(names, (FIRST, SECOND)):
        workspace.git("ls-remote", f"https://{name}/acme/widgets.git")
        served = github.requests(host=name)[-1]
        assert served.status == 200 and served.auth == "basic" and served.scope["permissions"]["contents"] == "read"
        assert served.scope["host"] == name and app_of(github, served) == app
    assert [request.host for request in mints(github)] == ["ghe.test", "api.github.com"]
    events = gitlatch.audit(event="request", repository="acme/widgets")
    assert {(event["host"], event["source"]) for event in events} == {("ghe.test", "app"), ("github.com", "app-2")}
    # initech has the App of github.com alone.
    assert "not installed for initech" in refused(workspace, "https://ghe.test/initech/tps.git")
