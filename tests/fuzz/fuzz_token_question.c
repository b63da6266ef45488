// Any bytes as the body of POST /v1/token, and of POST /v1/repositories: it is refused with a line, or the question is whole, normal, and for a
// GitHub that the broker serves.
#include "token_question.h"

#include <ctype.h>

#include "fuzz.h"
#include "text.h"

static struct config *broker_config(void)
{
    static struct config *config;
    struct error error;

    if (!config)
        FUZZ_CHECK(
            config_parse(BYTES("broker:\n  tls: {certificate: c, key: k}\n"), "f", CONFIG_FOR_BROKER, &config, &error));
    return config;
}

static void check_names(const struct token_question *question)
{
    struct repository_name again;

    FUZZ_CHECK((question->names != NULL) == (question->count > 0));
    for (size_t i = 0; i < question->count; i++) {
        const struct repository_name *name = &question->names[i];

        FUZZ_CHECK(strcmp(name->owner, question->owner) == 0);
        FUZZ_CHECK(repository_name_parse(bytes_of_string(name->owner), bytes_of_string(name->name), &again));
        FUZZ_CHECK(repository_name_equal(name, &again));
        FUZZ_CHECK(i == 0 || strcmp(question->names[i - 1].name, name->name) < 0);
    }
}

static void check_question(const struct token_question *question, const struct config *config)
{
    struct text label = {0};

    FUZZ_CHECK(question->host == &config->githubs[0].host);
    FUZZ_CHECK(question->permissions.count > 0 && question->permissions.count <= PERMISSIONS_MAX);
    FUZZ_CHECK(!*question->rejected || strlen(question->rejected) == TOKEN_FINGERPRINT_SIZE - 1);
    check_names(question);
    token_question_label(question, &label);
    for (size_t i = 0; i < label.size; i++)
        FUZZ_CHECK(isprint((unsigned char)label.data[i]));
    text_free(&label);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct config *config = broker_config();
    struct token_question question;
    struct error error = {""};

    if (token_question_parse(bytes_of((const char *)data, size), config, &question, &error)) {
        check_question(&question, config);
        token_question_clear(&question);
    } else {
        FUZZ_CHECK(error.text[0]);
    }
    error.text[0] = '\0';
    if (token_question_parse_listing(bytes_of((const char *)data, size), config, &question, &error)) {
        FUZZ_CHECK(question.host == &config->githubs[0].host && !question.names && question.permissions.count == 0);
        FUZZ_CHECK(question.page >= 1 && question.page <= TOKEN_QUESTION_PAGES_MAX);
        token_question_clear(&question);
    } else {
        FUZZ_CHECK(error.text[0]);
    }
    return 0;
}
