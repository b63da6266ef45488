"""What is had before the first request (`token.ahead`): what a workspace's first command would have waited for, at most
four mints, and nothing that a workspace could notice but the time."""
import socket
import subprocess
import time

import pytest
from lib.gitlatch import BINARY, Gitlatch
from lib.process import wait_until

WIDGETS = "https://github.com/acme/widgets.git"
EXACT = [{"match": "acme/widgets", "fetch": True, "push": ["refs/heads/agent/*"]}]
AHEAD = {"ahead": True}


def mints(github):
    return [request for request in github.requests(method="POST") if request.path.endswith("/access_tokens")]


def lookups(github):
    return [request for request in github.requests(host="api.github.com") if request.path.endswith("/installation")]


def test_the_first_clone_waits_for_no_token(start, folder, github):
    proxy = start(repositories=EXACT, token=AHEAD)
    # It was ready only when the token was there.
    assert len(mints(github)) == 1 and len(lookups(github)) == 1
    proxy.workspace(folder / "workspace").clone(WIDGETS)
    assert len(mints(github)) == 1
    carried = [request for request in github.requests(host="github.com") if request.auth == "basic"]
    assert carried and all(request.scope["permissions"] == {"contents": "read", "metadata": "read"} and
                           request.scope["repository_ids"] == [github.id("acme/widgets")] for request in carried)


def test_ahead_false_leaves_it(start, folder, github):
    proxy = start(repositories=EXACT, token={"ahead": False})
    time.sleep(0.5)
    assert not github.requests(host="api.github.com")
    proxy.workspace(folder / "workspace").clone(WIDGETS)
    assert len(mints(github)) == 1


def test_a_pattern_has_its_installation_found_and_no_token(start, folder, github):
    proxy = start(repositories=[{"match": "acme/*", "fetch": True}], token=AHEAD)
    assert not mints(github)
    assert [request.path for request in lookups(github)] == ["/orgs/acme/installation"]
    proxy.workspace(folder / "workspace").clone(WIDGETS)
    assert len(mints(github)) == 1 and len(lookups(github)) == 1


def test_four_tokens_at_the_most(start, github):
    names = ["widgets", "gadgets", "one", "two", "three", "four"]
    proxy = start(repositories=[{"match": "acme/denied", "fetch": False}] +
                               [{"match": f"acme/{name}", "fetch": True} for name in names], token=AHEAD)
    time.sleep(0.5)
    asked = [event["repository"] for event in proxy.audit(event="mint") if "repository" in event]
    assert sorted(asked) == sorted(f"acme/{name}" for name in names[:4])


def test_check_has_nothing_ahead(start, folder, github):
    """It serves nobody, so that what it asks for is what it tells."""
    proxy = Gitlatch(folder / "checked", {"credentials": [{"type": "app", "app_id": "12345",
                                                           "private_key": str(github.app_key)}],
                                          "github": {"trust": str(github.ca), "connect_to": github.connect_to()},
                                          "repositories": EXACT, "token": AHEAD})
    subprocess.run([BINARY, "check", "-c", proxy.config_path], check=True, timeout=60, stdout=subprocess.DEVNULL)
    assert len(mints(github)) == 2  # to try the credential, and the rule


def test_a_rule_that_another_hides_costs_nothing(start, github):
    start(repositories=[{"match": "acme/*", "fetch": False}, *EXACT], token=AHEAD)
    time.sleep(0.5)
    assert not mints(github)


def test_a_reload_asks_for_what_is_new_alone(start, github):
    proxy = start(repositories=EXACT, token=AHEAD)
    assert len(mints(github)) == 1
    proxy.config["repositories"] = [*EXACT, {"match": "acme/gadgets", "fetch": True}]
    proxy.reload()
    wait_until(lambda: len(mints(github)) == 2, 10)
    time.sleep(0.3)
    assert len(mints(github)) == 2


@pytest.mark.parametrize("api", ["silent", "closed"])
def test_it_is_ready_without_github(start, github, api):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if api == "silent":
            silent.listen()
        connect = {**github.connect_to(), "api.github.com:443": f"127.0.0.1:{silent.getsockname()[1]}"}
        begun = time.monotonic()
        proxy = start(repositories=EXACT, token=AHEAD, github={"connect_to": connect})
        assert proxy.admin("/readyz")[0] == 200
        assert time.monotonic() - begun < 5
        begun = time.monotonic()
        assert proxy.admin("/readyz")[0] == 200 and time.monotonic() - begun < 1


def test_many_sidecars_of_one_broker_are_one_mint(start, start_broker, kubernetes, folder, github):
    broker = start_broker(grants=[{"namespace": "team-a", "service_account": "workspace", "repositories": EXACT}])
    token_file = folder / "sa-token"
    token_file.write_text(kubernetes.issue())
    sidecars = [start(f"sidecar-{i}", credentials=[broker.credential(token_file)], repositories=None, token=AHEAD)
                for i in range(4)]
    assert len(mints(github)) == 1
    for index, sidecar in enumerate(sidecars):
        sidecar.workspace(folder / f"workspace-{index}").git("ls-remote", WIDGETS)
    assert len(mints(github)) == 1
    asked = [event for event in broker.audit(event="request") if event.get("scope") == "acme/widgets contents:read"]
    assert len(asked) == len(sidecars)


def test_a_changed_grant_has_its_tokens_too(start, start_broker, kubernetes, folder, github):
    """The sidecar hears of it within a minute."""
    grant = {"namespace": "team-a", "service_account": "workspace", "repositories": EXACT}
    broker = start_broker(grants=[grant])
    token_file = folder / "sa-token"
    token_file.write_text(kubernetes.issue())
    start(credentials=[broker.credential(token_file)], repositories=None, token=AHEAD)
    assert len(mints(github)) == 1
    broker.config["broker"]["grants"] = [{**grant, "repositories": [*EXACT, {"match": "acme/gadgets", "fetch": True}]}]
    broker.reload()
    wait_until(lambda: len(mints(github)) == 2, "the new repository's token", 90)
    assert broker.audit(event="mint")[-1]["scope"] == "acme/gadgets contents:read"
