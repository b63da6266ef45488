"""The images, as they lie in podman's storage."""
import hashlib
import json
import os
import stat
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from cluster.kubelet import podman

LIMIT = 20_000_000  # bytes
USER = "65532:65532"
SHELLS = ("sh", "bash", "dash", "ash", "busybox", "env", "cat", "ls", "perl", "python3")


def inspect(image):
    return json.loads(podman("image", "inspect", image).stdout)[0]


@contextmanager
def files_of(image):
    folder = Path(podman("image", "mount", image).stdout.strip())
    try:
        yield folder
    finally:
        podman("image", "unmount", image)


def regular(folder):
    return {"/" + str(path.relative_to(folder)): path for path in folder.rglob("*")
            if path.is_file() and not path.is_symlink()}


def programs(folder):
    return [name for name, path in regular(folder).items() if os.access(path, os.X_OK) and ".so" not in name]


def confined(image, *command, check=True):
    """Runs it as the manifests do: nothing to write to, no network, no privilege."""
    return podman("run", "--rm", "--network", "none", "--read-only", "--cap-drop", "all", "--security-opt",
                  "no-new-privileges", image, *command, check=check)


def test_it_is_small_and_runs_as_its_own_user(image):
    about = inspect(image())
    print(f"gitlatch: {about['Size']} bytes")
    assert about["Size"] <= LIMIT
    assert about["Config"]["User"] == USER
    assert about["Config"]["Entrypoint"] == ["/usr/bin/gitlatch"] and about["Config"]["Cmd"] == ["proxy"]


def test_it_runs_with_a_read_only_root_and_no_privilege(image):
    assert confined(image(), "--version").stdout.startswith("gitlatch ")
    tried = confined(image(), "proxy", "-c", "/etc/gitlatch/gitlatch.yaml", check=False)
    assert tried.returncode == 2 and "/etc/gitlatch/gitlatch.yaml" in tried.stderr


def test_there_is_no_shell_and_no_other_program(image):
    with files_of(image()) as folder:
        assert programs(folder) == ["/usr/bin/gitlatch"]
        bad = stat.S_ISUID | stat.S_ISGID | stat.S_IWGRP | stat.S_IWOTH
        assert [name for name, path in regular(folder).items() if path.stat().st_mode & bad] == []
    for shell in SHELLS:
        assert confined("--entrypoint", shell, image(), "-c", "true", check=False).returncode == 127


def test_the_loader_looks_for_no_library_where_one_could_be_put(image):
    looked = podman("run", "--rm", "--network", "none", "--read-only", "--env", "LD_DEBUG=libs", image(), "--version").stderr
    assert "search cache=/etc/ld.so.cache" in looked
    assert "search path=" not in looked


def test_each_library_brings_its_licence(image):
    with files_of(image()) as folder:
        packages = {package["name"] for package in json.loads(sbom().read_text())["packages"]}
        for package in packages:
            assert list((folder / "usr/share/doc" / package).glob("*")), package


# The SBOM.

def sbom():
    return Path(os.environ["GITLATCH_SBOM"])


def judge(path):
    return subprocess.run([Path(os.environ["GITLATCH_TOOLS"], "pyspdxtools"), "--infile", path], capture_output=True,
                          text=True)


def test_the_sbom_is_valid_spdx(tmp_path):
    judged = judge(sbom())
    assert judged.returncode == 0, judged.stdout + judged.stderr
    broken = tmp_path / "broken.spdx.json"
    broken.write_text(sbom().read_text().replace("DESCRIBES", "DESCRIBED"))
    assert judge(broken).returncode != 0


def test_the_sbom_names_every_file_with_its_hash(image):
    document = json.loads(sbom().read_text())
    named = {one["fileName"].removeprefix("."): checksum["checksumValue"] for one in document["files"]
             for checksum in one["checksums"] if checksum["algorithm"] == "SHA256"}
    with files_of(image()) as folder:
        assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in regular(folder).items()} == named


def test_the_sbom_names_the_packages_that_the_files_are_of():
    document = json.loads(sbom().read_text())
    packages = {one["name"]: one for one in document["packages"]}
    assert packages.pop("gitlatch")["versionInfo"]
    assert {"libc6", "libssl3", "libcurl4", "libevent-core-2.1-7", "libjansson4", "ca-certificates"} <= packages.keys()
    for name, package in packages.items():
        assert package["externalRefs"][0]["referenceLocator"].startswith(f"pkg:deb/debian/{name}@")


# The other two.

def test_the_mock_and_the_redirect_start(image):
    mock = image("gitlatch-mock-github")
    assert inspect(mock)["Config"]["User"] == USER
    assert confined(mock, "--help").stdout.startswith("Usage:")
    for tool in ("git", "git-lfs", "gh", "curl"):
        assert confined("--entrypoint", tool, mock, "--version").returncode == 0
    redirect = image("gitlatch-redirect")
    assert inspect(redirect)["Size"] <= LIMIT
    assert confined(redirect, "--version").stdout.startswith("nftables")
    with files_of(redirect) as folder:
        assert programs(folder) == ["/usr/bin/nft"]


@pytest.mark.slow
def test_the_same_commit_gives_the_same_digest(image):
    """tests/pod built it once more, with nothing kept from the first time."""
    first, second = inspect(image())["Digest"], inspect(image("again/gitlatch"))["Digest"]
    print(f"{first}\n{second}")
    assert first == second
    assert inspect(image("gitlatch-redirect"))["Digest"] != first
