// The webhook: `gitlatch broker` with the configuration of k8s/examples/broker, asked over TLS as an API server asks.
import assert from "node:assert/strict";
import {execFileSync, spawn} from "node:child_process";
import {generateKeyPairSync} from "node:crypto";
import {once} from "node:events";
import {cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync} from "node:fs";
import {request} from "node:https";
import {createServer} from "node:net";
import {join} from "node:path";
import {after, before, test} from "node:test";
import {setTimeout as pause} from "node:timers/promises";

import {applyPatch, mutate, refusals, review} from "./lib/admission.mjs";
import {problems} from "./lib/schema.mjs";
import {checkout, find, gitlatch, kustomize, parse, podSpec, read, readYaml} from "./lib/tools.mjs";
import {podOf, workloads} from "./lib/workloads.mjs";

const folder = checkout(), overlay = join(folder, "k8s/examples/broker"), service = "gitlatch-broker.gitlatch.svc";
const [inject] = readYaml("k8s/admission/policy/inject.yaml"), [guard] = readYaml("k8s/admission/policy/guard.yaml");

// What the comments of the overlay say to do.
const written = join(overlay, "kustomization.yaml");
writeFileSync(written, readFileSync(written, "utf8").replace(/^#(components:|  - \.\.\/\.\.\/admission\/webhook)/gm, "$1"));
writeFileSync(join(overlay, "gitlatch.yaml"), readFileSync(join(overlay, "gitlatch.yaml"), "utf8").replace("  #admission:", "  admission:"));
const documents = kustomize(overlay);
const webhook = find(documents, "MutatingWebhookConfiguration").webhooks[0];
const broker = podSpec(find(documents, "Deployment"));

test("the registration leads to the broker, whose certificate is of the CA that it names", () => {
  assert.deepEqual(documents.flatMap(problems), []);
  const {service: to, caBundle} = webhook.clientConfig;
  assert.equal(Buffer.from(caBundle, "base64").toString(), readFileSync(join(overlay, "broker-ca.pem"), "utf8"));
  const {ports} = find(documents, "Service", to.name).spec;
  const port = broker.containers[0].ports.find((one) => one.name === ports.find((one) => one.port === to.port).targetPort);
  assert.equal(port.containerPort, 8445);
  assert.equal(`${to.name}.${to.namespace}.svc`, service);
  const policy = find(documents, "NetworkPolicy").spec.ingress;
  assert.ok(policy.some((rule) => !rule.from && rule.ports.some((one) => one.port === "webhook")));
});

test("the broker mounts the sidecar that is injected; another one replaces its pods", () => {
  const volume = broker.volumes.find((one) => one.name === "sidecar");
  assert.match(volume.configMap.name, /^gitlatch-sidecar-\w{10}$/);
  assert.equal(find(documents, "ConfigMap", volume.configMap.name).data["sidecar.json"], read("k8s/admission/webhook/sidecar.json"));
});

test("it is asked about the pods that the policy is about", () => {
  assert.deepEqual(webhook.objectSelector, inject.spec.matchConstraints.objectSelector);
  assert.deepEqual(webhook.rules.map(({scope, ...rule}) => rule), inject.spec.matchConstraints.resourceRules);
});

// The broker.

const port = await new Promise((resolve) => {
  const probe = createServer().listen(0, "127.0.0.1", () => { const {port} = probe.address(); probe.close(() => resolve(port)); });
});
const scratch = mkdtempSync(join(folder, "broker-"));
const tls = ["tls.crt", "tls.key"];
let child, said = "";

function start() {
  for (const name of tls) cpSync(join(overlay, name), join(scratch, name));
  cpSync(join(folder, "k8s/admission/webhook/sidecar.json"), join(scratch, "sidecar.json"));
  writeFileSync(join(scratch, "app.pem"), generateKeyPairSync("rsa", {modulusLength: 2048, privateKeyEncoding: {type: "pkcs8", format: "pem"},
    publicKeyEncoding: {type: "spki", format: "pem"}}).privateKey);
  writeFileSync(join(scratch, "own-token"), "x");
  const config = parse(find(documents, "ConfigMap", "gitlatch-broker").data["gitlatch.yaml"]
    .replaceAll(/\/(tls|secrets|etc\/gitlatch-sidecar)\//g, `${scratch}/`))[0];
  config.admin = config.metrics = "off";
  config.broker.listen = "127.0.0.1:0";
  config.broker.admission.listen = `127.0.0.1:${port}`;
  config.broker.kubernetes = {api: "https://127.0.0.1:1", ca: join(overlay, "broker-ca.pem"), token_file: join(scratch, "own-token")};
  writeFileSync(join(scratch, "gitlatch.yaml"), JSON.stringify(config));
  child = spawn(gitlatch, ["broker", "-c", join(scratch, "gitlatch.yaml")], {stdio: ["ignore", "ignore", "pipe"]});
  child.stderr.on("data", (data) => { said += data; });
}

// {status, body, serial}: a connection of its own, checked against `ca` for the Service's name.
function ask(body, {ca = join(overlay, "broker-ca.pem"), method = "POST", path = webhook.clientConfig.service.path, headers} = {}) {
  const data = typeof body === "string" ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const call = request({host: "127.0.0.1", port, servername: service, ca: readFileSync(ca), method, path, agent: false,
      ALPNProtocols: ["http/1.1"], headers: headers ?? {"Content-Type": "application/json", "Content-Length": Buffer.byteLength(data)}},
    (answer) => {
      const {serialNumber: serial} = answer.socket.getPeerCertificate();
      let text = "";
      answer.setEncoding("utf8").on("data", (part) => { text += part; })
        .on("end", () => resolve({status: answer.statusCode, body: text, serial, type: answer.headers["content-type"]}));
    });
    call.on("error", reject);
    call.end(data);
  });
}

async function until(what, condition) {
  for (const end = Date.now() + 30000; Date.now() < end; await pause(50)) {
    assert.equal(child.exitCode, null, said);
    const result = await condition().catch(() => null);
    if (result) return result;
  }
  assert.fail(`${what}: not within 30 s\n${said}`);
}

before(async () => {
  start();
  await until("the webhook answers", () => ask("{}"));
});
after(async () => {
  child.kill();
  const [code] = await once(child, "exit");
  assert.equal(code, 0, said);
});

// An AdmissionReview as an API server sends it.
let count = 0;
function reviewOf(pod, more = {}) {
  const kind = {group: "", version: "v1", kind: "Pod"}, resource = {group: "", version: "v1", resource: "pods"};
  return {kind: "AdmissionReview", apiVersion: "admission.k8s.io/v1", request: {
    uid: `705ab4f5-6393-11e8-b7cc-${String(++count).padStart(12, "0")}`, kind, resource, requestKind: kind, requestResource: resource,
    namespace: "team-a", operation: "CREATE",
    userInfo: {username: "system:serviceaccount:kube-system:job-controller", uid: "1", groups: ["system:serviceaccounts", "system:authenticated"]},
    object: pod, oldObject: null, dryRun: false, options: {kind: "CreateOptions", apiVersion: "meta.k8s.io/v1"}, ...more}};
}

async function reviewed(asked) {
  const answer = await ask(asked);
  assert.equal(answer.status, 200, answer.body);
  assert.equal(answer.type, "application/json");
  const {kind, apiVersion, response} = JSON.parse(answer.body);
  assert.deepEqual({kind, apiVersion}, {kind: "AdmissionReview", apiVersion: "admission.k8s.io/v1"});
  assert.equal(response.uid, asked.request.uid);
  assert.equal(response.allowed, true);
  assert.equal(response.patchType, response.patch && "JSONPatch");
  return response.patch ? applyPatch(asked.request.object, JSON.parse(Buffer.from(response.patch, "base64"))) : asked.request.object;
}

test("pods of every kind of workload become what the policy makes of them, and pass the guard", async () => {
  for (const pod of workloads.map(podOf)) {
    const result = await reviewed(reviewOf(pod));
    assert.deepEqual(result, mutate(inject, pod), pod.metadata.name);
    assert.deepEqual(problems(result), []);
    assert.deepEqual(refusals(guard, review("CREATE", "pods", result)), []);
  }
});

test("a recorded review of a Job's pod, with all that an API server fills in", async () => {
  const recorded = JSON.parse(read("tests/k8s/reviews/job-pod.json"));
  const result = await reviewed(recorded);
  assert.deepEqual(problems(result), []);
  assert.deepEqual(result.spec.initContainers.map((one) => one.name), ["gitlatch", "prepare"]);
  assert.deepEqual(refusals(guard, review("CREATE", "pods", result)), []);
  assert.deepEqual(result, mutate(inject, recorded.request.object));
  assert.deepEqual(await reviewed({...recorded, request: {...recorded.request, dryRun: true}}), result, "a dry run shows what will be");
});

test("a pod's own dnsConfig stays", async () => {
  const pod = podOf(workloads[0]);
  pod.spec.dnsConfig = {options: [{name: "ndots", value: "2"}]};
  assert.deepEqual((await reviewed(reviewOf(pod))).spec.dnsConfig, pod.spec.dnsConfig);
});

test("a pod that has the sidecar is left as it is, and so is one that did not ask for it", async () => {
  const pod = podOf(workloads[0]), result = await reviewed(reviewOf(pod));
  assert.deepEqual(await reviewed(reviewOf(result)), result);
  for (const labels of [undefined, {}, {"gitlatch.dev/inject": "false"}, {"gitlatch.dev/inject": "True"}]) {
    const other = JSON.parse(JSON.stringify({...pod, metadata: {name: "x", labels}}));
    assert.deepEqual(await reviewed(reviewOf(other)), other);
  }
});

test("what is no review is refused, and the next is answered", async () => {
  const good = reviewOf(podOf(workloads[0]));
  const bad = ["", "{", "[]", "null", '{"kind":"AdmissionReview"}', JSON.stringify({...good, apiVersion: "admission.k8s.io/v1beta1"}),
    JSON.stringify({...good, kind: "Pod"}), JSON.stringify({...good, request: null}), JSON.stringify({...good, request: {...good.request, uid: 1}}),
    JSON.stringify(good) + "x", '{"kind":"AdmissionReview",' + JSON.stringify(good).slice(1), "[".repeat(100000)];
  for (const body of bad) {
    const answer = await ask(body);
    assert.equal(answer.status, 400, body.slice(0, 80));
    assert.match(answer.body, /AdmissionReview of admission.k8s.io\/v1/);
  }
  for (const type of ["text/plain", "application/jsonx", "application/x-www-form-urlencoded", ""])
    assert.equal((await ask(good, {headers: {"Content-Type": type, "Content-Length": JSON.stringify(good).length}})).status, 415, type);
  assert.equal((await ask(good, {headers: {"Content-Length": JSON.stringify(good).length}})).status, 415);
  assert.equal((await ask(good, {headers: {"Content-Type": "application/json; charset=utf-8", "Content-Length": JSON.stringify(good).length}})).status, 200);
  assert.equal((await ask("", {method: "GET", headers: {}})).status, 404);
  assert.equal((await ask(good, {path: "/v1/token"})).status, 404);
  assert.equal((await ask(good)).status, 200);
});

test("a review as large as an object can be is answered, a larger one is refused", async () => {
  const padded = (size) => {
    const pod = structuredClone(podOf(workloads[0]));
    pod.metadata.annotations = {large: "x".repeat(size)};
    return reviewOf(pod);
  };
  assert.equal((await reviewed(padded(1.5 * 2 ** 20))).spec.initContainers[0].name, "gitlatch");
  const refused = await ask(padded(3 * 2 ** 20)).catch((error) => error);
  assert.ok(refused.status === 413 || ["EPIPE", "ECONNRESET"].includes(refused.code), JSON.stringify(refused));
  assert.equal((await ask(reviewOf(podOf(workloads[0])))).status, 200);
});

// The certificate: k8s/broker/certificate, run again.

const install = () => { // as a changed Secret comes: new files in the place of the old
  for (const name of tls) cpSync(join(overlay, name), join(scratch, `${name}.new`));
  for (const name of tls) renameSync(join(scratch, `${name}.new`), join(scratch, name));
};

test("a renewed certificate is in use without a restart, under the same CA", async () => {
  const pod = reviewOf(podOf(workloads[0])), {serial} = await ask(pod), pid = child.pid;
  const ca = readFileSync(join(overlay, "broker-ca.pem"), "utf8");
  execFileSync(join(folder, "k8s/broker/certificate"), [overlay]);
  assert.equal(readFileSync(join(overlay, "broker-ca.pem"), "utf8"), ca, "the CA stays");
  install();
  await until("the new certificate", async () => (await ask(pod)).serial !== serial);
  assert.equal(child.pid, pid);
});

test("a broken certificate is refused, and the old one stays in use", async () => {
  const {serial} = await ask("{}");
  writeFileSync(join(scratch, "tls.crt.new"), "-----BEGIN CERTIFICATE-----\nnonsense\n");
  renameSync(join(scratch, "tls.crt.new"), join(scratch, "tls.crt"));
  await until("a word about it", async () => { await ask("{}"); return /the old files stay in use/.test(said); });
  assert.equal((await ask("{}")).serial, serial);
  install();
});

test("another CA: both are trusted while the certificates change", async () => {
  const old = readFileSync(join(overlay, "broker-ca.pem"), "utf8");
  for (const name of ["broker-ca.pem", "broker-ca.key"]) rmSync(join(overlay, name));
  execFileSync(join(folder, "k8s/broker/certificate"), [overlay]);
  const both = join(scratch, "both.pem");
  writeFileSync(both, old + readFileSync(join(overlay, "broker-ca.pem"), "utf8"));
  assert.equal((await ask("{}", {ca: both})).status, 400);
  const {serial} = await ask("{}", {ca: both});
  install();
  await until("the new certificate", async () => (await ask("{}", {ca: both})).serial !== serial);
  assert.equal((await ask("{}")).status, 400, "the new CA alone will do");
});
