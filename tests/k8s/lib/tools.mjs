// What the tests use: packages from the cache folder (tests/k8s/setup), kubectl, YAML, this checkout.
import {execFileSync} from "node:child_process";
import {cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {dirname, join} from "node:path";
import {fileURLToPath, pathToFileURL} from "node:url";

export const cache = process.env.GITLATCH_K8S_CACHE;
export const gitlatch = process.env.GITLATCH_BIN;
export const source = join(dirname(fileURLToPath(import.meta.url)), "../../..");

// A file of a package; an import by name would be looked for beside this file.
export const load = (path) => import(pathToFileURL(join(cache, "node_modules", path)));

const yaml = (await load("js-yaml/dist/js-yaml.mjs")).default;
// Kubernetes reads YAML 1.1's octal numbers, js-yaml 1.2's.
const octal = (text) => text.replace(/(defaultMode: )0(\d+)/g, (_, key, digits) => key + parseInt(digits, 8));
export const parse = (text) => yaml.loadAll(octal(text)).filter((document) => document);
export const read = (path) => readFileSync(join(source, path), "utf8");
export const readYaml = (path) => parse(read(path));

// A copy of k8s/, with the files that an operator puts there; gone when the process ends.
export function checkout() {
  const folder = mkdtempSync(join(tmpdir(), "gitlatch-k8s-"));
  cpSync(join(source, "k8s"), join(folder, "k8s"), {recursive: true});
  process.on("exit", () => rmSync(folder, {recursive: true, force: true}));
  const certificate = join(folder, "k8s/broker/certificate");
  const broker = join(folder, "k8s/examples/broker");
  execFileSync(certificate, [broker]);
  writeFileSync(join(broker, "app.pem"), "-----BEGIN PRIVATE KEY-----\n");
  for (const name of ["east.json", "spire.json", "svid-bundle.pem"]) writeFileSync(join(folder, "k8s/examples/callers", name), "{}\n");
  for (const example of ["workspace", "ci-job", "agent-sandbox", "second-cluster"])
    cpSync(join(broker, "broker-ca.pem"), join(folder, "k8s/examples", example, "broker-ca.pem"));
  execFileSync(join(folder, "k8s/examples/try/make-keys"));
  return folder;
}

export function kustomize(folder) {
  return parse(execFileSync(join(cache, "bin/kubectl"), ["kustomize", folder], {encoding: "utf8", maxBuffer: 1 << 26}));
}

// Renders `components` (paths below k8s/) over `resources` (YAML), in a checkout.
export function compose(folder, components, resources, more = {}) {
  const overlay = mkdtempSync(join(folder, "k8s/overlay-"));
  writeFileSync(join(overlay, "resources.yaml"), resources.map((one) => JSON.stringify(one)).join("\n---\n"));
  writeFileSync(join(overlay, "kustomization.yaml"), JSON.stringify({
    apiVersion: "kustomize.config.k8s.io/v1beta1", kind: "Kustomization", resources: ["resources.yaml"],
    components: components.map((path) => join("..", path)), ...more}));
  return kustomize(overlay);
}

export const find = (documents, kind, name) =>
  documents.find((one) => one.kind === kind && (!name || one.metadata.name === name));

// The pod's spec of whatever has one.
export function podSpec(document) {
  if (document.kind === "Pod") return document.spec;
  if (document.kind === "CronJob") return document.spec.jobTemplate.spec.template.spec;
  if (document.kind === "Sandbox") return document.spec.podTemplate.spec;
  return document.spec?.template?.spec;
}
