// Alerts and dashboard, judged by Prometheus' own promtool.
import assert from "node:assert/strict";
import {execFileSync} from "node:child_process";
import {mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {after, test} from "node:test";

import {cache, read, readYaml} from "./lib/tools.mjs";

const scratch = mkdtempSync(join(tmpdir(), "gitlatch-monitoring-"));
after(() => rmSync(scratch, {recursive: true}));
const {spec} = readYaml("k8s/monitoring/alerts.yaml")[0];
const dashboard = JSON.parse(read("k8s/monitoring/dashboard.json"));

function promtool(command, name, content) {
  const file = join(scratch, name);
  writeFileSync(file, JSON.stringify(content));
  try {
    return execFileSync(join(cache, "bin/promtool"), [...command, file], {encoding: "utf8", stdio: "pipe", cwd: scratch});
  } catch (error) {
    assert.fail(error.stdout + error.stderr);
  }
}

test("promtool takes the rules", () => {
  const said = promtool(["check", "rules"], "rules.json", spec);
  assert.match(said, new RegExp(`SUCCESS: ${spec.groups[0].rules.length} rules found`));
});

// Each alert: series that raise it, near ones that do not, and when it is looked at. `time() - x` is said by `x` in
// seconds after the start. A value is `first+step×count`, one a minute.
const sidecar = 'namespace="team-a", pod="p"', own = `${sidecar}, source="app"`;
const mints = (result, values) => [`gitlatch_token_mints_total{${own}, result="${result}"}`, values];
const cases = {
  GitlatchTokenExpiring: {at: "10m", // the token ends after 12 minutes
    raised: [[`gitlatch_token_expiration_timestamp_seconds{${own}}`, "720x15"], mints("upstream", "0+1x15")],
    not: [
      [[`gitlatch_token_expiration_timestamp_seconds{${own}}`, "720x15"]], // nobody uses it
      [[`gitlatch_token_expiration_timestamp_seconds{${own}}`, "1200x15"], mints("upstream", "0+1x15")],
      [[`gitlatch_token_expiration_timestamp_seconds{${own}}`, "720x15"], mints("upstream", "3x15"), mints("ok", "0+1x15")]],
    labels: {namespace: "team-a", pod: "p", source: "app", severity: "warning"}},
  GitlatchMintsFailing: {at: "20m", raised: [mints("installation", "0+1x30")],
    not: [[mints("ok", "0+5x30")], [mints("installation", "2x30")], [mints("installation", "0 1 2 3 3x30")]],
    labels: {namespace: "team-a", pod: "p", source: "app", result: "installation", severity: "warning"}},
  GitlatchNoTokens: {at: "30m", raised: [mints("upstream", "0+1x40")], more: [[mints("upstream", "0+1x40"), mints("ok", "7x40")]],
    not: [[mints("upstream", "0+1x40"), mints("ok", "0+1x40")], [mints("upstream", "1x40")], [mints("ok", "0+1x40")]],
    labels: {namespace: "team-a", pod: "p", severity: "critical"}},
  GitlatchRateLimitLow: {at: "10m", raised: [[`gitlatch_github_rate_limit_remaining{${own}}`, "499x20"]],
    not: [[[`gitlatch_github_rate_limit_remaining{${own}}`, "500x20"]], [[`gitlatch_github_rate_limit_remaining{${own}}`, "499 499 4000x20"]]],
    labels: {source: "app", severity: "warning"}},
  GitlatchDenials: {at: "15m", raised: [[`gitlatch_denials_total{${sidecar}, reason="repository"}`, "0+6x20"]],
    not: [[[`gitlatch_denials_total{${sidecar}, reason="repository"}`, "0+4x20"]], [[`gitlatch_denials_total{${sidecar}, reason="repository"}`, "1000x20"]]],
    labels: {namespace: "team-a", reason: "repository", severity: "info"}},
  GitlatchAuditDropped: {at: "15m", raised: [[`gitlatch_audit_dropped_total{${sidecar}}`, "0x10 1x10"]],
    not: [[[`gitlatch_audit_dropped_total{${sidecar}}`, "7x20"]]], labels: {namespace: "team-a", pod: "p", severity: "warning"}},
  GitlatchReloadFailed: {at: "15m", raised: [[`gitlatch_reloads_total{${sidecar}, result="failed"}`, "0x10 1x10"]],
    not: [[[`gitlatch_reloads_total{${sidecar}, result="failed"}`, "0x20"], [`gitlatch_reloads_total{${sidecar}, result="ok"}`, "0+1x20"]]],
    labels: {namespace: "team-a", pod: "p", result: "failed", severity: "warning"}},
  GitlatchCertificateExpiring: {at: "90m", raised: [[`gitlatch_certificate_expiration_timestamp_seconds{${sidecar}, kind="broker"}`, "1000000x120"]],
    not: [[[`gitlatch_certificate_expiration_timestamp_seconds{${sidecar}, kind="broker"}`, "1300000x120"]],
      [[`gitlatch_certificate_expiration_timestamp_seconds{${sidecar}, kind="leaf"}`, "400000x120"]]],
    labels: {namespace: "team-a", pod: "p", kind: "broker", severity: "warning"}},
  GitlatchSlow: {at: "10m", raised: [[`gitlatch_loop_lag_seconds{${sidecar}}`, "1.5x20"]],
    not: [[[`gitlatch_loop_lag_seconds{${sidecar}}`, "0.5x20"]], [[`gitlatch_loop_lag_seconds{${sidecar}}`, "2x8 0x20"]]],
    labels: {namespace: "team-a", pod: "p", severity: "warning"}},
};

test("every alert is raised by what it is about, and by nothing near it", () => {
  const rules = spec.groups.flatMap((group) => group.rules);
  assert.deepEqual(Object.keys(cases), rules.map((rule) => rule.alert));
  const about = (alert, series, labels) => ({interval: "1m", input_series: series.map(([series, values]) => ({series, values})),
    alert_rule_test: [{eval_time: cases[alert].at, alertname: alert, exp_alerts: labels ? [{exp_labels: labels}] : []}]});
  // What an alert says is not compared: its rule is given without it.
  const bare = structuredClone(spec);
  for (const group of bare.groups) for (const rule of group.rules) delete rule.annotations;
  writeFileSync(join(scratch, "bare.json"), JSON.stringify(bare));
  const tests = Object.entries(cases).flatMap(([alert, {raised, more = [], not, labels}]) =>
    [...[raised, ...more].map((series) => about(alert, series, labels)), ...not.map((series) => about(alert, series, null))]);
  assert.match(promtool(["test", "rules"], "tests.json", {rule_files: ["bare.json"], evaluation_interval: "1m", tests}), /SUCCESS/);
});

test("each alert says whose it is and what is wrong", () => {
  for (const {alert, annotations} of spec.groups.flatMap((group) => group.rules)) {
    assert.ok(annotations.summary.length > 20, alert);
    const named = [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map((match) => match[1]);
    for (const label of named) assert.ok(label in cases[alert].labels, `${alert} has no label ${label}`);
  }
});

test("the dashboard's queries are PromQL, and its panels have a place of their own", () => {
  const expressions = dashboard.panels.flatMap((panel) => panel.targets.map((one) => one.expr));
  // As Grafana fills them in.
  const filled = expressions.map((expr) => expr.replaceAll("$__rate_interval", "5m").replaceAll("$__range", "1h")
    .replaceAll(/\$\{?namespace(:\w+)?\}?/g, "team-a|team-b"));
  promtool(["check", "rules"], "queries.json", {groups: [{name: "dashboard",
    rules: filled.map((expr, index) => ({record: `query:number${index}`, expr}))}]});
  for (const expr of expressions) assert.match(expr, /namespace=~"\$namespace"/, `it is of the chosen namespaces: ${expr}`);
  assert.equal(new Set(dashboard.panels.map((panel) => panel.id)).size, dashboard.panels.length);
  assert.equal(new Set(dashboard.panels.map((panel) => panel.title)).size, dashboard.panels.length);
  const taken = new Set();
  for (const {title, type, datasource, gridPos: {x, y, w, h}, fieldConfig} of dashboard.panels) {
    assert.ok(title && type && fieldConfig.defaults.unit, title);
    assert.equal(datasource.uid, "${datasource}");
    assert.ok(x + w <= 24, title);
    for (let row = y; row < y + h; row++) for (let column = x; column < x + w; column++) {
      assert.ok(!taken.has(`${row} ${column}`), `${title} lies on another`);
      taken.add(`${row} ${column}`);
    }
  }
});
