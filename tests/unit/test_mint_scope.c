#include "mint_scope.h"

#include <gitlatch/github_host.h>

#include "cmocka_unit.h"
#include "text.h"

static struct github_host dotcom, server;

static int make_hosts(void **state)
{
    return !github_host_init(&dotcom, "github.com", NULL, NULL, NULL) ||
           !github_host_init(&server, "ghe.corp", NULL, NULL, NULL);
}

static int clear_hosts(void **state)
{
    github_host_clear(&dotcom);
    github_host_clear(&server);
    return 0;
}

static struct mint_scope mint_of(const char *name, const char *permission, enum permission_level level)
{
    struct scope scope = {.host = &dotcom.git, .reach = SCOPE_REPOSITORY};
    struct mint_scope mint;

    assert_true(repository_name_parse(BYTES("acme"), bytes_of_string(name), &scope.repository));
    if (permission)
        assert_true(permissions_add(&scope.permissions, bytes_of_string(permission), level));
    mint_scope_init(&mint, &scope);
    return mint;
}

static void scopes_have_keys_of_their_own(void **state)
{
    struct mint_scope scopes[] = {
        mint_of("widgets", "contents", PERMISSION_READ),
        mint_of("widgets", "contents", PERMISSION_WRITE),
        mint_of("widgets", "issues", PERMISSION_READ),
        mint_of("gadgets", "contents", PERMISSION_READ),
        mint_of("widgets", NULL, PERMISSION_NONE),
        {0},
        {0},
        {0},
        {0},
        {0},
        {0},
        {0},
    };
    struct text keys[GL_ARRAY_SIZE(scopes)] = {0};
    struct token_repository set[] = {{.id = 12}, {.id = 3}}, other[] = {{.id = 1}, {.id = 23}};
    struct token_repository names[] = {{.name.name = "12"}, {.name.name = "3"}};

    mint_scope_init_metadata(&scopes[5], &dotcom.git, "acme");
    mint_scope_init_metadata(&scopes[6], &server.git, "acme");
    mint_scope_init_wide(&scopes[7], &dotcom.git, "acme");
    mint_scope_init_wide(&scopes[8], &dotcom.git, "");
    scopes[9] = scopes[10] = scopes[11] = scopes[0];
    scopes[9].reach = scopes[10].reach = scopes[11].reach = SCOPE_SET;
    mint_scope_set(&scopes[11], names, 2);
    mint_scope_set(&scopes[9], set, 2);
    mint_scope_set(&scopes[10], other, 2);
    for (size_t i = 0; i < GL_ARRAY_SIZE(scopes); i++) {
        mint_scope_key(&scopes[i], &keys[i]);
        assert_true(mint_scope_equal(&scopes[i], &scopes[i]));
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(text_string(&keys[i]), text_string(&keys[j]));
            assert_false(mint_scope_equal(&scopes[i], &scopes[j]));
            assert_false(mint_scope_equal(&scopes[j], &scopes[i]));
        }
    }
    for (size_t i = 0; i < GL_ARRAY_SIZE(scopes); i++) {
        mint_scope_clear(&scopes[i]);
        text_free(&keys[i]);
    }
}

static void the_order_of_a_set_does_not_matter(void **state)
{
    struct mint_scope a = mint_of("x", "contents", PERMISSION_READ), b = a;
    struct token_repository one[] = {{.id = 12}, {.id = 3}}, two[] = {{.id = 3}, {.id = 12}};
    struct text first = {0}, second = {0};

    a.reach = b.reach = SCOPE_SET;
    mint_scope_set(&a, one, 2);
    mint_scope_set(&b, two, 2);
    mint_scope_key(&a, &first);
    mint_scope_key(&b, &second);
    assert_string_equal(text_string(&first), text_string(&second));
    assert_true(mint_scope_equal(&a, &b));
    text_free(&first);
    text_clear(&second);
    mint_scope_label(&b, &second);
    assert_string_equal(text_string(&second), "acme (2 repositories) contents:read");
    text_free(&second);
    mint_scope_clear(&a);
    mint_scope_clear(&b);
}

static struct token_repository repository(uint64_t id, const char *owner, const char *name)
{
    struct token_repository made = {.id = id};

    assert_true(repository_name_parse(bytes_of_string(owner), bytes_of_string(name), &made.name));
    return made;
}

static enum reason compare(const struct mint_scope *mint, const char *granted, enum permission_level level,
                           const struct token_repository *repositories, size_t count, struct verdict *verdict)
{
    struct permissions permissions = {0};

    *verdict = (struct verdict){0};
    assert_true(permissions_add(&permissions, BYTES("metadata"), PERMISSION_READ));
    if (granted)
        assert_true(permissions_add(&permissions, bytes_of_string(granted), level));
    bool within = mint_scope_compare(mint, &permissions, repositories, count, verdict);
    assert_int_equal(within, verdict->reason == REASON_NONE);
    return verdict->reason;
}

static void what_is_granted_is_compared(void **state)
{
    struct mint_scope mint = mint_of("widgets", "contents", PERMISSION_READ);
    struct token_repository own = repository(1, "acme", "widgets"), two[2] = {own, repository(2, "acme", "gadgets")};
    struct verdict verdict;

    assert_int_equal(compare(&mint, "contents", PERMISSION_READ, &own, 1, &verdict), REASON_NONE);
    assert_int_equal(compare(&mint, NULL, PERMISSION_NONE, &own, 1, &verdict), REASON_NONE);
    assert_int_equal(compare(&mint, "contents", PERMISSION_WRITE, &own, 1, &verdict), REASON_SCOPE);
    assert_int_equal(compare(&mint, "issues", PERMISSION_READ, &own, 1, &verdict), REASON_SCOPE);
    assert_int_equal(compare(&mint, "contents", PERMISSION_READ, two, 2, &verdict), REASON_SCOPE);
    assert_int_equal(compare(&mint, "contents", PERMISSION_READ, NULL, 0, &verdict), REASON_SCOPE);
}

static void another_name_is_a_new_name(void **state)
{
    struct mint_scope mint = mint_of("widgets", "contents", PERMISSION_READ);
    struct token_repository moved = repository(1, "globex", "widgets");
    struct verdict verdict;

    assert_int_equal(compare(&mint, NULL, PERMISSION_NONE, &moved, 1, &verdict), REASON_RENAMED);
    assert_string_equal(verdict.location, "globex/widgets");
    assert_string_equal(verdict.sentence, "acme/widgets is now globex/widgets");
}

static void a_set_is_compared_by_id(void **state)
{
    struct mint_scope mint = mint_of("x", "contents", PERMISSION_READ);
    struct token_repository asked[] = {repository(1, "acme", "a"), repository(2, "acme", "b")};
    struct token_repository other[] = {asked[0], repository(3, "acme", "c")};
    struct verdict verdict;

    mint.reach = SCOPE_SET;
    mint_scope_set(&mint, asked, 2);
    assert_int_equal(compare(&mint, NULL, PERMISSION_NONE, asked, 2, &verdict), REASON_NONE);
    assert_int_equal(compare(&mint, NULL, PERMISSION_NONE, asked, 1, &verdict), REASON_NONE);
    assert_int_equal(compare(&mint, NULL, PERMISSION_NONE, other, 2, &verdict), REASON_SCOPE);
    mint_scope_clear(&mint);
}

static void a_set_of_names_is_compared_by_name(void **state)
{
    struct mint_scope mint = mint_of("x", "contents", PERMISSION_READ);
    struct token_repository asked[] = {repository(0, "acme", "b"), repository(0, "acme", "a")};
    struct token_repository granted[] = {repository(7, "acme", "a"), repository(8, "acme", "b")};
    struct token_repository other[] = {repository(7, "acme", "c")}, foreign[] = {repository(7, "globex", "a")};
    struct verdict verdict;

    mint.reach = SCOPE_SET;
    mint_scope_set(&mint, asked, 2);
    assert_int_equal(compare(&mint, NULL, PERMISSION_NONE, granted, 2, &verdict), REASON_NONE);
    assert_int_equal(compare(&mint, NULL, PERMISSION_NONE, other, 1, &verdict), REASON_SCOPE);
    assert_int_equal(compare(&mint, NULL, PERMISSION_NONE, foreign, 1, &verdict), REASON_SCOPE);
    mint_scope_clear(&mint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scopes_have_keys_of_their_own), cmocka_unit_test(the_order_of_a_set_does_not_matter),
        cmocka_unit_test(what_is_granted_is_compared),   cmocka_unit_test(another_name_is_a_new_name),
        cmocka_unit_test(a_set_is_compared_by_id),       cmocka_unit_test(a_set_of_names_is_compared_by_name),
    };

    return cmocka_run_group_tests_name("mint_scope", tests, make_hosts, clear_hosts);
}
