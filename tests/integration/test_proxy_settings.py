"""What the keys of the configuration do that no other test needs."""
import json
import re
import resource
import subprocess
from contextlib import closing

import pytest
import yaml
from conftest import K8S
from lib.gitlatch import BINARY
from lib.process import free_port, wait_until
from lib.raw import Raw
from lib.relay import Relay

WIDGETS = "https://github.com/acme/widgets.git"
REFS = "/acme/widgets.git/info/refs?service=git-upload-pack"


def refused_reload(gitlatch, **changes):
    """A reload that is refused: what the log says of it. The old configuration has stayed."""
    gitlatch.reload(**changes)
    return json.loads(gitlatch.wait_log("the old configuration stays"))["message"]


def at_start(gitlatch, **changes):
    """What a gitlatch that does not start says."""
    gitlatch.stop()
    gitlatch.config.update(changes)
    gitlatch.write_config()
    done = subprocess.run([BINARY, "proxy", "-c", gitlatch.config_path], capture_output=True, text=True, timeout=90)
    assert done.returncode == 2, done
    return done.stderr


def test_a_further_name_of_the_gateway_and_the_admin_address(start):
    gitlatch = start(gateway_hosts=["gitlatch.internal"])
    with Raw(gitlatch) as raw:
        assert raw.ask("GET", "/github.com" + REFS, host=f"gitlatch.internal:{gitlatch.port}").status == 200
        assert raw.ask("GET", "/github.com" + REFS, host=f"other.internal:{gitlatch.port}").status == 421
    with Raw(address=("127.0.0.1", gitlatch.admin_port)) as raw:
        assert raw.ask("GET", "/healthz", host=f"gitlatch.internal:{gitlatch.admin_port}").status == 200
    with Raw(address=("127.0.0.1", gitlatch.admin_port)) as raw:
        assert raw.ask("GET", "/healthz", host=f"other.internal:{gitlatch.admin_port}").status == 421


def test_several_processes_on_one_port(start, folder, github):
    listen, state = f"127.0.0.1:{free_port()}", str(folder / "state")
    first, second = (start(listen=listen, reuse_port=True, ca={"state": state}) for _ in range(2))
    assert (first.public / "ca.pem").read_text() == (second.public / "ca.pem").read_text()
    workspace = first.workspace(folder / "workspace")
    served = set()

    def both_served():
        assert github.head("acme/widgets") in workspace.git("ls-remote", WIDGETS).out
        served.update(gitlatch.name for gitlatch in (first, second) if gitlatch.audit(event="request"))
        return len(served) == 2
    wait_until(both_served, "the kernel gives connections to both", 120)
    said = at_start(second, ca={key: value for key, value in second.config["ca"].items() if key != "state"})
    assert "reuse_port" in said and "ca.state" in said


@pytest.mark.parametrize("address", ["10.0.0.1", "172.16.0.1", "192.168.0.1", "[fd00::1]", "[::ffff:10.0.0.1]"])
def test_private_addresses_denied(start, address):
    gitlatch = start(private_addresses="deny", limits={"connect": "1s"})
    with Raw(gitlatch) as raw:
        answer = raw.connect(f"{address}:443")
    assert answer.status == 403 and b"is a private address" in answer.body, answer


def test_what_needs_no_proxy_on_the_way_out(start, folder, github):
    with closing(Relay(github.port, proxy=True)) as proxy:
        gitlatch = start(upstream={"proxy": proxy.url, "no_proxy": ["api.github.com"]},
                         github={"connect_to": {"api.github.com:443": f"127.0.0.1:{github.port}"}})
        workspace = gitlatch.workspace(folder / "workspace")
        assert github.head("acme/widgets") in workspace.git("ls-remote", WIDGETS).out
    assert {head.split()[1] for head in proxy.asked} == {"github.com:443"}, "api.github.com is reached directly"


def test_a_host_that_is_added_needs_a_restart(gitlatch, github):
    said = refused_reload(gitlatch, github=[gitlatch.config["github"], {"host": "github.example.com"}],
                          credentials=[{**gitlatch.config["credentials"][0], "host": "github.com"}])
    assert "another host needs a restart" in said
    with Raw.intercepted(gitlatch) as raw:
        assert raw.ask("GET", REFS).status == 200


def test_a_reload_that_cannot_open_its_log_changes_nothing(gitlatch, folder):
    log = gitlatch.config["log"]
    said = refused_reload(gitlatch, repositories=[], other_repositories="deny",
                          log={**log, "audit": str(folder / "none" / "audit.jsonl")})
    assert str(folder / "none" / "audit.jsonl") in said
    gitlatch.config["log"] = log
    with Raw.intercepted(gitlatch) as raw:
        assert raw.ask("GET", REFS).status == 200, "the old rules are in force"
    gitlatch.wait_audit(operation="fetch", status=200)


def test_a_state_with_another_constraint_is_replaced(start, folder):
    state = {"state": str(folder / "state")}
    first = start(ca=state)
    before = (first.public / "ca.pem").read_text()
    first.stop()
    second = start(ca=state, github={"host": "github.example.com"})
    assert (second.public / "ca.pem").read_text() != before
    warning = [json.loads(line) for line in second.log.splitlines() if "is replaced" in line]
    assert [line["level"] for line in warning] == ["warn"], second.log


def test_more_connections_than_descriptors_is_a_configuration_error(gitlatch):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    gitlatch.stop()
    gitlatch.config["limits"] = {"connections": 1000}
    gitlatch.write_config()

    def lowered(limit):
        return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, limit), limit))
    done = subprocess.run([BINARY, "proxy", "-c", gitlatch.config_path], capture_output=True, text=True, timeout=90,
                          preexec_fn=lowered(2127))
    assert done.returncode == 2 and "limits.connections" in done.stderr and "descriptors" in done.stderr, done
    gitlatch.start(preexec_fn=lowered(2128))
    limits = open(f"/proc/{gitlatch.process.pid}/limits").read()
    assert [line.split()[3:5] for line in limits.splitlines() if line.startswith("Max open files")] == [["2128"] * 2], \
        "it is raised to the hard limit"


def test_no_admin_address_and_a_log_as_text_without_events(start, folder):
    gitlatch = start()
    gitlatch.stop()
    gitlatch.config.update(admin="off", log={"format": "text", "audit": "none"})
    gitlatch.write_config()
    before = len(gitlatch.log)
    gitlatch.ready = lambda: "listens at" in gitlatch.log[before:]
    gitlatch.start()
    assert gitlatch.workspace(folder / "workspace").git("ls-remote", WIDGETS).out
    with pytest.raises(OSError):
        Raw(address=("127.0.0.1", gitlatch.admin_port))
    assert not gitlatch.log.splitlines()[-1].startswith("{") and gitlatch.process.stdout == ""


def test_an_address_open_to_the_network_is_told(start, folder):
    """Port 0: the kernel picks one, and the log tells it."""
    (folder / "password").write_text("secret")
    gitlatch = start(listen=["0.0.0.0:0", {"address": "0.0.0.0:0", "password_file": str(folder / "password")}, "127.0.0.1:0",
                             {"address": "127.0.0.1:0", "mode": "transparent"}])
    assert re.search(r"listens at 0\.0\.0\.0:[1-9]\d*, 0\.0\.0\.0:[1-9]\d*, 127\.0\.0\.1:[1-9]\d*, "
                     r"127\.0\.0\.1:[1-9]\d* \(transparent\); a workspace's files are in", gitlatch.wait_log("listens at"))
    warnings = [json.loads(line) for line in gitlatch.log.splitlines() if "asks for no password" in line]
    assert [line["level"] for line in warnings] == ["warn"]
    assert "reaches 0.0.0.0:0 in the network" in str(warnings) and "name a `password_file`" in str(warnings)


@pytest.mark.parametrize("path", ["sidecar/config", "sidecar/key/config", "egress/proxy", "transparent/hosts/config",
                                  "transparent/redirect/config"])
def test_what_k8s_listens_at_is_not_open(path):
    listeners = yaml.safe_load((K8S / path / "gitlatch.yaml").read_text())["listen"]
    for one in listeners if isinstance(listeners, list) else [listeners]:
        address = one if isinstance(one, str) else one["address"]
        assert address.startswith(("127.0.0.1:", "[::1]:")) or "password_file" in one


def test_a_silent_tunnel_ends(start):
    gitlatch = start(limits={"tunnel_idle": "1s"})
    with Raw(gitlatch) as raw:
        assert raw.connect("other.test:443").status == 200
        raw.tls("other.test", ca=gitlatch.public / "bundle.pem")
        assert raw.closed()
    assert gitlatch.wait_audit(event="tunnel", host="other.test")


def test_an_installation_that_is_pinned(start, folder, github):
    credential = {"type": "app", "app_id": "12345", "private_key": str(github.app_key)}
    pinned = start(credentials=[{**credential, "installation": 700001}])
    assert pinned.workspace(folder / "pinned").git("ls-remote", WIDGETS).out
    assert not any(request.path.endswith("/installation") for request in github.requests(host="api.github.com"))
    wrong = start(credentials=[{**credential, "installation": 1}])
    said = wrong.workspace(folder / "wrong").git("ls-remote", WIDGETS, check=False).err
    assert "remote: gitlatch" in said and "not found" in said, said
