"""Certificates of servers that tests bring themselves, made by openssl."""
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

LOCAL = "IP:127.0.0.1,DNS:localhost"


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Authority:
    """A CA in a folder, `ca.pem`."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ca, self.key = self.folder / "ca.pem", self.folder / "ca.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 2,
                "-subj", "/CN=test CA", "-keyout", self.key, "-out", self.ca)

    def issue(self, name, serial=1, names=LOCAL, usage="serverAuth", days=1, seconds=None):
        """A certificate for `names`: (certificate, key); good for `days`, or for `seconds` from now."""
        certificate, key, request = (self.folder / f"{name}.{end}" for end in ("crt", "key", "csr"))
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={names}\nextendedKeyUsage={usage}\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-keyout", key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.key, "-set_serial", serial,
                "-days", days, "-extfile", extensions, "-out", certificate)
        if seconds is not None:
            self.shorten(certificate, seconds)
        return certificate, key

    def shorten(self, certificate, seconds):
        """Signs it anew, to end so soon (openssl's x509 knows days alone)."""
        old = x509.load_pem_x509_certificate(certificate.read_bytes())
        key = serialization.load_pem_private_key(self.key.read_bytes(), None)
        now = datetime.now(timezone.utc)
        builder = (x509.CertificateBuilder().subject_name(old.subject).issuer_name(old.issuer).public_key(old.public_key())
                   .serial_number(old.serial_number + 1).not_valid_before(now - timedelta(hours=1))
                   .not_valid_after(now + timedelta(seconds=seconds)))
        for extension in old.extensions:
            builder = builder.add_extension(extension.value, extension.critical)
        certificate.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
