"""A workspace: an empty HOME, a clean environment, no credential, and whatever gitlatch published."""
import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

PATH = "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"  # Debian's tools, whatever the machine put before them
# What git says when it would ask a person for a user name. Nothing in a workspace may ever lead to it.
PROMPTS = ("could not read Username", "could not read Password", "terminal prompts disabled")


@dataclass
class Result:
    command: str
    code: int
    out: str
    err: str

    @property
    def all(self):
        return self.out + self.err

    def __str__(self):
        return f"$ {self.command}\n{self.out}{self.err}[exit {self.code}]"


class Workspace:
    def __init__(self, folder, env_file=None, **extra):
        """`env_file`: the published `env`, sourced by a shell as a user would; `extra`: further variables."""
        self.folder = Path(folder)
        self.home = self.folder / "home"
        self.home.mkdir(parents=True)
        self.env = {
            "HOME": str(self.home), "PATH": PATH, "LANG": "C.UTF-8", "TMPDIR": str(self.folder),
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_TEST_FSYNC": "0",  # its disk may be slow, and nothing is kept
            "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.com",
            "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.com",
        }
        if env_file:
            self.source(env_file)
        self.env.update(extra)

    def source(self, env_file):
        shell = subprocess.run(["sh", "-c", '. "$0" && env -0', str(env_file)], env=self.env, check=True,
                               capture_output=True, text=True)
        for entry in shell.stdout.split("\0"):
            name, equals, value = entry.partition("=")
            if equals and name not in ("PWD", "_", "SHLVL", "OLDPWD"):
                self.env[name] = value

    def run(self, *argv, cwd=None, env=None, check=True, timeout=150, input=None, prompts=False):
        """Runs a command without a terminal. `check`: True: it must succeed, False: it must fail, None: either."""
        argv = [str(word) for word in argv]
        process = subprocess.Popen(argv, cwd=cwd or self.folder, env={**self.env, **(env or {})},
                                   stdin=subprocess.PIPE if input is not None else subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        try:
            out, err = process.communicate(input.encode() if isinstance(input, str) else input, timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            out, err = process.communicate()
            raise AssertionError(f"$ {shlex.join(argv)}\nhangs after {timeout} s\n"
                                 + (out + err).decode(errors="replace")[-4000:]) from None
        except BaseException:
            os.killpg(process.pid, 9)
            raise
        result = Result(shlex.join(argv), process.returncode, out.decode(errors="replace"),
                        err.decode(errors="replace"))
        if check is not None:
            assert (result.code == 0) == check, str(result)[-8000:]
        if not prompts:
            assert not any(prompt in result.err for prompt in PROMPTS), str(result)
        return result

    def git(self, *arguments, **options):
        return self.run("git", *arguments, **options)

    def curl(self, *arguments, **options):
        """The body is .out; --fail is not given, so that a refusal's text can be read."""
        return self.run("curl", "--silent", "--show-error", "--max-time", "120", *arguments, **options)

    def status(self, *arguments, **options):
        """curl's view of the answer: (status, body)."""
        result = self.curl("--write-out", r"\n%{http_code}", *arguments, **options)
        body, _, code = result.out.rpartition("\n")
        return int(code), body

    def clone(self, url, name=None, *options, **run):
        """Clones to a new folder in the workspace, whose path is returned."""
        path = self.folder / (name or url.rstrip("/").rpartition("/")[2].removesuffix(".git"))
        self.git("clone", "--quiet", *options, url, path, **run)
        return path

    def commit(self, repository, files, message="a change", branch=None):
        """Writes `files` ({name: text or bytes}), commits them, gives the commit's id."""
        if branch:
            self.git("checkout", "--quiet", "-B", branch, cwd=repository)
        for name, content in files.items():
            path = Path(repository) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            self.git("add", "--", name, cwd=repository)
        self.git("commit", "--quiet", "--message", message, cwd=repository)
        return self.head(repository)

    def head(self, repository, ref="HEAD"):
        return self.git("rev-parse", ref, cwd=repository).out.strip()
