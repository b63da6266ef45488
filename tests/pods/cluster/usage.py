"""What a container used: its cgroup's own counts, version 1 or 2."""
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
MIB = 1 << 20


class Usage:
    def __init__(self, pid):
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
        self.paths = {controller: path for _, controllers, path in (line.split(":", 2) for line in lines)
                      for controller in controllers.split(",")}

    def file(self, controller, name):
        place = ROOT / controller if controller in self.paths and controller else ROOT
        return place / self.paths.get(controller, self.paths.get("", "/")).lstrip("/") / name

    def stat(self):
        return {key: int(value) for key, value in
                (line.split() for line in self.file("memory", "memory.stat").read_text().splitlines())}

    @property
    def own(self):
        """Bytes of memory that are the program's own: what cannot be taken from it."""
        return self.stat()["total_rss" if "memory" in self.paths else "anon"]

    @property
    def peak(self):
        """Bytes: the most that counted against the limit, files in memory volumes and in the page cache included."""
        name = "memory.max_usage_in_bytes" if "memory" in self.paths else "memory.peak"
        return int(self.file("memory", name).read_text())

    @property
    def cpu(self):
        """Seconds."""
        if "cpuacct" in self.paths:
            return int(self.file("cpuacct", "cpuacct.usage").read_text()) / 1e9
        stat = dict(line.split() for line in self.file("cpu", "cpu.stat").read_text().splitlines())
        return int(stat["usage_usec"]) / 1e6
