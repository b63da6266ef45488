// Every kustomization, rendered by the real kustomize and held against the API's models.
import assert from "node:assert/strict";
import {execFileSync, spawnSync} from "node:child_process";
import {existsSync, mkdtempSync, readFileSync, readdirSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join, relative} from "node:path";
import {test} from "node:test";

import {offences} from "./lib/restricted.mjs";
import {problems, release} from "./lib/schema.mjs";
import {checkout, compose, find, gitlatch, kustomize, parse, podSpec, read, readYaml, source} from "./lib/tools.mjs";
import {bare, variants, workloads} from "./lib/workloads.mjs";

const folder = checkout();
const rendered = new Map(); // what each kustomization gives, by its path below k8s/

function folders(path) {
  return readdirSync(path, {withFileTypes: true}).filter((entry) => entry.isDirectory())
    .flatMap((entry) => [join(path, entry.name), ...folders(join(path, entry.name))]);
}
const all = folders(join(folder, "k8s")).filter((path) => existsSync(join(path, "kustomization.yaml")))
  .map((path) => relative(join(folder, "k8s"), path)).sort();
// admission/images is for `transformers`: what it renders is no object of a cluster.
const isComponent = (path) => path === "admission/images" || /kind: Component/.test(read(join("k8s", path, "kustomization.yaml")));

test(`the models are those of the version that the policies name`, () => assert.equal(release, "1.36"));

for (const path of all.filter((path) => !isComponent(path))) {
  test(`k8s/${path} renders, and fits Kubernetes ${release}`, () => {
    const documents = kustomize(join(folder, "k8s", path));
    assert.ok(documents.length > 0);
    assert.deepEqual(documents.flatMap(problems), []);
    rendered.set(path, documents);
  });
}

test("an unknown field, a wrong type and a missing one are seen", () => {
  const broken = structuredClone(workloads[0]);
  broken.spec.containers[0].imagePullPolice = "Always";
  broken.spec.containers[1].image = 1;
  broken.spec.containers[1].ports = [{name: "gitlatch-metrics", containerPort: 9129}];
  delete broken.spec.initContainers[0].name;
  assert.deepEqual(problems(broken).sort(), [
    "Pod pod: Pod.spec.containers[0].imagePullPolice: unknown field of V1Container",
    "Pod pod: Pod.spec.containers[1].image: must be string, not 1",
    "Pod pod: Pod.spec.containers[1].ports[0].name: has more than 15 characters",
    "Pod pod: Pod.spec.initContainers[0].name: is required in V1Container"]);
});

for (const [name, components] of Object.entries(variants)) {
  test(`every workload with the label gets the sidecar: ${name}`, () => {
    const documents = compose(folder, components, workloads);
    rendered.set(name, documents);
    assert.deepEqual(documents.flatMap(problems), []);
    for (const document of documents.filter(podSpec)) {
      const pod = podSpec(document), own = pod.initContainers?.filter((one) => one.name === "gitlatch") ?? [];
      if (document.metadata.name === "other") {
        assert.deepEqual(pod, bare);
        continue;
      }
      const names = pod.initContainers.map((one) => one.name).filter((one) => one !== "gitlatch-redirect");
      assert.equal(names[0], "gitlatch", `${document.kind}: it is the first`);
      assert.equal(own.length, 1);
      assert.equal(own[0].restartPolicy, "Always");
      assert.ok(!own[0].env.some((entry) => /proxy|GIT_/i.test(entry.name)), "the sidecar has no proxy of its own");
      for (const one of [...pod.containers, ...pod.initContainers.filter((one) => !one.name.startsWith("gitlatch"))]) {
        const mount = one.volumeMounts.filter((entry) => entry.name.startsWith("gitlatch"));
        assert.deepEqual(mount, [{name: "gitlatch-public", mountPath: "/run/gitlatch/public", readOnly: true}]);
        const environment = Object.fromEntries(one.env.map((entry) => [entry.name, entry.value]));
        if (components[0] === "sidecar") {
          assert.equal(environment.HTTPS_PROXY, "http://127.0.0.1:3128");
          assert.deepEqual(one.env.filter((entry) => entry.name === "GH_TOKEN"), [{name: "GH_TOKEN", value: "gitlatch"}]);
        } else {
          assert.equal(environment.GIT_CONFIG_VALUE_0, "/run/gitlatch/public/gitlatch/gitconfig");
        }
        if (one.env.length !== new Set(one.env.map((entry) => entry.name)).size) assert.fail("a variable twice");
      }
      const first = pod.containers.find((one) => one.volumeMounts.some((entry) => entry.mountPath === "/w"));
      if (first) assert.ok(first.env.some((entry) => entry.name === "FOO" && entry.value === "bar"), "what was there stays");
      const mounted = [...pod.containers, ...pod.initContainers].flatMap((one) => one.volumeMounts.map((entry) => entry.name));
      const volumes = pod.volumes.map((volume) => volume.name);
      assert.deepEqual([...new Set(mounted)].sort(), volumes.sort(), "each mount has its volume");
    }
  });
}

test("the key is in the sidecar alone, and no token is left", () => {
  const pod = podSpec(find(rendered.get("key in the sidecar"), "Pod", "pod"));
  assert.ok(!pod.volumes.some((volume) => volume.name === "gitlatch-token"));
  const holders = [...pod.containers, ...pod.initContainers]
    .filter((one) => one.volumeMounts.some((mount) => mount.name === "gitlatch-app")).map((one) => one.name);
  assert.deepEqual(holders, ["gitlatch"]);
});

test("each offence against the restricted standard is seen", () => {
  const security = {runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: {drop: ["ALL"]}, seccompProfile: {type: "RuntimeDefault"}};
  const good = {containers: [{name: "c", image: "x", securityContext: security}], volumes: [{name: "v", emptyDir: {}}]};
  const breaks = {
    hostNetwork: (pod) => { pod.hostNetwork = true; },
    hostPID: (pod) => { pod.hostPID = true; },
    hostIPC: (pod) => { pod.hostIPC = true; },
    "volume v": (pod) => { pod.volumes[0] = {name: "v", hostPath: {path: "/"}}; },
    "kernel.msgmax": (pod) => { pod.securityContext = {sysctls: [{name: "kernel.msgmax", value: "1"}]}; },
    "c: privileged": (pod, own) => { own.privileged = true; },
    "c: allowPrivilegeEscalation": (pod, own) => { delete own.allowPrivilegeEscalation; },
    "c: runAsNonRoot": (pod, own) => { delete own.runAsNonRoot; },
    "c: runAsUser 0": (pod) => { pod.securityContext = {runAsUser: 0}; },
    "c: capabilities.drop": (pod, own) => { own.capabilities.drop = ["NET_RAW"]; },
    "c: capabilities.add": (pod, own) => { own.capabilities.add = ["CHOWN"]; },
    "c: seccompProfile": (pod, own) => { own.seccompProfile.type = "Unconfined"; },
    "c: hostPort": (pod) => { pod.containers[0].ports = [{containerPort: 1, hostPort: 1}]; },
  };
  assert.deepEqual(offences(good), []);
  for (const [offence, spoil] of Object.entries(breaks)) {
    const pod = structuredClone(good);
    spoil(pod, pod.containers[0].securityContext);
    assert.deepEqual(offences(pod), [offence]);
  }
});

test("everything meets the restricted standard, but for the init container that redirects", () => {
  for (const [path, documents] of rendered) {
    if (path in variants) continue; // those workloads are the test's own
    for (const document of documents.filter(podSpec))
      assert.deepEqual(offences(podSpec(document)), [], `${path}: ${document.kind} ${document.metadata.name}`);
  }
  for (const name of Object.keys(variants)) {
    const pod = podSpec(find(rendered.get(name), "Pod", "pod"));
    const ours = {...pod, containers: pod.initContainers.filter((one) => one.name.startsWith("gitlatch")), initContainers: []};
    assert.deepEqual(offences(ours), name === "redirected"
      ? ["gitlatch-redirect: runAsNonRoot", "gitlatch-redirect: runAsUser 0", "gitlatch-redirect: capabilities.add"] : [], name);
  }
});

test("every container of ours has requests, and a limit of memory", () => {
  for (const documents of rendered.values())
    for (const document of documents.filter(podSpec))
      for (const one of [...(podSpec(document).initContainers ?? []), ...podSpec(document).containers])
        if (one.image.startsWith("localhost/gitlatch"))
          assert.ok(one.resources?.requests?.cpu && one.resources.requests.memory && one.resources.limits?.memory, one.name);
});

test("an image is named once, with the version that is built", () => {
  const version = /version: '(.*?)'/.exec(read("meson.build"))[1];
  for (const documents of rendered.values())
    for (const image of JSON.stringify(documents).matchAll(/localhost\/gitlatch[\w-]*:([\w.]+)/g)) assert.equal(image[1], version);
});

test("what is generated is up to date", () => {
  execFileSync(join(source, "k8s/generate"), ["--check"]);
  execFileSync(join(source, "k8s/generate-chart"), ["--check"]);
});

test("every configuration is one that gitlatch takes", () => {
  const scratch = mkdtempSync(join(tmpdir(), "gitlatch-config-"));
  let count = 0;
  for (const [path, documents] of rendered) {
    for (const map of documents.filter((one) => one.kind === "ConfigMap" && one.data?.["gitlatch.yaml"])) {
      const file = join(scratch, `${count++}.yaml`);
      writeFileSync(file, map.data["gitlatch.yaml"]);
      // `--explain` reads and checks the whole, and asks nobody.
      const command = /^broker:/m.test(map.data["gitlatch.yaml"])
        ? ["env", "-c", file] : ["check", "-c", file, "--explain", "fetch", "acme/widgets"];
      try {
        execFileSync(gitlatch, command, {encoding: "utf8", stdio: "pipe"});
      } catch (error) {
        if (error.status === 2) assert.fail(`${path}: ${error.stderr}`);
      }
    }
  }
  assert.ok(count > 8);
});

test("the environment is the one that gitlatch prints", () => {
  const printed = parse(execFileSync(gitlatch, ["env", "-c", join(source, "k8s/sidecar/config/gitlatch.yaml"), "--format", "k8s"],
    {encoding: "utf8", env: {no_proxy: ".svc,.cluster.local", NO_PROXY: ".svc,.cluster.local"}}))[0];
  // In the pod gitlatch takes a folder of its own in the volume; here there is no volume.
  for (const entry of printed) entry.value = entry.value.replace(/^\/run\/gitlatch\/public\/(gitlatch\/)?/, "/run/gitlatch/public/gitlatch/");
  const pod = readYaml("k8s/sidecar/pod.yaml")[0];
  assert.deepEqual(pod.spec.containers[0].env, printed);
});

test("alerts and dashboard ask for metrics that are there, by labels that they have", () => {
  const known = new Map([...read("proxy/base/metrics.h").matchAll(/METRIC\(\w+, (\w+), "(\w+)", "[^"]*"((?:, "\w+")*)\)/g)]
    .map(([, type, name, labels]) => [name, {type, labels: [...labels.matchAll(/"(\w+)"/g)].map((match) => match[1])}]));
  assert.ok(known.size > 10);
  const target = ["namespace", "pod", "le"]; // what Prometheus adds
  const used = new Set();
  const expressions = [
    ...readYaml("k8s/monitoring/alerts.yaml")[0].spec.groups.flatMap((group) => group.rules.map((rule) => rule.expr)),
    ...JSON.parse(read("k8s/monitoring/dashboard.json")).panels.flatMap((panel) => panel.targets.map((one) => one.expr))];
  for (const expression of expressions) {
    let labels = [];
    for (const [, name, selector] of expression.matchAll(/(gitlatch_\w+)(?:\{([^}]*)\})?/g)) {
      const base = known.has(name) ? name : name.replace(/_(bucket|count|sum)$/, "");
      assert.ok(known.has(base), `${name} is no metric of gitlatch`);
      assert.ok(base === name || known.get(base).type === "HISTOGRAM", `${name} is no histogram`);
      used.add(base);
      labels = [...target, ...known.get(base).labels.filter((label) => label !== "scope")];
      for (const [, label] of (selector ?? "").matchAll(/(\w+)[=!]/g)) assert.ok(labels.includes(label), `${name} has no ${label}`);
    }
    for (const [, by] of expression.matchAll(/by \(([^)]*)\)/g))
      for (const label of by.split(/, */)) assert.ok(labels.includes(label), `${expression}: there is no ${label}`);
  }
  assert.deepEqual([...known.keys()].filter((name) => !used.has(name)), [], "each metric is shown or watched");
});

// Callers from elsewhere: the claims that their issuers' documents name, against the example's grants.
const callers = {
  actions: {iss: "https://token.actions.githubusercontent.com", aud: "gitlatch", sub: "repo:acme/widgets:ref:refs/heads/main",
    repository: "acme/widgets", repository_owner: "acme", repository_owner_id: "65", ref: "refs/heads/main"},
  gitlab: {iss: "https://gitlab.com", aud: "gitlatch", sub: "project_path:acme/widgets:ref_type:branch:ref:main",
    project_path: "acme/widgets", ref_protected: "true"},
  east: {iss: "https://kubernetes.default.svc.cluster.local", aud: ["gitlatch"], sub: "system:serviceaccount:team-a:workspace",
    "kubernetes.io": {namespace: "team-a", serviceaccount: {name: "workspace"}}},
  spire: {iss: "https://spire.corp.example", aud: ["gitlatch"], sub: "spiffe://corp.example/ns/team-c/sa/build"},
};
const wanted = {actions: "acme/tools", gitlab: "acme/widgets", east: "acme/widgets", spire: "acme/tools"};

function explain(claims, repository) {
  const file = join(mkdtempSync(join(tmpdir(), "gitlatch-claims-")), "claims.json");
  writeFileSync(file, JSON.stringify(claims));
  const done = spawnSync(gitlatch, ["check", "-c", join(folder, "k8s/examples/callers/gitlatch.yaml"), "--explain", "--claims", file,
    "fetch", repository], {encoding: "utf8"});
  return {status: done.status, text: done.stdout + done.stderr};
}

for (const [name, claims] of Object.entries(callers)) {
  test(`the example's grants let in ${name} and none whose claims differ`, () => {
    const good = explain(claims, wanted[name]);
    assert.equal(good.status, 0, good.text);
    assert.match(good.text, /^match broker\.grants/m);
    assert.equal(explain(claims, "acme/other-secret-of-another-team").status, name === "east" ? 0 : 1);
    const stranger = explain(JSON.parse(JSON.stringify(claims).replaceAll("acme", "evil").replaceAll("team-", "other-")), wanted[name]);
    assert.equal(stranger.status, 1, stranger.text);
    assert.match(stranger.text, /no grant is for this caller/);
  });
}

test("the callers' own configurations are read", () => {
  for (const path of ["actions", "gitlab", "spire"]) {
    const done = spawnSync(gitlatch, ["env", "-c", join(folder, "k8s/examples/callers", path, "gitlatch.yaml")], {encoding: "utf8"});
    assert.equal(done.status, 0, done.stderr);
  }
});

// An operator's machine: a checkout, and a home with the key as the browser put it there. `follow` runs the commands of
// a part of the README and gives what each `kubectl apply -k` would.
function operator() {
  const home = mkdtempSync(join(tmpdir(), "gitlatch-home-")), fresh = checkout();
  execFileSync("sh", ["-c", 'mkdir "$0/Downloads" && echo x >"$0/Downloads/app.2026.private-key.pem"', home]);
  const shell = (line) => execFileSync("sh", ["-ec", line], {cwd: fresh, encoding: "utf8", stdio: "pipe", env: {...process.env, HOME: home}});
  const follow = (part) => {
    const blocks = [...part.matchAll(/^ *```sh\n([^]*?)^ *```/gm)].flatMap((match) => match[1].trim().split(/\n\s*/));
    return blocks.flatMap((step) => {
      if (/^(cat|cp|rm|sed|k8s\/broker\/certificate) /.test(step)) shell(step);
      const folder = /^kubectl apply --server-side -k (\S+)/.exec(step)?.[1];
      return folder ? [kustomize(join(fresh, folder))] : [];
    });
  };
  return {fresh, shell, follow};
}
const parts = Object.fromEntries(read("k8s/README.md").split(/^## /m).map((part) => [part.split("\n")[0], part]));
const steps = parts["From a new GitHub App to the first clone"];

test("the steps of the README make what they say", () => {
  const {fresh, follow} = operator(), applied = follow(steps).flat();
  assert.deepEqual(applied.flatMap(problems), []);
  for (const [kind, name] of [["Deployment", "gitlatch-broker"], ["Secret", "github-app"], ["MutatingAdmissionPolicy", "gitlatch-inject"],
    ["ValidatingAdmissionPolicy", "gitlatch-guard"], ["Namespace", "team-a"], ["Sandbox", "agent"]]) assert.ok(find(applied, kind, name), name);
  const authority = readFileSync(join(fresh, "k8s/mine/broker/broker-ca.pem"), "utf8");
  assert.equal(find(applied, "ConfigMap", "gitlatch").data["broker-ca.pem"], authority);
  assert.equal(Buffer.from(find(applied, "Secret", "gitlatch-broker-tls").data["ca.crt"], "base64").toString(), authority);
});

test("the steps of the README name the images once a folder, and the guard takes what Kustomize puts in", () => {
  const {fresh, shell, follow} = operator(), applied = follow(steps).flat();
  assert.doesNotMatch(JSON.stringify(applied), /localhost\//);
  const allowed = find(applied, "ValidatingAdmissionPolicy", "gitlatch-guard").spec.variables
    .find((one) => one.name === "sidecarImage").expression.slice(1, -1);
  assert.match(allowed, /^registry\.corp\/tools\/gitlatch:/);
  for (const example of ["workspace", "ci-job"]) {
    shell(`cp k8s/mine/broker/broker-ca.pem k8s/mine/${example}/`);
    const pods = kustomize(join(fresh, "k8s/mine", example)).map(podSpec).filter((pod) => pod);
    assert.ok(pods.length > 0);
    for (const pod of pods) {
      assert.equal(pod.initContainers.find((one) => one.name === "gitlatch").image, allowed);
      assert.match(pod.containers[0].image, /^registry\.corp\/tools\/gitlatch-mock-github:/);
    }
  }
});

test("another CA of the broker, by the README's steps: whoever asks trusts what is shown, before and after each", () => {
  const {fresh, follow} = operator(), scratch = mkdtempSync(join(tmpdir(), "gitlatch-rotation-"));
  // What the broker shows and what sidecars and webhook trust, once `documents` are applied.
  const state = (documents, before) => {
    const tls = find(documents, "Secret", "gitlatch-broker-tls")?.data, text = (key) => Buffer.from(tls[key], "base64").toString();
    return {...before, ...(tls && {shown: text("tls.crt"), webhook: text("ca.crt")}),
      ...(!tls && {sidecars: find(documents, "ConfigMap", "gitlatch").data["broker-ca.pem"]})};
  };
  const verify = (certificate, authorities) => {
    writeFileSync(join(scratch, "shown.pem"), certificate);
    writeFileSync(join(scratch, "trusted.pem"), authorities);
    execFileSync("openssl", ["verify", "-CAfile", "trusted.pem", "shown.pem"], {cwd: scratch, stdio: "pipe"});
  };
  const has = (documents, kind) => find(documents, kind, kind === "Secret" ? "gitlatch-broker-tls" : "gitlatch");
  const first = follow(steps).filter((documents) => has(documents, "Secret") || has(documents, "ConfigMap"));
  const start = first.reduce((now, documents) => state(documents, now), {});
  const changes = follow(parts.Rotation);
  assert.equal(changes.length, 5);
  let now = start;
  for (const documents of changes) {
    const next = state(documents, now);
    // The kubelets bring it when they like.
    for (const [shown, trusting] of [[now, now], [now, next], [next, now], [next, next]])
      for (const who of ["sidecars", "webhook"]) verify(shown.shown, trusting[who]);
    now = next;
  }
  assert.throws(() => verify(start.shown, now.sidecars), /verification failed/, "the old CA is gone");
  assert.equal(now.webhook, now.sidecars);
  execFileSync(join(fresh, "k8s/broker/certificate"), ["k8s/mine/broker"], {cwd: fresh}); // the key is the CA's
  verify(readFileSync(join(fresh, "k8s/mine/broker/tls.crt"), "utf8"), now.sidecars);
});

test("monitors find the ports of sidecar and broker", () => {
  const port = "gitlatch-metric";
  for (const monitor of readYaml("k8s/monitoring/pod-monitors.yaml")) assert.equal(monitor.spec.podMetricsEndpoints[0].port, port);
  const sidecar = podSpec(find(rendered.get("all tools"), "Pod", "pod")).initContainers[0];
  assert.equal(sidecar.ports.find((one) => one.name === port).containerPort, 9129);
  const broker = podSpec(find(rendered.get("broker"), "Deployment")).containers[0];
  assert.equal(broker.ports.find((one) => one.name === port).containerPort, 9129);
  for (const path of ["k8s/broker/gitlatch.yaml", "k8s/sidecar/config/gitlatch.yaml"]) assert.match(read(path), /^metrics: 0\.0\.0\.0:9129/m);
});

test("the bases are usable from outside a clone, with a digest", () => {
  const repository = mkdtempSync(join(folder, "bases-"));
  const git = (...words) => execFileSync("git", ["-C", repository, "-c", "user.name=a", "-c", "user.email=a@b", ...words], {stdio: "pipe"});
  git("init", "--quiet", "--initial-branch", "main");
  execFileSync("cp", ["-r", join(source, "k8s"), repository]);
  git("add", "k8s");
  git("commit", "--quiet", "--message", "x");
  const base = (path) => `file://${repository}//k8s/${path}?ref=main`, mine = mkdtempSync(join(folder, "mine-"));
  const digest = `sha256:${"a".repeat(64)}`, image = `registry.corp/gitlatch@${digest}`;
  writeFileSync(join(mine, "kustomization.yaml"), JSON.stringify({apiVersion: "kustomize.config.k8s.io/v1beta1", kind: "Kustomization",
    resources: ["broker", "admission/policy"].map(base), transformers: [base("admission/images")],
    images: [{name: "localhost/gitlatch", newName: "registry.corp/gitlatch", digest}]}));
  const made = kustomize(mine);
  assert.equal(find(made, "Deployment").spec.template.spec.containers[0].image, image);
  for (const [kind, name] of [["MutatingAdmissionPolicy", "gitlatch-inject"], ["ValidatingAdmissionPolicy", "gitlatch-guard"]])
    assert.equal(find(made, kind, name).spec.variables.find((one) => one.name === "sidecarImage").expression, `'${image}'`);
});
