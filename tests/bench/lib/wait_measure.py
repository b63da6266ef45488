"""What a workspace waits for: its first clone by a sidecar that has just started, and a push of one commit."""
import shutil
import time
import urllib.error
import urllib.request
from statistics import median

from lib.git_measure import GitGitlatch, direct, relay
from lib.site import free_port, until

ROUND_TRIP_MS = 50


class ColdGitlatch(GitGitlatch):
    """A sidecar whose rule names one repository, and whose /readyz is waited for."""

    def __init__(self, site, mock, relay):
        super().__init__(site, mock, relay, "0s")
        self.name = "gitlatch-cold"
        self.admin = free_port()

    def configuration(self):
        return (super().configuration().replace("admin: off", f"admin: 127.0.0.1:{self.admin}")
                .replace('{match: "acme/*", fetch: true}', '{match: acme/small, fetch: true, push: ["refs/heads/**"]}'))

    def wait_ready(self):
        until(self.ready, "it does not become ready", pause=0.002)

    def ready(self):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"http://127.0.0.1:{self.admin}/readyz", timeout=10) as answer:
                return answer.status == 200
        except (OSError, urllib.error.URLError):
            return False


def clone(way, folder):
    target = folder / "clone-cold"
    shutil.rmtree(target, ignore_errors=True)
    return way.git("clone", "--quiet", "--bare", f"{way.url}/small.git", target)


def first_clones(site, mock, port, rounds, say):
    """[(seconds of the first clone after /readyz, of those after it)], a new sidecar each."""
    found = []
    for number in range(rounds):
        say(f"a cold sidecar at {ROUND_TRIP_MS} ms, round {number + 1}")
        gitlatch = ColdGitlatch(site, mock, port).start()
        gitlatch.wait_ready()
        first, *warm = [clone(gitlatch.way(), site.folder) for _ in range(4)]
        found.append((first, median(warm)))
        gitlatch.stop()
    return found


class Pusher:
    """A clone by one way, and a new commit for each push."""

    def __init__(self, way, folder):
        self.way = way
        self.folder = folder / f"push-{way.name}"
        way.git("clone", "--quiet", f"{way.url}/small.git", self.folder)

    def git(self, *arguments):
        return self.way.git("-C", self.folder, *arguments)

    def push(self):
        name = f"agent/{self.way.name}-{time.time_ns()}"
        self.git("checkout", "--quiet", "-b", name)
        (self.folder / "one").write_text(name)
        self.git("add", "one")
        self.git("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "-m", "one")
        return self.git("push", "--quiet", "origin", name)


def pushes(site, mock, port, rounds, say):
    """[(direct seconds, gitlatch's)] of a push of one commit, with everything warm."""
    gitlatch = ColdGitlatch(site, mock, port).start()
    gitlatch.wait_ready()
    pushers = [Pusher(way, site.folder) for way in (direct(site, mock, port), gitlatch.way())]
    for pusher in pushers:
        pusher.push()  # the first has its token minted
    found = []
    for number in range(rounds):
        say(f"a push at {ROUND_TRIP_MS} ms, round {number + 1}")
        times = {pusher: pusher.push() for pusher in (pushers if number % 2 else pushers[::-1])}
        found.append(tuple(times[pusher] for pusher in pushers))
    gitlatch.stop()
    return found


def collect(site, mock, quick, say):
    """{"first clone": [(first, warm)], "push": [(direct, gitlatch's)]}"""
    port = relay(site, mock.port, ROUND_TRIP_MS)
    return {"first clone": first_clones(site, mock, port, 1 if quick else 7, say),
            "push": pushes(site, mock, port, 2 if quick else 11, say)}
