// Holds each key of a rule against all that has to know it: a restricting key that one of them forgot would silently
// widen what a broker's rules allow. A key of a type that stands here already is tested without a change.
#include "rule_key.h"

#include "cmocka_unit.h"
#include "config.h"
#include "mem.h"
#include "rule_json.h"
#include "setting_rules.h"
#include "text.h"

// Both own what they hold.
static void set_wide(const struct rule_key *key, struct rule *rule)
{
    void *field = rule_key_field(key, rule);

    if (key->type == &rule_type_match)
        *(char **)field = mem_string("*/*");
    else if (key->type == &rule_type_flag || key->type == &rule_type_own_flag)
        *(bool *)field = true;
    else if (key->type == &rule_type_refs)
        *(struct ref_set *)field = (struct ref_set){.kind = REF_SET_ALL};
    else if (key->type == &rule_type_permissions)
        assert_true(permissions_add(field, BYTES("issues"), PERMISSION_WRITE));
    else
        assert_true(key->type == &rule_type_paths || key->type == &rule_type_limit); // zero is no bound
}

static char **one_pattern(const char *pattern)
{
    char **list = mem_alloc_zero(1, sizeof(*list));

    list[0] = mem_string(pattern);
    return list;
}

static void set_tight(const struct rule_key *key, struct rule *rule)
{
    void *field = rule_key_field(key, rule);

    if (key->type == &rule_type_match)
        *(char **)field = mem_string("acme/widgets");
    else if (key->type == &rule_type_flag || key->type == &rule_type_own_flag)
        *(bool *)field = false;
    else if (key->type == &rule_type_refs)
        *(struct ref_set *)field = (struct ref_set){REF_SET_PATTERNS, one_pattern("refs/heads/agent/*"), 1};
    else if (key->type == &rule_type_permissions)
        assert_true(permissions_add(field, BYTES("issues"), PERMISSION_READ));
    else if (key->type == &rule_type_paths)
        *(struct path_set *)field = (struct path_set){one_pattern("pulls/**"), 1};
    else if (key->type == &rule_type_limit)
        *(uint64_t *)field = 4096;
    else
        fail_msg("%s: its type has no values in this test", key->name);
}

// The rule that allows all; `tight` (may be NULL) is narrowed.
static struct rules rules_of(const struct rule_key *tight)
{
    struct rules rules = {.present = true, .rules = mem_alloc_zero(1, sizeof(*rules.rules)), .count = 1};

    for (size_t i = 0; i < RULE_KEY_COUNT; i++) {
        bool excluded = tight && tight->type == &rule_type_paths && strcmp(rule_keys[i].name, "graphql") == 0;

        // `paths` and `graphql: true` exclude each other.
        if (&rule_keys[i] == tight || excluded)
            set_tight(&rule_keys[i], &rules.rules[0]);
        else
            set_wide(&rule_keys[i], &rules.rules[0]);
    }
    assert_true(rule_check(&rules.rules[0], NULL));
    return rules;
}

static void write_json(const struct rules *rules, struct text *text)
{
    assert_int_equal(rules->count, 1);
    text_clear(text);
    text_append(text, "{\"repositories\":[");
    rule_json_append(&rules->rules[0], text);
    text_append(text, "]}");
}

static void assert_within(const struct rules *own, const struct rules *granted, const struct text *expected)
{
    struct text text = {0};
    struct rules both;

    assert_true(rules_within(own, granted, &both, NULL));
    write_json(&both, &text);
    assert_string_equal(text_string(&text), text_string(expected));
    rules_clear(&both);
    text_free(&text);
}

// What one of the two narrows stays narrow, whichever it is. About an own flag only the own rule is asked.
static void each_key_narrows_the_intersection(void **state)
{
    struct rules wide = rules_of(NULL);
    struct text wide_text = {0}, tight_text = {0};

    write_json(&wide, &wide_text);
    assert_within(&wide, &wide, &wide_text);
    for (size_t i = 0; i < RULE_KEY_COUNT; i++) {
        struct rules tight = rules_of(&rule_keys[i]);

        write_json(&tight, &tight_text);
        assert_string_not_equal(text_string(&wide_text), text_string(&tight_text));
        assert_within(&tight, &wide, &tight_text);
        assert_within(&wide, &tight, rule_keys[i].type == &rule_type_own_flag ? &wide_text : &tight_text);
        rules_clear(&tight);
    }
    rules_clear(&wide);
    text_free(&wide_text);
    text_free(&tight_text);
}

// A broker's rules go over the wire as JSON, and are read by the configuration's own parser.
static void each_key_survives_the_wire(void **state)
{
    for (size_t i = 0; i <= RULE_KEY_COUNT; i++) {
        struct rules rules = rules_of(i < RULE_KEY_COUNT ? &rule_keys[i] : NULL);
        struct text sent = {0}, received = {0};
        struct config *config;
        struct error error;

        write_json(&rules, &sent);
        if (!config_parse(text_bytes(&sent), "answer", CONFIG_FOR_RUN, &config, &error))
            fail_msg("%s", error.text);
        write_json(&config->rules, &received);
        assert_string_equal(text_string(&sent), text_string(&received));
        config_unref(config);
        rules_clear(&rules);
        text_free(&sent);
        text_free(&received);
    }
}

static void each_key_knows_its_bound(void **state)
{
    for (size_t i = 0; i < RULE_KEY_COUNT; i++) {
        struct rules wide = rules_of(NULL), tight = rules_of(&rule_keys[i]);

        assert_false(rule_is_bound(&wide.rules[0], BOUND_PUSH));
        assert_false(rule_is_bound(&wide.rules[0], BOUND_PATHS));
        assert_int_equal(rule_is_bound(&tight.rules[0], BOUND_PUSH), rule_keys[i].bound == BOUND_PUSH);
        assert_int_equal(rule_is_bound(&tight.rules[0], BOUND_PATHS), rule_keys[i].bound == BOUND_PATHS);
        rules_clear(&wide);
        rules_clear(&tight);
    }
}

static void the_reference_has_the_same_rows_sorted(void **state)
{
    for (size_t i = 0; i < RULE_KEY_COUNT; i++) {
        assert_string_equal(setting_rule_rows[i].key, rule_keys[i].name);
        assert_int_equal(setting_rule_rows[i].offset, rule_keys[i].offset);
        assert_non_null(setting_rule_rows[i].text);
        assert_true(i == 0 || strcmp(rule_keys[i - 1].name, rule_keys[i].name) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_narrows_the_intersection),
        cmocka_unit_test(each_key_survives_the_wire),
        cmocka_unit_test(each_key_knows_its_bound),
        cmocka_unit_test(the_reference_has_the_same_rows_sorted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
