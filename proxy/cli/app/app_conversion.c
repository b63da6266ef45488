#include "app_conversion.h"

#include <curl/curl.h>
#include <jansson.h>
#include <string.h>

#include "clock.h"
#include "mem.h"
#include "text.h"

#define ANSWER_MAX (256 * KIB)
#define TIMEOUT_MS (30 * SECOND_MS)

static size_t on_body(char *data, size_t one, size_t size, void *arg)
{
    text_append_bytes(arg, bytes_of(data, size));
    return size;
}

static void set_options(CURL *curl, const char *url, const char *trust, struct curl_slist *headers, struct text *body,
                        char *problem)
{
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "gitlatch/" GITLATCH_VERSION);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, problem);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    if (trust) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, trust);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
}

static bool read_answer(struct bytes body, struct app_conversion *ret_conversion)
{
    json_t *json = json_loadb(body.data, body.size, JSON_REJECT_DUPLICATES, NULL);
    const char *name = json_string_value(json_object_get(json, "name"));
    const char *url = json_string_value(json_object_get(json, "html_url"));
    const char *key = json_string_value(json_object_get(json, "pem"));
    json_int_t id = json_integer_value(json_object_get(json, "id"));
    bool whole = name && url && strncmp(url, "https://", 8) == 0 && key && id > 0;

    if (whole)
        *ret_conversion = (struct app_conversion){(uint64_t)id, mem_string(name), mem_string(url), mem_string(key)};
    json_decref(json);
    return whole;
}

bool app_conversion_ask(const char *api, const char *code, const char *trust, struct app_conversion *ret_conversion,
                        struct error *ret_error)
{
    struct curl_slist *headers = curl_slist_append(curl_slist_append(NULL, "Accept: application/vnd.github+json"),
                                                   "X-GitHub-Api-Version: 2022-11-28");
    char *url = mem_format("%s/app-manifests/%s/conversions", api, code), problem[CURL_ERROR_SIZE] = "";
    CURL *curl = curl_easy_init();
    struct text body = {0};
    long status = 0;
    bool ok = false;

    text_init(&body, ANSWER_MAX);
    set_options(curl, url, trust, headers, &body, problem);
    CURLcode result = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (result != CURLE_OK)
        error_set(ret_error, "%s cannot be asked: %s", api, *problem ? problem : curl_easy_strerror(result));
    else if (status == 404)
        error_set(ret_error, "%s does not know the code: it is good once, and for an hour; begin again", api);
    else if (status != 201)
        error_set(ret_error, "%s answers %ld to the code; begin again", api, status);
    else if (!read_answer(text_bytes(&body), ret_conversion))
        error_set(ret_error, "%s answers what is no App with its key", api);
    else
        ok = true;
    if (body.size > 0)
        explicit_bzero(body.data, body.size);
    text_free(&body);
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    mem_free(url);
    return ok;
}

void app_conversion_clear(struct app_conversion *conversion)
{
    if (conversion->key)
        explicit_bzero(conversion->key, strlen(conversion->key));
    mem_free(conversion->key);
    mem_free(conversion->name);
    mem_free(conversion->url);
    *conversion = (struct app_conversion){0};
}
