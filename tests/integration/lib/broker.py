"""A broker under test, and those who ask it."""
import http.client
import json
import os
import ssl
from pathlib import Path

from lib.gitlatch import BINARY, START_SECONDS, Gitlatch
from lib.kubernetes import OWN_TOKEN
from lib.process import Process, free_port

ADMIN_TOKEN = "the-admin-bearer-0123456789"
# What a sidecar in team-a may do with acme's repositories.
SIDECAR = [{"match": "acme/*", "fetch": True, "push": ["refs/heads/agent/*"], "permissions": {"issues": "read"}}]


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:500]!r}"


class Broker(Gitlatch):
    """`github`: the mock; `kubernetes`: the TokenReview mock; `authority` signs its certificate."""

    def __init__(self, folder, github, kubernetes, authority, name="broker", grants=None, broker=None, env=None,
                 **config):
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.authority = authority
        certificate, key = authority.issue(name)
        (folder / "admin-token").write_text(ADMIN_TOKEN + "\n")
        (folder / "own-token").write_text(OWN_TOKEN + "\n")
        self.broker_port, self.admin_api_port = free_port(), free_port()
        section = {
            "listen": f"127.0.0.1:{self.broker_port}",
            "tls": {"certificate": str(certificate), "key": str(key)},
            "admin_listen": f"127.0.0.1:{self.admin_api_port}",
            "admin_token": str(folder / "admin-token"),
            "kubernetes": {"api": kubernetes.url, "ca": str(kubernetes.ca), "token_file": str(folder / "own-token")},
            "grants": [{"audience": "gitlatch", "namespace": "team-a", "service_account": "workspace",
                        "repositories": SIDECAR}] if grants is None else grants,
            **(broker or {}),
        }
        section = {key: value for key, value in section.items() if value is not None}
        config = {
            "github": {"trust": str(github.ca), "connect_to": github.connect_to()},
            "credentials": [{"type": "app", "app_id": "12345", "private_key": str(github.app_key)}],
            "broker": section,
            **config,
        }
        super().__init__(folder, {key: value for key, value in config.items() if value is not None}, name, env)

    def start(self, **popen):
        self.process = Process(self.name, [BINARY, "broker", "-c", self.config_path], self.folder, self.env, **popen)
        self.process.wait_ready(lambda: self.admin_up(), START_SECONDS)
        return self

    def admin_up(self):
        try:
            return self.admin("/healthz")[0] == 200
        except OSError:
            return False

    def credential(self, token_file, **options):
        """The `credentials` entry of a sidecar that shows the token in `token_file`."""
        return {"type": "broker", "url": self.broker_url, "token_file": str(token_file),
                "trust": str(self.authority.ca), **options}

    @property
    def broker_url(self):
        return f"https://127.0.0.1:{self.broker_port}"

    def connect(self, port=None, context=None):
        context = context or ssl.create_default_context(cafile=self.authority.ca)
        return http.client.HTTPSConnection("127.0.0.1", port or self.broker_port, context=context, timeout=40)

    def ask(self, method, path, token=None, body=None, port=None, headers=None):
        connection = self.connect(port)
        fields = {"Authorization": f"Bearer {token}"} if token else {}
        data = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
        try:
            connection.request(method, path, data, {**fields, **(headers or {})})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def token(self, bearer, repositories=("widgets",), owner="acme", **body):
        question = {"host": "github.com", "owner": owner, "permissions": {"contents": "read"}, **body}
        if repositories is not None:
            question["repositories"] = list(repositories)
        return self.ask("POST", "/v1/token", bearer, question)

    def platform(self, bearer=ADMIN_TOKEN, query=""):
        return self.ask("GET", "/admin/github-installation-token" + query, bearer, port=self.admin_api_port)
