"""The mock GitHub as a test sees it: start it, fill it, break it, ask what reached it (tests/mock_github/README.md)."""
import http.client
import json
import os
import socket
import ssl
import urllib.error
import urllib.request
from pathlib import Path

from lib import seed
from lib.gitlatch import SANITIZERS, START_SECONDS, no_proxy
from lib.process import Process
from lib.workspace import PATH

BINARY = os.environ.get("MOCK_GITHUB_BIN", "")
APP_ID = "12345"
NAMES = ("github.com", "api.github.com", "uploads.github.com", "codeload.github.com", "raw.githubusercontent.com",
         "objects.githubusercontent.com", "release-assets.githubusercontent.com", "github-cloud.s3.amazonaws.com",
         "lfs.github.com", "gist.github.com", "ssh.github.com", "other.test", "a.other.test")


def some(requests):
    """The requests, of which there must be some: what holds for all of none proves nothing."""
    assert requests, "no such request arrived"
    return requests


class Request:
    """One request that reached the mock. `headers` are [name, value] pairs as they came."""

    def __init__(self, entry):
        self.__dict__.update(entry)

    def header(self, name):
        """All values of a field."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def __repr__(self):
        return f"{self.method} {self.host}{self.path} auth={self.auth} → {self.status}"


class Github:
    """It comes with accounts and repositories (README.md there): acme, globex, umbrella, hooli and octocat have the App
    installed, initech and mallory have not; acme/widgets and others hold two commits, a branch and a tag."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.process = None

    def start(self, *options):
        port_file = self.folder / "ports"
        port_file.unlink(missing_ok=True)
        self.process = Process("mock-github", [BINARY, "--state", self.folder, "--port-file", port_file, "--quiet",
                                               *options],
                               self.folder, {"PATH": PATH, "HOME": "/nonexistent", **SANITIZERS})
        self.process.wait_ready(port_file.exists, START_SECONDS)
        ports = dict(line.split("=", 1) for line in port_file.read_text().splitlines())
        self.port, self.control_port = int(ports["MOCK_GITHUB_PORT"]), int(ports["MOCK_GITHUB_CONTROL_PORT"])
        return self

    def stop(self):
        return self.process.stop() if self.process else 0

    @property
    def ca(self):
        return self.folder / "ca.pem"

    @property
    def app_key(self):
        return self.folder / "app.pem"

    def connect_to(self, names=NAMES, port=None):
        """The configuration's `connect_to` that leads all of GitHub's names here."""
        return {f"{name}:443": f"127.0.0.1:{port or self.port}" for name in names}

    # Control.

    def control(self, method, call, /, **body):
        request = urllib.request.Request(f"http://127.0.0.1:{self.control_port}{call}", method=method,
                                         data=json.dumps(body).encode() if body else None)
        try:
            with no_proxy.open(request, timeout=60) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"mock: {method} {call} {body}: {error.read().decode()}") from None

    def requests(self, **wanted):
        """What reached the mock, oldest first; `wanted` are members that must be equal."""
        entries = [Request(json.loads(line)) for line in self.control("GET", "/record").splitlines()]
        return [entry for entry in entries if all(getattr(entry, key) == value for key, value in wanted.items())]

    def fault(self, count=-1, **description):
        """Breaks what matches `description`, `count` times (-1: until heal)."""
        self.control("POST", "/fault", count=count, **description)

    def heal(self):
        self.control("DELETE", "/fault")

    def setting(self, **changes):
        self.control("POST", "/settings", **changes)

    def tokens(self):
        """Every token given out so far, as text."""
        return [token["token"] for token in json.loads(self.control("GET", "/token"))]

    def token(self, **whose):
        """A token made without a mint: of a person (user="octocat"), or of an installation (owner="acme")."""
        return json.loads(self.control("POST", "/token", **whose))["token"]

    def revoke(self):
        """Every token given out so far is worth nothing any more."""
        self.control("POST", "/token/revoke")

    def app(self, number):
        """Makes another App, installed nowhere; the `credentials` entry of gitlatch that is it."""
        made = json.loads(self.control("POST", "/app", id=number))
        return {"type": "app", "app_id": str(made["id"]), "private_key": made["private_key"]}

    def install(self, owner, app=APP_ID, **changes):
        """Installs an App for an owner, or changes its installation there; the installation's id."""
        return json.loads(self.control("POST", "/installation", owner=owner, app=int(app), installed=True, **changes))["id"]

    # Contents.

    def repository(self, name, private=True, files=None):
        """Makes OWNER/NAME, with a first commit of `files`. Its path on disk."""
        owner, _, name = name.partition("/")
        made = json.loads(self.control("POST", "/repository", owner=owner, name=name, private=private))
        path = Path(made["directory"])
        if files:
            seed.commit(path, files)
        return path

    def rename(self, name, new):
        self.control("POST", "/repository/rename", repository=name, name=new)

    def path(self, name):
        """The bare repository on disk."""
        return self.folder / "repositories" / f"{name}.git"

    def head(self, name, ref="refs/heads/main"):
        """The commit of a ref, None where there is no such ref."""
        return seed.parent(self.path(name), ref)

    def id(self, name):
        """The id of a repository, asked of the mock's API as its owner's installation."""
        context = ssl.create_default_context(cafile=str(self.ca))
        connection = http.client.HTTPSConnection("api.github.com", timeout=60)
        connection.sock = context.wrap_socket(socket.create_connection(("127.0.0.1", self.port)),
                                              server_hostname="api.github.com")
        connection.request("GET", f"/repos/{name}", headers={
            "User-Agent": "test", "Authorization": f"Bearer {self.token(owner=name.partition('/')[0])}"})
        return json.load(connection.getresponse())["id"]
