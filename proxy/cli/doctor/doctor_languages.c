#include "doctor_languages.h"

#include <stdio.h>

#include "doctor_program.h"
#include "doctor_script.h"
#include "doctor_tool.h"
#include "mem.h"

// Below what gitlatch always refuses.
#define REGISTRY "https://github.com/login/"

static void examine_wget(struct doctor *doctor)
{
    static const char *const argv[] = {"wget",      "-nv",          "-O",       "-", "--content-on-error",
                                       "--tries=1", "--timeout=10", DOCTOR_URL, NULL};
    static const struct doctor_tool tool = {
        .name = "wget", .variable = "WGETRC", .published = "wgetrc", .argv = argv, .also = "403"};

    doctor_tool_examine(doctor, &tool);
}

static void examine_pip(struct doctor *doctor, const char *temporary)
{
    const char *const argv[] = {
        "pip", "download",  "--no-deps", "--no-input", "--no-cache-dir", "--disable-pip-version-check", "--retries",
        "0",   "--timeout", "10",        "--dest",     temporary,        REGISTRY "doctor.zip",         NULL};
    const struct doctor_tool tool = {.name = "pip", .variable = "PIP_CERT", .argv = argv, .also = "HTTP error 403"};

    doctor_tool_examine(doctor, &tool);
}

static void examine_uv(struct doctor *doctor, const char *temporary)
{
    const char *const argv[] = {"uv",          "pip",      "install",  "--dry-run", "--no-cache",
                                "--no-config", "--system", "--target", temporary,   "--default-index",
                                REGISTRY,      "doctor",   NULL};
    static const char *const environment[] = {"UV_HTTP_TIMEOUT=10", "UV_PYTHON_DOWNLOADS=never", "UV_INDEX",
                                              "UV_DEFAULT_INDEX", NULL};
    const struct doctor_tool tool = {.name = "uv",
                                     .variable = "SSL_CERT_FILE",
                                     .argv = argv,
                                     .environment = environment,
                                     .unable = "no interpreter found",
                                     .also = "403 Forbidden"};

    doctor_tool_examine(doctor, &tool);
}

static void examine_bun(struct doctor *doctor)
{
    static const char *const argv[] = {"bun", "-e", doctor_script_fetch, NULL};
    static const struct doctor_tool tool = {.name = "bun", .variable = "NODE_EXTRA_CA_CERTS", .argv = argv};

    doctor_tool_examine(doctor, &tool);
}

static void examine_deno(struct doctor *doctor, const char *temporary)
{
    static const char *const argv[] = {"deno", "eval", "--no-config", "--no-lock", doctor_script_fetch, NULL};
    char *cache = mem_format("DENO_DIR=%s/deno", temporary);
    const char *const environment[] = {cache, "DENO_NO_UPDATE_CHECK=1", "NO_COLOR=1", NULL};
    const struct doctor_tool tool = {
        .name = "deno", .variable = "DENO_CERT", .argv = argv, .environment = environment, .directory = temporary};

    doctor_tool_examine(doctor, &tool);
    mem_free(cache);
}

static void examine_ruby(struct doctor *doctor)
{
    static const char *const argv[] = {"ruby", "-e", doctor_script_ruby, NULL};
    static const char *const environment[] = {"RUBYOPT", NULL};
    static const struct doctor_tool tool = {
        .name = "ruby", .variable = "SSL_CERT_FILE", .argv = argv, .environment = environment};

    doctor_tool_examine(doctor, &tool);
}

// Composer reads HTTPS_PROXY and SSL_CERT_FILE by itself; PHP's own functions read the second alone, so that the script
// leads them.
static void examine_php(struct doctor *doctor)
{
    static const char *const argv[] = {"php", "-r", doctor_script_php, NULL};
    char *proxy = mem_format("GITLATCH_DOCTOR_PROXY=%s", doctor->tools_proxy ? doctor->tools_proxy : "");
    const char *const environment[] = {proxy, NULL};
    const struct doctor_tool tool = {
        .name = "php", .variable = "SSL_CERT_FILE", .argv = argv, .environment = environment};

    doctor_tool_examine(doctor, &tool);
    mem_free(proxy);
}

static bool write_project(const char *path)
{
    FILE *file = fopen(path, "we");

    if (!file)
        return false;
    fputs("<Project Sdk=\"Microsoft.NET.Sdk\">\n"
          "  <PropertyGroup><TargetFramework>netstandard2.0</TargetFramework></PropertyGroup>\n"
          "  <ItemGroup><PackageReference Include=\"doctor\" Version=\"1.0.0\" /></ItemGroup>\n"
          "</Project>\n",
          file);
    return fclose(file) == 0;
}

static void examine_dotnet(struct doctor *doctor, const char *temporary)
{
    char *project = mem_format("%s/doctor.csproj", temporary), *home = mem_format("DOTNET_CLI_HOME=%s", temporary);
    char *packages = mem_format("NUGET_PACKAGES=%s/nuget", temporary);
    const char *const argv[] = {"dotnet", "restore", project, "--source", REGISTRY "index.json", "--no-cache", NULL};
    const char *const environment[] = {
        home, packages, "DOTNET_NOLOGO=1", "DOTNET_CLI_TELEMETRY_OPTOUT=1", "DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1",
        NULL};
    const struct doctor_tool tool = {.name = "dotnet",
                                     .variable = "SSL_CERT_FILE",
                                     .argv = argv,
                                     .environment = environment,
                                     .directory = temporary,
                                     .also = "403"};

    if (doctor_tool_is_led(doctor, &tool) && write_project(project))
        doctor_tool_examine(doctor, &tool);
    mem_free(packages);
    mem_free(home);
    mem_free(project);
}

void doctor_examine_languages(struct doctor *doctor, const char *temporary)
{
    examine_wget(doctor);
    examine_pip(doctor, temporary);
    examine_uv(doctor, temporary);
    examine_bun(doctor);
    examine_deno(doctor, temporary);
    examine_ruby(doctor);
    examine_php(doctor);
    examine_dotnet(doctor, temporary);
}
