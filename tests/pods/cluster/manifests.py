"""The project's manifests as the real kustomize renders them, and what `podman kube play` 4.3 is given in their place:

    Kubernetes                            here
    Deployment, StatefulSet, Job          its pods
    native sidecar (an init container     the first container; kubelet.py starts it before the others, and these when
    with restartPolicy: Always)           its startup probe passes
    probes                                kubelet.py runs their commands
    ConfigMap, Secret, projected token,   a folder that kubelet.py fills as the kubelet does: memory, modes, owners,
    emptyDir, volumeClaimTemplates        `..data` swapped as a whole
    fsGroup                               supplementalGroups, and the owner of these folders
    ports                                 not given: podman would open them on the host
    downward API in the environment       its values
    Service                               an address that network.py leads to the pods; its name in hostAliases
    TokenReview                           tests/integration/lib/kubernetes.py, at KUBERNETES_SERVICE_HOST
    RBAC, NetworkPolicy, Pod Security,    nothing: podman has no such thing (tests/k8s judges these)
    PodDisruptionBudget, spreading

All else reaches podman as it stands: images, commands, uids, capabilities, read-only roots, memory limits, mounts.
"""
import copy
import json
import subprocess

import yaml


def render(kubectl, folder):
    """The documents of a kustomization."""
    text = subprocess.run([kubectl, "kustomize", folder], check=True, capture_output=True, text=True).stdout
    return [document for document in yaml.safe_load_all(text) if document]


def find(documents, kind, name, namespace=None):
    return next(one for one in documents if one["kind"] == kind and one["metadata"]["name"] == name
                and namespace in (None, one["metadata"].get("namespace")))


def pods(documents):
    """The pods that controllers would make: a pod's document each."""
    for document in documents:
        kind, meta, spec = document["kind"], document["metadata"], document.get("spec", {})
        if kind == "Pod":
            yield document
        elif kind in ("Deployment", "StatefulSet", "Job"):
            for number in range(spec.get("replicas", 1)):
                pod = copy.deepcopy(spec["template"])
                pod.setdefault("metadata", {}).update(name=f"{meta['name']}-{number}", namespace=meta["namespace"])
                for claim in spec.get("volumeClaimTemplates", ()):
                    pod["spec"].setdefault("volumes", []).append({"name": claim["metadata"]["name"], "emptyDir": {}})
                yield {"apiVersion": "v1", "kind": "Pod", **pod}


def is_sidecar(container):
    return container.get("restartPolicy") == "Always"


def containers(pod):
    """All of a pod's, the sidecars first."""
    return pod["spec"].get("initContainers", []) + pod["spec"]["containers"]


def field(pod, path):
    """What the downward API gives for `path`."""
    value = pod
    for key in path.split("."):
        value = value[key]
    return value


def for_podman(pod, volumes, aliases, environment):
    """`volumes` are folders by volume; `aliases` addresses by host; `environment` is added to every container."""
    pod = copy.deepcopy(pod)
    spec = pod["spec"]
    for container in containers(pod):
        container["env"] = [
            {"name": entry["name"], "value": field(pod, entry["valueFrom"]["fieldRef"]["fieldPath"])}
            if "valueFrom" in entry else entry for entry in container.get("env", [])]
        container["env"] += [{"name": name, "value": value} for name, value in environment.items()]
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            container.pop(probe, None)
        container.pop("ports", None)
    sidecars = [one for one in spec.get("initContainers", []) if is_sidecar(one)]
    spec["initContainers"] = [one for one in spec.get("initContainers", []) if not is_sidecar(one)]
    for container in sidecars:
        del container["restartPolicy"]
    spec["containers"] = sidecars + spec["containers"]
    spec["volumes"] = [{"name": name, "hostPath": {"path": str(folder), "type": "Directory"}}
                       for name, folder in volumes.items()]
    spec["hostAliases"] = [{"ip": address, "hostnames": [host]} for host, address in aliases.items()]
    security = spec.setdefault("securityContext", {})
    if "fsGroup" in security:
        security.setdefault("supplementalGroups", []).append(security.pop("fsGroup"))
    # Else podman removes an init container that it still takes for running.
    pod["metadata"].setdefault("annotations", {})["io.podman.annotations.init.container.type"] = "always"
    for unknown in ("topologySpreadConstraints", "serviceAccountName", "automountServiceAccountToken"):
        spec.pop(unknown, None)
    return json.dumps(pod)
