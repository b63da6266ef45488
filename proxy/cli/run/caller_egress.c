#include "caller_egress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "mem.h"
#include "secret.h"
#include "text.h"
#include "web_url.h"

// curl(1), "ENVIRONMENT": lower case first; ALL_PROXY where none is named for the scheme.
static const char *const proxy_variables[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
static const char *const no_proxy_variables[] = {"no_proxy", "NO_PROXY"};
static const char *const ca_variables[] = {
    "SSL_CERT_FILE", "GIT_SSL_CAINFO", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS",
};

// A bundle of the system's roots has 220 KiB.
#define CA_FILE_MAX (4 * MIB)

// The first of the variables that is set and not empty; NULL: none is.
static const char *first_set(const char *const *names, size_t count, const char **ret_name)
{
    for (size_t i = 0; i < count; i++) {
        const char *value = getenv(names[i]);

        *ret_name = names[i];
        if (value && *value)
            return value;
    }
    return NULL;
}

static void add_item(struct text_list *list, struct bytes item)
{
    list->items = mem_realloc(list->items, (list->count + 1) * sizeof(*list->items));
    list->items[list->count++] = mem_bytes_string(item);
}

// The environment's "corp.example" and "*.corp.example" hold what is below it, too, as our ".corp.example" does.
static void add_exception(struct text_list *list, struct bytes entry)
{
    if (bytes_start_with(entry, BYTES("*.")))
        entry = bytes_skip(entry, 1);
    if (entry.size == 0)
        return;
    add_item(list, entry);
    if (entry.data[0] == '.' || bytes_equal(entry, BYTES("*")))
        return;
    char *below = mem_format(".%.*s", (int)entry.size, entry.data);
    add_item(list, bytes_of_string(below));
    mem_free(below);
}

static void take_exceptions(struct config *config)
{
    const char *name, *list = first_set(no_proxy_variables, GL_ARRAY_SIZE(no_proxy_variables), &name);
    struct bytes rest = bytes_of_string(list);

    while (rest.size > 0) {
        size_t size = 0;

        while (size < rest.size && rest.data[size] != ',' && rest.data[size] != ' ')
            size++;
        add_exception(&config->upstream_no_proxy, bytes_of(rest.data, size));
        rest = bytes_skip(rest, size < rest.size ? size + 1 : size);
    }
}

static bool take_proxy(struct config *config, bool *ret_taken, struct error *ret_error)
{
    const char *name, *url = first_set(proxy_variables, GL_ARRAY_SIZE(proxy_variables), &name);
    struct web_url_proxy proxy;
    struct error problem;

    *ret_taken = false;
    if (!url || config->upstream_proxy)
        return true;
    if (!web_url_proxy_parse(url, &proxy, &problem))
        return error_set(ret_error,
                         "%s cannot be used as the way out: it %s; gitlatch speaks to http:// and https:// "
                         "proxies. Set it to such a one, or unset it",
                         name, problem.text);
    config->upstream_proxy = web_url_proxy_text(&proxy);
    if (proxy.password)
        config->upstream_password = secret_new(bytes_of_string(proxy.password));
    web_url_proxy_clear(&proxy);
    take_exceptions(config);
    *ret_taken = true;
    return true;
}

// Adds what is in a file of certificates. False: it cannot be read.
static bool append_file(struct text *text, const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    char block[16 * 1024];
    ssize_t count = -1;

    if (file < 0)
        return false;
    while ((count = read(file, block, sizeof(block))) > 0)
        text_append_bytes(text, bytes_of(block, (size_t)count));
    close(file);
    text_append(text, "\n"); // the last line of a file may have no end
    return count == 0;
}

static bool has_item(const struct text_list *list, const char *item)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], item) == 0)
            return true;
    return false;
}

// The files that the variables name go into the bundle of the workspace. `ret_added` gets what is in them.
static void take_ca_files(struct config *config, struct text *ret_added)
{
    for (size_t i = 0; i < GL_ARRAY_SIZE(ca_variables); i++) {
        const char *path = getenv(ca_variables[i]);

        if (!path || !*path || has_item(&config->ca_roots, path))
            continue;
        if (append_file(ret_added, path))
            add_item(&config->ca_roots, bytes_of_string(path));
        else
            fprintf(stderr, "gitlatch run: %s names %s, which cannot be read: %s; it is left out\n", ca_variables[i],
                    path, strerror(errno));
    }
}

static bool write_file(const char *path, struct bytes content, struct error *ret_error)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ok = file >= 0 && write(file, content.data, content.size) == (ssize_t)content.size;

    if (!ok)
        error_set(ret_error, "%s: cannot be written: %s", path, strerror(errno));
    if (file >= 0)
        close(file);
    return ok;
}

// Makes `*trust` name a file that holds what it held and what was added.
static bool extend_trust(char **trust, const char *directory, const char *name, struct bytes added,
                         struct error *ret_error)
{
    char *path = mem_format("%s/%s", directory, name);
    struct text text;
    bool ok;

    text_init(&text, CA_FILE_MAX);
    ok = append_file(&text, *trust) || error_set_unreadable(ret_error, *trust, errno);
    text_append_bytes(&text, added);
    ok = ok && write_file(path, text_bytes(&text), ret_error);
    text_free(&text);
    mem_free(ok ? *trust : path);
    if (ok)
        *trust = path;
    return ok;
}

bool caller_egress_take(struct config *config, const char *directory, struct error *ret_error)
{
    struct text added;
    char name[48];
    bool taken, ok;

    text_init(&added, CA_FILE_MAX);
    take_ca_files(config, &added);
    ok = take_proxy(config, &taken, ret_error);
    if (ok && taken && text_bytes(&added).size > 0) {
        ok = extend_trust(&config->upstream_trust, directory, "proxy-roots.pem", text_bytes(&added), ret_error);
        for (size_t i = 0; ok && i < config->github_count; i++) {
            snprintf(name, sizeof(name), "github-roots-%zu.pem", i);
            ok = extend_trust(&config->githubs[i].trust, directory, name, text_bytes(&added), ret_error);
        }
    }
    text_free(&added);
    return ok;
}
