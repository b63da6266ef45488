"""Requests as an attacker inside the workspace writes them."""
import pytest
from lib.raw import Raw


@pytest.mark.parametrize("host", ["github.com", "api.github.com", "uploads.github.com"])
def test_a_target_that_names_no_path(gitlatch, github, host):
    with Raw.intercepted(gitlatch, host) as raw:
        answer = raw.ask("OPTIONS", "*", host=host)
        assert answer.status == 400 and b"reason name," in answer.body, answer
        assert raw.ask("OPTIONS", "*", host=host).status == 400, "it is still in step"
    assert github.requests(host=host) == []
