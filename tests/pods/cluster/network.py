"""Services: addresses that nftables leads to ready pods, one after the other by chance, as kube-proxy does."""
import subprocess

NETWORK, PREFIX = "gitlatch", "10.89.77"
API_ADDRESS = f"{PREFIX}.1"  # the bridge: where the tests themselves are reached
HEAD = "table ip services\ndelete table ip services\n"


class Services:
    def __init__(self, documents):
        self.services = [one for one in documents if one["kind"] == "Service"]
        self.addresses = {self.name(service): f"10.96.0.{number}" for number, service in enumerate(self.services, 10)}
        self.withdrawn = set()

    @staticmethod
    def name(service):
        return f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc"

    def lead_to(self, pods):
        """Makes the pods that a Service selects its endpoints."""
        chains = [self.rule(service, port, pods) for service in self.services for port in service["spec"]["ports"]]
        rules = (HEAD + "table ip services {\n chain to {\n  type nat hook prerouting priority dstnat\n"
                 + "".join(chains) + " }\n chain back {\n  type nat hook postrouting priority srcnat\n"
                 "  ct status dnat masquerade\n }\n}\n")
        subprocess.run(["nft", "--file", "-"], input=rules, text=True, check=True)

    def rule(self, service, port, pods):
        wanted = service["spec"]["selector"].items()
        chosen = [pod for pod in pods if pod.namespace == service["metadata"]["namespace"] and pod not in self.withdrawn
                  and wanted <= pod.labels.items()]
        if not chosen:
            return ""
        number = next(one["containerPort"] for pod in chosen for container in pod.spec["containers"]
                      for one in container.get("ports", []) if one.get("name") == port["targetPort"])
        which = ", ".join(f"{index} : {pod.address}" for index, pod in enumerate(chosen))
        return (f"  ip daddr {self.addresses[self.name(service)]} tcp dport {port['port']} "
                f"dnat to numgen random mod {len(chosen)} map {{ {which} }}:{number}\n")
