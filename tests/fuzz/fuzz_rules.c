// Any request target against rules: no token for a repository that no rule names, whatever the target looks
// like to a generous reader; and any pattern on any text means what trying everything says.
#include "fuzz.h"
#include "glob.h"
#include "github_operation.h"
#include "policy.h"
#include "target.h"

#define INPUT_MAX 512
// Trying everything takes time.
#define GLOB_MAX 10

static char match[] = "acme/widgets", pattern[] = "refs/heads/agent/*", path[] = "pulls/**";
static char *patterns[] = {pattern};
static char *paths[] = {path};
static struct rule one_rule[] = {{
    .match = match,
    .fetch = true,
    .push = {REF_SET_PATTERNS, patterns, 1},
    .paths = {paths, 1},
    .permissions = {1, {{"issues", PERMISSION_READ}}},
}};
static const struct rules rules = {.present = true, .rules = one_rule, .count = 1};

static char web[] = "github.com", api[] = "api.github.com", uploads[] = "uploads.github.com";
static const struct github_host dotcom = {.flavor = GITHUB_DOTCOM, .web = web, .api = api, .uploads = uploads};
static const struct github_host server = {.flavor = GITHUB_ENTERPRISE_SERVER, .web = web, .api = web, .uploads = web};

static bool begins(const struct target *target, const char *word)
{
    size_t size = strlen(word);

    return target->path.size >= size && strncasecmp(target->path.data, word, size) == 0;
}

static void check_allowed(const struct operation *operation, const struct policy_decision *decision,
                          const struct target *target)
{
    const struct repository_name *repository = &decision->scope.repository;

    FUZZ_CHECK(operation->kind != OPERATION_PAGE && operation->kind != OPERATION_API_REPOSITORY_ID);
    FUZZ_CHECK(operation->kind != OPERATION_GRAPHQL);
    FUZZ_CHECK(!begins(target, "/app/") && !begins(target, "/api/v3/app/") && !begins(target, "/login/"));
    if (decision->scope.reach != SCOPE_REPOSITORY) {
        FUZZ_CHECK(operation->kind == OPERATION_API_OTHER);
        return;
    }
    FUZZ_CHECK(strcmp(repository->owner, "acme") == 0 && strcmp(repository->name, "widgets") == 0);
    if (operation->kind == OPERATION_API_REPOSITORY)
        FUZZ_CHECK(bytes_start_with(operation->api_path, BYTES("pulls")));
    else
        FUZZ_CHECK(memchr(target->path.data, '%', target->path.size) == NULL);
}

// Views of the target, to its end but for one slash.
static bool lies_at_end_of(struct bytes below, struct bytes whole)
{
    const char *end = whole.data + whole.size, *below_end = below.data + below.size;

    return below.data > whole.data && (below_end == end || (below_end == end - 1 && *below_end == '/'));
}

static void check_target(struct bytes text, const struct github_host *host, enum github_endpoint endpoint,
                         enum head_method method)
{
    struct policy_decision decision;
    struct operation operation;
    struct verdict verdict;
    struct target target;

    if (!target_parse(method, text, &target, NULL))
        return;
    if (!github_operation_parse(host, endpoint, method, &target, &operation, &verdict)) {
        FUZZ_CHECK(verdict.reason != REASON_NONE);
        return;
    }
    FUZZ_CHECK(operation.api_path.size == 0 || lies_at_end_of(operation.api_path, target.path));
    policy_decide(&rules, &operation, &decision);
    if (decision.decision == DECISION_ALLOW)
        check_allowed(&operation, &decision, &target);
}

static bool means(struct bytes glob, struct bytes text)
{
    bool crosses = bytes_start_with(glob, BYTES("**"));

    if (glob.size == 0)
        return text.size == 0;
    if (glob.data[0] != '*')
        return text.size && glob.data[0] == text.data[0] && means(bytes_skip(glob, 1), bytes_skip(text, 1));
    for (size_t i = 0; i <= text.size; i++) {
        if (means(bytes_skip(glob, crosses ? 2 : 1), bytes_skip(text, i)))
            return true;
        if (i < text.size && text.data[i] == '/' && !crosses)
            return false;
    }
    return false;
}

static void check_glob(struct bytes input)
{
    struct bytes glob, text;

    bytes_cut(input, '\n', &glob, &text);
    if (glob.size <= GLOB_MAX && text.size <= 2 * GLOB_MAX && !(glob.size && memmem(glob.data, glob.size, "***", 3)))
        FUZZ_CHECK(glob_match(glob, text) == means(glob, text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input;
    enum head_method method;

    if (size < 2 || size > INPUT_MAX)
        return 0;
    method = (enum head_method)(METHOD_GET + data[0] % (METHOD_OPTIONS - METHOD_GET + 1));
    input = bytes_of((const char *)data + 1, size - 1);
    check_target(input, &dotcom, GITHUB_ENDPOINT_WEB, method);
    check_target(input, &dotcom, GITHUB_ENDPOINT_API, method);
    check_target(input, &dotcom, GITHUB_ENDPOINT_UPLOADS, method);
    check_target(input, &server, GITHUB_ENDPOINT_WEB, method);
    check_glob(input);
    return 0;
}
