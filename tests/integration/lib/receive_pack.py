"""A push by hand: git's receive-pack protocol over a raw connection."""
import hashlib
import zlib

ZERO = "0" * 40
CAPABILITIES = "report-status side-band-64k agent=by-hand"
EMPTY_PACK = (header := b"PACK" + bytes([0, 0, 0, 2, 0, 0, 0, 0])) + hashlib.sha1(header).digest()


def pkt(text):
    data = text.encode("latin-1") if isinstance(text, str) else text
    return b"%04x" % (len(data) + 4) + data


def commands(*lines, capabilities=CAPABILITIES):
    """`lines`: (old, new, ref)."""
    out = b""
    for index, line in enumerate(lines):
        out += pkt(" ".join(line) + ("\0 " + capabilities if index == 0 else "") + "\n")
    return out + b"0000"


def packets(data):
    """The payloads; None for a flush."""
    found, start = [], 0
    while start < len(data):
        size = int(data[start:start + 4], 16)
        found.append(data[start + 4:start + size] if size else None)
        start += max(size, 4)
    return found


class Report:
    """What receive-pack answered, taken off the side band."""

    def __init__(self, body):
        self.remote, inner = "", b""
        for packet in packets(body):
            if packet and packet[0] == 1:
                inner += packet[1:]
            elif packet and packet[0] == 2:
                self.remote += packet[1:].decode()
        self.lines = [packet.decode().rstrip("\n") for packet in packets(inner) if packet]


def push(raw, repository, body, headers="", chunk=None):
    """The answer. `chunk`: sent chunked, in chunks of so many bytes, each a TLS record of its own."""
    head = (f"POST /{repository}.git/git-receive-pack HTTP/1.1\r\nHost: github.com\r\n"
            f"Content-Type: application/x-git-receive-pack-request\r\n{headers}")
    if chunk is None:
        raw.send(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    else:
        raw.send(f"{head}Transfer-Encoding: chunked\r\n\r\n")
        for start in range(0, len(body), chunk):
            part = body[start:start + chunk]
            raw.send(b"%x\r\n" % len(part) + part + b"\r\n")
        raw.send(b"0\r\n\r\n")
    return raw.answer("POST")


def gzip(data):
    coder = zlib.compressobj(9, zlib.DEFLATED, 31)
    return coder.compress(data) + coder.flush()
