"""`gitlatch credential`: real git, without a proxy, asks the broker for its tokens and its other helpers where there are
none."""
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from lib import leaks
from lib.direct import Direct
from lib.gitlatch import BINARY
from lib.process import free_port

WIDGETS = "https://github.com/acme/widgets.git"
HOLDER = {"audience": "gitlatch-credential", "namespace": "team-a", "service_account": "workspace"}
WRITER = [{**HOLDER, "repositories": [{"match": "acme/*", "fetch": True, "push": True, "delete": True}]}]
READER = [{**HOLDER, "repositories": [{"match": "acme/*", "fetch": True, "push": ["refs/heads/agent/*"]}]}]
QUESTION = "protocol=https\nhost=github.com\npath=acme/widgets.git\n\n"
OPERATOR = "!f() { test $1 = get || return 0; echo asked >>$HOME/operator; echo username=x-access-token; echo password=$OPERATOR_TOKEN; }; f"


@pytest.fixture
def direct(folder, github):
    """A workspace that reaches the mock without gitlatch, and holds no credential."""
    direct = Direct(folder / "workspace", github)
    (direct.folder / "bin").mkdir()
    (direct.folder / "bin/gitlatch").symlink_to(BINARY)
    direct.env["PATH"] = f"{direct.folder}/bin:{direct.env['PATH']}"
    yield direct
    direct.proxy.close()


def show(workspace, token):
    """Puts a service-account token where the helper finds it."""
    (workspace.folder / "sa-token").write_text(token)


@pytest.fixture
def helped(direct, kubernetes, authority):
    """Set up by `gitlatch env --credential`, for the broker that `use` names."""
    show(direct, kubernetes.issue(audiences=["gitlatch-credential"]))
    printed = direct.run("gitlatch", "env", "--credential", "--format", "json").out
    direct.env.update(json.loads(printed), GITLATCH_TOKEN_FILE=str(direct.folder / "sa-token"),
                      GITLATCH_TRUST=str(authority.ca))

    def use(url):
        direct.env["GITLATCH_BROKER"] = url
        return direct
    return use


def ask(workspace, question=QUESTION, *options, **run):
    return workspace.run("gitlatch", "credential", *options, "get", input=question, **run)


def nothing(result):
    """The one sentence on stderr, of an answer that holds nothing and is no failure."""
    assert (result.code, result.out) == (0, ""), str(result)
    assert result.err.startswith("gitlatch credential: ") and result.err.count("\n") == 1, result.err
    return result.err


def fields(result):
    assert result.code == 0 and result.err == "", str(result)
    return dict(line.split("=", 1) for line in result.out.splitlines())



# git with a token of the broker's.

def test_git_clones_and_pushes_by_the_broker(start_broker, helped, github):
    broker = start_broker(grants=WRITER)
    workspace = helped(broker.broker_url)
    clone = workspace.clone(WIDGETS)
    head = workspace.commit(clone, {"new.txt": "new\n"}, branch="topic")
    workspace.git("push", "--quiet", "origin", "topic", cwd=clone)
    assert github.head("acme/widgets", "refs/heads/topic") == head
    assert len(github.tokens()) == 1, "the broker keeps it"
    assert not leaks.find_in(b"".join(path.read_bytes() for path in leaks.files_under(broker.folder, workspace.folder)),
                             github.tokens())


def test_where_a_proxy_would_have_to_narrow_it_the_token_only_reads(start_broker, helped, github):
    """And the broker had nothing to refuse: no event and no metric tells of a denial for a fetch that is granted."""
    broker = start_broker(grants=READER)
    workspace = helped(broker.broker_url)
    clone = workspace.clone(WIDGETS)
    workspace.commit(clone, {"new.txt": "new\n"}, branch="agent/topic")
    done = workspace.git("push", "origin", "agent/topic", cwd=clone, check=False)
    assert github.head("acme/widgets", "refs/heads/agent/topic") is None and "403" in done.err
    assert [event["scope"] for event in broker.audit(event="request", status=200)][0] == "acme/widgets contents:read"
    assert broker.audit(decision="deny") == [] and broker.metrics().sum("gitlatch_denials_total") == 0


def test_workflows_can_be_pushed_where_that_is_granted(start_broker, helped, github):
    grants = [{**HOLDER, "repositories": [{"match": "acme/*", "fetch": True, "push": True, "delete": True,
                                           "permissions": {"workflows": "write", "issues": "write"}}]}]
    broker = start_broker(grants=grants)
    workspace = helped(broker.broker_url)
    clone = workspace.clone(WIDGETS)
    workspace.commit(clone, {".github/workflows/ci.yml": "on: push\n"}, branch="topic")
    workspace.git("push", "--quiet", "origin", "topic", cwd=clone)
    assert [event["scope"] for event in broker.audit(event="request", status=200)][0] == \
        "acme/widgets contents:write,workflows:write", "issues are not git's"


def test_what_git_is_told(start_broker, helped, github):
    workspace = helped(start_broker(grants=WRITER).broker_url)
    before = int(time.time())
    given = fields(ask(workspace))
    assert given.keys() == {"username", "password", "password_expiry_utc"}
    assert given["username"] == "x-access-token" and given["password"] == github.tokens()[-1]
    assert before + 3500 < int(given["password_expiry_utc"]) < before + 3700
    assert workspace.ls_remote(token=given["password"]).code == 0


@pytest.mark.parametrize("path", ["acme/widgets", "acme/widgets.git/info/lfs", "acme/widgets.wiki.git", "ACME/Widgets.git"])
def test_paths_of_a_repository(start_broker, helped, path):
    workspace = helped(start_broker(grants=WRITER).broker_url)
    assert "password" in fields(ask(workspace, QUESTION.replace("acme/widgets.git", path)))


def test_a_renamed_repository_is_asked_for_by_its_new_name(start_broker, helped, github):
    workspace = helped(start_broker(grants=WRITER).broker_url)
    done = ask(workspace, QUESTION.replace("widgets", "old-name"))
    assert f"password={github.tokens()[-1]}\n" in done.out
    assert done.err == "gitlatch credential: acme/old-name is now acme/new-name; change the remote's URL\n"


# git goes on to its next helper.

@pytest.fixture
def operator(direct, github):
    """The operator's own token, behind gitlatch."""
    direct.git("config", "--global", "credential.helper", OPERATOR)
    direct.env["OPERATOR_TOKEN"] = github.token(owner="acme")
    return direct.home / "operator"


def last(workspace):
    """git asks the helpers of the environment after those of files: ours first, as a user would write it."""
    for number in range(int(workspace.env.pop("GIT_CONFIG_COUNT"))):
        key, value = (workspace.env.pop(f"GIT_CONFIG_{part}_{number}") for part in ("KEY", "VALUE"))
        workspace.git("config", "--global", "--add", key, value)
    operator = workspace.git("config", "--global", "--get", "credential.helper").out.strip()
    workspace.git("config", "--global", "--unset", "credential.helper")
    workspace.git("config", "--global", "--add", "credential.https://github.com.helper", operator)


def test_the_next_helper_is_asked_while_the_broker_is_down(helped, operator, github):
    workspace = helped(f"https://127.0.0.1:{free_port()}")
    last(workspace)
    done = workspace.git("ls-remote", WIDGETS)
    assert operator.read_text() == "asked\n" and github.head("acme/widgets") in done.out
    assert "gitlatch credential: " in done.err and "cannot be reached" in done.err, "the user is told why"


def test_the_next_helper_is_not_asked_while_the_broker_serves(start_broker, helped, operator):
    workspace = helped(start_broker(grants=WRITER).broker_url)
    last(workspace)
    workspace.git("ls-remote", WIDGETS)
    assert not operator.exists()


def test_the_next_helper_is_asked_where_the_broker_refuses(start_broker, helped, operator, github):
    workspace = helped(start_broker(grants=WRITER).broker_url)
    last(workspace)
    workspace.env["OPERATOR_TOKEN"] = github.token(owner="globex")
    done = workspace.git("ls-remote", "https://github.com/globex/lib.git")
    assert operator.exists() and "grants no contents of globex/lib" in done.err


def test_without_use_http_path_git_goes_on_and_the_user_is_told(start_broker, helped, operator):
    workspace = helped(start_broker(grants=WRITER).broker_url)
    last(workspace)
    workspace.git("config", "--global", "--unset", "credential.https://github.com.useHttpPath")
    done = workspace.git("ls-remote", WIDGETS)
    assert operator.exists()
    assert "git config --global credential.https://github.com.useHttpPath true" in done.err


# What is not given, and why.

@pytest.mark.parametrize("question, why", [
    (QUESTION.replace("https", "http"), "https alone"),
    (QUESTION.replace("path=acme/widgets.git\n", ""), "useHttpPath"),
    (QUESTION.replace("acme/widgets.git", "acme"), "OWNER/NAME"),
    (QUESTION.replace("github.com", "gitlab.com"), "`host` must be a GitHub that this broker serves"),
    (QUESTION.replace("github.com", "github.com:8443"), "the host is not one of GitHub's"),
    (QUESTION.replace("acme/widgets", "initech/tps"), "grants no contents of initech/tps"),
    (QUESTION.replace("acme/widgets", "acme/uncovered"), "not accessible"),
])
def test_nothing_is_given(start_broker, helped, question, why):
    workspace = helped(start_broker(grants=WRITER).broker_url)
    assert why in nothing(ask(workspace, question))


def test_a_token_that_proves_nothing(start_broker, helped, kubernetes, authority):
    """Not one for a sidecar either, which would be given what only a proxy may have."""
    workspace = helped(start_broker(grants=WRITER).broker_url)
    show(workspace, kubernetes.issue(account="stranger", audiences=["gitlatch-credential"]))
    assert "its audience must be gitlatch-credential" in nothing(ask(workspace))
    show(workspace, kubernetes.issue())
    assert "its audience must be gitlatch-credential" in nothing(ask(workspace))
    show(workspace, "not.a.token")
    assert "401" in nothing(ask(workspace))
    (workspace.folder / "sa-token").unlink()
    assert "cannot be read" in nothing(ask(workspace)) and "sa-token" in nothing(ask(workspace))


def test_a_broker_that_is_not_trusted_or_not_asked_by_https(start_broker, helped, github):
    workspace = helped(start_broker(grants=WRITER).broker_url)
    assert "certificate" in nothing(ask(workspace, QUESTION, "--trust", github.ca))
    assert "https://" in nothing(ask(workspace, QUESTION, "--broker", "http://127.0.0.1:1"))
    assert nothing(ask(workspace, QUESTION, "--trust", "/nonexistent")).count("/nonexistent")


def test_options_come_before_the_environment(start_broker, helped, authority):
    broker = start_broker(grants=WRITER)
    workspace = helped("https://127.0.0.1:1")
    token_file = workspace.folder / "sa-token"
    workspace.env.update(GITLATCH_TOKEN_FILE="/nonexistent", GITLATCH_TRUST="/nonexistent")
    assert "password" in fields(ask(workspace, QUESTION, "--broker", broker.broker_url + "/", "--token-file", token_file,
                                    "--trust", authority.ca))


@pytest.mark.parametrize("operation", ["store", "erase", "capability", "a-later-one"])
def test_other_operations_do_nothing(helped, operation):
    """No broker is there; what git does not want to know of is not asked either (gitcredentials(7))."""
    workspace = helped("https://127.0.0.1:1")
    done = workspace.run("gitlatch", "credential", operation, input=QUESTION)
    assert (done.out, done.err) == ("", "")


def test_the_two_that_need_an_operation(direct):
    done = direct.run("gitlatch", "credential", check=False)
    assert done.code == 2 and done.err == \
        "gitlatch credential: name what git asks for: get, store or erase; see `gitlatch credential --help`\n"


# A broker that is slow, busy, or of another make.

class Scripted(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(*self.server.script["GET"].pop(0))

    def do_POST(self):
        self.server.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.answer(*self.server.script["POST"].pop(0))

    def answer(self, status, body, headers=None):
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def scripted(authority, helped):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Scripted)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("scripted"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.asked = []
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    workspace = helped(f"https://127.0.0.1:{server.server_address[1]}")

    def script(get, post):
        server.script = {"GET": get, "POST": post}
        return workspace, server.asked
    yield script
    server.shutdown()
    server.server_close()


def granted(level, repositories=("widgets",)):
    return 200, {"token": "ghs_" + "x" * 36, "expires_at": "2099-01-01T00:00:00Z", "host": "github.com", "owner": "acme",
                 "repositories": [{"id": 1, "name": name} for name in repositories],
                 "permissions": {"contents": level, "metadata": "read"}}


REFUSED = (403, {"error": "broker_denied", "message": "not granted contents:write"})
NO_RULES = [(404, {"error": "not_found", "message": "no"})]


def test_rules_that_are_not_told(scripted):
    """Then write is asked for, and read where that is refused."""
    workspace, asked = scripted(list(NO_RULES), [REFUSED, granted("read")])
    assert fields(ask(workspace))["password"] == "ghs_" + "x" * 36
    assert [question["permissions"] for question in asked] == [{"contents": "write"}, {"contents": "read"}]
    assert asked[0]["repositories"] == ["widgets"] and asked[0]["owner"] == "acme" and asked[0]["host"] == "github.com"


def test_a_broker_that_asks_to_come_back_is_asked_once_more(scripted):
    busy = (503, {"error": "token_timeout", "message": "busy"}, {"Retry_After": "1"})
    workspace, asked = scripted(list(NO_RULES), [busy, granted("write")])
    assert "password" in fields(ask(workspace)) and len(asked) == 2
    workspace, asked = scripted(list(NO_RULES), [busy, busy, granted("write")])
    assert "503" in nothing(ask(workspace)), "once"


@pytest.mark.parametrize("answer, why", [
    (granted("admin"), "wider"), (granted("write", ("widgets", "gadgets")), "wider"), ((200, []), "the broker"),
    ((409, {"error": "renamed", "repository": "nowhere"}), "names no repository")])
def test_an_answer_that_is_not_what_was_asked(scripted, answer, why):
    workspace, _ = scripted(list(NO_RULES), [answer])
    assert why in nothing(ask(workspace))
