"""A program under test: started, watched and ended by its process id."""
import itertools
import os
import random
import signal
import socket
import subprocess
import time
from pathlib import Path

# Below the kernel's ephemeral range (32768…), so that no outgoing connection takes the port meanwhile; each worker of
# pytest-xdist has ports of its own.
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
PORTS = range(12000 + 2000 * (WORKER % 10), 14000 + 2000 * (WORKER % 10))
# In turn, so that a port that was given is not given again before it is listened on.
TURN = itertools.cycle(random.sample(PORTS, len(PORTS)))


def free_port():
    """A port that nobody listens on, for programs that cannot tell which one they were given."""
    for port in TURN:
        try:
            for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
                with socket.socket(family, socket.SOCK_STREAM) as probe:
                    if family == socket.AF_INET6:
                        probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                    probe.bind((address, port))
            return port
        except OSError:
            continue


def wait_until(condition, what, seconds=30.0, pause=0.01):
    """Polls until `condition()` gives something true, which is returned."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(pause)


class Process:
    """Its stdout and stderr go to files in `folder`, so that no pipe fills up and all can be searched."""

    def __init__(self, name, argv, folder, env, **popen):
        self.name = name
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.stdout_path = self.folder / f"{name}.stdout"
        self.stderr_path = self.folder / f"{name}.stderr"
        with open(self.stdout_path, "ab") as out, open(self.stderr_path, "ab") as err:
            self.popen = subprocess.Popen([str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=out,
                                          stderr=err, env=env, start_new_session=True, **popen)
        self.pid = self.popen.pid

    @property
    def stdout(self):
        return self.stdout_path.read_text(errors="replace")

    @property
    def stderr(self):
        return self.stderr_path.read_text(errors="replace")

    def alive(self):
        return self.popen.poll() is None

    def wait_ready(self, condition, seconds=60.0):
        """Waits for `condition()`, and tells the program's own words if it ends instead."""
        def ready():
            assert self.alive(), f"{self.name} ended with {self.popen.returncode}:\n{self.stderr[-4000:]}"
            return condition()
        return wait_until(ready, f"{self.name} is ready\n{self.stderr[-4000:]}", seconds)

    def signal(self, number):
        if self.alive():
            os.kill(self.pid, number)

    def wait(self, seconds=60.0):
        return self.popen.wait(seconds)

    def stop(self, seconds=45.0):
        """SIGTERM, and SIGKILL if that is not obeyed. The exit status."""
        self.signal(signal.SIGTERM)
        try:
            return self.wait(seconds)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            return self.wait()

    # What the kernel says of the process.

    def _status_kib(self, key):
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1])
        raise KeyError(key)

    def rss_kib(self):
        return self._status_kib("VmRSS")

    def peak_kib(self):
        """Highest resident size since the start, or since reset_peak."""
        return self._status_kib("VmHWM")

    def reset_peak(self):
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def cpu_seconds(self):
        """User and system time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def children(self):
        """The process ids of all descendants."""
        found, todo = [], [self.pid]
        while todo:
            pid = todo.pop()
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                children = [int(word) for word in task.read_text().split()]
                found += children
                todo += children
        return found
