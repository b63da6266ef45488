// What the API server does with an object that is created, changed or connected to: the admission policies of
// k8s/admission/policy in namespaces that they are bound to (Kubernetes, "Validating" and "Mutating Admission Policy").
import {evaluate} from "./cel.mjs";

const matches = (policy, review) => {
  const {resourceRules, objectSelector} = policy.spec.matchConstraints;
  const resource = review.request.resource.resource + (review.request.subResource ? `/${review.request.subResource}` : "");
  const labels = review.object?.metadata?.labels ?? {};
  return resourceRules.some((rule) => rule.resources.includes(resource) && rule.operations.includes(review.request.operation)
      && rule.apiGroups.includes(review.request.resource.group) && rule.apiVersions.includes("v1"))
    && Object.entries(objectSelector?.matchLabels ?? {}).every(([key, value]) => labels[key] === value)
    && (policy.spec.matchConditions ?? []).every((condition) => evaluate(condition.expression, review));
};

function bindings(policy, review) {
  const all = {...review, variables: {}};
  for (const {name, expression} of policy.spec.variables ?? []) all.variables[name] = evaluate(expression, all);
  return all;
}

// A review: what is asked for, by whom, and what the authorizer grants. `object` is null for DELETE.
export function review(operation, resource, object, more = {}) {
  const [name, subResource = ""] = resource.split("/");
  const groups = more.groups ?? ["system:authenticated"];
  return {object: JSON.parse(JSON.stringify(object)), // what is undefined is not there
    oldObject: more.oldObject ?? null, authorizer: more.granted ?? [],
    namespaceObject: {metadata: {name: "team-a", annotations: more.annotations ?? {}}}, request: {
    operation, subResource, namespace: "team-a", name: more.name ?? object?.metadata?.name ?? "",
    resource: {group: "", version: "v1", resource: name}, userInfo: {username: more.user ?? "ada", groups}}};
}

// The messages of the rules that refuse; none: it is let through.
export function refusals(policy, asked) {
  if (!matches(policy, asked)) return [];
  const all = bindings(policy, asked);
  return policy.spec.validations.filter((rule) => evaluate(rule.expression, all) !== true)
    .map((rule) => rule.messageExpression ? evaluate(rule.messageExpression, all) : rule.message);
}

// What the pod is after the mutations.
export function mutate(policy, pod, more) {
  const asked = review("CREATE", "pods", pod, more);
  if (!matches(policy, asked)) return pod;
  let object = pod;
  for (const mutation of policy.spec.mutations)
    object = applyPatch(object, evaluate(mutation.jsonPatch.expression, bindings(policy, {...asked, object})));
  return object;
}

// RFC 6902's `add`, the only operation that is used, as strict as the RFC: what is added to must be there.
export function applyPatch(document, patch) {
  const result = structuredClone(document);
  for (const {op, path, value} of patch) {
    if (op !== "add") throw new Error(`${op}: only add is known`);
    const keys = path.split("/").slice(1).map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = keys.pop();
    const parent = keys.reduce((at, key) => {
      if (at?.[key] === undefined) throw new Error(`${path}: there is no ${key}`);
      return at[key];
    }, result);
    if (!Array.isArray(parent)) parent[last] = structuredClone(value);
    else if (last === "-") parent.push(structuredClone(value));
    else if (Number(last) <= parent.length) parent.splice(Number(last), 0, structuredClone(value));
    else throw new Error(`${path}: beyond the end`);
  }
  return result;
}
