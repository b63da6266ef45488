"""Issuers of OpenID Connect tokens that behave as GitHub Actions', GitLab's and a cluster's documents say: discovery, a
key set with rotation, the claims of a job, and GitHub's endpoint where a job asks for its token."""
import base64
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

RUNNER_TOKEN = "the-runners-own-request-token"


def base64url(data):
    if isinstance(data, (dict, list)):
        data = json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value):
    return base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Key:
    def __init__(self, kid, algorithm="RS256"):
        self.kid, self.algorithm = kid, algorithm
        self.key = (rsa.generate_private_key(65537, 2048) if algorithm == "RS256"
                    else ec.generate_private_key(ec.SECP256R1()))

    @property
    def jwk(self):
        public = self.key.public_key().public_numbers()
        if self.algorithm == "RS256":
            return {"kty": "RSA", "n": number(public.n), "e": number(public.e), "alg": "RS256", "use": "sig",
                    "kid": self.kid}
        return {"kty": "EC", "crv": "P-256", "x": base64url(public.x.to_bytes(32, "big")),
                "y": base64url(public.y.to_bytes(32, "big")), "kid": self.kid}

    def sign(self, data):
        if self.algorithm == "RS256":
            return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        r, s = decode_dss_signature(self.key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        issuer = self.server.issuer
        issuer.asked.append(self.path)
        status, answer = issuer.answer(urlsplit(self.path), self.headers.get("Authorization"))
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        if status == 302:
            self.send_header("Location", issuer.url + "/keys")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = allow_reuse_address = True

    def handle_error(self, request, client_address):
        pass  # a client that went away


class Issuer:
    """`asked`: the paths of all calls; `broken`: an answer (status, bytes) for the key set."""

    def __init__(self, authority, name="issuer", algorithm="RS256"):
        self.ca = authority.ca
        self.certificate = authority.issue(name)
        self.keys, self.asked, self.broken, self.serial = [Key("key-1", algorithm)], [], None, 0
        self.server, self.port = None, 0
        self.start()

    def start(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate)
        server = Server(("127.0.0.1", self.port), Handler)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.issuer = self
        self.server, self.port = server, server.server_address[1]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
        self.server = None

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def config(self, name, **more):
        return {"name": name, "issuer": self.url, "audience": "gitlatch", "trust": str(self.ca), **more}

    @property
    def key_set(self):
        return {"keys": [key.jwk for key in self.keys]}

    def rotate(self):
        """A new key signs; the old one is no longer published."""
        self.keys = [Key(f"key-{len(self.keys) + len(self.asked) + 1}", self.keys[-1].algorithm)]

    def answer(self, url, authorization):
        if url.path == "/.well-known/openid-configuration":
            return 200, {"issuer": self.url, "jwks_uri": self.url + "/keys",
                         "id_token_signing_alg_values_supported": ["RS256"]}
        if url.path == "/keys":
            return self.broken or (200, self.key_set)
        if url.path == "/token" and authorization == f"Bearer {RUNNER_TOKEN}":
            return 200, {"value": self.job_token(parse_qs(url.query)["audience"][0]), "count": 1}
        return 404, {"message": "not found"}

    # What the runner would ask for; a test may put another in its place.
    job = {}

    def job_token(self, audience):
        return self.actions(audience=audience, **self.job)

    def sign(self, claims, header=None):
        key = self.keys[-1]
        now = int(time.time())
        self.serial += 1
        claims = {"iss": self.url, "jti": str(self.serial), "iat": now, "nbf": now, "exp": now + 300, **claims}
        claims = {name: value for name, value in claims.items() if value is not None}
        head = {"typ": "JWT", "alg": key.algorithm, "kid": key.kid, **(header or {})}
        head = {name: value for name, value in head.items() if value is not None}
        data = f"{base64url(head)}.{base64url(claims)}"
        return f"{data}.{base64url(key.sign(data.encode()))}"

    def actions(self, repository="acme/widgets", ref="refs/heads/main", audience="gitlatch", **more):
        """GitHub, "OpenID Connect reference": the claims of a job's token, a short one's life, x5t in the header."""
        owner = repository.split("/")[0]
        return self.sign({
            "sub": f"repo:{repository}:ref:{ref}", "aud": audience, "ref": ref, "sha": "0" * 40, "ref_type": "branch",
            "repository": repository, "repository_owner": owner, "repository_id": "74", "repository_owner_id": "65",
            "repository_visibility": "private", "run_id": "1", "run_number": "10", "run_attempt": "2",
            "actor": "octocat", "workflow": "ci", "event_name": "push", "runner_environment": "github-hosted",
            "job_workflow_ref": f"{repository}/.github/workflows/ci.yml@{ref}", "ref_protected": "false", **more},
            {"x5t": "eYGCAAABAAABAAA"})

    def gitlab(self, project="acme/widgets", ref="main", audience="gitlatch", **more):
        """GitLab, "ID token authentication": payload; `user_identities` is a list of objects, ids are texts."""
        return self.sign({
            "sub": f"project_path:{project}:ref_type:branch:ref:{ref}", "aud": audience, "project_path": project,
            "project_id": "22", "namespace_path": project.rsplit("/", 1)[0], "namespace_id": "72", "ref": ref,
            "ref_type": "branch", "ref_protected": "true", "pipeline_source": "push", "user_login": "sam",
            "user_identities": [{"provider": "github", "extern_uid": "2435223452345"}],
            "groups_direct": ["acme", "acme/ops"], **more})

    def cluster(self, namespace="team-a", account="workspace", audience="gitlatch", **more):
        """Kubernetes, "Service account tokens": aud is a list, the pod is a nested claim."""
        return self.sign({
            "aud": [audience], "sub": f"system:serviceaccount:{namespace}:{account}",
            "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": account, "uid": "1"},
                              "pod": {"name": "pod-0", "uid": "2"}}, **more}, {"typ": None})
