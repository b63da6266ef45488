// Credentials that a workspace should not hold, wherever its tools look for them. What is found is named, never shown.
#include "doctor_credentials.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor_program.h"
#include "environment.h"
#include "mem.h"
#include "redact.h"

extern char **environ;

#define WHY_NONE FINDING_WHY "whatever runs here can take it, and no rule of gitlatch's binds it"

// Files of tools are small; more is not read.
#define FILE_MAX_SIZE (256 * KIB)

// The environment.

static bool looks_like_token(const char *value)
{
    char *copy = mem_string(value);
    size_t size = strlen(copy);
    bool found = redact(copy, size) != size || strcmp(copy, value) != 0;

    explicit_bzero(copy, size);
    mem_free(copy);
    return found;
}

static bool doctor_credentials_is_known(const char *const *names, size_t count, struct bytes name)
{
    for (size_t i = 0; i < count; i++)
        if (bytes_equal(bytes_of_string(names[i]), name))
            return true;
    return false;
}

static void examine_environment(struct doctor *doctor)
{
    static const char *const tokens[] = {"GITHUB_TOKEN", "GH_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GH_ENTERPRISE_TOKEN"};

    for (char **entry = environ; *entry; entry++) {
        struct bytes name, value;

        bytes_cut(bytes_of_string(*entry), '=', &name, &value);
        bool token = doctor_credentials_is_known(tokens, GL_ARRAY_SIZE(tokens), name);
        if (value.size == 0 || (token && bytes_equal(value, BYTES(ENVIRONMENT_GH_TOKEN))) ||
            (!token && !looks_like_token(value.data)))
            continue;
        // git's own settings are listed below, with their keys.
        if (bytes_start_with(name, BYTES("GIT_CONFIG_")))
            continue;
        doctor_wrong(
            doctor, "environment", "%.*s holds a credential" WHY_NONE FINDING_MEND "%s", (int)name.size, name.data,
            bytes_equal(name, BYTES("GH_TOKEN")) ? "set it to the word `gitlatch`, which is all that gh needs to start"
                                                 : "take it out of the workspace's environment");
    }
    if (getenv("GIT_ASKPASS"))
        doctor_note(doctor, "environment", "GIT_ASKPASS is set: that program may give git a credential of its own");
}

// git's configuration.

// Whether a setting for this URL ("" for all) counts for GitHub, by whatever way git reaches it.
static bool is_for_github(const struct doctor *doctor, struct bytes url)
{
    return url.size == 0 || bytes_contain(url, BYTES("github")) || bytes_contain(url, BYTES("*")) ||
           bytes_contain(url, BYTES(".ghe.com")) ||
           (doctor->gateway && bytes_start_with(bytes_of_string(doctor->gateway), url));
}

// Whether a URL holds a password, or a user that is none: a token alone may stand there.
static bool has_credential(struct bytes url)
{
    struct bytes authority, user, password, rest;
    const char *start = url.size ? memmem(url.data, url.size, "://", 3) : NULL;
    const char *at;

    if (!start || bytes_start_with(url, BYTES("ssh:")))
        return false;
    bytes_cut(bytes_skip(url, (size_t)(start + 3 - url.data)), '/', &authority, &rest);
    at = authority.size ? memrchr(authority.data, '@', authority.size) : NULL;
    if (!at)
        return false;
    bytes_cut(bytes_of(authority.data, (size_t)(at - authority.data)), ':', &user, &password);
    if (password.size > 0)
        return true;
    char *name = mem_bytes_string(user);
    bool token = looks_like_token(name);
    mem_free(name);
    return token;
}

// Only a word is shown of a helper: a command line may hold what it gives.
static void examine_helper(struct doctor *doctor, const struct git_setting *setting)
{
    static const char word[] = "abcdefghijklmnopqrstuvwxyz-";
    bool plain = setting->value[strspn(setting->value, word)] == '\0';

    if (*setting->value == '\0' || strstr(setting->value, "gitlatch credential"))
        return;
    doctor_wrong(doctor, "git",
                 "credential.helper %s%s%s(%s) may give git a credential of its own" FINDING_MEND
                 "take it out, for behind gitlatch none is asked for",
                 plain ? "\"" : "", plain ? setting->value : "", plain ? "\" " : "", git_setting_file(setting));
}

// A URL in a key may hold the credential itself: no key is shown either.
static void examine_setting(struct doctor *doctor, const struct git_setting *setting)
{
    struct bytes value = bytes_of_string(setting->value), between;

    if (git_setting_is(setting, "credential", "helper", &between) && is_for_github(doctor, between))
        examine_helper(doctor, setting);
    else if (git_setting_is(setting, "http", "extraheader", &between) && is_for_github(doctor, between) &&
             (strcasestr(setting->value, "authorization") || strcasestr(setting->value, "cookie")))
        doctor_wrong(doctor, "git",
                     "http.extraHeader (%s) sends a credential" WHY_NONE FINDING_MEND
                     "take it out (of a checkout by a CI system: do not let it persist its credential)",
                     git_setting_file(setting));
    else if ((git_setting_is(setting, "url", "insteadof", &between) ||
              git_setting_is(setting, "url", "pushinsteadof", &between)) &&
             has_credential(between))
        doctor_wrong(doctor, "git",
                     "url.<base>.insteadOf (%s) puts a credential into URLs" WHY_NONE FINDING_MEND "take it out",
                     git_setting_file(setting));
    else if ((git_setting_is(setting, "remote", "url", &between) ||
              git_setting_is(setting, "remote", "pushurl", &between)) &&
             has_credential(value))
        doctor_wrong(doctor, "git",
                     "the URL of the remote %.*s (%s) holds a credential" WHY_NONE FINDING_MEND
                     "set it to the URL without it: git remote set-url %.*s https://github.com/OWNER/NAME",
                     (int)between.size, between.data, git_setting_file(setting), (int)between.size, between.data);
    else if (git_setting_is(setting, "http", "sslverify", &between) && is_for_github(doctor, between) &&
             (strcasecmp(setting->value, "false") == 0 || strcmp(setting->value, "0") == 0))
        doctor_wrong(doctor, "git",
                     "http.sslVerify is false (%s)" FINDING_WHY
                     "whoever stands between may pass for GitHub" FINDING_MEND
                     "take it out, for gitlatch's CA is all that git needs",
                     git_setting_file(setting));
}

// Files.

// The beginning of a file; empty where it is not there or cannot be read. Freed by the caller, who wipes it.
static struct text doctor_credentials_read_file(const char *path)
{
    struct text text = {0};
    char block[4096];
    FILE *file = fopen(path, "re");
    size_t count;

    if (!file)
        return text;
    setvbuf(file, NULL, _IONBF, 0);
    while (text.size < FILE_MAX_SIZE && (count = fread(block, 1, sizeof(block), file)) > 0)
        text_append_bytes(&text, bytes_of(block, count));
    explicit_bzero(block, sizeof(block));
    fclose(file);
    return text;
}

static bool names_github(struct bytes host)
{
    return bytes_contain(host, BYTES("github")) || bytes_contain(host, BYTES(".ghe.com"));
}

// git-credential-store(1): a line is a URL, `https://user:password@host`.
static bool is_store(const char *text)
{
    struct bytes rest = bytes_of_string(text), line, host, path;
    bool more = true, found = false;

    while (more && !found) {
        more = bytes_cut(rest, '\n', &line, &rest);
        const char *at = line.size ? memrchr(line.data, '@', line.size) : NULL;
        if (!at)
            continue;
        bytes_cut(bytes_skip(line, (size_t)(at - line.data)), '/', &host, &path);
        found = names_github(host);
    }
    return found;
}

// ftp(1), "THE .netrc FILE": words, of which these take the next one; `default` is for every host.
static bool is_netrc(const char *text)
{
    static const char space[] = " \t\r\n";
    struct bytes argument_of = {0};
    bool ours = false, found = false;

    for (text += strspn(text, space); *text && !found; text += strspn(text, space)) {
        struct bytes word = bytes_of(text, strcspn(text, space));

        text += word.size;
        if (bytes_equal(argument_of, BYTES("machine")))
            ours = names_github(word);
        found = ours && bytes_equal(argument_of, BYTES("password"));
        bool is_default = argument_of.size == 0 && bytes_equal(word, BYTES("default"));
        ours |= is_default;
        argument_of = argument_of.size > 0 || is_default ? BYTES("") : word;
    }
    return found;
}

static bool is_gh_hosts(const char *text)
{
    return strstr(text, "oauth_token:") != NULL;
}

static bool is_copilot(const char *text)
{
    return strstr(text, "oauth_token") != NULL;
}

static void examine_file(struct doctor *doctor, char *path, bool (*holds_credential)(const char *text),
                         const char *mend)
{
    struct text text = doctor_credentials_read_file(path);

    if (holds_credential(text_string(&text)))
        doctor_wrong(doctor, path, "holds a credential for GitHub" WHY_NONE FINDING_MEND "%s", mend);
    if (text.size > 0)
        explicit_bzero(text.data, text.size);
    text_free(&text);
    mem_free(path);
}

// $XDG_CONFIG_HOME/name; given to mem_free.
static char *config_file(const char *home, const char *name)
{
    const char *config = getenv("XDG_CONFIG_HOME");

    return config && *config ? mem_format("%s/%s", config, name) : mem_format("%s/.config/%s", home, name);
}

// gh keeps its token in a keyring where there is one: its exit status says so, and its output is not read.
static void doctor_credentials_examine_gh(struct doctor *doctor)
{
    static const char *const argv[] = {"gh", "auth", "token", "--hostname", "github.com", NULL};
    static const char *const environment[] = {"GH_TOKEN", "GITHUB_TOKEN", NULL};
    const struct doctor_program program = {.argv = argv, .environment = environment, .errors_only = true};
    struct text output = {0};
    int status = 1;

    if (doctor_program_is_found("gh") &&
        doctor_program_run(&program, DOCTOR_TIMEOUT_MS, &output, &status) == DOCTOR_PROGRAM_EXITED && status == 0)
        doctor_wrong(doctor, "gh",
                     "is logged in with a credential of its own" WHY_NONE FINDING_MEND
                     "`gh auth logout --hostname github.com`");
    text_free(&output);
}

static void examine_files(struct doctor *doctor, const char *home)
{
    const char *gh = getenv("GH_CONFIG_DIR"), *netrc = getenv("NETRC");
    bool ok = doctor->ok;

    doctor->ok = true;
    examine_file(doctor, mem_format("%s/.git-credentials", home), is_store, "take its line out");
    examine_file(doctor, config_file(home, "git/credentials"), is_store, "take its line out");
    examine_file(doctor, netrc && *netrc ? mem_string(netrc) : mem_format("%s/.netrc", home), is_netrc,
                 "take its entry out: git and curl read it");
    examine_file(doctor, gh && *gh ? mem_format("%s/hosts.yml", gh) : config_file(home, "gh/hosts.yml"), is_gh_hosts,
                 "`gh auth logout`");
    examine_file(doctor, config_file(home, "github-copilot/hosts.json"), is_copilot,
                 "rm it: Copilot does not work here");
    examine_file(doctor, config_file(home, "github-copilot/apps.json"), is_copilot,
                 "rm it: Copilot does not work here");
    if (doctor->ok)
        doctor_credentials_examine_gh(doctor);
    doctor->ok &= ok;
}

static void note_ssh(struct doctor *doctor, const char *home)
{
    static const char *const names[] = {"id_ed25519", "id_rsa", "id_ecdsa"};
    bool key = false;

    for (size_t i = 0; i < GL_ARRAY_SIZE(names); i++) {
        char *path = mem_format("%s/.ssh/%s", home, names[i]);
        key |= access(path, F_OK) == 0;
        mem_free(path);
    }
    if (key || getenv("SSH_AUTH_SOCK"))
        doctor_note(doctor, "ssh",
                    "%s is here: a remote of the form git@github.com: may go past gitlatch by it; the "
                    "`gitconfig` that gitlatch publishes rewrites such remotes",
                    key ? "a key" : "an agent");
}

// It asks api.github.com/copilot_internal for a token of a person's, which gitlatch never attaches.
static void note_copilot(struct doctor *doctor)
{
    if (doctor_program_is_found("copilot") || doctor_program_is_found("copilot-language-server"))
        doctor_note(doctor, "copilot",
                    "is here, and cannot log in behind gitlatch" FINDING_WHY
                    "it wants a person's own credential (/copilot_internal), which no workspace gets" FINDING_MEND
                    "use it outside the workspace, or another agent inside");
}

void doctor_examine_credentials(struct doctor *doctor)
{
    const char *home = getenv("HOME") ? getenv("HOME") : "";
    bool ok = doctor->ok;

    doctor->ok = true;
    examine_environment(doctor);
    for (size_t i = 0; i < doctor->git.count; i++)
        examine_setting(doctor, &doctor->git.settings[i]);
    examine_files(doctor, home);
    if (doctor->ok)
        doctor_ok(doctor, "credentials",
                  "none in the environment, git's configuration, ~/.git-credentials, ~/.netrc, or "
                  "of gh's");
    doctor->ok &= ok;
    note_ssh(doctor, home);
    note_copilot(doctor);
}
