"""gitlatch under test: its configuration, its process, and what it tells of itself."""
import json
import os
import re
import signal
import time
import urllib.error
import urllib.request
from pathlib import Path

from lib.process import Process, free_port, wait_until
from lib.workspace import PATH, Workspace

BINARY = os.environ.get("GITLATCH_BIN", "")
SYSTEM_ROOTS = "/etc/ssl/certs/ca-certificates.crt"
SANITIZERS = {name: value for name, value in os.environ.items() if name in ("ASAN_OPTIONS", "UBSAN_OPTIONS")}
# Room enough that nothing but a hang exceeds it, also under a sanitizer on a busy machine.
START_SECONDS = 90

no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def sanitized():
    """Is this the ASan build? Its memory is not the product's."""
    return b"__asan_init" in Path(BINARY).read_bytes()


class Gitlatch:
    def __init__(self, folder, config, name="gitlatch", env=None):
        """`config` is the configuration's dict; `listen`, `admin`, `ca.publish` and the audit file are filled in
        where it does not say them. YAML holds JSON, so that is how it is written."""
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.config = dict(config)
        self.port = free_port()
        self.admin_port = free_port()
        self.config.setdefault("listen", f"127.0.0.1:{self.port}")
        self.config.setdefault("admin", f"127.0.0.1:{self.admin_port}")
        self.config["ca"] = {"publish": str(self.folder / "public"), **self.config.get("ca", {})}
        # Tests that count mints count those of requests; test_token_ahead.py is about the others.
        self.config["token"] = {"ahead": False, **self.config.get("token", {})}
        self.config["log"] = {"level": "debug", "audit": str(self.folder / "audit.jsonl"), **self.config.get("log", {})}
        self.config_path = self.folder / "gitlatch.yaml"
        self.write_config()
        self.env = {"PATH": PATH, **SANITIZERS, **(env or {})}
        self.process = None
        self.audit_seen = {}  # for wait_audit

    def write_config(self):
        temporary = self.config_path.with_suffix(".new")
        temporary.write_text(json.dumps(self.config, indent=1) + "\n")
        temporary.rename(self.config_path)

    def start(self, **popen):
        self.process = Process(self.name, [BINARY, "proxy", "-c", self.config_path], self.folder, self.env, **popen)
        self.process.wait_ready(self.ready, START_SECONDS)
        return self

    def stop(self):
        return self.process.stop() if self.process else 0

    def end(self):
        """At once, when a test is over: a second SIGTERM waits for nobody."""
        deadline = time.monotonic() + 45
        while self.process and self.process.alive() and time.monotonic() < deadline:
            self.process.signal(signal.SIGTERM)
            time.sleep(0.02)
        self.stop()

    # Addresses.

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def admin_url(self):
        return f"http://127.0.0.1:{self.admin_port}"

    @property
    def public(self):
        """The published files; gitlatch makes its own subdirectory where the one named is not its to change."""
        published = Path(self.config["ca"]["publish"])
        return next(iter(sorted(published.rglob("env"))), published / "env").parent

    def workspace(self, folder, **extra):
        return Workspace(folder, self.public / "env", **extra)

    # What it tells.

    def admin(self, path):
        """(status, body) of the admin address."""
        try:
            with no_proxy.open(self.admin_url + path, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def ready(self):
        try:
            return self.admin("/readyz")[0] == 200
        except OSError:
            return False

    def status(self):
        return json.loads(self.admin("/status")[1])

    def metrics(self):
        return Metrics(self.admin("/metrics")[1])

    @property
    def log(self):
        return self.process.stderr

    def wait_log(self, text, seconds=30):
        """The last line of the log with `text`, as soon as there is one: the log is written beside the work."""
        def last():
            lines = [line for line in self.log.split("\n")[:-1] if text in line]
            return lines[-1] if lines else None
        return wait_until(last, f"a log line with {text!r}", seconds)

    def audit(self, **wanted):
        """The events so far whose members equal `wanted`. A line still being written is left out."""
        path = Path(self.config["log"]["audit"])
        lines = path.read_text().split("\n")[:-1] if path.exists() else []
        events = [json.loads(line) for line in lines]
        return [event for event in events if all(event.get(key) == value for key, value in wanted.items())]

    def wait_audit(self, seconds=30, **wanted):
        """The last event like `wanted`, as soon as there is one that no earlier call with the same words has seen: an
        event is written when its request ended, so at first the one of the request before may be all that there is."""
        def last():
            path = Path(self.config["log"]["audit"])
            key = (path.stat().st_ino if path.exists() else None, json.dumps(wanted, sort_keys=True))  # it may be rotated
            seen = self.audit_seen.get(key, 0)
            events = self.audit(**wanted)
            self.audit_seen[key] = max(seen, len(events))
            return events[-1] if len(events) > seen else None
        return wait_until(last, f"another audit event with {wanted}; there are {self.audit()[-5:]}", seconds)

    def reload(self, **changes):
        """Changes the configuration and tells gitlatch; the caller waits for what it expects of it."""
        self.config.update(changes)
        self.write_config()
        self.process.signal(signal.SIGHUP)


class Metrics:
    """Prometheus text: `metrics.sum("gitlatch_requests_total", decision="deny")`."""

    LINE = re.compile(r'^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$')
    LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

    def __init__(self, text):
        self.text = text
        self.samples = []
        for line in text.splitlines():
            if line and not line.startswith("#"):
                name, labels, value = self.LINE.match(line).groups()
                self.samples.append((name, dict(self.LABEL.findall(labels or "")), float(value)))

    def sum(self, name, **labels):
        return sum(value for sample, has, value in self.samples
                   if sample == name and all(has.get(key) == wanted for key, wanted in labels.items()))
