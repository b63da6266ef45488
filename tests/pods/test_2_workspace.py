"""What a workspace can do in a real pod, and what it cannot get at."""
import os
import subprocess
from pathlib import Path

import pytest

from cluster.cluster import API_TOKEN
from lib import leaks
from lib.kubernetes import OWN_TOKEN

COMMIT = "git -c user.name=Ada -c user.email=ada@example.com commit --quiet --allow-empty --message hello"
BROKER = "https://gitlatch-broker.gitlatch.svc:8443"
ADMIN = ("127.0.0.1:9128", "127.0.0.1:9129")
PROXIED = "NO_PROXY= no_proxy= curl --silent --proxy http://127.0.0.1:3128"
QUESTION = '{"host":"github.com","owner":"acme","repositories":["widgets"],"permissions":{"contents":"read"}}'


def pushes(github):
    return sum(entry.path.endswith("/git-receive-pack") for entry in github.requests(method="POST"))


def test_clones_pushes_and_is_refused_a_forbidden_ref(workspace, github):
    cloned = workspace.shell("git clone https://github.com/acme/widgets one && git -C one log --oneline")
    assert len(cloned.stdout.splitlines()) == 2
    pushed = workspace.shell(f"cd one && git switch -qc agent/hello && {COMMIT} && git push origin agent/hello")
    assert "agent/hello -> agent/hello" in pushed.all
    assert pushes(github) == 1
    refused = workspace.shell("cd one && git push origin HEAD:main", check=False)
    assert refused.returncode == 1
    assert "! [remote rejected] HEAD -> main" in refused.all and "refs/heads/agent/*" in refused.all
    assert pushes(github) == 1
    heads = workspace.shell("git ls-remote https://github.com/acme/widgets").stdout
    assert "refs/heads/agent/hello" in heads


def test_other_repositories_are_as_the_grant_says(workspace):
    workspace.shell("git clone https://github.com/acme/gadgets two")
    refused = workspace.shell(f"cd two && git switch -qc agent/hello && {COMMIT} && git push origin agent/hello",
                              check=False)
    assert refused.returncode != 0
    assert workspace.shell("git clone https://github.com/globex/lib three", check=False).returncode != 0


def test_an_audit_event_names_the_workspace(workspace):
    event = next(event for event in workspace.events() if event["event"] == "request" and event["operation"] == "push")
    assert event["workspace"] == {"namespace": "team-a", "pod": "workspace", "service_account": "workspace"}


# What there is to steal.

def pem(path):
    """The lines of a key that would give it away. The first is the same in all keys of its kind: programs hold it, too."""
    return [line for line in Path(path).read_text().splitlines() if len(line) > 40 and " " not in line][1:]


@pytest.fixture
def secrets(cluster, workspace, github):
    """All that a workspace must never see; each of them is there, elsewhere."""
    ca = workspace.folder / "gitlatch-ca"
    keys = [cluster.keys / "app.pem", cluster.keys / "tls.key", *ca.rglob("ca.key")]
    found = [*github.tokens(), *workspace.tokens, OWN_TOKEN, *(line for path in keys for line in pem(path))]
    assert len(keys) == 3
    assert len(github.tokens()) > 1 and workspace.tokens and len(found) > 20
    return found


def search(pod, secrets, container="workspace"):
    """Files of the container, every mount of it included, that hold one of the secrets, however it is encoded."""
    root = Path("/proc", str(pod.pid(container)), "root")
    patterns = b"\n".join(pattern for secret in secrets for pattern in leaks.shapes(secret).values()
                          if b"\n" not in pattern)
    folders = [str(path) for path in root.iterdir() if path.name not in ("proc", "sys") and not path.is_symlink()]
    done = subprocess.run(["grep", "--recursive", "--text", "--fixed-strings", "--files-with-matches", "--devices=skip",
                           "--file=-", *folders], input=patterns, capture_output=True, env={**os.environ, "LC_ALL": "C"})
    assert done.returncode in (0, 1), done.stderr
    return [line.removeprefix(str(root)) for line in done.stdout.decode().splitlines()]


def test_no_file_of_the_workspace_holds_a_credential(workspace, secrets):
    workspace.run("workspace", "sh", "-c", "cat >/work/planted",
                  input=f"url = https://x-access-token:{secrets[0]}@github.com\n")
    assert search(workspace, secrets) == ["/work/planted"]
    workspace.shell("rm /work/planted")
    assert search(workspace, secrets) == []


def test_the_sidecars_own_files_are_what_is_searched_for(workspace, secrets):
    """The search finds them where they are."""
    found = search(workspace, secrets, "gitlatch")
    assert [path for path in found if path.startswith("/run/gitlatch/ca/")]
    assert [path for path in found if path.startswith("/var/run/secrets/gitlatch/") or "/run/secrets/" in path]


def test_no_credential_in_environment_or_proc(workspace, secrets):
    """As root in the container, which no workspace is: environment, arguments and memory of all it can see."""
    for user in (None, 0):
        seen = workspace.shell("env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline /proc/self/mountinfo 2>/dev/null",
                               user=user, check=False)
        assert "GH_TOKEN=gitlatch" in seen.stdout
        assert leaks.find_in(seen.stdout.encode(), secrets) == []


def processes(pod, command):
    """The ids of those that the workspace sees."""
    return pod.shell("cd /proc; for each in [0-9]*; do tr '\\0' ' ' <$each/cmdline | "
                     f"grep -q '^{command}' && echo $each; done; true").stdout.split()


def test_no_process_but_its_own_is_in_its_proc(workspace):
    assert processes(workspace, "sleep infinity") and not processes(workspace, "[^ ]*gitlatch")


def test_gitlatch_is_closed_even_where_processes_are_shared(cluster, workspace):
    """The guard refuses such a pod; if it were not there, uid and dumpability still stand before gitlatch's memory."""
    document = next(one for one in cluster.render("examples/try") if one["kind"] == "Pod")
    document["metadata"]["name"] = "shared"
    document["spec"]["shareProcessNamespace"] = True
    pod = cluster.play(document)
    try:
        number, own = processes(pod, "/usr/bin/gitlatch proxy"), processes(pod, "sleep infinity")
        assert number, "the sidecar is not to be seen: the pod shares nothing"
        assert "GH_TOKEN" in pod.shell(f"cat /proc/{own[0]}/environ").stdout, "what may be read is read"
        for user in (None, 65532):
            for name in ("environ", "maps", "mem", "auxv", "stack", "fd/", "map_files/", "root/", "cwd/"):
                look = "ls" if name.endswith("/") else "cat"
                tried = pod.shell(f"{look} /proc/{number[0]}/{name}", check=False, user=user)
                assert tried.returncode != 0 and tried.stdout == "", (name, tried)
                assert "ermission denied" in tried.stderr, (name, tried)
            assert pod.shell(f"kill -9 {number[0]}", check=False, user=user).returncode != 0
    finally:
        cluster.remove(pod)


def test_the_ca_key_is_out_of_reach(workspace):
    for user in (None, 0):
        assert workspace.shell("ls /run/gitlatch/ca", check=False, user=user).returncode != 0
        assert workspace.shell("find / -xdev -name ca.key; find /run /work /tmp /var -name ca.key", user=user,
                               check=False).stdout == ""
        for command in ("touch /run/gitlatch/public/x", "touch /run/gitlatch/public/gitlatch/ca.pem",
                        "mount -o remount,rw /run/gitlatch/public"):
            assert workspace.shell(command, check=False, user=user).returncode != 0, command
    published = workspace.shell("cat /run/gitlatch/public/gitlatch/*").stdout
    assert "BEGIN CERTIFICATE" in published and "PRIVATE KEY" not in published


def test_the_admin_address_gives_no_credential(workspace, secrets):
    for address in ADMIN:
        for path in ("/metrics", "/status", "/", "/healthz", "/readyz", "/config", "/debug", "/token", "/v1/token"):
            answer = workspace.shell(f"curl --silent --noproxy '*' --include http://{address}{path}")
            assert leaks.find_in(answer.all.encode(), secrets) == [], path
            if path == "/metrics":
                assert "200 OK" in answer.stdout and "gitlatch_requests_total" in answer.stdout
        for method in ("POST", "PUT", "DELETE"):
            answer = workspace.shell(f"curl --silent --noproxy '*' --request {method} --output /dev/null "
                                     f"--write-out '%{{http_code}}' http://{address}/status")
            assert answer.stdout in ("404", "405")
        through = workspace.shell(f"{PROXIED} --show-error --proxytunnel http://{address}/metrics", check=False)
        assert through.returncode != 0 and "403" in through.all


def test_the_broker_gives_the_workspace_nothing(workspace, secrets):
    """It is to be reached: the pod's address is the sidecar's. Without the sidecar's token it answers 401."""
    for way in ("curl --silent --noproxy '*'", PROXIED):
        for bearer in ("", *(f"-H 'Authorization: Bearer {text}'" for text in ("gitlatch", API_TOKEN))):
            for path in ("/v1/token", "/v1/rules"):
                data = f"--data '{QUESTION}'" if path == "/v1/token" else ""
                answer = workspace.shell(f"{way} --insecure --include {bearer} {data} {BROKER}{path}")
                assert "HTTP/1.1 401" in answer.stdout, (way, bearer, path, answer.all)
                assert leaks.find_in(answer.all.encode(), secrets) == []
