"""The one call of a cluster's API that the broker makes: TokenReview (authentication.k8s.io/v1), over real TLS."""
import base64
import json
import secrets
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lib.certificates import LOCAL

PATH = "/apis/authentication.k8s.io/v1/tokenreviews"
OWN_TOKEN = "the-brokers-own-service-account-token"


def encode(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        cluster = self.server.cluster
        with cluster.lock:
            cluster.reviews.append(body.decode())
            status, answer = cluster.answer(self.path, self.headers.get("Authorization"), body)
        time.sleep(cluster.delay)
        data = json.dumps(answer).encode() if not isinstance(answer, bytes) else answer
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, *arguments):
        self.connections = set()
        super().__init__(*arguments)

    def process_request(self, request, client_address):
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address):
        pass  # a client that went away


class Kubernetes:
    """It listens on `address`, with a certificate for `names`. `reviews` are the bodies of all reviews asked for;
    `delay`: seconds before each answer; `broken`: an answer (status, body) for all reviews."""

    def __init__(self, authority, address="127.0.0.1", names=LOCAL):
        self.ca, self.address = authority.ca, address
        self.certificate = authority.issue("kubernetes", names=names)
        self.lock = threading.Lock()
        self.tokens, self.reviews = {}, []
        self.delay, self.broken, self.serial = 0, None, 0
        self.server, self.port = None, 0
        self.start()

    def start(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate)
        server = Server((self.address, self.port), Handler)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.cluster = self
        self.server, self.port = server, server.server_address[1]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        """Nobody listens any more, and who was connected is not."""
        if not self.server:
            return
        self.server.shutdown()
        self.server.server_close()
        for connection in list(self.server.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it ended meanwhile
        self.server = None

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def issue(self, namespace="team-a", account="workspace", audiences=("gitlatch",), pod="pod-0", lifetime=3600,
              user=None):
        """A projected service-account token."""
        self.serial += 1
        now = int(time.time())
        token = ".".join([encode({"alg": "RS256", "kid": "test"}),
                          encode({"aud": audiences, "exp": now + lifetime, "iat": now, "jti": self.serial}),
                          secrets.token_urlsafe(900)])  # as long as a cluster's with all its claims
        extra = {"authentication.kubernetes.io/pod-name": [pod]} if pod else {}
        self.tokens[token] = {"audiences": list(audiences), "ends": now + lifetime, "user": {
            "username": user or f"system:serviceaccount:{namespace}:{account}", "uid": "1", "extra": extra}}
        return token

    def delete_pod(self, token):
        del self.tokens[token]

    def answer(self, path, authorization, body):
        if self.broken:
            return self.broken
        if path != PATH:
            return 404, {"kind": "Status", "message": "not found"}
        if authorization != f"Bearer {OWN_TOKEN}":
            return 401, {"kind": "Status", "message": "Unauthorized"}
        review = json.loads(body)
        assert review["apiVersion"] == "authentication.k8s.io/v1" and review["kind"] == "TokenReview"
        spec = review["spec"]
        known = self.tokens.get(spec["token"])
        good = [name for name in spec["audiences"] if known and name in known["audiences"]]
        if not good or known["ends"] <= time.time():
            status = {"user": {}, "error": "[invalid bearer token, token lookup failed]"}
        else:
            status = {"authenticated": True, "user": known["user"], "audiences": good}
        return 201, {"apiVersion": review["apiVersion"], "kind": "TokenReview", "metadata": {}, "status": status}
