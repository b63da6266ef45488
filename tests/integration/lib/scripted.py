"""A GitHub whose every byte a test writes: TLS with a certificate of the mock's CA, and a function that answers."""
import socket
import ssl
import struct
import subprocess
from contextlib import contextmanager

from lib.listener import Listener

PACK_RESULT = b"Content-Type: application/x-git-receive-pack-result\r\n"


def certificate(folder, ca, name):
    """Issues one for `name`; the file holds it and its key."""
    key, request, path = folder / f"{name}.key", folder / f"{name}.csr", folder / f"{name}.pem"
    extensions = folder / f"{name}.ext"
    extensions.write_text(f"subjectAltName=DNS:{name}\n")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
            "-keyout", key, "-out", request)
    openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca.with_suffix(".key"), "-set_serial", "77",
            "-days", "2", "-extfile", extensions, "-out", path)
    path.write_bytes(path.read_bytes() + key.read_bytes())
    return path


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Peer:
    """One accepted connection."""

    def __init__(self, connection, index):
        self.socket, self.index, self.buffer = connection, index, b""

    def send(self, data):
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)
        return self

    def until(self, mark):
        while mark not in self.buffer:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError
            self.buffer += data
        found, _, self.buffer = self.buffer.partition(mark)
        return found

    def exactly(self, size):
        while len(self.buffer) < size:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError
            self.buffer += data
        found, self.buffer = self.buffer[:size], self.buffer[size:]
        return found

    def head(self):
        return self.until(b"\r\n\r\n").decode("latin-1")

    def body(self, head):
        """The body that follows `head`, decoded."""
        fields = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in head.split("\r\n")[1:]}
        if fields.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self.until(b"\r\n").split(b";")[0], 16):
                body += self.exactly(size)
                self.exactly(2)
            self.until(b"\r\n")
            return body
        return self.exactly(int(fields.get("content-length", 0)))

    def request(self):
        """(head, body) of the next request."""
        head = self.head()
        return head, self.body(head)

    def reset(self):
        """Closes with a reset instead of a FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class Scripted:
    """Calls `script(peer)` in a thread for each connection; whatever it received is in `heads`."""

    def __init__(self, folder, ca, script, name="github.com"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate(folder, ca, name))
        self.context, self.script, self.errors = context, script, []
        self.listener = Listener(self._serve)
        self.port = self.listener.port

    @property
    def connections(self):
        return self.listener.connections

    def _serve(self, connection, index):
        try:
            connection.settimeout(60)
            peer = Peer(self.context.wrap_socket(connection, server_side=True), index)
        except OSError:
            return
        try:
            self.script(peer)
        except (EOFError, OSError):
            pass
        except Exception as error:  # noqa: BLE001: a script that is wrong must fail its test
            self.errors.append(error)
        finally:
            try:
                peer.socket.unwrap() if peer.socket.fileno() >= 0 else None
            except (OSError, ValueError):
                pass
            peer.socket.close()

    def close(self):
        self.listener.close()


@contextmanager
def scripted(folder, github, script, name="github.com"):
    """Serves; gives (server, `connect_to` that leads `name` to it and all other names to the mock)."""
    server = Scripted(folder, github.ca, script, name)
    try:
        yield server, {**github.connect_to(), f"{name}:443": f"127.0.0.1:{server.port}"}
    finally:
        server.close()
    assert not server.errors, server.errors


def answer(status, body=b"", headers=b"Content-Type: text/plain\r\n"):
    body = body.encode() if isinstance(body, str) else body
    return b"HTTP/1.1 %d X\r\n%sContent-Length: %d\r\n\r\n%s" % (status, headers, len(body), body)
