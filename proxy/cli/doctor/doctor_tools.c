#include "doctor_tools.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor_java.h"
#include "doctor_languages.h"
#include "doctor_program.h"
#include "doctor_request.h"
#include "doctor_script.h"
#include "doctor_tool.h"
#include "mem.h"
#include "temporary_directory.h"

// What each asks.

static void examine_git(struct doctor *doctor)
{
    // No helper is asked for a credential.
    static const char *const argv[] = {"git", "-c", "credential.helper=", "ls-remote", DOCTOR_URL, NULL};
    static const struct doctor_tool tool = {.name = "git", .variable = "GIT_SSL_CAINFO", .is_git = true, .argv = argv};

    doctor_tool_examine(doctor, &tool);
}

static void examine_git_lfs(struct doctor *doctor, const char *temporary)
{
    static const char *const init[] = {"git", "init", "--quiet", "--bare", "lfs.git", NULL};
    static const char *const argv[] = {"git-lfs", "locks", "--remote=" DOCTOR_URL, NULL};
    char *git_dir = mem_format("GIT_DIR=%s/lfs.git", temporary);
    const char *const environment[] = {git_dir, "GIT_WORK_TREE", NULL};
    const struct doctor_program prepare = {.argv = init, .directory = temporary};
    const struct doctor_tool tool = {.name = "git-lfs",
                                     .variable = "GIT_SSL_CAINFO",
                                     .is_git = true,
                                     .argv = argv,
                                     .environment = environment,
                                     .directory = temporary,
                                     .also = "Authorization error"};
    struct text output = {0};
    int status = 1;

    if (doctor_tool_is_led(doctor, &tool) && doctor_program_is_found("git-lfs") &&
        doctor_program_run(&prepare, DOCTOR_TIMEOUT_MS, &output, &status) == DOCTOR_PROGRAM_EXITED && status == 0)
        doctor_tool_examine(doctor, &tool);
    text_free(&output);
    mem_free(git_dir);
}

static void examine_gh(struct doctor *doctor)
{
    static const char *const argv[] = {"gh", "api", "user/keys", NULL};
    static const char *const environment[] = {"GH_HOST", NULL};
    static const struct doctor_tool tool = {
        .name = "gh", .variable = "SSL_CERT_FILE", .argv = argv, .environment = environment};

    doctor_tool_examine(doctor, &tool);
}

static void examine_curl(struct doctor *doctor)
{
    static const char *const argv[] = {"curl", "--silent", "--show-error", "--max-time", "10", DOCTOR_URL, NULL};
    static const struct doctor_tool tool = {.name = "curl", .variable = "CURL_CA_BUNDLE", .argv = argv};

    doctor_tool_examine(doctor, &tool);
}

static void examine_node(struct doctor *doctor)
{
    static const char *const argv[] = {"node", "-e", doctor_script_node, NULL};
    char *proxy = mem_format("GITLATCH_DOCTOR_PROXY=%s", doctor->tools_proxy ? doctor->tools_proxy : "");
    const char *const environment[] = {proxy, "NODE_OPTIONS", NULL};
    const struct doctor_tool tool = {
        .name = "node", .variable = "NODE_EXTRA_CA_CERTS", .argv = argv, .environment = environment};
    struct text output = {0};
    enum doctor_outcome outcome;

    if (doctor_tool_is_led(doctor, &tool) && doctor_program_is_found("node")) {
        outcome = doctor_tool_try(&tool, &output);
        if (outcome == DOCTOR_TOOL_OK && strstr(text_string(&output), DOCTOR_SCRIPT_NODE_NOT_LED))
            doctor_ok(doctor, "node",
                      "trusts gitlatch's CA; by itself this version reads no HTTPS_PROXY (22.21 and 24.5 "
                      "do, with NODE_USE_ENV_PROXY=1)");
        else
            doctor_tool_say(doctor, &tool, outcome, &output);
    }
    text_free(&output);
    mem_free(proxy);
}

static void examine_python(struct doctor *doctor)
{
    static const char *const argv[] = {"python3", "-c", doctor_script_python, NULL};
    static const char *const with_requests[] = {"python3", "-c", doctor_script_requests, NULL};
    static const struct doctor_tool tool = {.name = "python", .variable = "SSL_CERT_FILE", .argv = argv};
    static const struct doctor_tool requests = {
        .name = "python requests", .variable = "REQUESTS_CA_BUNDLE", .argv = with_requests};
    struct text output = {0};
    enum doctor_outcome outcome;

    doctor_tool_examine(doctor, &tool);
    if (doctor_tool_is_led(doctor, &requests) && doctor_program_is_found("python3")) {
        outcome = doctor_tool_try(&requests, &output);
        if (!strstr(text_string(&output), DOCTOR_SCRIPT_NO_REQUESTS))
            doctor_tool_say(doctor, &requests, outcome, &output);
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
    const struct doctor_tool tool = {
        .name = "go", .variable = "SSL_CERT_FILE", .argv = argv, .environment = environment, .directory = temporary};

    doctor_tool_examine(doctor, &tool);
    mem_free(counters);
    mem_free(cache);
    mem_free(path);
}

// Whether the roots that it would read hold the CA: for a cargo before 1.68, which knows no sparse index.
static void say_cargo(struct doctor *doctor, const struct doctor_tool *tool, const struct text *output)
{
    struct doctor_request request = {.url = DOCTOR_URL, .proxy = doctor->tools_proxy, .roots = getenv(tool->variable)};
    struct doctor_answer answer;

    if (!request.roots) {
        doctor_tool_say(doctor, tool, DOCTOR_TOOL_UNTRUSTED, output);
        return;
    }
    doctor_request(&request, &answer);
    if (answer.from_gitlatch)
        doctor_ok(doctor, tool->name, "%s holds gitlatch's CA", tool->variable);
    else if (answer.untrusted)
        doctor_tool_say(doctor, tool, DOCTOR_TOOL_UNTRUSTED, output);
    else
        doctor_tool_say(doctor, tool, DOCTOR_TOOL_FAILED, output);
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
    const struct doctor_tool tool = {
        .name = "cargo", .variable = "CARGO_HTTP_CAINFO", .argv = argv, .environment = environment};
    struct text output = {0};
    enum doctor_outcome outcome;

    // Its settings count, but nothing is to be left in its cache.
    if (doctor_tool_is_led(doctor, &tool) && doctor_program_is_found("cargo") &&
        (access(config, R_OK) != 0 || symlink(config, own) == 0)) {
        outcome = doctor_tool_try(&tool, &output);
        if (outcome == DOCTOR_TOOL_FAILED)
            say_cargo(doctor, &tool, &output);
        else
            doctor_tool_say(doctor, &tool, outcome, &output);
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
    doctor_examine_languages(doctor, temporary);
    temporary_directory_remove(temporary);
}
