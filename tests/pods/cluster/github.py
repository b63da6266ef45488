"""The mock GitHub in its pod: its control API listens on that pod's loopback alone."""
import json

from lib.github import Github

CONTROL = "http://127.0.0.1:8080"


class PodGithub(Github):
    def __init__(self, pod):
        self.pod = pod

    def control(self, method, call, /, **body):
        data = ["--data", json.dumps(body)] if body else []
        return self.pod.run("mock-github", "curl", "--silent", "--show-error", "--fail-with-body", "--request", method,
                            *data, CONTROL + call).stdout

    def add_data(self, name, size):
        """A commit with a file of `size` bytes that cannot be compressed."""
        self.pod.shell(f"""cd /tmp && rm -rf clone && git clone --quiet /state/repositories/{name}.git clone && cd clone
head -c {size} /dev/urandom >data && git add data && git -c user.name=A -c user.email=a@b commit --quiet -m data
git push --quiet origin HEAD && cd .. && rm -rf clone""", "mock-github")
