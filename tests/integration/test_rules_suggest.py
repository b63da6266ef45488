"""`check --suggest`: the rules that it drafts allow what is in the log, and nothing beside it."""
import copy
import json
import subprocess

import pytest
import yaml
from lib.gitlatch import BINARY

OLD, NEW, ZERO = "1" * 40, "2" * 40, "0" * 40


def event(operation, repository, reason="repository", **members):
    return {"ts": "2026-01-01T00:00:00Z", "event": "request", "decision": "deny", "operation": operation,
            "repository": repository, "reason": reason, **members}


def push(repository, *changes):
    """`changes`: (verb, ref)"""
    ids = {"push": (OLD, NEW), "create": (ZERO, NEW), "delete": (OLD, ZERO)}
    return event("push", repository, "ref", status=200, refs=[
        {"ref": ref, "old": ids[verb][0], "new": ids[verb][1]} for verb, ref in changes])


# An event, and what `--explain` is asked of it.
LOG = [
    (event("fetch", "acme/read"), ["fetch acme/read"]),
    (event("lfs", "acme/read", "lfs"), ["lfs download acme/read"]),
    (push("acme/write", ("push", "refs/heads/main"), ("push", "refs/tags/v1")),
     ["push acme/write refs/heads/main", "push acme/write refs/tags/v1"]),
    (push("acme/new", ("create", "refs/heads/agent/a"), ("push", "refs/heads/main")),
     ["create acme/new refs/heads/agent/a", "push acme/new refs/heads/main"]),
    (push("acme/tidy", ("delete", "refs/heads/old")), ["delete acme/tidy refs/heads/old"]),
    (push("acme/all", ("create", "refs/heads/x"), ("delete", "refs/heads/y")),
     ["create acme/all refs/heads/x", "delete acme/all refs/heads/y"]),
    (event("fetch", "acme/all", "fetch"), ["fetch acme/all"]),
    (event("lfs", "acme/media", "lfs", refs=[{"ref": "refs/heads/main"}]), ["lfs upload acme/media refs/heads/main"]),
    (event("lfs", "acme/media", "lfs", refs=[]), ["lfs lock acme/media"]),
    (event("push", "acme/begun", "push", status=403), ["push acme/begun"]),
    (event("other", "acme/page", "anonymous", status=403), []),
    (event("api", "acme/read", None, decision="allow", status=200), ["api GET /repos/acme/read/commits"]),
    (event("fetch", "torvalds/linux", None, decision="anonymous", status=200), []),
    (event("push", "acme/odd", "push_malformed", status=200), []),
]
NOT_IN_THE_LOG = [
    "fetch acme/write", "push acme/read", "push acme/write refs/heads/other", "create acme/write refs/heads/main",
    "delete acme/write refs/heads/main", "create acme/new refs/heads/agent/b", "push acme/tidy refs/heads/old",
    "delete acme/tidy refs/heads/new", "delete acme/all refs/heads/x", "push acme/all refs/heads/y",
    "fetch acme/media", "lfs download acme/media", "push acme/media refs/heads/dev",
    "lfs upload acme/media refs/heads/dev", "push acme/begun refs/heads/main", "fetch acme/odd", "push acme/odd",
    "fetch torvalds/linux", "fetch acme/unseen", "api GET /user", "graphql", "api PUT /repos/acme/write/contents/a",
]


@pytest.fixture
def drafted(folder):
    audit = folder / "audit.jsonl"
    audit.write_text("".join(json.dumps(line) + "\n" for line, _ in LOG))
    done = subprocess.run([BINARY, "check", "--suggest", audit], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done
    return yaml.safe_load(done.stdout)["repositories"]


@pytest.fixture
def allows(folder):
    """allows(rules, question): what `check --explain` exits with says it."""
    def allows(rules, question):
        path = folder / "gitlatch.yaml"
        path.write_text(json.dumps({"credentials": [{"type": "environment", "name": "UNUSED"}],
                                    "repositories": rules, "other_repositories": "deny"}))
        done = subprocess.run([BINARY, "check", "-c", path, "--explain", *question.split()], capture_output=True,
                              text=True, timeout=60)
        assert done.returncode in (0, 1) and done.stderr == "", (question, done)
        assert done.stdout.startswith(f"{question}: {'denied' if done.returncode else 'allowed'}\n"), done
        return done.returncode == 0
    return allows


def without_one_thing(rules):
    """The rules with one grant taken away, in every way: (what, rules)."""
    for index, rule in enumerate(rules):
        yield rule["match"], rules[:index] + rules[index + 1:]
        for key, value in rule.items():
            if key in ("match", "permissions") or value is False:
                continue
            for at in range(len(value)) if isinstance(value, list) else [None]:
                less = copy.deepcopy(rules)
                if at is None or len(value) <= 1:
                    del less[index][key]
                else:
                    del less[index][key][at]
                yield f"{rule['match']} {key} {at}", less
        if rule.get("push") and "create" not in rule:
            less = copy.deepcopy(rules)
            less[index]["create"] = False
            yield f"{rule['match']} create", less


def test_what_is_in_the_log_is_allowed_and_nothing_else(drafted, allows):
    assert [rule["match"] for rule in drafted] == sorted(rule["match"] for rule in drafted)
    for line, questions in LOG:
        for question in questions:
            assert allows(drafted, question), question
    for question in NOT_IN_THE_LOG:
        assert not allows(drafted, question), question


def test_nothing_can_be_taken_away(drafted, allows):
    asked = [question for _, questions in LOG for question in questions]
    less = [(what, rules) for what, rules in without_one_thing(drafted) if not what.startswith("acme/page")]
    assert len(less) >= 15
    for what, rules in less:
        owner = what.split()[0]
        assert not all(allows(rules, question) for question in asked if owner in question), what
