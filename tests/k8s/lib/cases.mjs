// Pods that the guard refuses, each with one near it that it lets through: judged by CEL here, by an API server in tests/cluster.
// `injected` in what follows is the pod's spec that pod.yaml describes.
import {readYaml} from "./tools.mjs";

const injected = readYaml("k8s/sidecar/pod.yaml")[0].spec;

// Each case: [what, a part of the message, what is refused, what is near it and is not].
export const sidecar = (spec) => spec.initContainers[0];
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
const signing = {secret: {secretName: "gitlatch-signing"}};
const redirectImage = "localhost/gitlatch-redirect:0.1.0";
const secured = {securityContext: {runAsUser: 0, runAsNonRoot: false, privileged: false, allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true, capabilities: {drop: ["ALL"], add: ["NET_ADMIN"]}, seccompProfile: {type: "RuntimeDefault"}}};
const redirect = (security, own) => (spec) => {
  spec.initContainers.push({name: "gitlatch-redirect", image: redirectImage, ...structuredClone(secured),
    volumeMounts: [{name: "gitlatch-redirect", mountPath: "/etc/gitlatch-redirect", readOnly: true}]});
  spec.volumes.push({name: "gitlatch-redirect", configMap: {name: "gitlatch-redirect"}});
  if (own) spec.securityContext = own;
  spec.containers[0].securityContext = security;
};
const locked = {runAsUser: 1000, allowPrivilegeEscalation: false, capabilities: {drop: ["ALL"]}};
const API = "/var/run/secrets/kubernetes.io/serviceaccount";
const own = (change) => (spec) => change(sidecar(spec));
export const cases = [
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
  ["the signing key's volume in the workspace", "only the sidecar mounts",
    (spec) => { add("gitlatch-signing", signing)(spec); mount("gitlatch-signing")(spec); },
    (spec) => { add("gitlatch-signing", signing)(spec); sidecar(spec).volumeMounts.push({name: "gitlatch-signing", mountPath: "/signing", readOnly: true}); }],
  ["the signing key elsewhere in the sidecar", "volumeMounts differ",
    (spec) => { add("gitlatch-signing", signing)(spec); sidecar(spec).volumeMounts.push({name: "gitlatch-signing", mountPath: "/lib"}); },
    (spec) => { add("gitlatch-signing", signing)(spec); sidecar(spec).volumeMounts.push({name: "gitlatch-signing", mountPath: "/signing"}); }],
  ["another key to sign with", "gitlatch-signing the Secret", add("gitlatch-signing", {secret: {secretName: "mine"}}), add("gitlatch-signing", signing)],
  ["the signing key under another name", "gitlatch-signing are for the sidecar", add("mine", signing), add("mine", {secret: {secretName: "signing"}})],
  ["the signing key as a variable", "gitlatch-signing are for the sidecar",
    (spec) => { spec.containers[0].env.push({name: "K", valueFrom: {secretKeyRef: {name: "gitlatch-signing", key: "signing_key"}}}); },
    (spec) => { spec.containers[0].env.push({name: "K", valueFrom: {secretKeyRef: {name: "mine", key: "signing_key"}}}); }],
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
  ["a device over the sidecar's libraries", ": volumeDevices",
    (spec) => {
      add("disk", {persistentVolumeClaim: {claimName: "disk"}})(spec);
      sidecar(spec).volumeDevices = [{name: "disk", devicePath: "/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3/libc.so.6"}];
    }, add("disk", {persistentVolumeClaim: {claimName: "disk"}})],
  ["a group that reads devices", "sidecar's securityContext", own((one) => { one.securityContext.runAsGroup = 6; }), () => {}],
  ["the image's group", "sidecar's securityContext", own((one) => { delete one.securityContext.runAsGroup; }), () => {}],
  ["a device in the redirection", "must be the one of k8s/transparent",
    (spec) => {
      redirect(locked)(spec);
      add("disk", {persistentVolumeClaim: {claimName: "disk"}})(spec);
      spec.initContainers.at(-1).volumeDevices = [{name: "disk", devicePath: "/usr/sbin/nft"}];
    },
    redirect(locked)],
  ["another image", "another image", own((one) => { one.image = "evil"; }), own((one) => { one.imagePullPolicy = "Always"; })],
  ["another command", "fields that injection does not give it: command", own((one) => { one.command = ["sh"]; }), own((one) => { one.terminationMessagePath = "/dev/termination-log"; })],
  ["other arguments", "args, restartPolicy", own((one) => { one.args = ["proxy", "-c", "/run/gitlatch/public/mine"]; }), () => {}],
  ["a sidecar that ends", "args, restartPolicy", own((one) => { delete one.restartPolicy; }), () => {}],
  ["a hook in the sidecar", ": lifecycle", own((one) => { one.lifecycle = {postStart: {exec: {command: ["/usr/bin/gitlatch"]}}}; }), () => {}],
  ["variables from elsewhere", ": envFrom", own((one) => { one.envFrom = [{configMapRef: {name: "x"}}]; }), () => {}],
  ["a variable of one's own", "sidecar's env", own((one) => { one.env.push({name: "LD_PRELOAD", value: "/x"}); }), own((one) => { one.env.reverse(); })],
  ["a false identity", "sidecar's env", own((one) => { one.env[1] = {name: "GITLATCH_POD", value: "another"}; }),
    own((one) => { one.env[1].valueFrom.fieldRef.apiVersion = "v1"; })],
  ["an identity that the workspace writes", "sidecar's env",
    own((one) => { one.env[1].valueFrom.fieldRef.fieldPath = "metadata.annotations['pod']"; }), () => {}],
  ["a probe that does more", "probes run", own((one) => { one.livenessProbe = {exec: {command: ["/usr/bin/gitlatch", "credential", "get"]}}; }),
    own((one) => { one.livenessProbe.timeoutSeconds = 30; })],
  ["a startup probe that does more", "probes run", own((one) => { one.startupProbe.exec.command.push("--admin"); }), own((one) => { delete one.startupProbe; })],
  ["a readiness probe that does more", "probes run", own((one) => { one.readinessProbe.exec.command = ["/usr/bin/gitlatch", "env"]; }), () => {}],
  ["a readiness probe elsewhere", "probes run", own((one) => { one.readinessProbe = {httpGet: {host: "x", port: 1}}; }), own((one) => { delete one.readinessProbe; })],
  ["the sidecar as another uid", "sidecar's securityContext", own((one) => { one.securityContext.runAsUser = 1000; }), () => {}],
  ["a configuration beside the sidecar's", "sidecar's volumeMounts", own((one) => { one.volumeMounts[0].subPath = "x"; }), () => {}],
  ["another volume in the sidecar", "sidecar's volumeMounts",
    (spec) => { add("mine", {emptyDir: {}})(spec); sidecar(spec).volumeMounts.push({name: "mine", mountPath: "/etc/ssl/certs"}); },
    (spec) => { add("kube-api-access-x", audience("api"))(spec); sidecar(spec).volumeMounts.push({name: "kube-api-access-x", mountPath: API, readOnly: true}); }],
  ["another ConfigMap as its configuration", "is the ConfigMap gitlatch", source("gitlatch-config", {configMap: {name: "mine"}}),
    source("gitlatch-config", {configMap: {name: "gitlatch", defaultMode: 420}})],
  ["a Secret as its configuration", "is the ConfigMap gitlatch", source("gitlatch-config", {secret: {secretName: "mine"}}), () => {}],
  ["another key of the ConfigMap", "is the ConfigMap gitlatch",
    source("gitlatch-config", {configMap: {name: "gitlatch", items: [{key: "x", path: "gitlatch.yaml"}]}}), () => {}],
  ["a CA that is shared", "of this pod alone", source("gitlatch-ca", {persistentVolumeClaim: {claimName: "mine"}}), source("gitlatch-ca", {emptyDir: {medium: "Memory"}})],
  ["a redirection by another image", "k8s/transparent", (spec) => { redirect(locked)(spec); spec.initContainers.at(-1).image = "evil"; }, redirect(locked)],
  ["a redirection that runs something", "k8s/transparent", (spec) => { redirect(locked)(spec); spec.initContainers.at(-1).args = ["sh"]; },
    (spec) => { redirect(locked)(spec); spec.initContainers.at(-1).volumeMounts.push({name: "kube-api-access-x", mountPath: API, readOnly: true}); }],
  ["redirected, a uid that only the image knows", "with gitlatch-redirect", redirect({...locked, runAsUser: undefined}), redirect({...locked, runAsUser: undefined}, {runAsUser: 1000})],
  ["redirected, root", "with gitlatch-redirect", redirect({...locked, runAsUser: 0}, {runAsUser: 1000}), redirect(locked, {runAsUser: 0})],
  ["redirected, setuid programs", "with gitlatch-redirect", redirect({...locked, allowPrivilegeEscalation: undefined}), redirect(locked)],
  ["redirected, capabilities kept", "with gitlatch-redirect", redirect({...locked, capabilities: {drop: ["NET_RAW"]}}), redirect(locked)],
  ["redirected, SETUID", "with gitlatch-redirect", redirect({...locked, capabilities: {drop: ["ALL"], add: ["SETUID"]}}),
    redirect({...locked, capabilities: {drop: ["ALL"], add: ["NET_BIND_SERVICE"]}})],
  // Fields of the sidecar, one by one.
  ...Object.entries({workingDir: "/tmp", stdin: true, tty: true, stdinOnce: true,
    restartPolicyRules: [{action: "Restart", exitCodes: {operator: "In", values: [1]}}]}).map(([field, value]) =>
    [`the field ${field}`, `: ${field}`, own((one) => { one[field] = value; }), own((one) => { one.terminationMessagePolicy = "File"; })]),
  ["a termination message from elsewhere", "terminationMessagePath", own((one) => { one.terminationMessagePath = "/var/run/secrets/gitlatch/token"; }),
    own((one) => { one.terminationMessagePath = "/dev/termination-log"; })],
  ["a sidecar that restarts on failure", "args, restartPolicy", own((one) => { one.args = []; }), () => {}],
  ["a port of the node", "hostPort", own((one) => { one.ports[0].hostPort = 9129; }), own((one) => { one.ports[0].protocol = "TCP"; })],
  ["a port of an address of the node", "hostPort", own((one) => { one.ports[0].hostIP = "127.0.0.1"; }), own((one) => { delete one.ports; })],
  ["no identity", "sidecar's env", own((one) => { delete one.env; }), () => {}],
  ["an identity that is missing", "sidecar's env", own((one) => { one.env.pop(); }), () => {}],
  ["a Secret as identity", "sidecar's env", own((one) => { one.env[0].valueFrom = {secretKeyRef: {name: "x", key: "y"}}; }), () => {}],
  ["a ConfigMap as identity", "sidecar's env", own((one) => { one.env[0].valueFrom = {configMapKeyRef: {name: "x", key: "y"}}; }), () => {}],
  ["a file as identity", "sidecar's env", own((one) => { one.env[0].valueFrom = {fileKeyRef: {volumeName: "x", path: "y", key: "z"}}; }), () => {}],
  ["resources as identity", "sidecar's env", own((one) => { one.env[0].valueFrom = {resourceFieldRef: {resource: "limits.cpu"}}; }), () => {}],
  ["the node's name as identity", "sidecar's env", own((one) => { one.env[2].valueFrom.fieldRef.fieldPath = "spec.nodeName"; }), () => {}],
  ["an environment for the loader", "sidecar's env", own((one) => { one.env[0] = {name: "GLIBC_TUNABLES", value: "x"}; }), () => {}],
  ["a probe over the network", "probes run", own((one) => { one.livenessProbe = {tcpSocket: {port: 1}}; }), own((one) => { one.livenessProbe.failureThreshold = 9; })],
  ["a probe by gRPC", "probes run", own((one) => { one.startupProbe = {grpc: {port: 1}}; }), own((one) => { one.startupProbe.successThreshold = 1; })],
  ["a probe that kills at once", "probes run", own((one) => { one.livenessProbe.terminationGracePeriodSeconds = 1; }), () => {}],
  ["a sidecar that is killed soon", "memory limit is between", own((one) => { one.resources = {limits: {memory: "16Mi"}}; }),
    own((one) => { one.resources.limits.cpu = "100m"; })],
  ["a sidecar without a limit", "memory limit is between", own((one) => { one.resources = {}; }), () => {}],
  ["a sidecar that is starved", "memory limit is between", own((one) => { one.resources.limits.cpu = "1m"; one.resources.requests.cpu = "1m"; }), () => {}],
  ["a claimed device", "resources.claims", (spec) => {
    spec.resourceClaims = [{name: "gpu", resourceClaimName: "gpu"}];
    sidecar(spec).resources.claims = [{name: "gpu"}];
  }, (spec) => { spec.resourceClaims = [{name: "gpu", resourceClaimName: "gpu"}]; }],
  ...Object.entries({runAsUser: 63129, runAsGroup: 0, runAsNonRoot: false, readOnlyRootFilesystem: false,
    capabilities: {drop: ["ALL"], add: ["NET_BIND_SERVICE"]}, seccompProfile: {type: "Unconfined"}, procMount: "Default",
    seLinuxOptions: {type: "spc_t"}, appArmorProfile: {type: "Unconfined"}, windowsOptions: {runAsUserName: "x"}}).map(([field, value]) =>
    [`securityContext.${field}`, "sidecar's securityContext", own((one) => { one.securityContext[field] = value; }), () => {}]),
  ...["runAsUser", "runAsNonRoot", "readOnlyRootFilesystem", "allowPrivilegeEscalation", "privileged", "capabilities", "seccompProfile"].map((field) =>
    [`securityContext without ${field}`, "sidecar's securityContext", own((one) => { delete one.securityContext[field]; }), () => {}]),
  ["no securityContext", "sidecar's securityContext", own((one) => { delete one.securityContext; }), () => {}],
  ["privileged", "sidecar's securityContext", own((one) => { one.securityContext.privileged = true; one.securityContext.allowPrivilegeEscalation = true; }), () => {}],
  ["some capabilities kept", "sidecar's securityContext", own((one) => { one.securityContext.capabilities.drop = ["NET_RAW"]; }), () => {}],
  ...["gitlatch-config", "gitlatch-ca", "gitlatch-public", "gitlatch-token"].map((name) =>
    [`no mount of ${name}`, "sidecar's volumeMounts", own((one) => { one.volumeMounts = one.volumeMounts.filter((mount) => mount.name !== name); }), () => {}]),
  ["no mounts", "sidecar's volumeMounts", own((one) => { delete one.volumeMounts; }), () => {}],
  ["a mount that propagates", "sidecar's volumeMounts", own((one) => { one.volumeMounts[3].mountPropagation = "HostToContainer"; }), () => {}],
  ["a mount at a path of a variable", "sidecar's volumeMounts", own((one) => { one.volumeMounts[3].subPathExpr = "$(GITLATCH_POD)"; }), () => {}],
  ["the published files over the program", "sidecar's volumeMounts", own((one) => { one.volumeMounts[3].mountPath = "/usr/bin"; }), () => {}],
  ["the token as the configuration", "sidecar's volumeMounts", own((one) => { one.volumeMounts[1].mountPath = "/etc"; }), () => {}],
  ["a volume over the libraries", "sidecar's volumeMounts", (spec) => {
    add("mine", {emptyDir: {}})(spec);
    sidecar(spec).volumeMounts.push({name: "mine", mountPath: "/lib/x86_64-linux-gnu/glibc-hwcaps"});
  }, (spec) => { add("mine", {emptyDir: {}})(spec); }],
  ["a claim over the service account's mount", "sidecar's volumeMounts", (spec) => {
    add("mine", {emptyDir: {}})(spec);
    sidecar(spec).volumeMounts.push({name: "mine", mountPath: API});
  }, () => {}],
  ["a configuration that may be missing", "is the ConfigMap gitlatch", source("gitlatch-config", {configMap: {name: "gitlatch", optional: true}}), () => {}],
  ["an empty configuration", "is the ConfigMap gitlatch", source("gitlatch-config", {emptyDir: {}}), () => {}],
  ["a projected configuration", "is the ConfigMap gitlatch", source("gitlatch-config", {projected: {sources: [{configMap: {name: "mine"}}]}}), () => {}],
  ["the CA on a disk", "kept in memory", source("gitlatch-ca", {emptyDir: {}}), () => {}],
  ["the CA on the node", "kept in memory", source("gitlatch-ca", {hostPath: {path: "/tmp"}}), () => {}],
  ["published files from a claim", "kept in memory", source("gitlatch-public", {persistentVolumeClaim: {claimName: "gitlatch-public"}}), () => {}],
  ["published files of a Secret", "kept in memory", source("gitlatch-public", {secret: {secretName: "x"}}), () => {}],
  ["another's token", "holds a token of audience gitlatch", source("gitlatch-token", {secret: {secretName: "x"}}),
    source("gitlatch-token", {projected: {defaultMode: 292, sources: [{serviceAccountToken: {audience: "gitlatch", path: "token", expirationSeconds: 600}}]}})],
  ["a token beside another", "holds a token of audience gitlatch", source("gitlatch-token", {projected: {sources: [
    {serviceAccountToken: {audience: "gitlatch", path: "token"}}, {configMap: {name: "x"}}]}}), () => {}],
  ["a token of another audience", "holds a token of audience gitlatch", source("gitlatch-token", audience("api")), () => {}],
  ["a token under another path", "holds a token of audience gitlatch",
    source("gitlatch-token", {projected: {sources: [{serviceAccountToken: {audience: "gitlatch", path: "other"}}]}}), () => {}],
  ["another key for the sidecar", "gitlatch-app is the Secret", add("gitlatch-app", {secret: {secretName: "mine"}}), () => {}],
  ["a redirection with variables", "k8s/transparent", (spec) => { redirect(locked)(spec); spec.initContainers.at(-1).env = [{name: "X", value: "y"}]; }, redirect(locked)],
  ["a redirection that is privileged", "k8s/transparent", (spec) => {
    redirect(locked)(spec);
    Object.assign(spec.initContainers.at(-1).securityContext, {privileged: true, allowPrivilegeEscalation: true});
  }, redirect(locked)],
  ["a redirection of more rights", "k8s/transparent", (spec) => {
    redirect(locked)(spec);
    spec.initContainers.at(-1).securityContext.capabilities.add.push("SYS_ADMIN");
  }, redirect(locked)],
  ["a redirection that stays", "k8s/transparent", (spec) => { redirect(locked)(spec); spec.initContainers.at(-1).restartPolicy = "Always"; }, redirect(locked)],
];

// What is no workspace may be as it likes, but for what is the sidecar's alone.
export const strangers = [
  ["a token of the audience", "audience gitlatch", (spec) => add("mine", audience("gitlatch"))({volumes: spec.volumes = []}),
    (spec) => add("mine", audience("gitlatch-credential"))({volumes: spec.volumes = []})],
  ["such a token under the sidecar's name", "audience gitlatch", (spec) => add("gitlatch-token", audience("gitlatch"))({volumes: spec.volumes = []}), () => {}],
  ["the App's key", "github-app", (spec) => add("gitlatch-app", key)({volumes: spec.volumes = []}), () => {}],
  ["a sidecar without the label", "for pods with the label", (spec) => { Object.assign(spec, structuredClone({initContainers: injected.initContainers})); },
    (spec) => { spec.hostNetwork = true; spec.shareProcessNamespace = true; capability("NET_ADMIN")(spec); }],
];
