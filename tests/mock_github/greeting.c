#include "greeting.h"

#include <err.h>

#include "mock_text.h"

static const char *const hosts[] = {
    "github.com",
    "api.github.com",
    "uploads.github.com",
    "codeload.github.com",
    "raw.githubusercontent.com",
    "release-assets.githubusercontent.com",
    "objects.githubusercontent.com",
    "github-cloud.s3.amazonaws.com",
    "lfs.github.com",
};

static void replace_file(const char *path, const struct mock_text *content)
{
    char *next = mock_text_format("%s.next", path);
    FILE *file = fopen(next, "we");

    if (!file || fwrite(content->data, 1, content->size, file) != content->size || fclose(file) != 0 ||
        rename(next, path) != 0)
        err(1, "%s", path);
    free(next);
}

void greeting_write_configuration(const struct greeting *greeting)
{
    struct mock_text yaml = {0};
    char *path = mock_text_format("%s/gitlatch.yaml", greeting->state);

    mock_text_printf(&yaml,
                     "# gitlatch in front of the mock GitHub: gitlatch proxy -c %s\n"
                     "listen: 127.0.0.1:3128\n"
                     "ca:\n"
                     "  publish: %s/gitlatch      # ca.pem, bundle.pem, env and gitconfig for the workspace\n"
                     "github:\n"
                     "  host: github.com\n"
                     "  trust: %s/ca.pem          # the mock's own certificates, not the Internet's\n"
                     "  default_owner: acme\n"
                     "  connect_to:               # all of GitHub is on one port here\n",
                     path, greeting->state, greeting->state);
    for (size_t i = 0; i < GL_ARRAY_SIZE(hosts); i++)
        mock_text_printf(&yaml, "    \"%s:443\": \"%s\"\n", hosts[i], greeting->address);
    mock_text_printf(&yaml,
                     "credentials:\n"
                     "  - {type: app, app_id: \"12345\", private_key: %s/app.pem}\n"
                     "repositories:               # the first match decides\n"
                     "  - match: acme/widgets     # may be fetched, and pushed to branches of its own\n"
                     "    fetch: true\n"
                     "    push: [\"refs/heads/agent/*\"]\n"
                     "    permissions: {pull_requests: write, issues: read}\n"
                     "    graphql: true\n"
                     "  - match: \"acme/*\"         # may be fetched\n"
                     "    fetch: true\n"
                     "other_repositories: deny\n",
                     greeting->state);
    replace_file(path, &yaml);
    mock_text_free(&yaml);
    free(path);
}

void greeting_write_ports(const struct greeting *greeting, const char *path)
{
    struct mock_text lines = {0};

    mock_text_printf(&lines, "MOCK_GITHUB_PORT=%d\nMOCK_GITHUB_CONTROL_PORT=%d\nMOCK_GITHUB_STATE='%s'\n",
                     greeting->port, greeting->control_port, greeting->state);
    if (greeting->port6)
        mock_text_printf(&lines, "MOCK_GITHUB_PORT6=%d\n", greeting->port6);
    replace_file(path, &lines);
    mock_text_free(&lines);
}

void greeting_print(const struct greeting *greeting, FILE *out)
{
    const char *state = greeting->state;

    fprintf(out,
            "A mock GitHub is listening on %s; its files are in %s.\n"
            "\n"
            "In one command (in another terminal):\n"
            "     gitlatch run -c %s/gitlatch.yaml -- git clone https://github.com/acme/widgets\n"
            "\n"
            "Or step by step.\n"
            "1. Start gitlatch in front of it:\n"
            "     gitlatch proxy -c %s/gitlatch.yaml\n"
            "\n"
            "2. Be a workspace without a credential (in a third one):\n"
            "     . %s/gitlatch/env\n"
            "     git clone https://github.com/acme/widgets && cd widgets\n"
            "\n"
            "3. Push to a branch that the rules allow, then see one refused:\n"
            "     git switch -c agent/hello && git commit --allow-empty -m hello\n"
            "     git push origin agent/hello\n"
            "     git push origin HEAD:main\n"
            "\n"
            "There are also acme/gadgets, acme/public, globex/lib (no rule allows it) and more; without "
            "gitlatch:\n"
            "     curl --cacert %s/ca.pem --connect-to ::%s https://api.github.com/repos/acme/public\n"
            "What it saw, token by token:\n"
            "     curl http://127.0.0.1:%d/record\n"
            "Ctrl-C ends it; its files stay.\n",
            greeting->address, state, state, state, state, state, greeting->address, greeting->control_port);
    fflush(out);
}
