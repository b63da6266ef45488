#include "operation.h"

#include "cmocka_unit.h"

// A kind whose row was forgotten has no label but the first and no authorization.
static void every_kind_has_a_row(void **state)
{
    for (int kind = 0; kind < OPERATION_KIND_COUNT; kind++) {
        const struct operation_traits *traits = operation_traits(kind);

        assert_int_equal(traits->authorization == AUTHORIZATION_NONE, kind == OPERATION_PAGE);
        assert_int_equal(traits->access == ACCESS_NONE, kind == OPERATION_PAGE);
    }
    assert_int_equal(operation_traits(OPERATION_UNKNOWN)->authorization, AUTHORIZATION_NONE);
    assert_string_equal(operation_label_name(operation_label(OPERATION_UNKNOWN)), "other");
}

// git and Git LFS work with `contents` and Basic, and are all that the gateway serves.
static void the_gateway_serves_git_and_lfs(void **state)
{
    for (int kind = 0; kind < OPERATION_KIND_COUNT; kind++) {
        const struct operation_traits *traits = operation_traits(kind);
        bool git_or_lfs = traits->label == LABEL_FETCH || traits->label == LABEL_PUSH || traits->label == LABEL_LFS;

        assert_int_equal(traits->gateway, git_or_lfs);
        assert_int_equal(traits->authorization == AUTHORIZATION_BASIC, git_or_lfs);
        assert_int_equal(traits->contents != PERMISSION_NONE, git_or_lfs);
        assert_int_equal(traits->git, traits->label == LABEL_FETCH || traits->label == LABEL_PUSH);
    }
}

// What changes a repository is never sent twice, asks for a token that may write, and is read before it is sent on.
static void writes_are_guarded(void **state)
{
    for (int kind = 0; kind < OPERATION_KIND_COUNT; kind++) {
        const struct operation_traits *traits = operation_traits(kind);

        assert_int_equal(traits->writes, traits->contents == PERMISSION_WRITE);
        if (traits->writes && !traits->advertisement) {
            assert_false(traits->repeatable);
            assert_int_equal(traits->gate == GATE_NONE, kind == OPERATION_LFS_UPLOAD); // an object names no ref
        }
    }
}

// A refusal in git's own words comes after the body: git reads no answer while it sends.
static void answers_in_words_of_git_wait_for_the_body(void **state)
{
    for (int kind = 0; kind < OPERATION_KIND_COUNT; kind++) {
        const struct operation_traits *traits = operation_traits(kind);

        assert_int_equal(traits->drained, traits->form == FORM_UPLOAD_PACK || traits->form == FORM_RECEIVE_PACK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_a_row),
        cmocka_unit_test(the_gateway_serves_git_and_lfs),
        cmocka_unit_test(writes_are_guarded),
        cmocka_unit_test(answers_in_words_of_git_wait_for_the_body),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
