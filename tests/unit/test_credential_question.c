#include "credential_question.h"

#include "cmocka_unit.h"

#define ASKED(path) "protocol=https\nhost=github.com\n" path

static void the_repository_is_told(void **state)
{
    static const char *const inputs[] = {
        ASKED("path=acme/widgets.git\n"),
        ASKED("path=acme/widgets"),
        ASKED("path=/Acme/Widgets.git\n\n"),
        ASKED("path=acme/widgets.wiki.git\n"),
        ASKED("path=acme/widgets.git/info/lfs\n"),
        "capability[]=authtype\nprotocol=https\nhost=GitHub.com:443\nusername=octocat\nno separator\npath=acme/widgets\n",
        "host=github.com\npath=other/first\nprotocol=https\npath=acme/widgets\n\nprotocol=http\n",
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(inputs); i++) {
        struct credential_question question;
        struct error error;

        if (!credential_question_parse(bytes_of_string(inputs[i]), &question, &error))
            fail_msg("%zu: %s", i, error.text);
        assert_string_equal(question.host.text, "github.com");
        assert_string_equal(question.repository.owner, "acme");
        assert_string_equal(question.repository.name, "widgets");
    }
}

static void what_names_none_is_refused(void **state)
{
    static const struct {
        const char *input, *said;
    } cases[] = {
        {ASKED("path=acme/widgets/../../globex/secret\n"), "names no repository"},
        {ASKED("path=acme/widgets.git/.\n"), "names no repository"},
        {"", "https alone"},
        {"protocol=http\nhost=github.com\npath=acme/widgets\n", "https alone, not for \"http\""},
        {"protocol=https\npath=acme/widgets\n", "the host is not one of GitHub's"},
        {"protocol=https\nhost=github.com:8443\npath=acme/widgets\n", "the host is not one of GitHub's"},
        {"protocol=https\nhost=git%68ub.com\npath=acme/widgets\n", "the host is not one of GitHub's"},
        {ASKED(""), "credential.https://github.com.useHttpPath true"},
        {ASKED("path=\n"), "useHttpPath"},
        {ASKED("path=acme\n"), "OWNER/NAME"},
        {ASKED("path=acme/\n"), "OWNER/NAME"},
        {ASKED("path=acme/..\n"), "OWNER/NAME"},
        {ASKED("path=acme/wid gets\n"), "OWNER/NAME"},
        {ASKED("path=acme/\"evil\n"), "OWNER/NAME"},
    };

    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        struct credential_question question;
        struct error error;

        assert_false(credential_question_parse(bytes_of_string(cases[i].input), &question, &error));
        if (!strstr(error.text, cases[i].said))
            fail_msg("%zu: %s", i, error.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_repository_is_told),
        cmocka_unit_test(what_names_none_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
