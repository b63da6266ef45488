"""The mock GitHub's LFS, with the real git-lfs: objects on hosts that take no Authorization."""
import hashlib
import json

import pytest
from lib import seed
from lib.direct import WIDGETS, basic, direct  # noqa: F401

OBJECTS = "github-cloud.s3.amazonaws.com"
TYPE = "application/vnd.git-lfs+json"


@pytest.fixture
def writer(direct):
    direct.use(direct.token(repositories=["widgets"], permissions={"contents": "write"}))
    direct.git("lfs", "install", "--skip-repo")
    return direct


@pytest.fixture
def clone(writer):
    clone = writer.clone(WIDGETS)
    writer.git("lfs", "track", "*.bin", cwd=clone)
    writer.commit(clone, {".gitattributes": (clone / ".gitattributes").read_text()}, branch="assets")
    return clone


def lfs(direct, path, body=None, token=None, *extra, content_type=TYPE):
    arguments = ["--header", f"Content-Type: {content_type}", "--header", f"Accept: {TYPE}", *extra]
    if token:
        arguments += ["--header", f"Authorization: {basic(token)}"]
    if body is not None:
        arguments += ["--data", json.dumps(body)]
    code, text = direct.status(*arguments, f"{WIDGETS}/info/lfs{path}")
    return code, json.loads(text)


def batch(direct, token, operation, *contents, **extra):
    objects = [{"oid": hashlib.sha256(content).hexdigest(), "size": len(content)} for content in contents]
    return lfs(direct, "/objects/batch", {"operation": operation, "objects": objects, **extra}, token)


def test_push_and_pull(writer, clone, github):
    files = {f"{size}.bin": seed.noise(size, seed=size) for size in (1, 5000, 8 << 20)}
    writer.commit(clone, files)
    writer.git("push", "--quiet", "origin", "assets", cwd=clone)
    again = writer.clone(WIDGETS, "again", "--branch=assets")
    for name, content in files.items():
        assert (again / name).read_bytes() == content
    objects = github.requests(host=OBJECTS)
    assert [request.method for request in objects] == ["PUT"] * 3 + ["GET"] * 3
    verified = github.requests(host="lfs.github.com")
    assert len(verified) == 3 and all(request.status == 200 for request in objects + verified)
    assert all(request.auth == "none" for request in objects)
    assert all(request.auth == "other" and request.token is None for request in verified)


def test_locks(writer, clone, direct, github):
    writer.commit(clone, {"a.bin": "a", "b.bin": "b"})
    writer.git("push", "--quiet", "origin", "assets", cwd=clone)
    writer.git("lfs", "lock", "a.bin", cwd=clone)
    assert "already created lock" in writer.git("lfs", "lock", "a.bin", cwd=clone, check=False).all
    octocat = github.token(user="octocat")
    code, lock = lfs(direct, "/locks", {"path": "b.bin"}, octocat)
    assert code == 201 and lock["lock"]["owner"]["name"] == "octocat"
    code, locks = lfs(direct, "/locks/verify", {}, octocat)
    assert [lock["path"] for lock in locks["ours"]] == ["b.bin"]
    assert [lock["path"] for lock in locks["theirs"]] == ["a.bin"]
    code, locks = lfs(direct, "/locks?path=a.bin", None, octocat)
    assert [lock["path"] for lock in locks["locks"]] == ["a.bin"]
    assert "force" in writer.git("lfs", "unlock", "b.bin", cwd=clone, check=False).all
    writer.git("lfs", "unlock", "--force", "b.bin", cwd=clone)
    writer.git("lfs", "unlock", "a.bin", cwd=clone)
    assert writer.git("lfs", "locks", cwd=clone).out == ""


def test_locks_can_be_absent(writer, clone, github):
    github.setting(locks=0)
    assert lfs(writer, "/locks", None, writer.env["GH_TOKEN"])[0] == 404
    writer.commit(clone, {"a.bin": "a"})
    writer.git("push", "--quiet", "origin", "assets", cwd=clone)


def test_scopes(direct):
    reader = direct.token(permissions={"contents": "read"})
    writer = direct.token(permissions={"contents": "write"})
    other = direct.token(repositories=["gadgets"])
    assert batch(direct, reader, "download", b"x")[0] == 200
    assert batch(direct, reader, "upload", b"x")[0] == 403
    assert batch(direct, writer, "upload", b"x")[0] == 200
    assert batch(direct, other, "download", b"x") == (404, {
        "message": "Repository not found.",
        "documentation_url": "https://docs.github.com/repositories/working-with-files/managing-large-files"})
    assert batch(direct, None, "download", b"x")[0] == 401
    for path, body, code in (("/locks", {"path": "x"}, 403), ("/locks/verify", {}, 403), ("/locks", None, 200)):
        assert lfs(direct, path, body, reader)[0] == code


def test_batch_answers(direct):
    token = direct.token()
    code, answer = batch(direct, token, "download", b"absent")
    assert code == 200 and answer["objects"][0]["error"]["code"] == 404
    code, answer = batch(direct, token, "upload", b"new", transfers=["basic"], ref={"name": "refs/heads/main"})
    actions = answer["objects"][0]["actions"]
    assert actions["upload"]["href"].startswith(f"https://{OBJECTS}/") and "X-Amz-Signature=" in actions["upload"]["href"]
    assert actions["verify"]["href"] == "https://lfs.github.com/acme/widgets/verify"
    assert lfs(direct, "/objects/batch", {"operation": "steal", "objects": []}, token)[0] == 422
    assert lfs(direct, "/objects/batch", {"operation": "upload", "objects": [{"oid": "../x", "size": 1}]},
               token)[1]["objects"][0]["error"]["code"] == 422
    assert lfs(direct, "/objects/batch", {}, token, content_type="text/plain")[0] == 415


def put(direct, action, content, *extra):
    headers = [word for name, value in action["header"].items() for word in ("--header", f"{name}: {value}")]
    return direct.status("--request", "PUT", *headers, *extra, "--data-binary", content, action["href"])


def test_the_object_host_is_strict(direct, github):
    token = direct.token()
    upload = batch(direct, token, "upload", b"hello")[1]["objects"][0]["actions"]["upload"]
    code, answer = put(direct, upload, "hello", "--header", f"Authorization: {basic(token)}")
    assert code == 400 and "Only one auth mechanism allowed" in answer
    assert put(direct, {**upload, "header": {}}, "hello")[0] == 403
    assert put(direct, {**upload, "href": upload["href"][:-4] + "0000"}, "hello")[0] == 403
    assert put(direct, upload, "jello")[0] == 400
    assert put(direct, upload, "hello", "--header", "Transfer-Encoding: chunked")[0] == 501
    assert put(direct, upload, "hello")[0] == 200
    assert "actions" not in batch(direct, token, "upload", b"hello")[1]["objects"][0]
    download = batch(direct, token, "download", b"hello")[1]["objects"][0]["actions"]["download"]["href"]
    assert direct.status(download) == (200, "hello")
    assert direct.status("--header", "Range: bytes=2-", download) == (206, "llo")
    assert direct.status("--request", "PUT", "--data", "x", download)[0] == 403
    github.setting(clock_offset=3601)
    code, answer = direct.status(download)
    assert code == 403 and "Request has expired" in answer
    github.setting(clock_offset=0)
    assert direct.status("--header", f"Authorization: {basic(token)}", "--data", "{}",
                         "https://lfs.github.com/acme/widgets/verify")[0] == 401
    leak = github.requests(host="lfs.github.com")[-1]
    assert leak.auth == "basic" and leak.token == 1
