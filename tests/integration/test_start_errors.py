"""A start that fails says under which key of the configuration, why, and what mends it."""
import json
import os
import shutil
import subprocess

import pytest
from lib.gitlatch import BINARY, SYSTEM_ROOTS
from lib.process import free_port

NOBODY = 65532
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start it as another user")


@pytest.fixture
def failure(folder):
    """What the last line of a start that must fail says: failure(user=…, command=…, **configuration)."""
    folder.chmod(0o755)

    def failure(user=None, command="proxy", **changes):
        config = {"listen": f"127.0.0.1:{free_port()}", "admin": "off", "log": {"audit": "none"},
                  "ca": {"publish": str(folder / "public")},
                  "credentials": [{"type": "file", "path": str(folder / "token")}], **changes}
        path = folder / "gitlatch.yaml"
        path.write_text(json.dumps(config))
        # The checkout may be where no other user gets at it.
        binary = shutil.copy(BINARY, folder / "gitlatch-binary") if user else BINARY
        done = subprocess.run([binary, command, "-c", path], capture_output=True, text=True, timeout=60, user=user)
        assert done.returncode == 1 and done.stderr.startswith("gitlatch"), done
        return done.stderr.splitlines()[-1].partition(": ")[2]
    return failure


def app(key):
    return [{"type": "app", "app_id": "12345", "private_key": str(key)}]


@as_root
def test_a_directory_that_another_user_may_not_make(failure, folder):
    said = failure(user=NOBODY, ca={"publish": str(folder / "run/public")})
    assert said == (f"ca.publish: {folder}/run: Permission denied; name a directory that this user (uid {NOBODY}) may "
                    "make, or write in")
    said = failure(user=NOBODY, ca={"publish": str(folder)})
    assert said.startswith(f"ca.publish: {folder}/gitlatch: Permission denied; name a directory")
    said = failure(user=NOBODY, ca={"publish": str(folder), "state": str(folder / "state")})
    assert said.startswith(f"ca.state: {folder}/state: Permission denied; name a directory")
    (folder / "public").mkdir(mode=0o500)
    os.chown(folder / "public", NOBODY, NOBODY)
    assert failure(user=NOBODY).startswith(f"ca.publish: {folder}/public: ")


def test_a_file_in_place_of_a_directory(failure, folder):
    (folder / "file").write_text("")
    for path in (folder / "file", folder / "file/public"):
        said = failure(ca={"publish": str(path)})
        assert said.startswith(f"ca.publish: {path}: Not a directory; name a directory"), said


def test_a_directory_in_which_another_proxy_publishes(failure, gitlatch):
    before = {path.name: path.read_bytes() for path in gitlatch.public.iterdir()}
    said = failure(ca={"publish": str(gitlatch.public)},
                   credentials=gitlatch.config["credentials"])
    assert said == (f"ca.publish: {gitlatch.public}: another gitlatch publishes here; end that one, or name a directory "
                    "of its own for each")
    assert {path.name: path.read_bytes() for path in gitlatch.public.iterdir()} == before


def test_an_audit_file_that_cannot_be_opened(failure, folder):
    said = failure(log={"audit": str(folder / "none/audit.jsonl")})
    assert said.startswith(f"log.audit: {folder}/none/audit.jsonl cannot be opened: No such file or directory; name "), said


def test_a_key_that_is_not_there(failure, folder):
    assert failure(credentials=app(folder / "nope.pem")) == \
        f"credential `app`: private_key: {folder}/nope.pem: No such file or directory; put it there, or name another file"


@as_root
def test_a_key_that_another_user_may_not_read(failure, folder):
    (folder / "app.pem").touch(mode=0o600)
    assert failure(user=NOBODY, credentials=app(folder / "app.pem")).startswith(
        f"credential `app`: private_key: {folder}/app.pem: Permission denied; this user (uid {NOBODY}) must be able to")


def test_roots_that_cannot_be_read(failure, folder):
    assert failure(github={"trust": str(folder / "none.pem")}).startswith(
        f"github.trust: {folder}/none.pem: No such file or directory; ")
    (folder / "empty.pem").write_text("")
    assert failure(github={"trust": str(folder / "empty.pem")}).startswith(
        f"github.trust: {folder}/empty.pem: no trusted certificates could be read from it: ")


def test_addresses_that_cannot_be_had(failure, folder):
    elsewhere = f"192.0.2.9:{free_port()}"
    why = f"cannot listen on {elsewhere}: Cannot assign requested address; it is no address of this machine"
    for key in ("listen", "admin", "metrics"):
        assert failure(**{key: elsewhere}).startswith(f"{key}: {why}")
    said = failure(listen={"address": "127.0.0.1:0", "password_file": str(folder / "none")})
    assert said.startswith(f"listen: password_file: {folder}/none: No such file or directory; ")


def test_what_a_broker_cannot_read(failure, folder):
    certificate, key = folder / "tls.crt", folder / "tls.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    "/CN=broker", "-keyout", folder / "key.pem", "-out", certificate], check=True, capture_output=True)
    subprocess.run(["openssl", "genrsa", "-out", folder / "app.pem", "2048"], check=True, capture_output=True)
    grants = [{"namespace": "a", "service_account": "b", "repositories": [{"match": "acme/*", "fetch": True}]}]
    broker = {"listen": f"127.0.0.1:{free_port()}", "tls": {"certificate": str(certificate), "key": str(key)}}

    def said(**changes):
        return failure(command="broker", credentials=app(folder / "app.pem"), broker={**broker, **changes})
    assert said(tls={**broker["tls"], "certificate": str(folder / "tls.crx")}).startswith(
        f"broker.tls.certificate: {folder}/tls.crx: No such file or directory; ")
    assert said().startswith(f"broker.tls.key: {key}: No such file or directory; ")
    key.write_bytes((folder / "key.pem").read_bytes())
    assert said(tls={**broker["tls"], "certificate": "/dev/null"}).startswith(
        "broker.tls.certificate: /dev/null: no certificate can be read from it: ")
    assert "no pod of a cluster" in said(grants=grants) and "name `api`, `ca` and `token_file`" in said(grants=grants)
    kubernetes = {"ca": str(folder / "cluster.pem")}
    assert said(grants=grants, kubernetes=kubernetes).startswith(f"broker.kubernetes.ca: {folder}/cluster.pem: No such")
    kubernetes = {"ca": SYSTEM_ROOTS}
    assert said(grants=grants, kubernetes=kubernetes, listen="192.0.2.9:1").startswith("broker.listen: cannot listen on ")
