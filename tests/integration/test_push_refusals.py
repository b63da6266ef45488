"""Pushes that the rules refuse, with real git: what the person at the terminal reads, word for word."""
import re

import pytest
from lib import seed
from lib.gitlatch import sanitized
from lib.process import wait_until

WIDGETS = "https://github.com/acme/widgets.git"
RULE = {"match": "acme/widgets", "fetch": True, "push": ["refs/heads/agent/*", "refs/tags/v*"],
        "delete": ["refs/heads/agent/*"]}
REMEDY = {"ref": "push to a ref that matches an allowed pattern",
          "delete": "ask the operator for a `delete` pattern in its rule",
          "create": "push to a ref that exists"}
MEANING = {"ref": "the rule does not allow to push this ref",
           "delete": "the rule does not allow to delete this ref",
           "create": "the rule allows only refs that exist to be updated"}
ALLOWED = {"ref": ["refs/heads/agent/*", "refs/tags/v*"], "delete": ["refs/heads/agent/*"], "create": []}


class Desk:
    """A workspace at a clone, behind a gitlatch with one rule."""

    def __init__(self, gitlatch, workspace, github, *options):
        self.gitlatch, self.workspace, self.github = gitlatch, workspace, github
        self.clone = workspace.clone(WIDGETS, None, *options)

    def git(self, *arguments, **options):
        return self.workspace.git(*arguments, cwd=self.clone, **options)

    def commit(self, branch=None, **files):
        return self.workspace.commit(self.clone, files or {"a": "a"}, branch=branch)

    def refused(self, reason, lines, *arguments, ref, **options):
        """A push that is refused: its last event. `lines`: what git shows for each ref, without the reason;
        `ref`: the first that is refused. Nothing of it may have reached GitHub."""
        before, told = self.refs(), len(self.denials())
        done = self.git("push", *arguments, check=False, **options)
        event = wait_until(lambda: self.denials()[told:], "the event of this push")[0]
        code = f"reason {reason}, request {event['id']}"
        assert done.code == 1 and done.out == "", done
        assert remote_lines(done.err) == [
            f"gitlatch: {MEANING[reason]}: {ref} (rule acme/widgets)",
            *(f"allowed: {pattern}" for pattern in ALLOWED[reason]),
            *(["for example: git push origin HEAD:refs/heads/agent/my-change"] if reason == "ref" else []),
            f"gitlatch: {REMEDY[reason]}", f"gitlatch: {code}"], done
        own, other = f"(gitlatch: {MEANING[reason]} [{code}])", f"(gitlatch: refused with {ref} [{code}])"
        wanted = [line.replace("OWN", own).replace("OTHER", other) for line in lines]
        assert sorted(ref_lines(done.err)) == sorted(wanted), done
        assert re.search(r"^error: failed to push some refs to 'https://github.com/acme/widgets.git'$", done.err, re.M)
        for word in ("Everything up-to-date", "RPC failed", "fatal:", "send-pack", "curl"):
            assert word not in done.all, done
        assert event["reason"] == reason and event["rule"] == "acme/widgets" and event["status"] == 200
        assert not self.pushes() and self.refs() == before, "no command and no byte of the pack reached GitHub"
        return event

    def denials(self):
        return self.gitlatch.audit(operation="push", decision="deny")

    def refs(self):
        return seed.git(self.github.path("acme/widgets"), "for-each-ref")

    def pushes(self):
        return [request for request in self.github.requests(method="POST")
                if request.path.endswith("git-receive-pack")]


def remote_lines(text):
    return [line.removeprefix("remote: ").rstrip() for line in text.splitlines() if line.startswith("remote: ")]


def ref_lines(text):
    """The lines of refs, their columns joined by one space."""
    return [" ".join(line.split()) for line in text.splitlines() if line.startswith(" ! ")]


@pytest.fixture
def desk(start, folder, github):
    def desk(*options, **rule):
        gitlatch = start(repositories=[{**RULE, **rule}])
        return Desk(gitlatch, gitlatch.workspace(folder / "workspace"), github, *options)
    return desk


def test_a_small_push(desk, github):
    at = desk()
    before = github.head("acme/widgets")
    commit = at.commit()
    event = at.refused("ref", ["! [remote rejected] main -> main OWN"], "origin", "main", ref="refs/heads/main")
    assert event["refs"] == [{"ref": "refs/heads/main", "old": before, "new": commit}]


def test_a_small_push_over_http_1_1_to_the_letter(desk):
    """As above with git told to speak HTTP/1.1 and to use the old protocol."""
    at = desk()
    at.commit()
    for version in ("0", "1", "2"):
        at.refused("ref", ["! [remote rejected] main -> main OWN"], "origin", "main", ref="refs/heads/main",
                   env={"GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "http.version", "GIT_CONFIG_VALUE_0": "HTTP/1.1",
                        "GIT_CONFIG_KEY_1": "protocol.version", "GIT_CONFIG_VALUE_1": version})


def test_a_push_that_is_chunked_and_probed_first(desk):
    at = desk()
    at.git("config", "http.postBuffer", "1000")
    at.commit(noise=seed.noise(300_000))
    at.refused("ref", ["! [remote rejected] main -> main OWN"], "origin", "main", ref="refs/heads/main")


@pytest.mark.slow
def test_a_push_of_100_mb(desk):
    """It is read to its end at full speed and forgotten: that costs no more than to pass it on, and no memory."""
    at = desk()
    at.git("config", "core.compression", "0")
    at.commit(one=seed.noise(50 << 20, seed=1), two=seed.noise(50 << 20, seed=2))
    process = at.gitlatch.process
    process.reset_peak()
    before, begun = process.peak_kib(), process.cpu_seconds()
    event = at.refused("ref", ["! [remote rejected] main -> main OWN"], "origin", "main", ref="refs/heads/main")
    assert event["bytes_up"] > 100 << 20, "it is read to its end"
    drained, grown = process.cpu_seconds() - begun, process.peak_kib() - before
    begun = process.cpu_seconds()
    at.git("push", "--quiet", "origin", "main:agent/large")
    passed = process.cpu_seconds() - begun
    if not sanitized():
        assert grown <= 2 << 10, f"{grown} KiB more for 100 MB"
        assert drained <= 1.5 * passed + 0.1, f"{drained} s to drain it, {passed} s to pass it on"


@pytest.mark.slow
def test_github_failing_in_the_middle_of_a_large_push(desk):
    """An early answer, a broken connection: the push is still read to its end, and refused in words."""
    at = desk(push=True)
    at.git("config", "core.compression", "0")
    at.commit(noise=seed.noise(20 << 20))
    for fault, said in (({"status": 403, "after_body": 1 << 20, "body": "quota is used up"},
                         "GitHub answered 403: quota is used up"),
                        # What it closes with bytes unread may be lost.
                        ({"status": 500, "after_body": 1 << 20, "close": True},
                         ("GitHub answered 500", "the connection to GitHub broke")),
                        ({"after_body": 1 << 20, "reset": True}, "the connection to GitHub broke")):
        headers = {"headers": {"Content-Type": "text/plain"}} if "body" in fault else {}
        at.github.fault(method="POST", path="*/git-receive-pack", **fault, **headers)
        done = at.git("push", "origin", "main", check=False)
        at.github.heal()
        line, = ref_lines(done.err)
        begins = tuple(f"! [remote rejected] main -> main (gitlatch: {words}"
                       for words in ([said] if isinstance(said, str) else said))
        assert done.code == 1 and line.startswith(begins), (fault, done)
        assert "Everything up-to-date" not in done.all and "RPC failed" not in done.all
    at.git("push", "--quiet", "origin", "main")


def test_from_a_shallow_clone(desk):
    at = desk("--depth=1")
    assert at.git("rev-parse", "--is-shallow-repository").out == "true\n"
    at.commit()
    at.refused("ref", ["! [remote rejected] main -> main OWN"], "origin", "main", ref="refs/heads/main")
    at.git("push", "--quiet", "origin", "main:agent/shallow")
    assert at.github.head("acme/widgets", "refs/heads/agent/shallow") == at.workspace.head(at.clone)


def test_a_force_push(desk):
    at = desk()
    at.git("reset", "--quiet", "--hard", "HEAD~1")
    at.commit()
    at.refused("ref", ["! [remote rejected] main -> main OWN"], "--force", "origin", "main", ref="refs/heads/main")
    at.refused("ref", ["! [remote rejected] main -> main OWN"], "--force-with-lease", "origin", "main",
               ref="refs/heads/main")


def test_a_delete(desk):
    at = desk()
    event = at.refused("delete", ["! [remote rejected] feature OWN"], "--delete", "origin", "feature",
                       ref="refs/heads/feature")
    assert event["refs"] == [{"ref": "refs/heads/feature", "old": at.github.head("acme/widgets", "refs/heads/feature"),
                              "new": "0" * 40}]
    at.refused("delete", ["! [remote rejected] v1.0.0 OWN"], "origin", ":refs/tags/v1.0.0", ref="refs/tags/v1.0.0")
    at.git("push", "--quiet", "origin", "HEAD:refs/heads/agent/gone")
    at.git("push", "--quiet", "--delete", "origin", "agent/gone")
    assert at.github.head("acme/widgets", "refs/heads/agent/gone") is None


def test_several_refs_of_which_one_is_forbidden(desk):
    """An allowed ref is refused with the forbidden one, and says with which."""
    at = desk()
    at.commit()
    at.refused("ref", ["! [remote rejected] HEAD -> agent/a OTHER", "! [remote rejected] HEAD -> release OWN",
                       "! [remote rejected] HEAD -> agent/z OTHER"],
               "origin", "HEAD:refs/heads/agent/a", "HEAD:refs/heads/release", "HEAD:refs/heads/agent/z",
               ref="refs/heads/release")


def test_an_atomic_push(desk):
    at = desk()
    at.commit()
    at.refused("ref", ["! [remote rejected] HEAD -> agent/a OTHER", "! [remote rejected] main -> main OWN"],
               "--atomic", "origin", "HEAD:refs/heads/agent/a", "main", ref="refs/heads/main")
    at.git("push", "--quiet", "--atomic", "origin", "HEAD:refs/heads/agent/a", "HEAD:refs/heads/agent/b")
    assert at.github.head("acme/widgets", "refs/heads/agent/b") == at.workspace.head(at.clone)


def test_tags(desk):
    at = desk()
    at.git("tag", "nightly")
    at.git("tag", "-a", "release-1", "-m", "a tag with a message")
    at.refused("ref", ["! [remote rejected] nightly -> nightly OWN",
                       "! [remote rejected] release-1 -> release-1 OWN"], "origin", "--tags", ref="refs/tags/nightly")
    at.git("tag", "--delete", "nightly", "release-1")
    at.git("tag", "-a", "v2", "-m", "two")
    at.git("push", "--quiet", "origin", "--tags")
    assert at.github.head("acme/widgets", "refs/tags/v2")


def test_notes(desk):
    at = desk()
    at.git("notes", "add", "-m", "seen", "HEAD")
    at.refused("ref", ["! [remote rejected] refs/notes/commits -> refs/notes/commits OWN"],
               "origin", "refs/notes/commits", ref="refs/notes/commits")


def test_a_mirror(desk):
    """It creates what is here and deletes what is not: each ref has its own reason."""
    at = desk()
    at.commit()
    at.git("update-ref", "-d", "refs/remotes/origin/HEAD")
    done = at.git("push", "--mirror", "origin", check=False)
    event = at.gitlatch.wait_audit(operation="push", decision="deny")
    lines = ref_lines(done.err)
    assert done.code == 1 and len(lines) == len(event["refs"]) >= 3, done
    for reason, line in (("ref", "main -> main"), ("delete", "feature")):
        assert f"! [remote rejected] {line} (gitlatch: {MEANING[reason]} [reason {reason}, request {event['id']}])" \
            in lines, done
    assert remote_lines(done.err)[-1] == f"gitlatch: reason {event['reason']}, request {event['id']}"
    assert "Everything up-to-date" not in done.all and not at.pushes()


def test_porcelain_and_quiet(desk):
    at = desk()
    at.commit()
    done = at.git("push", "--porcelain", "origin", "main", check=False)
    assert "!\trefs/heads/main:refs/heads/main\t[remote rejected] (gitlatch: the rule does not allow" in done.out
    done = at.git("push", "--quiet", "origin", "main", check=False)
    assert done.code == 1 and "! [remote rejected] main -> main (gitlatch: " in done.err
    assert not at.pushes()


def test_a_script_sees_the_exit_status(desk):
    at = desk()
    at.commit()
    done = at.workspace.run("sh", "-c", "git push -q origin main 2>/dev/null; echo $?", cwd=at.clone)
    assert done.out == "1\n"


def test_only_refs_that_exist(desk):
    at = desk(push=["refs/heads/*"], create=False)
    at.commit()
    at.git("push", "--quiet", "origin", "main")
    assert at.github.head("acme/widgets") == at.workspace.head(at.clone)
    at.github.control("DELETE", "/record")
    at.refused("create", ["! [remote rejected] main -> fresh OWN"], "origin", "main:fresh", ref="refs/heads/fresh")


# Signs anything, as git wants to hear it.
SIGNER = """#!/bin/sh
cat >/dev/null
printf '\\n[GNUPG:] SIG_CREATED D 1 8 00 1 AA\\n' >&2
printf -- '-----BEGIN PGP SIGNATURE-----\\n\\nnot one\\n-----END PGP SIGNATURE-----\\n'
"""


def test_a_signed_push_is_refused_by_name(desk):
    """GitHub does not offer it, so git does not even ask; where it were offered, it is refused all the same."""
    at = desk()
    at.commit()
    done = at.git("push", "--signed", "origin", "main", check=False)
    assert "the receiving end does not support --signed push" in done.err and not at.pushes()
    seed.git(at.github.path("acme/widgets"), "config", "receive.certNonceSeed", "seed")
    signer = at.workspace.folder / "signer"
    signer.write_text(SIGNER)
    signer.chmod(0o755)
    for ref in ("main:refs/heads/main", "main:refs/heads/agent/signed"):
        before = at.refs()
        done = at.git("-c", f"gpg.program={signer}", "-c", "user.signingkey=any", "push", "--signed", "origin", ref,
                      check=False)
        event = at.gitlatch.wait_audit(operation="push", reason="push_certificate")
        assert done.code == 1 and remote_lines(done.err) == [
            "gitlatch: a signed push (push certificate) cannot be decided", "gitlatch: push without --signed",
            f"gitlatch: reason push_certificate, request {at.denials()[-1]['id']}"], done
        assert "unpack failed: gitlatch: a signed push (push certificate) cannot be decided [reason" in done.err
        assert "Everything up-to-date" not in done.all and "RPC failed" not in done.all
        assert event["decision"] == "deny" and not at.pushes() and at.refs() == before


def test_push_options(desk):
    at = desk()
    at.commit()
    seed.git(at.github.path("acme/widgets"), "config", "receive.advertisePushOptions", "true")
    at.refused("ref", ["! [remote rejected] main -> main OWN"], "-o", "ci.skip", "-o", "b=c d", "origin", "main",
               ref="refs/heads/main")
    at.git("push", "--quiet", "-o", "ci.skip", "origin", "main:agent/option")
    assert at.github.head("acme/widgets", "refs/heads/agent/option") == at.workspace.head(at.clone)


def test_a_wiki_is_under_the_rules_of_its_repository(desk):
    at = desk()
    wiki = at.workspace.clone("https://github.com/acme/widgets.wiki.git")
    at.workspace.commit(wiki, {"Home.md": "hello"})
    done = at.workspace.git("push", "origin", "HEAD:refs/heads/master", cwd=wiki, check=False)
    assert f"remote: gitlatch: {MEANING['ref']}: refs/heads/master (rule acme/widgets)" in done.err
    at.workspace.git("push", "--quiet", "origin", "HEAD:refs/heads/agent/wiki", cwd=wiki)
    assert {request.path for request in at.pushes()} == {"/acme/widgets.wiki.git/git-receive-pack"}
    assert all(request.scope["repository_ids"] == [at.github.id("acme/widgets")] for request in at.pushes())


def test_the_metric_counts_each(desk):
    at = desk()
    at.commit()
    for _ in range(3):
        at.git("push", "origin", "main", check=False)
    assert at.gitlatch.metrics().sum("gitlatch_denials_total", reason="ref") == 3
    assert at.gitlatch.metrics().sum("gitlatch_requests_total", operation="push", decision="deny", status="200") == 3
