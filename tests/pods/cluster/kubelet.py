"""The kubelet's part: a pod's volumes, the order in which its containers start, its probes."""
import json
import os
import shutil
import subprocess
import time
from base64 import b64decode
from pathlib import Path

from cluster import manifests
from lib.process import wait_until

START_SECONDS = 120  # a container's first start on a machine that does much else


def podman(*arguments, **options):
    options = {"check": True, "capture_output": True, "text": True, **options}
    try:
        return subprocess.run(["podman", *map(str, arguments)], **options)
    except subprocess.CalledProcessError as error:
        raise AssertionError(f"podman {arguments}: {error.stdout}{error.stderr}") from None


def write_swapped(folder, files, mode, owner=(0, 0)):
    """As the kubelet does: `..data` leads to a folder of these files, and is swapped at once for the next."""
    version = folder / f"..{time.time_ns()}"
    version.mkdir()
    for name, data in files.items():
        path = version / name
        path.write_bytes(data)
        path.chmod(mode)
        os.chown(path, *owner)
    new = folder / "..data_tmp"
    new.symlink_to(version.name)
    old = folder / "..data"
    before = old.resolve() if old.is_symlink() else None
    new.rename(old)
    for name in files:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    if before:
        shutil.rmtree(before)


class Pod:
    """One pod that podman runs. `objects` are its cluster's ConfigMaps and Secrets; `issue` makes a service account's
    token for (namespace, account, audience, pod)."""

    def __init__(self, document, folder, objects, issue):
        self.document, self.folder, self.objects, self.issue = document, Path(folder), objects, issue
        self.name, self.namespace = document["metadata"]["name"], document["metadata"]["namespace"]
        self.labels = document["metadata"].get("labels", {})
        self.spec = document["spec"]
        self.tokens, self.address = [], None

    # Volumes.

    def make_volumes(self):
        """{name: folder} of all that the pod names, and the service account's own."""
        volumes = {}
        for volume in self.spec.get("volumes", []):
            folder = self.folder / volume["name"]
            folder.mkdir(parents=True)
            volumes[volume["name"]] = folder
            self.fill(volume, folder)
        return volumes

    def fill(self, volume, folder):
        group = self.spec.get("securityContext", {}).get("fsGroup")
        if "emptyDir" in volume:
            folder.chmod(0o777)
            if group:
                os.chown(folder, 0, group)
                folder.chmod(0o2777)
            return
        files, mode = self.content(volume)
        # fsGroup: the files are of that group, which may read them.
        write_swapped(folder, files, mode | (0o440 if group else 0), (0, group or 0))

    def content(self, volume):
        """({file: bytes}, mode) of a volume that the cluster fills."""
        if "projected" in volume:
            mode = volume["projected"].get("defaultMode", 0o644)
            files = {}
            for source in volume["projected"]["sources"]:
                if "serviceAccountToken" in source:
                    wanted = source["serviceAccountToken"]
                    token = self.issue(self.namespace, self.spec.get("serviceAccountName", "default"),
                                       wanted.get("audience"), self.name)
                    self.tokens.append(token)
                    files[wanted["path"]] = token.encode()
                else:
                    files.update(self.content(source)[0])
            return files, 0o600 if "fsGroup" in self.spec.get("securityContext", {}) else mode
        kind, source = (("Secret", volume["secret"]) if "secret" in volume else ("ConfigMap", volume["configMap"]))
        stored = self.objects(kind, source.get("secretName", source.get("name")), self.namespace)
        read = b64decode if kind == "Secret" else str.encode
        files = {key: read(value) for key, value in stored["data"].items()}
        if "items" in source:
            files = {item["path"]: files[item["key"]] for item in source["items"]}
        return files, source.get("defaultMode", 0o644)

    def update(self):
        """What a change of ConfigMaps and Secrets does to a running pod."""
        for volume in self.spec.get("volumes", []):
            if "secret" in volume or "configMap" in volume:
                self.fill(volume, self.folder / volume["name"])

    # Life.

    def play(self, network, address, aliases, environment):
        """Makes the pod, starts the sidecars, waits for their startup probes, then starts the rest."""
        self.address = address
        text = manifests.for_podman(self.document, self.make_volumes(), aliases, environment)
        podman("kube", "play", "--start=false", "--network", network, "--ip", address, "-", input=text)
        for container in self.spec.get("initContainers", []):
            if manifests.is_sidecar(container):
                podman("start", self.id(container["name"]))
                self.wait_started(container)
        podman("pod", "start", self.name)
        for container in self.spec["containers"]:
            self.wait_started(container)
        return self

    def wait_started(self, container):
        if "exec" in container.get("startupProbe", {}):
            wait_until(lambda: self.probe(container, "startupProbe"), f"{self.name}: {container['name']} starts",
                       START_SECONDS)

    def probe(self, container, name):
        if isinstance(container, str):
            container = self.container(container)
        return self.run(container["name"], *container[name]["exec"]["command"], check=False).returncode == 0

    def container(self, name):
        return next(one for one in manifests.containers(self.document) if one["name"] == name)

    def id(self, container):
        return f"{self.name}-{container}"

    def run(self, container, *command, user=None, check=True, input=None):
        """Runs `command` in a container: what it did (stdout and stderr as text)."""
        who = ["--user", str(user)] if user is not None else []
        return podman("exec", "--interactive", *who, self.id(container), *command, check=check, input=input)

    def shell(self, command, container="workspace", check=True, user=None):
        """As a person types it: both outputs as one text, and the exit status."""
        done = self.run(container, "sh", "-c", command + "\n", check=False, user=user)
        done.all = done.stdout + done.stderr
        assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.all}"
        return done

    def state(self, container):
        return json.loads(podman("inspect", self.id(container)).stdout)[0]

    def pid(self, container):
        return self.state(container)["State"]["Pid"]

    def log(self, container):
        done = podman("logs", self.id(container), check=False)
        return done.stdout + done.stderr

    def events(self, container="gitlatch"):
        """The audit events."""
        return [json.loads(line) for line in podman("logs", self.id(container)).stdout.splitlines()
                if line.startswith("{") and '"event"' in line]
