"""The network between gitlatch and GitHub is dead in silence: kept connections without a reset, addresses and DNS servers
that never answer. In namespaces of the test's own, where packets are dropped."""
import re
import time

import pytest
from lib.namespace import FOREIGN, GITHUB

WIDGETS = "https://github.com/acme/widgets.git"
RULES = [{"match": "acme/*", "fetch": True, "push": True, "permissions": {"issues": "write"}}]


@pytest.fixture
def gitlatch(world):
    return world.start(listen="127.0.0.1:3128", admin="127.0.0.1:9128", repositories=RULES)


@pytest.fixture
def workspace(world, gitlatch):
    workspace = world.workspace(gitlatch)
    workspace.env["https_proxy"] = "http://127.0.0.1:3128"
    return workspace


def ports(world):
    """The other ends of the connections to GitHub."""
    lines = world.internet.run("ss", "-Htn", "state", "established", "sport", "=", ":443").splitlines()
    return re.findall(r":(\d+)\s*$", "\n".join(lines), re.M)


def cut(world):
    """Drops every packet of the connections that are there now, both ways: nobody is told."""
    found = ports(world)
    assert found, "no connection is kept"
    numbers = ", ".join(found)
    world.internet.run("nft", "-f", "-", input=f"""
        table inet dead {{
            chain arrives {{ type filter hook prerouting priority -10; tcp dport 443 tcp sport {{ {numbers} }} drop; }}
            chain leaves {{ type filter hook output priority -10; tcp sport 443 tcp dport {{ {numbers} }} drop; }}
        }}""")


def timed(call):
    begun = time.monotonic()
    return call(), time.monotonic() - begun


def test_a_kept_connection_that_died_is_a_reset_and_a_fetch_is_sent_again(world, gitlatch, workspace):
    workspace.git("ls-remote", WIDGETS)
    cut(world)
    _, seconds = timed(lambda: workspace.git("ls-remote", WIDGETS))
    assert seconds < 40, "it hangs as long as nobody says that the peer is gone"
    assert [event for event in gitlatch.audit(event="request") if "kept connection" in event.get("retried", "")]


def test_a_write_on_a_connection_that_died_is_refused_in_words_and_not_sent_again(world, gitlatch, workspace):
    issue = ["--data", '{"title":"once"}', "https://api.github.com/repos/acme/widgets/issues"]
    assert workspace.status(*issue)[0] == 201
    cut(world)
    (status, text), seconds = timed(lambda: workspace.status(*issue))
    assert status == 502 and "upstream_lost" in text and seconds < 40, (status, text, seconds)
    assert len(workspace.status("https://api.github.com/repos/acme/widgets/issues")[1].split('"once"')) == 2


def test_an_idle_kept_connection_that_died_is_given_up(world, gitlatch, workspace):
    """Keepalive finds it before anybody asks."""
    workspace.git("ls-remote", WIDGETS)
    cut(world)
    deadline = time.monotonic() + 90
    while gitlatch.metrics().sum("gitlatch_connections", side="upstream") and time.monotonic() < deadline:
        time.sleep(1)
    _, seconds = timed(lambda: workspace.git("ls-remote", WIDGETS))
    assert seconds < 5


def drop_foreign(world):
    world.internet.run("nft", "-f", "-", input=f"""
        table inet dead {{
            chain arrives {{
                type filter hook prerouting priority -10;
                ip daddr {FOREIGN[0]} drop
                ip6 daddr {FOREIGN[1]} drop
            }}
        }}""")


@pytest.mark.parametrize("v4, v6", [((FOREIGN[0], GITHUB[0]), None), (FOREIGN[0], GITHUB[1]), (GITHUB[0], FOREIGN[1])],
                         ids=["the first A record", "IPv4", "IPv6"])
def test_a_dead_address_costs_neither_a_mint_nor_a_fetch_its_time(world, gitlatch, workspace, v4, v6):
    world.name_hosts(v4, v6)
    drop_foreign(world)
    _, seconds = timed(lambda: workspace.git("ls-remote", WIDGETS))
    assert seconds < 3, f"{seconds} s: it waits for an address that is dead"


@pytest.mark.parametrize("swallowed", [1, 28], ids=["A", "AAAA"])
def test_a_dns_server_that_swallows_one_kind_of_question(world, gitlatch, workspace, swallowed):
    world.dns.swallowed = swallowed
    _, seconds = timed(lambda: workspace.git("ls-remote", WIDGETS))
    assert seconds < 3


def test_the_way_out_dies_and_comes_back(world, gitlatch, workspace):
    """A laptop that leaves its network: what is asked meanwhile fails in words, and afterwards all is as before."""
    workspace.git("ls-remote", WIDGETS)
    world.internet.run("ip", "link", "set", "up0", "down")
    (refused, seconds) = timed(lambda: workspace.git("ls-remote", WIDGETS, check=False))
    assert "gitlatch" in refused.err and seconds < 60, (refused, seconds)
    world.internet.run("ip", "link", "set", "up0", "up")
    world.pod.run("ip", "-6", "route", "replace", "default", "via", "2001:db8:1::1")
    _, seconds = timed(lambda: workspace.git("ls-remote", WIDGETS))
    assert seconds < 40
