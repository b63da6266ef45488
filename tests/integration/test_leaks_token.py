"""The token exists only inside gitlatch: a whole day's work is done, then everything it could leak to is searched."""
import os
import re
import resource
import signal
import subprocess
from pathlib import Path

import pytest
from conftest import running_github, starter, temporary_folder
from lib import leaks, seed

WIDGETS = "https://github.com/acme/widgets.git"


@pytest.fixture(scope="module")
def worked(fresh_github):
    """(gitlatch, workspace, github) after fetches, pushes, LFS, API calls, refusals and failures, logged at `debug`."""
    with temporary_folder() as folder, running_github(folder, fresh_github) as github, \
            starter(folder, github) as start:
        yield work(folder, github, start)


def work(folder, github, start):
    gitlatch = start(repositories=[{"match": "acme/*", "fetch": True, "push": ["refs/heads/agent/*"], "graphql": True,
                                    "permissions": {"pull_requests": "write", "issues": "write"}}])
    workspace = gitlatch.workspace(folder / "workspace")
    workspace.git("lfs", "install", "--skip-repo")
    clone = workspace.clone(WIDGETS)
    workspace.git("lfs", "track", "*.bin", cwd=clone)
    files = {".gitattributes": (clone / ".gitattributes").read_text(), "a.bin": seed.noise(1000)}
    workspace.commit(clone, files, branch="agent/work")
    workspace.git("push", "--quiet", "origin", "agent/work", cwd=clone)
    workspace.git("push", "origin", "agent/work:refs/heads/main", cwd=clone, check=False)
    for path in ("repos/acme/widgets", "user", "rate_limit", "repos/acme/none", "search/repositories?q=widgets"):
        workspace.run("gh", "api", path, check=None, env={"GH_DEBUG": "api"})
    github.fault(status=401, host="github.com", count=2)
    workspace.git("ls-remote", WIDGETS, check=None)
    github.fault(status=500, path="*/access_tokens")
    workspace.git("ls-remote", "https://github.com/acme/gadgets.git", check=False)
    github.heal()
    github.fault(reset=True, host="github.com", count=1)
    workspace.git("ls-remote", WIDGETS, check=None, env={"GIT_CURL_VERBOSE": "1", "GIT_TRACE_REDACT": "0"})
    github.heal()
    tokens = github.tokens()
    assert tokens and all(len(token) > 300 for token in tokens)
    return gitlatch, workspace, github


def test_the_search_finds_what_is_there(folder):
    """Each shape, so that the searches below can fail."""
    secret = "ghs_12345_" + "Ab.-_9" * 80
    for shape, pattern in leaks.shapes(secret).items():
        (folder / "log").write_bytes(b"x" + pattern + b"y")
        assert leaks.find_in_files([folder / "log"], [secret]), shape
    (folder / "log").write_bytes(b"an innocent line")
    assert not leaks.find_in_files([folder / "log"], [secret])


def test_no_token_in_logs_events_and_published_files(worked):
    gitlatch, workspace, github = worked
    gitlatch.wait_audit(operation="push", decision="deny")
    found = leaks.find_in_files(leaks.files_under(gitlatch.folder, workspace.folder), github.tokens())
    assert not found
    assert gitlatch.process.stderr and gitlatch.audit()


def test_no_token_at_the_admin_address(worked):
    gitlatch, _, github = worked
    for path in ("/", "/healthz", "/readyz", "/metrics", "/status", "/nothing"):
        _, body = gitlatch.admin(path)
        assert not leaks.find_in(body.encode(), github.tokens()), path


def test_no_token_in_the_environment_or_arguments_of_any_process(worked):
    _, _, github = worked
    assert not leaks.find_in_processes(github.tokens(), but=(os.getpid(),))


def test_what_a_client_sees_holds_no_token(worked):
    """Answers and their headers, as curl shows them, also of failures."""
    _, workspace, github = worked
    for url in (WIDGETS + "/info/refs?service=git-upload-pack", "https://api.github.com/repos/acme/widgets",
                "https://api.github.com/repos/acme/none"):
        seen = workspace.curl("--include", "--verbose", url)
        assert not leaks.find_in(seen.all.encode(), github.tokens())


def test_an_aborted_gitlatch_leaves_no_core(start, folder):
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))  # inherited, as from a shell's `ulimit -c`
    gitlatch = start()
    resource.setrlimit(resource.RLIMIT_CORE, before)
    gitlatch.workspace(folder / "workspace").git("ls-remote", WIDGETS)
    cwd = os.readlink(f"/proc/{gitlatch.process.pid}/cwd")
    cores_before = set(cores(cwd))
    assert re.search(r"^Max core file size +0 +0 ", Path(f"/proc/{gitlatch.process.pid}/limits").read_text(), re.M)
    gitlatch.process.signal(signal.SIGABRT)
    assert gitlatch.process.wait() == -signal.SIGABRT
    assert set(cores(cwd)) == cores_before


def cores(cwd):
    pattern = Path("/proc/sys/kernel/core_pattern").read_text().strip()
    folder = Path(pattern).parent if pattern.startswith("/") else Path(cwd)
    return [str(path) for path in folder.glob("*core*")]


def test_a_core_taken_by_root_holds_no_token(worked, folder):
    """gdb as root may look at the process all the same; secrets lie in memory that is left out of a core."""
    gitlatch, _, github = worked
    done = subprocess.run(["gcore", "-o", folder / "core", str(gitlatch.process.pid)], capture_output=True, text=True)
    core = folder / f"core.{gitlatch.process.pid}"
    if not core.exists() and "ptrace" in done.stderr:
        pytest.skip(f"ptrace is not possible here: {done.stderr.strip()[-200:]}")
    assert core.exists(), done.stderr
    content = core.read_bytes()
    assert b"acme/widgets" in content and len(content) > 1 << 20, "what is searched is the whole process"
    found = leaks.find_in(content, github.tokens())
    assert not found


def test_the_private_keys_are_in_no_published_file(gitlatch, github):
    published = [path.name for path in gitlatch.public.iterdir()]
    assert sorted(published) == ["bundle.pem", "ca.pem", "env", "gitconfig", "rules.json", "truststore.p12", "wgetrc"]
    for path in gitlatch.public.iterdir():
        assert "PRIVATE" not in path.read_text(errors="replace") and path.stat().st_mode & 0o777 == 0o644
    key = github.app_key.read_text()
    lines = [line for line in key.splitlines() if line and "-----" not in line]
    assert not [path for path in leaks.files_under(gitlatch.folder) if lines[3] in path.read_text(errors="replace")]
