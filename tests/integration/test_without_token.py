"""What a workspace gets of a repository for which no token can be had."""
import json

import pytest

PUBLIC = "https://github.com/acme/public.git"
PUBLIC_API = "https://api.github.com/repos/acme/public"
RULES = [{"match": "acme/*", "fetch": True, "push": True, "permissions": {"metadata": "read"}}]


def lacks(github, how):
    """Takes the App's access away."""
    if how == "suspended":
        github.fault(path="/app/installations/*/access_tokens", status=403,
                     body={"message": "This installation has been suspended"})
    elif how == "not_covered":
        github.fault(path="/app/installations/*/access_tokens", status=422, body={
            "message": "There is at least one repository that does not exist or is not accessible to the parent installation."})
    else:
        github.fault(path="*/installation", status=404, body={"message": "Not Found"})


@pytest.mark.parametrize("how", ["not_installed", "not_covered", "suspended"])
def test_a_public_repository_is_read_without_a_token(start, folder, github, how):
    gitlatch = start(repositories=RULES)
    workspace = gitlatch.workspace(folder / "workspace")
    lacks(github, how)
    workspace.git("clone", "--quiet", PUBLIC, "clone")
    assert workspace.head(workspace.folder / "clone") == github.head("acme/public")
    code, body = workspace.status(PUBLIC_API)
    assert code == 200 and json.loads(body)["full_name"] == "acme/public"
    assert gitlatch.wait_audit(repository="acme/public", operation="fetch")["decision"] == "anonymous"
    assert not any(request.header("Authorization") for request in github.requests(host="github.com"))


@pytest.mark.parametrize("how", ["not_installed", "not_covered", "suspended"])
def test_a_private_one_is_404_with_the_reason(start, folder, github, how):
    workspace = start(repositories=RULES).workspace(folder / "workspace")
    lacks(github, how)
    refused = workspace.git("ls-remote", "https://github.com/acme/widgets.git", check=False).err
    assert "not found" in refused and f"reason {how}" in refused, refused
    code, body = workspace.status("https://api.github.com/repos/acme/widgets")
    assert code == 404 and how in json.loads(body)["message"], body


@pytest.mark.parametrize("how,status", [("not_installed", 404), ("not_covered", 404), ("suspended", 403)])
def test_writes_and_a_closed_house_are_refused(start, folder, github, how, status):
    workspace = start(repositories=RULES).workspace(folder / "workspace")
    closed = start(repositories=RULES, other_repositories="deny").workspace(folder / "closed")
    lacks(github, how)
    for one, url in ((workspace, PUBLIC + "/info/refs?service=git-receive-pack"),
                     (closed, PUBLIC + "/info/refs?service=git-upload-pack"), (closed, PUBLIC_API)):
        code, head = one.status("--dump-header", "-", "--output", "/dev/null", url)
        assert code == status and "retry-after" not in head.lower(), (url, head)
    code, _ = workspace.status("--request", "POST", "--data", "{}", PUBLIC_API + "/issues")
    assert code == status
