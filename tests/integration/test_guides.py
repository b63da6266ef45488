"""The guides of proxy/guides do what they say: their own text is run.

A fence says what its block is: `sh` is run, `yaml FILE` is written to FILE, `text` must be in what the last `sh` printed,
`console` is for the reader alone.
"""
import base64
import json
import re
import shlex
import shutil
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from lib.certificates import Authority
from lib.gitlatch import BINARY
from lib.relay import Relay
from lib.workspace import PATH, Workspace

SOURCE = Path(__file__).resolve().parents[2]
GUIDES = SOURCE / "proxy/guides"
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.M | re.S)
KINDS = {"sh", "yaml", "text", "console"}
PASSWORD = "pa:ss w@rd"


def blocks(name):
    found = BLOCK.findall((GUIDES / name).read_text())
    assert found and {kind for kind, _, _ in found} <= KINDS, f"{name}: a block of no known kind"
    return found


class Reader:
    """Somebody who follows a guide in an empty folder: types what is marked `sh`, and looks at what is printed."""

    def __init__(self, folder, workspace, adapt=lambda text: text):
        self.workspace, self.adapt = workspace, adapt
        self.folder = self.place = folder / "reader"
        self.folder.mkdir()
        self.printed, self.typed, self.seen = "", 0, 0
        binaries = folder / "bin"
        binaries.mkdir()
        (binaries / "gitlatch").symlink_to(BINARY)
        workspace.env["PATH"] = f"{binaries}:{PATH}"

    def follow(self, name):
        for kind, file, text in blocks(name):
            if kind == "yaml":
                assert file, f"{name}: a file without a name"
                path = self.folder / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(self.adapt(text))
                (self.place / path.name).exists() or shutil.copy(path, self.place)
            elif kind == "sh":
                self.type(text)
            elif kind == "text":
                for line in filter(str.strip, text.splitlines()):
                    assert line.strip() in self.printed, f"{name}: no {line!r} in\n{self.printed}"
                    self.seen += 1
        return self

    def type(self, text):
        script = f"set -e\ncd {shlex.quote(str(self.place))}\n{text}\npwd > {shlex.quote(str(self.folder))}/.place\n"
        done = self.workspace.run("bash", "-c", script, cwd=self.folder)
        self.printed, self.typed = done.all, self.typed + 1
        moved = Path((self.folder / ".place").read_text().strip())
        if moved != self.place:
            # A guide speaks of its files by name alone, wherever the reader stands.
            for file in self.place.iterdir():
                if file.is_file() and not (moved / file.name).exists():
                    shutil.copy(file, moved)
        self.place = moved


@pytest.fixture
def company(github):
    """The way out that leads to the mock: as the reader's own network has one to GitHub."""
    authorization = "Basic " + base64.b64encode(f"ada:{PASSWORD}".encode()).decode()
    refusal = b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"
    with closing(Relay(github.port, proxy=True, authorization=authorization, refusal=refusal)) as proxy:
        yield proxy


@pytest.fixture
def reader(folder, github, company):
    workspace = Workspace(folder / "workspace", GITHUB_TOKEN=github.token(owner="acme"), SSL_CERT_FILE=str(github.ca),
                          HTTPS_PROXY=company.url.replace("://", "://ada:pa%3Ass%20w%40rd@"))

    def adapt(text):
        return (text.replace("http://ada@proxy.corp:3128", company.url.replace("://", "://ada@"))
                .replace("https://broker.corp.example", "https://127.0.0.1"))

    reader = Reader(folder, workspace, adapt)
    shutil.copy(github.app_key, reader.folder / "app.pem")
    shutil.copy(github.ca, reader.folder / "corp.pem")
    (reader.folder / "proxy-password").write_text(PASSWORD + "\n")
    return reader


def test_laptop(reader, github):
    reader.follow("laptop.md")
    assert github.head("acme/widgets", "refs/heads/agent/first") != github.head("acme/widgets")
    assert (reader.typed, reader.seen) == (6, 5)


def test_company_proxy(reader, company):
    reader.follow("company-proxy.md")
    asked = [head.split()[1] for head in company.asked]
    assert "github.com:443" in asked and "api.github.com:443" in asked, asked
    assert PASSWORD not in reader.printed and reader.typed == 3


def test_agent(reader):
    reader.follow("agent.md")
    assert (reader.typed, reader.seen) == (1, 2)
    services = yaml.safe_load((reader.folder / "compose.yaml").read_text())["services"]
    # The agent has the internal network alone, and sees neither key nor configuration.
    assert services["agent"]["networks"] == ["agent"] and "app.pem" not in str(services["agent"])


def test_compose(reader):
    """That compose.yaml has this environment: test_package_shapes."""
    reader.follow("compose.md")
    ours = yaml.safe_load((reader.folder / "gitlatch.yaml").read_text())
    assert ours == yaml.safe_load((SOURCE / "proxy/package/compose/gitlatch.yaml").read_text())
    assert (reader.typed, reader.seen) == (1, 2)


def test_dev_container(reader):
    reader.follow("dev-container.md")
    container = json.loads((reader.folder / ".devcontainer/devcontainer.json").read_text())
    services = yaml.safe_load((SOURCE / "proxy/package/compose/compose.yaml").read_text())["services"]
    assert container["service"] in services and container["workspaceFolder"] == services["workspace"]["working_dir"]
    feature = json.loads((SOURCE / "proxy/package/devcontainer/devcontainer-feature.json").read_text())
    (options,) = container["features"].values()
    assert set(options) <= set(feature["options"])


def test_ci(reader):
    reader.follow("ci.md")
    assert reader.typed == 1
    folder = reader.folder
    quick = yaml.safe_load((folder / ".github/workflows/quick.yml").read_text())
    ours = [step for step in quick["jobs"]["build"]["steps"] if "proxy/package/action" in step.get("uses", "")]
    known = yaml.safe_load((SOURCE / "proxy/package/action/action.yml").read_text())["inputs"]
    assert len(ours) == 1 and set(ours[0]["with"]) <= set(known)
    assert yaml.safe_load(ours[0]["with"]["rules"]) == [{"match": "acme/tools", "fetch": True}]
    identity = yaml.safe_load((folder / ".github/workflows/identity.yml").read_text())
    assert identity["permissions"]["id-token"] == "write" and "secrets." not in str(identity)
    gitlab = yaml.safe_load((folder / ".gitlab-ci.yml").read_text())["build"]
    (variable,) = gitlab["id_tokens"]
    assert f"printenv, {variable}" in (folder / "gitlab-ci.yaml").read_text()
    # Each configuration is one that gitlatch reads: what is wrong in it would be a usage error, 2.
    for name in ("actions-ci.yaml", "gitlab-ci.yaml"):
        done = reader.workspace.run(BINARY, "check", "-c", folder / name, "--explain", "fetch", "acme/tools", check=None)
        assert done.code != 2, done


def test_the_brokers_grants_mean_the_jobs_of_the_guide(reader, folder):
    reader.follow("ci.md")
    authority = Authority(folder / "tls")
    authority.issue("localhost")
    for name, wanted in (("repository", True), ("nobody", False)):
        claims = reader.folder / "claims.json"
        claims.write_text(json.dumps({
            "iss": "https://token.actions.githubusercontent.com", "aud": "gitlatch", "sub": "repo:acme/widgets",
            "repository": "acme/widgets" if wanted else "acme/other", "ref": "refs/heads/main"}))
        done = reader.workspace.run(BINARY, "check", "-c", reader.folder / "broker.yaml", "--claims", claims, "--explain",
                                    "fetch", "acme/tools", check=None)
        assert ("fetch acme/tools: allowed" in done.all) == wanted, done


def test_openshift_and_meshes(reader):
    reader.follow("openshift-and-meshes.md")
    assert reader.typed == 1


def test_every_guide_is_in_the_list_and_has_a_test():
    names = {path.name for path in GUIDES.glob("*.md")} - {"README.md"}
    assert names == set(re.findall(r"\]\(([\w-]+\.md)\)", (GUIDES / "README.md").read_text()))
    here = Path(__file__).read_text()
    assert all(f'follow("{name}")' in here for name in names)
    assert "proxy/guides" in (SOURCE / "README.md").read_text()
