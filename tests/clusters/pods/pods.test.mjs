// gitlatch in pods that a real kubelet runs: k8s/try, then the admission policies over the same broker and mock GitHub.
import assert from "node:assert/strict";
import {execFileSync, spawn} from "node:child_process";
import {cpSync, readdirSync, readFileSync, writeFileSync} from "node:fs";
import {join} from "node:path";
import {test} from "node:test";

import {checkout, kustomize, source} from "../../k8s/lib/tools.mjs";
import {kubectl, shell, until} from "../api.mjs";

const folder = checkout(), home = folder, TEAM = "team-a", MINUTES = 180;
cpSync(join(source, "meson.build"), join(folder, "meson.build"));
const version = /version: '(.*)'/.exec(readFileSync(join(source, "meson.build"), "utf8"))[1];

// A line of shell in a container: {status, output}, what it says on both.
function inside(pod, line, container = "workspace", namespace = TEAM) {
  const quoted = `'${line.replaceAll("'", "'\\''")}'`;
  const done = shell(`kubectl --namespace ${namespace} exec ${pod} --container ${container} -- sh -c ${quoted} 2>&1`, folder, home);
  return {status: done.status, output: done.output};
}
function works(pod, line) {
  const done = inside(pod, line);
  assert.equal(done.status, 0, `${line}: ${done.output}`);
  return done.output;
}
const COMMIT = "git -c user.name=Ada -c user.email=ada@example.com commit -q --allow-empty -m hello";

const mock = (method, call, body) => {
  const data = body ? `--data '${JSON.stringify(body)}'` : "";
  const done = inside("deployment/mock-github", `curl -sS --fail-with-body --request ${method} ${data} http://127.0.0.1:8080${call}`, "mock-github", "gitlatch-mock");
  assert.equal(done.status, 0, done.output);
  return done.output;
};
const record = () => mock("GET", "/record").trim().split("\n").map((line) => JSON.parse(line));

function apply(...objects) {
  const file = join(home, "objects.json");
  writeFileSync(file, JSON.stringify({apiVersion: "v1", kind: "List", items: objects}));
  return kubectl("apply", "--server-side", "--filename", file);
}
const ready = (pod) => kubectl("--namespace", TEAM, "wait", `pod/${pod}`, "--for", "condition=Ready", `--timeout=${MINUTES}s`);
const json = (...words) => JSON.parse(kubectl(...words, "--output", "json"));
const events = (pod) => kubectl("--namespace", TEAM, "logs", pod, "--container", "gitlatch").split("\n")
  .filter((line) => line.includes('"event"')).map((line) => JSON.parse(line));

// A workspace as a developer writes it: nothing of gitlatch but the label.
const bare = (name, command, more = {}) => ({apiVersion: "v1", kind: "Pod",
  metadata: {name, namespace: TEAM, labels: {"gitlatch.dev/inject": "true"}, ...(more.annotations && {annotations: more.annotations})},
  spec: {serviceAccountName: "workspace", automountServiceAccountToken: false, restartPolicy: more.restartPolicy ?? "Always",
    terminationGracePeriodSeconds: more.grace ?? 5,
    securityContext: {runAsNonRoot: true, runAsUser: more.user ?? 1000, fsGroup: 1000, seccompProfile: {type: "RuntimeDefault"}},
    containers: [{name: "workspace", image: `localhost/gitlatch-mock-github:${version}`, command, workingDir: "/work",
      env: [{name: "HOME", value: "/work"}], securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: ["ALL"]}},
      volumeMounts: [{name: "work", mountPath: "/work"}, ...more.mounts ?? []]}],
    volumes: [{name: "work", emptyDir: {}}, ...more.volumes ?? []]}});

// The process of a container, as the node sees it. All that runs in this process namespace is the test's own.
function processOf(pod, namespace, name) {
  const {uid} = json("--namespace", namespace, "get", "pod", pod).metadata;
  return readdirSync("/proc").filter((entry) => /^\d+$/.test(entry)).find((entry) => {
    try {
      return readFileSync(`/proc/${entry}/cgroup`, "utf8").includes(uid) && readFileSync(`/proc/${entry}/cmdline`, "utf8").startsWith(name);
    } catch { return false; } // it has ended meanwhile
  });
}

test("k8s/try shows a clone, a push and a refusal", () => {
  const done = shell("REGISTRY=localhost k8s/try --keep 2>&1", folder, home);
  assert.equal(done.status, 0, done.output);
  assert.match(done.output, /agent\/hello -> agent\/hello/);
  assert.match(done.output, /\[remote rejected\] HEAD -> main/);
  assert.match(done.output, /"event":"request"/);
});

test("with the policies, the label alone gives a pod clone, push and refusal", async () => {
  shell(`sed -i 's|newTag: .*}|newTag: ${version}}|' k8s/examples/admission/kustomization.yaml`, folder, home);
  kubectl("apply", "--server-side", "-k", join(folder, "k8s/examples/admission"));
  await until("injection", 60, () => {
    kubectl("--namespace", TEAM, "delete", "pod", "agent", "--ignore-not-found", "--now");
    try { apply(bare("agent", ["sleep", "infinity"], {
      volumes: [{name: "gitlatch", image: {reference: `localhost/gitlatch:${version}`, pullPolicy: "IfNotPresent"}}],
      mounts: [{name: "gitlatch", mountPath: "/opt/gitlatch", readOnly: true}]})); } catch { return false; }
    return json("--namespace", TEAM, "get", "pod", "agent").spec.initContainers;
  });
  ready("agent");
  works("agent", "git clone -q https://github.com/acme/widgets && git -C widgets log --oneline");
  assert.match(works("agent", `cd widgets && git switch -qc agent/one && ${COMMIT} && git push origin agent/one 2>&1`), /agent\/one -> agent\/one/);
  const refused = inside("agent", "cd widgets && git push origin HEAD:main");
  assert.notEqual(refused.status, 0);
  assert.match(refused.output, /\[remote rejected\] HEAD -> main/);
  assert.match(refused.output, /refs\/heads\/agent\/\*/);
  assert.notEqual(inside("agent", "git clone -q https://github.com/globex/lib").status, 0);
  const push = events("agent").find((one) => one.operation === "push" && one.decision === "allow");
  assert.deepEqual(push.workspace, {namespace: TEAM, pod: "agent", service_account: "workspace"});
  assert.equal(record().filter((one) => one.path.endsWith("/git-receive-pack") && /widgets/.test(one.path)).length, 2); // k8s/try's, and this
});

test("doctor finds all well, in any image, from an image volume", () => {
  const root = "/opt/gitlatch/usr";
  const said = inside("agent", `${root}/lib64/ld-linux-x86-64.so.2 --library-path ${root}/lib/x86_64-linux-gnu ${root}/bin/gitlatch doctor`);
  assert.equal(said.status, 0, said.output);
  for (const what of ["proxy", "git", "curl"]) assert.match(said.output, new RegExp(what), said.output);
});

test("no credential is in the workspace's container", () => {
  const seen = works("agent", "env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null; cat /proc/mounts; ls -R /run /var/run/secrets 2>&1; true");
  assert.match(seen, /GH_TOKEN=gitlatch/);
  assert.doesNotMatch(seen, /ghs_|github_pat|serviceaccount|ca\.key|secrets\/gitlatch/);
  assert.notEqual(inside("agent", "ls /run/gitlatch/ca").status, 0);
  assert.notEqual(inside("agent", "touch /run/gitlatch/public/x").status, 0);
});

test("check --cluster, in a pod that may read, finds all in order and says what is not", async () => {
  const READER = {name: "gitlatch-reader"};
  apply({apiVersion: "v1", kind: "ServiceAccount", metadata: {...READER, namespace: "gitlatch"}},
    {apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata: READER, rules: [
      {apiGroups: ["admissionregistration.k8s.io"], resources: ["*"], verbs: ["get", "list"]},
      {apiGroups: [""], resources: ["namespaces", "pods", "configmaps"], verbs: ["get", "list"]},
      {apiGroups: ["apps"], resources: ["deployments"], verbs: ["list"]},
      {apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list"]}]},
    {apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRoleBinding", metadata: READER,
      roleRef: {apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", ...READER}, subjects: [{kind: "ServiceAccount", ...READER, namespace: "gitlatch"}]});
  const survey = (name) => {
    apply({apiVersion: "v1", kind: "Pod", metadata: {name, namespace: "gitlatch"}, spec: {serviceAccountName: "gitlatch-reader", restartPolicy: "Never",
      securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: "RuntimeDefault"}},
      containers: [{name: "check", image: `localhost/gitlatch:${version}`, args: ["check", "--cluster"],
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: ["ALL"]}}}]}});
    return until(`${name} ends`, 60, () => {
      const {phase} = json("--namespace", "gitlatch", "get", "pod", name).status;
      return ["Succeeded", "Failed"].includes(phase) && {phase, said: kubectl("--namespace", "gitlatch", "logs", name)};
    });
  };
  const well = await survey("check-one");
  assert.equal(well.phase, "Succeeded", well.said);
  assert.match(well.said, /^ok {4}server: Kubernetes v1\.36/m);
  assert.match(well.said, /^ok {4}injection: by the policy gitlatch-inject, of localhost\/gitlatch:/m);
  assert.match(well.said, /^ok {4}broker: gitlatch\/gitlatch-broker: 2 of 2 ready/m);
  assert.match(well.said, /^ok {4}broker's Service: gitlatch\/gitlatch-broker leads to 2 pods/m);
  assert.match(well.said, /^ok {4}pods of team-a: 2 with the label, 2 with the sidecar/m);
  kubectl("delete", "validatingadmissionpolicybinding", "gitlatch-guard");
  const ill = await survey("check-two");
  kubectl("apply", "--server-side", "-k", join(folder, "k8s/examples/admission"));
  assert.equal(ill.phase, "Failed", ill.said);
  assert.match(ill.said, /^FAIL {2}guard: gitlatch-guard is not bound/m);
});

test("a killed sidecar comes back with its CA, and git goes on", async () => {
  const CA = "cat /run/gitlatch/public/gitlatch/ca.pem", ca = works("agent", CA);
  const status = () => json("--namespace", TEAM, "get", "pod", "agent").status;
  const started = () => status().containerStatuses[0].state.running.startedAt, before = started();
  const number = processOf("agent", TEAM, "/usr/bin/gitlatch");
  assert.ok(number, "the sidecar's process is not found");
  process.kill(Number(number), "SIGKILL");
  await until("the sidecar is started again", 60, () => status().initContainerStatuses.find((one) => one.name === "gitlatch" && one.restartCount === 1 && one.ready));
  assert.equal(works("agent", CA), ca);
  works("agent", "git -C widgets fetch -q && git clone -q https://github.com/acme/gadgets");
  assert.equal(started(), before, "the workspace's own container has run on");
});

test("a workspace that saves its work when it is ended is served to its end, also by a drain of the node", async () => {
  const save = `git clone -q https://github.com/acme/widgets && cd widgets && git switch -qc agent/saved
trap '${COMMIT} && git push -q origin agent/saved && exit 0' TERM
touch /work/there; while :; do sleep 0.2; done`;
  apply(bare("saver", ["sh", "-c", save], {grace: 60, restartPolicy: "Never"}));
  ready("saver");
  await until("its clone", 60, () => inside("saver", "test -e /work/there").status === 0);
  const log = spawn("kubectl", ["--namespace", TEAM, "logs", "saver", "--all-containers", "--follow"]);
  let said = "";
  log.stdout.on("data", (part) => { said += part; });
  const drain = spawn("kubectl", ["drain", "n1", "--pod-selector", "gitlatch.dev/inject=true", "--delete-emptydir-data", "--force", "--timeout=120s"]);
  try {
    assert.equal(await new Promise((resolve) => drain.on("close", resolve)), 0, said);
    const heads = inside("deployment/mock-github", "git -C /state/repositories/acme/widgets.git for-each-ref", "mock-github", "gitlatch-mock");
    assert.match(heads.output, /refs\/heads\/agent\/saved/, said);
  } finally {
    kubectl("uncordon", "n1");
  }
});

test("a Job with the sidecar ends", () => {
  const job = kustomize(join(folder, "k8s/examples/ci-job")).find((one) => one.kind === "Job");
  job.metadata.namespace = TEAM;
  apply(job);
  kubectl("--namespace", TEAM, "wait", `job/${job.metadata.name}`, "--for", "condition=Complete", `--timeout=${MINUTES}s`);
});

test("the broker's pods are replaced under load, and no git fails", async () => {
  apply(bare("agent", ["sleep", "infinity"]));
  ready("agent");
  const names = Array.from({length: 8}, (_, index) => `load-${index}`);
  for (const name of names) mock("POST", "/repository", {owner: "acme", name, example: true});
  const load = `rm -f stop; n=0; while [ ! -e stop ]; do for r in ${names.join(" ")}; do git ls-remote https://github.com/acme/$r >said 2>&1 && n=$((n + 1)) || cat said; done; done; echo good: $n`;
  const running = spawn("kubectl", ["--namespace", TEAM, "exec", "agent", "--container", "workspace", "--", "sh", "-c", load]);
  let said = "";
  running.stdout.on("data", (part) => { said += part; });
  const ended = new Promise((resolve) => running.on("close", resolve));
  kubectl("--namespace", "gitlatch", "rollout", "restart", "deployment/gitlatch-broker");
  kubectl("--namespace", "gitlatch", "rollout", "status", "deployment/gitlatch-broker", `--timeout=${MINUTES}s`);
  works("agent", "touch stop");
  await ended;
  assert.match(said, /^good: [1-9]\d*\n$/);
});

test("the App's key is rotated under the broker, which is not restarted", async () => {
  const brokers = () => json("--namespace", "gitlatch", "get", "pods").items.filter((one) => !one.metadata.deletionTimestamp)
    .map((one) => [one.metadata.name, one.status.containerStatuses[0].restartCount]).sort();
  const before = brokers();
  const key = execFileSync("openssl", ["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]).toString("base64");
  const change = (namespace, name) => kubectl("--namespace", namespace, "patch", "secret", name, "--patch", JSON.stringify({data: {"app.pem": key}}));
  change("gitlatch-mock", "mock-github"); // GitHub takes the new key alone
  kubectl("--namespace", "gitlatch-mock", "rollout", "restart", "deployment/mock-github");
  kubectl("--namespace", "gitlatch-mock", "rollout", "status", "deployment/mock-github", `--timeout=${MINUTES}s`);
  const ask = () => inside("agent", "git ls-remote https://github.com/acme/gadgets");
  const refused = await until("the old key is refused", 60, () => { const done = ask(); return done.status !== 0 && done; });
  assert.match(refused.output, /remote:/);
  change("gitlatch", "github-app");
  await until("git works with the new key", 150, () => ask().status === 0);
  assert.deepEqual(brokers(), before);
});

test("the broker's certificate is rotated, and no pod is replaced", async () => {
  shell("k8s/broker/certificate k8s/examples/try/keys", folder, home);
  const read = (name) => readFileSync(join(folder, "k8s/examples/try/keys", name)).toString("base64");
  kubectl("--namespace", "gitlatch", "patch", "secret", "gitlatch-broker-tls", "--patch", JSON.stringify({data: {"tls.crt": read("tls.crt"), "tls.key": read("tls.key")}}));
  const serial = execFileSync("openssl", ["x509", "-noout", "-serial", "-in", join(folder, "k8s/examples/try/keys/tls.crt")], {encoding: "utf8"}).trim();
  const {clusterIP} = json("--namespace", "gitlatch", "get", "service", "gitlatch-broker").spec;
  await until("both replicas show it", 150, () => [1, 2, 3, 4, 5, 6].every(() =>
    shell(`openssl s_client -connect ${clusterIP}:8443 </dev/null 2>/dev/null | openssl x509 -noout -serial`, folder, home).output.trim() === serial));
  mock("POST", "/repository", {owner: "acme", name: "later", example: true});
  works("agent", "git ls-remote https://github.com/acme/later");
});

test("commits are signed by a key that only the sidecar has", async () => {
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", join(home, "signing_key")]);
  kubectl("--namespace", TEAM, "create", "secret", "generic", "gitlatch-signing", "--from-file", join(home, "signing_key"));
  const config = json("--namespace", TEAM, "get", "configmap", "gitlatch").data["gitlatch.yaml"];
  kubectl("--namespace", TEAM, "patch", "configmap", "gitlatch", "--patch",
    JSON.stringify({data: {"gitlatch.yaml": `${config}signing: {key: /signing/signing_key}\n`}}));
  // ssh-keygen works for nobody whom the image's /etc/passwd does not have.
  apply(bare("signer", ["sleep", "infinity"], {user: 65532, annotations: {"gitlatch.dev/signing": "true"}}));
  ready("signer");
  works("signer", `git clone -q https://github.com/acme/widgets && cd widgets && git switch -qc agent/signed && ${COMMIT}`);
  assert.equal(works("signer", "cd widgets && git log -1 --format=%G? && git verify-commit HEAD 2>/dev/null && git push -q origin agent/signed"), "G\n");
  const key = readFileSync(join(home, "signing_key.pub"), "utf8").split(" ")[1];
  assert.match(works("signer", "SSH_AUTH_SOCK=/run/gitlatch/public/gitlatch/agent.sock ssh-add -L"), new RegExp(key.replaceAll("+", "\\+")));
  assert.notEqual(inside("signer", "ls /signing").status, 0);
  assert.ok(events("signer").some((one) => one.event === "sign"));
});

test("what k8s/try made is taken away by what it says", () => {
  kubectl("delete", "-k", join(folder, "k8s/examples/admission"));
  kubectl("delete", "--ignore-not-found", "-k", join(folder, "k8s/examples/try"), "--timeout=120s");
});
