"""Many sidecars that start together: all are served, and one mint serves all of a scope."""
import os
import re
import subprocess
import sys
from pathlib import Path

from lib.gitlatch import BINARY

BENCH = Path(__file__).parent.parent / "bench" / "sidecars"


def test_a_cluster_that_starts(folder):
    """The load program, smaller than its 5,000."""
    programs = Path(BINARY).resolve().parents[2]
    done = subprocess.run([sys.executable, BENCH, "--programs", programs, "--sidecars", "300", "--seconds", "3",
                           "--scopes", "12"], env={**os.environ, "TMPDIR": str(folder)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"300 served, 0 asked again; 26 mints \(12 × 2 \+ 2 = 26\), 300 reviews", done.stdout), done.stdout
