// How GitHub is reached from the workspace: by the proxy of the environment, by git's own, by the gateway, or by a
// network that leads there by itself; and whether gitlatch is who answers.
#include "doctor_way.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor_clock.h"
#include "doctor_program.h"
#include "doctor_request.h"
#include "mem.h"
#include "no_proxy.h"

#define GITHUB "https://github.com/"

static const char *const intercepted[] = {"github.com", "api.github.com", "uploads.github.com"};

// A URL's authority and path.
static const char *without_scheme(const char *url)
{
    const char *authority = strstr(url, "://");

    return authority ? authority + 3 : url;
}

// A URL without the user and the password that it may hold; given to mem_free.
static char *shown(const char *url)
{
    const char *start = without_scheme(url);
    size_t size = strcspn(start, "/");
    const char *at = memrchr(start, '@', size);

    return mem_format("%.*s%s", (int)(start - url), url, at ? at + 1 : start);
}

// Finding them.

// Of a value that git reads for github.com, `http.<url>.name` and its kin included; given to mem_free. NULL: not set.
static char *git_value(const char *key)
{
    const char *const argv[] = {"git", "config", "--get-urlmatch", key, GITHUB, NULL};
    struct doctor_program program = {.argv = argv};
    struct text output = {0};
    struct bytes line, rest;
    char *value = NULL;
    int status;

    if (doctor_program_run(&program, DOCTOR_TIMEOUT_MS, &output, &status) == DOCTOR_PROGRAM_EXITED && status == 0) {
        bytes_cut(text_bytes(&output), '\n', &line, &rest);
        value = mem_bytes_string(line);
    }
    text_free(&output);
    return value;
}

static void read_git(struct doctor *doctor)
{
    static const char *const argv[] = {"git", "config", "--null", "--show-origin", "--list", NULL};
    struct doctor_program program = {.argv = argv};
    struct text output = {0};
    int status;

    if (!doctor_program_is_found("git"))
        return;
    if (doctor_program_run(&program, DOCTOR_TIMEOUT_MS, &output, &status) == DOCTOR_PROGRAM_EXITED && status == 0)
        doctor->git = git_config_parse(text_bytes(&output));
    else
        doctor_wrong(doctor, "git", "its configuration cannot be read" FINDING_MEND "`git config --list` says why");
    text_free(&output);
    doctor->git_proxy = git_value("http.proxy");
}

// git-config(1), `url.<base>.insteadOf`: of the values that a URL begins with, the longest counts.
static void find_gateway(struct doctor *doctor)
{
    size_t longest = 0;

    for (size_t i = 0; i < doctor->git.count; i++) {
        const struct git_setting *setting = &doctor->git.settings[i];
        struct bytes base;

        if (!git_setting_is(setting, "url", "insteadof", &base) || !bytes_start_with(base, BYTES("http://")) ||
            !bytes_start_with(BYTES(GITHUB), bytes_of_string(setting->value)) || strlen(setting->value) < longest)
            continue;
        longest = strlen(setting->value);
        mem_free(doctor->gateway);
        doctor->gateway = mem_format("%.*s%s", (int)base.size, base.data, &GITHUB[longest]);
    }
}

static const char *set_variable(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

static void find_proxy(struct doctor *doctor)
{
    const char *lower = set_variable("https_proxy"), *upper = set_variable("HTTPS_PROXY");

    doctor->tools_proxy = lower ? lower : upper;
    if (lower && upper && strcmp(lower, upper) != 0)
        doctor_wrong(doctor, "proxy",
                     "https_proxy and HTTPS_PROXY differ" FINDING_WHY "tools read one or the other" FINDING_MEND
                     "set both to the address of gitlatch");
}

// The directory of what a variable names, if it is one in which gitlatch has published.
static char *directory_of(const char *file)
{
    char *directory = NULL, *bundle;
    const char *slash = file ? strrchr(file, '/') : NULL;

    if (!slash)
        return NULL;
    directory = mem_format("%.*s", (int)(slash - file), file);
    bundle = mem_format("%s/bundle.pem", directory);
    if (access(bundle, R_OK) != 0) {
        mem_free(directory);
        directory = NULL;
    }
    mem_free(bundle);
    return directory;
}

static void find_published(struct doctor *doctor)
{
    static const char *const variables[] = {"SSL_CERT_FILE",       "GIT_SSL_CAINFO",     "CURL_CA_BUNDLE",
                                            "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CARGO_HTTP_CAINFO"};
    char *file = NULL;

    for (size_t i = 0; i < GL_ARRAY_SIZE(variables) && !doctor->published; i++)
        doctor->published = directory_of(getenv(variables[i]));
    if (!doctor->published && doctor->git.count > 0) {
        file = git_value("http.sslcainfo");
        doctor->published = directory_of(file);
    }
    if (!doctor->published)
        doctor->published = directory_of("/run/gitlatch/public/ca.pem");
    mem_free(file);
}

// Whether gitlatch intercepts github.com, as far as what it has published shows: it may serve an Enterprise host alone.
static bool serves_dotcom(const struct doctor *doctor)
{
    char *file = doctor->published ? mem_format("%s/gitconfig", doctor->published) : NULL;
    const char *const argv[] = {"git", "config", "--file", file, "--get", "http." GITHUB ".proxy", NULL};
    const struct doctor_program program = {.argv = argv};
    struct text output = {0};
    int status = 0;
    // git-config(1): 1 is a key that is not there.
    bool absent = file && access(file, R_OK) == 0 &&
                  doctor_program_run(&program, DOCTOR_TIMEOUT_MS, &output, &status) == DOCTOR_PROGRAM_EXITED &&
                  status == 1;

    text_free(&output);
    mem_free(file);
    return !absent;
}

// Trying them.

static const char *remedy(const struct doctor *doctor, char *room, size_t size)
{
    if (doctor->published)
        snprintf(room, size, "read what gitlatch has published: `. %s/env`", doctor->published);
    else
        snprintf(room, size, "read the `env` that gitlatch publishes (`ca.publish`), or what `gitlatch env` prints");
    return room;
}

// Whether gitlatch ends the TLS of github.com behind this proxy; says what it found.
static bool try_proxy(struct doctor *doctor, const char *what, const char *from, const char *proxy)
{
    struct doctor_request request = {.url = GITHUB DOCTOR_PATH, .proxy = proxy};
    struct doctor_answer answer;
    char *url = shown(proxy);

    doctor_request(&request, &answer);
    if (answer.from_gitlatch)
        doctor_ok(doctor, what, "%s (%s) is reached, and gitlatch answers for github.com", url, from);
    else if (strncasecmp(proxy, "https://", 8) == 0)
        doctor_wrong(doctor, what,
                     "%s (%s) begins with https://" FINDING_WHY
                     "to gitlatch itself no TLS is spoken: what goes through it is encrypted all the same" FINDING_MEND
                     "write http://%s",
                     url, from, without_scheme(url));
    else if (answer.proxy_status == 407)
        doctor_wrong(
            doctor, what,
            "%s (%s) wants a password, and the URL holds none or another" FINDING_MEND
            "write it as http://gitlatch:PASSWORD@%s, with what is in the `password_file` of gitlatch's `listen`",
            url, from, without_scheme(url));
    else if (answer.proxy_status >= 300)
        doctor_wrong(doctor, what,
                     "%s (%s) answers %d and does not lead to github.com" FINDING_MEND
                     "set %s to the address that gitlatch listens on",
                     url, from, answer.proxy_status, from);
    else if (answer.answered)
        doctor_wrong(doctor, what,
                     "%s (%s) leads to github.com, but it is not gitlatch" FINDING_WHY
                     "no credential is attached there" FINDING_MEND "set %s to the address that gitlatch listens on",
                     url, from, from);
    else
        doctor_wrong(doctor, what,
                     "%s (%s) cannot be used: %s" FINDING_MEND
                     "is `gitlatch proxy` running, and is that its `listen` address?",
                     url, from, answer.problem);
    mem_free(url);
    return answer.from_gitlatch;
}

static bool try_gateway(struct doctor *doctor)
{
    char *url = mem_format("%s" DOCTOR_PATH "/info/refs?service=git-upload-pack", doctor->gateway);
    struct doctor_request request = {.url = url};
    struct doctor_answer answer;
    char *base = shown(doctor->gateway);

    doctor_request(&request, &answer);
    if (answer.status == 421)
        doctor_wrong(doctor, "gateway",
                     "%s is reached, but not under that name" FINDING_MEND "add the name to `gateway_hosts`", base);
    else if (answer.from_gitlatch)
        doctor_ok(doctor, "gateway", "%s (url.<base>.insteadOf) is reached, and takes git's requests", base);
    else if (answer.answered)
        doctor_wrong(doctor, "gateway",
                     "%s (url.<base>.insteadOf) answers, but it is not gitlatch" FINDING_MEND
                     "set the base to http://ADDRESS/github.com/, with an address that gitlatch listens on",
                     base);
    else
        doctor_wrong(doctor, "gateway",
                     "%s (url.<base>.insteadOf) cannot be used: %s" FINDING_MEND "is `gitlatch proxy` running?", base,
                     answer.problem);
    mem_free(base);
    mem_free(url);
    return answer.status != 421 && answer.from_gitlatch;
}

// Nothing names a proxy: the network itself may lead to gitlatch.
static bool try_transparent(struct doctor *doctor)
{
    struct doctor_request request = {.url = GITHUB DOCTOR_PATH};
    struct doctor_answer answer;
    char room[512];

    doctor_request(&request, &answer);
    if (answer.from_gitlatch)
        doctor_ok(doctor, "transparent", "no proxy is named, and github.com leads to gitlatch by itself");
    else if (doctor->gateway)
        doctor_note(doctor, "proxy", "HTTPS_PROXY is not set: the gateway serves git and git-lfs alone");
    else if (answer.answered)
        doctor_wrong(doctor, "proxy",
                     "neither HTTPS_PROXY nor git names one, and github.com is GitHub itself" FINDING_WHY
                     "no credential is attached" FINDING_MEND "%s",
                     remedy(doctor, room, sizeof(room)));
    else
        doctor_wrong(doctor, "proxy",
                     "neither HTTPS_PROXY nor git names one, and github.com itself is not reached (%s)" FINDING_MEND
                     "%s",
                     answer.problem, remedy(doctor, room, sizeof(room)));
    return answer.from_gitlatch;
}

static bool examine_bypass(struct doctor *doctor, const char *name)
{
    struct bytes list = bytes_of_string(getenv(name)), entry;

    for (size_t i = 0; i < GL_ARRAY_SIZE(intercepted); i++) {
        if (no_proxy_bypasses(list, bytes_of_string(intercepted[i]), &entry)) {
            doctor_wrong(doctor, name,
                         "its entry \"%.*s\" leads tools past the proxy to %s" FINDING_WHY
                         "no credential is attached there" FINDING_MEND "take it out",
                         (int)entry.size, entry.data, intercepted[i]);
            return true;
        }
    }
    return false;
}

static void examine_tools_way(struct doctor *doctor)
{
    bool bypassed;

    if (!doctor->tools_proxy)
        return;
    bypassed = examine_bypass(doctor, "no_proxy");
    bypassed = examine_bypass(doctor, "NO_PROXY") || bypassed;
    if (!bypassed)
        doctor_ok(doctor, "NO_PROXY", "names none of GitHub's hosts");
    if (try_proxy(doctor, "proxy", "HTTPS_PROXY", doctor->tools_proxy) && !bypassed)
        doctor->tools_way = DOCTOR_PROXY;
}

static void examine_git_way(struct doctor *doctor)
{
    const char *own = doctor->git_proxy;

    if (doctor->gateway) {
        doctor->git_way = try_gateway(doctor) ? DOCTOR_GATEWAY : DOCTOR_NO_WAY;
    } else if (own && *own && (!doctor->tools_proxy || strcmp(own, doctor->tools_proxy) != 0)) {
        doctor->git_way = try_proxy(doctor, "git's proxy", "http.proxy", own) ? DOCTOR_PROXY : DOCTOR_NO_WAY;
    } else if (own && !*own && doctor->tools_proxy) {
        doctor_wrong(doctor, "git's proxy",
                     "http.proxy is set to nothing, so that git goes past the proxy" FINDING_MEND
                     "take it out of git's configuration");
    } else {
        doctor->git_way = doctor->tools_way;
        if (!own)
            doctor->git_proxy = mem_string(doctor->tools_proxy);
    }
}

void doctor_examine_ways(struct doctor *doctor)
{
    read_git(doctor);
    find_gateway(doctor);
    find_proxy(doctor);
    find_published(doctor);
    if (!serves_dotcom(doctor)) {
        doctor_note(doctor, "proxy",
                    "this gitlatch serves no github.com, but another host: the way there cannot be told "
                    "from here");
        return;
    }
    examine_tools_way(doctor);
    examine_git_way(doctor);
    // A proxy of git's alone leaves the other tools where they are.
    if (!doctor->tools_proxy && doctor->git_way != DOCTOR_PROXY && try_transparent(doctor)) {
        doctor->tools_way = DOCTOR_TRANSPARENT;
        if (!doctor->gateway)
            doctor->git_way = DOCTOR_TRANSPARENT;
    } else if (!doctor->tools_proxy && doctor->git_way == DOCTOR_PROXY) {
        doctor_note(doctor, "proxy", "HTTPS_PROXY is not set: git and git-lfs alone are led to gitlatch");
    }
    doctor_examine_clock(doctor);
    doctor_examine_published(doctor);
}
