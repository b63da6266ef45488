// The Pod Security Standards' "restricted", as far as a manifest can break it (Kubernetes, "Pod Security Standards").
const volumeTypes = ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"];
const sysctls = ["kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range"];

export function offences(spec) {
  const found = [], pod = spec.securityContext ?? {};
  for (const key of ["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"]) if (spec[key]) found.push(key);
  for (const volume of spec.volumes ?? [])
    if (!Object.keys(volume).every((key) => key === "name" || volumeTypes.includes(key))) found.push(`volume ${volume.name}`);
  for (const sysctl of pod.sysctls ?? []) if (!sysctls.includes(sysctl.name)) found.push(sysctl.name);
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
    const own = container.securityContext ?? {}, say = (what) => found.push(`${container.name}: ${what}`);
    if (own.privileged) say("privileged");
    if (own.allowPrivilegeEscalation !== false) say("allowPrivilegeEscalation");
    if (!(own.runAsNonRoot ?? pod.runAsNonRoot)) say("runAsNonRoot");
    if ((own.runAsUser ?? pod.runAsUser) === 0) say("runAsUser 0");
    if (!own.capabilities?.drop?.includes("ALL")) say("capabilities.drop");
    if ((own.capabilities?.add ?? []).some((name) => name !== "NET_BIND_SERVICE")) say("capabilities.add");
    if ((own.seccompProfile ?? pod.seccompProfile)?.type !== "RuntimeDefault") say("seccompProfile");
    if ((container.ports ?? []).some((port) => port.hostPort)) say("hostPort");
  }
  return found;
}
