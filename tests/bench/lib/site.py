"""The benchmark's surroundings: certificates, the origin, processes, the load that is put on a proxy."""
import base64
import json
import os
import socket
import subprocess
import time
from pathlib import Path

HOSTS = ("github.com", "api.github.com", "uploads.github.com")
# As long as GitHub's tokens are today.
TOKEN = "ghs_12345_" + "x" * 510
# What git, git-lfs and gh come to with GitHub, and every program here with every other.
CIPHER = "TLSv1.3 TLS_AES_128_GCM_SHA256"
AUTHORIZATION = "Basic " + base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()


class Failed(Exception):
    """What a peer could not do. It is shown in the table."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(condition, what, seconds=30, pause=0.01):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Failed(what)
        time.sleep(pause)


def accepts(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class OriginEnded(Exception):
    """What was measured since is void, so the run ends."""


class Site:
    def __init__(self, folder, programs):
        self.folder = Path(folder)
        self.programs = Path(programs)
        self.processes = []
        self.origin = None
        self.port = 0

    def program(self, name):
        return self.programs / "tests/bench" / f"bench-{name}"

    def start(self):
        self.certificate("origin")
        self.certificate("proxy")
        self.port = self.spawn_listener([self.program("origin"), self.folder / "origin.pem",
                                         self.folder / "origin.key", AUTHORIZATION])
        self.origin = self.processes[-1]
        return self

    def check_origin(self):
        if self.origin.poll() is not None:
            said = self.folder.joinpath("bench-origin.log").read_text()
            raise OriginEnded(f"the origin ended with {self.origin.returncode}: {said}")

    def certificate(self, name):
        """A CA of its own (NAME-ca.pem), and a P-256 certificate of GitHub's hosts by it (NAME.pem)."""
        path = lambda suffix: str(self.folder / (name + suffix))  # noqa: E731
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        openssl("req", "-x509", *curve, "-keyout", path("-ca.key"), "-out", path("-ca.pem"), "-days", "30", "-subj",
                f"/CN=bench {name}")
        openssl("req", *curve, "-keyout", path(".key"), "-out", path(".csr"), "-subj", "/CN=github.com")
        Path(path(".ext")).write_text("subjectAltName=" + ",".join(f"DNS:{host}" for host in HOSTS) + "\n")
        openssl("x509", "-req", "-in", path(".csr"), "-CA", path("-ca.pem"), "-CAkey", path("-ca.key"), "-days", "30",
                "-extfile", path(".ext"), "-out", path(".pem"))
        # One file with key and certificate, which some want.
        Path(path("-ca-both.pem")).write_text(Path(path("-ca.key")).read_text() + Path(path("-ca.pem")).read_text())

    # Processes.

    def spawn(self, command, name, **popen):
        log = open(self.folder / f"{name}.log", "wb")
        popen.setdefault("stdout", log)
        process = subprocess.Popen([str(part) for part in command], stderr=log, stdin=subprocess.DEVNULL,
                                   start_new_session=True, **popen)
        self.processes.append(process)
        return process

    def spawn_listener(self, command):
        """Starts one of our programs, which prints its port."""
        process = self.spawn(command, Path(command[0]).name, stdout=subprocess.PIPE)
        line = process.stdout.readline()
        if not line:
            raise Failed(f"{command[0]} did not start")
        return int(line)

    def end(self, process):
        if process in self.processes:
            self.processes.remove(process)
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def stop(self):
        for process in reversed(list(self.processes)):
            self.end(process)

    # Load.

    def load_command(self, peer, *arguments):
        return [str(part) for part in (self.program("load"), *peer.load_options(), *arguments)]

    def load(self, peer, *arguments, seconds=300):
        """Puts a load on a peer; what it measured."""
        try:
            done = subprocess.run(self.load_command(peer, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True, timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"not done in {seconds} s") from None
        if not done.stdout:
            raise Failed(done.stderr.strip().splitlines()[0] if done.stderr else "no answer")
        result = json.loads(done.stdout.splitlines()[0])
        if result["errors"]:
            raise Failed(f"{result['errors']} of {result['requests'] + result['errors']} failed: {result['error']}")
        if result["cipher"] not in ("", CIPHER):
            raise Failed(f"speaks {result['cipher']}")
        return result

    def environment(self, **more):
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8", **more}
