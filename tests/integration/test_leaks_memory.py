"""After its last use a token is in no byte of the process that can be written to, as root sees it: not in curl's, jansson's
or OpenSSL's buffers, nor in those of the streams, raw or as git's Basic credential."""
import base64

import pytest
from lib import seed
from lib.gitlatch import sanitized
from lib.memory import places

WIDGETS = "https://github.com/acme/widgets.git"


def work(workspace, clone, number):
    """Each way by which a token goes: to git, Git LFS and the API, up and down."""
    workspace.git("fetch", "origin", cwd=clone)
    workspace.commit(clone, {f"{number}.bin": seed.noise(3000, number)})
    workspace.git("push", "origin", f"HEAD:refs/heads/agent/{number}", cwd=clone)
    assert workspace.status("https://api.github.com/repos/acme/widgets/pulls")[0] == 200
    assert workspace.status("https://api.github.com/user/repos")[0] in (200, 403, 404)


def used_tokens(github):
    """Those that came with a request."""
    return {token for request in github.requests() for token in github.tokens()
            if any(token in value or base64.b64encode(f"x-access-token:{token}".encode()).decode() in value
                   for value in request.header("Authorization"))}


def traces(pid, token):
    """Where its end stands, raw or in the alphabet of Basic at any of the three alignments."""
    raw = token[-40:].encode()
    found = places(pid, raw)
    for shift in range(3):
        found += places(pid, base64.b64encode(raw[shift:shift + 30]))
    return found


def test_no_token_is_left_after_its_last_use(start, folder, github):
    if sanitized():
        pytest.skip("the sanitizer keeps what was freed")
    gitlatch = start()
    workspace = gitlatch.workspace(folder / "workspace")
    clone = workspace.clone(WIDGETS)
    work(workspace, clone, 1)
    old = used_tokens(github)
    assert old
    try:
        held = [traces(gitlatch.process.pid, token) for token in old]
    except PermissionError:
        pytest.skip("the memory of another process cannot be read here")
    assert any(held), "the search finds those that are still in use"
    # All of them end at once; each scope is asked for again, refused, and minted anew.
    github.revoke()
    for number in range(2, 5):
        work(workspace, clone, number)
    new = used_tokens(github) - old
    assert new
    assert {token[:20]: traces(gitlatch.process.pid, token) for token in old if traces(gitlatch.process.pid, token)} == {}
