# For `source`: settings under which podman runs the pods, apart from the user's own containers. Needs $state, a folder.
# shellcheck shell=bash
# runc and cgroupfs need no systemd; some machines' hard limits are lower than podman's defaults.
storage=${XDG_CACHE_HOME:-$HOME/.cache}/gitlatch/pods/storage
mkdir -p "$storage" "$state"/{run,network,tmp}
cat >"$state/containers.conf" <<TOML
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
log_driver = "k8s-file"
[network]
network_backend = "netavark"
network_config_dir = "$state/network"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "$state/tmp"
TOML
cat >"$state/storage.conf" <<TOML
[storage]
driver = "overlay"
graphroot = "$storage"
runroot = "$state/run"
TOML
export CONTAINERS_CONF=$state/containers.conf CONTAINERS_STORAGE_CONF=$state/storage.conf
