"""A workspace that talks to the mock GitHub straight, with a token of its own: for the tests of the mock itself."""
import base64
import json
import subprocess
import time

import pytest

from lib.relay import Relay
from lib.workspace import Workspace

API = "https://api.github.com"
WIDGETS = "https://github.com/acme/widgets.git"
HELPER = "!f() { echo username=x-access-token; echo password=$GH_TOKEN; }; f"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign_jwt(key, claims=None, algorithm="RS256", **changes):
    """The App's JSON web token; `changes` to its usual claims, None takes one away."""
    now = int(time.time())
    claims = claims if claims is not None else {"iat": now - 60, "exp": now + 540, "iss": 12345, **changes}
    claims = {name: value for name, value in claims.items() if value is not None}
    text = ".".join(base64url(json.dumps(part).encode()) for part in ({"alg": algorithm, "typ": "JWT"}, claims))
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", str(key)], input=text.encode(), check=True,
                               stdout=subprocess.PIPE).stdout
    return f"{text}.{base64url(signature)}"


class Direct(Workspace):
    def __init__(self, folder, github):
        self.github = github
        self.proxy = Relay(github.port, proxy=True)
        ca = str(github.ca)
        super().__init__(folder, https_proxy=self.proxy.url, HTTPS_PROXY=self.proxy.url, GIT_SSL_CAINFO=ca,
                         SSL_CERT_FILE=ca, CURL_CA_BUNDLE=ca, GH_NO_UPDATE_NOTIFIER="1", GH_PROMPT_DISABLED="1",
                         GIT_TERMINAL_PROMPT="0")

    def use(self, token):
        """From now on git, git-lfs and gh have this token; None: none."""
        self.env.pop("GH_TOKEN", None)
        self.git("config", "--global", "--replace-all", "credential.helper", HELPER if token else "")
        if token:
            self.env["GH_TOKEN"] = token
        return self

    def api(self, path, token=None, method="GET", body=None, accept=None, base=API):
        """(status, JSON); `body` is sent as JSON."""
        arguments = ["--request", method, base + path]
        if token:
            arguments += ["--header", f"Authorization: Bearer {token}"]
        if body is not None:
            arguments += ["--data", json.dumps(body)]
        if accept:
            arguments += ["--header", f"Accept: {accept}"]
        code, text = self.status(*arguments)
        return code, json.loads(text) if text else None

    def jwt(self, **changes):
        return sign_jwt(self.github.app_key, **changes)

    def mint(self, installation=700001, jwt=None, base=API, **body):
        """(status, JSON) of asking for a token as the App."""
        return self.api(f"/app/installations/{installation}/access_tokens", jwt or self.jwt(), "POST", body, base=base)

    def token(self, **body):
        code, answer = self.mint(**body)
        assert code == 201, answer
        return answer["token"]

    def ls_remote(self, url=WIDGETS, token=None, check=True, **options):
        """git with the token attached at first asking, as gitlatch does it."""
        extra = ["-c", f"http.extraHeader=Authorization: {basic(token)}"] if token else []
        return self.git(*extra, "ls-remote", url, check=check, prompts=True, **options)


def basic(token, user="x-access-token"):
    return "Basic " + base64.b64encode(f"{user}:{token}".encode()).decode()


@pytest.fixture
def direct(folder, github):
    direct = Direct(folder / "direct", github)
    yield direct
    direct.proxy.close()
