"""git behind gitlatch, and git with a token of its own and a credential helper, at several round trip times."""
import json
import random
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

from lib.peers import Gitlatch
from lib.site import Failed, until

ROUND_TRIPS_MS = (0, 20, 50)
SYSTEM_ROOTS = Path("/etc/ssl/certs/ca-certificates.crt")
SIZES = {"small": 10, "large": 500}  # MiB


class Mock:
    """tests/mock_github, with repositories of known sizes."""

    def __init__(self, site, sizes):
        self.site = site
        self.folder = site.folder / "github"
        self.folder.mkdir()
        ports = self.folder / "ports"
        site.spawn([site.programs / "tests/mock_github/mock-github", "--state", self.folder, "--port-file", ports,
                    "--quiet"], "mock-github")
        until(ports.exists, "the mock does not start")
        values = dict(line.split("=", 1) for line in ports.read_text().splitlines())
        self.port, self.control = int(values["MOCK_GITHUB_PORT"]), int(values["MOCK_GITHUB_CONTROL_PORT"])
        for name, mib in sizes.items():
            source = self.repository(name, mib)
            self.ask("/repository", owner="acme", name=name, **{"import": str(source)})
            shutil.rmtree(source)
        self.token = json.loads(self.ask("/token", owner="acme"))["token"]

    def ask(self, path, **body):
        request = urllib.request.Request(f"http://127.0.0.1:{self.control}{path}", data=json.dumps(body).encode())
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=300) as answer:
            return answer.read().decode()

    def repository(self, name, mib):
        """A bare repository with one pack of about this size, which does not compress."""
        folder = self.site.folder / f"{name}.git"
        subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", folder], check=True)
        numbers = random.Random(mib)
        with subprocess.Popen(["git", "-C", folder, "fast-import", "--quiet"], stdin=subprocess.PIPE) as importer:
            for number in range(mib * 8):
                data = numbers.randbytes(131072)
                importer.stdin.write(b"blob\nmark :%d\ndata %d\n" % (number + 1, len(data)) + data + b"\n")
            importer.stdin.write(b"commit refs/heads/main\ncommitter A <a@b.c> 1700000000 +0000\ndata 1\nx\n")
            for number in range(mib * 8):
                importer.stdin.write(b"M 100644 :%d files/%d/%d\n" % (number + 1, number % 64, number))
        return folder


class Way:
    """How git gets to the repositories."""

    def __init__(self, name, options, url, environment):
        self.name, self.options, self.url, self.environment = name, options, url, environment

    def git(self, *arguments):
        begun = time.monotonic()
        done = subprocess.run(["git", *self.options, *map(str, arguments)], env=self.environment,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=600)
        if done.returncode:
            raise Failed(f"git {arguments[0]}: {done.stderr.strip().splitlines()[-1] if done.stderr else '?'}")
        return time.monotonic() - begun


def direct(site, mock, relay):
    helper = site.folder / "helper"
    helper.write_text(f"#!/bin/sh\n[ \"$1\" = get ] && printf 'username=x-access-token\\npassword={mock.token}\\n'\n")
    helper.chmod(0o755)
    bundle = site.folder / "direct-bundle.pem"  # as behind gitlatch: the system's roots, and one more
    bundle.write_text(SYSTEM_ROOTS.read_text() + (mock.folder / "ca.pem").read_text())
    options = ("-c", f"http.curloptResolve=github.com:{relay}:127.0.0.1", "-c",
               f"http.sslCAInfo={bundle}", "-c", "credential.helper=", "-c", f"credential.helper={helper}")
    return Way("direct", options, f"https://github.com:{relay}/acme", site.environment(GIT_TERMINAL_PROMPT="0"))


class GitGitlatch(Gitlatch):
    """gitlatch with a GitHub App, as a workspace has it. Its way to GitHub leads through the relay."""

    def __init__(self, site, mock, relay, keep):
        self.name = f"gitlatch-{keep}"
        super().__init__(site)
        self.mock, self.relay, self.keep = mock, relay, keep

    def configuration(self):
        return f"""
listen: 127.0.0.1:{self.port}
admin: off
ca: {{publish: {self.folder}/public}}
github:
  trust: {self.mock.folder}/ca.pem
  connect_to: {{"github.com:443": "127.0.0.1:{self.relay}", "api.github.com:443": "127.0.0.1:{self.relay}"}}
upstream: {{keep_capabilities: {self.keep}}}
credentials: [{{type: app, app_id: "12345", private_key: {self.mock.folder}/app.pem}}]
repositories: [{{match: "acme/*", fetch: true}}]
log: {{audit: {self.folder}/audit.jsonl}}
"""

    def way(self):
        gitconfig = next(self.folder.joinpath("public").rglob("gitconfig"))
        return Way(self.name, (), "https://github.com/acme",
                   self.site.environment(GIT_CONFIG_GLOBAL=str(gitconfig), GIT_TERMINAL_PROMPT="0"))


def relay(site, port, round_trip_ms):
    if round_trip_ms == 0:
        return port
    return site.spawn_listener([site.program("relay"), port, round_trip_ms])


def clones(quick):
    return {"small": SIZES["small"]} if quick else SIZES


def timed(way, folder, quick):
    """One round of all commands: {command: seconds}."""
    result = {"ls-remote": way.git("ls-remote", f"{way.url}/small.git")}
    for name, mib in clones(quick).items():
        target = folder / f"clone-{way.name}-{name}"
        shutil.rmtree(target, ignore_errors=True)
        result[f"clone {mib} MB"] = way.git("clone", "--quiet", "--bare", f"{way.url}/{name}.git", target)
    result["fetch, nothing new"] = way.git("-C", folder / f"clone-{way.name}-small", "fetch", "--quiet", "origin",
                                           "+refs/heads/*:refs/heads/*")
    shutil.rmtree(folder / f"clone-{way.name}-large", ignore_errors=True)
    return result


def collect(site, mock, quick, say):
    """{round trip: {command: [(direct seconds, gitlatch's, gitlatch's that keeps capabilities), …]}}"""
    results = {}
    for round_trip in ROUND_TRIPS_MS:
        port = relay(site, mock.port, round_trip)
        gitlatches = [GitGitlatch(site, mock, port, keep).start() for keep in ("0s", "1h")]
        ways = [direct(site, mock, port), *(gitlatch.way() for gitlatch in gitlatches)]
        for way in ways[1:]:
            for name in clones(quick):
                way.git("ls-remote", f"{way.url}/{name}.git")  # warm: it has a token, and connections
        found = {}
        for number in range(1 if quick else 5):
            say(f"git at {round_trip} ms, round {number + 1}")
            times = {way.name: timed(way, site.folder, quick) for way in (ways if number % 2 else ways[::-1])}
            for command in times["direct"]:
                found.setdefault(command, []).append(tuple(times[way.name][command] for way in ways))
        results[round_trip] = found
        for gitlatch in gitlatches:
            gitlatch.stop()
    return results
