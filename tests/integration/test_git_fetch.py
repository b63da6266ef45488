"""What a developer does to get code, with real git, in a workspace that holds no credential."""
import subprocess
import threading

import pytest
from conftest import ACME
from lib import seed
from lib.gitlatch import sanitized
from lib.process import wait_until

WIDGETS = "https://github.com/acme/widgets.git"


def test_clone_of_a_private_repository(workspace, github, gitlatch):
    clone = workspace.clone(WIDGETS)
    assert workspace.head(clone) == github.head("acme/widgets")
    assert "Look round" in (clone / "README.md").read_text()
    event = gitlatch.wait_audit(operation="fetch", repository="acme/widgets", decision="allow")
    assert event["status"] == 200 and event["source"] == "app" and event["mode"] == "proxy"
    assert event["host"] == "github.com" and len(event["token"]) == 12 and event["bytes_down"] > 0


def test_without_gitlatch_the_repository_is_private(outside, github):
    """The mock must be as strict as GitHub, or the other tests prove nothing."""
    refused = outside.git("-c", f"http.sslCAInfo={github.ca}", "-c", "http.curloptResolve=github.com:"
                          f"{github.port}:127.0.0.1", "ls-remote", f"https://github.com:{github.port}/acme/widgets.git",
                          check=False, prompts=True)
    assert "could not read Username" in refused.err


def test_a_fetch_carries_a_token_for_this_repository_that_cannot_write(workspace, github):
    workspace.clone(WIDGETS)
    requests = github.requests(host="github.com")
    assert requests
    for request in requests:
        assert request.auth == "basic" and len(request.header("Authorization")) == 1
        permissions = {key: value for key, value in request.scope["permissions"].items() if key != "metadata"}
        assert permissions == {"contents": "read"}
        assert request.scope["repository_ids"] == [github.id("acme/widgets")]


def test_fetch_and_pull_bring_new_commits(workspace, github):
    clone = workspace.clone(WIDGETS)
    new = seed.commit(github.path("acme/widgets"), {"NEWS": "1.0\n"})
    workspace.git("fetch", "--quiet", cwd=clone)
    assert workspace.head(clone, "origin/main") == new
    newer = seed.commit(github.path("acme/widgets"), {"NEWS": "1.1\n"})
    workspace.git("pull", "--quiet", "--ff-only", cwd=clone)
    assert workspace.head(clone) == newer
    assert (clone / "NEWS").read_text() == "1.1\n"


def test_fetch_with_nothing_new_says_nothing(workspace):
    clone = workspace.clone(WIDGETS)
    assert workspace.git("fetch", cwd=clone).all == ""


def test_shallow_clone_and_deepening(workspace, github):
    for number in range(5):
        seed.commit(github.path("acme/widgets"), {"count": str(number)})
    clone = workspace.clone(WIDGETS, None, "--depth=1")
    assert workspace.git("rev-list", "--count", "HEAD", cwd=clone).out == "1\n"
    workspace.git("fetch", "--quiet", "--deepen=2", cwd=clone)
    assert workspace.git("rev-list", "--count", "HEAD", cwd=clone).out == "3\n"
    workspace.git("fetch", "--quiet", "--unshallow", cwd=clone)
    assert workspace.git("rev-list", "--count", "HEAD", cwd=clone).out == "7\n"


def test_partial_clone_fetches_blobs_when_they_are_needed(workspace, github):
    path = github.path("acme/widgets")
    for number in range(3):
        seed.commit(path, {"big": seed.noise(5000, seed=number)}, message=f"version {number}")
    clone = workspace.clone(WIDGETS, None, "--filter=blob:none", "--no-checkout")
    missing = workspace.git("rev-list", "--objects", "--all", "--missing=print", cwd=clone).out.count("\n?")
    assert missing == 6
    assert workspace.git("show", "HEAD~1:big", cwd=clone)
    assert "+int main(void)" in workspace.git("log", "-p", "--", "src/main.c", cwd=clone).out
    workspace.git("checkout", "--quiet", "main", cwd=clone)
    assert (clone / "big").read_bytes() == seed.noise(5000, seed=2)


def test_submodules_of_two_owners(start, folder, github):
    """Each repository is fetched with a token of its own owner's installation."""
    seed.commit(github.path("acme/widgets"), {
        ".gitmodules": '[submodule "lib"]\n\tpath = lib\n\turl = https://github.com/globex/lib.git\n',
        "lib 160000": github.head("globex/lib")})
    gitlatch = start(repositories=ACME + [{"match": "globex/lib", "fetch": True}])
    workspace = gitlatch.workspace(folder / "workspace")
    clone = workspace.clone(WIDGETS, None, "--recurse-submodules")
    assert (clone / "lib/src/main.c").exists()
    scopes = {tuple(request.scope["repository_ids"]) for request in github.requests(host="github.com")}
    assert scopes == {(github.id("acme/widgets"),), (github.id("globex/lib"),)}


def test_tags_are_fetched(workspace, github):
    path = github.path("acme/widgets")
    seed.git(path, "tag", "v1.1", "main")
    seed.git(path, "tag", "-a", "v1.2", "-m", "one", "main")
    clone = workspace.clone(WIDGETS)
    assert workspace.git("tag", "--list", cwd=clone).out == "v1.0.0\nv1.1\nv1.2\n"
    assert workspace.git("cat-file", "-t", "v1.2", cwd=clone).out == "tag\n"


def test_ls_remote_in_each_protocol_version(workspace, github):
    for version in (0, 1, 2):
        out = workspace.git("-c", f"protocol.version={version}", "ls-remote", WIDGETS, "refs/heads/main").out
        assert out == f"{github.head('acme/widgets')}\trefs/heads/main\n"


def test_a_wiki_is_cloned_by_the_rule_of_its_repository(workspace, github):
    clone = workspace.clone("https://github.com/acme/widgets.wiki.git")
    assert (clone / "README.md").exists()


def test_git_archive_is_refused_as_github_does(workspace):
    """GitHub serves no upload-archive: git says so, and does not ask for a user name."""
    refused = workspace.git("archive", "--remote", WIDGETS, "HEAD", check=False)
    assert "fatal:" in refused.err
    code, text = workspace.status(WIDGETS + "/info/refs?service=git-upload-archive")
    assert code == 403 and "upload_archive" in text and "tarball" in text and "smart protocol" not in text, text


def test_a_public_repository_of_others_is_cloned_anonymously(workspace, github, gitlatch):
    github.repository("mallory/public", private=False, files={"a": "a"})
    workspace.clone("https://github.com/mallory/public.git")
    requests = [request for request in github.requests(host="github.com") if request.path.startswith("/mallory")]
    assert requests and all(request.auth == "none" for request in requests)
    event = gitlatch.wait_audit(repository="mallory/public", decision="anonymous")
    assert "token" not in event and "source" not in event


def test_eight_clones_side_by_side(workspace, github):
    seed.large(github.path("acme/widgets"), 4 << 20, blob=64 << 10)
    results = {}

    def clone(number):
        try:
            results[number] = workspace.head(workspace.clone(WIDGETS, f"clone{number}"))
        except AssertionError as error:
            results[number] = error
    threads = [threading.Thread(target=clone, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: github.head("acme/widgets") for number in range(8)}
    mints = [request for request in github.requests(method="POST") if request.path.endswith("/access_tokens")]
    assert len(mints) == 1, "eight that wait for one token cost one mint"


@pytest.mark.slow
def test_a_repository_of_500_mb_through_24_mib(workspace, github, gitlatch):
    """The clone is whole, and gitlatch's memory does not grow with it."""
    path = github.repository("acme/large")
    head = seed.large(path, 500 << 20)
    clone = workspace.clone("https://github.com/acme/large.git", None, "--no-checkout", timeout=240)
    assert workspace.head(clone, "origin/main") == head
    fsck = workspace.git("fsck", "--full", "--strict", "--no-dangling", cwd=clone, timeout=120)
    assert "error" not in fsck.all and "missing" not in fsck.all
    wait_until(lambda: any(event["bytes_down"] > 500 << 20 for event in gitlatch.audit(event="request")),
               "the clone is in the audit log")
    if not sanitized():
        assert gitlatch.process.peak_kib() <= 24 << 10


@pytest.mark.slow
@pytest.mark.limit(1200)
def test_a_thousand_ls_remotes_leave_nothing_behind(workspace, github, gitlatch):
    """One after the other, each its own git and its own connection: descriptors and memory stay flat."""
    expected = f"{github.head('acme/widgets')}\trefs/heads/main\n"

    def some(count):
        for _ in range(count):
            done = subprocess.run(["git", "ls-remote", WIDGETS, "refs/heads/main"], env=workspace.env,
                                  capture_output=True, text=True)
            assert (done.returncode, done.stdout) == (0, expected), done.stderr
    some(100)  # pools, caches and the allocator fill up
    descriptors, memory = gitlatch.process.descriptors(), gitlatch.process.rss_kib()
    some(900)
    assert gitlatch.process.descriptors() <= descriptors + 2
    if not sanitized():
        assert gitlatch.process.rss_kib() <= memory + 512
