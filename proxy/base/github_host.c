#include <gitlatch/github_host.h>

#include <ctype.h>
#include <string.h>

#include "mem.h"

// RFC 1035, section 2.3.4.
#define HOST_NAME_MAX_SIZE  253
#define HOST_LABEL_MAX_SIZE 63

static bool label_well_formed(struct bytes label)
{
    if (label.size == 0 || label.size > HOST_LABEL_MAX_SIZE)
        return false;
    for (size_t i = 0; i < label.size; i++) {
        unsigned char c = (unsigned char)label.data[i];
        bool inside = i > 0 && i < label.size - 1;

        if (!(c < 0x80 && isalnum(c)) && !(c == '-' && inside))
            return false;
    }
    return true;
}

static bool all_digits(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    }
    return true;
}

// Lower case, without a trailing dot; NULL where it is no host name (an address is none: no certificate of ours
// may name one).
static char *normal_name(struct bytes name)
{
    if (name.size > 1 && name.data[name.size - 1] == '.')
        name.size--;
    if (name.size > HOST_NAME_MAX_SIZE)
        return NULL;

    struct bytes rest = name, label;
    bool more;
    do {
        more = bytes_cut(rest, '.', &label, &rest);
        if (!label_well_formed(label))
            return NULL;
    } while (more);
    if (all_digits(label))
        return NULL;

    char *normal = mem_bytes_string(name);
    for (char *c = normal; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return normal;
}

static enum github_flavor flavor_of(const char *web)
{
    if (strcmp(web, "github.com") == 0)
        return GITHUB_DOTCOM;
    if (bytes_end_with(bytes_of_string(web), BYTES(".ghe.com")))
        return GITHUB_ENTERPRISE_CLOUD;
    return GITHUB_ENTERPRISE_SERVER;
}

// Fills `api_url` and `api` from the configured base URL.
static bool set_api(struct github_host *host, const char *api_url, struct error *ret_error)
{
    struct bytes url = bytes_of_string(api_url), authority, path, name, port;

    if (!bytes_start_with(url, BYTES("https://")))
        return error_set(ret_error, "\"%s\" must start with https://: a token never goes over plain HTTP", api_url);
    while (bytes_end_with(url, BYTES("/")))
        url.size--;
    bytes_cut(bytes_skip(url, strlen("https://")), '/', &authority, &path);
    bool has_port = bytes_cut(authority, ':', &name, &port);
    if (has_port && (port.size == 0 || !all_digits(port)))
        return error_set(ret_error, "\"%s\" is not the URL of an API, like https://HOST/api/v3", api_url);
    if (memchr(path.data ? path.data : "", '?', path.size) || memchr(path.data ? path.data : "", '#', path.size))
        return error_set(ret_error, "\"%s\" must have no query and no fragment", api_url);
    host->api = normal_name(name);
    if (!host->api)
        return error_set(ret_error, "\"%s\" is not the URL of an API, like https://HOST/api/v3", api_url);
    host->api_url = mem_bytes_string(url);
    return true;
}

static void derive_api(struct github_host *host)
{
    bool one_host = host->flavor == GITHUB_ENTERPRISE_SERVER;

    host->api = one_host ? mem_string(host->web) : mem_format("api.%s", host->web);
    host->api_url = mem_format("https://%s%s", host->api, one_host ? "/api/v3" : "");
}

bool github_host_init(struct github_host *host, const char *web, const char *api_url, const char *default_owner,
                      struct error *ret_error)
{
    struct github_host made = {.web = normal_name(bytes_of_string(web))};

    if (!made.web)
        return error_set(ret_error, "\"%s\" is not a host name", web);
    made.flavor = flavor_of(made.web);
    if (!api_url) {
        derive_api(&made);
    } else if (!set_api(&made, api_url, ret_error)) {
        github_host_clear(&made);
        return false;
    }
    made.uploads = made.flavor == GITHUB_ENTERPRISE_SERVER ? mem_string(made.web)
                                                           : mem_format("uploads.%s", made.web);
    made.default_owner = mem_string(default_owner);
    for (char *c = made.default_owner; c && *c; c++)
        *c = (char)tolower((unsigned char)*c);
    *host = made;
    return true;
}

void github_host_clear(struct github_host *host)
{
    mem_free(host->web);
    mem_free(host->api);
    mem_free(host->uploads);
    mem_free(host->api_url);
    mem_free(host->default_owner);
    *host = (struct github_host){0};
}

bool github_host_endpoint(const struct github_host *host, struct bytes name, enum github_endpoint *ret_endpoint)
{
    // The web name first: on an Enterprise Server all three are the same, and its API is told by the path.
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
