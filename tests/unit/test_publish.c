#include "publish.h"

#include <signal.h>
#include <sys/wait.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "authority.h"
#include "secret.h"

#include "certs_unit.h"

static const char *const published[] = {"ca.pem", "bundle.pem", "truststore.p12", "wgetrc", "env", "gitconfig"};
#define PROXY_URL "http://127.0.0.1:3128"

// A folder with `roots.pem`, which holds one certificate, and the place to publish to.
struct fixture {
    char *directory;
    char *to;
    char *roots_path;
    char *root; // PEM of the certificate in roots.pem
    struct authority *authority;
    const char *root_names[1];
    struct name_list roots;
};

static int set_up(void **state)
{
    struct fixture *fixture = mem_alloc_zero(1, sizeof(*fixture));
    struct authority *root = certs_unit_authority();
    struct error error;

    fixture->directory = certs_unit_directory();
    fixture->to = mem_format("%s/public", fixture->directory);
    fixture->roots_path = mem_format("%s/roots.pem", fixture->directory);
    fixture->root = mem_bytes_string(authority_pem(root));
    fixture->authority = authority_new(&certs_unit_hosts, CERTS_UNIT_NOW, &error);
    fixture->root_names[0] = fixture->roots_path;
    fixture->roots = (struct name_list){fixture->root_names, 1};
    certs_unit_write(fixture->directory, "roots.pem", fixture->root);
    authority_free(root);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    authority_free(fixture->authority);
    certs_unit_remove(fixture->directory);
    mem_free(fixture->to);
    mem_free(fixture->roots_path);
    mem_free(fixture->root);
    mem_free(fixture);
    return 0;
}

static bool write_to(const struct fixture *fixture, const char *to, struct error *ret_error)
{
    static const char *const names[] = {"github.com"};
    const struct name_list web_hosts = {names, 1};
    struct publish *publish = publish_new(to, false, &web_hosts, &fixture->roots, ret_error);
    bool done = publish && publish_write(publish, authority_pem(fixture->authority), PROXY_URL, ret_error);

    publish_free(publish);
    return done;
}

static void publish_all(const struct fixture *fixture)
{
    struct error error = {{0}};

    write_to(fixture, fixture->to, &error);
    assert_string_equal(error.text, "");
}

static void the_files_are_there_for_all_to_read(void **state)
{
    struct fixture *fixture = *state;
    mode_t before = umask(077);

    publish_all(fixture);
    umask(before);
    assert_int_equal(certs_unit_mode(fixture->to, ""), 0755);
    for (size_t i = 0; i < GL_ARRAY_SIZE(published); i++)
        assert_int_equal(certs_unit_mode(fixture->to, published[i]), 0644);
}

static void bundle_is_the_roots_and_our_ca(void **state)
{
    struct fixture *fixture = *state;
    char *expected = mem_format("%s%s", fixture->root, authority_pem(fixture->authority).data);
    char *bundle;
    char *ca;

    publish_all(fixture);
    bundle = certs_unit_read(fixture->to, "bundle.pem", NULL);
    ca = certs_unit_read(fixture->to, "ca.pem", NULL);
    assert_string_equal(bundle, expected);
    assert_string_equal(ca, authority_pem(fixture->authority).data);
    mem_free(bundle);
    mem_free(ca);
    mem_free(expected);
}

static void env_and_gitconfig_name_the_files(void **state)
{
    struct fixture *fixture = *state;
    char *env;
    char *gitconfig;
    char *export = mem_format("export GIT_SSL_CAINFO='%s/bundle.pem'\n", fixture->to);
    char *info = mem_format("\tproxy = \"" PROXY_URL "\"\n\tsslCAInfo = \"%s/ca.pem\"\n", fixture->to);

    publish_all(fixture);
    env = certs_unit_read(fixture->to, "env", NULL);
    gitconfig = certs_unit_read(fixture->to, "gitconfig", NULL);
    assert_non_null(strstr(env, export));
    assert_non_null(strstr(gitconfig, info));
    mem_free(env);
    mem_free(gitconfig);
    mem_free(export);
    mem_free(info);
}

static void assert_nowhere(const char *directory, struct bytes needle)
{
    for (size_t i = 0; i < GL_ARRAY_SIZE(published); i++) {
        size_t size = 0;
        char *content = certs_unit_read(directory, published[i], &size);

        assert_non_null(content);
        assert_null(memmem(content, size, needle.data, needle.size));
        mem_free(content);
    }
}

// A roots file may hold a key too, as a load balancer's does.
static void no_key_is_published(void **state)
{
    struct fixture *fixture = *state;
    struct secret *key = authority_key_pem(fixture->authority);
    struct bytes pem = secret_bytes(key);
    char *mixed = mem_format("# comment\n%.*s%s", (int)pem.size, pem.data, fixture->root);
    char *bundle;

    certs_unit_write(fixture->directory, "roots.pem", mixed);
    publish_all(fixture);
    assert_nowhere(fixture->to, BYTES("PRIVATE"));
    assert_nowhere(fixture->to, bytes_of(pem.data + sizeof("-----BEGIN PRIVATE KEY-----\n"), 48));
    bundle = certs_unit_read(fixture->to, "bundle.pem", NULL);
    assert_non_null(strstr(bundle, fixture->root));
    mem_free(bundle);
    mem_free(mixed);
    secret_unref(key);
}

static void roots_that_cannot_be_used_are_named(void **state)
{
    struct fixture *fixture = *state;
    struct error error;

    certs_unit_write(fixture->directory, "roots.pem", "no certificate\n");
    assert_false(write_to(fixture, fixture->to, &error));
    assert_non_null(strstr(error.text, "roots.pem: holds no certificate"));
    fixture->root[strlen(fixture->root) / 2] = '\0';
    certs_unit_write(fixture->directory, "roots.pem", fixture->root);
    assert_false(write_to(fixture, fixture->to, &error));
    assert_non_null(strstr(error.text, "roots.pem: is no PEM, or damaged"));
    unlink(fixture->roots_path);
    assert_false(write_to(fixture, fixture->to, &error));
    assert_non_null(strstr(error.text, "roots.pem: No such file or directory: install"));
}

static void a_failure_leaves_the_old_files(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    char *before;
    char *after;

    publish_all(fixture);
    before = certs_unit_read(fixture->to, "ca.pem", NULL);
    authority_free(fixture->authority);
    fixture->authority = certs_unit_authority();
    unlink(fixture->roots_path);
    assert_false(write_to(fixture, fixture->to, &error));
    after = certs_unit_read(fixture->to, "ca.pem", NULL);
    assert_string_equal(before, after);
    mem_free(before);
    mem_free(after);
}

// Whether DIRECTORY/gitlatch, and not DIRECTORY, was published to, the modes of both being as told.
static void assert_below(struct fixture *fixture, mode_t mode, bool below)
{
    char *inner = mem_format("%s/gitlatch", fixture->to);
    char *found;

    mkdir(fixture->to, 0700);
    assert_int_equal(chmod(fixture->to, mode), 0);
    found = publish_directory_of(fixture->to);
    assert_string_equal(found, below ? inner : fixture->to);
    mem_free(found);
    publish_all(fixture);
    assert_int_equal(certs_unit_mode(fixture->to, ""), mode);
    assert_int_equal(certs_unit_mode(below ? inner : fixture->to, "ca.pem"), 0644);
    if (below)
        assert_int_equal(certs_unit_mode(inner, ""), 0755);
    found = publish_directory_of(fixture->to);
    assert_string_equal(found, below ? inner : fixture->to);
    mem_free(found);
    mem_free(inner);
}

static void a_directory_of_ours_is_used_as_it_is(void **state)
{
    assert_below(*state, 0700, false);
}

static void beside_others_it_uses_its_own_subdirectory(void **state)
{
    assert_below(*state, 01777, true);
    assert_below(*state, 02775, true);
}

static void another_users_directory_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    char *inner = mem_format("%s/gitlatch", fixture->to);
    struct error error;

    if (geteuid() != 0)
        skip(); // only root can make one
    mkdir(fixture->to, 0755);
    assert_int_equal(chown(fixture->to, 65532, 65532), 0);
    assert_below(fixture, 0755, true);
    // A subdirectory that somebody else has put there first is an error.
    assert_int_equal(chown(inner, 65532, 65532), 0);
    assert_false(write_to(fixture, fixture->to, &error));
    assert_non_null(strstr(error.text, "/public/gitlatch: belongs to another user"));
    mem_free(inner);
}

static void a_link_in_a_shared_directory_is_not_followed(void **state)
{
    struct fixture *fixture = *state;
    char *link = mem_format("%s/gitlatch", fixture->to);
    struct error error;

    mkdir(fixture->to, 0700);
    assert_int_equal(chmod(fixture->to, 01777), 0);
    assert_int_equal(symlink(fixture->directory, link), 0);
    assert_false(write_to(fixture, fixture->to, &error));
    mem_free(link);
}

static void a_link_at_the_last_name_is_not_followed(void **state)
{
    struct fixture *fixture = *state;
    char *elsewhere = mem_format("%s/elsewhere", fixture->directory);
    char *to = mem_format("%s/", fixture->to);
    struct error error;

    assert_int_equal(mkdir(elsewhere, 0700), 0);
    assert_int_equal(symlink(elsewhere, fixture->to), 0);
    assert_false(write_to(fixture, fixture->to, &error));
    assert_non_null(strstr(error.text, "is a symbolic link"));
    assert_false(write_to(fixture, to, &error));
    assert_int_equal(rmdir(elsewhere), 0); // nothing was written there
    mem_free(elsewhere);
    mem_free(to);
}

static void a_relative_name_becomes_absolute(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    char *here = getcwd(NULL, 0);
    struct publish *publish;

    assert_int_equal(chdir(fixture->directory), 0);
    publish = publish_new("public/", false, &fixture->roots, &fixture->roots, &error);
    assert_int_equal(chdir(here), 0);
    assert_string_equal(publish_directory(publish), fixture->to);
    publish_free(publish);
    free(here);
}

static void leftovers_of_killed_processes_are_swept(void **state)
{
    struct fixture *fixture = *state;
    char *old = mem_format("%s/.gitlatch-0123456789abcdef", fixture->to);
    char *young = mem_format("%s/.gitlatch-fedcba9876543210", fixture->to);
    const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};

    publish_all(fixture);
    certs_unit_write(fixture->to, ".gitlatch-0123456789abcdef", "x");
    certs_unit_write(fixture->to, ".gitlatch-fedcba9876543210", "x");
    assert_int_equal(utimensat(AT_FDCWD, old, times, 0), 0);
    publish_all(fixture);
    assert_int_not_equal(access(old, F_OK), 0);
    assert_int_equal(access(young, F_OK), 0); // another process may be writing it
    mem_free(old);
    mem_free(young);
}

static void who_has_a_file_open_reads_it_to_its_end(void **state)
{
    struct fixture *fixture = *state;
    char *path = mem_format("%s/bundle.pem", fixture->to);
    struct bytes pem = authority_pem(fixture->authority);
    char content[8192];
    int descriptor;
    ssize_t size;

    publish_all(fixture);
    descriptor = open(path, O_RDONLY | O_CLOEXEC);
    certs_unit_write(fixture->directory, "roots.pem", pem.data);
    publish_all(fixture);
    size = read(descriptor, content, sizeof(content));
    assert_int_equal(size, strlen(fixture->root) + pem.size);
    assert_memory_equal(content, fixture->root, strlen(fixture->root));
    close(descriptor);
    mem_free(path);
}

static void publish_for_ever(struct fixture *fixture)
{
    for (;;) {
        authority_free(fixture->authority);
        fixture->authority = certs_unit_authority();
        publish_all(fixture);
    }
}

// The certificates of the store, which is opened without a password; each is one that Java trusts.
static STACK_OF(PKCS12_SAFEBAG) *read_store(const char *directory)
{
    size_t size = 0;
    char *content = certs_unit_read(directory, "truststore.p12", &size);
    const unsigned char *der = (const unsigned char *)content;
    PKCS12 *store = d2i_PKCS12(NULL, &der, (long)size);
    STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(store);
    STACK_OF(PKCS12_SAFEBAG) *bags = PKCS12_unpack_p7data(sk_PKCS7_value(safes, 0));

    assert_int_equal(sk_PKCS7_num(safes), 1);
    sk_PKCS7_pop_free(safes, PKCS7_free);
    PKCS12_free(store);
    mem_free(content);
    return bags;
}

static void the_store_of_java_holds_what_the_bundle_holds(void **state)
{
    struct fixture *fixture = *state;
    const char *const pems[] = {fixture->root, authority_pem(fixture->authority).data};
    STACK_OF(PKCS12_SAFEBAG) *bags;

    publish_all(fixture);
    bags = read_store(fixture->to);
    assert_int_equal(sk_PKCS12_SAFEBAG_num(bags), GL_ARRAY_SIZE(pems));
    for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); i++) {
        const PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_value(bags, i);
        BIO *in = BIO_new_mem_buf(pems[i], -1);
        X509 *expected = PEM_read_bio_X509(in, NULL, NULL, NULL), *found = PKCS12_SAFEBAG_get1_cert(bag);

        assert_int_equal(X509_cmp(expected, found), 0);
        assert_int_equal(sk_X509_ATTRIBUTE_num(PKCS12_SAFEBAG_get0_attrs(bag)), 2);
        X509_free(expected);
        X509_free(found);
        BIO_free(in);
    }
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
}

static void rules_are_written_alone(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    struct publish *publish = publish_new(fixture->to, false, &fixture->roots, &fixture->roots, &error);
    char *found;

    assert_true(publish_write_rules(publish, BYTES("{}\n"), &error));
    assert_true(publish_write_rules(publish, BYTES("{\"a\":1}\n"), &error));
    found = certs_unit_read(fixture->to, "rules.json", NULL);
    assert_string_equal(found, "{\"a\":1}\n");
    assert_int_equal(certs_unit_mode(fixture->to, "rules.json"), 0644);
    mem_free(found);
    publish_free(publish);
}

static void wgetrc_names_the_roots(void **state)
{
    struct fixture *fixture = *state;
    char *expected = mem_format("ca_certificate = %s/bundle.pem\n", fixture->to);
    char *found;

    publish_all(fixture);
    found = certs_unit_read(fixture->to, "wgetrc", NULL);
    assert_string_equal(found, expected);
    mem_free(found);
    mem_free(expected);
}

// Each has a CA of its own: what one publishes, the workspaces of the other cannot use.
static void a_second_publisher_is_refused_unless_both_share(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    struct publish *first = publish_new(fixture->to, false, &fixture->roots, &fixture->roots, &error), *second;

    assert_non_null(first);
    assert_null(publish_new(fixture->to, false, &fixture->roots, &fixture->roots, &error));
    assert_non_null(strstr(error.text, "ca.publish: "));
    assert_non_null(strstr(error.text, "/public: another gitlatch publishes here; "));
    assert_null(publish_new(fixture->to, true, &fixture->roots, &fixture->roots, &error));
    publish_free(first);
    first = publish_new(fixture->to, true, &fixture->roots, &fixture->roots, &error);
    second = publish_new(fixture->to, true, &fixture->roots, &fixture->roots, &error);
    assert_non_null(first);
    assert_non_null(second);
    publish_free(first);
    publish_free(second);
}

// Every certificate of the file can be read to its last byte.
static int whole_certificates(const char *directory, const char *name)
{
    char *content = certs_unit_read(directory, name, NULL);
    BIO *in = BIO_new_mem_buf(content, -1);
    int count = 0;

    for (X509 *certificate = PEM_read_bio_X509(in, NULL, NULL, NULL); certificate;
         certificate = PEM_read_bio_X509(in, NULL, NULL, NULL)) {
        X509_free(certificate);
        count++;
    }
    BIO_free(in);
    mem_free(content);
    return count;
}

#define ROUNDS 30

static void readers_see_whole_files_whenever_the_writer_is_killed(void **state)
{
    struct fixture *fixture = *state;

    publish_all(fixture);
    for (useconds_t i = 0; i < ROUNDS; i++) {
        pid_t child = fork();

        if (child == 0)
            publish_for_ever(fixture);
        for (int reads = 0; reads < 10; reads++) {
            assert_int_equal(whole_certificates(fixture->to, "ca.pem"), 1);
            assert_int_equal(whole_certificates(fixture->to, "bundle.pem"), 2);
        }
        usleep(i * 97);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        assert_int_equal(whole_certificates(fixture->to, "ca.pem"), 1);
        assert_int_equal(whole_certificates(fixture->to, "bundle.pem"), 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_files_are_there_for_all_to_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bundle_is_the_roots_and_our_ca, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_store_of_java_holds_what_the_bundle_holds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rules_are_written_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wgetrc_names_the_roots, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_second_publisher_is_refused_unless_both_share, set_up, tear_down),
        cmocka_unit_test_setup_teardown(env_and_gitconfig_name_the_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_key_is_published, set_up, tear_down),
        cmocka_unit_test_setup_teardown(roots_that_cannot_be_used_are_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failure_leaves_the_old_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_directory_of_ours_is_used_as_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(beside_others_it_uses_its_own_subdirectory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_users_directory_is_left_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_link_in_a_shared_directory_is_not_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_link_at_the_last_name_is_not_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_relative_name_becomes_absolute, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leftovers_of_killed_processes_are_swept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_has_a_file_open_reads_it_to_its_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(readers_see_whole_files_whenever_the_writer_is_killed, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("publish", tests, NULL, NULL);
}
