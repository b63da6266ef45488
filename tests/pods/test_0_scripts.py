"""The project's shell scripts, as a linter reads them."""
import subprocess

from cluster.cluster import SOURCE

FIRST_LINES = (b"#!/usr/bin/env bash", b"#!/bin/bash", b"#!/bin/sh")


def scripts():
    names = subprocess.run(["git", "-c", "safe.directory=*", "-C", SOURCE, "ls-files"], check=True, capture_output=True,
                           text=True).stdout.split()
    for name in names:
        path = SOURCE / name
        if path.is_file() and path.read_bytes().split(b"\n")[0] in FIRST_LINES:
            yield name


def test_shellcheck_finds_nothing():
    names = sorted(scripts())
    assert {"k8s/try", "tests/run", "tests/pod"} <= set(names)
    done = subprocess.run(["shellcheck", "--external-sources", "--format=gcc", *names], cwd=SOURCE, capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stdout
