#include "git_settings.h"

#include "git_sign.h"
#include "mem.h"
#include "text.h"

// Where git-lfs takes github.com's objects from and brings them to (seen in its batch answers). They keep their own
// certificates: the proxy only tunnels to them.
static const char *const dotcom_object_hosts[] = {
    "lfs.github.com",
    "github-cloud.s3.amazonaws.com",
    "github-cloud.githubusercontent.com",
};

// Debian's git trusts what is in its libcurl's directory, too, and GnuTLS reads each of the hundreds of files there
// for each connection. GnuTLS and OpenSSL take what is no directory for one with nothing in it.
#define NO_DIRECTORY "/dev/null"

// The forms of a remote that GitHub takes beside https:// (docs.github.com, "About remote repositories" and "Using SSH
// over the HTTPS port"); %s is the host. git compares beginnings, to the letter, and takes the longest. Not among them:
// `org-N@`, since N is not known.
static const char *const remote_forms[] = {
    "git@%s:/",      "git@%s:",           "%s:/",
    "%s:",           "ssh://git@%s/",     "ssh://git@%s:22/",
    "ssh://%s/",     "ssh://%s:22/",      "git+ssh://git@%s/",
    "git+ssh://%s/", "ssh+git://git@%s/", "git://%s/",
    "http://%s/",
};
static const char *const dotcom_remote_forms[] = {
    "ssh://git@ssh.github.com:443/", "ssh://ssh.github.com:443/", "ssh://git@ssh.github.com/",
    "git@ssh.github.com:",           "ssh.github.com:",
};

// git-config(1), "Syntax": within double quotes, `"` and `\` are escaped.
static void git_settings_append_value(struct text *text, const char *name, const char *value)
{
    text_format(text, "\t%s = \"", name);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            text_append_char(text, '\\');
        text_append_char(text, *value);
    }
    text_append(text, "\"\n");
}

static void append_instead_of(struct text *text, const char *form, const char *host)
{
    struct bytes before, after;

    text_append(text, "\tinsteadOf = \"");
    if (bytes_cut(bytes_of_string(form), '%', &before, &after)) {
        text_append_bytes(text, before);
        text_append(text, host);
        text_append_bytes(text, bytes_skip(after, 1));
    } else {
        text_append_bytes(text, before);
    }
    text_append(text, "\"\n");
}

static void append_remote_forms(struct text *text, const char *host)
{
    for (size_t i = 0; i < GL_ARRAY_SIZE(remote_forms); i++)
        append_instead_of(text, remote_forms[i], host);
    for (size_t i = 0; strcmp(host, "github.com") == 0 && i < GL_ARRAY_SIZE(dotcom_remote_forms); i++)
        append_instead_of(text, dotcom_remote_forms[i], host);
}

static void append_way(struct text *text, const char *host, const char *proxy_url, const char *ca)
{
    text_format(text, "[http \"https://%s/\"]\n", host);
    git_settings_append_value(text, "proxy", proxy_url);
    git_settings_append_value(text, "sslCAInfo", ca);
    git_settings_append_value(text, "sslCAPath", NO_DIRECTORY);
}

static void append_host(struct text *text, const char *host, const char *proxy_url, const char *ca)
{
    append_way(text, host, proxy_url, ca);
    text_format(text, "[url \"https://%s/\"]\n", host);
    append_remote_forms(text, host);
}

static void append_dotcom_objects(struct text *text, const char *proxy_url)
{
    for (size_t i = 0; i < GL_ARRAY_SIZE(dotcom_object_hosts); i++) {
        text_format(text, "[http \"https://%s/\"]\n", dotcom_object_hosts[i]);
        git_settings_append_value(text, "proxy", proxy_url);
    }
}

char *git_settings_text(const char *proxy_url, const char *ca, const struct name_list *web_hosts)
{
    struct text text = {0};
    char *copy;

    for (size_t i = 0; i < web_hosts->count; i++) {
        append_host(&text, web_hosts->names[i], proxy_url, ca);
        if (strcmp(web_hosts->names[i], "github.com") == 0)
            append_dotcom_objects(&text, proxy_url);
    }
    copy = mem_string(text_string(&text));
    text_free(&text);
    return copy;
}

void git_settings_append_remote_host(struct text *text, const struct remote_host *host, const char *proxy_url,
                                     const char *ca)
{
    append_way(text, host->web, proxy_url, ca);
    for (size_t i = 0; i < host->forms.count; i++) {
        text_format(text, "[url \"https://%s/%s\"]\n", host->web, host->below.names[i]);
        git_settings_append_value(text, "insteadOf", host->forms.names[i]);
    }
}

char *git_settings_signing_text(const char *directory, const char *public_key)
{
    char *program = mem_format("%s/" GIT_SIGN_PROGRAM, directory);
    char *signers = mem_format("%s/" GIT_SIGN_ALLOWED_SIGNERS, directory);
    struct text text = {0};
    char *copy;

    text_append(&text, "[gpg]\n");
    git_settings_append_value(&text, "format", "ssh");
    text_append(&text, "[gpg \"ssh\"]\n");
    git_settings_append_value(&text, "program", program);
    git_settings_append_value(&text, "allowedSignersFile", signers);
    text_append(&text, "[user]\n");
    git_settings_append_value(&text, "signingKey", public_key);
    text_append(&text, "[commit]\n");
    git_settings_append_value(&text, "gpgSign", "true");
    copy = mem_string(text_string(&text));
    text_free(&text);
    mem_free(signers);
    mem_free(program);
    return copy;
}
