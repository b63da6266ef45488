"""A cluster of one node: the project's manifests, podman, and what stands in for the control plane."""
import base64
import copy
import shutil
import subprocess
from pathlib import Path

from cluster import manifests
from cluster.kubelet import Pod, podman
from cluster.network import API_ADDRESS, NETWORK, PREFIX, Services
from lib.certificates import Authority
from lib.kubernetes import OWN_TOKEN, Kubernetes

SOURCE = Path(__file__).resolve().parents[3]
API_TOKEN = "a-token-for-the-api-of-an-account-with-no-rights"
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


def checkout(folder):
    """A copy of k8s/ with the keys that `k8s/try` makes: what an operator has."""
    shutil.copytree(SOURCE / "k8s", folder / "k8s", ignore=shutil.ignore_patterns("keys", ".try.*"))
    shutil.copy(SOURCE / "meson.build", folder)
    subprocess.run([folder / "k8s/examples/try/make-keys"], check=True)
    return folder / "k8s"


class Cluster:
    """`folder` is in memory; `kubectl` a path."""

    def __init__(self, folder, kubectl):
        self.folder, self.kubectl = Path(folder), kubectl
        self.k8s = checkout(self.folder)
        self.keys = self.k8s / "examples/try/keys"
        self.authority = Authority(self.folder / "api")
        self.api = Kubernetes(self.authority, "0.0.0.0", f"IP:{API_ADDRESS}")
        self.documents, self.pods, self.made = [], [], 0
        podman("network", "create", "--disable-dns", "--subnet", f"{PREFIX}.0/24", NETWORK)

    def close(self):
        podman("pod", "rm", "--all", "--force", "--time", "0", check=False)
        podman("network", "rm", "--force", NETWORK, check=False)
        self.api.stop()

    def render(self, path):
        return manifests.render(self.kubectl, self.k8s / path)

    def apply(self, documents):
        """All that the controllers would make of `kubectl apply`."""
        self.documents += documents
        self.services = Services(self.documents)
        for document in manifests.pods(documents):
            self.play(document)

    def play(self, document):
        """Starts one pod, once it is admitted. `document` stays as it is."""
        document = copy.deepcopy(document)
        self.mount_account(document)
        folder = self.folder / "volumes" / document["metadata"]["name"]
        shutil.rmtree(folder, ignore_errors=True)
        pod = Pod(document, folder, self.object, self.issue)
        self.pods.append(pod)
        self.made += 1
        pod.play(NETWORK, f"{PREFIX}.{self.made + 9}", self.services.addresses,
                 {"KUBERNETES_SERVICE_HOST": API_ADDRESS, "KUBERNETES_SERVICE_PORT": str(self.api.port)})
        self.services.lead_to(self.pods)
        return pod

    def remove(self, pod):
        podman("pod", "rm", "--force", "--time", "0", pod.name)
        self.pods.remove(pod)
        self.services.lead_to(self.pods)

    def pod(self, name):
        return next(pod for pod in self.pods if pod.name == name)

    def mount_account(self, document):
        """Admission gives every container the service account's own token, where pod or account do not say no."""
        spec = document["spec"]
        account = next((one for one in self.documents if one["kind"] == "ServiceAccount"
                        and one["metadata"]["name"] == spec.get("serviceAccountName")), {})
        if any(volume["name"] == "kube-api-access" for volume in spec.get("volumes", ())):
            return
        if not spec.get("automountServiceAccountToken", account.get("automountServiceAccountToken", True)):
            return
        spec.setdefault("volumes", []).append({"name": "kube-api-access", "projected": {"sources": [
            {"serviceAccountToken": {"path": "token"}}, {"configMap": {"name": "kube-root-ca.crt"}}]}})
        for container in manifests.containers(document):
            container.setdefault("volumeMounts", []).append({"name": "kube-api-access", "mountPath": ACCOUNT})

    def object(self, kind, name, namespace):
        """A ConfigMap or a Secret."""
        if name == "kube-root-ca.crt":
            return {"data": {"ca.crt": self.api.ca.read_text()}}
        return manifests.find(self.documents, kind, name, namespace)

    def change(self, kind, name, namespace, **data):
        """`kubectl patch`: the pods' volumes follow. Files are named by their text or bytes."""
        stored = self.object(kind, name, namespace)
        for key, value in data.items():
            key = key.replace("_", ".")
            stored["data"][key] = value if kind == "ConfigMap" else base64.b64encode(value).decode()
        for pod in self.pods:
            if pod.namespace == namespace:
                pod.update()

    def issue(self, namespace, account, audience, pod):
        """A service account's token; without an audience it is one for the API itself."""
        if audience is None:
            return OWN_TOKEN if account == "gitlatch-broker" else API_TOKEN
        return self.api.issue(namespace, account, [audience], pod)
