"""A sidecar whose tokens and rules come from the cluster's broker."""
import json
import re
import subprocess
import time
from contextlib import closing

import pytest
from lib.broker import SIDECAR
from lib.gitlatch import BINARY, Gitlatch
from lib.process import wait_until
from lib.relay import Relay
from lib.scripted import answer, scripted

WIDGETS = "https://github.com/acme/widgets.git"
GADGETS = "https://github.com/acme/gadgets.git"
API = "https://api.github.com"
REFS = WIDGETS + "/info/refs?service=git-upload-pack"


@pytest.fixture
def token_file(folder, kubernetes):
    """The projected token of team-a's workspace."""
    path = folder / "sa-token"
    path.write_text(kubernetes.issue())
    return path


@pytest.fixture
def sidecar(start, broker, token_file):
    """sidecar(**configuration): a gitlatch that asks the broker, without rules of its own."""
    def begin(**config):
        return start(**{"credentials": [broker.credential(token_file)], "repositories": None, **config})
    return begin


def push(workspace, clone, ref, name="a", check=True, **options):
    head = workspace.commit(clone, {name: str(time.monotonic())}, branch="work")
    return head, workspace.git("push", "origin", f"work:{ref}", cwd=clone, check=check, **options)


# The grant's rules.

def test_a_workspace_clones_and_pushes_by_its_grant(sidecar, broker, folder, github):
    gitlatch = sidecar()
    workspace = gitlatch.workspace(folder / "workspace")
    clone = workspace.clone(WIDGETS)
    head, _ = push(workspace, clone, "refs/heads/agent/1")
    assert github.head("acme/widgets", "refs/heads/agent/1") == head
    before = github.head("acme/widgets")
    _, refused = push(workspace, clone, "refs/heads/main", check=False)
    assert "! [remote rejected]" in refused.err and "refs/heads/agent/*" in refused.err
    assert github.head("acme/widgets") == before
    assert "remote rejected" in workspace.git("push", "origin", ":refs/heads/agent/1", cwd=clone, check=False).err
    event = gitlatch.wait_audit(event="request", operation="push", decision="deny", reason="delete")
    assert event["rule"] == "acme/*"
    assert gitlatch.wait_audit(event="request", operation="fetch", decision="allow")["source"] == "broker"
    # Without a rule for it nothing is attached, and what writes is refused.
    assert workspace.status("https://github.com/globex/lib/info/refs?service=git-receive-pack")[0] == 403
    assert workspace.status(f"{API}/repos/acme/widgets/issues")[0] == 200
    assert workspace.status("-X", "POST", "-d", "{}", f"{API}/repos/acme/widgets/issues")[0] == 403


def test_the_first_request_waits_for_the_rules(sidecar, broker, folder, kubernetes):
    kubernetes.delay = 2
    workspace = sidecar().workspace(folder / "workspace")
    workspace.git("ls-remote", WIDGETS)


def test_an_empty_grant_allows_nothing(start_broker, start, token_file, folder):
    broker = start_broker(grants=[{"namespace": "team-b", "service_account": "workspace", "repositories": SIDECAR}])
    workspace = start(credentials=[broker.credential(token_file)], repositories=None,
                      other_repositories="deny").workspace(folder / "workspace")
    assert "no rule allows this repository" in workspace.git("ls-remote", WIDGETS, check=False).err
    assert workspace.status(f"{API}/user")[0] == 403
    assert workspace.status("-X", "POST", "-d", '{"query": "{ viewer { login } }"}', f"{API}/graphql")[0] == 403


def test_a_broker_that_never_answers_allows_nothing(start, broker, token_file, folder):
    broker.stop()
    gitlatch = start(credentials=[broker.credential(token_file)], repositories=None, limits={"token": "2s"})
    workspace = gitlatch.workspace(folder / "workspace")
    said = workspace.git("ls-remote", WIDGETS, check=False).err
    assert "gitlatch:" in said and "503" in said, said
    gitlatch.wait_log("nothing is allowed until it tells them")
    # It comes up, and all is well.
    broker.start()
    wait_until(lambda: workspace.git("ls-remote", WIDGETS, check=None).code == 0, "served")


def test_a_token_that_the_cluster_does_not_take_is_told(start, broker, folder):
    (folder / "bad").write_text("a.b.c")
    workspace = start(credentials=[broker.credential(folder / "bad")], repositories=None).workspace(folder / "workspace")
    assert "answered 401" in workspace.git("ls-remote", WIDGETS, check=False).err


@pytest.mark.slow
def test_the_rules_are_asked_again_every_minute(sidecar, broker, folder):
    workspace = sidecar().workspace(folder / "workspace")
    clone = workspace.clone(WIDGETS)
    push(workspace, clone, "refs/heads/agent/1")
    broker.config["broker"]["grants"][0]["repositories"] = [{"match": "acme/widgets", "fetch": True}]
    broker.reload()
    began = time.monotonic()
    wait_until(lambda: "no push" in push(workspace, clone, "refs/heads/agent/2", check=None)[1].err, "narrower", 150)
    assert time.monotonic() - began < 120
    workspace.git("fetch", cwd=clone)


@pytest.fixture
def scripted_broker(folder, github, start):
    """scripted_broker(rules, **configuration): a gitlatch and its broker, which tells what the function `rules` gives:
    (status, text)."""
    servers = []

    def begin(rules, **config):
        def script(peer):
            while True:
                head, _ = peer.request()
                status, text = rules() if "/v1/rules" in head else (200, json.dumps({
                    "token": github.token(owner="acme", permissions={"contents": "write"}), "host": "github.com",
                    "expires_at": "2099-01-01T00:00:00Z", "owner": "acme", "permissions": {"contents": "read"},
                    "repositories": [{"id": github.id("acme/widgets"), "name": "widgets"}]}))
                peer.send(answer(status, text))
        servers.append(scripted(folder, github, script, "broker.test"))
        _, connect_to = servers[-1].__enter__()
        (folder / "token").write_text("a.b.c")
        return start(**{"repositories": None, "github": {"connect_to": connect_to}, "limits": {"token": "2s"}, "credentials": [
            {"type": "broker", "url": "https://broker.test", "token_file": str(folder / "token"),
             "trust": str(github.ca)}], **config})
    yield begin
    for server in servers:
        server.__exit__(None, None, None)


@pytest.mark.parametrize("status, text, says", [
    (200, "{", "rules cannot be used"), (200, '{"repositories": [{"fetch": true}]}', "has no `match`"),
    (200, '{"repositories": [{"match": "acme/*", "fetch": true, "fetsch": 1}]}', "rules cannot be used"),
    (404, "", "answered 404"), (500, "", "answered 500")], ids=["no JSON", "no match", "unknown key", "404", "500"])
def test_rules_that_cannot_be_used_allow_nothing(scripted_broker, folder, status, text, says):
    workspace = scripted_broker(lambda: (status, text)).workspace(folder / "workspace")
    said = workspace.git("ls-remote", WIDGETS, check=False).err
    assert says in said, said


def test_a_broker_that_tells_no_rules_leaves_the_own_ones(scripted_broker, folder):
    """Older than /v1/rules, say."""
    workspace = scripted_broker(lambda: (404, ""), repositories=[{"match": "acme/widgets", "fetch": True}]).workspace(
        folder / "workspace")
    workspace.git("ls-remote", WIDGETS)


def test_no_token_of_a_broker_whose_rules_are_not_known(scripted_broker, folder):
    """Own rules alone could be wider than the grant."""
    gitlatch = scripted_broker(lambda: (500, ""), repositories=[{"match": "acme/widgets", "fetch": True}])
    assert "answered 500" in gitlatch.workspace(folder / "workspace").git("ls-remote", WIDGETS, check=False).err


def test_a_reload_keeps_the_rules(sidecar, broker, folder):
    gitlatch = sidecar()
    workspace = gitlatch.workspace(folder / "workspace")
    workspace.git("ls-remote", WIDGETS)
    broker.stop()
    gitlatch.reload(limits={"token": "3s"})
    gitlatch.wait_log("and in force")
    workspace.git("ls-remote", WIDGETS)


def test_graphql_and_paths_that_name_no_repository(start_broker, start, token_file, folder, github):
    """A token for the repositories whose rule says so, also where a pattern has to be enumerated."""
    rules = [{"match": "acme/widgets", "fetch": True, "permissions": {"issues": "write"}, "graphql": True},
             {"match": "acme/*", "fetch": True, "permissions": {"issues": "read"}}]
    broker = start_broker(grants=[{"namespace": "team-a", "service_account": "workspace", "repositories": rules}])
    workspace = start(credentials=[broker.credential(token_file)], repositories=None,
                      github={"default_owner": "acme"}).workspace(folder / "workspace")
    query = json.dumps({"query": "{ viewer { login } }"})
    assert workspace.status("-X", "POST", "-d", query, f"{API}/graphql")[0] == 200
    asked = github.requests(host="api.github.com", path="/graphql")[-1]
    assert asked.scope["repository_ids"] == [github.id("acme/widgets")]
    assert asked.scope["permissions"] == {"contents": "read", "issues": "write", "metadata": "read"}
    told = workspace.status(f"{API}/installation/repositories")
    assert told[0] == 200, told
    asked = github.requests(host="api.github.com", path="/installation/repositories")[-1]
    assert asked.scope["permissions"] == {"contents": "read", "issues": "read", "metadata": "read"}
    assert github.id("acme/widgets") in asked.scope["repository_ids"] and len(asked.scope["repository_ids"]) >= 3
    assert workspace.status(f"{API}/repositories/{github.id('acme/gadgets')}/issues")[0] == 200
    assert workspace.status(f"{API}/repositories/{github.id('globex/lib')}/issues")[0] == 403
    # What listed was the broker's own, and is in none of its answers.
    lists = github.requests(host="api.github.com", path="/installation/repositories")[0]
    assert lists.scope["permissions"] == {"metadata": "read"} and lists.scope["all_repositories"]
    asked = [event for event in broker.audit() if event["event"] == "request"]
    assert any(event["scope"] == "acme (names)" for event in asked)
    assert all("(all)" not in event.get("scope", "") for event in asked), asked


def test_check_asks_for_what_the_grant_holds(start_broker, token_file, folder, github):
    rules = [{"match": "acme/widgets", "fetch": True}]
    broker = start_broker(grants=[{"namespace": "team-a", "service_account": "workspace", "repositories": rules}])
    tested = Gitlatch(folder / "checked", {"credentials": [broker.credential(token_file)],
                                           "github": {"trust": str(github.ca), "connect_to": github.connect_to(),
                                                      "default_owner": "acme"},
                                           "repositories": [{"match": "acme/*", "fetch": True}]})
    ended = subprocess.run([BINARY, "check", "-c", tested.config_path], capture_output=True, text=True, timeout=60)
    assert "ok    broker: api.github.com takes the token" in ended.stdout, ended.stdout
    assert not [event for event in broker.audit() if event["event"] == "request" and event["decision"] != "allow"]


# What a source has to do.

def test_a_renewed_service_account_token_is_read_again(sidecar, kubernetes, token_file, folder):
    workspace = sidecar().workspace(folder / "workspace")
    workspace.git("ls-remote", WIDGETS)
    old = token_file.read_text()
    token_file.write_text(kubernetes.issue())
    kubernetes.delete_pod(old)
    workspace.git("ls-remote", GADGETS)
    assert old not in kubernetes.reviews[-1]


@pytest.mark.parametrize("offset", [-3600, 120, 3600])
def test_whatever_the_clocks_say_no_dead_token_is_carried(start, start_broker, token_file, folder, github, offset):
    """GitHub's clock is another one than the broker's and the sidecar's; tokens live for seconds."""
    github.setting(clock_offset=offset, token_lifetime=12)
    ahead = {"refresh_before": "4s", "minimum_life": "2s"}
    broker = start_broker(token=ahead)
    workspace = start(credentials=[broker.credential(token_file)], repositories=None, token=ahead).workspace(
        folder / "workspace")
    end = time.monotonic() + 18
    while time.monotonic() < end:
        workspace.git("ls-remote", WIDGETS)
    served = github.requests(host="github.com")
    assert len(served) > 10 and {request.status for request in served} == {200}


def test_a_renamed_repository(sidecar, folder, github):
    github.rename("acme/widgets", "wheels")
    clone = sidecar().workspace(folder / "workspace").clone(WIDGETS)
    assert (clone / ".git").is_dir()
    assert any("/acme/wheels.git/info/refs" in request.path for request in github.requests(host="github.com"))


def test_what_github_says_is_handed_on(sidecar, folder, github):
    github.control("POST", "/installation", owner="acme", suspended=True)
    said = sidecar().workspace(folder / "workspace").git("ls-remote", WIDGETS, check=False).err
    assert "This installation has been suspended" in said


@pytest.mark.parametrize("repositories, permissions", [
    (["widgets"], {"contents": "write"}), (["widgets", "gadgets"], {"contents": "read"}), (["widgets"], None)],
    ids=["more permissions", "more repositories", "says nothing"])
def test_a_wider_token_is_not_used(start, token_file, folder, github, repositories, permissions):
    """Of a broker that gives more than was asked for."""
    def script(peer):
        while True:
            head, _ = peer.request()
            rules = {"repositories": SIDECAR}
            token = {"token": github.token(owner="acme"), "expires_at": "2099-01-01T00:00:00Z", "host": "github.com",
                     "owner": "acme", "repositories": [{"id": number, "name": name}
                                                       for number, name in enumerate(repositories, 1)],
                     **({"permissions": permissions} if permissions else {})}
            peer.send(answer(200, json.dumps(rules if "/v1/rules" in head else token)))
    with scripted(folder, github, script, "broker.test") as (server, connect_to):
        gitlatch = start(repositories=None, github={"connect_to": connect_to}, credentials=[
            {"type": "broker", "url": "https://broker.test", "token_file": str(token_file), "trust": str(github.ca)}])
        said = gitlatch.workspace(folder / "workspace").git("ls-remote", WIDGETS, check=False).err
        assert gitlatch.wait_audit(event="request", repository="acme/widgets")["reason"] == "scope", said
    assert not [request for request in github.requests(host="github.com") if request.auth == "basic"]


# Own rules.

def test_own_rules_only_narrow(sidecar, folder, github):
    """What the broker's grant does not hold stays closed, whatever the own rules say; and the other way round."""
    own = [{"match": "acme/widgets", "fetch": True, "push": True, "delete": True,
            "permissions": {"issues": "write", "pull_requests": "write"}}]
    workspace = sidecar(repositories=own, other_repositories="deny").workspace(folder / "workspace")
    clone = workspace.clone(WIDGETS)
    push(workspace, clone, "refs/heads/agent/1")
    _, refused = push(workspace, clone, "refs/heads/main", check=False)
    assert "! [remote rejected]" in refused.err and "refs/heads/agent/*" in refused.err
    assert "remote rejected" in workspace.git("push", "origin", ":refs/heads/agent/1", cwd=clone, check=False).err
    assert workspace.status(f"{API}/repos/acme/widgets/issues")[0] == 200
    assert workspace.status("-X", "POST", "-d", '{"title": "x"}', f"{API}/repos/acme/widgets/issues")[0] == 403
    assert "no rule allows" in workspace.git("ls-remote", GADGETS, check=False).err


def test_own_rules_with_patterns_of_their_own(sidecar, folder):
    own = [{"match": "acme/*", "fetch": True, "push": ["refs/heads/*/fix", "refs/heads/main"]}]
    workspace = sidecar(repositories=own).workspace(folder / "workspace")
    clone = workspace.clone(WIDGETS)
    push(workspace, clone, "refs/heads/agent/fix")
    _, said = push(workspace, clone, "refs/heads/agent/else", check=False)
    assert "refs/heads/*/fix" in said.err
    _, said = push(workspace, clone, "refs/heads/main", check=False)
    assert "refs/heads/agent/*" in said.err


# A token is revoked at GitHub.

def mints(github):
    return [request for request in github.requests(method="POST") if request.path.endswith("/access_tokens")]


@pytest.mark.parametrize("later", [False, True])
def test_a_token_revoked_under_the_broker(sidecar, folder, github, later):
    """For who has the token already, and who comes `later` and is given it from the broker's cache."""
    workspace = sidecar().workspace(folder / "workspace")
    workspace.clone(WIDGETS, "first")
    github.revoke()
    if later:
        workspace = sidecar(name="later").workspace(folder / "later")
    workspace.clone(WIDGETS, "second")
    workspace.clone(WIDGETS, "third")
    assert len(mints(github)) == 2


# The broker is away, or refuses.

def test_a_kept_token_serves_while_the_broker_is_down(sidecar, broker, folder):
    workspace = sidecar().workspace(folder / "workspace")
    clone = workspace.clone(WIDGETS)
    push(workspace, clone, "refs/heads/agent/1")
    broker.stop()
    workspace.git("fetch", cwd=clone)
    push(workspace, clone, "refs/heads/agent/2")
    said = workspace.git("ls-remote", GADGETS, check=False, timeout=50).err
    assert "gitlatch:" in said and re.search(r"cannot be reached|not be reached|refused|connect", said), said


class HalfDeadService(Relay):
    """Leads to a replica that is gone, and to one that answers, in turn."""
    dead = 0

    def _serve(self, client, index):
        if index % 2 == 0:
            return super()._serve(client, index)
        with client:
            self.dead += 1
            while client.recv(65536):
                pass


def test_a_replica_that_does_not_answer(start, broker, token_file, folder):
    with closing(HalfDeadService(broker.broker_port)) as service:
        credential = {**broker.credential(token_file), "url": f"https://127.0.0.1:{service.port}"}
        gitlatch = start(credentials=[credential], repositories=None, limits={"connect": "4s"})
        gitlatch.workspace(folder / "workspace").git("ls-remote", WIDGETS, timeout=40)
    assert service.dead == 2  # for the rules, and for the token


@pytest.fixture
def operator(github):
    return ({"type": "environment", "name": "OPERATOR_TOKEN"}, {"OPERATOR_TOKEN": github.token(owner="acme")})


def test_another_source_serves_when_the_broker_is_away(start, broker, token_file, folder, operator):
    broker.stop()
    gitlatch = start(credentials=[broker.credential(token_file), operator[0]], env=operator[1])
    gitlatch.workspace(folder / "workspace").git("ls-remote", WIDGETS, timeout=50)
    assert gitlatch.wait_audit(event="request", repository="acme/widgets")["source"] == "environment"


@pytest.mark.parametrize("also", [False, True])
def test_the_brokers_no_is_no_reason_to_ask_another(start, start_broker, token_file, folder, operator, also):
    broker = start_broker(grants=[{"namespace": "team-a", "service_account": "workspace",
                                   "repositories": [{"match": "acme/gadgets", "fetch": True}]}])
    credential = {**operator[0], **({"also_when_refused": True} if also else {})}
    gitlatch = start(credentials=[broker.credential(token_file), credential], env=operator[1])
    workspace = gitlatch.workspace(folder / "workspace")
    workspace.git("ls-remote", GADGETS)
    assert gitlatch.wait_audit(event="request", repository="acme/gadgets")["source"] == "broker"
    result = workspace.git("ls-remote", WIDGETS, check=also)
    if also:
        assert gitlatch.wait_audit(event="request", repository="acme/widgets")["source"] == "environment"
    else:
        assert "team-a/workspace is not granted contents:read for acme/widgets" in result.err
        assert gitlatch.wait_audit(event="request", repository="acme/widgets")["reason"] == "broker_denied"


def test_beyond_the_grant_no_token_of_the_broker_is_used(start, broker, token_file, folder, github, operator):
    """The own rules allow a ref that the grant does not. The broker would give the token (it grants another ref of that
    repository), and another source stands ready for what the broker does not serve: the ref stays closed."""
    gitlatch = start(credentials=[broker.credential(token_file), {**operator[0], "also_when_refused": True}],
                     env=operator[1])
    workspace = gitlatch.workspace(folder / "workspace")
    clone = workspace.clone(WIDGETS)
    before = github.head("acme/widgets")
    _, said = push(workspace, clone, "refs/heads/main", check=False)
    assert "remote rejected" in said.err and github.head("acme/widgets") == before
    push(workspace, clone, "refs/heads/agent/1")


def test_a_platform_source_at_the_same_broker(start, broker, folder, github):
    """The endpoint of old: one wide token, for git alone where there are rules."""
    trust = {"trust": str(broker.authority.ca)}
    credential = {"type": "platform", "token_file": str(broker.folder / "admin-token"), **trust,
                  "url": f"https://127.0.0.1:{broker.admin_api_port}/admin/github-installation-token"}
    gitlatch = start(credentials=[credential])
    workspace = gitlatch.workspace(folder / "workspace")
    clone = workspace.clone(WIDGETS)
    push(workspace, clone, "refs/heads/topic")
    assert gitlatch.wait_audit(event="request", operation="push", decision="allow")["source"] == "platform"
    code, body = workspace.status("-X", "POST", "-d", "{}", f"{API}/repos/acme/widgets/issues")
    assert code == 403 and "wide_token" in body
    events = broker.audit(event="request", status=200)
    assert [event["scope"] for event in events] == ["acme all permissions"], json.dumps(events)
