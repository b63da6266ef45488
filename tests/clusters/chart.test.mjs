// The Helm chart: equal to what Kustomize installs, and installed, upgraded and uninstalled on a real API server.
import assert from "node:assert/strict";
import {execFileSync, spawnSync} from "node:child_process";
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {test} from "node:test";

import {checkout, find, kustomize, parse, readYaml, source} from "../k8s/lib/tools.mjs";
import {ask, kubectl, until} from "./api.mjs";

const policies = process.env.GITLATCH_KUBERNETES === "1.36"; // MutatingAdmissionPolicy v1
const chart = join(source, "k8s/chart"), scratch = mkdtempSync(join(tmpdir(), "gitlatch-chart-"));
process.on("exit", () => rmSync(scratch, {recursive: true, force: true}));
const folder = checkout();
const authority = join(folder, "k8s/examples/broker/broker-ca.pem");
const mode = policies ? "policy" : "webhook";

function helm(...words) {
  const done = spawnSync("helm", words, {encoding: "utf8", maxBuffer: 1 << 26, env: {...process.env, HOME: scratch}});
  return {status: done.status, output: done.stdout, errors: done.stderr};
}
function done(...words) {
  const {status, output, errors} = helm(...words);
  assert.equal(status, 0, `helm ${words.join(" ")}: ${errors}`);
  return output;
}
const values = (object) => {
  const file = join(mkdtempSync(join(scratch, "values-")), "values.json");
  writeFileSync(file, JSON.stringify(object));
  return ["--values", file];
};
const template = (object, ...more) => parse(done("template", "gitlatch", chart, "--namespace", "gitlatch", ...values(object), ...more));
const mine = readYaml("k8s/examples/broker/gitlatch.yaml")[0].broker.grants;
const TEAM = {namespace: "team-a", create: true, networkPolicy: true};
const usual = {broker: {grants: mine, tls: {ca: readFileSync(authority, "utf8")}}, workspaces: [TEAM]};

test("lint finds nothing, in any mode", () => {
  for (const more of [{}, {injection: {mode: "webhook"}}, {injection: {mode: "none"}, guard: {enabled: false}, hint: {enabled: false}},
    {openshift: true}, {monitoring: {enabled: true}}, {broker: {tls: {certManager: {enabled: true}}}}, {broker: {enabled: false}}])
    done("lint", "--strict", chart, ...values({...usual, ...more}));
});

// An object without what only one of the two ways says of it, and with configurations read.
function plain(object) {
  const copy = structuredClone(object), meta = copy.metadata;
  for (const name of ["app.kubernetes.io/managed-by", "app.kubernetes.io/instance", "helm.sh/chart"]) delete meta.labels?.[name];
  if (meta.labels && !Object.keys(meta.labels).length) delete meta.labels;
  if (copy.data?.["gitlatch.yaml"]) copy.data["gitlatch.yaml"] = parse(copy.data["gitlatch.yaml"]);
  for (const [name, text] of Object.entries(copy.data ?? {})) if (typeof text === "string") copy.data[name] = text.trim();
  // The same end by two ways: Kustomize's hash in a name, Helm's in an annotation.
  delete copy.spec?.template?.metadata?.annotations;
  return JSON.parse(JSON.stringify(copy).replace(/gitlatch-sidecar-[a-z0-9]+/g, "gitlatch-sidecar"), (key, value) =>
    ["ports", "volumeMounts", "volumes"].includes(key) ? value.sort((one, other) => `${one.name}` < `${other.name}` ? -1 : 1) :
      key === "caBundle" ? value.replaceAll("\n", "") : value);
}
const byName = (objects) => Object.fromEntries(objects.map(plain).map((one) => [`${one.kind} ${one.metadata.namespace ?? ""} ${one.metadata.name}`, one]));
// Which only people or Kustomize make: the namespace of the release, Secrets, the sandbox.
const ours = (objects) => objects.filter((one) => !["Secret", "Sandbox"].includes(one.kind) && !(one.kind === "Namespace" && one.metadata.name === "gitlatch"));

test("by policy, the chart is what the Kustomize bases are", () => {
  const there = ["broker", "admission", "agent-sandbox"].flatMap((one) => kustomize(join(folder, "k8s/examples", one)));
  assert.deepEqual(byName(template(usual)), byName(ours(there)));
});

test("by webhook, too", () => {
  const overlay = join(folder, "k8s/examples/broker/kustomization.yaml"), text = readFileSync(overlay, "utf8");
  writeFileSync(overlay, text.replace("#components:\n#  -", "components:\n  -"));
  const config = join(folder, "k8s/examples/broker/gitlatch.yaml"), before = readFileSync(config, "utf8");
  writeFileSync(config, before.replace("#admission", "admission"));
  try {
    const there = kustomize(join(folder, "k8s/examples/broker"));
    assert.ok(find(there, "MutatingWebhookConfiguration"), "the overlay has no webhook");
    const made = template({...usual, workspaces: [], injection: {mode: "webhook"}, guard: {enabled: false}, hint: {enabled: false}});
    assert.deepEqual(byName(made), byName(ours(there)));
  } finally {
    writeFileSync(overlay, text);
    writeFileSync(config, before);
  }
});

test("monitoring is what Kustomize makes of it", () => {
  const made = template({monitoring: {enabled: true}, broker: {enabled: false}, injection: {mode: "none"}, guard: {enabled: false}, hint: {enabled: false}});
  const there = kustomize(join(folder, "k8s/monitoring")).map((one) => ({...one, metadata: {...one.metadata, namespace: "gitlatch"}}));
  assert.deepEqual(byName(made), byName(there));
});

test("values that mean nothing are refused by name", () => {
  for (const [wrong, said] of [[{brokr: {}}, /brokr/], [{injection: {mode: "webhok"}}, /mode/], [{image: {digest: "sha256:1"}}, /digest/],
    [{broker: {replicas: 0}}, /replicas/], [{workspaces: [{}]}, /namespace/], [{broker: {grants: [{namespace: "a"}]}}, /repositories/]]) {
    const {status, errors} = helm("template", "gitlatch", chart, ...values(wrong));
    assert.notEqual(status, 0, JSON.stringify(wrong));
    assert.match(errors, said);
  }
});

test("a digest, pull secrets, a priority and settings reach where they belong", () => {
  const digest = `sha256:${"a".repeat(64)}`, image = `registry.corp/tools/gitlatch@${digest}`;
  const made = template({...usual, image: {repository: "registry.corp/tools/gitlatch", digest}, imagePullSecrets: [{name: "corp"}],
    broker: {...usual.broker, priorityClassName: "system-cluster-critical", settings: {github: {host: "ghe.corp"}, broker: {listen: "0.0.0.0:9443"}}},
    workspaces: [{...TEAM, settings: {other_hosts: "deny"}, files: {"corp.pem": "-----BEGIN\n"}}]});
  const pod = find(made, "Deployment").spec.template.spec;
  assert.equal(pod.containers[0].image, image);
  assert.deepEqual(pod.imagePullSecrets, [{name: "corp"}]);
  assert.deepEqual(find(made, "ServiceAccount", "workspace").imagePullSecrets, [{name: "corp"}]);
  assert.equal(pod.priorityClassName, "system-cluster-critical");
  for (const name of ["gitlatch-guard", "gitlatch-inject"])
    assert.equal(made.find((one) => one.metadata.name === name && one.kind.endsWith("Policy")).spec.variables.find((one) => one.name === "sidecarImage").expression, `'${image}'`);
  const broker = parse(find(made, "ConfigMap", "gitlatch-broker").data["gitlatch.yaml"])[0];
  assert.equal(broker.github.host, "ghe.corp");
  assert.deepEqual([broker.broker.listen, broker.broker.replicas, broker.broker.grants], ["0.0.0.0:9443", 2, mine]);
  const {data} = find(made, "ConfigMap", "gitlatch");
  assert.equal(parse(data["gitlatch.yaml"])[0].other_hosts, "deny");
  assert.match(data["corp.pem"], /BEGIN/);
});

test("in another namespace, all names follow", () => {
  const text = done("template", "gitlatch", chart, "--namespace", "platform", ...values(usual));
  assert.match(text, /https:\/\/gitlatch-broker\.platform\.svc:8443/);
  assert.doesNotMatch(text, /broker\.gitlatch\.svc|kubernetes\.io\/metadata\.name: gitlatch/);
  const made = parse(text);
  assert.equal(find(made, "ClusterRoleBinding").subjects[0].namespace, "platform");
});

test("with cert-manager, its CA can sign for the broker's name alone", () => {
  const made = template({...usual, injection: {mode: "webhook"}, broker: {...usual.broker, tls: {certManager: {enabled: true}}}});
  const authority = find(made, "Certificate", "gitlatch-broker-ca").spec, names = ["gitlatch-broker.gitlatch.svc", "gitlatch-broker.gitlatch.svc.cluster.local"];
  assert.deepEqual(authority.nameConstraints.permitted.dnsDomains, names);
  assert.deepEqual(find(made, "Certificate", "gitlatch-broker").spec.dnsNames, names);
  const hook = find(made, "MutatingWebhookConfiguration");
  assert.equal(hook.metadata.annotations["cert-manager.io/inject-ca-from"], "gitlatch/gitlatch-broker");
});

const release = ["gitlatch", chart, "--namespace", "gitlatch", "--wait=false"];
const pods = "/api/v1/namespaces/team-a/pods?dryRun=All";
const labelled = (spec = {}) => ({apiVersion: "v1", kind: "Pod", metadata: {name: "x", labels: {"gitlatch.dev/inject": "true"}},
  spec: {serviceAccountName: "workspace", securityContext: {runAsNonRoot: true, seccompProfile: {type: "RuntimeDefault"}, runAsUser: 1000},
    containers: [{name: "one", image: "x", securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: ["ALL"]}}}], ...spec}});
const guarded = async () => (await ask("POST", pods, labelled({shareProcessNamespace: true}))).body.message ?? "";
const settings = (more = {}) => values({...usual, injection: {mode}, ...more});

test("the server takes it in every mode", () => {
  const modes = [{injection: {mode: "webhook"}}, {injection: {mode: "none"}}, {broker: {...usual.broker, enabled: false}, injection: {mode}}];
  if (policies) modes.push({}, {openshift: true});
  for (const more of modes) done("install", ...release, "--create-namespace", "--dry-run=server", ...values({...usual, workspaces: [], ...more}));
});

test("installed, it guards", async () => {
  done("install", ...release, "--create-namespace", ...settings());
  await until("the service account", 60, async () => (await ask("GET", "/api/v1/namespaces/team-a/serviceaccounts/workspace")).status === 200);
  if (policies) {
    const pod = await until("injection", 60, async () => {
      const made = await ask("POST", pods, labelled());
      return made.body.spec?.initContainers && made.body.spec;
    });
    assert.equal(pod.initContainers[0].image, "localhost/gitlatch:0.1.0");
    await until("the guard", 60, async () => /gitlatch:/.test(await guarded()));
  } else {
    await until("the webhook is called", 60, async () => /inject\.gitlatch\.dev/.test(await guarded()));
  }
});

test("upgraded, the new image is injected and the only one let through; back, the old one", async (t) => {
  if (!policies) return t.skip("without MutatingAdmissionPolicy");
  const image = async () => (await ask("POST", pods, labelled())).body.spec?.initContainers[0].image;
  done("upgrade", ...release, ...settings({image: {tag: "0.2.0"}}));
  await until("the new image", 60, async () => await image() === "localhost/gitlatch:0.2.0");
  done("rollback", "gitlatch", "--namespace", "gitlatch", "--wait=false");
  await until("the old image", 60, async () => await image() === "localhost/gitlatch:0.1.0");
});

test("on OpenShift, the uid is the namespace's", async (t) => {
  if (!policies) return t.skip("without MutatingAdmissionPolicy");
  done("upgrade", ...release, ...settings({openshift: true}));
  const sent = await until("no uid is injected", 60, async () => {
    // Refused as long as nobody gives it one, as the SCC does there.
    const {status, body} = await ask("POST", pods, labelled());
    return status !== 201 && /securityContext differs/.test(body.message);
  });
  assert.ok(sent);
  const guard = find(template({...usual, openshift: true}), "ValidatingAdmissionPolicy", "gitlatch-guard");
  assert.match(JSON.stringify(guard), /runAsUser >= 1000000000/);
  done("rollback", "gitlatch", "--namespace", "gitlatch", "--wait=false");
});

test("packaged, it is one file that installs the same", () => {
  done("package", chart, "--destination", scratch);
  const file = join(scratch, "gitlatch-0.1.0.tgz");
  const packed = parse(done("template", "gitlatch", file, "--namespace", "gitlatch", ...values(usual)));
  assert.deepEqual(byName(packed), byName(template(usual)));
});

test("uninstalled, nothing is left and nothing is locked", async () => {
  done("uninstall", "gitlatch", "--namespace", "gitlatch", "--wait=false");
  const kinds = ["validatingadmissionpolicies", "validatingadmissionpolicybindings", "clusterroles", "clusterrolebindings", "mutatingwebhookconfigurations",
    ...policies ? ["mutatingadmissionpolicies", "mutatingadmissionpolicybindings"] : []];
  await until("all is gone", 90, () => !/gitlatch/.test(kubectl("get", kinds.join(","), "--output", "name")));
  const made = await ask("POST", "/api/v1/namespaces/default/pods?dryRun=All", {...labelled(), spec: {...labelled().spec, serviceAccountName: "default"}});
  assert.equal(made.status, 201, made.body.message);
  kubectl("delete", "namespace", "gitlatch", "team-a", "--ignore-not-found", "--timeout=120s");
});
