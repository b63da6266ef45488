"""Repositories for the mock to serve, made straight in its folder by git on this side of the network."""
import os
import random
import subprocess
from pathlib import Path

from lib.workspace import PATH

ENVIRONMENT = {
    "PATH": PATH, "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "LANG": "C.UTF-8",
    "GIT_AUTHOR_NAME": "Grace", "GIT_AUTHOR_EMAIL": "grace@example.com", "GIT_AUTHOR_DATE": "2024-01-02T03:04:05Z",
    "GIT_COMMITTER_NAME": "Grace", "GIT_COMMITTER_EMAIL": "grace@example.com",
    "GIT_COMMITTER_DATE": "2024-01-02T03:04:05Z",
}


def git(repository, *arguments, input=None):
    done = subprocess.run(["git", "-c", "safe.directory=*", *map(str, arguments)], cwd=repository, env=ENVIRONMENT,
                          input=input, capture_output=True)
    assert done.returncode == 0, f"git {arguments}: {done.stderr.decode(errors='replace')}"
    return done.stdout.decode(errors="replace").strip()


def commit(repository, files, ref="refs/heads/main", message="a commit"):
    """Adds a commit with `files` ({name: bytes or text}) to `ref` of a bare repository, by fast-import alone.
    A file name may end in " 160000", then its content is the commit of a submodule."""
    stream = bytearray(f"commit {ref}\n".encode())
    stream += b"committer Grace <grace@example.com> 1704164645 +0000\n"
    stream += data(message.encode())
    if parent(repository, ref):
        stream += f"from {ref}^0\n".encode()
    for name, content in files.items():
        if name.endswith(" 160000"):
            stream += f"M 160000 {content} {name.split()[0]}\n".encode()
        else:
            stream += f"M 100644 inline {name}\n".encode()
            stream += data(content.encode() if isinstance(content, str) else content)
    git(repository, "fast-import", "--quiet", "--force", input=bytes(stream))
    return parent(repository, ref)


def data(content):
    return b"data %d\n" % len(content) + content + b"\n"


def parent(repository, ref):
    found = subprocess.run(["git", "rev-parse", "--verify", "--quiet", ref], cwd=repository, env=ENVIRONMENT,
                           capture_output=True, text=True)
    return found.stdout.strip() or None


def noise(size, seed=0):
    """Bytes that do not compress, the same each time."""
    return random.Random(seed).randbytes(size)


def large(repository, size, blob=256 * 1024, seed=1):
    """Fills the bare `repository` with about `size` bytes that do not compress, as one pack: a commit of many files."""
    source = random.Random(seed)
    importer = subprocess.Popen(["git", "-c", "core.compression=0", "fast-import", "--quiet", "--force", "--depth=0"],
                                cwd=repository, env=ENVIRONMENT, stdin=subprocess.PIPE)
    with importer.stdin as stream:
        stream.write(b"commit refs/heads/main\ncommitter Grace <grace@example.com> 1704164645 +0000\n"
                     + data(b"large"))
        for index in range(size // blob):
            stream.write(b"M 100644 inline d%02d/f%d\n" % (index % 64, index) + data(source.randbytes(blob)))
    assert importer.wait() == 0
    return parent(repository, "refs/heads/main")


def bare(path):
    path = Path(path)
    path.mkdir(parents=True)
    git(path, "init", "--quiet", "--bare", "--initial-branch=main")
    return path


def size_of(folder):
    return sum(os.lstat(os.path.join(root, name)).st_size for root, _, names in os.walk(folder) for name in names)
