"""`gitlatch check`: what is wrong with a configuration before a workspace meets it, and what its rules say."""
import base64
import json
import os
import subprocess

import pytest
import yaml
from lib.github import APP_ID
from lib.gitlatch import BINARY

HOSTS = ["github.com", "api.github.com", "uploads.github.com"]
RULES = [{"match": "acme/widgets", "fetch": True, "push": ["refs/heads/agent/*"]},
         {"match": "acme/*", "fetch": True}]


@pytest.fixture
def check(folder, github):
    """check(*arguments, **configuration): (exit status, lines of stdout, stderr)"""
    def check(*arguments, env=None, hosts=None, **changes):
        config = {"credentials": [{"type": "app", "app_id": APP_ID, "private_key": str(github.app_key)}],
                  "repositories": RULES, **changes}
        config["github"] = hosts or {"trust": str(github.ca), "connect_to": github.connect_to(), **config.get("github", {})}
        path = folder / "gitlatch.yaml"
        path.write_text(json.dumps(config, indent=1))
        done = subprocess.run([BINARY, "check", "-c", path, *arguments], capture_output=True, text=True, timeout=60,
                              env={"PATH": os.environ["PATH"], **(env or {})})
        return done.returncode, done.stdout.splitlines(), done.stderr
    return check


def failures(lines):
    return [line for line in lines if not line.startswith(("ok    ", "note  "))]


def notes(lines):
    return [line for line in lines if line.startswith("note  ")]


def test_all_is_ok(check, github):
    code, lines, err = check()
    assert (code, failures(lines), notes(lines), err) == (0, [], [], "")
    assert "configuration: " in lines[0] and lines[0].endswith("gitlatch.yaml, 2 rules")
    assert any(line.startswith("ok    app: ") for line in lines)
    assert [line.split()[1] for line in lines[-3:]] == [f"{host}:" for host in HOSTS]
    tokens = github.tokens()
    assert tokens and not any(token in "".join(lines) for token in tokens)


def test_permissions_that_the_installation_was_not_granted(check, github):
    """A misspelt name, or a level too high, would make GitHub refuse each token that asks for it."""
    rules = [{"match": "acme/widgets", "permissions": {"pull_request": "write", "actions": "write", "issues": "write"}},
             {"match": "*/docs", "permissions": {"issues": "read"}}, {"match": "globex/*", "permissions": {"issues": "read"}}]
    code, lines, _ = check(repositories=rules)
    high, typo = failures(lines)
    assert code == 1 and high.startswith("FAIL  app: rule acme/widgets (line ")
    assert "`actions: write`, but acme granted the App `actions: read`; lower it, or ask for it" in high
    assert "`pull_request: write`, which acme did not grant the App; did you mean `pull_requests`?" in typo
    assert len(lines) == 9, "the token, the rules and the hosts are tried all the same"


@pytest.mark.parametrize("match, words", [
    ("initech/*", "the GitHub App is not installed for initech"), ("initech/tps", "not installed"),
    ("umbrella/*", "suspended"), ("umbrella/vault", "suspended"),
    ("hooli/*", "IP allow list"), ("hooli/search", "IP allow list"),
    ("acme/uncovered", "the installation does not cover this repository, or it does not exist"),
    ("acme/typo", "does not exist"), ("acme/old-name", "acme/old-name is now acme/new-name; write that name"),
])
def test_rules_that_can_never_work(check, github, match, words):
    """What a workspace would be told at its first fetch is told before there is one."""
    code, lines, err = check(repositories=[{"match": "acme/widgets", "fetch": True}, {"match": match, "fetch": True}])
    (line,) = failures(lines)
    assert (code, err) == (1, "")
    assert line.startswith(f"FAIL  rule {match} (line ") and words in line and ("ask an " in line or "write that" in line)
    assert not any(token in "".join(lines) for token in github.tokens())


def test_a_rule_that_allows_nothing_or_names_nobody_is_not_tried(check):
    code, lines, _ = check(repositories=[{"match": "initech/*"}, {"match": "*/docs", "fetch": True}])
    assert code == 0 and not any(line.startswith("ok    rules:") for line in lines)


def test_a_rule_is_tried_with_the_next_credential_as_well(check, github):
    first, second = {"type": "app", "app_id": APP_ID, "private_key": str(github.app_key)}, github.app(23456)
    github.install("initech", 23456)
    rules = [{"match": f"{owner}/*", "fetch": True} for owner in ("acme", "initech")]
    code, lines, _ = check(credentials=[first, second], repositories=rules)
    assert code == 0 and "ok    rules: 2 tried with a token for what they name" in lines


def test_of_many_rules_some_are_left_out(check, github):
    rules = [{"match": f"acme/none-{n}", "fetch": True} for n in range(25)]
    code, lines, err = check(repositories=rules)
    assert (code, len(failures(lines)), err) == (1, 20, "")
    assert "ok    rules: 20 tried with a token for what they name, 5 more left out" in lines
    again = [{"match": "acme/widgets", "fetch": True}] * 25
    assert "ok    rules: 1 tried with a token for what it names" in check(repositories=again)[1]


def test_graphql_of_several_owners_is_told(check):
    rules = [{"match": "acme/widgets", "graphql": True}, {"match": "globex/lib", "graphql": True}]
    _, lines, _ = check(repositories=rules)
    assert any(line.startswith("ok    graphql: `graphql: true` is said for several owners") and
               "set `github.default_owner`" in line for line in lines), lines
    _, lines, _ = check(repositories=rules[:1])
    assert not [line for line in lines if "graphql:" in line]


def test_the_first_app_that_an_owner_installed_decides(check, github):
    first = {"type": "app", "app_id": APP_ID, "private_key": str(github.app_key)}
    second = github.app(23456)
    github.install("acme", 23456, permissions={"metadata": "read"})
    assert check(credentials=[first, second])[0] == 0
    code, lines, _ = check(credentials=[second, first])
    assert code == 1 and all(line.startswith("FAIL  app: rule acme/") for line in failures(lines))
    (pinned,) = [one["id"] for one in json.loads(github.control("GET", "/installation")) if one["owner"] == "globex"]
    code, lines, _ = check(credentials=[{**first, "installation": pinned}])
    assert code == 1 and [line.split()[1:3] for line in failures(lines)] == [["rule", "acme/widgets"], ["rule", "acme/*"]], \
        "what is pinned is of another owner"


def test_lines_that_nobody_takes(check, folder):
    check()
    with open("/dev/full", "w") as full:
        done = subprocess.run([BINARY, "check", "-c", folder / "gitlatch.yaml"], stdout=full, stderr=subprocess.PIPE,
                              text=True, timeout=60)
    assert (done.returncode, done.stderr) == (1, "gitlatch check: cannot write to stdout: it is closed or full\n")


def test_what_should_be_known_is_said(check, github, folder):
    secret = folder / "token"
    secret.write_text(github.token(owner="acme") + "\n")
    code, lines, _ = check(credentials=[{"type": "file", "path": str(secret)}], enforce=False)
    assert code == 0
    assert notes(lines)[-1].startswith("note  enforce: is false: what the rules deny is only audited; set it to true")
    assert any(line.startswith("ok    file: ") and "cannot be narrowed" in line for line in lines)


@pytest.mark.parametrize("key, words", [
    ("/nonexistent.pem", "No such file"), ("/dev/null", "/dev/null"),
])
def test_a_key_that_cannot_be_used(check, key, words):
    code, lines, _ = check(credentials=[{"type": "app", "app_id": APP_ID, "private_key": key}])
    assert code == 1 and words in "\n".join(failures(lines))


def mangled(pem, folder):
    """[what it is called, the bytes]: what secret stores, shells, editors and chats make of a key"""
    text, (first, *middle, last) = pem.decode(), pem.decode().strip().split("\n")
    public = subprocess.run(["openssl", "pkey", "-pubout"], input=pem, capture_output=True, check=True).stdout
    der = subprocess.run(["openssl", "pkey", "-outform", "DER"], input=pem, capture_output=True, check=True).stdout
    openssh = folder / "openssh"
    openssh.write_bytes(pem)
    openssh.chmod(0o600)
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "", "-f", openssh], check=True)
    return {
        "line ends are written as \\n": text.strip().replace("\n", "\\n").encode(),
        "line ends are written as \\n ": ('"' + text.replace("\n", "\\n") + '"').encode(),
        "is in quotes": b"'" + pem.strip() + b"'",
        "is on one line": text.strip().replace("\n", " ").encode(),
        "is on one line ": text.strip().replace("\n", "").encode(),
        "encoded in base64": base64.b64encode(pem),
        "lacks its first and last line": "\n".join(middle).encode(),
        "binary form (DER)": der,
        "are indented": text.replace("\n", "\n    ").encode(),
        "UTF-16": text.encode("utf-16"),
        "OpenSSH's form": openssh.read_bytes(),
        "public key": public,
        "is cut off": f"{first}\n{middle[0]}\n".encode(),
        "a token, not a key": b"ghp_" + b"x" * 36,
        "client secret": b"0123456789abcdef" * 2 + b"01234567",
    }


def test_a_mangled_key_is_named_and_its_command_mends_it(check, github, folder):
    key, plain = folder / "KEY", folder / "PLAIN"
    mended = 0
    for name, content in mangled(github.app_key.read_bytes(), folder).items():
        key.write_bytes(content)
        key.chmod(0o600)
        plain.unlink(missing_ok=True)
        code, lines, _ = check(credentials=[{"type": "app", "app_id": APP_ID, "private_key": str(key)}])
        line = "\n".join(failures(lines))
        assert code == 1 and name.strip() in line, (name, line)
        _, mends, command = line.partition("mend it with: ")
        if mends:
            subprocess.run(["bash", "-c", command], cwd=folder, check=True)
            code, lines, _ = check(credentials=[{"type": "app", "app_id": APP_ID, "private_key": str(plain)}])
            assert (code, failures(lines)) == (0, []), name
            mended += 1
    assert mended == 11


def test_a_relative_path_is_told_in_full(check, github, folder, monkeypatch):
    monkeypatch.chdir(folder)
    _, lines, _ = check(credentials=[{"type": "app", "app_id": APP_ID, "private_key": "keys/app.pem"}])
    assert f"private_key: {folder}/keys/app.pem: No such file" in failures(lines)[0]


def test_a_wrong_installation_names_both(check, github):
    app = {"type": "app", "app_id": APP_ID, "private_key": str(github.app_key), "installation": 4242}
    ids = {one["owner"]: one["id"] for one in json.loads(github.control("GET", "/installation"))}
    code, lines, _ = check(credentials=[app])
    (line,) = [line for line in failures(lines) if line.startswith("FAIL  app: ")]
    assert code == 1 and "`installation: 4242`" in line and f"{ids['acme']} (acme)" in line


def test_a_key_of_another_app(check, github):
    other = github.app(23456)
    code, lines, _ = check(credentials=[{**other, "app_id": APP_ID}])
    assert code == 1 and "the private key is not a key of the App that `app_id` names" in failures(lines)[0]


def test_a_variable_that_is_not_set(check):
    _, lines, _ = check(credentials=[{"type": "environment", "name": "SOME_TOKEN"}])
    assert "SOME_TOKEN is not set: `export SOME_TOKEN=TOKEN`" in failures(lines)[0]


def test_a_wrong_app_id(check, github):
    code, lines, _ = check(credentials=[{"type": "app", "app_id": "99999", "private_key": str(github.app_key)}])
    assert code == 1
    assert [line for line in failures(lines) if line.startswith("FAIL  app: ")]
    assert "there is no App with this `app_id`" in failures(lines)[0]
    assert len(failures(lines)) == 1, "the hosts are reached all the same"


def test_a_token_that_github_refuses(check):
    code, lines, _ = check(credentials=[{"type": "environment", "name": "SOME_TOKEN"}],
                           env={"SOME_TOKEN": "ghp_" + "x" * 36})
    assert code == 1 and [line for line in failures(lines) if line.startswith("FAIL  environment: ")]
    assert "make a new one (https://github.com/settings/tokens)" in "\n".join(lines)
    assert "x" * 36 not in "\n".join(lines)


def test_hosts_that_cannot_be_reached(check, github):
    connect_to = github.connect_to() | {"uploads.github.com:443": "127.0.0.1:9"}
    code, lines, _ = check(github={"connect_to": connect_to})
    assert code == 1
    assert len(failures(lines)) == 1 and failures(lines)[0].startswith("FAIL  uploads.github.com: ")
    assert "upstream.proxy" not in failures(lines)[0]


def test_where_nothing_is_reached_a_proxy_may_be_the_way_out(check, github):
    code, lines, _ = check(github={"connect_to": {name: "127.0.0.1:9" for name in github.connect_to()}})
    assert code == 1 and "\n".join(failures(lines)).count("name it in `upstream.proxy`") == 1


def test_a_trust_file_that_is_not_there(check, github):
    code, lines, _ = check(github={"trust": "/nonexistent/roots.pem"})
    assert code == 1
    (line,) = failures(lines)
    assert line.startswith("FAIL  github.trust: /nonexistent/roots.pem: ") and "No such file or directory" in line
    assert "such as /etc/ssl/certs/ca-certificates.crt" in line
    hosts = [{"host": name, "trust": trust} for name, trust in (("github.com", str(github.ca)), ("ghe.test", "/dev/null"))]
    app = {"type": "app", "host": "github.com", "app_id": APP_ID, "private_key": str(github.app_key)}
    code, lines, _ = check(hosts=hosts, credentials=[app])
    (line,) = failures(lines)
    assert code == 1 and line.startswith("FAIL  github[1].trust: /dev/null: ")


def test_a_trust_file_of_a_credential(check, folder):
    credential = {"type": "broker", "url": "https://broker.test", "token_file": "/dev/null", "trust": "/nonexistent/ca.pem"}
    code, lines, _ = check(credentials=[credential])
    (line,) = failures(lines)
    assert code == 1 and line.startswith("FAIL  credentials: credential `broker`: trust: /nonexistent/ca.pem: ")


def test_a_certificate_that_is_not_trusted(check):
    code, lines, _ = check(github={"trust": "/etc/ssl/certs/ca-certificates.crt"})
    assert code == 1 and {line.split()[1] for line in failures(lines)} >= {f"{host}:" for host in HOSTS}
    assert "certificate" in "\n".join(failures(lines))


def test_each_failure_is_told_once(check, github):
    """Neither on stderr as well, nor with its name twice."""
    github.control("POST", "/certificate", use="expired", host="github.com")
    code, lines, err = check()
    assert (code, err) == (1, "")
    (line,) = failures(lines)
    assert line.startswith("FAIL  github.com: certificate: certificate has expired; name the roots that signed it in")
    github.fault(path="/app/*/access_tokens", status=403, body={"message": "Resource not accessible"})
    code, lines, err = check()
    assert (code, err) == (1, "") and len(failures(lines)) == 2


def test_each_host_line_says_how_to_mend_it(check, github):
    connect_to = github.connect_to() | {"uploads.github.com:443": "127.0.0.1:9"}
    code, lines, _ = check(github={"connect_to": connect_to})
    assert code == 1 and "curl -v to the same host" in failures(lines)[0]


def test_remedies_speak_to_the_operator(check):
    """Nobody is sent to the operator by a line that the operator reads."""
    _, lines, _ = check(repositories=[{"match": name, "fetch": True} for name in ("initech/*", "umbrella/x", "acme/typo")])
    assert len(failures(lines)) == 3 and not any("ask the operator" in line for line in lines)
    assert "to the App's installation (Repository access)" in "\n".join(failures(lines))


# What is allowed, but likely not meant: the check says so, and so does the start.

def notices(folder, github):
    key = folder / "open.pem"
    key.write_bytes(github.app_key.read_bytes())
    key.chmod(0o644)
    return {
        "listen": ({"listen": "0.0.0.0:0"}, "asks for no password there; listen on 127.0.0.1, or name a `password_file`"),
        "credentials[0].private_key": ({"credentials": [{"type": "app", "app_id": APP_ID, "private_key": str(key)}]},
                                       f"{key} can be read by everybody (mode 0644); every user of this machine has what it "
                                       f"opens; chmod o-r {key} "),
        "repositories": ({"repositories": []}, "is empty: it allows nothing; no repository is reached with a credential; "
                                               "write a rule"),
        "other_hosts": ({"other_hosts": "deny"}, 'git-lfs waits 36 s for each object, then fails; write other_hosts: '
                                                 '{allow: ["@github-objects"]}'),
        "enforce": ({"enforce": False}, "is false: what the rules deny is only audited; set it to true"),
    }


@pytest.mark.parametrize("key", ["listen", "credentials[0].private_key", "repositories", "other_hosts", "enforce"])
def test_what_is_likely_not_meant_is_told_by_check_and_start(check, start, github, folder, key):
    changes, words = notices(folder, github)[key]
    code, lines, _ = check("--offline", **changes)
    (note,) = notes(lines)
    assert code == 0 and note.startswith(f"note  {key}: ") and words in note
    start(**changes).wait_log(f"{key}: " + note.partition(": ")[2].partition("{")[0])


def test_a_hidden_rule(check, start):
    rules = [{"match": "acme/w*", "fetch": True}, {"match": "acme/*", "fetch": True}, {"match": "acme/widgets", "fetch": True},
             {"match": "*/docs", "fetch": True}, {"match": "ACME/x*y", "fetch": True}]
    _, lines, _ = check("--offline", repositories=rules)
    first, second = notes(lines)
    assert "rule acme/widgets (line " in first and "never decides, since rule acme/w* matches all of it; " \
        "the first match decides; move it before line " in first
    assert "rule acme/x*y" in second and "rule acme/* matches" in second
    start(repositories=rules).wait_log("never decides, since rule acme/w* matches all of it")


@pytest.mark.parametrize("hosts", [["@github-objects"], ["*.s3.amazonaws.com"], ["github-cloud.s3.amazonaws.com", "a.test"]])
def test_hosts_of_lfs_objects_that_are_allowed(check, hosts):
    assert notes(check("--offline", other_hosts={"allow": hosts})[1]) == []
    assert notes(check("--offline", other_hosts={"allow": ["a.test"]})[1]) != []


def test_offline_asks_nobody_and_needs_no_key(check, github):
    code, lines, err = check("--offline", credentials=[{"type": "app", "app_id": "1", "private_key": "/nonexistent.pem"}],
                             github={"connect_to": {name: "127.0.0.1:9" for name in github.connect_to()}})
    assert (code, err, len(lines)) == (0, "", 1) and github.requests() == []
    code, lines, err = check("--offline", listne="127.0.0.1:1")
    assert (code, lines) == (2, []) and "unknown key" in err
    for options in (("--offline", "--explain", "fetch", "a/b"), ("--json", "--suggest", "-")):
        code, lines, err = check(*options)
        assert code == 2 and "go with neither" in err


def test_json(check, github):
    code, lines, err = check("--json", enforce=False)
    said = json.loads("\n".join(lines))
    assert (code, said["ok"], err) == (0, True, "")
    assert [each["subject"] for each in said["findings"]][-3:] == HOSTS
    (note,) = [each for each in said["findings"] if each["state"] == "warning"]
    assert note == {"state": "warning", "subject": "enforce", "what": "is false: what the rules deny is only audited",
                    "remedy": "set it to true once the audit log shows what is needed (`check --suggest`)"}
    assert not any(token in "".join(lines) for token in github.tokens())
    code, lines, _ = check("--json", other_hosts="deny", repositories=[{"match": "initech/tps", "fetch": True}])
    said = json.loads("\n".join(lines))
    (wrong,) = [each for each in said["findings"] if each["state"] == "wrong"]
    assert (code, said["ok"]) == (1, False) and wrong["subject"].startswith("rule initech/tps (line ")
    assert wrong["remedy"].startswith("ask an owner") and "is not installed" in wrong["what"]
    (note,) = [each for each in said["findings"] if each["state"] == "warning"]
    assert note["why"] == "git-lfs waits 36 s for each object, then fails"


def test_a_bad_configuration(check):
    code, lines, err = check(listne="127.0.0.1:1")
    assert (code, lines) == (2, [])
    assert 'listne: unknown key; did you mean "listen"?' in err and err.count("\n") == 1


@pytest.mark.parametrize("words, code, said", [
    ("push acme/widgets refs/heads/agent/fix", 0, ["allowed", "acme/widgets (line "]),
    ("push acme/widgets refs/heads/main", 1, ["denied", "[ref]", "refs/heads/agent/*"]),
    ("push ACME/Widgets.git refs/heads/main", 1, ["denied"]),
    ("delete acme/widgets refs/heads/agent/fix", 1, ["denied", "[delete]"]),
    ("fetch acme/other", 0, ["allowed", "acme/* (line "]),
    ("push acme/other refs/heads/main", 1, ["denied", "[push]"]),
    ("fetch mallory/any", 0, ["anonymous"]),
])
def test_explain(check, words, code, said):
    result, lines, err = check("--explain", *words.split())
    assert (result, err) == (code, "")
    for word in said:
        assert word in "\n".join(lines)


def test_explain_knows_that_nothing_is_enforced(check):
    code, lines, _ = check("--explain", "push", "acme/widgets", "refs/heads/main", enforce=False)
    assert code == 1 and lines[-1] == "enforce is false: it is only audited, and let through"


@pytest.mark.parametrize("words, said", [
    ("", "OPERATION is missing"), ("pull acme/widgets", "`pull` is no OPERATION"),
    ("push widgets refs/heads/x", "`widgets` is not OWNER/NAME"),
    ("create acme/widgets", "after `create`, REF... is missing: write `create OWNER/NAME REF...`; see `gitlatch check --help`"),
    ("fetch acme/widgets refs/heads/x", "after `fetch` there are too many words"),
])
def test_explain_what_is_not_known(check, words, said):
    code, lines, err = check("--explain", *words.split())
    assert (code, lines) == (2, []) and err.count("\n") == 1 and said in err


# --suggest: from an audit log to rules that the configuration takes.

def event(**members):
    return json.dumps({"ts": "2026-01-01T00:00:00Z", "event": "request", "decision": "deny", **members})


def suggest(path, **options):
    return subprocess.run([BINARY, "check", "--suggest", path], capture_output=True, text=True, timeout=30, **options)


def test_suggest(check, folder):
    audit = folder / "audit.jsonl"
    audit.write_text("\n".join([
        event(operation="fetch", repository="acme/widgets", reason="repository", status=403),
        event(operation="push", repository="acme/widgets", reason="ref", status=200, refs=[
            {"ref": "refs/heads/agent/fix", "old": "0" * 40, "new": "1" * 40}])]) + "\n")
    done = suggest(audit)
    assert (done.returncode, done.stderr) == (0, "")
    rules = yaml.safe_load(done.stdout)["repositories"]
    assert [rule["match"] for rule in rules] == ["acme/widgets"]
    code, _, _ = check("--explain", "create", "acme/widgets", "refs/heads/agent/fix", repositories=rules)
    assert code == 0
    assert suggest("-", input=audit.read_text()).stdout == done.stdout


def test_suggest_leaves_torn_lines_out_and_counts_them(folder):
    """As a full disk or a kill leaves them, in the middle and at the end."""
    audit = folder / "audit.jsonl"
    whole = [event(operation="fetch", repository=f"acme/{name}", status=403, reason="repository") for name in "abc"]
    audit.write_text("\n".join([whole[0], whole[1][:40], whole[1], whole[2], whole[2][:-1]]))
    done = suggest(audit)
    assert (done.returncode, done.stderr) == (0, f"gitlatch check: {audit}: 2 lines are torn or no JSON, and left out\n")
    assert [rule["match"] for rule in yaml.safe_load(done.stdout)["repositories"]] == ["acme/a", "acme/b", "acme/c"]


def test_suggest_from_what_is_no_audit_log(folder):
    audit = folder / "audit.jsonl"
    audit.write_text("not JSON\n")
    done = suggest(audit)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"gitlatch check: {audit}: holds no audit event; name a file that `log.audit` wrote\n"
    log = folder / "log"
    line = '{"ts":"2026-01-01T00:00:00Z","level":"info","component":"proxy","message":"listens"}\n'
    log.write_text(line)
    done = suggest(log)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"gitlatch check: {log}: holds no audit event; name a file that `log.audit` wrote\n"
    log.write_text(line + event(operation="fetch", repository="a/b", status=200) + "\n")
    assert "match: a/b" in suggest(log).stdout, "a container's output holds both"
    assert "No such file" in suggest("/nonexistent").stderr
