// CEL as the API server evaluates it, by two implementations that must agree. `indexOf` of lists is Kubernetes' own.
import assert from "node:assert/strict";

import {load} from "./tools.mjs";

const {Environment} = await load("@marcbachmann/cel-js/lib/index.js");
const {celEnv, celFunc, celMethod, isCelError, listType, parse, plan, CelScalar} = await load("@bufbuild/cel/dist/esm/index.js");
const {strings} = await load("@bufbuild/cel/dist/esm/ext/index.js");

const same = (a, b) => JSON.stringify(plain(a)) === JSON.stringify(plain(b));
const position = (list, item) => BigInt([...list].findIndex((one) => same(one, item)));
const indexOf = celMethod("indexOf", listType(CelScalar.DYN), [CelScalar.DYN], CelScalar.INT,
  function (item) { return position(this, item); });

// Quantities are numbers here: of bytes, of processors.
const units = {"": 1, m: 1e-3, k: 1e3, M: 1e6, G: 1e9, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30};
const quantity = (text) => {
  const [, number, unit] = /^([\d.]+)(m|k|M|G|Ki|Mi|Gi)?$/.exec(text);
  return Number(number) * units[unit ?? ""];
};
const quantities = [celFunc("quantity", [CelScalar.DYN], CelScalar.DOUBLE, quantity),
  celMethod("isLessThan", CelScalar.DOUBLE, [CelScalar.DOUBLE], CelScalar.BOOL, function (other) { return this < other; }),
  celMethod("isGreaterThan", CelScalar.DOUBLE, [CelScalar.DOUBLE], CelScalar.BOOL, function (other) { return this > other; })];

// JSON's numbers are CEL's integers here; a Map is what one implementation takes for a map.
function value(json, asMap) {
  if (typeof json === "number") return BigInt(json);
  if (Array.isArray(json)) return json.map((item) => value(item, asMap));
  if (json === null || typeof json !== "object") return json;
  const entries = Object.entries(json).map(([key, item]) => [key, value(item, asMap)]);
  return asMap ? new Map(entries) : Object.fromEntries(entries);
}

function plain(result) {
  if (typeof result === "bigint") return Number(result);
  if (result === null || typeof result !== "object") return result;
  if (result instanceof Map) return Object.fromEntries([...result].map(([key, item]) => [key, plain(item)]));
  if (typeof result[Symbol.iterator] === "function") {
    const items = [...result];
    return typeof result.has === "function" ? Object.fromEntries(items.map(([key, item]) => [key, plain(item)])) : items.map(plain);
  }
  return Object.fromEntries(Object.entries(result).map(([key, item]) => [key, plain(item)]));
}

// The types of admission policies are maps here: `Object.spec.volumes{name: …}` is `{"name": …}`.
const objectType = /\b(?:JSONPatch|Object(?:\.\w+)*)\{/g;
export const objectTypes = (expression) => (expression.match(objectType) ?? []).map((type) => type.slice(0, -1));
const withoutTypes = (expression) => expression.replace(objectType, "{").replace(/([{,]\s*)(\w+):(?=\s)/g, '$1"$2":');
// A question to the authorizer is one of those that the binding `authorizer` lists, or is answered with no.
const withoutAuthorizer = (expression) => expression.replace(/\bauthorizer((?:\.\w+\([^()]*\))+)\.allowed\(\)/g,
  (_, question) => `(${JSON.stringify(question)} in authorizer)`);

const programs = new Map();

// The two evaluators' programs of an expression.
function compile(expression) {
  const typed = objectTypes(expression).length > 0;
  const text = withoutAuthorizer(typed ? withoutTypes(expression) : expression);
  const environment = new Environment({unlistedVariablesAreDyn: true, homogeneousAggregateLiterals: !typed});
  environment.registerFunction("list.indexOf(dyn): int", position);
  environment.registerFunction("quantity(dyn): double", quantity);
  environment.registerFunction("double.isLessThan(double): bool", (one, other) => one < other);
  environment.registerFunction("double.isGreaterThan(double): bool", (one, other) => one > other);
  return [environment.parse(text), plan(celEnv({funcs: [...strings, indexOf, ...quantities]}), parse(text))];
}

export function evaluate(expression, bindings) {
  if (!programs.has(expression)) programs.set(expression, compile(expression));
  const [first, second] = programs.get(expression);
  const one = plain(first(value(bindings, false)));
  const answer = second(Object.fromEntries(Object.entries(bindings).map(([name, json]) => [name, value(json, true)])));
  if (isCelError(answer)) throw new Error(`${answer.message}: ${expression}`);
  assert.deepEqual(plain(answer), one, `two evaluators disagree on ${expression}`);
  return one;
}
