"""What a workspace is allowed, as it is told: GET /.well-known/gitlatch and `gitlatch rules`."""
import json
import os
import subprocess

from lib.process import free_port, wait_until


BINARY = os.environ.get("GITLATCH_BIN", "")
RULES = [{"match": "acme/widgets", "fetch": True, "push": ["refs/tags/v*", "refs/heads/agent/**"],
          "permissions": {"issues": "read"}}, {"match": "acme/*", "fetch": True}]


def ask(url, *options):
    done = subprocess.run(["curl", "-s", "--noproxy", "*", "-w", "\n%{http_code}", *options, url + "/.well-known/gitlatch"],
                          capture_output=True, text=True, check=True)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def rules(*arguments, proxy):
    return subprocess.run([BINARY, "rules", *arguments], capture_output=True, text=True, timeout=60,
                          env={"PATH": os.environ["PATH"], "HTTPS_PROXY": proxy})


def test_the_first_push_of_who_reads_it_is_right(start, folder):
    gitlatch = start(repositories=RULES)
    status, body = ask(gitlatch.url)
    said = json.loads(body)
    assert status == 200 and said["enforced"] and said["other_repositories"] == "anonymous"
    widgets, others = said["repositories"]
    assert {key: widgets[key] for key in RULES[0]} == RULES[0]
    assert widgets["example_branch"] == "agent/my-change" and "example_push" not in others
    workspace = gitlatch.workspace(folder / "workspace")
    clone = workspace.clone("https://github.com/acme/widgets")
    workspace.commit(clone, {"news": "some"})
    workspace.git(*widgets["example_push"].split()[1:], cwd=clone)
    assert gitlatch.wait_audit(operation="push", decision="allow", status=200)
    assert [each["status"] for each in gitlatch.audit(operation="other")] == [200]


def test_the_published_file_says_the_same_and_is_kept_current(start):
    gitlatch = start(repositories=RULES)
    published = gitlatch.public / "rules.json"
    assert published.read_text() == ask(gitlatch.url)[1] and published.stat().st_mode & 0o777 == 0o644
    gitlatch.reload(repositories=RULES[:1], other_repositories="deny")
    wait_until(lambda: json.loads(published.read_text())["other_repositories"] == "deny", "the new rules")
    assert published.read_text() == ask(gitlatch.url)[1]


def test_it_is_guarded_as_the_gateway_is(start):
    gitlatch = start(repositories=RULES, gateway_hosts=["git.internal"])
    for options in (["-H", "Origin: https://evil.test"], ["-H", "Sec-Fetch-Site: cross-site"], ["-H", "Host: evil.test"]):
        status, body = ask(gitlatch.url, *options)
        assert status == 421 and "acme" not in body
    assert ask(gitlatch.url, "-H", "Sec-Fetch-Site: none")[0] == 200
    assert ask(gitlatch.url, "-H", "Host: git.internal")[0] == 200
    assert ask(gitlatch.url, "-X", "POST")[0] == 404
    assert ask(gitlatch.url, "-I")[0] == 200


def test_many_rules_are_counted_where_they_do_not_fit(start):
    gitlatch = start(repositories=[{"match": f"acme/repository-{i}", "fetch": True, "push": ["refs/heads/agent/*"]}
                                   for i in range(1000)])
    said = json.loads(ask(gitlatch.url)[1])
    assert len(said["repositories"]) + said["repositories_left_out"] == 1000 and len(said["repositories"]) > 100


def test_command_says_it_in_words_and_asks_with_the_password(start, folder):
    password = folder / "password"
    password.write_text("s3cret\n")
    port = free_port()
    gitlatch = start(repositories=RULES, other_repositories="deny", listen=[
        f"127.0.0.1:{free_port()}", {"address": f"127.0.0.1:{port}", "password_file": str(password)}])
    done = rules(proxy=f"http://127.0.0.1:{port}")
    assert done.returncode == 1 and "lacks the password" in done.stderr
    url = f"http://gitlatch:s3cret@127.0.0.1:{port}"
    done = rules(proxy=url)
    assert done.returncode == 0 and done.stderr == ""
    assert "acme/widgets\n  may clone and fetch\n  may push refs/tags/v*, refs/heads/agent/**\n" \
           "  for example: git push origin HEAD:refs/heads/agent/my-change\n" in done.stdout
    assert "acme/*\n  may clone and fetch\n  may not be pushed to\n" in done.stdout
    assert "Any other repository: refused" in done.stdout
    assert json.loads(rules("--json", proxy=url).stdout)["repositories"][1] == RULES[1]


def test_command_says_where_there_is_no_proxy():
    done = rules(proxy="")
    assert done.returncode == 1 and "HTTPS_PROXY is not set" in done.stderr
    done = rules(proxy="http://127.0.0.1:9")
    assert done.returncode == 1 and "does not answer" in done.stderr and done.stderr.count("\n") == 1
