"""Fixtures of the integration tests. They run the real tools against the real binaries, which tests/run builds."""
import os
import shutil
import signal
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

TEST_SECONDS = 300  # for one test, if its mark `limit(seconds)` does not say more: a busy machine is no failure

# What a test file needs is told by its name; without the binary it is not collected.
NEEDS = {"GITLATCH_BIN": ("git", "lfs", "gh", "proxy", "gateway", "tunnel", "leaks", "run", "cli", "token", "rules",
                          "push", "attack", "broker", "credential", "doctor", "capabilities", "package", "hosts"),
         "MOCK_GITHUB_BIN": ("mock",), "CERTS_SERVER_BIN": ("certs",)}
collect_ignore_glob = [f"test_{area}_*.py" for variable, areas in NEEDS.items() for area in areas
                       if not os.access(os.environ.get(variable, ""), os.X_OK)]

from lib.broker import Broker  # noqa: E402
from lib.certificates import Authority  # noqa: E402
from lib import listener  # noqa: E402
from lib.github import APP_ID, Github  # noqa: E402
from lib.gitlatch import SYSTEM_ROOTS, Gitlatch  # noqa: E402
from lib.kubernetes import Kubernetes  # noqa: E402
from lib.namespace import World, obstacle  # noqa: E402
from lib.workspace import Workspace  # noqa: E402

K8S = Path(__file__).resolve().parents[2] / "k8s"

# Rules under which a workspace of acme may do all its work.
ACME = [{"match": "acme/*", "fetch": True, "push": True, "delete": True, "graphql": True,
         "permissions": {"pull_requests": "write", "issues": "write"}}]


def pytest_configure(config):
    config.addinivalue_line("markers", f"limit(seconds): how long this test may take, if more than {TEST_SECONDS}")
    config.addinivalue_line("markers", "slow: left out by `tests/run quick`")


@pytest.fixture(autouse=True)
def time_limit(request):
    """No test hangs: it fails where it stands."""
    mark = request.node.get_closest_marker("limit")
    seconds = mark.args[0] if mark else TEST_SECONDS
    assert seconds >= TEST_SECONDS, "a mark gives a test more time than all have; say less in the test itself"

    def expired(number, frame):
        raise AssertionError(f"the test takes more than {seconds} s")
    before = signal.signal(signal.SIGALRM, expired)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def no_listener_left():
    """A thread that still accepts when its test is over may take the next test's connections (lib/listener.py)."""
    yield
    left = [thread for thread in threading.enumerate() if thread.name == listener.THREAD]
    assert not left, "the test leaves a listener open"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows what the programs under test said."""
    outcome = yield
    report = outcome.get_result()
    folder = item.funcargs.get("folder") if hasattr(item, "funcargs") else None
    if report.failed and folder:
        for path in sorted(Path(folder).rglob("*.stderr")) + sorted(Path(folder).rglob("audit.jsonl")):
            text = path.read_text(errors="replace")
            if text:
                report.sections.append((path.name, "\n".join(text.splitlines()[-40:])[-8000:]))


@contextmanager
def temporary_folder():
    path = Path(tempfile.mkdtemp(prefix="gitlatch-test-"))
    yield path
    if not os.environ.get("KEEP"):
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def folder():
    """A folder of this test's own, gone after it (KEEP=1 in the environment keeps it)."""
    with temporary_folder() as path:
        yield path


@pytest.fixture(scope="session")
def fresh_github(tmp_path_factory):
    """The state of a mock GitHub that was never used: its keys and first repositories take a second to make."""
    folder = tmp_path_factory.mktemp("fresh-github")
    Github(folder).start().stop()
    return folder


@contextmanager
def running_github(folder, fresh_github):
    shutil.copytree(fresh_github, folder / "github", symlinks=True)
    github = Github(folder / "github").start()
    yield github
    github.stop()


@pytest.fixture
def github(folder, fresh_github):
    """The mock GitHub, with acme's private repository `widgets` and more."""
    with running_github(folder, fresh_github) as github:
        yield github


@contextmanager
def starter(folder, github):
    running = []

    def start(name=None, env=None, popen=None, **config):
        name = name or f"gitlatch{len(running) or ''}"
        defaults = {
            "github": {"trust": str(github.ca), "connect_to": github.connect_to()},
            "credentials": [{"type": "app", "app_id": APP_ID, "private_key": str(github.app_key)}],
            "repositories": ACME,
        }
        config = {**defaults, **config, "github": {**defaults["github"], **config.get("github", {})},
                  # What the mock's other hosts show in a tunnel has to be trusted in the workspace.
                  "ca": {"roots": [SYSTEM_ROOTS, str(github.ca)], **config.get("ca", {})}}
        config = {key: value for key, value in config.items() if value is not None}  # None: absent
        gitlatch = Gitlatch(folder / name, config, name, env)
        running.append(gitlatch)
        return gitlatch.start(**(popen or {}))
    yield start
    for gitlatch in running:
        gitlatch.end()


@pytest.fixture
def start(folder, github):
    """Starts gitlatches: start(**configuration), by default as acme's App with all rights; `popen` are words for Popen. All
    end with the test."""
    with starter(folder, github) as start:
        yield start


@pytest.fixture
def gitlatch(start):
    return start()


@pytest.fixture
def workspace(folder, gitlatch):
    """With what `gitlatch` published, an empty HOME and no credential."""
    return gitlatch.workspace(folder / "workspace")


@pytest.fixture
def outside(folder):
    """A workspace that knows of no gitlatch."""
    return Workspace(folder / "outside")


@pytest.fixture
def authority(folder):
    """The CA of a cluster: of its API, and of the broker's address."""
    return Authority(folder / "authority")


@pytest.fixture
def kubernetes(authority):
    """The cluster's API, which issues service-account tokens and proves them."""
    kubernetes = Kubernetes(authority)
    yield kubernetes
    kubernetes.stop()


@pytest.fixture
def start_broker(folder, github, kubernetes, authority):
    """Starts brokers: start_broker(name, grants=…, broker={…}, **configuration). All end with the test."""
    running = []

    def start(name=None, **options):
        name = name or f"broker{len(running) or ''}"
        running.append(Broker(folder / name, github, kubernetes, authority, name, **options))
        return running[-1].start()
    yield start
    for broker in running:
        broker.stop()


@pytest.fixture
def broker(start_broker):
    """With the App's key, an admin bearer, and a grant for team-a's service account `workspace`."""
    return start_broker()


@pytest.fixture
def world(folder, fresh_github):
    """A pod's and the Internet's network (lib/namespace.py)."""
    if os.environ.get("GITLATCH_TESTS_WITHOUT_NAMESPACES"):
        pytest.skip("GITLATCH_TESTS_WITHOUT_NAMESPACES")
    reason = obstacle()
    assert not reason, f"{reason}. GITLATCH_TESTS_WITHOUT_NAMESPACES=1 leaves these tests out."
    world = World(folder)
    try:
        yield world.build(fresh_github)
    finally:
        world.remove()
