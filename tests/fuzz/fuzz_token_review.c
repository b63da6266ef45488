// Any bytes as the cluster's answer to a TokenReview, and as a token: a proven caller is a service account of names
// that a cluster has, and is proven by words that stand in the answer.
#include "token_review.h"

#include "fuzz.h"
#include "secret.h"

static const char *const audiences[] = {"gitlatch-credential", "gitlatch"};

static void check_cluster_name(const char *name)
{
    FUZZ_CHECK(name && *name);
    for (; *name; name++)
        FUZZ_CHECK((*name >= 'a' && *name <= 'z') || (*name >= '0' && *name <= '9') || *name == '-' || *name == '.');
}

static void check_proven(const struct caller *caller)
{
    check_cluster_name(caller->namespace);
    check_cluster_name(caller->service_account);
    if (caller->pod)
        check_cluster_name(caller->pod);
    FUZZ_CHECK(caller_is_proven(caller) && !caller->issuer && !caller->claims && !caller->certificate_names);
}

static void check_as_token(struct bytes token)
{
    struct wall end = token_review_end(token);
    struct secret *body;

    FUZZ_CHECK(end.ms >= 0);
    if (!token_review_well_formed(token))
        return;
    body = token_review_body(token, audiences, GL_ARRAY_SIZE(audiences));
    FUZZ_CHECK(bytes_contain(secret_bytes(body), token) && bytes_end_with(secret_bytes(body), BYTES("]}}")));
    secret_unref(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of((const char *)data, size);
    struct caller caller;
    struct error error = {""};

    if (token_review_parse(input, audiences, GL_ARRAY_SIZE(audiences), &caller, &error) == TOKEN_REVIEW_PROVEN) {
        FUZZ_CHECK(bytes_contain(input, BYTES("true")));
        check_proven(&caller);
        caller_clear(&caller);
    } else {
        FUZZ_CHECK(error.text[0]);
    }
    check_as_token(input);
    return 0;
}
