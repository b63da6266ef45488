"""What a workspace does not have to wait for: it is ready beforehand, or asked for together."""
import socket
import threading

import pytest
from lib.process import wait_until
from lib.raw import Raw
from lib.scripted import answer, scripted

WIDGETS = "https://github.com/acme/widgets.git"
REFS = "/acme/widgets.git/info/refs?service=git-upload-pack"


def used(github):
    """The connections on which github.com was asked, in their order."""
    return [request.connection for request in github.requests(host="github.com")]


def made(gitlatch):
    return gitlatch.metrics().sum("gitlatch_upstream_connections_total", result="new")


def open_ones(gitlatch):
    return gitlatch.metrics().sum("gitlatch_connections", side="upstream")


def ready(gitlatch, count):
    """Waits until so many connections to GitHub were made."""
    wait_until(lambda: made(gitlatch) == count, f"{count} connections", 60)


@pytest.fixture
def begin(start, github):
    """Starts a gitlatch with a token at hand: nothing but github.com is asked."""
    return lambda: start(repositories=None, credentials=[{"type": "environment", "name": "TOKEN"}],
                         env={"TOKEN": github.token(owner="acme")})


def ask(gitlatch):
    with Raw.intercepted(gitlatch) as raw:
        return raw.ask("GET", REFS)


def test_a_connection_is_there_before_the_first_request_and_another_after_it(begin, github):
    gitlatch = begin()
    ready(gitlatch, 1)
    assert ask(gitlatch).status == 200
    assert len(used(github)) == 1
    ready(gitlatch, 2)
    assert open_ones(gitlatch) == 2, "the one that was used, and one that is ready"
    first = used(github)[0]
    ask(gitlatch)
    assert used(github) == [first, first], "the one that was used before is used again"
    assert made(gitlatch) == open_ones(gitlatch) == 2


def test_a_connection_that_github_closes_is_replaced(begin, github):
    github.setting(idle_timeout=1)
    gitlatch = begin()
    wait_until(lambda: made(gitlatch) == 3, "it is replaced twice", 60)
    assert ask(gitlatch).status == 200


def test_further_connections_resume_the_first_ones_tls(begin, github):
    gitlatch = begin()
    ready(gitlatch, 1)
    github.fault(method="GET", path="*/info/refs", delay_ms=2000, count=3)
    threads = [threading.Thread(target=ask, args=(gitlatch,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    resumed = {request.connection: request.tls_resumed for request in github.requests(host="github.com")}
    assert len(resumed) == 3 and sorted(resumed.values()) == [False, True, True]


def test_connect_is_answered_before_github_is(start, folder):
    """A GitHub that takes connections and says nothing: the workspace's TLS is done nevertheless."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        gitlatch = start(github={"connect_to": {"github.com:443": f"127.0.0.1:{silent.getsockname()[1]}"}},
                         limits={"connect": "60s"})
        with Raw.intercepted(gitlatch) as raw:
            assert raw.socket.version()


def test_token_and_connection_are_asked_for_together(folder, github, start):
    """While GitHub mints, connections are made: the second request finds none that is ready."""
    def script(peer):
        while True:
            peer.request()
            peer.send(answer(200, "fine"))
    github.fault(method="POST", path="*/access_tokens", delay_ms=5000)
    with scripted(folder, github, script) as (server, connect_to):
        gitlatch = start(github={"connect_to": connect_to})
        ready(gitlatch, 1)
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(ask(gitlatch).status)) for _ in range(2)]
        for thread in threads:
            thread.start()
        ready(gitlatch, 3)  # one for each, and one that is ready for the next
        assert gitlatch.audit(event="mint") == [] and answers == []
        for thread in threads:
            thread.join()
        assert answers == [200, 200] and server.connections == 3


@pytest.mark.slow
def test_a_connection_that_grows_old_is_replaced_before_it_is_closed(begin):
    """GitHub closes one that is idle for a minute: ours are gone before, and at no moment is there none."""
    gitlatch = begin()
    ready(gitlatch, 1)

    def replaced():
        metrics = gitlatch.metrics()
        assert metrics.sum("gitlatch_connections", side="upstream") >= 1
        return metrics.sum("gitlatch_upstream_connections_total", result="new") == 2
    wait_until(replaced, "it is replaced", 120)
    wait_until(lambda: open_ones(gitlatch) == 1, "the old one is closed")
    assert ask(gitlatch).status == 200
