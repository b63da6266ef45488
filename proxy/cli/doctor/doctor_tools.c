// The tools of the workspace: each is run once, to ask for what gitlatch always refuses; its words show whether it came
// there and trusted the CA.
#include "doctor_tools.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor_java.h"
#include "doctor_program.h"
#include "doctor_request.h"
#include "doctor_script.h"
#include "mem.h"
#include "redact.h"
#include "temporary_directory.h"

// Of a tool's own words, so much is shown.
#define QUOTE_MAX 200

struct tool {
    const char *name;
    const char *variable; // that names its roots
    bool is_git;          // led as git is
    const char *const *argv;
    const char *const *environment; // beside the workspace's
    const char *directory;
    const char *also; // how it tells gitlatch's refusal, where it does not quote it; NULL: it does
};

enum outcome { OUTCOME_OK, OUTCOME_UNTRUSTED, OUTCOME_FAILED };

static bool holds(const struct text *output, const char *word)
{
    return strcasestr(text_string(output), word) != NULL;
}

static enum outcome judge(const struct tool *tool, const struct text *output)
{
    if (holds(output, DOCTOR_MARK) || (tool->also && holds(output, tool->also)))
        return OUTCOME_OK;
    if (holds(output, "certificate") || holds(output, "x509") || holds(output, "SSL"))
        return OUTCOME_UNTRUSTED;
    return OUTCOME_FAILED;
}

// What it said last, in one line, without what could be a credential; given to mem_free.
static char *quote(const struct text *output)
{
    const char *string = text_string(output);
    size_t size = output->size, start, to = 0;
    char *line;

    while (size > 0 && isspace((unsigned char)string[size - 1]))
        size--;
    for (start = size; start > 0 && string[start - 1] != '\n'; start--)
        ;
    line = mem_bytes_string(bytes_of(string + start, size - start));
    line[redact(line, strlen(line))] = '\0';
    // A URL's user and password.
    for (char *at = line; *at; at++) {
        size_t name = strncmp(at, "://", 3) == 0 ? strcspn(at + 3, "/@ ") : 0;
        line[to++] = iscntrl((unsigned char)*at) ? ' ' : *at;
        if (name && at[3 + name] == '@') {
            memcpy(line + to, "//", 2);
            to += 2;
            at += 3 + name;
        }
    }
    line[to < QUOTE_MAX ? to : QUOTE_MAX] = '\0';
    return line;
}

static void say_untrusted(struct doctor *doctor, const struct tool *tool)
{
    const char *file = getenv(tool->variable);
    char why[512] = "is not set";
    char *mend = doctor->published ? mem_format("set it to %s/bundle.pem; `. %s/env` sets it for all tools",
                                                doctor->published, doctor->published)
                                   : mem_string("set it to the bundle.pem that gitlatch publishes (`ca.publish`)");

    if (file && access(file, R_OK) != 0)
        snprintf(why, sizeof(why), "names %s, which cannot be read: %s", file, strerror(errno));
    else if (file)
        snprintf(why, sizeof(why), "names %s, which does not hold the CA of this gitlatch", file);
    doctor_wrong(doctor, tool->name, "does not trust gitlatch's certificate: %s %s; %s", tool->variable, why, mend);
    mem_free(mend);
}

static void say_failed(struct doctor *doctor, const struct tool *tool, const struct text *output)
{
    char *line = quote(output);

    if (holds(output, "gh auth login"))
        doctor_wrong(doctor, tool->name,
                     "does not start without a token; set GH_TOKEN to the word `gitlatch`, which is "
                     "none");
    else
        doctor_wrong(doctor, tool->name, "does not reach gitlatch; it says: %s", line);
    mem_free(line);
}

static bool is_led(const struct doctor *doctor, const struct tool *tool)
{
    return (tool->is_git ? doctor->git_way : doctor->tools_way) != DOCTOR_NO_WAY;
}

// Runs it and says what came of it, `more` added where all is well. `ret_output` is freed by the caller.
static enum outcome try(struct doctor *doctor, const struct tool *tool, struct text *ret_output)
{
    const struct doctor_program program = {
        .argv = tool->argv, .environment = tool->environment, .directory = tool->directory};
    int status = 0;

    switch (doctor_program_run(&program, DOCTOR_TIMEOUT_MS, ret_output, &status)) {
    case DOCTOR_PROGRAM_EXITED:
        return judge(tool, ret_output);
    case DOCTOR_PROGRAM_TIMED_OUT:
        text_append(ret_output, "\nno end within 15 s");
        return OUTCOME_FAILED;
    case DOCTOR_PROGRAM_FAILED:
        text_append(ret_output, strerror(errno));
        return OUTCOME_FAILED;
    }
    return OUTCOME_FAILED;
}

static void say(struct doctor *doctor, const struct tool *tool, enum outcome outcome, const struct text *output)
{
    if (outcome == OUTCOME_OK && tool->is_git && doctor->git_way == DOCTOR_GATEWAY)
        doctor_ok(doctor, tool->name, "reaches GitHub through gitlatch");
    else if (outcome == OUTCOME_OK)
        doctor_ok(doctor, tool->name, "reaches GitHub through gitlatch and trusts its CA");
    else if (outcome == OUTCOME_UNTRUSTED)
        say_untrusted(doctor, tool);
    else
        say_failed(doctor, tool, output);
}

static void examine(struct doctor *doctor, const struct tool *tool)
{
    struct text output = {0};

    if (is_led(doctor, tool) && doctor_program_is_found(tool->argv[0]))
        say(doctor, tool, try(doctor, tool, &output), &output);
    text_free(&output);
}

// What each asks.

static void examine_git(struct doctor *doctor)
{
    // No helper is asked for a credential.
    static const char *const argv[] = {"git", "-c", "credential.helper=", "ls-remote", DOCTOR_URL, NULL};
    static const struct tool tool = {.name = "git", .variable = "GIT_SSL_CAINFO", .is_git = true, .argv = argv};

    examine(doctor, &tool);
}

static void examine_git_lfs(struct doctor *doctor, const char *temporary)
{
    static const char *const init[] = {"git", "init", "--quiet", "--bare", "lfs.git", NULL};
    static const char *const argv[] = {"git-lfs", "locks", "--remote=" DOCTOR_URL, NULL};
    char *git_dir = mem_format("GIT_DIR=%s/lfs.git", temporary);
    const char *const environment[] = {git_dir, "GIT_WORK_TREE", NULL};
    const struct doctor_program prepare = {.argv = init, .directory = temporary};
    const struct tool tool = {.name = "git-lfs",
                              .variable = "GIT_SSL_CAINFO",
                              .is_git = true,
                              .argv = argv,
                              .environment = environment,
                              .directory = temporary,
                              .also = "Authorization error"};
    struct text output = {0};
    int status = 1;

    if (is_led(doctor, &tool) && doctor_program_is_found("git-lfs") &&
        doctor_program_run(&prepare, DOCTOR_TIMEOUT_MS, &output, &status) == DOCTOR_PROGRAM_EXITED && status == 0)
        examine(doctor, &tool);
    text_free(&output);
    mem_free(git_dir);
}

static void examine_gh(struct doctor *doctor)
{
    static const char *const argv[] = {"gh", "api", "user/keys", NULL};
    static const char *const environment[] = {"GH_HOST", NULL};
    static const struct tool tool = {
        .name = "gh", .variable = "SSL_CERT_FILE", .argv = argv, .environment = environment};

    examine(doctor, &tool);
}

static void examine_curl(struct doctor *doctor)
{
    static const char *const argv[] = {"curl", "--silent", "--show-error", "--max-time", "10", DOCTOR_URL, NULL};
    static const struct tool tool = {.name = "curl", .variable = "CURL_CA_BUNDLE", .argv = argv};

    examine(doctor, &tool);
}

static void examine_node(struct doctor *doctor)
{
    static const char *const argv[] = {"node", "-e", doctor_script_node, NULL};
    char *proxy = mem_format("GITLATCH_DOCTOR_PROXY=%s", doctor->tools_proxy ? doctor->tools_proxy : "");
    const char *const environment[] = {proxy, "NODE_OPTIONS", NULL};
    const struct tool tool = {
        .name = "node", .variable = "NODE_EXTRA_CA_CERTS", .argv = argv, .environment = environment};
    struct text output = {0};
    enum outcome outcome;

    if (is_led(doctor, &tool) && doctor_program_is_found("node")) {
        outcome = try(doctor, &tool, &output);
        if (outcome == OUTCOME_OK && holds(&output, DOCTOR_SCRIPT_NODE_NOT_LED))
            doctor_ok(doctor, "node",
                      "trusts gitlatch's CA; by itself this version reads no HTTPS_PROXY (22.21 and 24.5 "
                      "do, with NODE_USE_ENV_PROXY=1)");
        else
            say(doctor, &tool, outcome, &output);
    }
    text_free(&output);
    mem_free(proxy);
}

static void examine_python(struct doctor *doctor)
{
    static const char *const argv[] = {"python3", "-c", doctor_script_python, NULL};
    static const char *const with_requests[] = {"python3", "-c", doctor_script_requests, NULL};
    static const struct tool tool = {.name = "python", .variable = "SSL_CERT_FILE", .argv = argv};
    static const struct tool requests = {
        .name = "python requests", .variable = "REQUESTS_CA_BUNDLE", .argv = with_requests};
    struct text output = {0};
    enum outcome outcome;

    examine(doctor, &tool);
    if (is_led(doctor, &requests) && doctor_program_is_found("python3")) {
        outcome = try(doctor, &requests, &output);
        if (!holds(&output, DOCTOR_SCRIPT_NO_REQUESTS))
            say(doctor, &requests, outcome, &output);
    }
    text_free(&output);
}

static void examine_go(struct doctor *doctor, const char *temporary)
{
    static const char *const argv[] = {"go", "list", "-m", "-json", "example.com/doctor@v1.0.0", NULL};
    char *path = mem_format("GOPATH=%s/go", temporary), *cache = mem_format("GOCACHE=%s/go-cache", temporary);
    char *counters = mem_format("XDG_CONFIG_HOME=%s", temporary);
    const char *const environment[] = {path,
                                       cache,
                                       counters,
                                       "GOMODCACHE",
                                       "GOFLAGS=-modcacherw",
                                       "GO111MODULE=on",
                                       "GOWORK=off",
                                       "GOENV=off",
                                       "GOTOOLCHAIN=local",
                                       "GONOSUMDB=*",
                                       "GONOPROXY=none",
                                       "GOPRIVATE",
                                       "GOPROXY=https://github.com/login",
                                       NULL};
    const struct tool tool = {
        .name = "go", .variable = "SSL_CERT_FILE", .argv = argv, .environment = environment, .directory = temporary};

    examine(doctor, &tool);
    mem_free(counters);
    mem_free(cache);
    mem_free(path);
}

// Whether the roots that it would read hold the CA: for a cargo before 1.68, which knows no sparse index.
static void say_cargo(struct doctor *doctor, const struct tool *tool, const struct text *output)
{
    struct doctor_request request = {.url = DOCTOR_URL, .proxy = doctor->tools_proxy, .roots = getenv(tool->variable)};
    struct doctor_answer answer;

    if (!request.roots) {
        say_untrusted(doctor, tool);
        return;
    }
    doctor_request(&request, &answer);
    if (answer.from_gitlatch)
        doctor_ok(doctor, tool->name, "%s holds gitlatch's CA", tool->variable);
    else if (answer.untrusted)
        say_untrusted(doctor, tool);
    else
        say_failed(doctor, tool, output);
}

static void examine_cargo(struct doctor *doctor, const char *temporary)
{
    static const char *const argv[] = {"cargo",  "search", "--index", "sparse+https://github.com/login/",
                                       "doctor", NULL};
    const char *had = getenv("CARGO_HOME");
    char *home = had ? mem_string(had) : mem_format("%s/.cargo", getenv("HOME") ? getenv("HOME") : "");
    char *config = mem_format("%s/config.toml", home), *own = mem_format("%s/config.toml", temporary);
    char *cargo_home = mem_format("CARGO_HOME=%s", temporary);
    const char *const environment[] = {cargo_home, "RUSTUP_AUTO_INSTALL=0", NULL};
    const struct tool tool = {
        .name = "cargo", .variable = "CARGO_HTTP_CAINFO", .argv = argv, .environment = environment};
    struct text output = {0};
    enum outcome outcome;

    // Its settings count, but nothing is to be left in its cache.
    if (is_led(doctor, &tool) && doctor_program_is_found("cargo") &&
        (access(config, R_OK) != 0 || symlink(config, own) == 0)) {
        outcome = try(doctor, &tool, &output);
        if (outcome == OUTCOME_FAILED)
            say_cargo(doctor, &tool, &output);
        else
            say(doctor, &tool, outcome, &output);
    }
    text_free(&output);
    mem_free(cargo_home);
    mem_free(own);
    mem_free(config);
    mem_free(home);
}

void doctor_examine_tools(struct doctor *doctor)
{
    struct error error;
    char *temporary;

    if (doctor->tools_way == DOCTOR_NO_WAY && doctor->git_way == DOCTOR_NO_WAY) {
        doctor_note(doctor, "tools", "not tried, since nothing leads to github.com through gitlatch");
        return;
    }
    temporary = temporary_directory_make("gitlatch-doctor", &error);
    if (!temporary) {
        doctor_wrong(doctor, "tools", "%s", error.text);
        return;
    }
    examine_git(doctor);
    examine_git_lfs(doctor, temporary);
    examine_gh(doctor);
    examine_curl(doctor);
    examine_node(doctor);
    examine_python(doctor);
    examine_go(doctor, temporary);
    examine_cargo(doctor, temporary);
    doctor_examine_java(doctor, temporary);
    temporary_directory_remove(temporary);
}
