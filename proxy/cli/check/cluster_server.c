#include "cluster_server.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cluster_survey.h"
#include "error.h"
#include "mem.h"
#include "printable.h"
#include "secret_file.h"
#include "text.h"

#define ACCOUNT       "/var/run/secrets/kubernetes.io/serviceaccount"
#define KUBECTL_PROXY "http://127.0.0.1:8001"
// 500 pods of 40 KiB each: an answer of more is cut off, and reported as such.
#define CLUSTER_ANSWER_MAX (64 * MIB)
#define CLUSTER_TIMEOUT_MS 30000L

struct server {
    CURL *curl;
    char *url;
    bool ok;
};

static size_t on_answer(char *data, size_t one, size_t size, void *arg)
{
    struct text *text = arg;

    text_append_bytes(text, bytes_of(data, size));
    return text->cut ? 0 : size * one;
}

// What the API server says itself: a Status with a message.
static bool set_refused(struct error *error, const char *path, long status, const json_t *body)
{
    const char *message = json_string_value(json_object_get(body, "message"));

    return error_set(error, "%s: %ld: %s%s", path, status, message ? message : "no reason given",
                     status == 403 ? "; it needs `get` and `list` on this" : "");
}

static json_t *get(void *arg, const char *path, bool *ret_missing, struct error *ret_error)
{
    struct server *server = arg;
    char *url = mem_format("%s%s", server->url, path);
    struct text text = {.limit = CLUSTER_ANSWER_MAX};
    json_t *body = NULL;
    long status = 0;

    curl_easy_setopt(server->curl, CURLOPT_URL, url);
    curl_easy_setopt(server->curl, CURLOPT_WRITEDATA, &text);
    CURLcode code = curl_easy_perform(server->curl);
    curl_easy_getinfo(server->curl, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK)
        body = json_loadb(text_string(&text), text.size, 0, NULL);
    *ret_missing = code == CURLE_OK && status == 404;
    if (code != CURLE_OK)
        error_set(ret_error, "%s does not answer: %s; where this is no pod, run `kubectl proxy` beside it", server->url,
                  curl_easy_strerror(code));
    else if (status != 200)
        set_refused(ret_error, path, status, body);
    else if (!body)
        error_set(ret_error, "%s%s answers without JSON: is it an API server?", server->url, path);
    if (status != 200) {
        json_decref(body);
        body = NULL;
    }
    text_free(&text);
    mem_free(url);
    return body;
}

static void print_line(void *arg, bool ok, const char *subject, const char *text)
{
    struct server *server = arg;
    struct text line = {0};

    server->ok = server->ok && ok;
    printable_append(&line, bytes_of_string(subject));
    text_append(&line, ": ");
    printable_append(&line, bytes_of_string(text));
    printf("%s%s\n", ok ? "ok    " : "FAIL  ", text_string(&line));
    text_free(&line);
}

// The token of this pod's service account.
static struct curl_slist *pod_headers(void)
{
    struct secret_file file;
    struct curl_slist *headers = NULL;
    struct error error;
    bool changed;

    secret_file_init(&file, ACCOUNT "/token");
    if (secret_file_refresh(&file, &changed, &error)) {
        struct bytes token = secret_bytes(file.secret);
        char *header = mem_format("Authorization: Bearer %.*s", (int)token.size, token.data);
        headers = curl_slist_append(NULL, header);
        explicit_bzero(header, strlen(header));
        mem_free(header);
    }
    secret_file_clear(&file);
    return headers;
}

static void set_cluster_options(struct server *server, struct curl_slist *headers)
{
    curl_easy_setopt(server->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(server->curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(server->curl, CURLOPT_TIMEOUT_MS, CLUSTER_TIMEOUT_MS);
    curl_easy_setopt(server->curl, CURLOPT_WRITEFUNCTION, on_answer);
    if (headers) {
        curl_easy_setopt(server->curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(server->curl, CURLOPT_CAINFO, ACCOUNT "/ca.crt");
    }
}

bool cluster_server_survey(const char *url)
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
    bool pod = !url && host && port && access(ACCOUNT "/token", R_OK) == 0;
    struct server server = {.curl = curl_easy_init(), .ok = true};
    struct curl_slist *headers = pod ? pod_headers() : NULL;

    server.url = pod ? mem_format("https://%s:%s", host, port) : mem_string(url ? url : KUBECTL_PROXY);
    set_cluster_options(&server, headers);
    cluster_survey(&(struct cluster_callbacks){&server, get, print_line});
    curl_easy_cleanup(server.curl);
    curl_slist_free_all(headers);
    mem_free(server.url);
    return server.ok;
}
