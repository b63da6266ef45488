#include "admin_page.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Made from page.html when gitlatch is built (embed.c).
extern const char admin_page_html[];
extern const size_t admin_page_html_size;

#define HASH_TEXT_SIZE 45 // 32 bytes in base64, with its end

struct bytes admin_page(void)
{
    return bytes_of(admin_page_html, admin_page_html_size);
}

// The hash of what is between the two tags, as CSP wants it (CSP Level 3, 2.3.1).
static void hash_element(const char *begin, const char *end, char ret_hash[HASH_TEXT_SIZE])
{
    const char *from = strstr(admin_page_html, begin);
    const char *to = from ? strstr(from, end) : NULL;
    unsigned char hash[32];

    if (!to)
        abort();
    from += strlen(begin);
    if (!EVP_Digest(from, (size_t)(to - from), hash, NULL, EVP_sha256(), NULL))
        abort();
    EVP_EncodeBlock((unsigned char *)ret_hash, hash, sizeof(hash));
}

struct bytes admin_page_policy(void)
{
    static char policy[400];
    char script[HASH_TEXT_SIZE], style[HASH_TEXT_SIZE];

    if (!policy[0]) {
        hash_element("<script>", "</script>", script);
        hash_element("<style>", "</style>", style);
        snprintf(policy, sizeof(policy),
                 "default-src 'none'; script-src 'sha256-%s'; style-src 'sha256-%s'; connect-src 'self'; "
                 "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
                 script, style);
    }
    return bytes_of_string(policy);
}
