"""Network namespaces of the test's own: a pod, and an Internet behind it with DNS and GitHub."""
import ctypes
import json
import os
import shutil
import socket
import struct
import subprocess
import threading
from pathlib import Path

from lib import gitlatch as gitlatch_module
from lib.github import Github
from lib.gitlatch import Gitlatch
from lib.workspace import Workspace

SIDECAR, WORKSPACE = 63128, 1000  # uids, as in k8s/sidecar/pod.yaml
GITHUB = ("203.0.113.10", "2001:db8:2::10")
OTHER = ("203.0.113.20", "2001:db8:2::20")
FOREIGN = ("203.0.113.66", "2001:db8:2::66")  # no name leads there
DNS = "203.0.113.53"
WATCH = """
table inet watch {
    chain arrives {
        type filter hook prerouting priority 0; policy accept;
        ip daddr 203.0.113.66 counter comment "foreign"
        ip6 daddr 2001:db8:2::66 counter comment "foreign"
    }
}
"""
CLONE_NEWNET = 0x40000000

libc = ctypes.CDLL(None, use_errno=True)


def command(*argv, **options):
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, timeout=60, **options)
    assert done.returncode == 0, f"{' '.join(map(str, argv))}: {done.stderr}"
    return done.stdout


def obstacle():
    """Why this machine cannot make namespaces, in a sentence; None: it can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for tool in ("ip", "nft", "unshare", "setpriv"):
        if not shutil.which(tool, path="/usr/sbin:/usr/bin:/sbin:/bin"):
            return f"{tool} is missing: tests/setup installs it"
    probe = subprocess.run(["unshare", "--net", "--mount", "nft", "add", "table", "inet", "probe"], capture_output=True, text=True)
    return f"the kernel or the container refuses: {probe.stderr.strip()}" if probe.returncode else None


def _enter(descriptor):
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Namespace:
    """`with namespace:` sockets are made, and programs started, in it."""

    def __init__(self, name):
        self.name = f"gitlatch-{name}-{os.getpid()}"
        command("ip", "netns", "add", self.name)
        self.inside, self.outside = os.open(f"/run/netns/{self.name}", os.O_RDONLY), os.open("/proc/self/ns/net", os.O_RDONLY)
        self.depth = 0
        with self:
            command("ip", "link", "set", "lo", "up")

    def __enter__(self):
        if self.depth == 0:
            _enter(self.inside)
        self.depth += 1
        return self

    def __exit__(self, *_):
        self.depth -= 1
        if self.depth == 0:
            _enter(self.outside)

    def run(self, *argv, **options):
        with self:
            return command(*argv, **options)

    def remove(self):
        for descriptor in (self.inside, self.outside):
            os.close(descriptor)
        command("ip", "netns", "delete", self.name)


class NameServer:
    """DNS over UDP. `names`: {name: (IPv4 address, several, or None; IPv6 likewise)}; `asked`: every name asked for;
    `swallowed`: a type of question that is not answered."""

    def __init__(self, namespace, names):
        self.names, self.asked, self.swallowed = names, [], None
        with namespace:
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind((DNS, 53))
            self.socket.settimeout(0.2)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            try:
                query, client = self.socket.recvfrom(4096)
            except TimeoutError:
                continue
            except OSError:
                return  # closed
            if answer := self._answer(query):
                self.socket.sendto(answer, client)

    def _answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
            at += 1 + query[at]
        question, (kind,) = query[12:at + 5], struct.unpack(">H", query[at + 1:at + 3])
        name = ".".join(labels)
        self.asked.append(name)
        if kind == self.swallowed:
            return None
        v4, v6 = self.names.get(name, (None, None))
        family, has = {1: (socket.AF_INET, v4), 28: (socket.AF_INET6, v6)}.get(kind, (None, None))
        datas = [socket.inet_pton(family, address) for address in ([has] if isinstance(has, str) else has or [])]
        records = b"".join(struct.pack(">HHHIH", 0xc00c, kind, 1, 1, len(data)) + data for data in datas)
        code = 0 if name in self.names else 3  # NXDOMAIN
        return query[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(datas), 0, 0) + question + records

    def close(self):
        self.socket.close()


class Counters:
    """nft's counters of a namespace, by their rules' comments: packets."""

    def __init__(self, namespace):
        rules = json.loads(namespace.run("nft", "--json", "list", "ruleset"))["nftables"]
        self.packets = {}
        for rule in (entry["rule"] for entry in rules if "rule" in entry):
            for expression in rule["expr"]:
                if "counter" in expression and "comment" in rule:
                    self.packets[rule["comment"]] = self.packets.get(rule["comment"], 0) + expression["counter"]["packets"]

    def __getitem__(self, comment):
        return self.packets[comment]


class World:
    """A pod and its Internet. `ends`: what to call at the end, last first."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.chmod(0o755)  # mkdtemp's is its owner's alone, and here are three users
        self.ends = []

    def build(self, fresh_github):
        self.pod, self.internet = Namespace("pod"), Namespace("net")
        self.ends += [self.pod.remove, self.internet.remove]
        self._join()
        shutil.copytree(fresh_github, self.folder / "github", symlinks=True)
        self.github = MockGithub(self.folder / "github", self.internet)
        self.dns = NameServer(self.internet, {})
        self.ends += [self.github.stop, self.dns.close]
        self.name_hosts(*GITHUB)
        self.files = {"/etc/resolv.conf": self.folder / "resolv.conf", "/etc/hosts": self.folder / "hosts"}
        self.files["/etc/resolv.conf"].write_text(f"nameserver {DNS}\noptions timeout:2 attempts:5\n")
        self.files["/etc/hosts"].write_text("127.0.0.1 localhost\n::1 localhost\n")
        # The folder of the build may be closed to others than root.
        self.binary = shutil.copy(gitlatch_module.BINARY, self.folder / "gitlatch-binary")
        self.github.start()
        return self

    def _join(self):
        """A veth pair, the Internet's addresses, routes, and a count of what is sent to the foreign address."""
        pod, net = self.pod, self.internet
        pod.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "up0", "netns", net.name)
        for namespace, device, own in ((pod, "eth0", ("198.51.100.2/24", "2001:db8:1::2/64")),
                                       (net, "up0", ("198.51.100.1/24", "2001:db8:1::1/64", f"{DNS}/32",
                                                     *(f"{v4}/32" for v4, _ in (GITHUB, OTHER, FOREIGN)),
                                                     *(f"{v6}/128" for _, v6 in (GITHUB, OTHER, FOREIGN))))):
            for address in own:
                namespace.run("ip", "address", "add", address, "dev", device, *(["nodad"] if ":" in address else []))
            namespace.run("ip", "link", "set", device, "up")
        pod.run("ip", "route", "add", "default", "via", "198.51.100.1")
        pod.run("ip", "-6", "route", "add", "default", "via", "2001:db8:1::1")
        net.run("nft", "-f", "-", input=WATCH)

    def name_hosts(self, v4, v6):
        names = ("github.com", "api.github.com", "uploads.github.com", "ssh.github.com", "gist.github.com")
        self.dns.names = {**{name: (v4, v6) for name in names}, "other.test": OTHER}

    def wrap(self, uid, argv):
        """The command that runs `argv` as this user, with the pod's /etc/hosts and /etc/resolv.conf."""
        mounts = " && ".join(f"mount --bind '{own}' '{path}'" for path, own in self.files.items())
        return ["unshare", "--mount", "sh", "-c", f'{mounts} && exec setpriv --reuid {uid} --regid {uid} --clear-groups '
                '--bounding-set=-all --inh-caps=-all --no-new-privs -- "$@"', "sh", *map(str, argv)]

    def redirect(self, rules):
        self.pod.run("nft", "-f", rules)

    def start(self, name="gitlatch", **config):
        """gitlatch as the sidecar, with the mock's App as its source; `config` is what a file of k8s/ says."""
        config = {**config, "credentials": [{"type": "app", "app_id": "12345", "private_key": str(self.folder / "app.pem")}],
                  "github": {"trust": str(self.github.ca), **config.get("github", {})}, "log": {"level": "debug"},
                  "ca": {"roots": ["/etc/ssl/certs/ca-certificates.crt", str(self.github.ca)]}, "metrics": "off"}
        shutil.copy(self.github.app_key, self.folder / "app.pem")
        os.chown(self.folder / "app.pem", SIDECAR, SIDECAR)
        sidecar = PodGitlatch(self, self.folder / name, config, name)
        self.ends.append(sidecar.stop)
        return sidecar.start()

    def workspace(self, sidecar, name="workspace", **extra):
        return PodWorkspace(self, self.folder / name, sidecar.public, **extra)

    def counters(self):
        return Counters(self.pod)

    def foreign(self):
        """How many packets reached the foreign address."""
        return Counters(self.internet)["foreign"]

    def remove(self):
        for end in reversed(self.ends):
            end()


class MockGithub(Github):
    """On port 443 of every address of its namespace."""

    def __init__(self, folder, namespace):
        super().__init__(folder)
        self.namespace = namespace

    def start(self, *options):
        with self.namespace:
            super().start("--listen", "[::]:443", *options)
        shutil.copy(super().ca, self.ca)
        return self

    @property
    def ca(self):
        """Where others may read it, too."""
        return self.folder.parent / "github-ca.pem"

    def control(self, *arguments, **body):
        with self.namespace:
            return super().control(*arguments, **body)


class PodGitlatch(Gitlatch):
    def __init__(self, world, folder, config, name):
        self.world = world
        folder.mkdir()
        os.chown(folder, SIDECAR, SIDECAR)
        super().__init__(folder, config, name)
        self.admin_port = int(self.config["admin"].rpartition(":")[2])
        self.port = 3128

    def start(self, **popen):
        argv = self.world.wrap(SIDECAR, [self.world.binary, "proxy", "-c", self.config_path])
        with self.world.pod:
            self.process = gitlatch_module.Process(self.name, argv, self.folder, self.env, **popen)
            self.process.wait_ready(self.ready, gitlatch_module.START_SECONDS)
        return self

    def admin(self, path):
        with self.world.pod:
            return super().admin(path)


class PodWorkspace(Workspace):
    """A user of the pod who trusts the published CA, and knows of no proxy."""

    def __init__(self, world, folder, public, **extra):
        bundle = str(public / "bundle.pem")
        super().__init__(folder, GIT_SSL_CAINFO=bundle, CURL_CA_BUNDLE=bundle, SSL_CERT_FILE=bundle, **extra)
        self.world = world
        for path in (self.folder, self.home):
            os.chown(path, WORKSPACE, WORKSPACE)
        assert not any("proxy" in name.lower() for name in self.env)

    def run(self, *argv, cwd=None, **options):
        with self.world.pod:
            return super().run(*self.world.wrap(WORKSPACE, argv), cwd=cwd, **options)

    def python(self, script, *arguments, **options):
        """What a program of the workspace's own finds; it prints it."""
        return self.run("/usr/bin/python3", "-c", script, *arguments, **options).out.strip()
