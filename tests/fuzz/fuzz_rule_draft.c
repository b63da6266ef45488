// Any bytes as an audit log of which `gitlatch check --suggest` makes rules: where no tunnel was denied, they are a
// configuration that is taken.
#include "rule_draft.h"

#include "config.h"
#include "fuzz.h"

static void check_draft(const struct text *out)
{
    struct config *config;
    struct error error = {""};

    FUZZ_CHECK(bytes_start_with(text_bytes(out), BYTES("repositories:")));
    // The hosts are shown as they were asked for; people look at them before they allow them.
    if (memmem(out->data, out->size, "\nother_hosts:\n", 14))
        return;
    if (!config_parse(text_bytes(out), "f", CONFIG_FOR_RUN, &config, &error)) {
        fprintf(stderr, "%s\n%s", error.text, text_string(out));
        FUZZ_CHECK(!"the rules are refused");
    }
    config_unref(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes rest = bytes_of((const char *)data, size), line;
    struct rule_draft *draft = rule_draft_new();
    struct text out = {0};
    bool read = false;

    while (rest.size) {
        bytes_cut(rest, '\n', &line, &rest);
        read |= rule_draft_add(draft, line);
    }
    FUZZ_CHECK(read || !rule_draft_has_events(draft));
    rule_draft_append(draft, &out);
    check_draft(&out);
    text_free(&out);
    rule_draft_free(draft);
    return 0;
}
