"""A way to GitHub that breaks: between gitlatch and its peer, on what the peer sends."""
import socket
import struct
import threading
import time

from lib.listener import Listener

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close resets


class FaultRelay:
    """Leads to `target`. `fault(relay, client, server)` moves the peer's bytes to the client; None: all of them, in order."""

    def __init__(self, target):
        self.target, self.fault, self.open = target, None, []
        self.listener = Listener(self._serve)
        self.port = self.listener.port

    def close(self):
        self.listener.close()

    def heal(self):
        """No fault from now on; the connections that were made under one are over."""
        self.fault = None
        for client in self.open:
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it is closed already

    def _serve(self, client, _):
        self.open.append(client)
        try:
            with client, socket.create_connection(self.target) as server:
                up = threading.Thread(target=pump, args=(client, server), daemon=True)
                up.start()
                (self.fault or pass_all)(client, server)
                up.join(5)
        except OSError:
            pass


def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def pass_all(client, server):
    pump(server, client)


def cut_after(offset, reset=False):
    def fault(client, server):
        left = offset
        while left > 0 and (data := server.recv(min(left, 65536))):
            client.sendall(data)
            left -= len(data)
        if reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        client.close()
        server.close()
    return fault


def half_close_after(offset):
    def fault(client, server):
        client.sendall(server.recv(offset))
        client.shutdown(socket.SHUT_WR)
        time.sleep(0.5)
        server.close()
    return fault


def byte_by_byte(client, server):
    while data := server.recv(200):
        for byte in data:
            client.sendall(bytes([byte]))


def garbage(client, server):
    client.sendall(b"\x00\xff HTTP/1.1 200 OK\r\n\r\n" * 50)
    client.close()


def stall(client, server):
    client.sendall(server.recv(300))
    time.sleep(4)
