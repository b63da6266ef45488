// k8s/ on a real API server, by the README's own text, and what that server says to pods which the guard must refuse.
import assert from "node:assert/strict";
import {execFileSync} from "node:child_process";
import {mkdtempSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {test} from "node:test";

import {cases, sidecar} from "../k8s/lib/cases.mjs";
import {checkout, kustomize, read, readYaml} from "../k8s/lib/tools.mjs";
import {podOf, workloads} from "../k8s/lib/workloads.mjs";
import {ask, kubectl, shell, until} from "./api.mjs";

const version = process.env.GITLATCH_KUBERNETES, policies = version === "1.36"; // MutatingAdmissionPolicy v1
const home = mkdtempSync(join(tmpdir(), "gitlatch-home-")), folder = checkout();
execFileSync("sh", ["-c", 'mkdir "$0/Downloads" && echo x >"$0/Downloads/app.private-key.pem"', home]);
const parts = Object.fromEntries(read("k8s/README.md").split(/^## /m).map((part) => [part.split("\n")[0], part]));
const commands = (part) => [...parts[part].matchAll(/^ *```sh\n([^]*?)^ *```/gm)].flatMap((match) => match[1].trim().split(/\n\s*/));

// Whoever has the role `edit` in the workspaces' namespace, and no more.
const developer = {as: "ada", groups: ["system:authenticated"]};
const NAMESPACE = "guarded"; // no Pod Security Standard: what refuses there is the guard
const registry = (pod) => JSON.parse(JSON.stringify(pod).replaceAll("localhost/gitlatch", "registry.corp/tools/gitlatch"));
const changed = (object, change) => {
  const copy = structuredClone(object);
  change(copy.spec, copy);
  return JSON.parse(JSON.stringify(copy));
};
const pods = `/api/v1/namespaces/${NAMESPACE}/pods`;
const create = (pod, who = developer) => ask("POST", `${pods}?dryRun=All`, registry(pod), who);
let workspace; // a pod as the server makes it of a bare one

// What of the README needs running pods or a person is left out; the rest is done word for word.
const runs = (line) => !/^(\$EDITOR|kubectl .*(rollout|exec))/.test(line);

async function apply(part, some = runs) {
  for (const line of commands(part).filter((line) => runs(line) && some(line))) {
    const done = shell(line, folder, home);
    if (!policies && /mine\/admission$/.test(line)) {
      // What the README says of clusters before 1.36: the guard is taken, the injection is not.
      assert.match(done.errors, /no matches for kind "MutatingAdmissionPolicy/);
    } else if (done.status !== 0) {
      assert.fail(`${line}: ${done.errors}`);
    }
    assert.doesNotMatch(done.errors, /^Warning/im, line);
  }
}

test("the README's steps are taken by the server, with no warning", async () => {
  // The controller of agents' sandboxes is not here: its kind is, with any content.
  const crd = {apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", metadata: {name: "sandboxes.agents.x-k8s.io",
    annotations: {"api-approved.kubernetes.io": "unapproved, a test's"}},
    spec: {group: "agents.x-k8s.io", scope: "Namespaced", names: {kind: "Sandbox", plural: "sandboxes"}, versions: [{name: "v1beta1",
      served: true, storage: true, schema: {openAPIV3Schema: {type: "object", "x-kubernetes-preserve-unknown-fields": true}}}]}};
  assert.equal((await ask("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd)).status, 201);
  await until("the kind Sandbox", 60, async () => (await ask("GET", "/apis/agents.x-k8s.io/v1beta1/sandboxes")).status === 200);
  await apply("From a new GitHub App to the first clone");
});

test("applied again, nothing changes", async () => {
  const versions = () => kubectl("get", "all,configmaps,networkpolicies,serviceaccounts,validatingadmissionpolicies,validatingadmissionpolicybindings",
    "--all-namespaces", "--output", "jsonpath={range .items[*]}{.kind} {.metadata.namespace} {.metadata.name} {.metadata.generation}\n{end}")
    .split("\n").filter((line) => !/ReplicaSet|Pod /.test(line)).join("\n");
  const before = versions();
  for (const one of ["broker", "agent-sandbox"]) shell(`kubectl apply --server-side -k k8s/mine/${one}`, folder, home);
  assert.equal(versions(), before);
});

test("a namespace for the guard, and a developer in it", async () => {
  writeFileSync(join(home, "namespace.json"), JSON.stringify({apiVersion: "v1", kind: "List", items: [
    {apiVersion: "v1", kind: "Namespace", metadata: {name: NAMESPACE, labels: {"gitlatch.dev/workspaces": "true"}}},
    {apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding", metadata: {name: "edit", namespace: NAMESPACE},
      roleRef: {apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "edit"},
      subjects: [{apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "ada"}]}]}));
  kubectl("apply", "--server-side", "--filename", join(home, "namespace.json"));
  await until("its service account", 60, async () => (await ask("GET", `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/default`)).status === 200);
  // The policies are compiled when the server has seen them.
  await until("the guard is in force", 60, async () =>
    /gitlatch: /.test((await create({apiVersion: "v1", kind: "Pod", metadata: {name: "x", labels: {"gitlatch.dev/inject": "true"}},
      spec: {hostPID: true, containers: [{name: "one", image: "x"}]}})).body.message));
});

test("a pod with the label gets the sidecar", async () => {
  const bare = podOf(workloads.find((one) => one.metadata.name === "bare"));
  let pod;
  if (policies) {
    const made = await until("injection", 60, async () => {
      const answer = await create(bare);
      return answer.status === 201 && answer.body.spec.initContainers ? answer : (pod = answer) && null;
    }).catch(() => assert.fail(JSON.stringify(pod.body)));
    pod = made.body;
  } else { // as the webhook would do it: what Kustomize puts in
    const template = readYaml("k8s/sidecar/pod.yaml")[0];
    delete template.spec.securityContext; // the cases say of each container who it is
    const made = await create({...template, spec: {...template.spec, containers: [{...template.spec.containers[0], name: "one"}]}});
    assert.equal(made.status, 201, JSON.stringify(made.body));
    pod = made.body;
  }
  assert.equal(sidecar(pod.spec).image.replace(/:.*/, ""), "registry.corp/tools/gitlatch");
  assert.equal(sidecar(pod.spec).restartPolicy, "Always");
  workspace = {apiVersion: "v1", kind: "Pod", metadata: {name: "case", labels: bare.metadata.labels}, spec: pod.spec};
});

test("annotations reach the sidecar that the server puts in", async (t) => {
  if (!policies) return t.skip("without MutatingAdmissionPolicy");
  const made = await create({apiVersion: "v1", kind: "Pod", metadata: {name: "x", labels: {"gitlatch.dev/inject": "true"}, annotations: {
    "gitlatch.dev/memory-limit": "128Mi", "gitlatch.dev/cpu-limit": "200m", "gitlatch.dev/no-proxy": ".corp", "gitlatch.dev/leave-out": "two"}},
    spec: {containers: [{name: "one", image: "x"}, {name: "two", image: "x"}]}});
  assert.equal(made.status, 201, made.body.message);
  assert.deepEqual(sidecar(made.body.spec).resources, {limits: {cpu: "200m", memory: "128Mi"}, requests: {cpu: "10m", memory: "24Mi"}});
  assert.match(made.body.spec.containers[0].env.find((one) => one.name === "NO_PROXY").value, /,\.corp$/);
  assert.equal(made.body.spec.containers[1].env, undefined);
});

test("an annotation redirects what ignores a proxy, and the guard lets it through", async (t) => {
  if (!policies) return t.skip("without MutatingAdmissionPolicy");
  const pod = (security) => ({apiVersion: "v1", kind: "Pod", metadata: {name: "x", labels: {"gitlatch.dev/inject": "true"},
    annotations: {"gitlatch.dev/redirect": "true"}}, spec: {containers: [{name: "one", image: "x", securityContext: security}]}});
  const made = await create(pod({runAsUser: 1000, allowPrivilegeEscalation: false, capabilities: {drop: ["ALL"]}}));
  assert.equal(made.status, 201, made.body.message);
  assert.deepEqual(made.body.spec.initContainers.map((one) => one.name), ["gitlatch-redirect", "gitlatch"]);
  assert.equal(made.body.spec.initContainers[0].image, "registry.corp/tools/gitlatch-redirect:0.1.0");
  assert.match((await create(pod({runAsUser: 0}))).body.message, /with gitlatch-redirect, each container/);
});

test("the guard refuses every case as a developer tries it, and lets through what is near", async () => {
  const wrong = [];
  let byGuard = 0;
  for (const [what, , spoil, near] of cases) {
    const accepted = await create(changed(workspace, near)), refused = await create(changed(workspace, spoil));
    // What is near may be no pod for reasons of the server's own; the guard has nothing to do with it.
    if (accepted.status !== 201 && /gitlatch:/.test(accepted.body.message)) wrong.push(`${what}: near: ${accepted.body.message}`);
    // A field that this version does not know is dropped before anybody judges it.
    const dropped = !policies && ["a claimed device", "the field restartPolicyRules"].includes(what)
      && JSON.stringify(refused.body.spec?.initContainers) === JSON.stringify(workspace.spec.initContainers);
    if (refused.status === 201 && !dropped) wrong.push(`${what}: is let through`);
    if (refused.status !== 201 && /gitlatch: /.test(refused.body.message)) byGuard++;
    if (refused.status !== 201 && !/gitlatch: /.test(refused.body.message)) console.log(`the server itself: ${what}: ${refused.body.message}`);
  }
  assert.deepEqual(wrong, []);
  console.log(`${byGuard} of ${cases.length} refused by the guard`);
  assert.ok(byGuard > 60, `${byGuard}`);
});

test("the attack: a library by a raw block volume, read by the group disk", async () => {
  const refused = await create(changed(workspace, (spec) => {
    spec.volumes.push({name: "disk", persistentVolumeClaim: {claimName: "disk"}});
    sidecar(spec).volumeDevices = [{name: "disk", devicePath: "/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3/libz.so.1"}];
    sidecar(spec).securityContext.runAsGroup = 6;
  }));
  assert.equal(refused.status, 403);
  assert.match(refused.body.message, /volumeDevices/);
});

test("each field of the server's own container is judged by the guard", async () => {
  const schema = (await ask("GET", "/openapi/v3/api/v1")).body.components.schemas["io.k8s.api.core.v1.Container"].properties;
  const allowed = new Set(["name", "image", "imagePullPolicy", "restartPolicy", "args", "env", "ports", "startupProbe", "readinessProbe",
    "livenessProbe", "resources", "resizePolicy", "securityContext", "volumeMounts", "terminationMessagePath", "terminationMessagePolicy"]);
  const refused = new Set(["command", "envFrom", "lifecycle", "restartPolicyRules", "stdin", "stdinOnce", "tty", "volumeDevices", "workingDir"]);
  assert.deepEqual(Object.keys(schema).filter((field) => !allowed.has(field) && !refused.has(field)), [], "nobody judged these");
  const guard = readYaml("k8s/admission/policy/guard.yaml")[0].spec.variables.find((one) => one.name === "fields").expression;
  assert.deepEqual([...guard.matchAll(/"(\w+)"/g)].map((match) => match[1]).sort(), [...allowed].sort());
});

test("the server finds nothing wrong with the types of the policies", async () => {
  for (const name of ["gitlatch-guard", "gitlatch-guard-access", "gitlatch-hint"]) {
    const status = await until(`types of ${name}`, 60, async () => {
      const {body} = await ask("GET", `/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/${name}`);
      return body.status?.observedGeneration && body.status;
    });
    assert.deepEqual(status.typeChecking?.expressionWarnings ?? [], []);
  }
});

test("forty containers of two hundred variables are injected and judged within CEL's budget", async (t) => {
  if (!policies) return t.skip("without MutatingAdmissionPolicy");
  const env = Array.from({length: 200}, (_, index) => ({name: `V${index}`, value: "x"}));
  const containers = Array.from({length: 40}, (_, index) => ({name: `c${index}`, image: "x", env}));
  const made = await create({apiVersion: "v1", kind: "Pod", metadata: {name: "large", labels: {"gitlatch.dev/inject": "true"}}, spec: {containers}});
  assert.equal(made.status, 201, made.body.message);
  assert.ok(made.body.spec.containers.every((one) => one.env.length > 200));
});

test("a label that does nothing is warned of", async () => {
  const labels = (value) => ({"gitlatch.dev/inject": value});
  const template = (value) => ({metadata: {labels: {app: "a", ...labels(value)}}, spec: {restartPolicy: "Never", containers: [{name: "one", image: "x"}]}});
  const make = async (namespace, value) => [
    await ask("POST", `/api/v1/namespaces/${namespace}/pods?dryRun=All`, {apiVersion: "v1", kind: "Pod", metadata: {name: "x", labels: labels(value)}, spec: template().spec}),
    await ask("POST", `/apis/batch/v1/namespaces/${namespace}/jobs?dryRun=All`, {apiVersion: "batch/v1", kind: "Job", metadata: {name: "x"}, spec: {template: template(value)}}),
    await ask("POST", `/apis/batch/v1/namespaces/${namespace}/cronjobs?dryRun=All`, {apiVersion: "batch/v1", kind: "CronJob", metadata: {name: "x"},
      spec: {schedule: "0 0 * * *", jobTemplate: {spec: {template: template(value)}}}})];
  for (const made of await make("default", "true")) assert.match(made.warnings, /the namespace lacks the label/, JSON.stringify(made.body));
  for (const made of await make(NAMESPACE, "yes")) assert.match(made.warnings, /unless its value is true/, JSON.stringify(made.body));
  for (const made of await make("default", "false")) assert.equal(made.warnings, "", JSON.stringify(made.body));
});

test("exec, tokens and the configuration are refused to a developer", async () => {
  const stored = await ask("POST", pods, registry({...workspace, metadata: {...workspace.metadata, name: "stored"}}), developer);
  assert.equal(stored.status, 201, stored.body.message);
  const exec = await ask("POST", `${pods}/stored/exec?container=gitlatch&command=sh`, undefined, developer);
  assert.match(JSON.stringify(exec.body), /no exec or attach into the sidecar/);
  const token = (audience) => ask("POST", `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/default/token`,
    {apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {audiences: [audience]}}, developer);
  assert.match((await token("gitlatch")).body.message, /made for the sidecar alone/);
  assert.equal((await token("gitlatch-credential")).status, 201);
  const map = (name) => ask("POST", `/api/v1/namespaces/${NAMESPACE}/configmaps`, {apiVersion: "v1", kind: "ConfigMap", metadata: {name}}, developer);
  for (const name of ["gitlatch", "gitlatch-proxy", "gitlatch-redirect"]) assert.match((await map(name)).body.message, /may change the namespace/);
  assert.equal((await map("mine")).status, 201);
});

test("a debugging container can be given the environment's volume, and nothing of the sidecar", async () => {
  const debug = (more) => ask("PATCH", `${pods}/stored/ephemeralcontainers?dryRun=All`, {spec: {ephemeralContainers: [{name: "debug", image: "x", ...more}]}},
    {type: "application/strategic-merge-patch+json"}); // the role edit may not
  const given = await debug({volumeMounts: [{name: "gitlatch-public", mountPath: "/run/gitlatch/public", readOnly: true}]});
  assert.equal(given.status, 200, given.body.message);
  assert.match((await debug({targetContainerName: "gitlatch"})).body.message, /no ephemeral container/);
  assert.match((await debug({volumeMounts: [{name: "gitlatch-token", mountPath: "/x", readOnly: true}]})).body.message, /only the sidecar mounts/);
});

test("the proxy as a pod of its own runs where the guard is", async () => {
  for (const document of kustomize(join(folder, "k8s/egress/proxy"))) {
    const file = join(home, "proxy.json");
    writeFileSync(file, JSON.stringify(registry(document)));
    kubectl("--namespace", NAMESPACE, "apply", "--server-side", "--filename", file);
  }
  await until("the ReplicaSet's pod", 60, async () =>
    (await ask("GET", `${pods}?labelSelector=gitlatch.dev/proxy%3Dtrue`)).body.items.length === 1).catch(async (error) => {
    const sets = await ask("GET", `/apis/apps/v1/namespaces/${NAMESPACE}/replicasets`);
    assert.fail(`${error.message}: ${JSON.stringify(sets.body.items.map((one) => one.status.conditions))}`);
  });
});

test("without the namespace gitlatch, workspaces live and can be ended; applied again, all is as before", async () => {
  kubectl("delete", "namespace", "gitlatch", "--timeout", "90s");
  assert.equal((await create(workspace)).status, 201);
  assert.equal((await create(changed(workspace, (spec) => { spec.hostPID = true; }))).status, 403);
  const finalizer = await ask("PATCH", `${pods}/stored`, {metadata: {finalizers: ["gitlatch.dev/test"]}},
    {...developer, type: "application/merge-patch+json"});
  assert.equal(finalizer.status, 200, finalizer.body.message);
  const freed = await ask("PATCH", `${pods}/stored`, {metadata: {finalizers: null}}, {...developer, type: "application/merge-patch+json"});
  assert.equal(freed.status, 200, freed.body.message);
  await apply("From a new GitHub App to the first clone", (line) => line.startsWith("kubectl"));
  assert.equal((await create(changed(workspace, (spec) => { spec.hostPID = true; }))).status, 403);
});

test("uninstalled by the README's steps, nothing of it is left and nothing is locked", async () => {
  for (const line of commands("Uninstall").filter(runs)) {
    const done = shell(line, folder, home);
    if (!policies && /mine\/admission/.test(line)) assert.match(done.errors, /no matches for kind "MutatingAdmissionPolicy/);
    else assert.equal(done.status, 0, `${line}: ${done.errors}`);
  }
  await until("the guard is gone", 60, async () =>
    (await create(changed(workspace, (spec) => { spec.hostPID = true; }))).status === 201);
  assert.doesNotMatch(kubectl("get", "validatingadmissionpolicies,validatingadmissionpolicybindings,clusterroles,clusterrolebindings", "--output", "name"), /gitlatch/);
  kubectl("delete", "namespace", NAMESPACE, "--timeout", "120s");
});
