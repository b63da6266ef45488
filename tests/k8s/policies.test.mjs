// The admission policies, evaluated: what is injected, what the guard refuses, and that it refuses nothing near it.
import assert from "node:assert/strict";
import {test} from "node:test";

import {mutate, refusals, review} from "./lib/admission.mjs";
import {cases, sidecar, strangers} from "./lib/cases.mjs";
import {objectTypes} from "./lib/cel.mjs";
import {fieldsAt, problems} from "./lib/schema.mjs";
import {checkout, compose, podSpec, readYaml} from "./lib/tools.mjs";
import {podOf, variants, workloads} from "./lib/workloads.mjs";

const [inject] = readYaml("k8s/admission/policy/inject.yaml");
const [guard, access] = readYaml("k8s/admission/policy/guard.yaml");
const literal = (name) => guard.spec.variables.find((one) => one.name === name).expression.slice(1, -1);
const create = (pod) => refusals(guard, review("CREATE", "pods", pod));
const update = (oldObject, object, resource = "pods") =>
  refusals(guard, review("UPDATE", resource, object, {oldObject}));
const changed = (object, change) => {
  const copy = structuredClone(object);
  change(copy.spec, copy);
  return JSON.parse(JSON.stringify(copy)); // what is undefined is not there
};

const folder = checkout();
const bare = podOf(workloads.find((one) => one.metadata.name === "bare"));
const workspace = mutate(inject, bare);
const stranger = podOf(workloads.find((one) => one.metadata.name === "other"));
const composed = (variant) => compose(folder, variants[variant], workloads).filter(podSpec).map(podOf);

test("pods of every kind of workload are given the sidecar, fit Kubernetes, and pass the guard", () => {
  for (const pod of workloads.map(podOf)) {
    const result = mutate(inject, pod);
    assert.deepEqual(problems(result), [], pod.metadata.name);
    assert.deepEqual(create(result), [], pod.metadata.name);
    assert.equal(result.spec.initContainers?.[0].name === "gitlatch", pod.metadata.name !== "other", pod.metadata.name);
  }
});

test("injection is idempotent, and leaves other pods alone", () => {
  assert.deepEqual(mutate(inject, workspace), workspace);
  assert.deepEqual(mutate(inject, stranger), stranger);
});

test("what the policy makes of a pod is what the component makes of it", () => {
  // But for a NO_PROXY of the container's own, to which the policy adds and which the component replaces.
  const normal = (pod) => JSON.parse(JSON.stringify(pod.spec), (key, item) =>
    key === "env" ? Object.fromEntries(item.map((one) => [one.name, one])) :
    key === "volumeMounts" || key === "volumes" ? item.toSorted((a, b) => a.name < b.name ? -1 : 1) : item);
  const made = new Map(composed("all tools").map((pod) => [pod.metadata.name, normal(pod)]));
  assert.equal(made.size, workloads.length);
  for (const pod of workloads.map(podOf)) assert.deepEqual(normal(mutate(inject, pod)), made.get(pod.metadata.name));
});

test("a container's own NO_PROXY is added to", () => {
  const pod = changed(bare, (spec) => { spec.containers[0].env = [{name: "NO_PROXY", value: ".corp"}]; });
  const [container] = mutate(inject, pod).spec.containers;
  const values = container.env.filter((entry) => entry.name === "NO_PROXY").map((entry) => entry.value);
  assert.deepEqual(values, [".corp,.svc,.cluster.local,localhost,127.0.0.1"]);
});

test("annotations of the pod, or else of its namespace, set what a platform needs to set", () => {
  const pod = changed(bare, (spec, whole) => {
    whole.metadata.annotations = {"gitlatch.dev/memory-limit": "128Mi", "gitlatch.dev/no-proxy": ".corp", "gitlatch.dev/leave-out": "two, three"};
    spec.containers.push({name: "two", image: "y"});
  });
  const annotations = {"gitlatch.dev/memory-limit": "1Gi", "gitlatch.dev/cpu-limit": "200m", "gitlatch.dev/cpu-request": "20m"};
  const result = mutate(inject, pod, {annotations});
  assert.deepEqual(sidecar(result.spec).resources, {requests: {cpu: "20m", memory: "24Mi"}, limits: {memory: "128Mi", cpu: "200m"}});
  assert.equal(result.spec.containers[0].env.find((one) => one.name === "NO_PROXY").value, ".svc,.cluster.local,localhost,127.0.0.1,.corp");
  assert.deepEqual(result.spec.containers[1], {name: "two", image: "y"});
  assert.deepEqual(create(result), []);
  for (const [limit, value] of [["memory", "16Mi"], ["memory", "8Gi"], ["cpu", "1m"]])
    assert.match(create(changed(result, (spec) => { sidecar(spec).resources.limits[limit] = value; })).join(), /memory limit is between/);
});

test("a pod's own dnsConfig stays; /etc/gitconfig is mounted where it is asked for", () => {
  assert.deepEqual(workspace.spec.dnsConfig, {options: [{name: "ndots", value: "1"}]});
  const own = changed(bare, (spec, whole) => {
    spec.dnsConfig = {options: [{name: "ndots", value: "2"}]};
    whole.metadata.annotations = {"gitlatch.dev/gitconfig": "true"};
  });
  const result = mutate(inject, own);
  assert.deepEqual(result.spec.dnsConfig, own.spec.dnsConfig);
  assert.deepEqual(result.spec.containers[0].volumeMounts.find((one) => one.mountPath === "/etc/gitconfig"),
    {name: "gitlatch-public", mountPath: "/etc/gitconfig", subPath: "gitlatch/gitconfig", readOnly: true});
  assert.ok(!JSON.stringify(workspace).includes("/etc/gitconfig"));
  assert.deepEqual(create(result), []);
});

test("the types that the mutation names are fields of a pod", () => {
  const types = inject.spec.mutations.flatMap((mutation) => objectTypes(mutation.jsonPatch.expression))
    .filter((type) => type !== "JSONPatch");
  assert.ok(types.length > 10);
  for (const type of types) assert.ok(fieldsAt("V1Pod", type.split(".").slice(1)), type);
});

for (const name of Object.keys(variants)) {
  test(`the guard lets the component through: ${name}`, () => {
    // Of a redirected pod every container must say who it is.
    const pods = composed(name).map((pod) => changed(pod, (spec) => {
      for (const one of [...spec.containers, ...(spec.initContainers ?? [])].filter((one) => !one.name.startsWith("gitlatch")))
        one.securityContext = {runAsUser: 1000, allowPrivilegeEscalation: false, capabilities: {drop: ["ALL"]}};
    }));
    for (const pod of pods) assert.deepEqual(create(pod), [], pod.metadata.name);
  });
}

const seen = new Set();
for (const [what, message, wrong, near] of cases) {
  test(`the guard refuses, and accepts what is near: ${what}`, () => {
    const refused = changed(workspace, wrong), accepted = changed(workspace, near);
    assert.deepEqual(problems(refused), [], "the case is a pod");
    assert.deepEqual(create(accepted), []);
    const found = create(refused);
    assert.equal(found.length, 1, found.join("\n"));
    assert.ok(found[0].includes(message), found[0]);
    seen.add(found[0]);
  });
}

for (const [what, message, wrong, near] of strangers) {
  test(`the guard refuses an unlabelled pod, and accepts what is near: ${what}`, () => {
    assert.deepEqual(create(changed(stranger, near)), []);
    const found = create(changed(stranger, wrong));
    assert.equal(found.length, 1, found.join("\n"));
    assert.ok(found[0].includes(message), found[0]);
  });
}

test("the proxy as a pod of its own passes the guard, and is nothing else", () => {
  const deployment = readYaml("k8s/egress/proxy/proxy.yaml").find((one) => one.kind === "Deployment");
  const pod = {apiVersion: "v1", kind: "Pod", metadata: {name: "proxy", ...deployment.spec.template.metadata}, spec: deployment.spec.template.spec};
  assert.deepEqual(create(pod), []);
  const refuse = (message, wrong) => {
    const found = create(changed(pod, wrong));
    assert.match(found.join(), message);
    found.forEach((one) => seen.add(one));
  };
  refuse(/names gitlatch and gitlatch-redirect are taken/, (spec, whole) => { delete whole.metadata.labels["gitlatch.dev/proxy"]; });
  refuse(/one container/, (spec) => { spec.containers.push({name: "shell", image: "x"}); });
  refuse(/one container/, (spec) => { spec.initContainers = [{name: "shell", image: "x"}]; });
  refuse(/one container/, (spec) => { spec.containers[0].name = "shell"; });
  refuse(/another image/, (spec) => { spec.containers[0].image = "x"; });
  refuse(/volumeDevices/, (spec) => { spec.containers[0].volumeDevices = [{name: "x", devicePath: "/lib/x"}]; });
  refuse(/ConfigMap gitlatch/, (spec) => { spec.volumes[0].configMap.name = "mine"; });
  refuse(/gitlatch-password the Secret/, (spec) => { spec.volumes[1].secret.secretName = "github-app"; });
  refuse(/kept in memory/, (spec) => { spec.volumes.find((one) => one.name === "gitlatch-ca").emptyDir = {}; });
  refuse(/kept in memory/, (spec) => { spec.volumes.find((one) => one.name === "gitlatch-public").persistentVolumeClaim.claimName = "x"; });
  refuse(/namespaces of its own/, (spec) => { spec.hostPID = true; });
});

// Every field that Kubernetes' models know of a container, down to the leaves. What the guard allows is listed here as well, so
// that a field nobody judged fails: it is refused, or somebody has thought about it.
test("each field of the API's container is judged", () => {
  const allowed = new Set(["name", "image", "imagePullPolicy", "restartPolicy", "args", "ports", "ports.name", "ports.containerPort",
    "ports.protocol", "resources", "resources.limits", "resources.requests", "resizePolicy", "resizePolicy.resourceName",
    "resizePolicy.restartPolicy", "terminationMessagePath", "terminationMessagePolicy", "volumeMounts", "volumeMounts.name", "volumeMounts.mountPath", "volumeMounts.readOnly",
    "env", "env.name", "env.valueFrom", "env.valueFrom.fieldRef", "env.valueFrom.fieldRef.apiVersion", "env.valueFrom.fieldRef.fieldPath",
    "securityContext", "securityContext.capabilities", "securityContext.capabilities.drop", "securityContext.seccompProfile",
    "securityContext.seccompProfile.type", ...["runAsUser", "runAsGroup", "runAsNonRoot", "privileged", "allowPrivilegeEscalation",
      "readOnlyRootFilesystem"].map((field) => `securityContext.${field}`),
    ...["startupProbe", "readinessProbe", "livenessProbe"].flatMap((probe) => [probe, ...["exec", "exec.command", "initialDelaySeconds",
      "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"].map((field) => `${probe}.${field}`)])]);
  const unseen = new Set(allowed);
  const walk = (path) => {
    for (const field of fieldsAt("V1Container", path) ?? []) {
      const here = [...path, field], name = here.join(".");
      unseen.delete(name);
      if (allowed.has(name)) {
        walk(here);
        continue;
      }
      // Whatever its value: put where it belongs, it is refused.
      const refused = changed(workspace, (spec) => {
        let at = sidecar(spec);
        for (const key of path) {
          at[key] ??= {};
          at = Array.isArray(at[key]) ? at[key][0] : at[key];
        }
        at[field] = {x: "y"};
      });
      assert.ok(create(refused).length > 0, `${name} is neither allowed nor refused`);
    }
  };
  walk([]);
  assert.deepEqual([...unseen], [], "fields that are allowed and not there");
  assert.deepEqual(fieldsAt("V1Container", []).size > 20, true);
});

test("a running workspace: its label stays, its image may be an old one, its finalizers are free", () => {
  const old = changed(workspace, (spec) => { sidecar(spec).image = "localhost/gitlatch:0.0.9"; });
  const touched = (change) => update(old, changed(old, change));
  assert.deepEqual(touched((spec, pod) => { pod.metadata.finalizers = ["x"]; }), []);
  assert.deepEqual(touched((spec, pod) => { pod.metadata.labels.more = "x"; }), []);
  assert.deepEqual(touched((spec) => { spec.containers[0].image = "newer"; }), []);
  assert.deepEqual(touched((spec) => { sidecar(spec).image = literal("sidecarImage"); }), []);
  assert.match(touched((spec) => { sidecar(spec).image = "evil"; }).join(), /another image/);
  const unlabelled = update(workspace, changed(workspace, (spec, pod) => { delete pod.metadata.labels["gitlatch.dev/inject"]; }));
  assert.ok(unlabelled.some((message) => message.includes("keeps its label")));
  assert.ok(update(stranger, changed(stranger, (spec, pod) => { pod.metadata.labels = {"gitlatch.dev/inject": "true"}; })).length > 0);
  unlabelled.forEach((message) => seen.add(message));
  // A pod of before the guard can still be finished with.
  const loose = changed(workspace, (spec) => { spec.hostNetwork = true; });
  assert.deepEqual(update(loose, changed(loose, (spec, pod) => { delete pod.metadata.annotations; pod.metadata.finalizers = []; })), []);
});

test("ephemeral containers: none looks into the sidecar, is it, or has its rights", () => {
  const attach = (container) => update(workspace, changed(workspace, (spec) => {
    spec.ephemeralContainers = [{name: "debug", image: "x", ...container}];
  }), "pods/ephemeralcontainers").join();
  assert.equal(attach({}), "");
  assert.equal(attach({targetContainerName: "one"}), "");
  const found = attach({targetContainerName: "gitlatch"});
  assert.match(found, /no ephemeral container/);
  seen.add(found);
  assert.match(attach({securityContext: {runAsUser: 63128}}), /uid 63128/);
  assert.match(attach({securityContext: {capabilities: {add: ["SYS_PTRACE"]}}}), /SYS_PTRACE/);
  assert.match(attach({volumeMounts: [{name: "gitlatch-token", mountPath: "/x"}]}), /only the sidecar mounts/);
  assert.match(attach({name: "gitlatch"}), /are taken/);
});

test("every rule of the guard has a pod that it refuses", () => {
  // A message of its own (messageExpression) begins as the rule's does.
  const untested = guard.spec.validations.map((rule) => rule.message)
    .filter((message) => ![...seen].some((one) => one.startsWith(message.replace(/ a field that.*/, " fields that"))));
  assert.deepEqual(untested, []);
});

test("exec and attach: the workspace's containers, not the sidecar", () => {
  for (const way of ["pods/exec", "pods/attach"]) {
    const into = (container) => refusals(access, review("CONNECT", way, {...container, stdin: true}, {name: "pod"}));
    assert.deepEqual(into({container: "workspace"}), []);
    assert.deepEqual(into({}), []); // the API server asks for a name where there are several
    assert.equal(into({container: "gitlatch"}).length, 1);
  }
});

test("a token of the audience is asked for by the kubelet alone", () => {
  const ask = (audiences, groups) => refusals(access, review("CREATE", "serviceaccounts/token", {spec: {audiences}}, {groups})).length;
  assert.equal(ask(["gitlatch"], ["system:authenticated"]), 1);
  assert.equal(ask(["api", "gitlatch"], ["system:authenticated"]), 1);
  assert.equal(ask(["gitlatch"], ["system:nodes", "system:authenticated"]), 0);
  assert.equal(ask(["gitlatch-credential"], ["system:authenticated"]), 0);
  assert.equal(ask(undefined, ["system:authenticated"]), 0);
});

test("the sidecar's configuration is changed by whoever may change the namespace", () => {
  const may = ['.group("").resource("namespaces").name(request.namespace).check("update")'];
  const change = (granted, operation, name, groups) => {
    const map = {metadata: {name}};
    return refusals(access, review(operation, "configmaps", operation === "DELETE" ? null : map,
      {name, groups, granted, oldObject: map})).length;
  };
  for (const operation of ["CREATE", "UPDATE", "DELETE"]) {
    assert.equal(change([], operation, "gitlatch"), 1, operation);
    assert.equal(change([], operation, "gitlatch-redirect"), 1, operation);
    assert.equal(change(may, operation, "gitlatch"), 0, operation);
    assert.equal(change([], operation, "mine"), 0, operation);
  }
  // Else a namespace could not be deleted.
  assert.equal(change([], "DELETE", "gitlatch", ["system:serviceaccounts", "system:serviceaccounts:kube-system"]), 0);
});
