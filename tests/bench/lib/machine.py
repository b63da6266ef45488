"""What the machine says of processes, and of itself."""
import os
import platform
import re
import subprocess
import time
from pathlib import Path


def family(pid):
    """The process and all its descendants."""
    children = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def cpu_seconds(pid):
    """What a process, its threads (ended ones too) and its descendants have used, to the nanosecond."""
    total = 0.0
    for member in family(pid):
        try:
            total += time.clock_gettime((~member << 3) | 2)  # its CPU clock, clock_getcpuclockid(3)
        except OSError:
            pass
    return total


def memory_kib(pid):
    """Resident memory of a process and its descendants; shared pages are divided among who shares them."""
    total = 0
    for member in family(pid):
        try:
            text = Path(f"/proc/{member}/smaps_rollup").read_text()
        except OSError:
            continue
        total += int(re.search(r"^Pss: +(\d+)", text, re.M).group(1))
    return total


def private_kib(pid):
    """What is this process's alone: what one more of its kind takes."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(map(int, re.findall(r"^Private_(?:Clean|Dirty): +(\d+)", text, re.M)))


def resident_kib(pid, peak=False):
    """Resident memory of this process alone, as top shows it."""
    name = "VmHWM" if peak else "VmRSS"
    return int(re.search(rf"^{name}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.M).group(1))


def load_average():
    return os.getloadavg()[0]


def name():
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (f"{os.cpu_count()} cores of {model.group(1).strip() if model else platform.machine()}, {memory:.0f} GiB, "
            f"Linux {platform.release().split('-')[0]}, {debian()}")


def debian():
    text = Path("/etc/os-release").read_text()
    return re.search(r'^PRETTY_NAME="?([^"\n]*)', text, re.M).group(1)


def version(*command):
    """The first version number that a program tells."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r"\d+\.\d+(\.\d+)?", done.stdout)
    return found.group(0) if found else ""
