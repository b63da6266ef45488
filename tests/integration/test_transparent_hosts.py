"""`mode: transparent` where the hosts file leads GitHub's names to gitlatch: k8s/transparent/hosts, with no rules and no
capability. The machine must allow network namespaces (test_transparent_redirect.py)."""
import pytest
import yaml
from lib.namespace import GITHUB

from conftest import ACME, K8S

CONFIG = yaml.safe_load((K8S / "transparent/hosts/config/gitlatch.yaml").read_text())
COMPONENT = yaml.safe_load(yaml.safe_load((K8S / "transparent/hosts/kustomization.yaml").read_text())["patches"][0]["patch"])["spec"]


@pytest.fixture
def pod(world):
    """As the kubelet makes it of the component: the hosts file and the sysctl."""
    world.files["/etc/hosts"].write_text("127.0.0.1 localhost\n::1 localhost\n" + "".join(
        f"{alias['ip']}\t{' '.join(alias['hostnames'])}\n" for alias in COMPONENT["hostAliases"]))
    for sysctl in COMPONENT["securityContext"]["sysctls"]:
        # A read-only /proc/sys is the pod's, not the kubelet's.
        world.pod.run("ip", "netns", "exec", world.pod.name, "sysctl", "-w", f"{sysctl['name']}={sysctl['value']}")
    return world


@pytest.fixture
def sidecar(pod):
    return pod.start(**CONFIG, repositories=ACME)


@pytest.fixture
def workspace(pod, sidecar):
    return pod.workspace(sidecar)


@pytest.mark.parametrize("v4,v6", [(GITHUB[0], None), (None, GITHUB[1])], ids=["IPv4", "IPv6"])
def test_git_that_knows_of_no_proxy_clones_and_pushes(pod, sidecar, workspace, v4, v6):
    pod.name_hosts(v4, v6)
    clone = workspace.clone("https://github.com/acme/widgets")
    commit = workspace.commit(clone, {"a": "b"}, branch="agent/hello")
    workspace.git("push", "--quiet", "origin", "agent/hello", cwd=clone)
    assert pod.github.head("acme/widgets", "refs/heads/agent/hello") == commit
    assert sidecar.wait_audit(operation="push", status=200)["mode"] == "transparent"
    # gitlatch asked DNS; the workspace, which has the hosts file, did not have to.
    assert {"github.com", "api.github.com"} <= set(pod.dns.asked)


@pytest.mark.parametrize("flag", ["-4", "-6"])
def test_both_families_of_the_hosts_file(pod, sidecar, workspace, flag):
    code, body = workspace.status(flag, "https://api.github.com/repos/acme/widgets")
    assert code == 200 and '"acme/widgets"' in body


def test_the_hosts_file_never_leads_gitlatch_to_itself(pod):
    """Without an answer of DNS it fails, in words; it does not connect to its own address."""
    pod.dns.names = {}
    sidecar = pod.start(**CONFIG, repositories=ACME)
    result = pod.workspace(sidecar).git("ls-remote", "https://github.com/acme/widgets", check=False)
    assert "remote: " in result.err and "the name does not exist" in result.err, result
    assert sidecar.metrics().sum("gitlatch_upstream_connections_total", result="new") == 0


def test_a_connection_without_a_name_reaches_nothing(pod, sidecar, workspace):
    result = workspace.curl("--insecure", "https://127.0.0.1/", check=False)
    assert result.code == 35, result
    assert sidecar.wait_audit(host="127.0.0.1", decision="deny", reason="address")


def test_other_hosts_go_their_own_way(pod, sidecar, workspace):
    assert workspace.status("https://other.test/hello")[0] == 200
    assert not sidecar.audit(host="other.test")


def test_past_the_hosts_file_there_is_no_credential(pod, sidecar, workspace):
    """Documented: what does not ask the hosts file reaches GitHub, as anybody does."""
    url = "https://github.com/acme/widgets/info/refs?service=git-upload-pack"
    code, _ = workspace.status("--connect-to", f"github.com:443:{GITHUB[0]}:443", "--cacert", pod.github.ca, url)
    assert code == 401
    (request,) = pod.github.requests(host="github.com")
    assert request.auth == "none"


def test_without_the_sysctl_the_reason_is_said(pod):
    pod.pod.run("ip", "netns", "exec", pod.pod.name, "sysctl", "-w", "net.ipv4.ip_unprivileged_port_start=1024")
    with pytest.raises(AssertionError) as failed:
        pod.start(**CONFIG, repositories=ACME)
    assert "127.0.0.1:443" in str(failed.value) and "Permission denied" in str(failed.value)
