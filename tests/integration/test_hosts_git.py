"""Git hosts that are no GitHub: one suite for all kinds. A workspace without a credential fetches, pushes and uses Git LFS
there, rules hold, and each host gets its own credential and no other's."""
import base64

import pytest

from lib.certificates import Authority
from lib.forge import KINDS, Forge
from lib.gitlatch import BINARY
from lib.leaks import files_under, find_in, find_in_files

SECRET = "secret-of-{}-0123456789abcdefghijklmnop"


@pytest.fixture
def forges(folder):
    """make(type, …): a host of this kind."""
    running, authority = [], Authority(folder / "forge-ca")

    def make(kind="gitlab", host=None, token=None, **options):
        host = host or f"{kind}.corp.test"
        forge = Forge(folder / f"forge-{len(running)}", KINDS[kind], host, authority,
                      token or SECRET.format(host.replace(".", "-").replace(":", "-")), **options)
        running.append(forge)
        return forge
    yield make
    for forge in running:
        forge.close()


@pytest.fixture(params=list(KINDS))
def forge(request, forges):
    return forges(request.param)


def start_with(start, *forges, credentials=True, rules=None, **config):
    """gitlatch in front of these hosts, without anything of GitHub's."""
    return start(hosts=[forge.setting for forge in forges],
                 credentials=[forge.credential for forge in forges] if credentials else [
                     {"type": "environment", "name": "NOT_SET"}],
                 repositories=rules if rules is not None else [forge.rule() for forge in forges], **config)


def authorizations(forge):
    return [value for request in forge.requests for value in request.header("Authorization")]


def assert_no_leak(gitlatch, workspace, *tokens):
    gitlatch.stop()
    assert not find_in_files(files_under(workspace.folder, gitlatch.folder / "public"), tokens)
    assert not find_in(gitlatch.log.encode(), tokens)
    assert not find_in((gitlatch.folder / "audit.jsonl").read_bytes(), tokens)


def test_fetch_push_and_refusal(forge, start, folder):
    gitlatch = start_with(start, forge)
    workspace = gitlatch.workspace(folder / "work")
    clone = workspace.clone(forge.url, "app")
    assert workspace.head(clone) == forge.head()

    head = workspace.commit(clone, {"new": "text"}, branch="agent/one")
    workspace.git("push", "--quiet", "origin", "agent/one", cwd=clone)
    assert forge.refs()["refs/heads/agent/one"] == head

    before = len(forge.asked("/git-receive-pack"))
    workspace.commit(clone, {"other": "text"}, branch="main")
    refused = workspace.git("push", "origin", "main", cwd=clone, check=False)
    assert "! [remote rejected] main -> main" in refused.err and "refs/heads/agent/*" in refused.err
    assert len(forge.asked("/git-receive-pack")) == before, "a refused push reached the host"

    assert set(authorizations(forge)) == {forge.authorization}
    event = gitlatch.wait_audit(operation="push", decision="deny")
    assert event["host"] == forge.host and event["repository"] == forge.kind.name
    assert event["rule"] == f"{forge.host}/{forge.kind.name}" and event["reason"] == "ref"
    assert_no_leak(gitlatch, workspace, forge.token)


def test_ssh_remotes_lead_there(forge, start, folder):
    gitlatch = start_with(start, forge)
    workspace = gitlatch.workspace(folder / "work", GIT_SSH_COMMAND="false", GIT_CONFIG_COUNT="1",
                                   GIT_CONFIG_KEY_0="include.path",
                                   GIT_CONFIG_VALUE_0=str(gitlatch.public / "gitconfig"))
    clone = workspace.clone(forge.ssh, "app")
    assert workspace.head(clone) == forge.head()
    head = workspace.commit(clone, {"new": "text"}, branch="agent/ssh")
    workspace.git("push", "--quiet", "origin", "agent/ssh", cwd=clone)
    assert forge.refs()["refs/heads/agent/ssh"] == head


def test_lfs(forge, start, folder):
    gitlatch = start_with(start, forge)
    workspace = gitlatch.workspace(folder / "work")
    workspace.git("lfs", "install", "--skip-repo")
    clone = workspace.clone(forge.url, "app")
    workspace.git("lfs", "track", "*.bin", cwd=clone)
    workspace.commit(clone, {".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n", "big.bin": b"b" * 4096},
                     branch="agent/lfs")
    workspace.git("push", "origin", "agent/lfs", cwd=clone)
    assert len(forge.objects) == 1
    again = workspace.clone(forge.url, "again", "--branch", "agent/lfs")
    assert (again / "big.bin").read_bytes() == b"b" * 4096
    workspace.git("lfs", "lock", "big.bin", cwd=again)
    assert forge.locks[0]["path"] == "big.bin"
    assert set(authorizations(forge)) == {forge.authorization}

    # What the workspace is shown of a batch.
    oid = next(iter(forge.objects))
    batch = ('{"operation":"download","transfers":["basic"],"objects":[{"oid":"%s","size":4096}]}' % oid)
    status, body = workspace.status("--cacert", gitlatch.public / "ca.pem", "-H", "Accept: application/vnd.git-lfs+json",
                                    "-H", "Content-Type: application/vnd.git-lfs+json", "-d", batch,
                                    f"{forge.url}/info/lfs/objects/batch")
    assert status == 200 and oid in body and "X-Kept" in body
    assert "Authorization" not in body and not find_in(body.encode(), [forge.token])
    assert_no_leak(gitlatch, workspace, forge.token)


def test_without_a_credential(forge, start, folder, github):
    """GitHub's credential is there, and never given to another host."""
    forge.public = True
    pat = github.token(user="octocat")
    gitlatch = start(hosts=[forge.setting], credentials=[{"type": "environment", "name": "GITHUB_PAT"}],
                     env={"GITHUB_PAT": pat}, repositories=[forge.rule(), {"match": "acme/*", "fetch": True}])
    workspace = gitlatch.workspace(folder / "work")
    clone = workspace.clone(forge.url, "app")
    forge.public = False
    refused = workspace.git("fetch", cwd=clone, check=False)
    assert "no_credential" in refused.err
    workspace.commit(clone, {"new": "text"}, branch="agent/one")
    refused = workspace.git("push", "origin", "agent/one", cwd=clone, check=False)
    assert "no_credential" in refused.err
    assert authorizations(forge) == []


def test_pages_get_no_credential(forge, start, folder):
    gitlatch = start_with(start, forge)
    workspace = gitlatch.workspace(folder / "work")
    for path in ("/", "/api/v4/user", f"{forge.kind.path}/-/settings", f"{forge.kind.path}.git/HEAD"):
        workspace.status("--cacert", gitlatch.public / "ca.pem", "-H", "Authorization: Bearer foreign",
                         f"https://{forge.host}{path}")
    assert len(forge.requests) == 4 and authorizations(forge) == []

    denies = start(hosts=[{**forge.setting, "pages": "deny"}], credentials=[forge.credential], repositories=[forge.rule()])
    workspace = denies.workspace(folder / "work-2")
    status, body = workspace.status("--cacert", denies.public / "ca.pem", f"https://{forge.host}/api/v4/user")
    assert status == 403 and "reason anonymous" in body
    assert len(forge.requests) == 4
    workspace.clone(forge.url, "app")


def test_rules(forges, start, folder):
    forge = forges("gitlab")
    gitlatch = start_with(start, forge, rules=[{"match": f"{forge.host}/group/other", "fetch": True},
                                               {"match": "group/sub", "fetch": True, "push": True}])
    workspace = gitlatch.workspace(folder / "work")
    refused = workspace.git("ls-remote", forge.url, check=False)  # no rule: without a credential
    assert "The requested URL returned error: 40" in refused.err
    assert authorizations(forge) == []
    refused = workspace.git("push", forge.url, "HEAD:refs/heads/x", check=False, cwd=forge.folder / "work")
    assert "reason repository" in refused.err and f"{forge.host}/group/sub/app" in refused.err


def run_check(gitlatch, workspace, *arguments, check=True):
    return workspace.run(BINARY, "check", "-c", gitlatch.config_path, *arguments, check=check).out


def test_check_tries_the_credential(forge, start, folder):
    gitlatch = start_with(start, forge)
    workspace = gitlatch.workspace(folder / "work")
    assert f"ok    {forge.host}: takes the credential: {forge.kind.name} can be fetched" in run_check(gitlatch, workspace,
                                                                                                     check=None)
    assert forge.requests[-1].status == 200
    forge.token = "nobody-has-this-token-0123456789abcdefgh"
    assert f"FAIL  {forge.host}: does not take the credential (401)" in run_check(gitlatch, workspace, check=False)


def test_check_explains(forge, start, folder):
    gitlatch = start_with(start, forge)
    workspace = gitlatch.workspace(folder / "work")
    name = f"{forge.host}/{forge.kind.name}"
    out = run_check(gitlatch, workspace, "--explain", "push", name.replace(" ", "%20"), "refs/heads/agent/x")
    assert f"rule: {name}" in out and f"credential: that of {forge.host}" in out
    out = run_check(gitlatch, workspace, "--explain", "push", name.replace(" ", "%20"), "refs/heads/main", check=False)
    assert "denied" in out and "[ref]" in out


def test_a_new_credential_after_401(forges, start, folder):
    forge = forges("gitea")
    (folder / "current").write_text(forge.token + "\n")
    gitlatch = start(hosts=[forge.setting], repositories=[forge.rule()],
                     credentials=[{"type": "command", "host": forge.host, "argv": ["cat", str(folder / "current")]}])
    workspace = gitlatch.workspace(folder / "work")
    workspace.git("ls-remote", forge.url)
    forge.token = "another-token-0123456789abcdefghijklmnop"
    (folder / "current").write_text(forge.token + "\n")
    count = len(forge.requests)
    workspace.git("ls-remote", forge.url)
    assert [request.status for request in forge.requests[count:]] == [401, 200, 200]
    forge.token = "nobody-has-this-token-0123456789abcdefgh"
    refused = workspace.git("ls-remote", forge.url, check=False)
    assert f"{forge.host} did not accept its credential" in refused.err


def test_a_host_with_a_port(forges, start, folder):
    forge = forges("git", "git.corp.test:8443")
    gitlatch = start_with(start, forge)
    workspace = gitlatch.workspace(folder / "work")
    clone = workspace.clone(forge.url, "app")
    assert workspace.head(clone) == forge.head()
    assert forge.requests[-1].header("Host") == ["git.corp.test:8443"]
    # Another port of the same name is nobody's.
    refused = workspace.curl("https://git.corp.test/", check=False)
    assert "403" in refused.err
    assert workspace.git("ls-remote", f"{gitlatch.url}/git.corp.test:8443/App.git").out


def test_a_moved_project(forges, start, folder):
    """GitLab answers a moved project's old name with 301 (docs.gitlab.com, "Repository path changes")."""
    forge = forges("gitlab")
    forge.moved["/group/old.git"] = f"https://{forge.host}/group/sub/app.git"
    old = f"https://{forge.host}/group/old.git"
    gitlatch = start_with(start, forge, rules=[{"match": f"{forge.host}/group/old", "fetch": True}, forge.rule()])
    workspace = gitlatch.workspace(folder / "work")
    assert workspace.git("ls-remote", old).out
    narrow = start_with(start, forge, rules=[{"match": f"{forge.host}/group/old", "fetch": True}])
    workspace = narrow.workspace(folder / "work-2")
    count = len(authorizations(forge))
    workspace.git("ls-remote", old, check=False)
    assert len(authorizations(forge)) == count + 1, "the new name got a credential that no rule gives it"


# No credential leaves for another host.

def two(forges, start, **config):
    ours, theirs = forges("gitlab"), forges("gitea")
    gitlatch = start_with(start, ours, theirs, **config)
    return ours, theirs, gitlatch


def assert_own(*forges):
    for forge in forges:
        assert set(authorizations(forge)) <= {forge.authorization}, forge.host
        others = [other.token for other in forges if other is not forge]
        for request in forge.requests:
            assert not find_in(repr((request.path, request.headers)).encode() + request.body, others), forge.host


def test_leak_by_redirect(forges, start, folder):
    ours, theirs, gitlatch = two(forges, start)
    ours.moved[ours.kind.path] = f"https://{theirs.host}{theirs.kind.path}"
    workspace = gitlatch.workspace(folder / "work")
    workspace.git("ls-remote", ours.url)
    assert theirs.requests and theirs.requests[-1].header("Authorization") == [theirs.authorization]
    assert_own(ours, theirs)


def test_leak_by_lfs_href(forges, start, folder):
    ours, theirs, gitlatch = two(forges, start)
    ours.object_base = f"https://{theirs.host}"
    workspace = gitlatch.workspace(folder / "work")
    workspace.git("lfs", "install", "--skip-repo")
    clone = workspace.clone(ours.url, "app")
    workspace.commit(clone, {".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n", "big.bin": b"b" * 4096},
                     branch="agent/lfs")
    workspace.git("push", "origin", "agent/lfs", cwd=clone, check=None)
    assert any("gitlab-lfs" in request.path for request in theirs.requests)
    assert_own(ours, theirs)


def test_leak_by_submodule(forges, start, folder):
    ours, theirs, gitlatch = two(forges, start)
    workspace = gitlatch.workspace(folder / "work")
    clone = workspace.clone(ours.url, "super")
    workspace.git("submodule", "--quiet", "add", theirs.url, "theirs", cwd=clone)
    workspace.git("commit", "--quiet", "-am", "a submodule", cwd=clone)
    workspace.git("push", "--quiet", "origin", "HEAD:refs/heads/agent/super", cwd=clone)
    again = workspace.clone(ours.url, "again", "--branch", "agent/super", "--recurse-submodules")
    assert workspace.head(again / "theirs") == theirs.head()
    assert_own(ours, theirs)


def test_leak_by_connect(forges, start, folder):
    """CONNECT to one, Host of the other; SNI of the other; the other's absolute target."""
    ours, theirs, gitlatch = two(forges, start)
    workspace = gitlatch.workspace(folder / "work")
    for options in (["-H", f"Host: {theirs.host}"], ["--request-target", f"https://{theirs.host}/owner/app.git/info/refs"],
                    ["-H", f"Host: {ours.host}:8443"]):
        status, body = workspace.status("--cacert", gitlatch.public / "ca.pem", *options,
                                        f"{ours.url}/info/refs?service=git-upload-pack")
        assert status == 421 and "misdirected" in body
    assert not ours.requests and not theirs.requests


def test_leak_by_a_longer_name(forges, start, folder):
    """A user or a port in the URL leads nowhere else."""
    ours, theirs, gitlatch = two(forges, start)
    workspace = gitlatch.workspace(folder / "work")
    workspace.git("ls-remote", ours.url.replace("https://", f"https://{theirs.host}:{theirs.host}@"))
    workspace.git("ls-remote", ours.url.replace(ours.host, f"{ours.host}.evil.test"), check=False)
    assert not theirs.requests
    assert_own(ours)


def test_submodules_of_every_kind(forges, start, folder, github):
    """One workspace: a superproject on GitHub with a submodule on each other kind."""
    all_forges = [forges(kind) for kind in KINDS]
    gitlatch = start(hosts=[forge.setting for forge in all_forges],
                     credentials=[{"type": "app", "app_id": "12345", "private_key": str(github.app_key)},
                                  *[forge.credential for forge in all_forges]],
                     repositories=[{"match": "acme/*", "fetch": True, "push": ["refs/heads/agent/*"]},
                                   *[forge.rule() for forge in all_forges]])
    workspace = gitlatch.workspace(folder / "work")
    superproject = workspace.clone("https://github.com/acme/widgets.git", "super")
    for forge in all_forges:
        workspace.git("submodule", "--quiet", "add", forge.url, forge.kind.type, cwd=superproject)
    workspace.git("commit", "--quiet", "-am", "submodules", cwd=superproject)
    workspace.git("push", "--quiet", "origin", "HEAD:refs/heads/agent/super", cwd=superproject)
    again = workspace.clone("https://github.com/acme/widgets.git", "again", "--branch", "agent/super",
                            "--recurse-submodules")
    for forge in all_forges:
        part = again / forge.kind.type
        head = workspace.commit(part, {"new": "text"}, branch="agent/part")
        workspace.git("push", "--quiet", "origin", "agent/part", cwd=part)
        assert forge.refs()["refs/heads/agent/part"] == head
        refused = workspace.git("push", "origin", "HEAD:refs/heads/main", cwd=part, check=False)
        assert "! [remote rejected] HEAD -> main" in refused.err
    assert_own(*all_forges)
    tokens = [forge.token for forge in all_forges]
    for request in github.requests():
        assert not find_in(repr((request.path, request.headers)).encode(), tokens)
    given = [base64.b64decode(value.split()[1]).split(b":", 1)[1].decode() for request in github.requests()
             for value in request.header("Authorization") if value.startswith("Basic ")]
    assert given
    for forge in all_forges:
        for request in forge.requests:
            assert not find_in(repr((request.path, request.headers)).encode(), given)
    assert_no_leak(gitlatch, workspace, *tokens)
