"""Searches for a secret in every shape in which it could have leaked."""
import base64
import os
import urllib.parse
from pathlib import Path


def shapes(secret):
    """The byte strings to look for: raw, URL-encoded, and base64 wherever in a longer text it may stand."""
    raw = secret.encode()
    found = {"raw": raw, "base64 of the Basic form": base64.b64encode(b"x-access-token:" + raw)}
    # Base64 turns 3 bytes to 4 letters: by what precedes the secret its inner letters are one of 3. The letters
    # at either end also depend on the neighbours and are left out.
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)
        start, end = -(-shift * 4 // 3), (shift + len(raw)) * 8 // 6
        found[f"base64 shifted by {shift}"] = encoded[start:end]
        found[f"base64url shifted by {shift}"] = base64.urlsafe_b64encode(b"\0" * shift + raw)[start:end]
    for safe in ("", "._-~"):
        found[f"URL-encoded but for {safe!r}"] = urllib.parse.quote(secret, safe=safe).encode()
    found["every byte URL-encoded"] = "".join(f"%{byte:02X}" for byte in raw).encode()
    found["hexadecimal"] = raw.hex().encode()
    # A part of a secret is a leak too: what a cut line would still show.
    middle = len(raw) // 2
    found["its middle"] = raw[max(middle - 16, 0):middle + 16]
    return found


def find_in(data, secrets):
    """[(shape, secret's head)] of what `data` (bytes) holds."""
    return [(shape, secret[:8] + "…") for secret in secrets for shape, pattern in shapes(secret).items()
            if pattern in data]


def files_under(*folders):
    for folder in folders:
        for path in Path(folder).rglob("*"):
            if path.is_file() and not path.is_symlink():
                yield path


def find_in_files(paths, secrets):
    """{path: what it holds}."""
    found = {}
    for path in paths:
        here = find_in(Path(path).read_bytes(), secrets)
        if here:
            found[str(path)] = here
    return found


def find_in_processes(secrets, but=()):
    """Environment and command line of every process on the machine, but those whose ids are in `but`."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if int(pid) in but:
            continue
        for name in ("environ", "cmdline"):
            try:
                here = find_in(Path("/proc", pid, name).read_bytes(), secrets)
            except OSError:
                continue  # it ended meanwhile
            if here:
                found[f"/proc/{pid}/{name}"] = here
    return found
