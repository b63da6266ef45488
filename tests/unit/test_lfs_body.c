#include "lfs_body.h"

#include "cmocka_unit.h"

struct lfs_case {
    const char *json;
    const char *expected; // "upload", "download REF"; NULL: refused
};

static void check(const struct lfs_case *cases, size_t count, bool batch)
{
    for (size_t i = 0; i < count; i++) {
        struct bytes json = bytes_of_string(cases[i].json);
        struct lfs_body body = {0};
        struct verdict verdict = {0};
        bool parsed = batch ? lfs_body_parse_batch(json, &body, &verdict) : lfs_body_parse_lock(json, &body, &verdict);
        char seen[256];

        snprintf(seen, sizeof(seen), "%s%s%s", batch ? (body.upload ? "upload" : "download") : "lock",
                 body.ref ? " " : "", body.ref ? body.ref : "");
        if (parsed != (cases[i].expected != NULL) || (parsed && strcmp(seen, cases[i].expected) != 0))
            fail_msg("%s: %s", cases[i].json, parsed ? seen : verdict.sentence);
        if (!parsed)
            assert_int_equal(verdict.reason, REASON_LFS_MALFORMED);
        lfs_body_clear(&body);
    }
}

static void a_batch_is_read_in_one_way(void **state)
{
    static const struct lfs_case cases[] = {
        // as git-lfs 3.3 writes it
        {"{\"operation\":\"download\",\"objects\":[{\"oid\":\"aa\",\"size\":1}],\"transfers\":[\"lfs-"
         "standalone-file\","
         "\"basic\",\"ssh\"],\"ref\":{\"name\":\"refs/heads/main\"},\"hash_algo\":\"sha256\"}",
         "download refs/heads/main"},
        {"{\"operation\":\"upload\",\"ref\":{\"name\":\"refs/heads/agent/a\"}}", "upload refs/heads/agent/a"},
        {"{\"operation\":\"upload\"}", "upload"},
        {"{\"operation\":\"upload\",\"ref\":null}", "upload"},
        {"{\"operation\":\"upload\",\"ref\":{}}", "upload"},
        {"{\"operation\":\"upload\",\"ref\":{\"name\":\"\"}}", "upload"},
        {"{\"operation\":\"upload\",\"ref\":{\"name\":null}}", "upload"},
        {"{\"oper\\u0061tion\":\"uplo\\u0061d\"}", "upload"},
        // two readers could differ
        {"{\"operation\":\"download\",\"operation\":\"upload\"}", NULL},
        {"{\"operation\":\"download\",\"Operation\":\"upload\"}", NULL},
        {"{\"operation\":\"upload\",\"ref\":{\"name\":\"refs/heads/a\",\"Name\":\"refs/heads/b\"}}", NULL},
        {"{\"operation\":\"upload\",\"ref\":{\"name\":\"refs/heads/a\"},\"REF\":{\"name\":\"refs/heads/b\"}}", NULL},
        {"{\"operation\":\"upload\",\"ref\":{\"name\":\"refs/heads/a\"},\"ref\":{\"name\":\"refs/heads/b\"}}", NULL},
        {"{\"operation\":\"download\",\"\xc5\xbf\":1}", NULL}, // a letter that folds to s
        {"{\"operation\":\"upload\",\"ref\":{\"name\":\"refs/heads/a\\u0000b\"}}", NULL},
        {"{\"operation\":\"download\"}{\"operation\":\"upload\"}", NULL},
        {"{\"operation\":\"download\"}x", NULL},
        {"{\"operation\":\"download\",}", NULL},
        {"{\"operation\":\"download\"/* */}", NULL},
        {"{'operation':'download'}", NULL},
        {"\xef\xbb\xbf{\"operation\":\"download\"}", NULL},
        {"{\"operation\":\"\xff\"}", NULL},
        // not a batch
        {"{\"operation\":\"Upload\"}", NULL},
        {"{\"operation\":\"upload \"}", NULL},
        {"{\"operation\":[\"upload\"]}", NULL},
        {"{\"operation\":1}", NULL},
        {"{\"operation\":null}", NULL},
        {"{\"objects\":[]}", NULL},
        {"{\"operation\":\"upload\",\"ref\":\"refs/heads/a\"}", NULL},
        {"{\"operation\":\"upload\",\"ref\":{\"name\":[\"refs/heads/a\"]}}", NULL},
        {"{\"operation\":\"upload\",\"ref\":[]}", NULL},
        {"[{\"operation\":\"upload\"}]", NULL},
        {"\"upload\"", NULL},
        {"{", NULL},
        {"", NULL},
    };

    check(cases, GL_ARRAY_SIZE(cases), true);
}

static void a_lock_is_read_in_one_way(void **state)
{
    static const struct lfs_case cases[] = {
        {"{\"path\":\"a.bin\",\"ref\":{\"name\":\"refs/heads/main\"}}", "lock refs/heads/main"},
        {"{\"force\":true}", "lock"},
        {"{\"operation\":\"anything\"}", "lock"},
        {"{}", "lock"},
        {"", "lock"},
        {"{\"ref\":{\"name\":\"a\"},\"Ref\":{\"name\":\"b\"}}", NULL},
        {"[]", NULL},
        {"null", NULL},
        {"ref=main", NULL},
    };

    check(cases, GL_ARRAY_SIZE(cases), false);
}

static void depth_and_size_are_no_matter(void **state)
{
    static char json[200000];
    struct lfs_body body = {0};
    struct verdict verdict;

    memset(json, '[', sizeof(json));
    assert_false(lfs_body_parse_batch(bytes_of(json, sizeof(json)), &body, &verdict));
    assert_int_equal(verdict.reason, REASON_LFS_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_is_read_in_one_way),
        cmocka_unit_test(a_lock_is_read_in_one_way),
        cmocka_unit_test(depth_and_size_are_no_matter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
