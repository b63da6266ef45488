"""A memory limit as a pod's: a real memory cgroup, version 1 or 2, of this machine."""
import os
import uuid
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


def own_group():
    """Where this process's memory is counted: (folder, the limit's file, the processes' file); None: nowhere to be found."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            return ROOT / "memory" / path.lstrip("/"), "memory.limit_in_bytes", "tasks"
        unified = ROOT / "cgroup.controllers"
        if controllers == "" and unified.exists() and "memory" in unified.read_text().split():
            return ROOT / path.lstrip("/"), "memory.max", "cgroup.procs"
    return None


class MemoryGroup:
    """A group below this process's own. `start(preexec_fn=group.enter)` puts a program into it."""

    def __init__(self, limit):
        folder, self.limit_name, self.tasks_name = own_group()
        self.folder = folder / f"gitlatch-test-{uuid.uuid4().hex}"
        self.folder.mkdir()
        (self.folder / self.limit_name).write_text(str(limit))

    def enter(self):
        (self.folder / self.tasks_name).write_text(str(os.getpid()))

    @property
    def peak(self):
        for name in ("memory.max_usage_in_bytes", "memory.peak"):
            if (self.folder / name).exists():
                return int((self.folder / name).read_text())
        return 0

    def remove(self):
        self.folder.rmdir()


def obstacle():
    """Why no group can be made here; None: one can."""
    try:
        MemoryGroup(64 << 20).remove()
    except (OSError, TypeError) as error:
        return f"no memory cgroup can be made: {error}"
    return None
