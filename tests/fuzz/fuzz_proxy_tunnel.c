// Any bytes as a proxy's answer to CONNECT: what it means does not depend on what came after its head, nor on how it
// is cut; and as its Proxy-Authenticate field, of which only a word is shown.
#include "proxy_tunnel.h"

#include <ctype.h>

#include "fuzz.h"

static void check_tunnel_reason(const struct proxy_tunnel_answer *answer)
{
    char reason[PROXY_TUNNEL_REASON_SIZE];

    for (int has_password = 0; has_password < 2; has_password++) {
        proxy_tunnel_reason(answer, has_password, reason);
        FUZZ_CHECK(bytes_start_with(bytes_of_string(reason), BYTES("it answers ")));
        for (const char *c = reason; *c; c++)
            FUZZ_CHECK(isprint((unsigned char)*c));
    }
}

static void check_final(struct bytes input, enum proxy_tunnel_result result, const struct proxy_tunnel_answer *answer)
{
    struct proxy_tunnel_answer again;

    FUZZ_CHECK(answer->size > 0 && answer->size <= input.size && input.data[answer->size - 1] == '\n');
    FUZZ_CHECK((result == PROXY_TUNNEL_OPEN) == (answer->status / 100 == 2) && answer->status / 100 != 1);
    FUZZ_CHECK(proxy_tunnel_read(bytes_of(input.data, answer->size), &again) == result);
    FUZZ_CHECK(again.status == answer->status && again.size == answer->size);
    FUZZ_CHECK(proxy_tunnel_read(bytes_of(input.data, answer->size - 1), &again) == PROXY_TUNNEL_MORE);
    check_tunnel_reason(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of((const char *)data, size);
    struct proxy_tunnel_answer answer = {.status = 407}, early;
    enum proxy_tunnel_result result, half;

    proxy_tunnel_add_scheme(&answer, input);
    check_tunnel_reason(&answer);
    result = proxy_tunnel_read(input, &answer);
    half = proxy_tunnel_read(bytes_of(input.data, size / 2), &early);
    FUZZ_CHECK(half == PROXY_TUNNEL_MORE || half == result);
    if (result == PROXY_TUNNEL_OPEN || result == PROXY_TUNNEL_REFUSED)
        check_final(input, result, &answer);
    return 0;
}
