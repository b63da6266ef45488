#include "doctor_git.h"

#include <stdlib.h>
#include <string.h>

#include "doctor_program.h"
#include "mem.h"

// Whether a URL leads to GitHub by SSH, in one of the forms that git takes: `user@host:path`, `ssh://…`, `git+ssh://…`.
static bool is_ssh_to_github(struct bytes url)
{
    struct bytes host, rest;
    bool scheme = bytes_start_with(url, BYTES("ssh://")) || bytes_start_with(url, BYTES("git+ssh://")) ||
                  bytes_start_with(url, BYTES("ssh+git://"));
    const char *at;

    if (scheme) {
        const char *start = memmem(url.data, url.size, "://", 3);

        bytes_cut(bytes_skip(url, (size_t)(start + 3 - url.data)), '/', &host, &rest);
    } else if (url.size == 0 || memmem(url.data, url.size, "://", 3) || !bytes_cut(url, ':', &host, &rest)) {
        return false;
    }
    at = host.size ? memrchr(host.data, '@', host.size) : NULL;
    if (at)
        host = bytes_skip(host, (size_t)(at + 1 - host.data));
    bytes_cut(host, ':', &host, &rest);
    return bytes_equal(host, BYTES("github.com")) || bytes_equal(host, BYTES("ssh.github.com"));
}

// The command that takes a setting out of where it stands; given to mem_free.
static char *unset_command(const struct git_setting *setting)
{
    const char *file = strncmp(setting->origin, "file:", 5) == 0 ? setting->origin + 5 : NULL;

    if (!file)
        return mem_string("take it out of GIT_CONFIG_* in the environment, or of git's -c option");
    return mem_format("git config --file '%s' --unset-all '%s'", file, setting->key);
}

static void wrong(struct doctor *doctor, const struct git_setting *setting, const char *what, const char *why)
{
    char *mend = unset_command(setting);

    doctor_wrong(doctor, "git", "%s = %s (%s) %s" FINDING_WHY "%s" FINDING_MEND "%s", setting->key, setting->value,
                 git_setting_file(setting), what, why, mend);
    mem_free(mend);
}

static void examine_setting(struct doctor *doctor, const struct git_setting *setting)
{
    struct bytes base;

    if ((git_setting_is(setting, "url", "insteadof", &base) ||
         git_setting_is(setting, "url", "pushinsteadof", &base)) &&
        is_ssh_to_github(base)) {
        wrong(doctor, setting, "sends git to GitHub by SSH",
              "that goes past gitlatch, with another credential or none");
    } else if (git_setting_is(setting, "http", "sslbackend", &base) && base.size == 0) {
        if (strcmp(setting->value, "openssl") != 0 && strcmp(setting->value, "gnutls") != 0)
            wrong(doctor, setting, "picks a TLS library that does not read http.sslCAInfo",
                  "git does not trust gitlatch's certificate by it, or does not start");
    }
}

// What git would dial for a remote, after all rewriting; given to mem_free. NULL: not known.
static char *effective_url(const char *remote, bool push)
{
    const char *const argv[] = {"git", "remote", "get-url", push ? "--push" : "--all", remote, NULL};
    const struct doctor_program program = {.argv = argv};
    struct text output = {0};
    struct bytes line, rest;
    char *url = NULL;
    int status = 1;

    if (doctor_program_run(&program, DOCTOR_TIMEOUT_MS, &output, &status) == DOCTOR_PROGRAM_EXITED && status == 0) {
        bytes_cut(text_bytes(&output), '\n', &line, &rest);
        url = mem_bytes_string(line);
    }
    text_free(&output);
    return url;
}

// "acme/widgets.git" of an SSH URL, for the https one.
static const char *path_of(const char *url)
{
    const char *scheme = strstr(url, "://"), *path = strpbrk(scheme ? scheme + 3 : url, scheme ? "/" : ":");

    return path && path[1] ? path + 1 : "OWNER/NAME";
}

static void examine_remote(struct doctor *doctor, const struct git_setting *setting)
{
    bool push = false;
    struct bytes between;

    if (!git_setting_is(setting, "remote", "url", &between)) {
        push = git_setting_is(setting, "remote", "pushurl", &between);
        if (!push)
            return;
    }
    char *name = mem_bytes_string(between), *url = effective_url(name, push);
    if (url && is_ssh_to_github(bytes_of_string(url)))
        doctor_wrong(doctor, "git",
                     "the remote %s (%s) is %s" FINDING_WHY "git goes there by SSH, past gitlatch" FINDING_MEND
                     "git remote set-url %s%s https://github.com/%s",
                     name, git_setting_file(setting), url, push ? "--push " : "", name, path_of(url));
    mem_free(url);
    mem_free(name);
}

void doctor_examine_git(struct doctor *doctor)
{
    // git looks whether it is there, not what it says.
    if (getenv("GIT_SSL_NO_VERIFY"))
        doctor_wrong(doctor, "environment",
                     "GIT_SSL_NO_VERIFY is set" FINDING_WHY "whoever stands between may pass for GitHub" FINDING_MEND
                     "unset GIT_SSL_NO_VERIFY");
    for (size_t i = 0; i < doctor->git.count; i++) {
        examine_setting(doctor, &doctor->git.settings[i]);
        examine_remote(doctor, &doctor->git.settings[i]);
    }
}
