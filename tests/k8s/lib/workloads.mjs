// Workloads that the tests put gitlatch into, and the components that do it.

// A workload of each kind, with init containers and with none, with settings of its own that must stay or give way.
const container = {name: "one", image: "x", env: [{name: "FOO", value: "bar"}, {name: "HTTPS_PROXY", value: "http://mine"},
  {name: "GH_TOKEN", valueFrom: {secretKeyRef: {name: "s", key: "k"}}}], volumeMounts: [{name: "w", mountPath: "/w"}]};
const spec = {restartPolicy: "Never", initContainers: [{name: "prepare", image: "x"}],
  containers: [container, {name: "two", image: "y"}], volumes: [{name: "w", emptyDir: {}}]};
export const bare = {containers: [{name: "one", image: "x"}]};
const labels = {"gitlatch.dev/inject": "true"};
const template = (of) => ({metadata: {labels: {app: "a"}}, spec: {...of, restartPolicy: undefined}});
const selector = {matchLabels: {app: "a"}};
export const workloads = [
  {apiVersion: "v1", kind: "Pod", metadata: {name: "pod", labels}, spec},
  {apiVersion: "v1", kind: "Pod", metadata: {name: "bare", labels}, spec: bare},
  {apiVersion: "apps/v1", kind: "Deployment", metadata: {name: "d", labels}, spec: {selector, template: template(spec)}},
  {apiVersion: "apps/v1", kind: "StatefulSet", metadata: {name: "s", labels}, spec: {selector, serviceName: "s", template: template(bare)}},
  {apiVersion: "apps/v1", kind: "DaemonSet", metadata: {name: "e", labels}, spec: {selector, template: template(spec)}},
  {apiVersion: "batch/v1", kind: "Job", metadata: {name: "j", labels}, spec: {template: {spec}}},
  {apiVersion: "batch/v1", kind: "CronJob", metadata: {name: "c", labels}, spec: {schedule: "* * * * *",
    jobTemplate: {spec: {template: {spec: {...bare, restartPolicy: "Never"}}}}}},
  {apiVersion: "v1", kind: "Pod", metadata: {name: "other"}, spec: bare},
];
export const variants = {
  "all tools": ["sidecar"], "git alone": ["sidecar/git"], "key in the sidecar": ["sidecar", "sidecar/key"],
  "redirected": ["sidecar", "transparent/redirect"], "hosts": ["sidecar/git", "transparent/hosts"],
};

// The pod that Kubernetes makes of a workload: the template's labels decide about admission. Here they are the workload's.
export function podOf(document) {
  const template = {CronJob: (one) => one.spec.jobTemplate.spec.template, Pod: (one) => one}[document.kind]?.(document)
    ?? document.spec.template;
  const {name, labels} = document.metadata;
  return JSON.parse(JSON.stringify({apiVersion: "v1", kind: "Pod", metadata: {name, labels}, spec: template.spec}));
}
