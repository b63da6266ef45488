#include "publish.h"

#include <errno.h>
#include <sys/file.h>
#include <unistd.h>

#include "environment.h"
#include "git_settings.h"
#include "git_sign.h"
#include "mem.h"
#include "own_directory.h"
#include "root_bundle.h"
#include "staged_file.h"
#include "text.h"
#include "trust_store.h"

#define DIRECTORY_MODE 0755
#define FILE_MODE      0644
#define PROGRAM_MODE   0755

struct publish {
    char *path;
    int directory;
    struct name_list web_hosts;
    struct name_list roots;
    char *signing_key; // NULL: commits are not signed
    struct remote_host *remote_hosts;
    size_t remote_host_count;
};

// Held as long as the directory is open, by this process alone: two CAs in one directory would break every workspace of
// both. Processes that share a port share the CA, too.
static bool lock_directory(int descriptor, const char *path, bool shared, struct error *ret_error)
{
    if (flock(descriptor, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0)
        return true;
    if (errno != EWOULDBLOCK) // some network file systems have no locks
        return true;
    return error_set(
        ret_error, "%s: another gitlatch publishes here; end that one, or name a directory of its own for each", path);
}

struct publish *publish_new(const char *directory, bool shared, const struct name_list *web_hosts,
                            const struct name_list *roots, struct error *ret_error)
{
    struct publish *publish;
    char *path;
    int descriptor;

    if (!own_directory_open(directory, DIRECTORY_MODE, &path, &descriptor, ret_error)) {
        error_prefix(ret_error, "ca.publish");
        return NULL;
    }
    if (!lock_directory(descriptor, path, shared, ret_error)) {
        error_prefix(ret_error, "ca.publish");
        close(descriptor);
        mem_free(path);
        return NULL;
    }
    publish = mem_alloc(sizeof(*publish));
    *publish = (struct publish){path, descriptor, name_list_copy(web_hosts), name_list_copy(roots), NULL, NULL, 0};
    staged_file_sweep(descriptor);
    return publish;
}

void publish_free(struct publish *publish)
{
    if (!publish)
        return;
    close(publish->directory);
    name_list_clear(&publish->web_hosts);
    name_list_clear(&publish->roots);
    mem_free(publish->signing_key);
    remote_hosts_free(publish->remote_hosts, publish->remote_host_count);
    mem_free(publish->path);
    mem_free(publish);
}

static bool make_bundle(const struct publish *publish, struct bytes ca_pem, struct text *bundle,
                        struct error *ret_error)
{
    for (size_t i = 0; i < publish->roots.count; i++) {
        if (!root_bundle_append(bundle, publish->roots.names[i], ret_error))
            return false;
    }
    text_append_bytes(bundle, ca_pem);
    return true;
}

static char *make_environment(const struct publish *publish, const char *proxy_url)
{
    const struct environment_settings settings = {
        .proxy_url = proxy_url,
        .directory = publish->path,
        .gh_token = ENVIRONMENT_GH_TOKEN,
        .signs = publish->signing_key != NULL,
    };
    struct environment *environment = environment_new(&settings);
    char *text = environment_text(environment, ENVIRONMENT_SH);

    environment_free(environment);
    return text;
}

static char *make_gitconfig(const struct publish *publish, const char *proxy_url)
{
    char *ca = mem_format("%s/ca.pem", publish->path);
    char *text = git_settings_text(proxy_url, ca, &publish->web_hosts);

    struct text all = {0};
    char *copy;

    text_append(&all, text);
    for (size_t i = 0; i < publish->remote_host_count; i++)
        git_settings_append_remote_host(&all, &publish->remote_hosts[i], proxy_url, ca);
    if (publish->signing_key) {
        char *signing = git_settings_signing_text(publish->path, publish->signing_key);

        text_append(&all, signing);
        mem_free(signing);
    }
    copy = mem_string(text_string(&all));
    text_free(&all);
    mem_free(text);
    mem_free(ca);
    return copy;
}

// wget knows no variable for roots, but one that names this file (WGETRC). The proxy is left to its variable, over which
// a line here would win.
static char *make_wgetrc(const struct publish *publish)
{
    return mem_format("ca_certificate = %s/bundle.pem\n", publish->path);
}

struct content {
    const char *name;
    struct bytes bytes;
    mode_t mode;
};

// All are written before the first takes its place; those without content are not there.
static bool write_files(int directory, const struct content *contents, size_t count, struct error *ret_error)
{
    struct staged_file *files = mem_alloc_zero(count, sizeof(*files));
    bool done = true;

    for (size_t i = 0; i < count && done; i++)
        done = !contents[i].bytes.data || staged_file_write(&files[i], directory, contents[i].name, contents[i].mode,
                                                            STAGED_FILE_DERIVED, contents[i].bytes, ret_error);
    for (size_t i = 0; i < count && done; i++)
        done = !contents[i].bytes.data || staged_file_commit(&files[i], ret_error);
    for (size_t i = 0; i < count; i++)
        staged_file_discard(&files[i]);
    mem_free(files);
    return done;
}

bool publish_write(struct publish *publish, struct bytes ca_pem, const char *proxy_url, struct error *ret_error)
{
    struct text bundle = {0}, store = {0};
    char *wgetrc = make_wgetrc(publish);
    char *environment = make_environment(publish, proxy_url);
    char *gitconfig = make_gitconfig(publish, proxy_url);
    char *signers = publish->signing_key ? git_sign_allowed_signers_text(publish->signing_key) : NULL;
    char *program = publish->signing_key ? git_sign_program_text(publish->path) : NULL;
    bool done =
        make_bundle(publish, ca_pem, &bundle, ret_error) && trust_store_append(&store, text_bytes(&bundle), ret_error);

    if (done) {
        const struct content contents[] = {
            {"bundle.pem", text_bytes(&bundle), FILE_MODE},
            {"ca.pem", ca_pem, FILE_MODE},
            {"truststore.p12", text_bytes(&store), FILE_MODE},
            {"wgetrc", bytes_of_string(wgetrc), FILE_MODE},
            {GIT_SIGN_ALLOWED_SIGNERS, bytes_of_string(signers), FILE_MODE},
            {GIT_SIGN_PROGRAM, bytes_of_string(program), PROGRAM_MODE},
            {"gitconfig", bytes_of_string(gitconfig), FILE_MODE},
            {"env", bytes_of_string(environment), FILE_MODE},
        };

        done = write_files(publish->directory, contents, GL_ARRAY_SIZE(contents), ret_error) ||
               error_prefix(ret_error, "ca.publish: %s", publish->path);
    }
    text_free(&bundle);
    text_free(&store);
    mem_free(wgetrc);
    mem_free(environment);
    mem_free(gitconfig);
    mem_free(signers);
    mem_free(program);
    return done;
}

void publish_set_remote_hosts(struct publish *publish, const struct remote_host *hosts, size_t count)
{
    remote_hosts_free(publish->remote_hosts, publish->remote_host_count);
    publish->remote_hosts = remote_hosts_copy(hosts, count);
    publish->remote_host_count = count;
}

bool publish_write_rules(struct publish *publish, struct bytes rules, struct error *ret_error)
{
    const struct content content = {"rules.json", rules, FILE_MODE};

    return write_files(publish->directory, &content, 1, ret_error) ||
           error_prefix(ret_error, "ca.publish: %s", publish->path);
}

void publish_set_signing_key(struct publish *publish, const char *public_key)
{
    mem_free(publish->signing_key);
    publish->signing_key = mem_string(public_key);
}

const char *publish_directory(const struct publish *publish)
{
    return publish->path;
}

char *publish_directory_of(const char *named)
{
    return own_directory_find(named, DIRECTORY_MODE, "env");
}
