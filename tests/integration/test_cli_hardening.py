"""What the compiler and the linker do against whoever finds a bug, read from the binary as checksec does."""
import re
import subprocess

import pytest
from lib.gitlatch import BINARY, sanitized
from lib.workspace import PATH


def readelf(*options):
    return subprocess.run(["readelf", "--wide", *options, BINARY], check=True, capture_output=True, text=True).stdout


def test_it_lies_at_another_address_each_time():
    assert re.search(r"Type:\s+DYN", readelf("--file-header")) and "INTERP" in readelf("--segments")
    assert re.search(r"\(FLAGS_1\).*PIE", readelf("--dynamic"))


def test_its_tables_of_functions_are_read_only():
    """Full RELRO: all is bound at start, and then made read-only."""
    assert "GNU_RELRO" in readelf("--segments")
    assert re.search(r"\(FLAGS_1\).*NOW", readelf("--dynamic")) or "BIND_NOW" in readelf("--dynamic")


def test_no_memory_can_be_written_to_and_run():
    segments = readelf("--segments")
    (stack,) = [line for line in segments.splitlines() if "GNU_STACK" in line]
    flags = stack.split()[-2] if stack.split()[-1].startswith("0x") else stack.split()[-1]
    assert flags == "RW", stack
    assert not [line for line in segments.splitlines() if " RWE " in line]


def test_stacks_and_copies_are_checked():
    if sanitized():
        pytest.skip("the sanitizer checks them otherwise")
    symbols = readelf("--dyn-syms")
    assert "__stack_chk_fail" in symbols
    assert len(set(re.findall(r"__\w+_chk\b", symbols)) - {"__stack_chk_fail"}) >= 3, "_FORTIFY_SOURCE"


def test_it_searches_no_folder_for_libraries():
    assert not re.search(r"\((RPATH|RUNPATH)\)", readelf("--dynamic"))


def test_the_command_of_run_inherits_no_sandbox(folder):
    """What the proxy gives up, CMD keeps: it writes, runs programs and listens."""
    script = ("import socket, subprocess, os; open('made', 'w').close(); subprocess.run(['true'], check=True); "
              "socket.create_server(('127.0.0.1', 0)); print(open('/proc/self/status').read())")
    done = subprocess.run([BINARY, "run", "--", "python3", "-c", script], cwd=folder, capture_output=True, text=True,
                          env={"PATH": PATH, "HOME": str(folder), "GITHUB_TOKEN": "ghs_" + "x" * 36}, timeout=60)
    assert done.returncode == 0, done.stderr
    assert (folder / "made").exists() and "NoNewPrivs:\t0" in done.stdout and "Seccomp:\t0" in done.stdout


def test_the_proxy_is_in_its_sandbox(gitlatch):
    status = open(f"/proc/{gitlatch.process.pid}/status").read()
    assert "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status
    assert "without a sandbox:" not in gitlatch.log
