"""What k8s/monitoring asks for is in the real output of `metrics`, under the labels that it names."""
import json
import re
import urllib.request

import yaml
from lib.gitlatch import Metrics, no_proxy
from lib.process import free_port, wait_until

from conftest import K8S

# What Prometheus itself adds to what is scraped.
TARGET = {"namespace", "pod", "le"}


def queries():
    groups = yaml.safe_load((K8S / "monitoring/alerts.yaml").read_text())["spec"]["groups"]
    panels = json.loads((K8S / "monitoring/dashboard.json").read_text())["panels"]
    return [rule["expr"] for group in groups for rule in group["rules"]] + \
        [target["expr"] for panel in panels for target in panel["targets"]]


def test_alerts_and_dashboard_find_their_metrics(start, github, folder):
    port = free_port()
    gitlatch = start(metrics=f"127.0.0.1:{port}")
    workspace = gitlatch.workspace(folder / "workspace")
    # A reload is counted from the first on, and a failure from its first.
    assert gitlatch.metrics().sum("gitlatch_reloads_total", result="failed") == 0
    assert 'gitlatch_reloads_total{result="failed"} 0' in gitlatch.metrics().text
    workspace.clone("https://github.com/acme/widgets")
    workspace.status("https://other.test/")
    workspace.git("ls-remote", "https://github.com/initech/tps", check=False)  # no installation there
    workspace.status("--proxy", gitlatch.url, "http://github.com/")  # a denial
    text = gitlatch.metrics().text
    wait_until(lambda: gitlatch.metrics().sum("gitlatch_requests_total", operation="tunnel"), "the tunnel's end")
    with no_proxy.open(urllib.request.Request(f"http://127.0.0.1:{port}/metrics"), timeout=10) as answer:
        scraped = Metrics(answer.read().decode())
    assert "acme" not in scraped.text and "widgets" in text  # names of repositories are for the admin address alone
    labels = {}
    for name, has, _ in scraped.samples:
        labels.setdefault(name, set()).update(has)
    asked = set()
    for query in queries():
        for name, selector in re.findall(r"(gitlatch_\w+)(?:\{([^}]*)\})?", query):
            if name in ("gitlatch_signatures_total", "gitlatch_broker_calls_total"):
                continue  # with `signing` alone (test_signing_agent), and of a broker (test_broker_calls)
            asked.add(name)
            assert name in labels, f"{name} of {query} is not in /metrics"
            for label in re.findall(r"(\w+)(?:=|!)", selector):
                assert label in labels[name] | TARGET, f"{name} has no {label}: {query}"
    assert len(asked) > 12
