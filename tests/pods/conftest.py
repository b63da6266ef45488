"""Fixtures of the tests in pods. tests/pod builds the images and starts these in namespaces of their own."""
import os
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]

from cluster.cluster import SOURCE, Cluster  # noqa: E402
from cluster.github import PodGithub  # noqa: E402

VERSION = next(line.split("'")[1] for line in (SOURCE / "meson.build").read_text().splitlines() if "version:" in line)


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: left out by `tests/pod quick`")


@pytest.fixture(scope="session")
def image():
    """Names an image by what it is."""
    return lambda name="gitlatch": f"localhost/{name}:{VERSION}"


@pytest.fixture(scope="session")
def cluster():
    """k8s/examples/try as it stands: two brokers, the mock GitHub, a workspace."""
    with tempfile.TemporaryDirectory(prefix="gitlatch-pods-", dir=os.environ["GITLATCH_POD_STATE"]) as folder:
        cluster = Cluster(folder, os.environ["GITLATCH_KUBECTL"])
        try:
            cluster.apply(cluster.render("examples/try"))
            yield cluster
        finally:
            cluster.close()


@pytest.fixture
def github(cluster):
    github = PodGithub(cluster.pod("mock-github-0"))
    yield github
    github.heal()


@pytest.fixture
def workspace(cluster):
    return cluster.pod("workspace")


@pytest.fixture
def brokers(cluster):
    return [pod for pod in cluster.pods if pod.name.startswith("gitlatch-broker-")]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows what the containers under test said."""
    outcome = yield
    report = outcome.get_result()
    cluster = getattr(item, "funcargs", {}).get("cluster")
    if report.failed and cluster:
        for pod in cluster.pods:
            for container in pod.spec["containers"] + pod.spec.get("initContainers", []):
                if container["name"] in ("gitlatch", "broker", "mock-github"):
                    text = pod.log(container["name"])
                    report.sections.append((pod.id(container["name"]), "\n".join(text.splitlines()[-30:])[-6000:]))
