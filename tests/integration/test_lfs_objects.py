"""Git LFS with the real git-lfs: the batch goes with a token, the objects without."""
import json

import pytest
from lib import seed
from lib.gitlatch import sanitized

WIDGETS = "https://github.com/acme/widgets.git"
OBJECT_HOSTS = ("github-cloud.s3.amazonaws.com", "lfs.github.com")


@pytest.fixture
def lfs(workspace):
    """A clone in which *.bin is kept by LFS."""
    workspace.git("lfs", "install", "--skip-repo")
    clone = workspace.clone(WIDGETS)
    workspace.git("lfs", "track", "*.bin", cwd=clone)
    workspace.commit(clone, {".gitattributes": (clone / ".gitattributes").read_text()}, branch="assets")
    return clone


def push_and_clone_again(workspace, clone, files):
    """Pushes `files`, and gives a second clone that has pulled them."""
    workspace.commit(clone, files)
    workspace.git("push", "--quiet", "origin", "assets", cwd=clone)
    return workspace.clone(WIDGETS, "again", "--branch=assets")


def assert_objects_travelled_without_a_token(github):
    objects = [request for request in github.requests() if request.host in OBJECT_HOSTS]
    assert objects, "the objects went over a host of their own"
    for request in objects:
        assert not request.header("Authorization") or request.auth not in ("basic", "bearer"), request
        assert request.token is None


def test_objects_from_1_byte_to_10_mb(workspace, lfs, github, gitlatch):
    files = {f"{size}.bin": seed.noise(size, seed=size) for size in (1, 1000, 65536, 10 << 20)}
    again = push_and_clone_again(workspace, lfs, files)
    for name, content in files.items():
        assert (again / name).read_bytes() == content
    assert_objects_travelled_without_a_token(github)
    gitlatch.wait_audit(operation="lfs", decision="allow", repository="acme/widgets")


@pytest.mark.slow
def test_an_object_of_100_mb(workspace, lfs, github, gitlatch):
    content = seed.noise(100 << 20)
    gitlatch.process.reset_peak()
    again = push_and_clone_again(workspace, lfs, {"large.bin": content})
    assert (again / "large.bin").read_bytes() == content
    assert_objects_travelled_without_a_token(github)
    if not sanitized():
        assert gitlatch.process.peak_kib() <= 24 << 10


def test_a_download_asks_with_a_token_that_cannot_write(workspace, lfs, github):
    push_and_clone_again(workspace, lfs, {"a.bin": "a"})
    batches = [request for request in github.requests() if request.path.endswith("/info/lfs/objects/batch")]
    assert {request.scope["permissions"]["contents"] for request in batches} == {"read", "write"}
    assert all(request.scope["repository_ids"] == [github.id("acme/widgets")] for request in batches)


def test_locks(workspace, lfs, github):
    workspace.commit(lfs, {"a.bin": "a"})
    workspace.git("push", "--quiet", "origin", "assets", cwd=lfs)
    assert "Locked a.bin" in workspace.git("lfs", "lock", "a.bin", cwd=lfs).all
    locks = json.loads(workspace.git("lfs", "locks", "--json", cwd=lfs).out)
    assert [lock["path"] for lock in locks] == ["a.bin"]
    workspace.git("lfs", "locks", "--verify", cwd=lfs)
    workspace.commit(lfs, {"a.bin": "b"})
    workspace.git("push", "--quiet", "origin", "assets", cwd=lfs)
    assert "Unlocked a.bin" in workspace.git("lfs", "unlock", "a.bin", cwd=lfs).all
    assert workspace.git("lfs", "locks", cwd=lfs).out == ""


def test_an_upload_without_a_push_rule_is_refused_readably(start, folder, github):
    gitlatch = start(repositories=[{"match": "acme/widgets", "fetch": True}])
    workspace = gitlatch.workspace(folder / "workspace")
    workspace.git("lfs", "install", "--skip-repo")
    clone = workspace.clone(WIDGETS)
    workspace.git("lfs", "track", "*.bin", cwd=clone)
    workspace.commit(clone, {".gitattributes": (clone / ".gitattributes").read_text(), "a.bin": "a"})
    refused = workspace.git("lfs", "push", "origin", "main", cwd=clone, check=False)
    assert "the rule does not allow this Git LFS operation" in refused.all, refused
    assert not [request for request in github.requests() if "/info/lfs/objects" in request.path]
    assert gitlatch.wait_audit(operation="lfs", decision="deny")["reason"] == "lfs"


def test_where_no_push_is_allowed_lfs_finds_no_locking(start, folder, github):
    gitlatch = start(repositories=[{"match": "acme/widgets", "fetch": True}])
    workspace = gitlatch.workspace(folder / "workspace")
    code, body = workspace.status("--data", "{}", f"{WIDGETS}/info/lfs/locks/verify")
    assert code == 404 and json.loads(body)["message"]
    code, body = workspace.status("--data", "{}", f"{WIDGETS}/info/lfs/locks")
    assert code == 403 and json.loads(body)["message"]
    code, _ = workspace.status(f"{WIDGETS}/info/lfs/locks")
    assert code == 200, "to list locks is to read"
