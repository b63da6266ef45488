"""The examples as pods, and k8s/try against them."""
import json
import os
import shutil
import subprocess

import pytest

from cluster import manifests
from cluster.kubelet import podman
from lib.process import wait_until

SECONDS = 120


def example(cluster, name):
    """The documents of an example. Its operator's part is the broker's CA; what leads to the mock in the place of GitHub
    is the ConfigMap of the try-out, which is there by the same name."""
    shutil.copy(cluster.keys / "broker-ca.pem", cluster.k8s / "examples" / name)
    return cluster.render(f"examples/{name}")


def test_ci_job_clones_and_ends_and_the_sidecar_after_it(cluster):
    job = next(manifests.pods([manifests.find(example(cluster, "ci-job"), "Job", "build")]))
    pod = cluster.play(job)
    try:
        wait_until(lambda: pod.state("build")["State"]["Status"] == "exited", "the job's container ends", SECONDS)
        assert pod.state("build")["State"]["ExitCode"] == 0, pod.log("build")
        assert "Cloning into 'widgets'" in pod.log("build") and "Author:" in pod.log("build")
        podman("kill", "--signal", "TERM", pod.id("gitlatch"))  # what the kubelet does then
        wait_until(lambda: pod.state("gitlatch")["State"]["Status"] == "exited", "the sidecar ends", SECONDS)
        assert pod.state("gitlatch")["State"]["ExitCode"] == 0
    finally:
        cluster.remove(pod)


def test_dev_workspace_clones_into_its_volume(cluster):
    workspace = manifests.find(example(cluster, "workspace"), "StatefulSet", "workspace")
    pod = cluster.play(next(manifests.pods([workspace])))
    try:
        pod.shell("git clone https://github.com/acme/widgets && test -d /work/widgets/.git")
        assert (pod.folder / "work/widgets/.git").is_dir()
    finally:
        cluster.remove(pod)


def test_agent_sandbox_gets_the_sidecar_by_its_label_alone(cluster):
    """Its pod template has nothing of gitlatch but the label; the component adds what admission adds in a cluster."""
    sandbox = manifests.find(example(cluster, "agent-sandbox"), "Sandbox", "agent")
    template = sandbox["spec"]["podTemplate"]
    assert "gitlatch" not in json.dumps(template["spec"]).replace("gitlatch-mock-github", "")
    overlay = cluster.k8s / "overlay"
    overlay.mkdir()
    template["metadata"].update(name="agent", namespace="team-a")
    (overlay / "pod.json").write_text(json.dumps({"apiVersion": "v1", "kind": "Pod", **template}))
    (overlay / "kustomization.yaml").write_text(json.dumps({
        "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
        "resources": ["pod.json"], "components": ["../sidecar"]}))
    pod = cluster.play(cluster.render("overlay")[0])
    try:
        pod.shell("git clone https://github.com/acme/widgets", "agent")
        refused = pod.shell("cd widgets && git push origin HEAD:refs/heads/other", "agent", check=False)
        assert refused.returncode != 0 and "[remote rejected]" in refused.all
    finally:
        cluster.remove(pod)


# k8s/try, with programs in the place of kubectl and kind: these write down how they were called; what is applied is
# rendered by the real kubectl, and what is run in the workspace runs in the pod that is there.

FAKE = """#!/usr/bin/env bash
set -euo pipefail
echo "${0##*/} $*" >>"$CALLS"
[[ ${0##*/} == kubectl ]] || exit 0
case "$*" in
"config current-context") echo kind-try ;;
"get namespace "*) [[ ! ${UNREACHABLE-} ]] || { echo "connection refused" >&2; exit 1; }; echo "${THERE-}" ;;
"apply -k "*) "$GITLATCH_KUBECTL" kustomize "$3" >"$CALLS.applied" ;;
*" exec "*"HEAD:main"*) [[ ! ${FORBIDDEN_PUSH_PASSES-} ]] || exit 0; exec podman exec workspace-workspace "${@:8}" ;;
*" exec "*) exec podman exec workspace-workspace "${@:8}" ;;
*" logs "*) exec podman logs workspace-gitlatch ;;
esac
"""


@pytest.fixture
def try_out(cluster, tmp_path, workspace, github):
    """Runs k8s/try: what it did, how kubectl and kind were called, what was applied."""
    for name in ("kubectl", "kind"):
        (tmp_path / name).write_text(FAKE)
        (tmp_path / name).chmod(0o755)
    calls = tmp_path / "calls"

    def run(*arguments, **environment):
        workspace.shell("rm -rf /work/widgets")
        github.pod.shell("git -C /state/repositories/acme/widgets.git update-ref -d refs/heads/agent/hello",
                         "mock-github")
        calls.write_text("")
        done = subprocess.run([cluster.k8s / "try", *arguments], capture_output=True, text=True, env={
            **os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "CALLS": str(calls), **environment})
        done.calls, done.all = calls.read_text().splitlines(), done.stdout + done.stderr
        return done

    run.applied = tmp_path / "calls.applied"
    yield run
    assert not list((cluster.k8s / "examples").glob(".try.*"))


def test_try_shows_a_clone_a_push_and_a_refusal(try_out, image):
    done = try_out()
    assert done.returncode == 0, done.all
    for seen in ("GH_TOKEN=gitlatch", "Cloning into 'widgets'", "agent/hello -> agent/hello",
                 "[remote rejected] HEAD -> main", '"decision":"deny"'):
        assert seen in done.all, seen
    assert [call.split()[1] for call in done.calls if call.startswith("kind")] == ["load", "load"]
    assert [call for call in done.calls if call.startswith("kubectl delete -k")]
    applied = try_out.applied.read_text()
    assert image() in applied and image("gitlatch-mock-github") in applied


def test_try_keeps_all_where_it_is_told_to_and_takes_images_from_a_registry(try_out):
    done = try_out("--keep", REGISTRY="registry.corp/tools")
    assert done.returncode == 0, done.all
    assert not [call for call in done.calls if call.startswith(("kubectl delete", "kind"))]
    assert "registry.corp/tools/gitlatch:" in try_out.applied.read_text()
    assert "localhost/gitlatch" not in try_out.applied.read_text()


def test_try_fails_where_the_forbidden_push_goes_through(try_out):
    done = try_out(REGISTRY="registry.corp/tools", FORBIDDEN_PUSH_PASSES="yes")
    assert done.returncode == 1 and "the forbidden push went through" in done.all


def test_try_touches_nothing_where_it_cannot_start(try_out):
    for environment, why in (({"UNREACHABLE": "yes"}, "does not answer"),
                             ({"THERE": "namespace/team-a"}, "there already")):
        done = try_out(**environment)
        assert done.returncode == 1 and why in done.all
        assert not [call for call in done.calls if " apply " in call or " delete " in call]
    assert try_out("--wrong").returncode == 2 and "k8s/try --keep" in try_out("--help").stdout
