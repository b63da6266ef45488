// Holds a document against the API models that Kubernetes' own client is generated with: an unknown field, a wrong type
// or a missing field that is required is a problem. No defaulting, no coercion.
import {readFileSync} from "node:fs";
import {join} from "node:path";

import {cache, load} from "./tools.mjs";

const folder = "@kubernetes/client-node/dist/gen/models";
const models = await load(`${folder}/all.js`);
export const release = /OpenAPI spec version: release-(\S+)/.exec(
  readFileSync(join(cache, "node_modules", folder, "V1Pod.js"), "utf8"))[1];

const required = new Map();
function requiredOf(model) {
  if (!required.has(model)) {
    const text = readFileSync(join(cache, "node_modules", folder, `${model}.d.ts`), "utf8");
    required.set(model, new Set([...text.matchAll(/^ {4}'(\w+)': /gm)].map((match) => match[1])));
  }
  return required.get(model);
}

const plain = {
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  boolean: (value) => typeof value === "boolean",
  any: () => true,
  object: (value) => typeof value === "object",
  Date: (value) => typeof value === "string",
  IntOrString: (value) => Number.isInteger(value) || typeof value === "string",
};

function check(value, type, path, problems) {
  let inner;
  if (value === null || value === undefined) {
    problems.push(`${path}: is empty`);
  } else if (plain[type]) {
    if (!plain[type](value)) problems.push(`${path}: must be ${type}, not ${JSON.stringify(value)}`);
  } else if ((inner = /^(?:Array|Set)<(.*)>$/.exec(type))) {
    if (!Array.isArray(value)) problems.push(`${path}: must be a list`);
    else value.forEach((item, index) => check(item, inner[1], `${path}[${index}]`, problems));
  } else if ((inner = /^\{ \[key: string\]: (.*); \}$/.exec(type))) {
    for (const [key, item] of Object.entries(value)) check(item, inner[1], `${path}.${key}`, problems);
  } else if (type === "V1MicroTime") {
    if (typeof value !== "string") problems.push(`${path}: must be a time`);
  } else {
    checkModel(value, type, path, problems);
  }
}

function checkModel(value, type, path, problems) {
  const model = models[type];
  if (!model) throw new Error(`${path}: there is no model ${type}`);
  if (typeof value !== "object" || Array.isArray(value)) {
    problems.push(`${path}: must be a mapping`);
    return;
  }
  const fields = new Map(model.getAttributeTypeMap().map((field) => [field.baseName, field]));
  for (const [key, item] of Object.entries(value)) {
    if (!fields.has(key)) problems.push(`${path}.${key}: unknown field of ${type}`);
    else check(item, fields.get(key).type, `${path}.${key}`, problems);
  }
  // An IANA_SVC_NAME, which the models do not say.
  if (type === "V1ContainerPort" && value.name !== undefined && !/^(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$/.test(value.name))
    problems.push(`${path}.name: is no name of a port`);
  if (type === "V1ContainerPort" && value.name?.length > 15) problems.push(`${path}.name: has more than 15 characters`);
  const names = new Map([...fields.values()].map((field) => [field.name, field.baseName]));
  for (const name of requiredOf(type))
    if (value[names.get(name) ?? name] === undefined) problems.push(`${path}.${name}: is required in ${type}`);
}

// The fields of a model's field, by a path such as ["spec", "initContainers", "env"]: what a CEL literal may hold.
export function fieldsAt(model, path) {
  let type = model;
  for (const key of path) {
    const field = models[type]?.getAttributeTypeMap().find((one) => one.baseName === key);
    if (!field) return undefined;
    type = field.type.replace(/^Array<(.*)>$/, "$1");
  }
  return models[type] && new Set(models[type].getAttributeTypeMap().map((field) => field.baseName));
}

// What kinds of custom resources are known by no model: their required shape.
const custom = {
  "monitoring.coreos.com/v1 PodMonitor": ["spec.selector", "spec.podMetricsEndpoints"],
  "monitoring.coreos.com/v1 PrometheusRule": ["spec.groups"],
  "agents.x-k8s.io/v1beta1 Sandbox": ["spec.podTemplate.spec"],
};

export function problems(document) {
  const kind = `${document.apiVersion} ${document.kind}`, name = `${document.kind} ${document.metadata?.name}`;
  const found = [];
  if (custom[kind]) {
    for (const path of custom[kind])
      if (path.split(".").reduce((value, key) => value?.[key], document) === undefined) found.push(`${path}: is missing`);
    check(document.metadata, "V1ObjectMeta", "metadata", found);
    if (document.kind === "Sandbox") checkModel(document.spec.podTemplate.spec, "V1PodSpec", "spec.podTemplate.spec", found);
  } else {
    const version = document.apiVersion.split("/").pop();
    checkModel(document, version[0].toUpperCase() + version.slice(1) + document.kind, document.kind, found);
  }
  return found.map((problem) => `${name}: ${problem}`);
}
