"""What happens to a workspace while its surroundings change: restarts, new keys, a lost replica, tokens that end."""
import itertools
import os
import signal
import subprocess
import time

import pytest

from cluster.github import PodGithub
from cluster.kubelet import podman
from lib.process import wait_until

SECONDS = 60  # for what ought to take one or two
QUICK_TOKENS = "token: {minimum_life: 2s, refresh_before: 8s}\n"
CA = "cat /run/gitlatch/public/gitlatch/ca.pem"
CLONE = "rm -rf again && git clone --quiet https://github.com/acme/widgets again"


def kill(pod, container):
    """Its first process, with SIGKILL; the pod's restart policy brings it back."""
    before = pod.pid(container)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: pod.pid(container) not in (0, before), f"{container} is started again", SECONDS)


def test_a_killed_sidecar_comes_back_with_the_same_ca(workspace):
    ca, serving = workspace.shell(CA).stdout, workspace.pid("workspace")
    workspace.shell(CLONE)
    kill(workspace, "gitlatch")
    wait_until(lambda: workspace.probe("gitlatch", "readinessProbe"), "the sidecar is ready", SECONDS)
    assert workspace.shell(CA).stdout == ca
    workspace.shell("git -C again fetch --quiet")
    workspace.shell(CLONE)
    assert workspace.pid("workspace") == serving


def test_the_apps_key_is_rotated_under_the_broker(cluster, github, brokers, workspace):
    """GitHub takes the new key alone, so what is asked with the old one fails, and the workspace's git works again when
    the Secret is changed: no broker is restarted."""
    assert workspace.shell("git ls-remote https://github.com/acme/gadgets", check=False).returncode == 0
    processes = [broker.pid("broker") for broker in brokers]
    key = subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
                         check=True, capture_output=True).stdout
    cluster.change("Secret", "mock-github", "gitlatch-mock", app_pem=key)
    cluster.remove(github.pod)
    cluster.play(github.pod.document)
    refused = workspace.shell("git ls-remote https://github.com/acme/gadgets", check=False)
    assert refused.returncode != 0 and "remote:" in refused.all, refused.all
    cluster.change("Secret", "github-app", "gitlatch", app_pem=key)
    wait_until(lambda: workspace.shell("git ls-remote https://github.com/acme/gadgets", check=False).returncode == 0,
               "git works with the new key", SECONDS)
    for broker, process in zip(brokers, processes):
        assert broker.pid("broker") == process
        wait_until(lambda: broker.probe("broker", "readinessProbe"), "the broker is ready", SECONDS)
    assert PodGithub(cluster.pod("mock-github-0")).requests(path="/app/installations/700001/access_tokens", status=201)


class Load:
    """Git in a workspace, over and over: what failed, and how often it went well."""

    SCRIPT = """
cd /work; good=0
while [ ! -e stop ]; do
    for repository in "$@"; do
        said=$(git ls-remote https://github.com/acme/$repository 2>&1) && good=$((good + 1)) || echo "$said"
    done
done
echo "good: $good"
"""

    def __init__(self, pod, repositories):
        self.pod = pod
        pod.shell("rm -f /work/stop")
        command = ["sh", "-c", self.SCRIPT, "load", *repositories]
        self.process = subprocess.Popen(["podman", "exec", pod.id("workspace"), *command], stdout=subprocess.PIPE,
                                        text=True)

    def stop(self):
        """(how often git went well, what it said else)."""
        self.pod.shell("touch /work/stop")
        said, _ = self.process.communicate(timeout=SECONDS)
        *problems, last = said.splitlines()
        return int(last.removeprefix("good: ")), problems


serial = itertools.count()


@pytest.fixture
def quick_tokens(cluster, github):
    """Names of repositories for which nobody has a token yet, while tokens live for 15 seconds: brokers and sidecars are
    told to make do, by their ConfigMaps, as they run."""
    names = (("gitlatch-broker", "gitlatch"), ("gitlatch", "team-a"))
    before = [cluster.object("ConfigMap", *name)["data"]["gitlatch.yaml"] for name in names]
    for name, text in zip(names, before):
        cluster.change("ConfigMap", *name, gitlatch_yaml=text + QUICK_TOKENS)
    github.setting(token_lifetime=15)
    repositories = [f"quick-{next(serial)}" for _ in range(4)]
    for name in repositories:
        github.control("POST", "/repository", owner="acme", name=name, example=True)
    yield repositories
    github.setting(token_lifetime=3600)
    for name, text in zip(names, before):
        cluster.change("ConfigMap", *name, gitlatch_yaml=text)


def used(github, since):
    """The tokens with which git was served after request number `since`."""
    return {entry.token for entry in github.requests(host="github.com", status=200)
            if entry.number > since and entry.token}


def last(github):
    return max((entry.number for entry in github.requests()), default=0)


def test_a_workspace_clones_for_longer_than_a_token_lives(quick_tokens, github, workspace):
    since, started = last(github), time.monotonic()
    clones = 0
    while time.monotonic() - started < 45:
        workspace.shell(CLONE.replace("widgets", quick_tokens[0]))
        clones += 1
    tokens = used(github, since)
    print(f"{clones} clones in 45 s with {len(tokens)} tokens of 15 s")
    assert clones >= 3 and len(tokens) >= 3


def test_one_clone_takes_longer_than_its_token_lives(quick_tokens, github, workspace):
    github.add_data(f"acme/{quick_tokens[0]}", 300_000)
    github.fault(host="github.com", method="POST", path=f"/acme/{quick_tokens[0]}/git-upload-pack", write_rate=12000)
    started = time.monotonic()
    workspace.shell(f"rm -rf slow && git clone --quiet https://github.com/acme/{quick_tokens[0]} slow")
    assert workspace.shell("wc -c <slow/data").stdout.strip() == "300000"
    assert time.monotonic() - started > 15
    github.heal()
    workspace.shell("git -C slow fetch --quiet")


def test_a_broker_is_lost_under_load_and_no_git_fails(quick_tokens, cluster, github, brokers, workspace):
    """With tokens this short every few operations ask the broker. One is killed and does not come back; its Service
    notices after two seconds, as it does in a cluster whose node is lost."""
    lost = brokers[0]
    load = Load(workspace, quick_tokens)
    try:
        since = last(github)
        wait_until(lambda: len(used(github, since)) >= 4, "the load needs tokens", SECONDS)
        podman("pod", "kill", lost.name)
        time.sleep(2)
        cluster.services.withdrawn.add(lost)
        cluster.services.lead_to(cluster.pods)
        since = last(github)
        wait_until(lambda: len(used(github, since)) >= 8, "the load goes on with new tokens", SECONDS)
    finally:
        good, problems = load.stop()
        cluster.services.withdrawn.discard(lost)
        cluster.remove(lost)
        cluster.play(lost.document)  # the Deployment's next
    print(f"{good} operations went well")
    assert problems == [] and good >= 8
