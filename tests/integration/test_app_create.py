"""`gitlatch app create`: from nothing to an App, its key and a configuration, by GitHub's manifest flow."""
import html
import json
import os
import re
import stat
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
import yaml
from lib.gitlatch import BINARY, no_proxy
from lib.process import wait_until
from lib.relay import Relay

PAGE = Path(__file__).resolve().parents[1] / "page"
ASKED = ("--repo", "acme/widgets", "--push", "agent/*", "--permissions", "issues=read,pull_requests=write")


class Creation:
    """A running `gitlatch app create`."""

    def __init__(self, folder, github, *arguments, env=None):
        self.relay = Relay(github.port, proxy=True)
        self.directory = folder / "app"
        self.opened = folder / "opened"
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "https_proxy": self.relay.url, **(env or {})}
        self.process = subprocess.Popen(
            [BINARY, "app", "create", "--trust", github.ca, "--directory", self.directory, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        self.url = None

    def wait_url(self):
        while not self.url:
            line = self.process.stdout.readline()
            assert line, self.process.stderr.read()
            found = re.search(r"http://127[.]0[.]0[.]1:\d+/", line)
            self.url = found and found.group()
        return self.url

    def end(self, text=""):
        """(exit status, stdout, stderr)"""
        out, err = self.process.communicate(text, timeout=60)
        self.relay.close()
        return self.process.returncode, out, err


@pytest.fixture
def create(folder, github):
    made = []

    def create(*arguments, **options):
        made.append(Creation(folder, github, *arguments, **options))
        return made[-1]
    yield create
    for creation in made:
        if creation.process.poll() is None:
            creation.process.kill()
            creation.end()


def get(url, **headers):
    try:
        with no_proxy.open(urllib.request.Request(url, headers=headers), timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def form(url):
    """What the page would post: (action, manifest)."""
    status, page = get(url)
    assert status == 200
    action, value = re.search(r'action="([^"]*)"', page).group(1), re.search(r'name="manifest" value="([^"]*)"', page).group(1)
    return html.unescape(action), html.unescape(value)


def at_github(creation, github, action, manifest):
    """What a person's browser does there: the address to which GitHub sends it back."""
    def post(url, **values):
        done = subprocess.run(["curl", "-s", "-i", "--proxy", creation.relay.url, "--cacert", github.ca, url,
                               *(word for name, value in values.items() for word in ("--data-urlencode", f"{name}={value}")),
                               *([] if values else ["-X", "POST"])], capture_output=True, text=True, check=True)
        return done.stdout
    page = post(action, manifest=manifest)
    button = re.search(r'action="(/settings/apps/create[?][^"]*)"', page)
    assert button, page
    return re.search(r"(?im)^location: (.*?)\r?$", post("https://github.com" + button.group(1))).group(1)


def made(creation, result):
    """Looks at what was left behind; the configuration."""
    code, out, err = result
    assert (code, err) == (0, ""), result
    key, path = creation.directory / "app.pem", creation.directory / "gitlatch.yaml"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600 and "PRIVATE KEY" in key.read_text()
    assert stat.S_IMODE(creation.directory.stat().st_mode) == 0o700
    assert "PRIVATE KEY" not in out and "not-a-secret" not in out
    config = yaml.safe_load(path.read_text())
    assert config["credentials"] == [{"type": "app", "app_id": config["credentials"][0]["app_id"], "private_key": str(key)}]
    assert "https://github.com/apps/gitlatch-mock-" in out and "/installations/new" in out
    assert "the App is installed for nobody" in out, "it was checked"
    return config


def test_from_the_page_to_a_first_clone(create, github, start, folder):
    creation = create(*ASKED, "--no-browser", "--name", "my agent")
    action, text = form(creation.wait_url())
    manifest = json.loads(text)
    assert action.startswith("https://github.com/settings/apps/new?state=")
    assert manifest["default_permissions"] == {"metadata": "read", "contents": "write", "issues": "read",
                                               "pull_requests": "write"}
    assert manifest["name"] == "my agent" and manifest["public"] is False and manifest["hook_attributes"]["active"] is False
    assert manifest["redirect_url"] == creation.url + "created"
    status, page = get(at_github(creation, github, action, text))
    assert status == 200 and "/installations/new" in page
    config = made(creation, creation.end())
    assert config["repositories"] == [{"match": "acme/widgets", "fetch": True, "push": ["refs/heads/agent/*"],
                                       "permissions": {"issues": "read", "pull_requests": "write"}}]
    github.install("acme", int(config["credentials"][0]["app_id"]), permissions=manifest["default_permissions"])
    gitlatch = start(credentials=config["credentials"], repositories=config["repositories"])
    gitlatch.workspace(folder / "workspace").clone("https://github.com/acme/widgets")


@pytest.mark.parametrize("whole", [True, False])
def test_the_code_on_stdin(create, github, whole):
    """Without a display there is no browser; the person pastes the address, or the code in it."""
    creation = create(*ASKED)
    back = at_github(creation, github, *form(creation.wait_url()))
    code = urllib.parse.parse_qs(urllib.parse.urlsplit(back).query)["code"][0]
    made(creation, creation.end((back if whole else code) + "\n"))


def test_an_address_of_another_run_is_not_taken(create, github):
    creation = create("--no-browser")
    back = at_github(creation, github, *form(creation.wait_url()))
    code, _, err = creation.end(re.sub("state=.", "state=x", back) + "\n no code!\n")
    assert code == 1 and "that address is not of this run" in err and "that is no code" in err
    assert "stdin has ended, and no code has come" in err
    assert list(creation.directory.iterdir()) == [], "no empty key stays"


def test_a_foreign_page_cannot_slip_its_own_app_in(create, github):
    """The code of an attacker's App, without the state of this run or with a wrong one."""
    creation = create("--no-browser")
    back = at_github(creation, github, *form(creation.wait_url()))
    plain = back.partition("&state=")[0]
    for url in (plain, plain + "&state=" + "0" * 32, plain + "&state=", back[:-1]):
        status, page = get(url)
        assert status == 403 and "nothing was taken" in page
    assert get(creation.url, Host="evil.test")[0] == 421, "nor learn the state by DNS rebinding"
    assert get(back.replace(re.search("code=([0-9a-f]+)", back).group(), "code=a%2f.."))[0] == 400
    assert list(creation.directory.iterdir()) == [creation.directory / "app.pem"]
    assert get(back)[0] == 200
    made(creation, creation.end())


def test_a_code_that_was_used(create, github):
    creation = create("--no-browser")
    back = at_github(creation, github, *form(creation.wait_url()))
    used = urllib.parse.urlsplit(back)
    code = urllib.parse.parse_qs(used.query)["code"][0]
    done = subprocess.run(["curl", "-s", "--proxy", creation.relay.url, "--cacert", github.ca, "-X", "POST",
                           f"https://api.github.com/app-manifests/{code}/conversions"], capture_output=True, text=True)
    assert "PRIVATE KEY" in done.stdout
    assert get(back)[0] == 502
    code, _, err = creation.end()
    assert code == 1 and "does not know the code: it is good once, and for an hour; begin again" in err


def test_what_is_there_is_not_overwritten(create, folder):
    (folder / "app").mkdir()
    for name in ("app.pem", "gitlatch.yaml"):
        (folder / "app" / name).write_text("mine")
        code, _, err = create("--no-browser").end()
        assert code == 1 and f"{folder}/app/{name}: File exists; name another place with --directory" in err
        assert (folder / "app" / name).read_text() == "mine"
        (folder / "app" / name).unlink()


@pytest.mark.parametrize("arguments, words", [
    (["--push", "x"], "--push needs --repo"), (["--permissions", "issues=read"], "--permissions needs --repo"),
    (["--repo", "acme"], "is not `owner/name`"), (["--repo", "a/b", "--permissions", "issues=owner"], "permissions"),
    (["--organization", "a/../b"], "no name of an organisation"),
    (["--repo", "a/b", "--push", "x", "--permissions", "contents=write"], "accept_bypass"),
])
def test_what_is_wrong_is_found_before_anything_is_made(create, arguments, words):
    creation = create("--no-browser", *arguments)
    code, out, err = creation.end()
    assert (code, out) == (2, "") and words in err and err.count("\n") == 1
    assert not creation.directory.exists()


def test_the_organisation_owns_it(create, github):
    creation = create("--no-browser", "--organization", "acme")
    action, _ = form(creation.wait_url())
    assert action.startswith("https://github.com/organizations/acme/settings/apps/new?state=")


def test_in_a_browser(create, github, folder):
    packages = subprocess.run([PAGE / "setup"], stdout=subprocess.PIPE, text=True)
    if packages.returncode == 3:
        pytest.skip("npm is missing")
    tools = folder / "tools"
    tools.mkdir()
    (tools / "xdg-open").write_text(f'#!/bin/sh\necho "$1" >{folder}/part && mv {folder}/part {folder}/opened\n')
    (tools / "xdg-open").chmod(0o755)
    creation = create(*ASKED, env={"DISPLAY": ":0", "PATH": f"{tools}:{os.environ['PATH']}"})
    wait_until(creation.opened.exists, "the browser")
    url = creation.opened.read_text().strip()
    done = subprocess.run(["node", PAGE / "app.cjs", packages.stdout.strip(), url, str(github.port)], capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["errors"] == [] and found["buttons"] == 1 and found["title"] == "The App is made"
    assert found["asks"] == ["metadata: read", "contents: write", "issues: read", "pull_requests: write"]
    assert found["github"] == "https://github.com/settings/apps/new"
    assert found["link"].startswith("https://github.com/apps/") and found["link"].endswith("/installations/new")
    made(creation, creation.end())
