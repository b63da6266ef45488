"""What proxy/package gives to others: the Action, the dev container feature and the Compose file have the shape that their
readers expect, and their scripts do what they say. The packages themselves: tests/package."""
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
import yaml
from lib.gitlatch import BINARY, free_port
from lib.workspace import PATH, Workspace

SOURCE = Path(__file__).resolve().parents[2]
PACKAGE = SOURCE / "proxy/package"
WIDGETS = "https://github.com/acme/widgets.git"
VERSION = re.search(r"^  version: '(.*)',", (SOURCE / "meson.build").read_text(), re.M)[1]


def test_copyright_files_of_the_libraries(folder):
    """As proxy/package/build calls it, for two libraries and the loader."""
    ldd = subprocess.run(["ldd", BINARY], capture_output=True, text=True, check=True).stdout
    libraries = sorted(set(re.findall(r"(?:=> |^\t)(/[^ ]+)(?= \()", ldd, re.M)))
    wanted = [path for path in libraries if "libssl" in path or "libgmp" in path or "ld-linux" in path]
    assert len(wanted) == 3, libraries
    subprocess.run([PACKAGE / "licenses", folder / "out", *wanted], check=True)
    assert {path.parent.name for path in folder.glob("out/*/copyright")} == {"libssl3", "libgmp10", "libc6"}
    assert "OpenSSL" in (folder / "out/libssl3/copyright").read_text()
    # What the files refer to is there, for Debian alone has it elsewhere.
    assert {"GPL-3", "LGPL-3", "LGPL-2.1"} <= {path.name for path in (folder / "out/common-licenses").iterdir()}
    assert re.search(r"^libc6 \S+: source package glibc \S+$", (folder / "out/SOURCES").read_text(), re.M)


def test_a_library_without_a_copyright_file_stops_the_release(folder):
    (folder / "libnobody.so.1").write_text("x")
    done = subprocess.run([PACKAGE / "licenses", folder / "out", folder / "libnobody.so.1"], capture_output=True, text=True)
    assert done.returncode == 1 and "no Debian package has" in done.stderr


# The Action, step by step as action.yml has them.

ACTION = yaml.safe_load((PACKAGE / "action/action.yml").read_text())


class Job:
    """A runner that knows of composite actions what ours needs."""

    def __init__(self, folder):
        self.folder = folder
        self.workspace = Workspace(folder / "job")
        self.files = {name: folder / name for name in ("GITHUB_ENV", "GITHUB_OUTPUT")}
        for path in self.files.values():
            path.write_text("")
        (folder / "temp").mkdir()
        (folder / "checkout").mkdir()
        (folder / "bin").mkdir()
        (folder / "bin/gitlatch").symlink_to(BINARY)
        self.env = {**self.workspace.env, "PATH": f"{folder / 'bin'}:{PATH}", "RUNNER_TEMP": str(folder / "temp"),
                    "GITHUB_WORKSPACE": str(folder / "checkout"), **{name: str(path) for name, path in self.files.items()}}
        self.started = set()

    def use(self, **inputs):
        """Runs all steps up to the first that fails. The inputs' names have _ for -."""
        inputs = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert set(inputs) <= set(ACTION["inputs"])
        values = {f"inputs.{name}": inputs.get(name, entry["default"]) for name, entry in ACTION["inputs"].items()}
        values["github.action_path"] = str(PACKAGE / "action")
        out = ""
        for step in ACTION["runs"]["steps"]:
            env = {name: re.sub(r"\$\{\{ (.*?) \}\}", lambda match: values[match[1]], value) for name, value in step["env"].items()}
            done = subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], cwd=self.folder / "checkout",
                                  env={**self.env, **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
            out += done.stdout
            if done.returncode:
                return done.returncode, out
        return 0, out

    def variables(self):
        return dict(line.split("=", 1) for line in self.files["GITHUB_ENV"].read_text().splitlines())

    def stop(self):
        """Ends the proxies of this job: the processes that have its folder in their arguments."""
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = entry.read_bytes().split(b"\0")
            except OSError:
                continue
            if words[:2] == [b"gitlatch", b"proxy"] and str(self.folder).encode() in b" ".join(words):
                os.kill(int(entry.parent.name), signal.SIGTERM)


@pytest.fixture
def job(folder):
    job = Job(folder)
    yield job
    job.stop()


@pytest.fixture
def settings(github):
    """What a test's configuration needs beside the action's inputs: free ports, and the mock."""
    return yaml.safe_dump({"listen": f"127.0.0.1:{free_port()}", "admin": f"127.0.0.1:{free_port()}",
                           "github": {"trust": str(github.ca), "connect_to": github.connect_to()}})


RULES = "- {match: acme/widgets, fetch: true}\n- match: acme/lib\n  fetch: true\n"


def test_action_has_the_shape_of_a_composite_action():
    assert ACTION["name"] and ACTION["description"] and ACTION["runs"]["using"] == "composite"
    for entry in ACTION["inputs"].values():
        assert set(entry) == {"description", "default"} and isinstance(entry["default"], str)
    used = set()
    for step in ACTION["runs"]["steps"]:
        assert step["shell"] == "bash", "a composite action's step names its shell"
        # An input within the script itself would be run as part of it.
        assert "${{" not in step["run"]
        script = re.fullmatch(r'"\$GITHUB_ACTION_PATH/([a-z-]+)"', step["run"])[1]
        assert os.access(PACKAGE / "action" / script, os.X_OK)
        used |= {match for value in step["env"].values() for match in re.findall(r"inputs\.([a-z0-9-]+)", value)}
    assert used == set(ACTION["inputs"])
    for output in ACTION["outputs"].values():
        assert re.fullmatch(r"\$\{\{ steps\.start\.outputs\.(configuration|log) \}\}", output["value"])


def test_action_with_an_app_lets_later_steps_clone(job, settings, github):
    code, out = job.use(app_id="12345", private_key=github.app_key.read_text(), rules=RULES, settings=settings)
    assert code == 0, out
    later = job.workspace
    later.env.update(job.variables())
    later.git("clone", "-q", WIDGETS)
    assert "acme/api" in later.git("clone", "-q", "https://github.com/acme/api", check=False, prompts=True).err
    key = github.app_key.read_text().splitlines()[1]
    left = [path for path in job.folder.rglob("*") if path.is_file() and github.folder not in path.parents and key in path.read_text(errors="ignore")]
    assert not left, "the key stays in a file that each later step can read"
    assert job.files["GITHUB_OUTPUT"].read_text().startswith(f"configuration={job.folder}/temp/gitlatch/gitlatch.yaml\n")


def test_action_with_a_configuration(job, settings, github):
    path = job.folder / "own.yaml"
    path.write_text(f"credentials: [{{type: app, app_id: '12345', private_key: {github.app_key}}}]\nrepositories:\n{RULES}"
                    f"ca: {{publish: {job.folder}/public}}\nlog: {{audit: none}}\n{settings}\n")
    code, out = job.use(configuration=str(path))
    assert code == 0, out
    job.workspace.env.update(job.variables())
    job.workspace.git("ls-remote", WIDGETS)
    # A second one at the same address: the first's readiness is not its own.
    code, out = job.use(configuration=str(path))
    assert code == 1 and "another gitlatch runs already" in out


@pytest.mark.parametrize("inputs, message", [
    ({}, "give a configuration, or app-id and private-key, or a token"),
    ({"app_id": "12345", "rules": RULES}, "give a configuration, or app-id and private-key, or a token"),
    ({"token": "ghs_secret"}, "give rules"),
    ({"app_id": '1", x: "', "private_key": "k", "rules": RULES}, "neither an App's id nor a client id"),
    ({"app_id": "12345", "private_key": "no key", "rules": RULES}, "not ready"),
    ({"token": "ghs_secret", "rules": "- {match: acme/widgets, fetsh: true}"}, "not ready"),
    ({"configuration": "/nonexistent"}, "cannot be read"),
    ({"configuration": "/nonexistent", "rules": RULES}, "beside configuration give no"),
    ({"package": "https://example.com/gitlatch.deb"}, "give its sha256"),
    ({"package": "http://example.com/gitlatch.deb", "sha256": "0"}, "a file or an https URL"),
    ({"package": "/nonexistent.deb"}, "cannot be read"),
    ({"package": "/etc/hostname"}, "must end in .deb or .tar.gz"),
    ({"package": "/etc/hostname", "sha256": "0" * 64}, "does not have the digest"),
    ({"checkout_token": "ignore"}, "must be warn or fail"),
])
def test_action_fails_closed(job, inputs, message):
    if "token" in inputs or "private_key" in inputs:
        inputs = {**inputs, "settings": f"listen: 127.0.0.1:{free_port()}\nadmin: 127.0.0.1:{free_port()}"}
    code, out = job.use(**inputs)
    assert code == 1 and "::error title=gitlatch::" in out and message in out, out
    assert "ghs_secret" not in out
    assert job.files["GITHUB_ENV"].read_text() == job.files["GITHUB_OUTPUT"].read_text() == ""
    assert not (job.folder / "temp/gitlatch/app.pem").exists()


def test_action_without_gitlatch(job):
    (job.folder / "bin/gitlatch").unlink()
    code, out = job.use(token="t", rules=RULES)
    assert code == 1 and "not on the PATH" in out


@pytest.mark.parametrize("place", ["config", "include"])
def test_action_says_when_checkout_left_a_token(job, settings, github, place):
    checkout = job.folder / "checkout/sub/widgets"
    job.workspace.git("init", "-q", checkout)
    secret = "AUTHORIZATION: basic c2VjcmV0"
    if place == "config":
        job.workspace.git("-C", checkout, "config", "http.https://github.com/.extraheader", secret)
    else:
        job.workspace.git("config", "--file", job.folder / "credentials", "http.https://github.com/.extraheader", secret)
        job.workspace.git("-C", checkout, "config", f"includeIf.gitdir:{checkout}/.git.path", job.folder / "credentials")
    inputs = {"app_id": "12345", "private_key": github.app_key.read_text(), "rules": RULES, "settings": settings}
    code, out = job.use(**inputs, checkout_token="fail")
    assert code == 1 and job.variables() == {}
    assert "::error" in out and "persist-credentials: false" in out and str(checkout) in out
    assert "c2VjcmV0" not in out
    code, out = job.use(**inputs)
    assert code == 0 and "::warning title=gitlatch::A token is left" in out
    assert job.variables()


# The dev container feature.

FEATURE = json.loads((PACKAGE / "devcontainer/devcontainer-feature.json").read_text())


def feature(folder, then="true", env=None, **options):
    """Runs install.sh with an /etc of its own, then a command there."""
    if os.environ.get("GITLATCH_TESTS_WITHOUT_NAMESPACES"):
        pytest.skip("GITLATCH_TESTS_WITHOUT_NAMESPACES")
    script = 'mount -t tmpfs etc /etc && echo "# theirs" >/etc/bash.bashrc && "$0" && "$0" && ' + then
    return subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, PACKAGE / "devcontainer/install.sh"],
                          cwd=folder, env={"PATH": PATH, **(env or {}), **{name.upper(): value for name, value in options.items()}},
                          capture_output=True, text=True, timeout=120)


def test_feature_has_the_shape_of_a_feature():
    assert FEATURE["id"] == "gitlatch" and FEATURE["name"] and FEATURE["version"] == VERSION
    script = (PACKAGE / "devcontainer/install.sh").read_text()
    for name, option in FEATURE["options"].items():
        assert option["type"] == "string" and isinstance(option["default"], str) and option["description"]
        assert f"${{{name.upper()}" in script
    # They would be in the image, and in the build of each later feature, where no proxy runs.
    assert "containerEnv" not in FEATURE and "privileged" not in FEATURE
    assert os.access(PACKAGE / "devcontainer/install.sh", os.X_OK)


def test_feature_makes_shells_and_git_use_the_proxy(folder, gitlatch, outside):
    env = {name: value for name, value in outside.env.items() if name != "GIT_CONFIG_NOSYSTEM"}
    public = str(gitlatch.folder / "public")
    done = feature(folder, f"git ls-remote {WIDGETS}", env, published=public)
    assert done.returncode == 0 and "refs/heads/main" in done.stdout, done.stderr
    done = feature(folder, f". /etc/profile.d/gitlatch.sh && curl -sS -o /dev/null -w '%{{http_code}}' https://api.github.com/repos/acme/widgets && cat /etc/bash.bashrc",
                   env, published=public)
    assert done.stdout == "200# theirs\n. /etc/profile.d/gitlatch.sh\n", done.stderr  # installed twice, there once


def test_feature_without_a_proxy_leaves_shells_alone(folder):
    done = feature(folder, ". /etc/profile.d/gitlatch.sh && env && git config --system --list")
    assert done.returncode == 0 and "HTTPS_PROXY" not in done.stdout and done.stderr == ""
    assert done.stdout.count("include.path=/run/gitlatch/public/gitconfig") == 1


@pytest.mark.parametrize("options, message", [
    ({"published": "public"}, "absolute path"),
    ({"published": "/x;id"}, "letters, digits"),
    ({"package": "https://example.com/gitlatch.tar.gz"}, "give its sha256"),
    ({"package": "http://example.com/gitlatch.tar.gz", "sha256": "0"}, "an https URL"),
    ({"package": "/nonexistent.tar.gz"}, "cannot be read"),
    ({"package": "/etc/hostname"}, "must end in .tar.gz"),
])
def test_feature_refuses_what_it_cannot_do(folder, options, message):
    done = feature(folder, **options)
    assert done.returncode == 1 and message in done.stderr


# The Compose file.

COMPOSE = yaml.safe_load((PACKAGE / "compose/compose.yaml").read_text())


def test_compose_gives_the_workspace_what_env_prints():
    printed = subprocess.run([BINARY, "env", "-c", PACKAGE / "compose/gitlatch.yaml", "--format", "json"], capture_output=True,
                             text=True, check=True).stdout
    assert COMPOSE["services"]["workspace"]["environment"] == json.loads(printed)


def test_compose_keeps_the_key_from_the_workspace():
    assert set(COMPOSE["services"]) == {"gitlatch", "workspace"} and set(COMPOSE["volumes"]) == {"published"}
    proxy, workspace = COMPOSE["services"]["gitlatch"], COMPOSE["services"]["workspace"]
    assert set(workspace["volumes"]) == {"published:/run/gitlatch/public:ro", "${WORKSPACE_FOLDER:?must be said}:/work"}
    assert not {"secrets", "configs", "env_file", "volumes_from", "pid", "privileged"} & set(workspace)
    for service in (proxy, workspace):
        assert service["cap_drop"] == ["ALL"] and service["security_opt"] == ["no-new-privileges:true"]
    # 127.0.0.1 is the proxy's, and nothing else can ask it.
    assert workspace["network_mode"] == "service:gitlatch" and "ports" not in proxy and "network_mode" not in proxy
    assert workspace["depends_on"] == {"gitlatch": {"condition": "service_healthy"}}
    assert proxy["read_only"] is True and "environment" not in proxy
    assert proxy["healthcheck"]["test"] == ["CMD", "/usr/bin/gitlatch", "health", "--ready"]
    # Docker and podman make the volume the proxy's own, or it could not write there; two users, or one could look into the other.
    number = re.fullmatch(r"\$\{GITLATCH_USER:-(\d+)\}", proxy["user"])[1]
    assert COMPOSE["volumes"]["published"]["driver_opts"]["o"].startswith(f"uid=${{GITLATCH_USER:-{number}}},")
    assert number != re.fullmatch(r"\$\{WORKSPACE_USER:-(\d+):\d+\}", workspace["user"])[1]


def test_compose_names_this_version():
    for name, image in (("gitlatch", "gitlatch"), ("workspace", "gitlatch-mock-github")):
        assert COMPOSE["services"][name]["image"].endswith(f":-localhost/{image}:{VERSION}}}")


def test_compose_configuration_mounts_what_it_names():
    config = yaml.safe_load((PACKAGE / "compose/gitlatch.yaml").read_text())
    mounted = {volume.rsplit(":", 2)[1] for volume in COMPOSE["services"]["gitlatch"]["volumes"] if volume.endswith(":ro")}
    assert mounted == {"/etc/gitlatch/gitlatch.yaml", config["credentials"][0]["private_key"]}
