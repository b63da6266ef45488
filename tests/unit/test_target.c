#include "target.h"

#include "cmocka_unit.h"

static void assert_bytes(struct bytes actual, const char *expected)
{
    if (!bytes_equal(actual, bytes_of_string(expected)))
        fail_msg("%.*s, expected %s", (int)actual.size, actual.data, expected);
}

static struct target parsed(enum head_method method, const char *text)
{
    struct target target;
    const char *bad = NULL;

    if (!target_parse(method, bytes_of_string(text), &target, &bad))
        fail_msg("%s: %s", text, bad);
    return target;
}

static void paths_pass_unchanged(void **state)
{
    static const char *const paths[] = {
        "/",
        "/a",
        "/acme/widgets.git/info/refs",
        "/acme/widgets/",
        "/repos/acme/widgets/git/ref/heads%2Ffeature",
        "/repos/acme/widgets/compare/v1...v2",
        "/a/.../b",
        "/a/..b/c..",
        "/a/.git/.b",
        "/a/%2e%2e%2e",
        "/a/%252e%252e/b",
        "/a/x%2F%2Fy",
        "/a/%2F",
        "/a%20b/%C3%A9%c3%a9",
        "/!\"$&'()*+,-./:;<=>@[]^_`{|}~",
        "/repos/a/b/contents/C:%3F",
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(paths); i++) {
        struct target target = parsed(METHOD_GET, paths[i]);

        assert_int_equal(target.form, TARGET_ORIGIN);
        assert_bytes(target.path, paths[i]);
        assert_false(target.has_query);
    }
}

static void ambiguous_paths_are_refused(void **state)
{
    static const struct bytes paths[] = {
        BYTES("//"),
        BYTES("//evil.example/a"),
        BYTES("/a//b"),
        BYTES("/a/b//"),
        BYTES("/."),
        BYTES("/.."),
        BYTES("/./a"),
        BYTES("/../a"),
        BYTES("/a/."),
        BYTES("/a/./b"),
        BYTES("/a/../b"),
        BYTES("/a/.."),
        BYTES("/a/../"),
        BYTES("/a/%2e/b"),
        BYTES("/a/%2E%2e/b"),
        BYTES("/a/.%2e/b"),
        BYTES("/a/%2e./b"),
        BYTES("/a/..%2fb"),
        BYTES("/a/b%2F..%2Fc"),
        BYTES("/a/b%2f.%2fc"),
        BYTES("/a/%2F%2E%2E"),
        BYTES("/a\\b"),
        BYTES("/a/..\\b"),
        BYTES("/a%5cb"),
        BYTES("/a%5C..%5Cb"),
        BYTES("/a%00"),
        BYTES("/a%00/b"),
        BYTES("/a%"),
        BYTES("/a%2"),
        BYTES("/a%2/b"),
        BYTES("/a%zz"),
        BYTES("/a%2g"),
        BYTES("/a%%41"),
        BYTES("/a%u0041"),
        BYTES("/%/2e"),
        BYTES("/a#b"),
        BYTES("/a?b#c"),
        BYTES("/a b"),
        BYTES("/a?b c"),
        BYTES("/a\0"),
        BYTES("/a?\0"),
        BYTES("/a\r\n"),
        BYTES("/a\x7f"),
        BYTES("/a?\x80"),
    };
    struct target target;
    const char *bad;

    for (size_t i = 0; i < GL_ARRAY_SIZE(paths); i++) {
        bad = NULL;
        if (target_parse(METHOD_GET, paths[i], &target, &bad))
            fail_msg("%.*s: accepted", (int)paths[i].size, paths[i].data);
        assert_non_null(bad);
        assert_false(target_parse(METHOD_POST, paths[i], &target, NULL));
    }
}

static void the_query_is_set_apart(void **state)
{
    static const struct {
        const char *text, *path, *query;
        bool has_query;
    } cases[] = {
        {"/a?service=git-upload-pack", "/a", "service=git-upload-pack", true},
        {"/a?", "/a", "", true},
        {"/?b?c", "/", "b?c", true},
        {"/a?../..//\\%", "/a", "../..//\\%", true},
        {"/a", "/a", "", false},
        {"https://github.com?b", "/", "b", true},
        {"https://github.com?", "/", "", true},
        {"https://github.com/a?b/c", "/a", "b/c", true},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct target target = parsed(METHOD_GET, cases[i].text);

        assert_bytes(target.path, cases[i].path);
        assert_bytes(target.query, cases[i].query);
        assert_int_equal(target.has_query, cases[i].has_query);
    }
}

static void absolute_targets_are_taken_apart(void **state)
{
    static const struct {
        const char *text;
        bool https;
        const char *host;
        uint16_t port;
        const char *path;
    } cases[] = {
        {"https://github.com/acme/widgets", true, "github.com", 443, "/acme/widgets"},
        {"HTTPS://GitHub.COM./a", true, "github.com", 443, "/a"},
        {"https://github.com", true, "github.com", 443, "/"},
        {"https://github.com/", true, "github.com", 443, "/"},
        {"http://example.com/a", false, "example.com", 80, "/a"},
        {"http://[::1]:8080/a", false, "::1", 8080, "/a"},
        {"https://github.com:8443/a", true, "github.com", 8443, "/a"},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct target target = parsed(METHOD_GET, cases[i].text);

        assert_int_equal(target.form, TARGET_ABSOLUTE);
        assert_int_equal(target.https, cases[i].https);
        assert_string_equal(target.host.text, cases[i].host);
        assert_int_equal(target.port, cases[i].port);
        assert_bytes(target.path, cases[i].path);
    }
}

static void other_forms_are_told(void **state)
{
    struct target target = parsed(METHOD_CONNECT, "GitHub.com:443");

    assert_int_equal(target.form, TARGET_AUTHORITY);
    assert_string_equal(target.host.text, "github.com");
    assert_int_equal(target.port, 443);
    target = parsed(METHOD_CONNECT, "[2001:db8::1]:8443");
    assert_string_equal(target.host.text, "2001:db8::1");
    assert_int_equal(target.host.kind, HOST_IPV6);
    assert_int_equal(parsed(METHOD_OPTIONS, "*").form, TARGET_ASTERISK);
    assert_int_equal(parsed(METHOD_OPTIONS, "/a").form, TARGET_ORIGIN);
}

static void other_targets_are_refused(void **state)
{
    static const struct {
        enum head_method method;
        const char *text;
    } cases[] = {
        {METHOD_GET, ""},
        {METHOD_GET, "*"},
        {METHOD_GET, "a"},
        {METHOD_GET, "github.com:443"},
        {METHOD_GET, "?a"},
        {METHOD_GET, "ftp://example.com/"},
        {METHOD_GET, "https:/github.com/"},
        {METHOD_GET, "https:github.com/"},
        {METHOD_GET, "https:///a"},
        {METHOD_GET, "https://"},
        {METHOD_GET, "https://?a"},
        {METHOD_GET, "https://user@github.com/"},
        {METHOD_GET, "https://user:password@github.com/"},
        {METHOD_GET, "https://@github.com/"},
        {METHOD_GET, "https://github.com@evil.example/"},
        {METHOD_GET, "https://github.com:/"},
        {METHOD_GET, "https://github.com:x/"},
        {METHOD_GET, "https://github.com:443:443/"},
        {METHOD_GET, "https://git%68ub.com/"},
        {METHOD_GET, "https://127.1/"},
        {METHOD_GET, "https://github.com//a"},
        {METHOD_GET, "https://github.com/../a"},
        {METHOD_GET, "https://github.com\\a"},
        {METHOD_GET, "https://github.com#a"},
        {METHOD_CONNECT, "github.com"},
        {METHOD_CONNECT, "/"},
        {METHOD_CONNECT, "*"},
        {METHOD_CONNECT, "https://github.com:443"},
        {METHOD_CONNECT, "github.com:443/"},
        {METHOD_CONNECT, "user@github.com:443"},
        {METHOD_CONNECT, "github.com:443#"},
        {METHOD_CONNECT, "0x7f.1:443"},
        {METHOD_OPTIONS, "**"},
    };
    struct target target;

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        if (target_parse(cases[i].method, bytes_of_string(cases[i].text), &target, NULL))
            fail_msg("%s: accepted", cases[i].text);
    }
}

static void segments_are_iterated(void **state)
{
    static const struct {
        const char *path;
        const char *segments[4];
    } cases[] = {
        {"/acme/widgets.git/info", {"acme", "widgets.git", "info"}},
        {"/a/", {"a", ""}},
        {"/", {""}},
        {"", {NULL}},
        {"/a%2Fb", {"a%2Fb"}},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct bytes path = bytes_of_string(cases[i].path);
        struct bytes segment;
        size_t count = 0;

        while (target_next_segment(&path, &segment)) {
            assert_true(count < 4 && cases[i].segments[count]);
            assert_bytes(segment, cases[i].segments[count++]);
        }
        assert_null(cases[i].segments[count]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_pass_unchanged),   cmocka_unit_test(ambiguous_paths_are_refused),
        cmocka_unit_test(the_query_is_set_apart), cmocka_unit_test(absolute_targets_are_taken_apart),
        cmocka_unit_test(other_forms_are_told),   cmocka_unit_test(other_targets_are_refused),
        cmocka_unit_test(segments_are_iterated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
