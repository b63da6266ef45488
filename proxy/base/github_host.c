#include <gitlatch/github_host.h>

#include <assert.h>

#include <gitlatch/repository_name.h>

#include "mem.h"

#define HOST_NAME_MAX_SIZE 253 // RFC 1035, section 2.3.4, without the root's dot
#define LABEL_MAX_SIZE     63
#define HTTPS_PORT         443

static const struct bytes https = BYTES("https://");
static const struct bytes cloud_suffix = BYTES(".ghe.com");

static void lower_string(char *string)
{
    for (char *c = string; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
}

static bool label_is_valid(struct bytes label)
{
    if (label.size == 0 || label.size > LABEL_MAX_SIZE)
        return false;
    for (size_t i = 0; i < label.size; i++) {
        char c = label.data[i];
        bool inside = i > 0 && i < label.size - 1;

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '-' && inside)))
            return false;
    }
    return true;
}

static bool host_name_is_valid(struct bytes name)
{
    struct bytes label, rest = name;

    if (name.size > HOST_NAME_MAX_SIZE)
        return false;
    while (bytes_cut(rest, '.', &label, &rest))
        if (!label_is_valid(label))
            return false;
    return label_is_valid(label);
}

// A name whose last label is all digits is an IPv4 address, or nothing (RFC 1123, section 2.1).
static bool is_address(const char *name)
{
    const char *dot = strrchr(name, '.');
    const char *last = dot ? dot + 1 : name;

    return *last && strspn(last, "0123456789") == strlen(last);
}

// Lower case, without a dot or the default port at the end. NULL where it is not a host name.
static char *normal_name(const char *name)
{
    char *normal = mem_string(name);
    size_t size;

    lower_string(normal);
    size = strlen(normal);
    if (bytes_end_with(bytes_of_string(normal), BYTES(":443")))
        normal[size -= 4] = '\0';
    if (size && normal[size - 1] == '.')
        normal[--size] = '\0';
    if (!host_name_is_valid(bytes_of_string(normal)) || is_address(normal)) {
        mem_free(normal);
        return NULL;
    }
    return normal;
}

static bool port_is_valid(struct bytes port)
{
    unsigned number = 0;

    if (port.size == 0 || port.size > 5)
        return false;
    for (size_t i = 0; i < port.size; i++) {
        if (port.data[i] < '0' || port.data[i] > '9')
            return false;
        number = number * 10 + (unsigned)(port.data[i] - '0');
    }
    return number >= 1 && number <= 65535;
}

// Splits https://HOST[:PORT][/PATH]; host in lower case, path without slashes at either end.
static bool parse_api_url(const char *url, char **ret_host, char **ret_port, char **ret_path)
{
    struct bytes rest, authority, path, host, port;
    char *lower;
    bool ok = false;

    if (strncasecmp(url, https.data, https.size) != 0)
        return false;
    rest = bytes_of_string(url + https.size);
    bytes_cut(rest, '/', &authority, &path);
    while (path.size && path.data[path.size - 1] == '/')
        path.size--;
    for (size_t i = 0; i < path.size; i++)
        if (path.data[i] <= ' ' || path.data[i] == 0x7f || strchr("?#\\%@", path.data[i]))
            return false;
    lower = mem_bytes_string(authority);
    lower_string(lower);
    if (bytes_cut(bytes_of_string(lower), ':', &host, &port) && !port_is_valid(port))
        goto cleanup;
    if (!host_name_is_valid(host))
        goto cleanup;
    *ret_host = mem_bytes_string(host);
    *ret_port = bytes_equal(port, BYTES("443")) ? mem_string("") : mem_bytes_string(port);
    *ret_path = mem_bytes_string(path);
    ok = true;
cleanup:
    mem_free(lower);
    return ok;
}

static bool set_web(struct github_host *host, const char *web, struct error *ret_error)
{
    struct bytes name;

    host->web = normal_name(web);
    if (!host->web)
        return error_set(ret_error, "`%s` is not a host name: write it as in github.com", web);
    name = bytes_of_string(host->web);
    if (bytes_end_with(name, BYTES(".github.com")))
        return error_set(ret_error, "`%s` is a part of github.com: write `github.com`", web);
    host->flavor = GITHUB_ENTERPRISE_SERVER;
    if (bytes_equal(name, BYTES("github.com")))
        host->flavor = GITHUB_DOTCOM;
    if (bytes_end_with(name, cloud_suffix)) {
        host->flavor = GITHUB_ENTERPRISE_CLOUD;
        if (memchr(name.data, '.', name.size - cloud_suffix.size))
            return error_set(ret_error, "`%s` is a part of a ghe.com host: write `SUB.ghe.com`", web);
    }
    return true;
}

static void set_parts(struct github_host *host)
{
    if (host->flavor == GITHUB_ENTERPRISE_SERVER) {
        host->api = mem_string(host->web);
        host->uploads = mem_string(host->web);
        host->api_url = mem_format("https://%s/api/v3", host->web);
        return;
    }
    host->api = mem_format("api.%s", host->web);
    host->uploads = mem_format("uploads.%s", host->web);
    host->api_url = mem_format("https://%s", host->api);
}

// The API's URL is where gitlatch's own calls go. Where it names a host of its own and no path, GitHub is
// laid out over three hosts as github.com is.
static bool set_api_url(struct github_host *host, const char *url, struct error *ret_error)
{
    char *name = NULL, *port = NULL, *path = NULL;

    if (!parse_api_url(url, &name, &port, &path))
        return error_set(ret_error, "`%s` is not the URL of an API: write https://HOST[/api/v3]", url);
    mem_free(host->api_url);
    host->api_url = mem_format("https://%s%s%s%s%s", name, *port ? ":" : "", port, *path ? "/" : "", path);
    if (host->flavor == GITHUB_ENTERPRISE_SERVER && strcmp(name, host->web) != 0 && !*path) {
        host->flavor = GITHUB_ENTERPRISE_CLOUD;
        mem_free(host->api);
        mem_free(host->uploads);
        host->api = mem_string(name);
        host->uploads = mem_format("uploads.%s", host->web);
    }
    mem_free(name);
    mem_free(port);
    mem_free(path);
    return true;
}

static bool set_default_owner(struct github_host *host, const char *owner, struct error *ret_error)
{
    struct repository_name name;

    if (!repository_name_parse(bytes_of_string(owner), BYTES("name"), &name))
        return error_set(ret_error, "`%s` is not the name of a GitHub owner", owner);
    host->default_owner = mem_string(name.owner);
    return true;
}

bool github_host_init(struct github_host *host, const char *web, const char *api_url, const char *default_owner,
                      struct error *ret_error)
{
    struct github_host made = {0};

    if (!set_web(&made, web, ret_error))
        goto failed;
    set_parts(&made);
    if (api_url && !set_api_url(&made, api_url, ret_error))
        goto failed;
    if (default_owner && !set_default_owner(&made, default_owner, ret_error))
        goto failed;
    made.git = (struct git_host){.type = GIT_HOST_GITHUB, .web = made.web, .name = made.web, .port = HTTPS_PORT};
    *host = made;
    return true;
failed:
    github_host_clear(&made);
    return false;
}

void github_host_clear(struct github_host *host)
{
    mem_free(host->web);
    mem_free(host->api);
    mem_free(host->uploads);
    mem_free(host->api_url);
    mem_free(host->default_owner);
    memset(host, 0, sizeof(*host));
}

bool github_host_endpoint(const struct github_host *host, struct bytes name, enum github_endpoint *ret_endpoint)
{
    if (bytes_equal(name, bytes_of_string(host->web)))
        *ret_endpoint = GITHUB_ENDPOINT_WEB;
    else if (bytes_equal(name, bytes_of_string(host->api)))
        *ret_endpoint = GITHUB_ENDPOINT_API;
    else if (bytes_equal(name, bytes_of_string(host->uploads)))
        *ret_endpoint = GITHUB_ENDPOINT_UPLOADS;
    else
        return false;
    return true;
}

const struct github_host *github_host_of(const struct git_host *host)
{
    assert(git_host_is_github(host));
    return (const struct github_host *)host;
}
