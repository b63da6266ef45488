"""The page of the admin address, in a browser as a person sees it, and what feeds it."""
import json
import os
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from lib.gitlatch import no_proxy
from lib.process import wait_until

PAGE = Path(__file__).resolve().parents[1] / "page"


@pytest.fixture
def busy(start, folder):
    """A proxy whose workspace has cloned, pushed what it may and tried what it may not."""
    gitlatch = start(repositories=[{"match": "acme/widgets", "fetch": True, "push": ["refs/heads/agent/*"],
                                    "permissions": {"issues": "read"}}], other_repositories="deny")
    workspace = gitlatch.workspace(folder / "workspace")
    clone = workspace.clone("https://github.com/acme/widgets")
    workspace.commit(clone, {"news": "some"}, branch="topic")
    workspace.git("push", "origin", "HEAD:refs/heads/agent/one", cwd=clone)
    workspace.git("push", "origin", "HEAD:refs/heads/main", cwd=clone, check=False)
    workspace.git("ls-remote", "https://github.com/acme/secret", check=False)
    gitlatch.wait_audit(decision="deny", reason="repository")
    return gitlatch


def read_events(stream, count):
    """The next `count` events of the page's stream."""
    found = []
    while len(found) < count:
        line = stream.readline()
        assert line, "the stream has ended"
        if line.startswith(b"data: "):
            found.append(json.loads(line[6:]))
    return found


def events(gitlatch):
    with no_proxy.open(gitlatch.admin_url + "/events", timeout=20) as stream:
        return read_events(stream, len(gitlatch.audit()))


def test_events_are_sent_at_once_and_as_they_come(busy):
    with no_proxy.open(busy.admin_url + "/events", timeout=20) as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        assert [each["event"] for each in read_events(stream, len(busy.audit()))] == busy.audit()
        subprocess.run(["curl", "-s", "-o", "/dev/null", "--noproxy", "*", busy.url + "/x"], check=True)
        assert read_events(stream, 1)[0]["event"]["reason"] == "gateway_route"


def test_listeners_leave_room_for_a_probe(busy):
    streams = [no_proxy.open(busy.admin_url + "/events", timeout=20) for _ in range(16)]
    with pytest.raises(urllib.error.HTTPError) as refused:
        no_proxy.open(busy.admin_url + "/events", timeout=20)
    assert refused.value.code == 503 and busy.admin("/healthz")[0] == 200
    for stream in streams:
        stream.close()
    wait_until(lambda: busy.admin("/reasons")[0] == 200, "the reasons")

    def listens():
        try:
            return no_proxy.open(busy.admin_url + "/events", timeout=20).status == 200
        except urllib.error.HTTPError:
            return False
    wait_until(listens, "room")


def test_a_refusal_comes_with_the_rule_that_would_allow_it(busy):
    found = {each["event"].get("reason"): each.get("advice") for each in events(busy)}
    assert "refs/heads/main" in found["ref"]["yaml"] and found["ref"]["rule"] == "acme/widgets"
    assert "acme/secret" in found["repository"]["yaml"] and "rule" not in found["repository"]
    assert found["ref"]["file"].endswith(".yaml") and found["ref"]["line"] > 0
    assert found[None] is None  # what was allowed needs nothing


def test_the_log_says_once_what_would_allow_a_refusal(busy, folder):
    """With file and line, where the page is not open."""
    line = busy.wait_log("acme/secret")
    assert "was refused (repository); what would allow it, after the rules at " in line and "fetch: true" in line
    line = busy.wait_log("refs/heads/main")
    assert "(ref); what would allow it, before the rule at " in line and f"{busy.config_path} line " in line
    busy.workspace(folder / "again").git("ls-remote", "https://github.com/acme/secret", check=False)
    wait_until(lambda: len(busy.audit(decision="deny", reason="repository")) == 2, "the second refusal")
    assert busy.log.count("match: acme/secret") == 1


def test_status_names_rules_with_lines_and_a_failed_reload(busy):
    status = busy.status()
    assert status["repositories"][0]["rule"]["match"] == "acme/widgets" and status["repositories"][0]["line"] > 0
    assert status["in_flight"] == [] and "reload_failed" not in status["configuration"]
    busy.reload(limits={"idle": "never"})
    wait_until(lambda: "reload_failed" in busy.status()["configuration"], "the failure")
    assert "limits.idle" in busy.status()["configuration"]["reload_error"]
    assert busy.metrics().sum("gitlatch_reload_timestamp_seconds", result="failed") > 1e9


def test_page_has_a_strict_policy_and_is_for_no_other_page(busy):
    with no_proxy.open(busy.admin_url + "/", timeout=10) as answer:
        policy, text = answer.headers["Content-Security-Policy"], answer.read().decode()
    assert policy.startswith("default-src 'none'; script-src 'sha256-") and "unsafe" not in policy
    assert "http://" not in text and "https://" not in text
    with pytest.raises(urllib.error.HTTPError) as refused:
        no_proxy.open(urllib.request.Request(busy.admin_url + "/events", headers={"Origin": "https://evil.test"}))
    assert refused.value.code == 421


def test_page_in_a_browser(busy, tmp_path):
    packages = subprocess.run([PAGE / "setup"], stdout=subprocess.PIPE, text=True)
    if packages.returncode == 3:
        pytest.skip("npm is missing")
    pictures = os.environ.get("GITLATCH_PICTURES", str(tmp_path))
    done = subprocess.run(["node", PAGE / "page.cjs", packages.stdout.strip(), busy.admin_url, pictures],
                          capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["errors"], found["foreign"], found["axe"], found["overflow"]) == ([], [], [], False)
    assert found["events"] == len(busy.audit()) and found["refused"] == 2 and found["kept"]
    assert "match: acme/secret" in found["advice"] and ".yaml" in found["advice"]
    assert "acme/widgets" in found["rules"] and "line" in found["rules"]
    assert "left" in found["credentials"] and "GitHub" in found["credentials"]
    assert found["policy"] == "refused" and found["none"] == "No event matches."
