"""The least way to somewhere else: connections go on to one target, as a company's CONNECT proxy or as they are."""
import socket
import ssl
import threading

from lib.listener import Listener


class Relay:
    """Leads to `target`, a port or an address. As a `proxy` it takes CONNECT first, whatever name is asked for, and keeps
    the heads in `asked`. It may want an `authorization`, and else refuses with `refusal`; `answer` is what opens a tunnel;
    with a `certificate` (and its key) it is an https:// proxy."""

    def __init__(self, target, address=("127.0.0.1", 0), family=socket.AF_INET, proxy=False, authorization=None,
                 refusal=b"", answer=b"HTTP/1.1 200 Connection established\r\n\r\n", certificate=None):
        self.target = ("127.0.0.1", target) if isinstance(target, int) else target
        self.proxy, self.asked = proxy, []
        self.authorization, self.refusal, self.answer = authorization, refusal, answer
        self.tls = None
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*certificate)
        self.listener = Listener(self._serve, address, family)
        self.port = self.listener.port

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def close(self):
        self.listener.close()

    def _take_connect(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            data = client.recv(4096)
            if not data:
                return False
            head += data
        self.asked.append(head.decode("latin-1"))
        allowed = not self.authorization or f"Proxy-Authorization: {self.authorization}\r\n" in self.asked[-1]
        client.sendall(self.answer if allowed else self.refusal)
        return allowed

    def _serve(self, client, _):
        try:
            if self.tls:
                client = self.tls.wrap_socket(client, server_side=True)
            with client:
                if self.proxy and not self._take_connect(client):
                    return
                with socket.create_connection(self.target) as server:
                    back = threading.Thread(target=pump, args=(server, client), daemon=True)
                    back.start()
                    pump(client, server)
                    back.join()
        except OSError:
            pass  # one of the two went away


def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    for end, how in ((sink, socket.SHUT_WR), (source, socket.SHUT_RD)):
        try:
            end.shutdown(how)
        except OSError:
            pass
