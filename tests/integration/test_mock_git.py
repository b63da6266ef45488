"""The mock GitHub serves git as GitHub does, with the real git."""
import gzip

import pytest
from lib import seed
from lib.direct import WIDGETS, basic, direct  # noqa: F401
from lib.raw import Raw

REFS = f"{WIDGETS}/info/refs?service=git-upload-pack"


@pytest.fixture
def writer(direct):
    """With a token for acme/widgets that may push."""
    return direct.use(direct.token(repositories=["widgets"], permissions={"contents": "write"}))


@pytest.mark.parametrize("version", [0, 1, 2])
def test_clone_in_each_protocol_version(writer, github, version):
    clone = writer.clone(WIDGETS, None, f"--config=protocol.version={version}")
    assert writer.head(clone) == github.head("acme/widgets")
    assert writer.git("tag", cwd=clone).out == "v1.0.0\n"


def test_shallow_and_partial_clones_fetch_on(writer, github):
    shallow = writer.clone(WIDGETS, "shallow", "--depth=1")
    assert writer.git("rev-list", "--count", "HEAD", cwd=shallow).out == "1\n"
    writer.git("fetch", "--quiet", "--unshallow", cwd=shallow)
    assert writer.git("rev-list", "--count", "HEAD", cwd=shallow).out == "2\n"
    partial = writer.clone(WIDGETS, "partial", "--filter=blob:none", "--no-checkout")
    assert "Look round" in writer.git("show", "HEAD:README.md", cwd=partial).out
    assert "Look round" in writer.git("show", "v1.0.0:README.md", cwd=partial).out


def test_push_create_update_force_delete_and_tags(writer, github):
    clone = writer.clone(WIDGETS)
    first = writer.commit(clone, {"a": "a"}, branch="topic")
    writer.git("push", "--quiet", "origin", "topic", "HEAD:refs/tags/t", cwd=clone)
    assert github.head("acme/widgets", "refs/heads/topic") == github.head("acme/widgets", "refs/tags/t") == first
    writer.git("commit", "--quiet", "--amend", "--message", "again", cwd=clone)
    rejected = writer.git("push", "origin", "topic", cwd=clone, check=False)
    assert "non-fast-forward" in rejected.err
    writer.git("push", "--quiet", "--force", "origin", "topic", cwd=clone)
    assert github.head("acme/widgets", "refs/heads/topic") == writer.head(clone)
    writer.git("push", "--quiet", "origin", "--delete", "topic", cwd=clone)
    assert github.head("acme/widgets", "refs/heads/topic") is None


def test_a_large_push_is_probed_chunked_and_streamed(writer, github):
    clone = writer.clone(WIDGETS)
    commit = writer.commit(clone, {"big": seed.noise(20 << 20)}, branch="big")
    writer.git("push", "--quiet", "origin", "big", cwd=clone)
    assert github.head("acme/widgets", "refs/heads/big") == commit
    probe, push = [request for request in github.requests(method="POST") if "receive-pack" in request.path]
    assert (probe.body_size, probe.status) == (4, 200)
    assert push.header("Transfer-Encoding") == ["chunked"] and push.body_size > 20 << 20 and push.body_whole


def test_receive_pack_offers_what_github_offers(writer):
    code, refs = writer.status("--header", f"Authorization: {basic(writer.env['GH_TOKEN'])}",
                               f"{WIDGETS}/info/refs?service=git-receive-pack")
    assert code == 200
    offered = refs.split("\0")[1].split("\n")[0].split()
    assert {"report-status", "report-status-v2", "delete-refs", "side-band-64k", "quiet", "atomic", "ofs-delta",
            "push-options", "object-format=sha1"} <= set(offered)
    assert not any(word.startswith("push-cert") for word in offered)


def test_who_may_not_see_it(direct):
    code, answer = direct.status("--include", REFS)
    assert code == 401 and 'WWW-Authenticate: Basic realm="GitHub"' in answer and "Repository not found." in answer
    assert "could not read Username" in direct.ls_remote(check=False).err
    bad = direct.use("ghs_wrong").git("ls-remote", WIDGETS, check=False).err
    assert "remote: Invalid username or token. Password authentication is not supported for Git operations." in bad
    gadgets = direct.token(repositories=["gadgets"])
    assert "remote: Repository not found." in direct.ls_remote(token=gadgets, check=False).err
    assert "refs/heads/main" in direct.use(None).ls_remote("https://github.com/acme/public").out
    assert "Repository not found." in direct.ls_remote("https://github.com/acme/none", gadgets, check=False).err


def test_bearer_is_not_for_git(direct):
    token = direct.token()
    assert direct.status("--header", f"Authorization: Bearer {token}", REFS)[0] == 401
    assert direct.status("--header", f"Authorization: {basic(token, user='anyone')}", REFS)[0] == 200


def test_a_token_that_only_reads_cannot_push(direct):
    direct.use(direct.token(repositories=["widgets"], permissions={"contents": "read"}))
    clone = direct.clone(WIDGETS)
    refused = direct.git("push", "origin", "HEAD:refs/heads/x", cwd=clone, check=False).err
    assert "remote: Permission to acme/widgets.git denied to gitlatch-mock[bot]." in refused and "403" in refused
    token = direct.token(permissions={"metadata": "read"})
    assert direct.ls_remote(token=token, check=False).code != 0


def test_nobody_pushes_to_a_public_repository(direct):
    clone = direct.clone("https://github.com/acme/public")
    refused = direct.git("push", "origin", "HEAD:refs/heads/x", cwd=clone, check=False, prompts=True)
    assert "could not read Username" in refused.err


def test_workflows_want_a_permission_of_their_own(writer, github):
    clone = writer.clone(WIDGETS)
    good = writer.commit(clone, {"a": "a"}, branch="good")
    writer.commit(clone, {".github/workflows/ci.yml": "on: push\n"}, branch="bad")
    refused = writer.git("push", "origin", "good", "bad", cwd=clone, check=False).err
    assert ("! [remote rejected] bad -> bad (refusing to allow a GitHub App to create or update workflow "
            "`.github/workflows/ci.yml` without `workflows` permission)") in refused
    assert github.head("acme/widgets", "refs/heads/good") == good
    assert github.head("acme/widgets", "refs/heads/bad") is None
    writer.git("push", "--quiet", "origin", "--delete", "good", cwd=clone)
    refused = writer.git("push", "--atomic", "origin", "good", "bad", cwd=clone, check=False).err
    assert "good -> good (atomic transaction failed)" in refused and github.head("acme/widgets", "refs/heads/good") is None
    writer.use(writer.token(permissions={"contents": "write", "workflows": "write"}))
    writer.git("push", "--quiet", "origin", "good", "bad", cwd=clone)
    assert github.head("acme/widgets", "refs/heads/bad")


def test_what_else_a_push_may_not(writer, github):
    clone = writer.clone(WIDGETS)
    assert "deletion of the current branch prohibited" in writer.git("push", "origin", "--delete", "main", cwd=clone,
                                                                     check=False).err
    assert "deny updating a hidden ref" in writer.git("push", "origin", "HEAD:refs/pull/1/head", cwd=clone,
                                                      check=False).err
    github.setting(max_object=1 << 20)
    writer.commit(clone, {"big": seed.noise(2 << 20)}, branch="big")
    refused = writer.git("push", "origin", "big", cwd=clone, check=False).err
    assert "remote: error: GH001: Large files detected." in refused and "is 2.00 MB; this exceeds" in refused
    github.setting(max_object=100 << 20, max_pack=1 << 20)
    refused = writer.git("push", "origin", "big", cwd=clone, check=False).err
    assert "pack exceeds maximum allowed size" in refused
    assert github.head("acme/widgets", "refs/heads/big") is None


def test_renamed_repositories_redirect(direct, github):
    token = direct.token()
    followed = direct.ls_remote("https://github.com/acme/old-name", token)
    assert "redirecting to https://github.com/acme/new-name.git/" in followed.err
    assert github.head("acme/new-name") in followed.out
    for path, method in (("/info/refs?service=git-receive-pack", "GET"), ("/git-receive-pack", "POST")):
        code, answer = direct.status("--include", "--request", method, "--header", f"Authorization: {basic(token)}",
                                     "--header", "Content-Type: application/x-git-receive-pack-request",
                                     f"https://github.com/acme/old-name.git{path}")
        assert code == 301 and f"Location: https://github.com/acme/new-name.git{path}" in answer
    assert direct.status("https://github.com/acme/old-name/info/refs?service=git-upload-pack")[0] == 401
    github.rename("acme/widgets", "gizmos")
    assert github.head("acme/gizmos") in direct.ls_remote(token=token).out
    github.control("POST", "/owner/rename", owner="acme", name="emca")
    assert "emca/gizmos.git" in direct.ls_remote(token=token).err


def test_dumb_protocol_and_archives_are_refused(direct):
    token = direct.token()
    for path in ("/info/refs", "/HEAD", "/objects/info/packs"):
        code, answer = direct.status("--header", f"Authorization: {basic(token)}", WIDGETS + path)
        assert code == 403 and answer.startswith("Please upgrade your git client.")
    for path, method in (("/info/refs?service=git-upload-archive", "GET"), ("/git-upload-archive", "POST")):
        assert direct.status("--request", method, "--header", f"Authorization: {basic(token)}", WIDGETS + path)[0] == 403


def test_two_authorizations_are_one_too_many(direct, github):
    token = direct.token()
    for url in (REFS, "https://api.github.com/repos/acme/widgets"):
        code, answer = direct.status("--header", f"Authorization: {basic(token)}", "--header",
                                     f"Authorization: {basic(token)}", url)
        assert (code, answer) == (400, 'Duplicate header: "Authorization"\n')


def test_gzip_and_content_types(direct, github):
    headers = ["--header", f"Authorization: {basic(direct.token())}", "--header", "Git-Protocol: version=2"]
    body = gzip.compress(b"0014command=ls-refs\n0001001bref-prefix refs/heads/\n0000")
    (direct.folder / "body").write_bytes(body)
    request = headers + ["--data-binary", f"@{direct.folder}/body", f"{WIDGETS}/git-upload-pack"]
    code, answer = direct.status("--header", "Content-Encoding: gzip", "--header",
                                 "Content-Type: application/x-git-upload-pack-request", *request)
    assert code == 200 and "refs/heads/main" in answer
    assert direct.status("--header", "Content-Encoding: gzip", *request)[0] == 415


def test_wiki(direct, github):
    direct.use(direct.token(repositories=["widgets"], permissions={"contents": "write"}))
    clone = direct.clone("https://github.com/acme/widgets.wiki.git")
    commit = direct.commit(clone, {"Home.md": "hello"})
    direct.git("push", "--quiet", "origin", "HEAD", cwd=clone)
    assert github.head("acme/widgets.wiki") == commit


def test_people_and_foreign_accounts(direct, github):
    octocat, mallory = github.token(user="octocat"), github.token(user="mallory")
    for url, works in ((WIDGETS, octocat), ("https://github.com/globex/lib", octocat),
                       ("https://github.com/mallory/exfil", mallory)):
        fails = mallory if works == octocat else octocat
        assert "refs/heads/main" in direct.ls_remote(url, works).out
        assert "Repository not found." in direct.ls_remote(url, fails, check=False).err


def test_expect_100_continue(direct, github):
    with Raw(address=("127.0.0.1", github.port)).tls("github.com", ca=github.ca) as raw:
        raw.send("POST /acme/widgets.git/git-receive-pack HTTP/1.1\r\nHost: github.com\r\n"
                 f"Authorization: {basic(direct.token())}\r\nContent-Type: application/x-git-receive-pack-request\r\n"
                 "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert raw.answer("POST", interim=True).status == 100
        raw.send("0000")
        assert raw.answer("POST").status == 200
