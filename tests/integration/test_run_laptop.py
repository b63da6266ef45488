"""`gitlatch run` on a laptop: no configuration, a company's network, and the user's own gitconfig."""
import base64
import json
import resource
import subprocess
from contextlib import closing

import pytest
from conftest import ACME
from lib import leaks
from lib.certificates import Authority
from lib.github import APP_ID
from lib.gitlatch import BINARY
from lib.relay import Relay
from lib.workspace import Workspace

WIDGETS = "https://github.com/acme/widgets.git"


@pytest.fixture
def company(github):
    """A network whose only way out is a proxy that wants a password."""
    authorization = "Basic " + base64.b64encode(b"ada:pa:ss w@rd").decode()
    refusal = b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"
    with closing(Relay(github.port, proxy=True, authorization=authorization, refusal=refusal)) as proxy:
        yield proxy


@pytest.fixture
def laptop(folder, github, company):
    """What the user has: a token, the company's proxy, and the CA of what comes through it. No configuration."""
    return Workspace(folder / "laptop", GITHUB_TOKEN=github.token(owner="acme"), SSL_CERT_FILE=str(github.ca),
                     HTTPS_PROXY=company.url.replace("://", "://ada:pa%3Ass%20w%40rd@"))


def run(workspace, *words, **options):
    return workspace.run(BINARY, "run", *words, **options)


def test_the_callers_proxy_and_ca_are_taken_over(laptop, github, company):
    done = run(laptop, "--", "sh", "-c", f"git clone --quiet {WIDGETS} && env")
    assert laptop.head(laptop.folder / "widgets") == github.head("acme/widgets")
    assert [head.split()[1] for head in company.asked] == ["github.com:443"] * len(company.asked) != []
    assert "GITLATCH=1\n" in done.out and "pa%3A" not in done.out, "the command sees our proxy, not the password of theirs"
    assert not leaks.find_in(done.all.encode(), github.tokens())


def test_the_bundle_holds_the_callers_ca(laptop, github, folder):
    other = Authority(folder / "other")
    laptop.env["NODE_EXTRA_CA_CERTS"] = str(other.ca)
    bundle = run(laptop, "--", "sh", "-c", 'cat "$SSL_CERT_FILE"').out
    assert other.ca.read_text().strip() in bundle and github.ca.read_text().strip() in bundle


def test_no_proxy_of_the_caller_is_honoured(laptop, company):
    laptop.env["NO_PROXY"] = "github.com"
    failed = run(laptop, "--", "git", "ls-remote", WIDGETS, check=False)
    assert company.asked == [], failed


def test_a_ca_counts_only_toward_the_proxy(laptop, github):
    """The environment's CA would else vouch for GitHub on every network."""
    config = laptop.folder / "direct.yaml"
    config.write_text(json.dumps({"github": {"connect_to": github.connect_to()}}))
    del laptop.env["HTTPS_PROXY"]
    failed = run(laptop, "-c", config, "--", "git", "ls-remote", WIDGETS, check=False)
    assert "certificate" in failed.err, failed


@pytest.mark.parametrize("url", ["socks5://127.0.0.1:1080", "http://"])
def test_a_proxy_that_cannot_be_used_is_named(laptop, url):
    laptop.env["HTTPS_PROXY"] = url
    failed = run(laptop, "--", "true", check=False)
    assert failed.code == 1 and "HTTPS_PROXY cannot be used" in failed.err and url[:6] in "socks5http://", failed


def test_rules_of_the_command_line(laptop, github):
    script = f"""set -e
        git clone --quiet {WIDGETS} w && cd w
        git push --quiet origin HEAD:refs/heads/agent/x
        git push origin HEAD:refs/heads/forbidden && exit 9
        git ls-remote https://github.com/acme/tools && exit 9
        exit 0"""
    audit = laptop.folder / "events.jsonl"
    done = run(laptop, "--repo", "acme/widgets", "--push", "agent/*", "--audit", audit, "--summary",
               "--", "sh", "-c", script)
    assert github.head("acme/widgets", "refs/heads/agent/x") and not github.head("acme/widgets", "refs/heads/forbidden")
    assert "pushed   acme/widgets refs/heads/agent/x" in done.err
    assert "refused  push of acme/widgets refs/heads/forbidden" in done.err
    assert "refused  fetch of acme/tools" in done.err
    events = [json.loads(line) for line in audit.read_text().splitlines()]
    assert {event["decision"] for event in events if event["event"] == "request"} == {"allow", "deny"}


def test_a_summary_leaves_no_file(laptop):
    before = sorted(laptop.folder.iterdir())
    done = run(laptop, "--summary", "--", "git", "ls-remote", WIDGETS)
    assert "fetched  acme/widgets" in done.err and sorted(laptop.folder.iterdir()) == before


def test_rules_and_a_configuration_exclude_each_other(laptop):
    for words, said in ((["-c", "/x", "--repo", "a/b"], "leave out -c"), (["--push", "x"], "--push needs --repo")):
        failed = run(laptop, *words, "--", "true", check=False)
        assert failed.code == 2 and said in failed.err, failed


def test_a_low_hard_limit_lowers_the_default(laptop):
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
    done = subprocess.run([BINARY, "run", "--", "git", "ls-remote", WIDGETS], env=laptop.env, preexec_fn=limit,
                          capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done


@pytest.fixture
def fake_ssh(laptop):
    """An ssh that leaves a trace, and knows an alias."""
    binaries = laptop.folder / "bin"
    binaries.mkdir()
    (binaries / "ssh").write_text('#!/bin/sh\nif [ "$1" = -G ]; then shift; case "$*" in *alias*) echo hostname GitHub.com;; '
                                  '*) echo "hostname other.example";; esac; exit; fi\n'
                                  f'echo "$@" >> {laptop.folder}/ssh-ran\nexit 255\n')
    (binaries / "ssh").chmod(0o755)
    laptop.env["PATH"] = f"{binaries}:{laptop.env['PATH']}"
    return laptop.folder / "ssh-ran"


@pytest.mark.parametrize("setting,operation", [
    ("url.git@github.com:.insteadOf https://github.com/", "fetch"),
    ("url.ssh://git@ssh.github.com:443/.insteadOf https://github.com/acme/", "fetch"),
    ("url.git@github.com:.pushInsteadOf https://github.com/", "push"),
    ("url.git@alias:.pushInsteadOf https://github.com/acme", "push"),
])
def test_no_setting_of_the_users_leads_git_past_us(laptop, fake_ssh, setting, operation):
    run(laptop, "--", "git", "clone", "--quiet", WIDGETS, "w")
    laptop.git("config", "--global", *setting.split())
    laptop.git("config", "--global", "core.sshCommand", "ssh -v")
    words = {"fetch": ["fetch"], "push": ["push", "origin", "HEAD:refs/heads/agent/x"]}[operation]
    failed = run(laptop, "--", "git", "-C", "w", *words, check=False)
    assert not fake_ssh.exists() and setting.split()[0].lower() in failed.err.lower(), failed
    assert ".gitconfig" in failed.err and "refused" in failed.err


def test_ssh_to_other_hosts_goes_on_as_the_user_wants_it(laptop, fake_ssh):
    run(laptop, "--", "git", "ls-remote", "ssh://git@other.example:2222/x", check=False)
    assert "2222" in fake_ssh.read_text() and "other.example" in fake_ssh.read_text()
    laptop.git("config", "--global", "core.sshCommand", "ssh -o Own=1")
    run(laptop, "--", "git", "ls-remote", "git@other.example:x", check=False)
    assert "-o Own=1" in fake_ssh.read_text()
    laptop.env["GIT_SSH_COMMAND"] = "ssh -o 'Env=a b'"
    run(laptop, "--", "git", "ls-remote", "git@other.example:x", check=False)
    assert "-o Env=a b" in fake_ssh.read_text()
