"""What the commands say: help, version, mistakes, the environment, the probe, the manual, what is installed."""
import json
import os
import re
import socket
import subprocess
import threading
from pathlib import Path

import pytest
import yaml

BINARY = os.environ.get("GITLATCH_BIN", "")
BUILD = Path(BINARY).parents[2] if BINARY else None
SOURCE = Path(__file__).resolve().parents[2]
APP = "credentials: [{type: app, app_id: 1, private_key: /k.pem}]\n"
COMMANDS = re.findall(r"^  (\w+) ", subprocess.run([BINARY, "--help"], capture_output=True, text=True).stdout, re.M)


def gitlatch(*arguments, env=None, **options):
    return subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=90,
                          env={"PATH": os.environ["PATH"], **(env or {})}, **options)


def refused(*arguments, code=2, **options):
    """The one line on stderr of a command that fails."""
    done = gitlatch(*arguments, **options)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.count("\n") == 1 and done.stderr.endswith("\n")
    return done.stderr.rstrip("\n")


@pytest.fixture
def config(tmp_path):
    def write(text):
        path = tmp_path / "gitlatch.yaml"
        path.write_text(text)
        return path
    return write


# Help.

def test_help_lists_every_command():
    assert {"proxy", "run", "broker", "env", "check", "health", "credential", "doctor"} <= set(COMMANDS)
    done = gitlatch("--help")
    assert done.returncode == 0 and done.stdout.startswith("Usage: gitlatch COMMAND")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command):
    done = gitlatch(command, "--help")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.startswith(f"Usage: gitlatch {command}")
    assert max(map(len, done.stdout.splitlines())) <= 82
    assert gitlatch(command, "-h").stdout == done.stdout


def test_version():
    assert re.fullmatch(r"gitlatch \d+\.\d+\.\d+\n", gitlatch("--version").stdout)


def test_help_that_cannot_be_written_is_a_failure():
    with open("/dev/full", "w") as full:
        done = subprocess.run([BINARY, "env", "--help"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "No space left" in done.stderr


# Mistakes: exit 2, one line, and what to do.

@pytest.mark.parametrize("arguments, line", [
    ([], "gitlatch: name a command; see `gitlatch --help`"),
    (["helth"], 'gitlatch: there is no command "helth"; did you mean "health"?'),
    (["xyzzy"], 'gitlatch: there is no command "xyzzy"; see `gitlatch --help`'),
    (["--verion"], 'gitlatch: there is no option "--verion"; see `gitlatch --help`'),
    (["env", "--fromat=sh"],
     "gitlatch env: there is no option --fromat=sh; did you mean --format?; see `gitlatch env --help`"),
    (["env", "-x"], "gitlatch env: there is no option -x; see `gitlatch env --help`"),
    (["env", "--format"], "gitlatch env: the option --format needs a value; see `gitlatch env --help`"),
    (["env", "-c"], "gitlatch env: the option -c needs a value; see `gitlatch env --help`"),
    (["env", "--format", "xml"], 'gitlatch env: --format is sh, json, k8s, fish, dotenv, github-actions or docker, not "xml"; see `gitlatch env --help`'),
    (["env", "more"], 'gitlatch env: there is one argument too many, "more"; see `gitlatch env --help`'),
    (["health", "--ready=yes"], "gitlatch health: the option --ready takes no value; see `gitlatch health --help`"),
    (["health", "--admin", "nowhere"],
     'gitlatch health: "nowhere" is no address with a port, such as 127.0.0.1:9128'),
    (["env", "-c", "/nonexistent"], "gitlatch env: /nonexistent: cannot be opened: No such file or directory; name "
                                    "another file with -c FILE or GITLATCH_CONFIG"),
])
def test_mistakes(arguments, line):
    assert refused(*arguments) == line


def test_a_bad_configuration_names_file_line_and_key(config):
    path = config(APP + "\nlimits:\n  idel: 5m\n")
    assert refused("env", "-c", path) == \
        f'gitlatch env: {path}:4: limits.idel: unknown key; did you mean "idle"?'


def test_the_configuration_is_found(config):
    path = config(APP + "listen: 127.0.0.1:1234\n")
    assert "127.0.0.1:1234" in gitlatch("env", env={"GITLATCH_CONFIG": str(path)}).stdout
    assert "/etc/gitlatch/gitlatch.yaml" in gitlatch("env", env={"GITLATCH_CONFIG": ""}).stderr
    assert "127.0.0.1:1234" in gitlatch("env", f"--config={path}", env={"GITLATCH_CONFIG": "/nonexistent"}).stdout


# env

def shell_environment(script):
    done = subprocess.run(["sh", "-c", script + "\nenv -0"], capture_output=True, text=True, check=True,
                          env={"PATH": os.environ["PATH"], "NO_PROXY": "internal.example"})
    return dict(entry.split("=", 1) for entry in done.stdout.split("\0") if entry)


def test_the_three_formats_say_the_same(config):
    path = config(APP + "listen: 127.0.0.1:4000\nca: {publish: /nonexistent/public}\n")
    given = {"NO_PROXY": "internal.example"}
    as_json = json.loads(gitlatch("env", "-c", path, "--format", "json", env=given).stdout)
    in_shell = shell_environment(gitlatch("env", "-c", path).stdout)
    as_list = yaml.safe_load(gitlatch("env", "-c", path, "--format=k8s", env=given).stdout)
    assert as_json["HTTPS_PROXY"] == as_json["https_proxy"] == "http://127.0.0.1:4000"
    assert as_json["GIT_SSL_CAINFO"] == "/nonexistent/public/bundle.pem"
    assert as_json["NODE_EXTRA_CA_CERTS"] == "/nonexistent/public/bundle.pem"
    assert as_json["NO_PROXY"] == "internal.example,localhost,127.0.0.1"
    assert {entry["name"]: entry["value"] for entry in as_list} == as_json
    assert as_json.items() <= in_shell.items()
    assert not {"HTTP_PROXY", "http_proxy", "ALL_PROXY"} & set(as_json)


def test_the_environment_of_a_credential_helper(config):
    """Beside what GIT_CONFIG_COUNT holds, and once however often a shell reads it."""
    has = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": "Ada"}
    helper = {"credential.https://github.com.usehttppath": "true", "credential.https://github.com.helper": "!gitlatch credential"}
    twice = f'eval "$({BINARY} env --credential)"; eval "$({BINARY} env --credential)"; git config --list --show-scope'
    done = subprocess.run(["sh", "-c", twice], env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **has},
                          capture_output=True, text=True, check=True)
    settings = [line.split("\t")[1] for line in done.stdout.splitlines() if line.startswith("command\t")]
    assert settings == ["user.name=Ada"] + [f"{key}={value}" for key, value in helper.items()]
    as_json = json.loads(gitlatch("env", "--credential", "--format", "json", env=has).stdout)
    as_list = yaml.safe_load(gitlatch("env", "--credential", "--format", "k8s", env=has).stdout)
    assert {entry["name"]: entry["value"] for entry in as_list} == as_json
    assert as_json["GIT_CONFIG_COUNT"] == "3" and as_json["GIT_CONFIG_VALUE_1"] == "true"
    path = config(APP + "github: {host: ghe.test, api: https://ghe.test/api/v3}\n")
    assert "credential.https://ghe.test.helper" in gitlatch("env", "--credential", "-c", path).stdout


@pytest.mark.parametrize("listen, url", [
    ("0.0.0.0:4000", "http://127.0.0.1:4000"), ('"[::]:4000"', "http://[::1]:4000"), ("10.1.2.3:4", "http://10.1.2.3:4"),
    ("[{address: 127.0.0.1:1, mode: transparent}, {address: 127.0.0.1:2, password_file: f}, 127.0.0.1:3]",
     "http://127.0.0.1:3")])
def test_the_address_that_a_workspace_is_told(config, listen, url):
    path = config(APP + f"listen: {listen}\n")
    assert json.loads(gitlatch("env", "-c", path, "--format", "json").stdout)["HTTPS_PROXY"] == url


def test_no_address_to_tell(config):
    path = config(APP + "listen: {address: 127.0.0.1:1, mode: transparent}\n")
    assert "has no address that a workspace could be told" in refused("env", "-c", path, code=1)


# health

class Admin:
    """An admin address that gives one answer and keeps what it was asked."""

    def __init__(self, answer):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.answer = answer
        self.asked = b""
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        client, _ = self.socket.accept()
        with client:
            while b"\r\n\r\n" not in self.asked:
                self.asked += client.recv(4096)
            for part in self.answer:
                client.sendall(part)


def test_health():
    admin = Admin([b"HTTP/1.", b"1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"])
    done = gitlatch("health", "--admin", admin.address)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert admin.asked.startswith(b"GET /healthz HTTP/1.1\r\nHost: " + admin.address.encode() + b"\r\n")


def test_health_ready_and_the_address_of_the_configuration(config):
    admin = Admin([b"HTTP/1.1 200 OK\r\n\r\n"])
    path = config(f"admin: {admin.address}\nlimits: {{idle: not read by a probe}}\n")
    assert gitlatch("health", "--ready", "-c", path).returncode == 0
    assert admin.asked.startswith(b"GET /readyz ")


def test_health_says_what_is_wrong(config):
    admin = Admin([b"HTTP/1.1 503 Service Unavailable\r\n\r\n"])
    assert refused("health", "--admin", admin.address, code=1).startswith("gitlatch health: /healthz answers 503;")
    admin = Admin([b"SSH-2.0-OpenSSH_9.2\r\n"])
    assert "what answers there is not gitlatch" in refused("health", "--admin", admin.address, code=1)
    admin = Admin([b"HTTP/1.1 2"])
    assert "what answers there is not gitlatch" in refused("health", "--admin", admin.address, code=1)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        line = refused("health", "--admin", "127.0.0.1:%d" % closed.getsockname()[1], code=1)
    assert "Connection refused; is `gitlatch proxy` running" in line
    assert "`admin` is off" in refused("health", "-c", config("admin: off\n"))


def test_health_of_the_proxys_own_port(start):
    address = f"127.0.0.1:{start().port}"
    assert refused("health", "--admin", address, code=1) == \
        f"gitlatch health: {address} answers 404 to /healthz: this is no admin address; take that of `admin`, not `listen`"


def test_health_does_not_wait_for_ever():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        line = refused("health", "--admin", "127.0.0.1:%d" % silent.getsockname()[1], code=1)
    assert "no answer: Connection timed out" in line


# The checkout's scripts: what asks for help, or is a mistake, does no work.

@pytest.mark.parametrize("script", ["tests/setup", "tests/demo", "k8s/broker/certificate"])
def test_a_script_tells_its_usage(script, tmp_path):
    def run(option):
        return subprocess.run([SOURCE / script, option], cwd=tmp_path, capture_output=True, text=True, timeout=60)

    for option in ("--help", "-h"):
        done = run(option)
        assert (done.returncode, done.stderr) == (0, "") and f"  {script}" in done.stdout
    done = run("--foo")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{script}: --foo is not an option; see --help\n"
    assert not list(tmp_path.iterdir())


# The manual and what is installed.

def test_the_manual_is_well_formed():
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", BUILD / "proxy/cli/gitlatch.1"], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("", 0)


def test_the_manual_names_every_key_and_reason():
    text = subprocess.run(["mandoc", "-Tascii", BUILD / "proxy/cli/gitlatch.1"], capture_output=True, text=True).stdout
    text = re.sub(".\b", "", text)
    for word in ("limits.tunnel_idle", "credentials[].also_when_refused", "repositories[].max_pack", "wide_token (403)",
                 "push_certificate (403)", "--explain"):
        assert word in text, word
    assert not re.search("@[A-Z]+@", text)


def test_install(tmp_path):
    subprocess.run(["meson", "install", "--no-rebuild", "--quiet", "-C", BUILD, "--destdir", tmp_path], check=True)
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {"usr/local/bin/gitlatch", "usr/local/share/man/man1/gitlatch.1",
                     "usr/local/share/doc/gitlatch/examples/gitlatch.yaml",
                     "usr/local/share/bash-completion/completions/gitlatch.bash",
                     "usr/local/share/zsh/site-functions/_gitlatch",
                     "usr/local/share/fish/vendor_completions.d/gitlatch.fish"}
    example = tmp_path / "usr/local/share/doc/gitlatch/examples/gitlatch.yaml"
    assert "export HTTPS_PROXY='http://127.0.0.1:3128'" in gitlatch("env", "-c", example).stdout


# What is beside a command's own help.

@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_by_either_way(command):
    assert gitlatch("help", command).stdout == gitlatch(command, "--help").stdout


def test_help_of_topics_and_of_nothing():
    assert gitlatch("help", "config").stdout == gitlatch("check", "--help=config").stdout == \
        gitlatch("proxy", "--help=config").stdout != ""
    assert "the rule does not allow to push this ref" in gitlatch("help", "reasons").stdout
    assert gitlatch("version").stdout == gitlatch("--version").stdout
    assert gitlatch("help").stdout == gitlatch("--help").stdout
    assert refused("help", "helth") == 'gitlatch: there is no command "helth"; did you mean "health"?'
    assert "one command or topic" in refused("help", "env", "run")


# The environment in the forms of others.

ODD = "/tmp/it's $HOME \\ \"odd\""


@pytest.fixture
def odd(config):
    return config(APP + "listen: 127.0.0.1:1234\nca: {publish: " + json.dumps(ODD) + "}\n")


def expected_environment(path):
    return json.loads(gitlatch("env", "-c", path, "--format", "json").stdout)


def test_environment_for_docker_and_github_actions(odd):
    wanted = expected_environment(odd)
    assert any(ODD in value for value in wanted.values())
    for name in ("docker", "github-actions"):
        lines = gitlatch("env", "-c", odd, "--format", name).stdout.splitlines()
        assert dict(line.split("=", 1) for line in lines) == wanted


def test_environment_for_dotenv_is_read_by_a_shell_as_it_is(odd):
    text = gitlatch("env", "-c", odd, "--format", "dotenv").stdout
    done = subprocess.run(["sh", "-c", "set -a\n" + text + "env -0"], capture_output=True, text=True, check=True, env={"PATH": os.environ["PATH"]})
    found = dict(item.split("=", 1) for item in done.stdout.split("\0") if item)
    assert {name: found[name] for name in expected_environment(odd)} == expected_environment(odd)


def test_environment_for_fish_quotes_as_fish_does(odd):
    wanted = expected_environment(odd)
    lines = gitlatch("env", "-c", odd, "--format", "fish").stdout.splitlines()
    assert len(lines) == len(wanted)
    for line, (name, value) in zip(lines, wanted.items()):
        quoted = re.fullmatch(rf"set -gx {name} '((?:[^'\\]|\\['\\])*)'", line)
        assert quoted and re.sub(r"\\(.)", r"\1", quoted[1]) == value


# The JSON Schema.

def test_schema_takes_what_the_reader_takes(config):
    import jsonschema
    schema = json.loads(gitlatch("help", "schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    sample = yaml.safe_load((SOURCE / "proxy/cli/gitlatch.yaml").read_text())
    assert not list(validator.iter_errors(sample))
    for text, good in [("", True), ("limits: {idle: 5m}", True), ("limits: {idle: 5}", False),
                       ("limits: {idel: 5m}", False), ("listen: 127.0.0.1:1", True),
                       ("listen: [{address: '127.0.0.1:1', mode: transparent}]", True),
                       ("listen: [{adress: '127.0.0.1:1'}]", False), ("other_hosts: {allow: [x.example]}", True),
                       ("other_hosts: maybe", False), ("enforce: 3", False),
                       ("repositories: [{match: acme/*, push: [refs/heads/agent/*], permissions: {issues: read}}]", True),
                       ("repositories: [{match: acme/*, push: []}]", False),
                       ("repositories: [{match: acme/*, permissions: {issues: all}}]", False)]:
        path = config(APP + text + "\n")
        assert validator.is_valid(yaml.safe_load(path.read_text())) is good, text
        assert (gitlatch("env", "-c", path).returncode != 2) is good, text


def test_schema_describes_every_key():
    schema = json.loads(gitlatch("proxy", "--help=schema").stdout)
    keys = re.findall(r"^([a-z_.]+):", gitlatch("help", "config").stdout, re.M)
    assert len(keys) > 20
    for key in keys:
        node = schema
        for word in key.split("."):
            node = node["properties"][word]
        assert node["description"]


# Shell completion.

def complete(*words):
    script = gitlatch("completion", "bash").stdout + \
        f"\nCOMP_WORDS=({' '.join(repr(word) for word in words)}); COMP_CWORD={len(words) - 1}; _gitlatch; echo \"${{COMPREPLY[@]}}\""
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_commands_options_and_values():
    assert set(COMMANDS) | {"ssh-guard", "help", "version", "--help", "--version"} == set(complete("gitlatch", ""))
    assert complete("gitlatch", "hea") == ["health"]
    assert complete("gitlatch", "env", "--fo") == ["--format"]
    assert complete("gitlatch", "env", "--format", "do") == complete("gitlatch", "env", "--format", "=", "do") == ["dotenv", "docker"]
    assert complete("gitlatch", "env", "--format", "=") == complete("gitlatch", "env", "--format", "")
    assert complete("gitlatch", "proxy", "--help", "=", "s") == ["schema"]
    assert complete("gitlatch", "credential", "g") == ["get"]
    assert complete("gitlatch", "completion", "z") == ["zsh"]
    assert complete("gitlatch", "help", "aud") == ["audit"]
    assert complete("gitlatch", "proxy", "-c", "/etc/hostn") == ["/etc/hostname"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_installed_and_names_every_option(shell):
    script = gitlatch("completion", shell).stdout
    for command in COMMANDS:
        assert re.search(rf"\b{command}\b", script)
        for option in re.findall(r"--([a-z-]+)", gitlatch(command, "--help").stdout.split("\n\n")[-1]):
            assert option in script
    if subprocess.run(["sh", "-c", f"command -v {shell}"], capture_output=True).returncode == 0:
        assert subprocess.run([shell, "-n", "/dev/stdin"], input=script, text=True, capture_output=True).stderr == ""
    assert "bash, zsh and fish" in refused("completion", "tcsh")
