// The admission policies, evaluated: what is injected, what the guard refuses, and that it refuses nothing near it.
import assert from "node:assert/strict";
import {test} from "node:test";

import {mutate, refusals, review} from "./lib/admission.mjs";
import {objectTypes} from "./lib/cel.mjs";
import {fieldsAt, problems} from "./lib/schema.mjs";
import {checkout, compose, podSpec, readYaml} from "./lib/tools.mjs";
import {podOf, variants, workloads} from "./lib/workloads.mjs";

const [inject] = readYaml("k8s/admission/policy/inject.yaml");
const [guard, access] = readYaml("k8s/admission/policy/guard.yaml");
const params = {data: Object.fromEntries(readYaml("k8s/admission/policy/kustomization.yaml")[0].configMapGenerator[0].literals
  .map((literal) => literal.split(/=(.*)/s)))};
const create = (pod) => refusals(guard, review("CREATE", "pods", pod), params);
const update = (oldObject, object, resource = "pods") =>
  refusals(guard, review("UPDATE", resource, object, {oldObject}), params);
const changed = (object, change) => {
  const copy = structuredClone(object);
  change(copy.spec, copy);
  return JSON.parse(JSON.stringify(copy)); // what is undefined is not there
};

const folder = checkout();
const bare = podOf(workloads.find((one) => one.metadata.name === "bare"));
const workspace = mutate(inject, bare, params);
const stranger = podOf(workloads.find((one) => one.metadata.name === "other"));
const composed = (variant) => compose(folder, variants[variant], workloads).filter(podSpec).map(podOf);

test("pods of every kind of workload are given the sidecar, fit Kubernetes, and pass the guard", () => {
  for (const pod of workloads.map(podOf)) {
    const result = mutate(inject, pod, params);
    assert.deepEqual(problems(result), [], pod.metadata.name);
    assert.deepEqual(create(result), [], pod.metadata.name);
    assert.equal(result.spec.initContainers?.[0].name === "gitlatch", pod.metadata.name !== "other", pod.metadata.name);
  }
});

test("injection is idempotent, and leaves other pods alone", () => {
  assert.deepEqual(mutate(inject, workspace, params), workspace);
  assert.deepEqual(mutate(inject, stranger, params), stranger);
});

test("what the policy makes of a pod is what the component makes of it", () => {
  // But for a NO_PROXY of the container's own, to which the policy adds and which the component replaces.
  const normal = (pod) => JSON.parse(JSON.stringify(pod.spec), (key, item) =>
    key === "env" ? Object.fromEntries(item.map((one) => [one.name, one])) :
    key === "volumeMounts" || key === "volumes" ? item.toSorted((a, b) => a.name < b.name ? -1 : 1) : item);
  const made = new Map(composed("all tools").map((pod) => [pod.metadata.name, normal(pod)]));
  assert.equal(made.size, workloads.length);
  for (const pod of workloads.map(podOf)) assert.deepEqual(normal(mutate(inject, pod, params)), made.get(pod.metadata.name));
});

test("a container's own NO_PROXY is added to", () => {
  const pod = changed(bare, (spec) => { spec.containers[0].env = [{name: "NO_PROXY", value: ".corp"}]; });
  const [container] = mutate(inject, pod, params).spec.containers;
  const values = container.env.filter((entry) => entry.name === "NO_PROXY").map((entry) => entry.value);
  assert.deepEqual(values, [".corp,.svc,.cluster.local,localhost,127.0.0.1,::1"]);
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

// Each case: [what, a part of the message, what is refused, what is near it and is not].
const sidecar = (spec) => spec.initContainers[0];
const capability = (name) => (spec) => { spec.containers[0].securityContext = {capabilities: {add: [name]}}; };
const mount = (name, more) => (spec) => { spec.containers[0].volumeMounts.push({name, mountPath: "/x", ...more}); };
const add = (name, source) => (spec) => { spec.volumes.push({name, ...source}); };
const source = (name, change) => (spec) => {
  const volume = spec.volumes.find((one) => one.name === name);
  for (const key of Object.keys(volume)) if (key !== "name") delete volume[key];
  Object.assign(volume, change);
};
const audience = (name) => ({projected: {sources: [{serviceAccountToken: {audience: name, path: "token"}}]}});
const key = {secret: {secretName: "github-app"}};
const redirect = (security, own) => (spec) => {
  spec.initContainers.push({name: "gitlatch-redirect", image: params.data.redirect_image,
    volumeMounts: [{name: "gitlatch-redirect", mountPath: "/etc/gitlatch-redirect", readOnly: true}]});
  spec.volumes.push({name: "gitlatch-redirect", configMap: {name: "gitlatch-redirect"}});
  if (own) spec.securityContext = own;
  spec.containers[0].securityContext = security;
};
const locked = {runAsUser: 1000, allowPrivilegeEscalation: false, capabilities: {drop: ["ALL"]}};
const API = "/var/run/secrets/kubernetes.io/serviceaccount";
const own = (change) => (spec) => change(sidecar(spec));
const cases = [
  ["shared process namespace", "shareProcessNamespace",
    (spec) => { spec.shareProcessNamespace = true; }, (spec) => { spec.shareProcessNamespace = false; }],
  ["host network", "hostNetwork", (spec) => { spec.hostNetwork = true; }, (spec) => { spec.hostNetwork = false; }],
  ["host PID", "hostNetwork", (spec) => { spec.hostPID = true; }, (spec) => { spec.hostPID = false; }],
  ["host IPC", "hostNetwork", (spec) => { spec.hostIPC = true; }, (spec) => { spec.hostIPC = false; }],
  ["the sidecar's uid, of a container", "uid 63128",
    (spec) => { spec.containers[0].securityContext = {runAsUser: 63128}; },
    (spec) => { spec.containers[0].securityContext = {runAsUser: 63129}; }],
  ["the sidecar's uid, of an init container", "uid 63128",
    (spec) => { spec.initContainers.push({name: "i", image: "x", securityContext: {runAsUser: 63128}}); },
    (spec) => { spec.initContainers.push({name: "i", image: "x", securityContext: {runAsUser: 1}}); }],
  ["the sidecar's uid, of the pod", "uid 63128",
    (spec) => { spec.securityContext = {runAsUser: 63128}; }, (spec) => { spec.securityContext = {runAsUser: 1000}; }],
  ["the token's volume in the workspace", "only the sidecar mounts", mount("gitlatch-token"), mount("gitlatch-public", {readOnly: true})],
  ["the CA's volume in the workspace", "only the sidecar mounts", mount("gitlatch-ca", {readOnly: true}),
    (spec) => { add("gitlatch-ca2", {emptyDir: {}})(spec); mount("gitlatch-ca2")(spec); }],
  ["the public volume to be written", "only the sidecar mounts", mount("gitlatch-public"), mount("gitlatch-public", {readOnly: true})],
  ["the key's volume in the workspace", "only the sidecar mounts",
    (spec) => { add("gitlatch-app", key)(spec); mount("gitlatch-app")(spec); },
    (spec) => { add("gitlatch-app", key)(spec); sidecar(spec).volumeMounts.push({name: "gitlatch-app", mountPath: "/secrets"}); }],
  ["the key under another name", "github-app", add("mine", key), add("mine", {secret: {secretName: "github-apps"}})],
  ["the key among projected sources", "github-app", add("mine", {projected: {sources: [{secret: {name: "github-app"}}]}}),
    add("mine", {projected: {sources: [{secret: {name: "mine"}}, {configMap: {name: "github-app"}}]}})],
  ["the key as a variable", "github-app",
    (spec) => { spec.containers[0].env.push({name: "K", valueFrom: {secretKeyRef: {name: "github-app", key: "app.pem"}}}); },
    (spec) => { spec.containers[0].env.push({name: "K", valueFrom: {secretKeyRef: {name: "mine", key: "app.pem"}}}); }],
  ["the key as variables", "github-app", (spec) => { spec.containers[0].envFrom = [{secretRef: {name: "github-app"}}]; },
    (spec) => { spec.containers[0].envFrom = [{configMapRef: {name: "github-app"}}]; }],
  ["a second token of the audience", "audience gitlatch", add("mine", audience("gitlatch")), add("mine", audience("gitlatch-credential"))],
  ["NET_ADMIN", "NET_ADMIN", capability("NET_ADMIN"), capability("NET_BIND_SERVICE")],
  ["net_admin, which the runtime takes for it", "NET_ADMIN", capability("cap_net_admin"), capability("NET_RAW")],
  ["all capabilities", "NET_ADMIN", capability("ALL"), capability("CHOWN")],
  ["SYS_PTRACE", "NET_ADMIN", capability("SYS_PTRACE"), capability("SYS_NICE")],
  ["SYS_ADMIN", "NET_ADMIN", capability("SYS_ADMIN"), capability("SYS_TIME")],
  ["a privileged container", "NET_ADMIN", (spec) => { spec.containers[0].securityContext = {privileged: true}; },
    (spec) => { spec.containers[0].securityContext = {privileged: false}; }],
  ["no sidecar", "not the sidecar", (spec) => { spec.initContainers = []; }, (spec) => { spec.initContainers.push({name: "i", image: "x"}); }],
  ["a container that takes the sidecar's name", "are taken",
    (spec) => { spec.containers[0].name = "gitlatch"; }, (spec) => { spec.containers[0].name = "gitlatch-shell"; }],
  ["a device over the sidecar's libraries", "as it is injected",
    own((one) => { one.volumeDevices = [{name: "disk", devicePath: "/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3/libc.so.6"}]; }), () => {}],
  ["a group that reads devices", "as it is injected", own((one) => { one.securityContext.runAsGroup = 6; }), () => {}],
  ["the image's group", "as it is injected", own((one) => { delete one.securityContext.runAsGroup; }), () => {}],
  ["a device in the redirection", "must be the one of k8s/transparent",
    (spec) => { redirect(locked)(spec); spec.initContainers.at(-1).volumeDevices = [{name: "disk", devicePath: "/usr/sbin/nft"}]; },
    redirect(locked)],
  ["another image", "as it is injected", own((one) => { one.image = "evil"; }), own((one) => { one.imagePullPolicy = "Always"; })],
  ["another command", "as it is injected", own((one) => { one.command = ["sh"]; }), own((one) => { one.terminationMessagePath = "/dev/termination-log"; })],
  ["other arguments", "as it is injected", own((one) => { one.args = ["proxy", "-c", "/run/gitlatch/public/mine"]; }), () => {}],
  ["a sidecar that ends", "as it is injected", own((one) => { delete one.restartPolicy; }), () => {}],
  ["a hook in the sidecar", "as it is injected", own((one) => { one.lifecycle = {postStart: {exec: {command: ["/usr/bin/gitlatch"]}}}; }), () => {}],
  ["variables from elsewhere", "as it is injected", own((one) => { one.envFrom = [{configMapRef: {name: "x"}}]; }), () => {}],
  ["a variable of one's own", "as it is injected", own((one) => { one.env.push({name: "LD_PRELOAD", value: "/x"}); }), own((one) => { one.env.pop(); })],
  ["a false identity", "as it is injected", own((one) => { one.env[1] = {name: "GITLATCH_POD", value: "another"}; }),
    own((one) => { one.env[1].valueFrom.fieldRef.apiVersion = "v1"; })],
  ["an identity that the workspace writes", "as it is injected",
    own((one) => { one.env[1].valueFrom.fieldRef.fieldPath = "metadata.annotations['pod']"; }), () => {}],
  ["a probe that does more", "as it is injected", own((one) => { one.livenessProbe = {exec: {command: ["/usr/bin/gitlatch", "credential", "get"]}}; }),
    own((one) => { one.livenessProbe.timeoutSeconds = 30; })],
  ["a startup probe that does more", "as it is injected", own((one) => { one.startupProbe.exec.command.push("--admin"); }), own((one) => { delete one.startupProbe; })],
  ["a readiness probe that does more", "as it is injected", own((one) => { one.readinessProbe.exec.command = ["/usr/bin/gitlatch", "env"]; }), () => {}],
  ["a readiness probe elsewhere", "as it is injected", own((one) => { one.readinessProbe = {httpGet: {host: "x", port: 1}}; }), own((one) => { delete one.readinessProbe; })],
  ["the sidecar as another uid", "as it is injected", own((one) => { one.securityContext.runAsUser = 1000; }), () => {}],
  ["a configuration beside the sidecar's", "as it is injected", own((one) => { one.volumeMounts[0].subPath = "x"; }), () => {}],
  ["another volume in the sidecar", "as it is injected",
    (spec) => { add("mine", {emptyDir: {}})(spec); sidecar(spec).volumeMounts.push({name: "mine", mountPath: "/etc/ssl/certs"}); },
    (spec) => { add("kube-api-access-x", audience("api"))(spec); sidecar(spec).volumeMounts.push({name: "kube-api-access-x", mountPath: API, readOnly: true}); }],
  ["another ConfigMap as its configuration", "is the ConfigMap gitlatch", source("gitlatch-config", {configMap: {name: "mine"}}),
    source("gitlatch-config", {configMap: {name: "gitlatch", defaultMode: 420}})],
  ["a Secret as its configuration", "is the ConfigMap gitlatch", source("gitlatch-config", {secret: {secretName: "mine"}}), () => {}],
  ["another key of the ConfigMap", "is the ConfigMap gitlatch",
    source("gitlatch-config", {configMap: {name: "gitlatch", items: [{key: "x", path: "gitlatch.yaml"}]}}), () => {}],
  ["a CA that is shared", "of this pod alone", source("gitlatch-ca", {persistentVolumeClaim: {claimName: "mine"}}), source("gitlatch-ca", {emptyDir: {}})],
  ["a redirection by another image", "k8s/transparent", (spec) => { redirect(locked)(spec); spec.initContainers.at(-1).image = "evil"; }, redirect(locked)],
  ["a redirection that runs something", "k8s/transparent", (spec) => { redirect(locked)(spec); spec.initContainers.at(-1).args = ["sh"]; },
    (spec) => { redirect(locked)(spec); spec.initContainers.at(-1).volumeMounts.push({name: "kube-api-access-x", mountPath: API, readOnly: true}); }],
  ["redirected, a uid that only the image knows", "with gitlatch-redirect", redirect({...locked, runAsUser: undefined}), redirect({...locked, runAsUser: undefined}, {runAsUser: 1000})],
  ["redirected, root", "with gitlatch-redirect", redirect({...locked, runAsUser: 0}, {runAsUser: 1000}), redirect(locked, {runAsUser: 0})],
  ["redirected, setuid programs", "with gitlatch-redirect", redirect({...locked, allowPrivilegeEscalation: undefined}), redirect(locked)],
  ["redirected, capabilities kept", "with gitlatch-redirect", redirect({...locked, capabilities: {drop: ["NET_RAW"]}}), redirect(locked)],
  ["redirected, SETUID", "with gitlatch-redirect", redirect({...locked, capabilities: {drop: ["ALL"], add: ["SETUID"]}}),
    redirect({...locked, capabilities: {drop: ["ALL"], add: ["NET_BIND_SERVICE"]}})],
];

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

// What is no workspace may be as it likes, but for what is the sidecar's alone.
const strangers = [
  ["a token of the audience", "audience gitlatch", (spec) => add("mine", audience("gitlatch"))({volumes: spec.volumes = []}),
    (spec) => add("mine", audience("gitlatch-credential"))({volumes: spec.volumes = []})],
  ["such a token under the sidecar's name", "audience gitlatch", (spec) => add("gitlatch-token", audience("gitlatch"))({volumes: spec.volumes = []}), () => {}],
  ["the App's key", "github-app", (spec) => add("gitlatch-app", key)({volumes: spec.volumes = []}), () => {}],
  ["a sidecar without the label", "as it is injected", (spec) => { Object.assign(spec, structuredClone({initContainers: workspace.spec.initContainers})); },
    (spec) => { spec.hostNetwork = true; spec.shareProcessNamespace = true; capability("NET_ADMIN")(spec); }],
];
for (const [what, message, wrong, near] of strangers) {
  test(`the guard refuses an unlabelled pod, and accepts what is near: ${what}`, () => {
    assert.deepEqual(create(changed(stranger, near)), []);
    const found = create(changed(stranger, wrong));
    assert.equal(found.length, 1, found.join("\n"));
    assert.ok(found[0].includes(message), found[0]);
  });
}

test("a running workspace: its label stays, its image may be an old one, its finalizers are free", () => {
  const old = changed(workspace, (spec) => { sidecar(spec).image = "localhost/gitlatch:0.0.9"; });
  const touched = (change) => update(old, changed(old, change));
  assert.deepEqual(touched((spec, pod) => { pod.metadata.finalizers = ["x"]; }), []);
  assert.deepEqual(touched((spec, pod) => { pod.metadata.labels.more = "x"; }), []);
  assert.deepEqual(touched((spec) => { spec.containers[0].image = "newer"; }), []);
  assert.deepEqual(touched((spec) => { sidecar(spec).image = params.data.image; }), []);
  assert.match(touched((spec) => { sidecar(spec).image = "evil"; }).join(), /as it is injected/);
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
  const untested = guard.spec.validations.map((rule) => rule.message).filter((message) => !seen.has(message));
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
