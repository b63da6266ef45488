#include "git_settings.h"

#include "certs_unit.h"

static const char *const github[] = {"github.com"};
static const char *const enterprise[] = {"git.corp.example", "github.com"};

// What git itself reads for a variable and a URL; "" where it is not set.
static char *git_reads(const char *settings, const char *variable, const char *url)
{
    char *directory = certs_unit_directory();
    char *command = mem_format("git config --file %s/gitconfig --get-urlmatch %s '%s'", directory, variable, url);
    char buffer[1024];
    FILE *out;
    size_t size;

    certs_unit_write(directory, "gitconfig", settings);
    out = popen(command, "re");
    size = fread(buffer, 1, sizeof(buffer), out);
    pclose(out);
    if (size > 0)
        size--; // the line end
    mem_free(command);
    certs_unit_remove(directory);
    return mem_bytes_string(bytes_of(buffer, size));
}

static void assert_git_reads(const char *settings, const char *variable, const char *url, const char *expected)
{
    char *value = git_reads(settings, variable, url);

    assert_string_equal(value, expected);
    mem_free(value);
}

static void git_gets_proxy_and_trust_for_the_hosts_alone(void **state)
{
    const struct name_list hosts = {enterprise, 2};
    char *settings = git_settings_text("http://127.0.0.1:3128", "/public/ca.pem", &hosts);

    for (size_t i = 0; i < hosts.count; i++) {
        char *url = mem_format("https://%s/acme/widgets.git", enterprise[i]);

        assert_git_reads(settings, "http.proxy", url, "http://127.0.0.1:3128");
        assert_git_reads(settings, "http.sslCAInfo", url, "/public/ca.pem");
        assert_git_reads(settings, "http.sslCAPath", url, "/dev/null");
        mem_free(url);
    }
    assert_git_reads(settings, "http.proxy", "https://gitlab.example/acme/widgets.git", "");
    assert_git_reads(settings, "http.proxy", "http://github.com/acme/widgets.git", "");
    mem_free(settings);
}

// They are tunnelled to, with their own certificates.
static void objects_of_github_go_the_same_way_without_our_trust(void **state)
{
    const struct name_list hosts = {github, 1};
    char *settings = git_settings_text("http://127.0.0.1:3128", "/public/ca.pem", &hosts);

    assert_git_reads(settings, "http.proxy", "https://github-cloud.s3.amazonaws.com/x", "http://127.0.0.1:3128");
    assert_git_reads(settings, "http.sslCAInfo", "https://github-cloud.s3.amazonaws.com/x", "");
    assert_git_reads(settings, "http.sslCAPath", "https://github-cloud.s3.amazonaws.com/x", "");
    mem_free(settings);
}

static void git_reads_every_value_as_it_is(void **state)
{
    const struct name_list hosts = {github, 1};
    static const char ca[] = "/a \"b\" c\\d #e ;f/ca.pem";
    char *settings = git_settings_text("http://gitlatch:a\"\\b@127.0.0.1:3128", ca, &hosts);

    assert_git_reads(settings, "http.sslCAInfo", "https://github.com/x", ca);
    assert_git_reads(settings, "http.proxy", "https://github.com/x", "http://gitlatch:a\"\\b@127.0.0.1:3128");
    mem_free(settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(git_gets_proxy_and_trust_for_the_hosts_alone),
        cmocka_unit_test(objects_of_github_go_the_same_way_without_our_trust),
        cmocka_unit_test(git_reads_every_value_as_it_is),
    };

    return cmocka_run_group_tests_name("git_settings", tests, NULL, NULL);
}
