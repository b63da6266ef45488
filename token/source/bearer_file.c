#include "bearer_file.h"

#include <string.h>

#include "http_address.h"
#include "mem.h"
#include "tls_client.h"

// Debian's name for the system's roots.
#define SYSTEM_ROOTS "/etc/ssl/certs/ca-certificates.crt"
// A broker waits for a mint itself; below the default of limits.token.
#define TIMEOUT_MS (25 * SECOND_MS)

static const char *const headers[] = {"Accept: application/json", NULL};
static const char *const headers_with_body[] = {"Accept: application/json", "Content-Type: application/json", NULL};

bool bearer_file_init(struct bearer_file *bearer, const struct credential_options *options, struct error *ret_error)
{
    struct bytes url = bytes_of_string(options->url);
    struct bearer_file made = {0};
    struct http_address address;

    if (!http_address_of_url(options->url, &address))
        return error_set(ret_error, "\"%s\" is not a URL", options->url);
    http_address_clear(&address);
    if (bytes_start_with(url, BYTES("https://"))) {
        made.tls = tls_client_new(options->trust ? options->trust : SYSTEM_ROOTS, ret_error);
        if (!made.tls)
            return error_prefix(ret_error, "trust");
    }
    while (bytes_end_with(url, BYTES("/")))
        url.size--;
    made.url = mem_bytes_string(url);
    secret_file_init(&made.file, options->token_file);
    *bearer = made;
    return true;
}

void bearer_file_clear(struct bearer_file *bearer)
{
    mem_free(bearer->url);
    secret_file_clear(&bearer->file);
    tls_client_unref(bearer->tls);
    *bearer = (struct bearer_file){0};
}

bool bearer_file_ready(struct bearer_file *bearer, struct source_failure *ret_failure)
{
    struct error error;
    bool changed;

    if (secret_file_refresh(&bearer->file, &changed, &error) || bearer->file.secret)
        return true;
    return source_failure_set(ret_failure, true, REASON_NO_CREDENTIAL, "the token for %s cannot be read: %s",
                              bearer->url, error.text);
}

struct http_call bearer_file_call(const struct bearer_file *bearer, const char *method, const char *url,
                                  struct bytes body)
{
    return (struct http_call){
        .method = method,
        .url = url,
        .headers = body.size ? headers_with_body : headers,
        .bearer = bearer->file.secret ? secret_bytes(bearer->file.secret) : bytes_of(NULL, 0),
        .body = body,
        .tls = bearer->tls,
        .timeout_ms = TIMEOUT_MS,
    };
}
