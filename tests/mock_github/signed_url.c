#include "signed_url.h"

#include <pthread.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "mock_setting.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static unsigned char secret[32];

static void make_secret(void)
{
    RAND_bytes(secret, sizeof(secret));
}

char *signed_url_code(const char *text)
{
    unsigned char code[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    struct mock_text digits = {0};

    pthread_once(&once, make_secret);
    HMAC(EVP_sha256(), secret, sizeof(secret), (const unsigned char *)text, strlen(text), code, &size);
    for (unsigned i = 0; i < size; i++)
        mock_text_printf(&digits, "%02x", code[i]);
    return digits.data;
}

static char *sign(const char *method, const char *host, const char *path, const char *date)
{
    char *text = mock_text_format("%s\n%s\n%s\n%s", method, host, path, date);
    char *code = signed_url_code(text);

    free(text);
    return code;
}

char *signed_url_make(const char *method, const char *host, const char *path)
{
    char *date = mock_text_format("%lld", (long long)mock_setting_now());
    char *code = sign(method, host, path, date);
    char *url = mock_text_format("https://%s%s?X-Amz-Algorithm=AWS4-HMAC-SHA256"
                                 "&X-Amz-Credential=AKIAMOCK%%2F20240101%%2Fus-east-1%%2Fs3%%2Faws4_request"
                                 "&X-Amz-Date=%s&X-Amz-Expires=%d&X-Amz-SignedHeaders=host&X-Amz-Signature=%s",
                                 host, path, date, SIGNED_URL_SECONDS, code);

    free(code);
    free(date);
    return url;
}

enum signed_url_verdict signed_url_check(const struct call *call)
{
    char *date = call_query(call, "X-Amz-Date");
    char *code = call_query(call, "X-Amz-Signature");
    const char *method = strcmp(call->method, "HEAD") == 0 ? "GET" : call->method;
    char *right = date && code ? sign(method, call->host->name, call->path, date) : NULL;
    enum signed_url_verdict verdict = SIGNED_URL_BAD;

    if (right && strcmp(right, code) == 0)
        verdict = mock_setting_now() < atoll(date) + SIGNED_URL_SECONDS ? SIGNED_URL_GOOD : SIGNED_URL_EXPIRED;
    free(right);
    free(code);
    free(date);
    return verdict;
}
