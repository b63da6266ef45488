"""`upstream.keep_capabilities`: which answers of GitHub's are kept, byte by byte."""
import gzip

import pytest
from lib.raw import Raw
from lib.scripted import answer, scripted

REFS = "/info/refs?service=git-upload-pack"
V2 = "Git-Protocol: version=2\r\nAccept-Encoding: deflate, gzip\r\n"
TYPE = b"Content-Type: application/x-git-upload-pack-advertisement\r\n"
GZIP = TYPE + b"Content-Encoding: gzip\r\n"


def packets(*lines):
    return b"".join(b"0000" if line is None else b"%04x%s" % (len(line) + 4, line) for line in lines)


CAPABILITIES = (b"version 2\n", b"agent=git/github-1.2\n", b"ls-refs=unborn\n", b"fetch=shallow wait-for-done filter\n",
                b"object-format=sha1\n", None)
PLAIN = packets(*CAPABILITIES)
GITHUB = packets(b"# service=git-upload-pack\n", None, *CAPABILITIES)
REFS_V1 = packets(b"# service=git-upload-pack\n", None, b"version 1\n", b"1" * 40 + b" HEAD\0ofs-delta\n", None)
REFS_V0 = packets(b"# service=git-upload-pack\n", None, b"1" * 40 + b" HEAD\0ofs-delta\n", None)


def chunked(body):
    pieces = b"".join(b"%x\r\n%s\r\n" % (len(body[at:at + 7]), body[at:at + 7]) for at in range(0, len(body), 7))
    return b"HTTP/1.1 200 OK\r\n" + TYPE + b"Transfer-Encoding: chunked\r\n\r\n" + pieces + b"0\r\n\r\n"


@pytest.fixture
def asked_twice(folder, github, start):
    """asked_twice({name: answer}): for each, what a client gets that asks twice, and how often GitHub was asked."""
    answers, asked = {}, []

    def script(peer):
        while True:
            head, _ = peer.request()
            name = head.split("/")[2].removesuffix(".git")
            asked.append(name)
            peer.send(answers[name])
    with scripted(folder, github, script) as (_, connect_to):
        gitlatch = start(github={"connect_to": connect_to}, upstream={"keep_capabilities": "1h"},
                         repositories=None, credentials=[{"type": "environment", "name": "TOKEN"}],
                         env={"TOKEN": "ghp_" + "x" * 36})

        def asked_twice(given):
            answers.update(given)
            for name in given:
                with Raw.intercepted(gitlatch) as raw:
                    first, second = [raw.ask("GET", f"/acme/{name}.git{REFS}", V2) for _ in range(2)]
                yield name, first, second, asked.count(name)
        yield asked_twice


def test_kept(asked_twice):
    given = {"as-github-writes-it": answer(200, GITHUB, TYPE),
             "as-git-writes-it": answer(200, PLAIN, TYPE),
             "in-chunks": chunked(GITHUB),
             "compressed": answer(200, gzip.compress(GITHUB), GZIP)}
    for name, first, second, count in asked_twice(given):
        body = PLAIN if name == "as-git-writes-it" else GITHUB
        assert count == 1, name
        assert first.status == second.status == 200
        assert (gzip.decompress(first.body) if first.header("Content-Encoding") else first.body) == body
        assert second.body == body and second.header("Content-Encoding") is None
        assert second.header("Content-Type") == "application/x-git-upload-pack-advertisement"
        assert second.header("Cache-Control") == "no-store"


def test_not_kept(asked_twice):
    large = packets(b"version 2\n", *[b"a=" + b"b" * 60] * 80, None)
    given = {"refs-in-version-0": answer(200, REFS_V0, TYPE),
             "refs-in-version-1": answer(200, REFS_V1, TYPE),
             "a-ref-among": answer(200, packets(b"version 2\n", b"1" * 40 + b" refs/heads/main\n", None), TYPE),
             "without-its-end": answer(200, GITHUB[:-4], TYPE),
             "with-more-behind-its-end": answer(200, GITHUB + b"0000", TYPE),
             "too-large": answer(200, large, TYPE),
             "too-large-once-inflated": answer(200, gzip.compress(large), GZIP),
             "compressed-and-damaged": answer(200, gzip.compress(GITHUB)[:-9], GZIP),
             "in-an-unknown-coding": answer(200, GITHUB, TYPE + b"Content-Encoding: br\r\n"),
             "an-error": answer(200, packets(b"ERR no\n"), TYPE),
             "not-200": answer(203, GITHUB, TYPE),
             "empty": answer(200, b"", TYPE)}
    for name, first, second, count in asked_twice(given):
        assert count == 2, name
        assert first.status == second.status and first.body == second.body
