"""Fixtures of the integration tests. They run the real tools against the real binaries, which tests/run builds."""
import os
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

TEST_SECONDS = 120  # for one test, where its mark `limit(seconds)` does not say otherwise

# What a test file needs is told by its name; without the binary it is not collected.
NEEDS = {"GITLATCH_BIN": ("git", "lfs", "gh", "proxy", "gateway", "tunnel", "leaks", "run", "cli"),
         "MOCK_GITHUB_BIN": ("mock",)}
collect_ignore_glob = [f"test_{area}_*.py" for variable, areas in NEEDS.items() for area in areas
                       if not os.access(os.environ.get(variable, ""), os.X_OK)]


def pytest_configure(config):
    config.addinivalue_line("markers", "limit(seconds): how long this test may take")
    config.addinivalue_line("markers", "slow: left out by `tests/run quick`")


@pytest.fixture(autouse=True)
def time_limit(request):
    """No test hangs: it fails where it stands."""
    mark = request.node.get_closest_marker("limit")
    seconds = mark.args[0] if mark else TEST_SECONDS

    def expired(number, frame):
        raise AssertionError(f"the test takes more than {seconds} s")
    before = signal.signal(signal.SIGALRM, expired)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
