// Random rules, refs and command lists: what is decided of a push that arrives in pieces is what the whole
// list says.
#include "policy.h"
#include "push_body.h"

#define ROUNDS        3000
#define COMMANDS_MAX  12
#define PATTERNS_MAX  3
#define NAME_SIZE     64
#define TEXT(literal) ((char[]){literal})

// A small generator, so that a failure can be seen again by its round.
static uint32_t random_state;

static uint32_t random_below(uint32_t bound)
{
    random_state = random_state * 1664525 + 1013904223;
    return (random_state >> 8) % bound;
}

struct random_push {
    struct rule rule;
    char push[PATTERNS_MAX][NAME_SIZE], delete[PATTERNS_MAX][NAME_SIZE];
    char *push_list[PATTERNS_MAX], *delete_list[PATTERNS_MAX];
    struct {
        char ref[NAME_SIZE];
        enum ref_change change;
    } commands[COMMANDS_MAX];
    size_t count;
};

// Few words and short ones, so that patterns often meet refs.
static void random_name(char name[NAME_SIZE], const char *const *words, size_t word_count)
{
    size_t size = (size_t)snprintf(name, NAME_SIZE, "refs");

    for (uint32_t segments = 1 + random_below(3); segments; segments--)
        size += (size_t)snprintf(name + size, NAME_SIZE - size, "/%s", words[random_below((uint32_t)word_count)]);
}

static void random_ref(char ref[NAME_SIZE])
{
    static const char *const words[] = {"heads", "heads", "tags", "a", "ab", "b", "main"};

    random_name(ref, words, GL_ARRAY_SIZE(words));
}

static void random_pattern(char pattern[NAME_SIZE])
{
    static const char *const words[] = {"heads", "heads", "tags", "a", "*", "**", "a*", "*b", "**a", "m*n"};

    random_name(pattern, words, GL_ARRAY_SIZE(words));
}

static void random_set(struct ref_set *set, char patterns[PATTERNS_MAX][NAME_SIZE], char **list)
{
    set->kind = (enum ref_set_kind)random_below(REF_SET_PATTERNS + 1);
    set->patterns = list;
    set->count = random_below(PATTERNS_MAX + 1);
    for (size_t i = 0; i < set->count; i++) {
        random_pattern(patterns[i]);
        list[i] = patterns[i];
    }
}

static bool names_ref(const struct random_push *push, const char *ref)
{
    for (size_t i = 0; i < push->count; i++)
        if (strcmp(push->commands[i].ref, ref) == 0)
            return true;
    return false;
}

static void random_push(struct random_push *push)
{
    static char match[] = "acme/widgets";

    rule_init(&push->rule);
    push->rule.match = match;
    push->rule.create = random_below(4) != 0;
    random_set(&push->rule.push, push->push, push->push_list);
    random_set(&push->rule.delete, push->delete, push->delete_list);
    for (uint32_t tries = 1 + random_below(COMMANDS_MAX); tries; tries--) {
        char ref[NAME_SIZE];

        random_ref(ref);
        if (names_ref(push, ref)) // each at most once
            continue;
        memcpy(push->commands[push->count].ref, ref, sizeof(ref));
        push->commands[push->count++].change = (enum ref_change)random_below(REF_DELETE + 1);
    }
}

// What a pattern means, by trying everything.
static bool pattern_holds(const char *pattern, const char *ref)
{
    bool crosses = strncmp(pattern, "**", 2) == 0;

    if (!*pattern)
        return !*ref;
    if (*pattern != '*')
        return *ref == *pattern && pattern_holds(pattern + 1, ref + 1);
    for (;; ref++) {
        if (pattern_holds(pattern + (crosses ? 2 : 1), ref))
            return true;
        if (!*ref || (*ref == '/' && !crosses))
            return false;
    }
}

static bool set_holds(const struct ref_set *set, const char *ref)
{
    if (set->kind != REF_SET_PATTERNS)
        return set->kind == REF_SET_ALL;
    for (size_t i = 0; i < set->count; i++)
        if (pattern_holds(set->patterns[i], ref))
            return true;
    return false;
}

static bool expected(const struct rule *rule, const char *ref, enum ref_change change)
{
    if (change == REF_DELETE)
        return set_holds(&rule->delete, ref);
    return set_holds(&rule->push, ref) && (rule->create || change == REF_UPDATE);
}

static void write_body(const struct random_push *push, struct text *body)
{
    for (size_t i = 0; i < push->count; i++)
        push_body_add(body, push->commands[i].change, push->commands[i].ref, i == 0 ? PUSH_BODY_CAPABILITIES : NULL);
    pktline_append_flush(body);
    text_append(body, "PACK");
}

// Feeds the body in random pieces, and decides at the flush.
static void decide_streamed(const struct random_push *push, struct bytes body, struct push_decision *decision)
{
    struct push_commands *commands = push_commands_new();
    enum push_commands_result result = PUSH_COMMANDS_MORE;
    uint32_t most = 1 + random_below(200);
    struct verdict verdict;

    while (result == PUSH_COMMANDS_MORE && body.size) {
        uint32_t size = 1 + random_below(most);
        struct bytes piece = bytes_of(body.data, size < body.size ? size : body.size);
        size_t given = piece.size;

        result = push_commands_feed(commands, &piece, &verdict);
        body = bytes_skip(body, given - piece.size);
    }
    assert_int_equal(result, PUSH_COMMANDS_DONE);
    assert_int_equal(push_commands_count(commands), push->count);
    policy_decide_push(&push->rule, commands, decision);
    push_commands_free(commands);
}

static void a_streamed_push_is_decided_as_its_whole_list(void **state)
{
    size_t allowed = 0;

    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct random_push push = {0};
        struct push_decision decision;
        struct text body = {0};
        size_t first = SIZE_MAX;

        random_state = round;
        random_push(&push);
        write_body(&push, &body);
        decide_streamed(&push, text_bytes(&body), &decision);
        for (size_t i = 0; i < push.count; i++) {
            bool allows = expected(&push.rule, push.commands[i].ref, push.commands[i].change);

            if ((decision.reasons[i] == REASON_NONE) != allows)
                fail_msg("round %u: %s", round, push.commands[i].ref);
            if (!allows && first == SIZE_MAX)
                first = i;
        }
        assert_int_equal(decision.allowed, first == SIZE_MAX);
        if (!decision.allowed) {
            assert_int_equal(decision.verdict.reason, decision.reasons[first]);
            assert_non_null(strstr(decision.verdict.sentence, push.commands[first].ref));
        }
        allowed += decision.allowed;
        push_decision_clear(&decision);
        text_free(&body);
    }
    // Both ways out were seen often.
    assert_in_range(allowed, ROUNDS / 20, ROUNDS - ROUNDS / 20);
}

static void the_patterns_that_would_have_helped_are_shown(void **state)
{
    static const struct {
        enum ref_change change;
        const char *ref;
        const char *pattern; // NULL: none
    } cases[] = {
        {REF_UPDATE, "refs/heads/main", "refs/heads/agent/*"},
        {REF_DELETE, "refs/heads/main", "refs/heads/tmp/*"},
        {REF_CREATE, "refs/heads/agent/new", NULL},
    };
    const struct rule rule = {
        .match = TEXT("acme/widgets"),
        .push = {REF_SET_PATTERNS, (char *[]){TEXT("refs/heads/agent/*")}, 1},
        .delete = {REF_SET_PATTERNS, (char *[]){TEXT("refs/heads/tmp/*")}, 1},
        .create = false,
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct push_commands *commands = push_commands_new();
        struct push_decision decision;
        struct verdict verdict;
        struct text body = {0};

        push_body_add(&body, cases[i].change, cases[i].ref, PUSH_BODY_CAPABILITIES);
        pktline_append_flush(&body);
        assert_int_equal(push_body_feed(commands, text_bytes(&body), SIZE_MAX, &verdict, NULL), PUSH_COMMANDS_DONE);
        policy_decide_push(&rule, commands, &decision);
        assert_false(decision.allowed);
        if (cases[i].pattern)
            assert_string_equal(decision.patterns->patterns[0], cases[i].pattern);
        else
            assert_null(decision.patterns);
        push_decision_clear(&decision);
        policy_decide_push(NULL, commands, &decision);
        assert_true(decision.allowed);
        push_decision_clear(&decision);
        push_commands_free(commands);
        text_free(&body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_streamed_push_is_decided_as_its_whole_list),
        cmocka_unit_test(the_patterns_that_would_have_helped_are_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
