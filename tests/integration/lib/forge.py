"""A git host that is no GitHub, one class for all kinds: git over HTTP by `git http-backend`, Git LFS with its objects and
locks, refusals and challenges as the documents of each kind say. It keeps every request that reaches it.

Sources: docs.gitlab.com, "Git LFS" and GitLab's lfs_api_controller.rb and git_http.rb (a batch answer's header is the
request's Authorization; objects at gitlab-lfs/objects; a URL without `.git` is redirected); Gitea's services/lfs/server.go;
learn.microsoft.com, "Azure DevOps Services authentication" (401 with Bearer and Basic challenges); Gerrit's
GitOverHttpServlet (`/a/`); confluence.atlassian.com, "HTTP access tokens" (Bearer)."""
import base64
import hashlib
import json
import os
import re
import ssl
import subprocess
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from lib.workspace import PATH


@dataclass
class Kind:
    type: str
    path: str            # of the repository in a URL, without `.git`
    name: str            # as rules know it
    user: str            # of the Basic credential; None: Bearer
    challenges: tuple    # of a 401
    ssh: str             # a remote that leads to the repository; {host}
    dot_git: bool = True
    objects: str = "{path}.git/info/lfs/objects/{oid}"   # where it keeps Git LFS objects
    upload: str = "{path}.git/info/lfs/objects/{oid}/{size}"
    copies: bool = False  # a batch answer's header is the request's Authorization


BASIC = ('Basic realm="git"',)
KINDS = {kind.type: kind for kind in (
    Kind("gitlab", "/group/sub/app", "group/sub/app", "oauth2", ('Basic realm="GitLab"',), "git@{host}:group/sub/app.git",
         objects="{path}.git/gitlab-lfs/objects/{oid}", upload="{path}.git/gitlab-lfs/objects/{oid}/{size}", copies=True),
    Kind("gitea", "/owner/app", "owner/app", "oauth2", ('Basic realm="Gitea"',), "ssh://git@{host}/owner/app.git",
         copies=True),
    Kind("bitbucket", "/team/app", "team/app", "x-token-auth", ('Basic realm="Atlassian Bitbucket"',),
         "git@{host}:team/app.git"),
    Kind("bitbucket-server", "/scm/key/app", "scm/key/app", None, ('Basic realm="Atlassian Bitbucket"',),
         "ssh://git@{host}:7999/key/app.git"),
    Kind("azure-devops", "/org/My%20Project/_git/app", "org/my project/_git/app", "",
         ("Bearer authorization_uri=https://login.example/tenant", 'Basic realm="https://tfs.example/"'),
         "git@ssh.{host}:v3/org/My%20Project/app", dot_git=False,
         objects="{path}/info/lfs/objects/{oid}", upload="{path}/info/lfs/objects/{oid}"),
    Kind("gerrit", "/a/Plugins/app", "Plugins/app", "git", ('Basic realm="Gerrit Code Review"',),
         "ssh://{host}:29418/Plugins/app", dot_git=False,
         objects="{path}/info/lfs/objects/{oid}", upload="{path}/info/lfs/objects/{oid}"),
    Kind("git", "/App", "App", "git", BASIC, "ssh://git@{host}/App.git"),
)}


@dataclass
class Request:
    method: str
    path: str
    headers: list
    body: bytes = b""
    status: int = 0

    def header(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass
class Forge:
    folder: Path
    kind: Kind
    host: str            # its name, with a port where that is not 443
    authority: object    # lib.certificates.Authority
    token: str
    public: bool = False
    moved: dict = field(default_factory=dict)   # path of a request's beginning → Location
    answers: dict = field(default_factory=dict)  # path → (status, headers, body), before all else
    object_base: str = None  # where a batch answer leads; None: here

    def __post_init__(self):
        self.folder = Path(self.folder)
        self.requests, self.objects, self.locks = [], {}, []
        self.repository = self.folder / "app.git"
        self.folder.mkdir(parents=True)
        self._make_repository()
        name = self.host.partition(":")[0]
        certificate = self.authority.issue(name, serial=abs(hash(name)) % 10**9 + 2, names=f"DNS:{name}")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), make_handler(self))
        self.server.daemon_threads = True
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True, args=(0.05,))
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def git(self, *arguments, **options):
        env = {"PATH": PATH, "HOME": str(self.folder), "GIT_CONFIG_NOSYSTEM": "1",
               **{f"GIT_{who}_{what}": "ada@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}}
        return subprocess.run(["git", *map(str, arguments)], check=True, capture_output=True, text=True, env=env,
                              **options).stdout.strip()

    def _make_repository(self):
        work = self.folder / "work"
        self.git("init", "--quiet", "--bare", "--initial-branch=main", self.repository)
        self.git("init", "--quiet", "--initial-branch=main", work)
        (work / "README").write_text(f"of {self.host}\n")
        self.git("-C", work, "add", ".")
        self.git("-C", work, "commit", "--quiet", "-m", "first")
        self.git("-C", work, "push", "--quiet", self.repository, "main")
        self.git("-C", self.repository, "config", "http.receivepack", "true")

    # As gitlatch is told of it.

    @property
    def url(self):
        return f"https://{self.host}{self.kind.path}{'.git' if self.kind.dot_git else ''}"

    @property
    def ssh(self):
        return self.kind.ssh.format(host=self.host.partition(":")[0])

    @property
    def setting(self):
        port = "" if ":" in self.host else ":443"
        return {"host": self.host, "type": self.kind.type, "trust": str(self.authority.ca),
                "connect_to": {f"{self.host}{port}": f"127.0.0.1:{self.port}"}}

    @property
    def credential(self):
        path = self.folder / "token"
        path.write_text(self.token + "\n")
        path.chmod(0o600)
        return {"type": "file", "host": self.host, "path": str(path)}

    def rule(self, **members):
        return {"match": f"{self.host}/{self.kind.name}", "fetch": True, "push": ["refs/heads/agent/*"], **members}

    @property
    def authorization(self):
        if self.kind.user is None:
            return f"Bearer {self.token}"
        return "Basic " + base64.b64encode(f"{self.kind.user}:{self.token}".encode()).decode()

    def refs(self):
        return dict(reversed(line.split()) for line in self.git("-C", self.repository, "show-ref").splitlines())

    def asked(self, ending):
        return [request for request in self.requests if request.path.partition("?")[0].endswith(ending)]

    def head(self):
        return self.git("-C", self.repository, "rev-parse", "main")


def make_handler(forge):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def read_body(self):
            if self.headers.get("Transfer-Encoding") == "chunked":
                body = b""
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def answer(self, status, headers=(), body=b""):
            self.request_kept.status = status
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def answer_json(self, status, value):
            self.answer(status, [("Content-Type", "application/vnd.git-lfs+json")], json.dumps(value).encode())

        def serve(self):
            body = self.read_body()
            self.request_kept = Request(self.command, self.path, list(self.headers.items()), body)
            forge.requests.append(self.request_kept)
            plain, _, query = self.path.partition("?")
            for path, (status, headers, content) in forge.answers.items():
                if plain == path:
                    return self.answer(status, headers, content)
            for front, location in forge.moved.items():
                if plain.startswith(front):
                    return self.answer(301, [("Location", location + self.path[len(front):])])
            front = forge.kind.path
            if not plain.lower().startswith(front.lower()):
                return self.answer(200, [("Content-Type", "text/plain")], b"a page")
            reads = "receive-pack" not in self.path and self.command in ("GET", "HEAD") or plain.endswith("upload-pack")
            if self.headers.get("Authorization") != forge.authorization and not (forge.public and reads):
                return self.answer(401, [("WWW-Authenticate", challenge) for challenge in forge.kind.challenges],
                                   b"HTTP Basic: Access denied\n")
            suffix = re.sub(r"^\.git", "", plain[len(front):])
            if suffix in ("/info/refs", "/git-upload-pack", "/git-receive-pack"):
                return self.run_git(suffix, query, body)
            return self.serve_lfs(suffix, body)

        do_GET = do_POST = do_PUT = do_HEAD = serve

        def run_git(self, suffix, query, body):
            env = {"PATH": PATH, "GIT_PROJECT_ROOT": str(forge.folder), "GIT_HTTP_EXPORT_ALL": "1", "REMOTE_USER": "agent",
                   "PATH_INFO": f"/app.git{suffix}", "QUERY_STRING": query, "REQUEST_METHOD": self.command,
                   "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
                   "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                   "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""), "HOME": str(forge.folder)}
            out = subprocess.run(["git", "http-backend"], input=body, env=env, capture_output=True, check=True).stdout
            head, _, content = out.partition(b"\r\n\r\n")
            fields = [line.split(": ", 1) for line in head.decode().split("\r\n")]
            status = next((int(value.split()[0]) for name, value in fields if name == "Status"), 200)
            self.answer(status, [(name, value) for name, value in fields if name != "Status"], content)

        def action(self, route, item):
            base = forge.object_base or f"https://{forge.host}"
            path = route.format(path=forge.kind.path, oid=item["oid"], size=item["size"])
            header = {"X-Kept": "yes"}
            if forge.kind.copies and self.headers.get("Authorization"):
                header["Authorization"] = self.headers["Authorization"]
            return {"href": base + path, "header": header}

        def serve_lfs(self, suffix, body):
            kind, value = forge.kind, json.loads(body) if body[:1] == b"{" else {}
            oid = next((part for part in suffix.split("/") if re.fullmatch("[0-9a-f]{64}", part)), None)
            if suffix == "/info/lfs/objects/batch":
                objects = []
                for item in value["objects"]:
                    there = item["oid"] in forge.objects
                    if value["operation"] == "upload":
                        actions = {} if there else {"upload": self.action(kind.upload, item)}
                    else:
                        actions = {"download": self.action(kind.objects, item)}
                    objects.append({**item, "actions": actions})
                return self.answer_json(200, {"transfer": "basic", "objects": objects})
            if oid and self.command == "PUT":
                assert hashlib.sha256(body).hexdigest() == oid
                forge.objects[oid] = body
                return self.answer(200)
            if oid and oid in forge.objects:
                return self.answer(200, [("Content-Type", "application/octet-stream")], forge.objects[oid])
            if suffix == "/info/lfs/locks/verify":
                return self.answer_json(200, {"ours": [], "theirs": []})
            if suffix == "/info/lfs/locks" and self.command == "POST":
                lock = {"id": str(len(forge.locks) + 1), "path": value["path"], "locked_at": "2026-01-01T00:00:00Z"}
                forge.locks.append(lock)
                return self.answer_json(201, {"lock": lock})
            if suffix == "/info/lfs/locks":
                return self.answer_json(200, {"locks": forge.locks})
            return self.answer_json(404, {"message": "not found"})

    return Handler
