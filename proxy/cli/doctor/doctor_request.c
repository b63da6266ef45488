#include "doctor_request.h"

#include <curl/curl.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "certificate.h"
#include "doctor.h"
#include "text.h"

// A refusal of gitlatch's, and the page of whoever else answers: its beginning is enough.
#define BODY_MAX (16 * KIB)

static size_t on_doctor_request_body(char *data, size_t one, size_t size, void *arg)
{
    text_append_bytes(arg, bytes_of(data, size));
    return size;
}

static void take_certificate(CURL *curl, struct doctor_answer *answer)
{
    struct curl_certinfo *chain = NULL;

    if (curl_easy_getinfo(curl, CURLINFO_CERTINFO, &chain) != CURLE_OK || !chain || chain->num_of_certs == 0)
        return;
    for (struct curl_slist *line = chain->certinfo[0]; line; line = line->next) {
        if (strncmp(line->data, "Cert:", 5) != 0)
            continue;
        BIO *pem = BIO_new_mem_buf(line->data + 5, -1);
        X509 *leaf = PEM_read_bio_X509(pem, NULL, NULL, NULL);
        if (leaf) {
            answer->not_before = certificate_not_before(leaf);
            answer->not_after = certificate_not_after(leaf);
        }
        X509_free(leaf);
        BIO_free(pem);
    }
}

static void take_answer(CURL *curl, const struct text *body, struct doctor_answer *answer)
{
    struct curl_header *date;
    long status = 0;

    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    answer->status = (int)status;
    answer->from_gitlatch = bytes_contain(text_bytes(body), BYTES(DOCTOR_MARK));
    if (curl_easy_header(curl, "date", 0, CURLH_HEADER, -1, &date) != CURLHE_OK ||
        !wall_parse_http_date(bytes_of_string(date->value), clock_wall(clock_real()), &answer->date))
        answer->date = (struct wall){0};
}

static void doctor_request_set_options(CURL *curl, const struct doctor_request *request, struct doctor_answer *answer,
                                       struct text *body)
{
    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, request->proxy ? request->proxy : "");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOBODY, request->head ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "gitlatch-doctor/" GITLATCH_VERSION);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)DOCTOR_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CERTINFO, 1L);
    curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(curl, CURLOPT_CAINFO, request->roots);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, request->roots ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, request->roots ? 2L : 0L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, answer->problem);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_doctor_request_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
}

void doctor_request(const struct doctor_request *request, struct doctor_answer *ret_answer)
{
    struct doctor_answer answer = {0};
    CURL *curl = curl_easy_init();
    long proxy_status = 0;
    struct text body;
    CURLcode code;

    text_init(&body, BODY_MAX);
    doctor_request_set_options(curl, request, &answer, &body);
    code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
    answer.proxy_status = (int)proxy_status;
    answer.answered = code == CURLE_OK;
    answer.untrusted = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE;
    take_certificate(curl, &answer);
    if (answer.answered)
        take_answer(curl, &body, &answer);
    else if (!*answer.problem)
        snprintf(answer.problem, sizeof(answer.problem), "%s", curl_easy_strerror(code));
    curl_easy_cleanup(curl);
    text_free(&body);
    *ret_answer = answer;
}
