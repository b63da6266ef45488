"""The way to GitHub breaks in every way, under real git: git ends right or with an error, gitlatch lives, nothing of the
exchange is left, the next command works, and the event says why."""
import pytest
from lib import fault_relay as faults
from lib.fault_relay import FaultRelay
from lib.process import wait_until

WIDGETS = "https://github.com/acme/widgets.git"

FAULTS = {
    "cut at once": faults.cut_after(0), "cut in the handshake": faults.cut_after(1000),
    "cut in the answer": faults.cut_after(4000), "cut late": faults.cut_after(6000),
    "reset at once": faults.cut_after(0, reset=True), "reset in the handshake": faults.cut_after(700, reset=True),
    "reset in the answer": faults.cut_after(4000, reset=True),
    "half close in the handshake": faults.half_close_after(500), "half close": faults.half_close_after(4000),
    "byte by byte": faults.byte_by_byte, "garbage": faults.garbage, "stall": faults.stall,
}


@pytest.fixture
def relayed(start, github, folder):
    relay = FaultRelay(("127.0.0.1", int(github.connect_to()["github.com:443"].rpartition(":")[2])))
    to = {**github.connect_to(), "github.com:443": f"127.0.0.1:{relay.port}"}
    gitlatch = start(github={"connect_to": to}, limits={"idle": "2s"})
    yield relay, gitlatch, gitlatch.workspace(folder / "workspace")
    relay.close()


@pytest.mark.parametrize("name", FAULTS)
def test_the_way_to_github_breaks(relayed, github, folder, name):
    relay, gitlatch, workspace = relayed
    clone = workspace.clone(WIDGETS)
    wait_until(lambda: gitlatch.metrics().sum("gitlatch_connections", side="client") == 0, "git is gone")
    before = gitlatch.process.descriptors()
    relay.fault = FAULTS[name]
    # New connections alone meet the fault; a reload lets go of those that are kept.
    gitlatch.reload(repositories=gitlatch.config["repositories"])
    wait_until(lambda: gitlatch.metrics().sum("gitlatch_reloads_total", result="ok") > 0, "the pool is new")
    for number in range(2):
        done = workspace.git("clone", WIDGETS, folder / f"broken-{number}", check=None)
        if done.code == 0:
            workspace.git("fsck", cwd=folder / f"broken-{number}")
            assert workspace.head(folder / f"broken-{number}") == github.head("acme/widgets")
        else:
            assert "gitlatch" in done.err or "fatal:" in done.err, done
            wait_until(lambda: any(event.get("reason") for event in gitlatch.audit(operation="fetch")[-2:]), "the event's reason")
    relay.heal()
    assert gitlatch.process.alive()
    workspace.git("fetch", "origin", cwd=clone)
    wait_until(lambda: gitlatch.metrics().sum("gitlatch_connections", side="client") == 0, "git is gone")
    wait_until(lambda: gitlatch.process.descriptors() <= before + 4, "no descriptor is left", 15)
    assert gitlatch.metrics().sum("gitlatch_audit_dropped_total") == 0
