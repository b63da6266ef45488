// Any bytes as the body of a Git LFS request: no crash, and an upload is never read where the word is not there.
#include "lfs_body.h"

#include "fuzz.h"

static void check_body(bool parsed, struct lfs_body *body, const struct verdict *verdict)
{
    FUZZ_CHECK(parsed == (verdict->reason == REASON_NONE));
    FUZZ_CHECK(parsed || (!body->upload && !body->ref));
    FUZZ_CHECK(!body->ref || body->ref[0]);
    lfs_body_clear(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_of((const char *)data, size);
    struct verdict batch_verdict = {0}, lock_verdict = {0};
    struct lfs_body batch = {0}, lock = {0};
    bool parsed = lfs_body_parse_batch(input, &batch, &batch_verdict);

    FUZZ_CHECK(!batch.upload || memmem(data, size, "\\u", 2) || memmem(data, size, "\"upload\"", 8));
    check_body(parsed, &batch, &batch_verdict);
    parsed = lfs_body_parse_lock(input, &lock, &lock_verdict);
    check_body(parsed, &lock, &lock_verdict);
    return 0;
}
