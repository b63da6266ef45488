// `gitlatch rules`: what a workspace may do here, as the proxy says it.
#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "mem.h"
#include "text.h"

#define ANSWER_MAX MIB
#define TIMEOUT_MS 10000L

static const char help[] = "Usage: gitlatch rules [--json]\n"
                           "\n"
                           "Run inside a workspace: prints which repositories it may fetch, to which branches\n"
                           "it may push, with a push that is allowed, and what to do when something is\n"
                           "refused. Asks the proxy that HTTPS_PROXY (or https_proxy) names.\n"
                           "\n"
                           "      --json  what the proxy says to GET /.well-known/gitlatch, for programs\n"
                           "  -h, --help  this text\n";

static const struct option options[] = {
    {"json", no_argument, NULL, 'j'},
    COMMAND_OPTION_HELP,
    {NULL, 0, NULL, 0},
};

static size_t on_data(char *data, size_t size, size_t count, void *arg)
{
    struct text *text = arg;

    if (text->size + count > ANSWER_MAX)
        return 0;
    text_append_bytes(text, bytes_of(data, count));
    return count;
}

// The proxy is asked for a page of its own address as proxies are asked: it gets its password by curl.
static char *make_url(const char *proxy)
{
    const char *scheme = strstr(proxy, "://");
    const char *authority = scheme ? scheme + 3 : proxy;
    const char *end = authority + strcspn(authority, "/");
    const char *at = memrchr(authority, '@', (size_t)(end - authority));

    if (at)
        authority = at + 1;
    return mem_format("http://%.*s/.well-known/gitlatch", (int)(end - authority), authority);
}

static bool command_rules_ask(const struct command *command, const char *proxy, struct text *ret_text)
{
    CURL *curl = curl_easy_init();
    char *url = make_url(proxy);
    long status = 0;
    CURLcode code;

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROXY, proxy);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, ret_text);
    code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK)
        command_fail(command, "%s does not answer: %s; is it gitlatch? `gitlatch doctor` looks closer", url,
                     curl_easy_strerror(code));
    else if (status != 200)
        command_fail(command, "%s answers %ld: %s", url, status,
                     status == 407 ? "HTTPS_PROXY lacks the password" : "this is no gitlatch, or an older one");
    mem_free(url);
    curl_easy_cleanup(curl);
    return code == CURLE_OK && status == 200;
}

static const char *command_rules_member(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));

    return value ? value : "";
}

static void print_refs(const char *word, const json_t *refs)
{
    const json_t *ref;
    size_t i;

    if (json_is_true(refs))
        printf("  may %s any branch and tag\n", word);
    if (json_array_size(refs) == 0)
        return;
    printf("  may %s ", word);
    json_array_foreach(refs, i, ref)
        printf("%s%s", i == 0 ? "" : ", ", json_string_value(ref));
    putchar('\n');
}

static void print_repository(const json_t *rule)
{
    const json_t *permissions = json_object_get(rule, "permissions");

    printf("\n%s\n", command_rules_member(rule, "match"));
    puts(json_is_true(json_object_get(rule, "fetch")) ? "  may clone and fetch" : "  may not be fetched");
    print_refs("push", json_object_get(rule, "push"));
    if (!json_object_get(rule, "push"))
        puts("  may not be pushed to");
    if (*command_rules_member(rule, "example_push"))
        printf("  for example: %s\n", command_rules_member(rule, "example_push"));
    print_refs("delete", json_object_get(rule, "delete"));
    for (void *at = json_object_iter((json_t *)(uintptr_t)permissions); at;
         at = json_object_iter_next((json_t *)(uintptr_t)permissions, at))
        printf("  api.github.com: %s %s\n", json_object_iter_key(at), json_string_value(json_object_iter_value(at)));
}

static void command_rules_print_rules(const json_t *rules)
{
    const json_t *list = json_object_get(rules, "repositories"), *each;
    bool denies = strcmp(command_rules_member(rules, "other_repositories"), "deny") == 0;
    size_t i;

    printf("Rules: %s\n", command_rules_member(rules, "rules"));
    if (json_is_false(json_object_get(rules, "enforced")))
        puts("They are not enforced: what they refuse is only recorded.");
    json_array_foreach(list, i, each)
        print_repository(each);
    printf("\nAny other repository: %s\n",
           denies ? "refused" : "without a credential, so what is public can be fetched, and nothing pushed");
    json_array_foreach(json_object_get(rules, "how"), i, each)
        printf("- %s\n", json_string_value(each));
    printf("When something is refused: %s\n", command_rules_member(rules, "when_refused"));
}

static int rules(const struct command *command, bool as_json)
{
    const char *lower = getenv("https_proxy"), *proxy = lower && *lower ? lower : getenv("HTTPS_PROXY");
    struct text text = {0};
    json_t *object = NULL;

    if (!proxy || !*proxy)
        return command_fail(command, "HTTPS_PROXY is not set: this is no workspace of gitlatch; `gitlatch doctor` "
                                     "looks for other ways");
    if (!command_rules_ask(command, proxy, &text)) {
        text_free(&text);
        return COMMAND_FAILED;
    }
    if (as_json)
        fputs(text_string(&text), stdout);
    else if ((object = json_loads(text_string(&text), 0, NULL)))
        command_rules_print_rules(object);
    else
        command_fail(command, "%s gives no rules: it is no gitlatch", "the proxy");
    json_decref(object);
    text_free(&text);
    return as_json || object ? command_finish_output(command) : COMMAND_FAILED;
}

static int run(const struct command *command, int argc, char **argv)
{
    bool as_json = false;
    int option;

    while ((option = command_option(command, argc, argv)) != COMMAND_OPTION_END) {
        if (option == 'h')
            return command_help(command);
        if (option != 'j')
            return COMMAND_USAGE;
        as_json = true;
    }
    if (!command_no_arguments(command, argc, argv))
        return COMMAND_USAGE;
    return rules(command, as_json);
}

const struct command command_rules = {
    .name = "rules",
    .summary = "in a workspace: what it may do here",
    .help = help,
    .short_options = ":h",
    .options = options,
    .run = run,
};
