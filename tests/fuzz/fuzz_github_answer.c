// Any bytes as GitHub's answer to each of our calls: it is refused with an error that does not repeat it, or what was
// read is within bounds.
#include "github_answer.h"

#include "fuzz.h"
#include "mem.h"
#include "secret.h"

// Far below ERROR_TEXT_SIZE: the errors are sentences of ours.
#define REFUSAL_SIZE_MAX 80

static void check_name(const struct repository_name *name)
{
    struct repository_name again;

    FUZZ_CHECK(repository_name_parse(bytes_of_string(name->owner), bytes_of_string(name->name), &again));
    FUZZ_CHECK(repository_name_equal(name, &again));
}

static void check_installation(const struct github_installation *installation)
{
    struct repository_name name;

    FUZZ_CHECK(installation->id > 0);
    FUZZ_CHECK(repository_name_parse(bytes_of_string(installation->owner), BYTES("x"), &name));
    FUZZ_CHECK(strcmp(name.owner, installation->owner) == 0);
}

static void check_repositories(const struct token_repository *repositories, size_t count)
{
    FUZZ_CHECK(count <= GITHUB_ANSWER_ITEMS_MAX);
    for (size_t i = 0; i < count; i++) {
        FUZZ_CHECK(repositories[i].id > 0);
        check_name(&repositories[i].name);
    }
}

static void check_answer_refusal(bool done, const struct error *error)
{
    FUZZ_CHECK(done || (error->text[0] && strlen(error->text) < REFUSAL_SIZE_MAX));
}

static void check_token(struct bytes body, const char *owner)
{
    struct error error = {""};
    struct token *token = github_answer_token(body, owner, &error);
    struct token *wide = github_answer_wide_token(body, NULL);

    check_answer_refusal(token, &error);
    FUZZ_CHECK(!token || wide);
    if (token) {
        FUZZ_CHECK(github_token_well_formed(secret_bytes(token->value)));
        FUZZ_CHECK(secret_equal(wide->value, secret_bytes(token->value)));
        FUZZ_CHECK(token->granted.permissions.count <= PERMISSIONS_MAX);
        FUZZ_CHECK(token->granted.has_repositories || !token->granted.repositories);
        check_repositories(token->granted.repositories, token->granted.repository_count);
    }
    token_unref(token);
    token_unref(wide);
}

static void check_installations(struct bytes body)
{
    struct error error = {""};
    struct github_installation one, *all;
    struct github_grant *grants;
    size_t count, grant_count;
    bool done = github_answer_installation(body, &one, &error);

    check_answer_refusal(done, &error);
    if (done)
        check_installation(&one);
    done = github_answer_installations(body, &all, &count, &error);
    check_answer_refusal(done, &error);
    FUZZ_CHECK(github_answer_grants(body, &grants, &grant_count, &error) == done);
    if (!done)
        return;
    FUZZ_CHECK(count <= GITHUB_ANSWER_ITEMS_MAX && grant_count == count);
    for (size_t i = 0; i < count; i++) {
        check_installation(&all[i]);
        FUZZ_CHECK(grants[i].installation.id == all[i].id && grants[i].permissions.count <= PERMISSIONS_MAX);
    }
    mem_free(all);
    mem_free(grants);
}

static void check_repository_answers(struct bytes body)
{
    struct error error = {""};
    struct token_repository one, *all;
    size_t count, total;
    bool done = github_answer_repository(body, &one, &error);

    check_answer_refusal(done, &error);
    if (done)
        check_repositories(&one, 1);
    done = github_answer_repositories(body, "", &all, &count, &total, &error);
    check_answer_refusal(done, &error);
    if (!done)
        return;
    check_repositories(all, count);
    mem_free(all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes body = bytes_of((const char *)data, size);
    char message[64];

    check_token(body, NULL);
    check_token(body, "acme");
    check_installations(body);
    check_repository_answers(body);
    github_answer_message(body, message, sizeof(message));
    FUZZ_CHECK(memchr(message, '\0', sizeof(message)));
    return 0;
}
