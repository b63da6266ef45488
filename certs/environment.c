#include "environment.h"

#include "bytes.h"
#include "mem.h"
#include "text.h"

// Never through the proxy: it would refuse them. Not ::1, which httpx before 0.25 takes for a broken URL and dies of.
#define NO_PROXY_ADDED "localhost,127.0.0.1"

struct entry {
    char *name;
    char *value;
    bool adds; // to what the variable holds: in the sh form, environment_text writes it by itself
};

struct environment {
    struct entry *entries;
    size_t count;
    size_t capacity;
};

// Takes the value.
static struct entry *add(struct environment *environment, const char *name, char *value)
{
    struct entry *entry;

    environment->entries =
        mem_grow(environment->entries, &environment->capacity, environment->count + 1, sizeof(*entry));
    entry = &environment->entries[environment->count++];
    *entry = (struct entry){.name = mem_string(name), .value = value};
    return entry;
}

static void add_file(struct environment *environment, const char *name, const char *directory, const char *file)
{
    add(environment, name, mem_format("%s/%s", directory, file));
}

// `had` and what we add; `had` alone where that is in it already.
static char *no_proxy_value(const char *had)
{
    char *listed = mem_format(",%s,", had ? had : "");
    bool there = strstr(listed, "," NO_PROXY_ADDED ",") != NULL;
    bool empty = !had || had[0] == '\0';

    mem_free(listed);
    if (there)
        return mem_string(had);
    return mem_format("%s%s" NO_PROXY_ADDED, empty ? "" : had, empty ? "" : ",");
}

// A tool reads one of the two, and which one differs: a variable that is not set takes the other's value.
static void add_no_proxy(struct environment *environment, const struct environment_settings *settings)
{
    const char *lower = settings->no_proxy ? settings->no_proxy : settings->no_proxy_upper;
    const char *upper = settings->no_proxy_upper ? settings->no_proxy_upper : settings->no_proxy;

    add(environment, "no_proxy", no_proxy_value(lower))->adds = true;
    add(environment, "NO_PROXY", no_proxy_value(upper))->adds = true;
}

struct environment *environment_new(const struct environment_settings *settings)
{
    // Most of these replace the system's roots. The last two add to them, and may have named a CA of the user's.
    static const char *const bundled[] = {
        "GIT_SSL_CAINFO",
        "CURL_CA_BUNDLE",
        "SSL_CERT_FILE",
        "CARGO_HTTP_CAINFO",
        "PIP_CERT",
        "REQUESTS_CA_BUNDLE",
        "npm_config_cafile",
        "AWS_CA_BUNDLE",
        "NIX_SSL_CERT_FILE",
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
        "NODE_EXTRA_CA_CERTS",
        "DENO_CERT",
    };
    struct environment *environment = mem_alloc_zero(1, sizeof(*environment));

    // Not HTTP_PROXY: plain HTTP is refused, and CGI takes it from a request's field (CVE-2016-5385).
    add(environment, "https_proxy", mem_string(settings->proxy_url));
    add(environment, "HTTPS_PROXY", mem_string(settings->proxy_url));
    add_no_proxy(environment, settings);
    for (size_t i = 0; i < GL_ARRAY_SIZE(bundled); i++)
        add_file(environment, bundled[i], settings->directory, "bundle.pem");
    add_file(environment, "WGETRC", settings->directory, "wgetrc");
    add(environment, "CARGO_NET_GIT_FETCH_WITH_CLI", mem_string("true"));
    add(environment, "NODE_USE_ENV_PROXY", mem_string("1"));
    if (settings->gh_token)
        add(environment, "GH_TOKEN", mem_string(settings->gh_token));
    if (settings->signs)
        add_file(environment, "SSH_AUTH_SOCK", settings->directory, ENVIRONMENT_AGENT_SOCKET);
    return environment;
}

// Takes both strings.
static void add_git_setting(struct environment *environment, unsigned number, char *key, char *value)
{
    char *name = mem_format("GIT_CONFIG_KEY_%u", number);

    add(environment, name, key);
    mem_free(name);
    name = mem_format("GIT_CONFIG_VALUE_%u", number);
    add(environment, name, value);
    mem_free(name);
}

struct environment *environment_new_git(const char *directory, unsigned git_config_count)
{
    struct environment *environment = mem_alloc_zero(1, sizeof(*environment));

    add(environment, "GIT_CONFIG_COUNT", mem_format("%u", git_config_count + 1));
    add_git_setting(environment, git_config_count, mem_string("include.path"), mem_format("%s/gitconfig", directory));
    return environment;
}

struct environment *environment_new_credential(const struct name_list *web_hosts, unsigned git_config_count)
{
    struct environment *environment = mem_alloc_zero(1, sizeof(*environment));
    unsigned number = git_config_count;

    add(environment, "GIT_CONFIG_COUNT",
        mem_format("%u", number + (unsigned)web_hosts->count * ENVIRONMENT_CREDENTIAL_SETTINGS));
    for (size_t i = 0; i < web_hosts->count; i++) {
        const char *host = web_hosts->names[i];

        add_git_setting(environment, number++, mem_format("credential.https://%s.useHttpPath", host),
                        mem_string("true"));
        add_git_setting(environment, number++, mem_format("credential.https://%s.helper", host),
                        mem_string(ENVIRONMENT_CREDENTIAL_HELPER));
    }
    return environment;
}

void environment_free(struct environment *environment)
{
    if (!environment)
        return;
    for (size_t i = 0; i < environment->count; i++) {
        mem_free(environment->entries[i].name);
        mem_free(environment->entries[i].value);
    }
    mem_free(environment->entries);
    mem_free(environment);
}

size_t environment_count(const struct environment *environment)
{
    return environment->count;
}

const char *environment_name(const struct environment *environment, size_t index)
{
    return environment->entries[index].name;
}

const char *environment_value(const struct environment *environment, size_t index)
{
    return environment->entries[index].value;
}

// Within single quotes a shell reads every byte as it is, but for the quote.
static void append_sh_quoted(struct text *text, const char *value)
{
    text_append_char(text, '\'');
    for (; *value; value++) {
        if (*value == '\'')
            text_append(text, "'\\''");
        else
            text_append_char(text, *value);
    }
    text_append_char(text, '\'');
}

// Like add_no_proxy, done by the shell that reads the file, once however often it does.
static void append_sh_no_proxy(struct text *text)
{
    static const char *const names[] = {"no_proxy", "NO_PROXY"};

    text_append(text, "no_proxy=\"${no_proxy-${NO_PROXY-}}\"\n"
                      "NO_PROXY=\"${NO_PROXY-$no_proxy}\"\n");
    for (size_t i = 0; i < GL_ARRAY_SIZE(names); i++)
        text_format(text,
                    "case \",$%1$s,\" in *,%2$s,*) ;; *) %1$s=\"${%1$s:+$%1$s,}%2$s\" ;; esac\n"
                    "export %1$s\n",
                    names[i], NO_PROXY_ADDED);
}

static void append_sh(struct text *text, const struct environment *environment)
{
    bool no_proxy_written = false;

    for (size_t i = 0; i < environment->count; i++) {
        const struct entry *entry = &environment->entries[i];

        if (!entry->adds) {
            text_format(text, "export %s=", entry->name);
            append_sh_quoted(text, entry->value);
            text_append_char(text, '\n');
        } else if (!no_proxy_written) {
            append_sh_no_proxy(text);
            no_proxy_written = true;
        }
    }
}

static void append_json(struct text *text, const struct environment *environment)
{
    text_append(text, "{");
    for (size_t i = 0; i < environment->count; i++) {
        text_format(text, "%s\n  \"%s\": ", i ? "," : "", environment->entries[i].name);
        text_append_json_string(text, bytes_of_string(environment->entries[i].value));
    }
    text_append(text, "\n}\n");
}

// A JSON string is a YAML one. Kubernetes expands $(NAME) in a value, and reads $$ as $.
static void append_k8s(struct text *text, const struct environment *environment)
{
    struct text value = {0};

    for (size_t i = 0; i < environment->count; i++) {
        text_clear(&value);
        for (const char *at = environment->entries[i].value; *at; at++) {
            if (*at == '$')
                text_append_char(&value, '$');
            text_append_char(&value, *at);
        }
        text_format(text, "- name: %s\n  value: ", environment->entries[i].name);
        text_append_json_string(text, text_bytes(&value));
        text_append_char(text, '\n');
    }
    text_free(&value);
}

// fish knows two escapes within single quotes.
static void append_fish(struct text *text, const struct environment *environment)
{
    for (size_t i = 0; i < environment->count; i++) {
        text_format(text, "set -gx %s '", environment->entries[i].name);
        for (const char *at = environment->entries[i].value; *at; at++) {
            if (*at == '\'' || *at == '\\')
                text_append_char(text, '\\');
            text_append_char(text, *at);
        }
        text_append(text, "'\n");
    }
}

// Single quotes: no reader of such files replaces anything within them. Only a value that has one is in double quotes,
// where `$`, `"` and the backslash are escaped.
static void append_dotenv(struct text *text, const struct environment *environment)
{
    for (size_t i = 0; i < environment->count; i++) {
        const char *value = environment->entries[i].value;
        bool escapes = strchr(value, '\'') != NULL;
        char quote = escapes ? '"' : '\'';

        text_format(text, "%s=%c", environment->entries[i].name, quote);
        for (; *value; value++) {
            if (escapes && strchr("$\"\\", *value))
                text_append_char(text, '\\');
            text_append_char(text, *value);
        }
        text_format(text, "%c\n", quote);
    }
}

// Neither GitHub's runner nor docker knows quotes: a value is all up to the line's end, and none of ours has one.
static void append_plain(struct text *text, const struct environment *environment)
{
    for (size_t i = 0; i < environment->count; i++)
        text_format(text, "%s=%s\n", environment->entries[i].name, environment->entries[i].value);
}

char *environment_text(const struct environment *environment, enum environment_format format)
{
    struct text text = {0};
    char *copy;

    switch (format) {
    case ENVIRONMENT_SH:
        append_sh(&text, environment);
        break;
    case ENVIRONMENT_JSON:
        append_json(&text, environment);
        break;
    case ENVIRONMENT_K8S:
        append_k8s(&text, environment);
        break;
    case ENVIRONMENT_FISH:
        append_fish(&text, environment);
        break;
    case ENVIRONMENT_DOTENV:
        append_dotenv(&text, environment);
        break;
    case ENVIRONMENT_GITHUB_ACTIONS:
    case ENVIRONMENT_DOCKER:
        append_plain(&text, environment);
        break;
    }
    copy = mem_string(text_string(&text));
    text_free(&text);
    return copy;
}
