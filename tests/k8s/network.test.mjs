// The NetworkPolicies, as a network plugin applies them: who reaches whom (Kubernetes, "Network Policies").
import assert from "node:assert/strict";
import {BlockList} from "node:net";
import {join} from "node:path";
import {test} from "node:test";

import {mutate} from "./lib/admission.mjs";
import {checkout, find, kustomize, podSpec, readYaml} from "./lib/tools.mjs";
import {podOf, workloads} from "./lib/workloads.mjs";

const folder = checkout();
const render = (path) => kustomize(join(folder, "k8s", path));
const broker = render("broker"), proxy = render("egress/proxy"), sidecar = render("egress/sidecar");
const place = (documents, namespace) => documents.filter((one) => one.kind === "NetworkPolicy")
  .map((policy) => ({...policy, metadata: {namespace, ...policy.metadata}}));
const policies = [...place(broker, "gitlatch"), ...place(proxy, "team-a"), ...place(sidecar, "team-a")];
const namespaces = {
  gitlatch: {}, "kube-system": {}, elsewhere: {}, "team-a": {"gitlatch.dev/workspaces": "true"}, monitoring: {"gitlatch.dev/monitoring": "true"},
};
for (const [name, labels] of Object.entries(namespaces)) labels["kubernetes.io/metadata.name"] = name;

// A pod of a Deployment, or any other; an address outside is {address}.
const ofDeployment = (documents, namespace) => {
  const {template} = find(documents, "Deployment").spec;
  return {namespace, labels: template.metadata.labels, ports: template.spec.containers.flatMap((one) => one.ports ?? [])};
};
const injected = mutate(readYaml("k8s/admission/policy/inject.yaml")[0], podOf(workloads[0]));
const pods = {
  broker: ofDeployment(broker, "gitlatch"), proxy: ofDeployment(proxy, "team-a"),
  workspace: {namespace: "team-a", labels: injected.metadata.labels, ports: injected.spec.initContainers[0].ports},
  proxied: {namespace: "team-a", labels: readYaml("k8s/egress/proxy/container.yaml")[0].metadata.labels},
  neighbour: {namespace: "team-a", labels: {}}, stranger: {namespace: "elsewhere", labels: {}},
  prometheus: {namespace: "monitoring", labels: {}}, dns: {namespace: "kube-system", labels: {"k8s-app": "kube-dns"}},
  github: {address: "140.82.112.3"}, github6: {address: "2606:50c0:8000::153"}, metadata: {address: "169.254.169.254"},
  cluster: {address: "10.96.0.1"}, cluster6: {address: "fd00::1"},
};

const selects = (selector, labels) => selector.matchExpressions === undefined
  && Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);

function within(cidr, address) {
  const [net, bits] = cidr.split("/"), list = new BlockList(), family = (text) => (text.includes(":") ? "ipv6" : "ipv4");
  list.addSubnet(net, Number(bits), family(net));
  return family(net) === family(address) && list.check(address, family(address));
}

function isPeer(peer, pod, policy) {
  if (peer.ipBlock)
    return Boolean(pod.address) && within(peer.ipBlock.cidr, pod.address) && !(peer.ipBlock.except ?? []).some((one) => within(one, pod.address));
  if (pod.address) return false;
  return (peer.namespaceSelector ? selects(peer.namespaceSelector, namespaces[pod.namespace]) : pod.namespace === policy.metadata.namespace)
    && selects(peer.podSelector ?? {}, pod.labels);
}

const isPort = (rule, to, port, protocol) => !rule.ports || rule.ports.some((one) => (one.protocol ?? "TCP") === protocol
  && (typeof one.port === "string" ? to.ports?.some((has) => has.name === one.port && has.containerPort === port) : one.port === port));

function allows(direction, own, other, to, port, protocol) {
  if (own.address) return true;
  const [kind, rules, peers] = direction === "out" ? ["Egress", "egress", "to"] : ["Ingress", "ingress", "from"];
  const about = policies.filter((policy) => policy.metadata.namespace === own.namespace
    && selects(policy.spec.podSelector, own.labels) && policy.spec.policyTypes.includes(kind));
  return about.length === 0 || about.some((policy) => (policy.spec[rules] ?? []).some((rule) =>
    isPort(rule, to, port, protocol) && (!rule[peers] || rule[peers].some((peer) => isPeer(peer, other, policy)))));
}

const reaches = (from, to, port, protocol = "TCP") => allows("out", pods[from], pods[to], pods[to], port, protocol)
  && allows("in", pods[to], pods[from], pods[to], port, protocol);

const yes = [
  ["workspace", "broker", 8443], ["workspace", "dns", 53, "UDP"], ["workspace", "github", 443], ["workspace", "github6", 443],
  ["proxied", "proxy", 3128], ["proxied", "dns", 53, "UDP"], ["proxied", "dns", 53],
  ["proxy", "broker", 8443], ["proxy", "github", 443], ["proxy", "dns", 53, "UDP"],
  ["broker", "github", 443], ["broker", "cluster", 443], ["broker", "cluster", 6443], ["broker", "dns", 53, "UDP"],
  ["prometheus", "broker", 9129], ["prometheus", "proxy", 9129], ["prometheus", "workspace", 9129],
];
const no = [
  ["workspace", "github", 22], ["workspace", "github", 9418], ["workspace", "github", 443, "UDP"], ["workspace", "github", 80],
  ["workspace", "metadata", 443], ["workspace", "cluster", 443], ["workspace", "cluster6", 443], ["workspace", "proxy", 3128],
  ["proxied", "github", 443], ["proxied", "github6", 443], ["proxied", "broker", 8443], ["proxied", "neighbour", 443],
  ["proxied", "metadata", 80], ["proxied", "proxy", 9129], ["proxied", "github", 53, "UDP"],
  ["neighbour", "proxy", 3128], ["stranger", "proxy", 3128], ["proxy", "github", 22],
  ["stranger", "broker", 8443], ["prometheus", "broker", 8443], ["stranger", "broker", 9129], ["broker", "github", 22],
];

for (const [wanted, cases] of [[true, yes], [false, no]]) {
  test(`${wanted ? "what has to be reached is" : "nothing else is"}`, () => {
    for (const one of cases) assert.equal(reaches(...one), wanted, one.join(" "));
  });
}

test("each policy is about pods that are there, and has a name of its own", () => {
  const names = policies.map((policy) => `${policy.metadata.namespace}/${policy.metadata.name}`);
  assert.equal(new Set(names).size, names.length, names.join());
  for (const policy of policies) {
    const about = Object.values(pods).filter((pod) => pod.namespace === policy.metadata.namespace && selects(policy.spec.podSelector, pod.labels));
    assert.equal(about.length, 1, policy.metadata.name);
  }
});
