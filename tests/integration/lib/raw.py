"""HTTP by hand, for what no well-behaved client sends, and for all that has to be seen byte by byte."""
import socket
import ssl


class Answer:
    def __init__(self, version, status, headers, body):
        self.version, self.status, self.headers, self.body = version, status, headers, body

    def header(self, name):
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        return found[0] if found else None

    def __repr__(self):
        return f"{self.status} {dict(self.headers)} {self.body[:300]!r}"


class Raw:
    """A connection to gitlatch, perhaps with TLS to an intercepted or a tunnelled host inside."""

    def __init__(self, gitlatch=None, address=None, timeout=60):
        self.gitlatch = gitlatch
        self.socket = socket.create_connection(address or ("127.0.0.1", gitlatch.port), timeout=timeout)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)
        return self

    def connect(self, target, headers=""):
        """CONNECT; the answer."""
        self.send(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{headers}\r\n")
        return self.answer("CONNECT")

    def tls(self, name, ca=None, alpn=None):
        """TLS inside the tunnel, with the workspace's trust."""
        context = ssl.create_default_context(cafile=str(ca or self.gitlatch.public / "ca.pem"))
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        if alpn:
            context.set_alpn_protocols(alpn)
        self.socket = context.wrap_socket(self.socket, server_hostname=name)
        return self

    @classmethod
    def intercepted(cls, gitlatch, host="github.com"):
        raw = cls(gitlatch)
        answer = raw.connect(f"{host}:443")
        assert answer.status == 200, answer
        return raw.tls(host)

    # Reading.

    def _more(self):
        data = self.socket.recv(65536)
        self.buffer += data
        return bool(data)

    def _until(self, mark):
        while mark not in self.buffer:
            if not self._more():
                raise EOFError(f"closed after {self.buffer[:300]!r}")
        found, _, self.buffer = self.buffer.partition(mark)
        return found

    def _exactly(self, size):
        while len(self.buffer) < size:
            if not self._more():
                raise EOFError(f"closed {size - len(self.buffer)} bytes too early")
        found, self.buffer = self.buffer[:size], self.buffer[size:]
        return found

    def rest(self):
        """All until the end of the connection; a reset ends it as well."""
        try:
            while self._more():
                pass
        except (ConnectionResetError, ssl.SSLEOFError):
            pass
        found, self.buffer = self.buffer, b""
        return found

    def closed(self):
        """Whether the other side closes, and says nothing more."""
        return self.rest() == b""

    def answer(self, method="GET", interim=False):
        """The next answer with its whole body; 1xx are passed over, or given where `interim`."""
        head = self._until(b"\r\n\r\n").decode("latin-1")
        lines = head.split("\r\n")
        version, status = lines[0].split(" ")[:2]
        headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]
        answer = Answer(version, int(status), headers, b"")
        if answer.status < 200:
            return answer if interim else self.answer(method)
        if method == "HEAD" or answer.status in (204, 304) or (method == "CONNECT" and answer.status == 200):
            return answer
        if (answer.header("Transfer-Encoding") or "").lower() == "chunked":
            while size := int(self._until(b"\r\n").split(b";")[0], 16):
                answer.body += self._exactly(size)
                self._exactly(2)
            while trailer := self._until(b"\r\n"):
                answer.headers.append(tuple(part.strip() for part in trailer.decode("latin-1").split(":", 1)))
        elif answer.header("Content-Length") is not None:
            answer.body = self._exactly(int(answer.header("Content-Length")))
        else:
            answer.body = self.rest()
        return answer

    def ask(self, method, target, headers="", body=b"", host="github.com"):
        """One well-formed request, and its answer."""
        length = f"Content-Length: {len(body)}\r\n" if body or method in ("POST", "PUT", "PATCH") else ""
        self.send(f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{length}{headers}\r\n".encode("latin-1") + body)
        return self.answer(method)
